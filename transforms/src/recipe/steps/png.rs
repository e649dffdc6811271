//! Encoding as PNG: true colour, palettes, depth and effort.

use image::DynamicImage;
use serde::Deserialize;

use super::encode::{Encode, run};
use crate::codecs::png;
use crate::error::{EncodeError, StepErrorKind};
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Colours, Level, Quality, Share};
use credlink_image_files::metadata::Kind;
use credlink_image_files::{Format, Frame};

/// `png = { keep = [] }`, or with `colours` (2 to 256) and `dither` (0 to 1) for a palette, or with `depth` 8 or 16 for
/// samples of that many bits; without it the pixels' own depth stays. `colour = true` writes grey pixels as three equal
/// channels; `indexed_as_source = true` gives a picture that came with a palette one of 256 colours. `quality` (1 to 100)
/// makes the palette as small as libimagequant's quality allows. `level` (zlib's, 1 to 9) and `unfiltered = true` make the file
/// about as large as a server's, where a later step compares sizes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Png {
    keep: Vec<Kind>,
    colours: Option<Colours>,
    dither: Option<Share>,
    quality: Option<Quality>,
    level: Option<Level>,
    #[serde(default)]
    unfiltered: bool,
    depth: Option<Depth>,
    #[serde(default)]
    colour: bool,
    #[serde(default)]
    indexed_as_source: bool,
}

/// Whether a PNG file has a palette: colour type 3 of its header (PNG, third edition, 11.2.1).
fn is_indexed(file: &[u8]) -> bool {
    Format::sniff(file) == Some(Format::Png) && file.get(25) == Some(&3)
}

/// Bits a sample.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "u8")]
struct Depth(u8);

impl TryFrom<u8> for Depth {
    type Error = String;

    fn try_from(bits: u8) -> Result<Self, String> {
        match bits {
            8 | 16 => Ok(Self(bits)),
            _ => Err(format!("{bits} is not 8 or 16 bits")),
        }
    }
}

impl Encode for Png {
    fn format(&self) -> Format {
        Format::Png
    }

    fn keep(&self) -> &[Kind] {
        &self.keep
    }

    fn encode(
        &self,
        frame: &Frame,
        source: &[u8],
        _quality: Option<u8>,
    ) -> Result<Vec<u8>, EncodeError> {
        if let Some(colours) = self.colours {
            let dither = self.dither.map_or(0.0, Share::get);
            let quality = self.quality.map(Quality::get);
            return png::encode_palette(&frame.pixels, colours.get(), dither, quality);
        }
        if self.indexed_as_source && is_indexed(source) {
            return png::encode_palette(&frame.pixels, 256, 0.0, None);
        }
        let effort = png::Effort {
            level: self.level.map(|level| level.get().clamp(1, 9)),
            filters: !self.unfiltered,
        };
        let coloured = self.colour && !frame.pixels.color().has_color();
        let pixels = match coloured {
            true => &in_colour(&frame.pixels),
            false => &*frame.pixels,
        };
        match self.depth {
            None => png::encode_with(pixels, effort),
            Some(depth) => png::encode_with(&with_depth(pixels, depth.0 == 16), effort),
        }
    }
}

/// Grey pixels as three equal channels, of the same depth and with their alpha.
fn in_colour(pixels: &DynamicImage) -> DynamicImage {
    let is_wide = pixels.color().bytes_per_pixel() / pixels.color().channel_count() > 1;
    match (pixels.color().has_alpha(), is_wide) {
        (true, true) => pixels.to_rgba16().into(),
        (true, false) => pixels.to_rgba8().into(),
        (false, true) => pixels.to_rgb16().into(),
        (false, false) => pixels.to_rgb8().into(),
    }
}

/// The same kind of pixels with 16 bits a sample, or 8.
fn with_depth(pixels: &DynamicImage, wide: bool) -> DynamicImage {
    let colour = pixels.color();
    match (colour.has_color(), colour.has_alpha(), wide) {
        (true, true, true) => pixels.to_rgba16().into(),
        (true, true, false) => pixels.to_rgba8().into(),
        (true, false, true) => pixels.to_rgb16().into(),
        (true, false, false) => pixels.to_rgb8().into(),
        (false, true, true) => pixels.to_luma_alpha16().into(),
        (false, true, false) => pixels.to_luma_alpha8().into(),
        (false, false, true) => pixels.to_luma16().into(),
        (false, false, false) => pixels.to_luma8().into(),
    }
}

impl Apply for Png {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        run(self, work)
    }
}
