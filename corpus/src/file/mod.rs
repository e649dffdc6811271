//! From pixels to image files: the encoders and the metadata around them.

mod camera;
mod editorial;
mod palette;
mod png_file;

pub(crate) use camera::{Camera, Metadata, Profile};
pub(crate) use editorial::Editorial;
pub(crate) use png_file::{png, png_palette, png_with};

use credlink_image_files::{Format, metadata};
use image::{GrayImage, RgbImage, RgbaImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Pixels in one of the layouts that encoders take.
#[derive(Clone, Debug)]
pub(crate) enum Pixels {
    Grey(GrayImage),
    Rgb(RgbImage),
    Rgba(RgbaImage),
}

impl Pixels {
    /// Width, height and interleaved samples.
    fn raw(&self) -> (u32, u32, &[u8]) {
        match self {
            Pixels::Grey(i) => (i.width(), i.height(), i.as_raw()),
            Pixels::Rgb(i) => (i.width(), i.height(), i.as_raw()),
            Pixels::Rgba(i) => (i.width(), i.height(), i.as_raw()),
        }
    }
}

/// Chroma resolution, named by what is kept of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sampling {
    /// 4:4:4.
    Full,
    /// 4:2:2.
    HalfWide,
    /// 4:2:0.
    Half,
}

/// How a JPEG is coded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jpeg {
    /// 1 to 100 on the scale of the Independent JPEG Group.
    pub(crate) quality: u8,
    pub(crate) sampling: Sampling,
    pub(crate) progressive: bool,
}

/// The stored pixels of a displayed picture under an EXIF orientation of 1, 3, 6 or 8 (CIPA DC-008,
/// 4.6.5.1.6): what a viewer turns by that tag gives the picture back.
pub(crate) fn stored(pixels: Pixels, orientation: u16) -> Pixels {
    fn turned<P: image::Pixel + 'static>(
        image: image::ImageBuffer<P, Vec<P::Subpixel>>,
        orientation: u16,
    ) -> image::ImageBuffer<P, Vec<P::Subpixel>> {
        match orientation {
            3 => image::imageops::rotate180(&image),
            // Viewers turn 6 clockwise and 8 counter-clockwise.
            6 => image::imageops::rotate270(&image),
            8 => image::imageops::rotate90(&image),
            _ => image,
        }
    }
    match pixels {
        Pixels::Grey(i) => Pixels::Grey(turned(i, orientation)),
        Pixels::Rgb(i) => Pixels::Rgb(turned(i, orientation)),
        Pixels::Rgba(i) => Pixels::Rgba(turned(i, orientation)),
    }
}

/// Encodes a JPEG; alpha is dropped. Errors are the encoder's words.
pub(crate) fn jpeg(pixels: &Pixels, options: Jpeg, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let parts = metadata.parts()?;
    let segments = Segments {
        exif: parts.exif,
        icc: parts.icc,
        xmp: parts.xmp,
        iptc: parts.iptc,
    };
    jpeg_with(pixels, options, &segments)
}

/// Raw metadata blocks for a JPEG.
#[derive(Default)]
pub(crate) struct Segments {
    /// A TIFF block, without the `Exif` prefix.
    pub(crate) exif: Option<Vec<u8>>,
    pub(crate) icc: Option<Vec<u8>>,
    pub(crate) xmp: Option<Vec<u8>>,
    /// Behind `Photoshop 3.0`, that included.
    pub(crate) iptc: Option<Vec<u8>>,
}

/// As [`jpeg`], with metadata that is already bytes.
pub(crate) fn jpeg_with(
    pixels: &Pixels,
    options: Jpeg,
    segments: &Segments,
) -> Result<Vec<u8>, String> {
    let (width, height, samples) = pixels.raw();
    let (Ok(w), Ok(h)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(format!("{width}x{height} is more than a JPEG can hold"));
    };
    let mut out = Vec::with_capacity(samples.len() / 8);
    let mut encoder = Encoder::new(&mut out, options.quality);
    encoder.set_sampling_factor(match options.sampling {
        Sampling::Full => SamplingFactor::R_4_4_4,
        Sampling::HalfWide => SamplingFactor::R_4_2_2,
        Sampling::Half => SamplingFactor::R_4_2_0,
    });
    encoder.set_progressive(options.progressive);
    let words = |e: jpeg_encoder::EncodingError| e.to_string();
    if let Some(exif) = &segments.exif {
        encoder.add_exif_metadata(exif).map_err(words)?;
    }
    if let Some(xmp) = &segments.xmp {
        let mut segment = b"http://ns.adobe.com/xap/1.0/\0".to_vec();
        segment.extend_from_slice(xmp);
        encoder.add_app_segment(1, segment).map_err(words)?;
    }
    if let Some(iptc) = &segments.iptc {
        encoder.add_app_segment(13, iptc.clone()).map_err(words)?;
    }
    if let Some(icc) = &segments.icc {
        encoder.add_icc_profile(icc).map_err(words)?;
    }
    let colour = match pixels {
        Pixels::Grey(_) => ColorType::Luma,
        Pixels::Rgb(_) => ColorType::Rgb,
        Pixels::Rgba(_) => ColorType::Rgba,
    };
    encoder.encode(samples, w, h, colour).map_err(words)?;
    Ok(out)
}

/// Encodes a lossy WebP at libwebp's quality scale (0 to 100).
pub(crate) fn webp_lossy(
    pixels: &Pixels,
    quality: f32,
    metadata: &Metadata,
) -> Result<Vec<u8>, String> {
    // Method 1 of 6: a third of the default's time for a few per cent more bytes.
    webp_file(pixels, metadata, |config| {
        config.quality = quality;
        config.method = 1;
    })
}

/// Encodes a lossless WebP.
pub(crate) fn webp_lossless(pixels: &Pixels, metadata: &Metadata) -> Result<Vec<u8>, String> {
    webp_file(pixels, metadata, |config| {
        config.lossless = 1;
        config.quality = 10.0;
        config.method = 0;
    })
}

fn webp_file(
    pixels: &Pixels,
    metadata: &Metadata,
    set: impl FnOnce(&mut webp::WebPConfig),
) -> Result<Vec<u8>, String> {
    let (width, height, samples) = pixels.raw();
    let layout = match pixels {
        Pixels::Rgba(_) => webp::PixelLayout::Rgba,
        Pixels::Rgb(_) => webp::PixelLayout::Rgb,
        Pixels::Grey(_) => return Err("WebP has no grey layout".to_owned()),
    };
    let mut config =
        webp::WebPConfig::new().map_err(|()| "libwebp refused its own defaults".to_owned())?;
    set(&mut config);
    let coded = webp::Encoder::new(samples, layout, width, height)
        .encode_advanced(&config)
        .map_err(|e| format!("libwebp: {e:?}"))?;
    let parts = metadata.parts()?;
    if parts.exif.is_none() && parts.icc.is_none() && parts.xmp.is_none() {
        return Ok(coded.to_vec());
    }
    let metadata = metadata::Metadata {
        exif: parts.exif.map(Into::into),
        icc: parts.icc.map(Into::into),
        xmp: parts.xmp.map(Into::into),
        ..metadata::Metadata::default()
    };
    metadata::written(Format::WebP, coded.to_vec(), &metadata).map_err(|e| e.to_string())
}
