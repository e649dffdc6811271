//! JPEG XL encoding: the only file that names zune-jpegxl.

use credlink_image_files::Format;
use image::DynamicImage;
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_jpegxl::JxlSimpleEncoder;

use crate::error::EncodeError;

/// Encodes without loss at the pixels' own depth and in sRGB, as a bare codestream.
///
/// # Errors
/// When a side is a single pixel, which the encoder does not take, or the encoder refuses otherwise.
pub fn encode(pixels: &DynamicImage) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = (pixels.width(), pixels.height());
    if width < 2 || height < 2 {
        return Err(EncodeError::TooSmall {
            format: Format::Jxl,
            width,
            height,
        });
    }
    let colour = pixels.color();
    let space = match (colour.has_color(), colour.has_alpha()) {
        (false, false) => ColorSpace::Luma,
        (false, true) => ColorSpace::LumaA,
        (true, false) => ColorSpace::RGB,
        (true, true) => ColorSpace::RGBA,
    };
    let deep = colour.bytes_per_pixel() / colour.channel_count() > 1;
    let depth = if deep {
        BitDepth::Sixteen
    } else {
        BitDepth::Eight
    };
    let options = EncoderOptions::new(width as usize, height as usize, space, depth);
    let mut file = Vec::new();
    let samples = pixels.as_bytes();
    let encoded = JxlSimpleEncoder::new(samples, options).encode(&mut file);
    encoded.map_err(|error| EncodeError::Codec {
        format: Format::Jxl,
        reason: format!("{error:?}"),
    })?;
    Ok(file)
}
