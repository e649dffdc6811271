//! Content sketches: is this the registered picture, or a part of it?
//!
//! A pointer to a proof (a link, a watermark) can be pasted onto any image. A [`Sketch`], a luma thumbnail of at most
//! 1532 bytes that is registered with the proof and covered by its signature, ties the proof to its content: the
//! received image is aligned to it over size, aspect, flips and quarter turns, borders, crops down to a quarter of the
//! area and small rotations, and then compared cell by cell.
//!
//! ```
//! use credlink_sign_core::sketch::{Received, Registered, Sketch, Likeness};
//! use image::{DynamicImage, RgbImage, metadata::Orientation};
//!
//! let picture = RgbImage::from_fn(600, 400, |x, y| image::Rgb([(x * y % 251) as u8, (x / 3) as u8, (y / 2) as u8]));
//! let picture = DynamicImage::from(picture);
//! let sketch = Sketch::of(&picture, Orientation::NoTransforms);
//! let registered = Registered::new(&sketch, (600, 400));
//! let smaller = picture.thumbnail_exact(280, 200).fliph();
//! let comparison = registered.compare(&Received::of(&smaller, Orientation::NoTransforms));
//! assert_eq!(comparison.verdict, Likeness::Same);
//! assert_eq!(comparison.symmetry, Orientation::FlipHorizontal);
//! ```

mod agreement;
mod codec;
mod compare;
mod field;
mod pointed;
mod received;
mod reduce;
mod refine;
mod registered;
mod search;
mod shade;
mod shading;
mod whereabouts;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::DynamicImage;
use image::metadata::Orientation;
use serde::{Deserialize, Serialize};

pub use self::agreement::{AgreementMap, Cell};
pub(crate) use self::compare::Bars;
pub use self::compare::{Comparison, Likeness, Path};
pub use self::received::Received;
pub use self::registered::Registered;
pub use self::shade::Shades;
pub(crate) use self::shade::is_plain;
pub use self::whereabouts::Part;
pub(crate) use self::whereabouts::Whereabouts;
pub use crate::pixels::affine::{Affine, Placement};
use crate::pixels::canonical::resized;
use crate::pixels::plane::Plane;

/// A luma thumbnail of a displayed image, coded in at most 1532 bytes. As JSON: at most 2044 characters of base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sketch(Vec<u8>);

/// The bytes are no sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("content sketch is not base64, or has not the length that its first two bytes announce")]
pub struct SketchError;

impl Sketch {
    /// Sketches coded pixels as they are displayed under `orientation`. Costs about 0.5 ms a megapixel.
    pub fn of(image: &DynamicImage, orientation: Orientation) -> Self {
        let plane = reduce::reduced(image).unwrap_or_else(|| Plane::from_fn(1, 1, |_, _| 255.0));
        let plane = plane.displayed(orientation);
        // The proportions of the reduced plane are rounded; those of the image are not.
        let (width, height) = (image.width(), image.height());
        let upright = plane.width >= plane.height;
        let size = if upright == (width >= height) {
            (width, height)
        } else {
            (height, width)
        };
        let (columns, rows) = codec::cells(size);
        let samples = resized(&plane, (columns * codec::CELL, rows * codec::CELL));
        Self(codec::encoded(&samples))
    }

    /// Takes the bytes of [`Sketch::as_bytes`].
    ///
    /// # Errors
    /// [`SketchError`] for anything else.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, SketchError> {
        if codec::is_valid(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(SketchError)
        }
    }

    /// The coded sketch.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The picture as it looks on a black page, where that is another look: `None` if every pixel is opaque.
pub(crate) fn over_black(image: &DynamicImage) -> Option<DynamicImage> {
    /// Opacity, of 255, that hides what lies behind.
    const OPAQUE: u8 = 250;
    if !image.color().has_alpha() {
        return None;
    }
    let pixels = image.to_rgba8();
    if pixels.pixels().all(|pixel| pixel[3] >= OPAQUE) {
        return None;
    }
    let dark = |pixel: &image::Rgba<u8>| {
        let alpha = u32::from(pixel[3]);
        [0, 1, 2].map(|channel| ((u32::from(pixel[channel]) * alpha + 127) / 255) as u8)
    };
    let data = pixels.pixels().flat_map(dark).collect();
    image::RgbImage::from_raw(pixels.width(), pixels.height(), data).map(DynamicImage::ImageRgb8)
}

impl TryFrom<String> for Sketch {
    type Error = SketchError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_bytes(BASE64.decode(text).map_err(|_| SketchError)?)
    }
}

impl From<Sketch> for String {
    fn from(sketch: Sketch) -> Self {
        BASE64.encode(sketch.0)
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [columns, rows] = [self.0[0], self.0[1]].map(|cells| usize::from(cells) * codec::CELL);
        write!(f, "Sketch({columns}×{rows})")
    }
}
