//! Windows bitmap encoding.

use image::DynamicImage;
use image::codecs::bmp::BmpEncoder;

use crate::error::EncodeError;
use credlink_image_files::Format;

/// Encodes 8-bit RGB, or RGBA where the pixels have alpha; the format holds no metadata.
///
/// # Errors
/// When the encoder refuses.
pub fn encode(pixels: &DynamicImage) -> Result<Vec<u8>, EncodeError> {
    let pixels: DynamicImage = if pixels.color().has_alpha() {
        pixels.to_rgba8().into()
    } else {
        pixels.to_rgb8().into()
    };
    let mut file = Vec::new();
    pixels
        .write_with_encoder(BmpEncoder::new(&mut file))
        .map_err(|error| EncodeError::Codec {
            format: Format::Bmp,
            reason: error.to_string(),
        })?;
    Ok(file)
}
