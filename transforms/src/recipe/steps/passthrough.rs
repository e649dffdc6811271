//! Serving a file as it is.

use serde::Deserialize;

use crate::codecs::jpeg;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Area, Bytes, Factor, Share, Side};
use credlink_image_files::metadata::{self, Kind};
use credlink_image_files::{Format, containers};

/// `passthrough = { max_width = 640, max_long_side = 2048, max_pixels = …, max_bytes = …, max_bits_per_pixel = 4,
/// max_segments = 0.05, formats = ["jpeg"], without = ["exif"], animated = true }`: when every limit that is given holds and none of the
/// kinds of metadata is there, the current file is the recipe's result, byte for byte. `max_segments` is the share of a
/// JPEG file that its application segments but the first kind may take, a manifest among them; other formats have none.
/// `animated` holds for files of several pictures that a viewer shows one after the other, or for all others.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passthrough {
    max_width: Option<Side>,
    max_long_side: Option<Side>,
    max_pixels: Option<Area>,
    max_bytes: Option<Bytes>,
    max_bits_per_pixel: Option<Factor>,
    max_segments: Option<Share>,
    formats: Option<Vec<Format>>,
    without: Option<Vec<Kind>>,
    animated: Option<bool>,
}

impl Apply for Passthrough {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let file = work.encoded()?;
        let small = self
            .max_bytes
            .is_none_or(|limit| file.bytes().len() <= limit.get() as usize)
            && self
                .formats
                .as_ref()
                .is_none_or(|formats| formats.contains(&file.format()))
            && self.animated.is_none_or(|wanted| {
                wanted == containers::is_animation(file.format(), file.bytes())
            })
            && self.max_segments.is_none_or(|share| {
                let segments = match file.format() {
                    Format::Jpeg => jpeg::segment_bytes(file.bytes()),
                    _ => 0,
                };
                segments as f64 <= share.get() * file.bytes().len() as f64
            });
        let unwanted = || {
            let metadata = metadata::read(file.format(), file.bytes());
            let kinds = self.without.iter().flatten();
            kinds.into_iter().any(|kind| metadata.has(*kind))
        };
        if !small || (self.without.is_some() && unwanted()) {
            return Ok(Flow::Continue);
        }
        if self.max_width.is_some()
            || self.max_long_side.is_some()
            || self.max_pixels.is_some()
            || self.max_bits_per_pixel.is_some()
        {
            let bits = file.bytes().len() as f64 * 8.0;
            let pixels = &work.frame()?.pixels;
            let (width, height) = (pixels.width(), pixels.height());
            let fits = self
                .max_width
                .is_none_or(|limit| width <= limit.get().into())
                && self
                    .max_long_side
                    .is_none_or(|limit| width.max(height) <= limit.get().into())
                && self
                    .max_pixels
                    .is_none_or(|limit| u64::from(width) * u64::from(height) <= limit.get().into())
                && self
                    .max_bits_per_pixel
                    .is_none_or(|limit| bits <= limit.get() * f64::from(width) * f64::from(height));
            if !fits {
                return Ok(Flow::Continue);
            }
        }
        Ok(Flow::Finish)
    }
}
