//! Encoding steps: pixels to a file, with the metadata that the step keeps.

use std::sync::Arc;

use image::{DynamicImage, Rgb, RgbImage};
use serde::Deserialize;

use crate::codecs::{avif, jpeg, png, webp};
use crate::error::{EncodeError, StepErrorKind};
use crate::file::Frame;
use crate::format::Format;
use crate::metadata::{self, Kind};
use crate::step::{Apply, Flow, Work};
use crate::value::{Colour, Colours, Level, Quality, Share};

/// `jpeg = { encoder = "libjpeg-turbo", quality = 80, chroma = "4:2:0", progressive = false, keep = [] }`.
///
/// `keep` lists the kinds of metadata that stay. `capped_at_source = true` lowers the quality to that of a JPEG
/// source, as jpegoptim's `-m` does. Alpha is flattened over `background`, white if absent. 16-bit samples are
/// reduced to 8.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jpeg {
    encoder: jpeg::Encoder,
    quality: Quality,
    chroma: jpeg::Chroma,
    progressive: bool,
    keep: Vec<Kind>,
    #[serde(default)]
    capped_at_source: bool,
    background: Option<Colour>,
}

/// `webp = { quality = 75, method = 4, keep = [] }`, or `lossless = true` with the quality as effort.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebP {
    quality: Quality,
    method: Level,
    #[serde(default)]
    lossless: bool,
    keep: Vec<Kind>,
}

/// `avif = { quality = 60, speed = 9 }`: 8-bit 4:4:4 by rav1e, in ravif's quality scale; no metadata is kept.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Avif {
    quality: Quality,
    speed: Level,
}

/// `png = { keep = [] }`, or with `colours` (2 to 256) and `dither` (0 to 1) for a palette.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Png {
    keep: Vec<Kind>,
    colours: Option<Colours>,
    dither: Option<Share>,
}

/// `save = { jpeg = {…}, png = {…}, webp = {…}, other = "jpeg" }`: what a service does that answers in the format it
/// was given. A format without settings of its own is written as `other`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WireSave")]
pub struct Save {
    jpeg: Option<Jpeg>,
    png: Option<Png>,
    webp: Option<WebP>,
    other: Format,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSave {
    jpeg: Option<Jpeg>,
    png: Option<Png>,
    webp: Option<WebP>,
    other: Format,
}

impl TryFrom<WireSave> for Save {
    type Error = String;

    fn try_from(wire: WireSave) -> Result<Self, String> {
        let save = Self {
            jpeg: wire.jpeg,
            png: wire.png,
            webp: wire.webp,
            other: wire.other,
        };
        if save.settings(save.other).is_none() {
            return Err(format!(
                "save.other is \"{}\", for which save has no settings",
                save.other
            ));
        }
        Ok(save)
    }
}

/// One encoder's way from a frame to the bytes of a file without metadata.
trait Encode {
    fn format(&self) -> Format;
    fn keep(&self) -> &[Kind];
    fn encode(&self, frame: &Frame, source: &[u8]) -> Result<Vec<u8>, EncodeError>;
}

impl Save {
    fn settings(&self, format: Format) -> Option<&dyn Encode> {
        match format {
            Format::Jpeg => self.jpeg.as_ref().map(|settings| settings as &dyn Encode),
            Format::Png => self.png.as_ref().map(|settings| settings as &dyn Encode),
            Format::WebP => self.webp.as_ref().map(|settings| settings as &dyn Encode),
            _ => None,
        }
    }
}

impl Encode for Jpeg {
    fn format(&self) -> Format {
        Format::Jpeg
    }

    fn keep(&self) -> &[Kind] {
        &self.keep
    }

    fn encode(&self, frame: &Frame, source: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let mut quality = self.quality.get();
        if self.capped_at_source {
            let of_source = jpeg::traits(source).and_then(|traits| traits.quality);
            quality = of_source.map_or(quality, |of_source| quality.min(of_source));
        }
        let settings = jpeg::Settings {
            encoder: self.encoder,
            quality,
            chroma: self.chroma,
            progressive: self.progressive,
        };
        if frame.pixels.color().has_alpha() {
            let background = self.background.map_or([255; 3], Colour::rgb);
            return jpeg::encode(&flattened(&frame.pixels, background), settings);
        }
        jpeg::encode(&frame.pixels, settings)
    }
}

/// The pixels composited over an opaque colour.
fn flattened(pixels: &DynamicImage, background: [u8; 3]) -> DynamicImage {
    let rgba = pixels.to_rgba8();
    let mut flat = RgbImage::new(rgba.width(), rgba.height());
    for (target, source) in flat.pixels_mut().zip(rgba.pixels()) {
        let alpha = u32::from(source[3]);
        let over = |c: usize| {
            let sum = u32::from(source[c]) * alpha + u32::from(background[c]) * (255 - alpha);
            // Rounded division by 255; the quotient is at most 255.
            ((sum + 127) / 255) as u8
        };
        *target = Rgb([over(0), over(1), over(2)]);
    }
    DynamicImage::ImageRgb8(flat)
}

impl Encode for WebP {
    fn format(&self) -> Format {
        Format::WebP
    }

    fn keep(&self) -> &[Kind] {
        &self.keep
    }

    fn encode(&self, frame: &Frame, _source: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let settings = webp::Settings {
            quality: self.quality.get(),
            method: self.method.get(),
            lossless: self.lossless,
        };
        webp::encode(&frame.pixels, settings)
    }
}

impl Encode for Avif {
    fn format(&self) -> Format {
        Format::Avif
    }

    fn keep(&self) -> &[Kind] {
        &[]
    }

    fn encode(&self, frame: &Frame, _source: &[u8]) -> Result<Vec<u8>, EncodeError> {
        avif::encode(&frame.pixels, self.quality.get(), self.speed.get())
    }
}

impl Encode for Png {
    fn format(&self) -> Format {
        Format::Png
    }

    fn keep(&self) -> &[Kind] {
        &self.keep
    }

    fn encode(&self, frame: &Frame, _source: &[u8]) -> Result<Vec<u8>, EncodeError> {
        match self.colours {
            Some(colours) => png::encode_palette(
                &frame.pixels,
                colours.get(),
                self.dither.map_or(0.0, Share::get),
            ),
            None => png::encode(&frame.pixels),
        }
    }
}

fn run(settings: &dyn Encode, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
    let source = Arc::clone(work.file());
    let meter = work.meter();
    let frame = work.frame()?;
    let bare = meter.codec(|| settings.encode(frame, source.bytes()))?;
    let kept = frame.metadata.filtered(settings.keep());
    let bytes = if kept.is_empty() {
        bare
    } else {
        metadata::written(settings.format(), bare, &kept)?
    };
    work.replace(bytes)?;
    Ok(Flow::Continue)
}

macro_rules! apply_by_encoding {
    ($($type:ty),*) => {$(
        impl Apply for $type {
            fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
                run(self, work)
            }
        }
    )*};
}
apply_by_encoding!(Jpeg, WebP, Avif, Png);

impl Apply for Save {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        // `other` was checked to have settings when the recipe was read.
        match self
            .settings(work.file().format())
            .or_else(|| self.settings(self.other))
        {
            Some(settings) => run(settings, work),
            None => Err(StepErrorKind::Format {
                expected: "the formats it has settings for",
                found: work.file().format(),
            }),
        }
    }
}
