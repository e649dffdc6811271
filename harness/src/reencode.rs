//! Writes changed pixels back in the format of the file they came from, at a quality that costs less than what was
//! changed, with the metadata of that file.

use credlink_transforms::codecs::jpeg::{self, Chroma, Encoder};
use credlink_transforms::codecs::{png, webp};
use credlink_transforms::file::ImageFile;
use credlink_transforms::format::Format;
use credlink_transforms::metadata::{self, Kind};
use credlink_transforms::meter::Meter;
use image::DynamicImage;

/// JPEG quality of a re-encoded file: near 50 dB on photographs, where a watermark is at 42.
const JPEG_QUALITY: u8 = 97;

/// The pixels as a file like `original`: JPEG at quality 97 without colour subsampling, PNG and WebP without loss,
/// anything else as PNG. EXIF, XMP, IPTC and ICC stay; a C2PA manifest goes, because it would be stale.
///
/// # Errors
/// The codec's words.
pub fn like(original: &ImageFile, pixels: &DynamicImage) -> Result<Vec<u8>, String> {
    let words = |error: credlink_transforms::error::EncodeError| error.to_string();
    let (format, bare) = match original.format() {
        Format::Jpeg => {
            let traits = jpeg::traits(original.bytes());
            let settings = jpeg::Settings {
                encoder: Encoder::LibjpegTurbo,
                quality: JPEG_QUALITY,
                chroma: Chroma::Full,
                progressive: traits.is_some_and(|traits| traits.progressive),
            };
            (Format::Jpeg, jpeg::encode(pixels, settings))
        }
        Format::WebP => {
            let settings = webp::Settings {
                quality: 50,
                method: 2,
                lossless: true,
            };
            (Format::WebP, webp::encode(pixels, settings))
        }
        _ => (Format::Png, png::encode(pixels)),
    };
    let clock = || 0;
    let frame = original
        .frame(&Meter::new(&clock))
        .map_err(|error| error.to_string())?;
    let kept = frame
        .metadata
        .filtered(&[Kind::Exif, Kind::Xmp, Kind::Iptc, Kind::Icc]);
    metadata::written(format, bare.map_err(words)?, &kept).map_err(words)
}

/// What a JPEG of quality 60 with 4:2:0 makes of pixels: the trial that decides whether a mark counts as carried.
#[must_use]
pub fn through_jpeg_60(pixels: &DynamicImage) -> Option<DynamicImage> {
    let settings = jpeg::Settings {
        encoder: Encoder::JpegEncoder,
        quality: 60,
        chroma: Chroma::Quarter,
        progressive: false,
    };
    let flat = DynamicImage::ImageRgb8(pixels.to_rgb8());
    let file = jpeg::encode(&flat, settings).ok()?;
    Some(
        credlink_transforms::codecs::decode::decode(&file)
            .ok()?
            .pixels,
    )
}
