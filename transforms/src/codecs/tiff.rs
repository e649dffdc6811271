//! TIFF encoding, uncompressed.

use std::io::Cursor;

use image::DynamicImage;
use image::codecs::tiff::TiffEncoder;

use crate::error::EncodeError;
use credlink_image_files::Format;

/// Encodes the pixels at their own depth, without compression or metadata; grey with alpha becomes RGBA, which the
/// format's usual readers understand.
///
/// # Errors
/// When the encoder refuses.
pub fn encode(pixels: &DynamicImage) -> Result<Vec<u8>, EncodeError> {
    let converted: DynamicImage;
    let pixels = match pixels {
        DynamicImage::ImageLumaA8(_) => {
            converted = pixels.to_rgba8().into();
            &converted
        }
        DynamicImage::ImageLumaA16(_) => {
            converted = pixels.to_rgba16().into();
            &converted
        }
        other => other,
    };
    let mut file = Vec::new();
    pixels
        .write_with_encoder(TiffEncoder::new(Cursor::new(&mut file)))
        .map_err(|error| EncodeError::Codec {
            format: Format::Tiff,
            reason: error.to_string(),
        })?;
    Ok(file)
}
