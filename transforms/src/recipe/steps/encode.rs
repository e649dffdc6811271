//! Encoding steps: pixels to a file, with the metadata that the step keeps.

use std::sync::Arc;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, Rgb, RgbImage};
use serde::Deserialize;

use super::convert_to_srgb::srgb_profile;
use crate::codecs::{avif, bmp, gif, jpeg, jxl, tiff, webp};
use crate::error::{EncodeError, StepErrorKind};
use crate::recipe::step::{Apply, Encodes, Flow, Work};
use crate::value::{Colour, Colours, Divisor, Level, Quality, Share};
use credlink_image_files::Frame;
use credlink_image_files::metadata::{self, Kind};
use credlink_image_files::{ContainerError, Format};

/// `jpeg = { encoder = "libjpeg-turbo", quality = 80, chroma = "4:2:0", progressive = false, keep = [] }`.
///
/// `keep` lists the kinds of metadata that stay. `capped_at_source = true` lowers the quality to that of a JPEG
/// source, as jpegoptim's `-m` does; `like_source = true` takes quality, sampling and scan mode from a JPEG source, as
/// ImageMagick does, and the settings given here for others. `optimised = true` fits the Huffman tables (bytes alone
/// change). `tables` are the luma and chroma quantisation tables in zigzag order in place of the quality's, for
/// `jpeg-encoder` only. `grey_as_colour = true` writes grey pictures with three components, as GD and sharp do;
/// `like_source` writes pictures that hold no colour with one, as ImageMagick does. Alpha is flattened over `background`,
/// white if absent. 16-bit samples are reduced to 8. `chroma_like_source = true` takes the sampling alone from a JPEG source.
/// `density = "1:96x96"` stands in the JFIF header (unit, across, down). `icc = "srgb"` writes a profile of the encoder's own
/// where none is kept, `iptc = "fbmd"` a record as Meta's services write it (its content stands for theirs), and
/// `comment = "zero"` a comment of one zero byte at the end.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WireJpeg")]
pub struct Jpeg(WireJpeg);

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireJpeg {
    encoder: jpeg::Encoder,
    quality: Quality,
    chroma: jpeg::Chroma,
    progressive: bool,
    keep: Vec<Kind>,
    #[serde(default)]
    capped_at_source: bool,
    #[serde(default)]
    like_source: bool,
    #[serde(default)]
    optimised: bool,
    #[serde(default)]
    grey_as_colour: bool,
    #[serde(default)]
    chroma_like_source: bool,
    density: Option<jpeg::Density>,
    icc: Option<OwnProfile>,
    iptc: Option<OwnRecord>,
    comment: Option<OwnComment>,
    tables: Option<Tables>,
    background: Option<Colour>,
}

/// A profile that an encoder writes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OwnProfile {
    /// sRGB, in our library's words: another one than the service's, with the same meaning.
    Srgb,
}

/// An IPTC record that a service writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OwnRecord {
    /// Meta's: special instructions that begin with FBMD.
    Fbmd,
}

/// A comment that an encoder writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OwnComment {
    /// One zero byte, between the last scan and the end.
    Zero,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    luma: Vec<Divisor>,
    chroma: Vec<Divisor>,
}

impl TryFrom<WireJpeg> for Jpeg {
    type Error = String;

    fn try_from(wire: WireJpeg) -> Result<Self, String> {
        if let Some(tables) = &wire.tables {
            if tables.luma.len() != 64 || tables.chroma.len() != 64 {
                return Err("jpeg.tables takes 64 numbers each for luma and chroma".to_owned());
            }
            if wire.encoder != jpeg::Encoder::JpegEncoder {
                return Err("jpeg.tables works with encoder = \"jpeg-encoder\" only".to_owned());
            }
        }
        if wire.like_source && wire.capped_at_source {
            return Err("jpeg takes at most one of like_source and capped_at_source".to_owned());
        }
        Ok(Self(wire))
    }
}

/// `webp = { quality = 75, method = 4, keep = [] }`, or `lossless = true` with the quality as effort.
/// `sharp_yuv = true` is libwebp's careful chroma subsampling (sharp's smart_subsample), `alpha_quality` 100 if absent.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebP {
    quality: Quality,
    method: Level,
    #[serde(default)]
    lossless: bool,
    #[serde(default)]
    sharp_yuv: bool,
    alpha_quality: Option<Quality>,
    keep: Vec<Kind>,
}

/// `avif = { quality = 60, speed = 9 }`: 8-bit 4:4:4 by rav1e, in ravif's quality scale. No metadata is kept unless
/// `keep` names it, as in all formats below.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Avif {
    quality: Quality,
    speed: Level,
    #[serde(default)]
    keep: Vec<Kind>,
}

/// `gif = { colours = 256, dither = 1.0 }`: one frame; a pixel is transparent or opaque. `keep` as for AVIF.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gif {
    colours: Colours,
    dither: Share,
    #[serde(default)]
    keep: Vec<Kind>,
}

/// `tiff = {}`: uncompressed, at the pixels' own depth. `keep` as for AVIF; `orientation = true` writes the source's, which is
/// part of EXIF elsewhere and a tag of its own here.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiff {
    #[serde(default)]
    keep: Vec<Kind>,
    #[serde(default)]
    orientation: bool,
}

/// `jxl = { keep = [] }`: without loss, at the pixels' own depth, for pictures of at least 2 by 2 pixels.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jxl {
    keep: Vec<Kind>,
}

/// `bmp = {}`: 8 bits, with alpha where the pixels have it; no metadata is kept.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bmp {}

/// One encoder's way from a frame to the bytes of a file without metadata.
pub(crate) trait Encode {
    fn format(&self) -> Format;
    fn keep(&self) -> &[Kind];
    /// What the encoder adds to the metadata that are kept.
    fn add_own(&self, _kept: &mut metadata::Metadata) {}
    /// The last touch to the finished file.
    fn finish(&self, _file: &mut Vec<u8>) {}
    /// Whether the orientation stays where EXIF does not.
    fn keeps_orientation(&self) -> bool {
        false
    }
    /// The quality that the recipe sets, where the format has one.
    fn quality(&self) -> Option<u8> {
        None
    }
    /// `quality` stands in for the recipe's own; `source` is the file that the pixels come from.
    fn encode(
        &self,
        frame: &Frame,
        source: &[u8],
        quality: Option<u8>,
    ) -> Result<Vec<u8>, EncodeError>;
}

impl<T: Encode> Encodes for T {
    fn gives(&self, _: Format) -> Format {
        self.format()
    }

    fn checked_keep(&self) -> Result<(), String> {
        checked(self)
    }
}

impl Jpeg {
    /// What the encoder makes of these pixels, that no file stood behind, without metadata that are kept.
    pub(crate) fn specimen(&self, pixels: &DynamicImage) -> Result<Vec<u8>, StepErrorKind> {
        let frame = Frame {
            pixels: Arc::new(pixels.clone()),
            orientation: Orientation::NoTransforms,
            metadata: metadata::Metadata::default(),
        };
        let bare = self.encode(&frame, &[], None)?;
        Ok(finished(self, bare, metadata::Metadata::default())?)
    }

    /// Whether a profile, an IPTC record and a comment of the encoder's own are written.
    pub(crate) fn writes(&self) -> [bool; 3] {
        let own = &self.0;
        [own.icc.is_some(), own.iptc.is_some(), own.comment.is_some()]
    }

    /// Whether this kind of metadata stays.
    pub(crate) fn keeps(&self, kind: Kind) -> bool {
        self.0.keep.contains(&kind)
    }
}

impl Encode for Jpeg {
    fn format(&self) -> Format {
        Format::Jpeg
    }

    fn keep(&self) -> &[Kind] {
        &self.0.keep
    }

    fn quality(&self) -> Option<u8> {
        Some(self.0.quality.get())
    }

    fn add_own(&self, kept: &mut metadata::Metadata) {
        if self.0.icc.is_some() && kept.icc.is_none() {
            kept.icc = srgb_profile().map(Into::into);
        }
        if self.0.iptc.is_some() && kept.iptc.is_none() {
            // Dataset 40, special instructions; the figures behind the four letters mean something to Meta alone.
            let record = [(40, format!("FBMD{}", "0".repeat(60)))];
            kept.iptc = Some(metadata::fields::iptc(&record));
        }
    }

    fn finish(&self, file: &mut Vec<u8>) {
        if let Some(density) = self.0.density {
            jpeg::set_density(file, density);
        }
        if self.0.comment.is_some() && file.ends_with(&[0xFF, 0xD9]) {
            let end = file.len() - 2;
            file.splice(end..end, [0xFF, 0xFE, 0, 3, 0]);
        }
    }

    fn encode(
        &self,
        frame: &Frame,
        source: &[u8],
        quality: Option<u8>,
    ) -> Result<Vec<u8>, EncodeError> {
        let own = &self.0;
        let mut settings = jpeg::Settings {
            encoder: own.encoder,
            quality: quality.unwrap_or(own.quality.get()),
            chroma: own.chroma,
            progressive: own.progressive,
        };
        let of_source = own.capped_at_source || own.like_source || own.chroma_like_source;
        let traits = if of_source {
            jpeg::traits(source)
        } else {
            None
        };
        if let Some(traits) = traits {
            if own.capped_at_source {
                settings.quality = settings.quality.min(traits.quality.unwrap_or(100));
            }
            if own.chroma_like_source {
                settings.chroma = traits.chroma().unwrap_or(settings.chroma);
            }
            if own.like_source {
                settings.quality = jpeg::quality_by_sum(source).unwrap_or(settings.quality);
                settings.chroma = traits.chroma().unwrap_or(settings.chroma);
                settings.progressive = traits.progressive;
            }
        }
        let flat;
        let pixels = if frame.pixels.color().has_alpha() {
            flat = flattened(&frame.pixels, own.background.map_or([255; 3], Colour::rgb));
            &flat
        } else {
            &*frame.pixels
        };
        let converted: DynamicImage;
        let pixels = if own.grey_as_colour && !pixels.color().has_color() {
            converted = pixels.to_rgb8().into();
            &converted
        } else if own.like_source
            && let Some(grey) = without_colour(pixels)
        {
            converted = grey.into();
            &converted
        } else {
            pixels
        };
        let tables = own.tables.as_ref().map(|tables| {
            [&tables.luma, &tables.chroma]
                .map(|table| std::array::from_fn(|index| table[index].get()))
        });
        let extras = jpeg::Extras {
            optimised: own.optimised,
            tables: tables.map(Box::new),
        };
        jpeg::encode_with(pixels, settings, &extras)
    }
}

/// The one channel of a picture whose three are equal everywhere.
fn without_colour(pixels: &DynamicImage) -> Option<GrayImage> {
    let DynamicImage::ImageRgb8(rgb) = pixels else {
        return None;
    };
    let grey = rgb.pixels().all(|Rgb([r, g, b])| r == g && g == b);
    let luma = || rgb.pixels().map(|pixel| pixel[0]).collect();
    grey.then(|| GrayImage::from_raw(rgb.width(), rgb.height(), luma()))?
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

    fn quality(&self) -> Option<u8> {
        (!self.lossless).then(|| self.quality.get())
    }

    fn encode(
        &self,
        frame: &Frame,
        _source: &[u8],
        quality: Option<u8>,
    ) -> Result<Vec<u8>, EncodeError> {
        let settings = webp::Settings {
            quality: quality.unwrap_or(self.quality.get()),
            method: self.method.get(),
            lossless: self.lossless,
        };
        let extras = webp::Extras {
            sharp_yuv: self.sharp_yuv,
            alpha_quality: self.alpha_quality.map_or(100, Quality::get),
        };
        webp::encode_with(&frame.pixels, settings, extras)
    }
}

impl Encode for Avif {
    fn format(&self) -> Format {
        Format::Avif
    }

    fn keep(&self) -> &[Kind] {
        &self.keep
    }

    fn quality(&self) -> Option<u8> {
        Some(self.quality.get())
    }

    fn encode(
        &self,
        frame: &Frame,
        _source: &[u8],
        quality: Option<u8>,
    ) -> Result<Vec<u8>, EncodeError> {
        let quality = quality.unwrap_or(self.quality.get());
        avif::encode(&frame.pixels, quality, self.speed.get())
    }
}

impl Encode for Tiff {
    fn format(&self) -> Format {
        Format::Tiff
    }

    fn keep(&self) -> &[Kind] {
        &self.keep
    }

    fn keeps_orientation(&self) -> bool {
        self.orientation
    }

    fn encode(
        &self,
        frame: &Frame,
        _source: &[u8],
        _quality: Option<u8>,
    ) -> Result<Vec<u8>, EncodeError> {
        tiff::encode(&frame.pixels)
    }
}

macro_rules! bare {
    ($type:ty, $format:expr, $keep:expr, |$self:ident, $pixels:ident| $encoded:expr) => {
        impl Encode for $type {
            fn format(&self) -> Format {
                $format
            }

            fn keep(&self) -> &[Kind] {
                let keep: fn(&Self) -> &[Kind] = $keep;
                keep(self)
            }

            fn encode(
                &$self,
                frame: &Frame,
                _source: &[u8],
                _quality: Option<u8>,
            ) -> Result<Vec<u8>, EncodeError> {
                let $pixels = &frame.pixels;
                $encoded
            }
        }
    };
}
bare!(Gif, Format::Gif, |gif| &gif.keep, |self, pixels| {
    gif::encode(pixels, self.colours.get(), self.dither.get())
});
bare!(Bmp, Format::Bmp, |_| &[], |self, pixels| bmp::encode(
    pixels
));
bare!(Jxl, Format::Jxl, |jxl| &jxl.keep, |self, pixels| {
    jxl::encode(pixels)
});

/// Whether the format holds what the settings keep.
///
/// # Errors
/// In words, the first kind that it does not hold.
pub(super) fn checked(settings: &dyn Encode) -> Result<(), String> {
    let format = settings.format();
    let unheld = |kind: &&Kind| !metadata::held(format).contains(kind);
    match settings.keep().iter().find(unheld) {
        Some(kind) => Err(format!("keep: {format} files hold no {}", kind.as_str())),
        None => Ok(()),
    }
}

/// The EXIF tag of the orientation (CIPA DC-008, 4.6.4).
const ORIENTATION: u16 = 0x0112;

pub(super) fn run(settings: &dyn Encode, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
    let source = Arc::clone(work.file());
    let meter = work.meter();
    let frame = work.frame()?;
    let bare = meter.codec(|| settings.encode(frame, source.bytes(), None))?;
    let mut kept = frame.metadata.filtered(settings.keep());
    if settings.keeps_orientation() && kept.exif.is_none() {
        let exif = frame.metadata.exif.as_ref();
        kept.exif = exif.and_then(|exif| metadata::fields::exif_with_only(exif, &[ORIENTATION]));
    }
    work.replace(finished(settings, bare, kept)?)?;
    Ok(Flow::Continue)
}

/// A bare file with the metadata that are kept, and what the encoder adds.
pub(super) fn finished(
    settings: &dyn Encode,
    bare: Vec<u8>,
    mut kept: metadata::Metadata,
) -> Result<Vec<u8>, ContainerError> {
    settings.add_own(&mut kept);
    let mut file = if kept.is_empty() {
        bare
    } else {
        metadata::written(settings.format(), bare, &kept)?
    };
    settings.finish(&mut file);
    Ok(file)
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
apply_by_encoding!(Jpeg, WebP, Avif, Gif, Tiff, Bmp, Jxl);
