//! The picture that points are found in: luma over white with a long side of 512 pixels, as displayed.

use image::DynamicImage;
use image::metadata::Orientation;

use crate::pixels::canonical::size_for;
use crate::pixels::luma::reduced;

/// Long side, pixels.
const LONG_SIDE: usize = 512;

/// Grey levels, row by row.
#[derive(Clone, Debug)]
pub(super) struct Canonical {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) luma: Vec<u8>,
}

/// Width and height of the canonical picture of an image of this displayed size, pixels; the shorter side is at least 8.
pub(crate) fn canonical_size(displayed: (u32, u32)) -> (usize, usize) {
    size_for((displayed.0 as usize, displayed.1 as usize), LONG_SIDE)
}

impl Canonical {
    /// Of coded pixels that are displayed under `orientation`; without pixels where the image has none. About a millisecond a
    /// megapixel.
    pub(super) fn of(image: &DynamicImage, orientation: Orientation) -> Self {
        let size = (image.width() as usize, image.height() as usize);
        if size.0 == 0 || size.1 == 0 {
            return Self {
                width: 0,
                height: 0,
                luma: Vec::new(),
            };
        }
        let [plane] = reduced(image, [size_for(size, LONG_SIDE)]);
        let plane = plane.displayed(orientation);
        Self {
            width: plane.width,
            height: plane.height,
            // The cast saturates and drops the fraction.
            luma: plane.data.iter().map(|luma| (luma + 0.5) as u8).collect(),
        }
    }
}
