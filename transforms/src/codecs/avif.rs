//! AVIF encoding: the only file that names rav1e (through ravif).

use credlink_image_files::Format;
use image::DynamicImage;
use ravif::{BitDepth, Img};

use crate::error::EncodeError;

/// The longest side that is written, pixels: libvips writes no longer one, as browsers show none (libvips pull request 3513,
/// `foreign/heifsave.c`).
const MAX_SIDE: u32 = 16_384;

/// Encodes 8-bit 4:4:4 AVIF; `quality` is ravif's scale (1 to 100), `speed` is rav1e's (1 slow to 10 fast).
///
/// # Errors
/// When a side is longer than 16,384 pixels, or the encoder refuses the picture.
pub fn encode(pixels: &DynamicImage, quality: u8, speed: u8) -> Result<Vec<u8>, EncodeError> {
    if pixels.width().max(pixels.height()) > MAX_SIDE {
        return Err(EncodeError::TooLarge {
            format: Format::Avif,
            width: pixels.width(),
            height: pixels.height(),
        });
    }
    let encoder = ravif::Encoder::new()
        .with_quality(f32::from(quality.max(1)))
        .with_alpha_quality(f32::from(quality.max(1)))
        .with_speed(speed.clamp(1, 10))
        .with_bit_depth(BitDepth::Eight)
        .with_num_threads(Some(1));
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let result = if pixels.color().has_alpha() {
        let rgba = pixels.to_rgba8();
        let pixels: Vec<_> = rgba
            .pixels()
            .map(|p| ravif::RGBA8::new(p[0], p[1], p[2], p[3]))
            .collect();
        encoder.encode_rgba(Img::new(&pixels, width, height))
    } else {
        let rgb = pixels.to_rgb8();
        let pixels: Vec<_> = rgb
            .pixels()
            .map(|p| ravif::RGB8::new(p[0], p[1], p[2]))
            .collect();
        encoder.encode_rgb(Img::new(&pixels, width, height))
    };
    let encoded = result.map_err(|error| EncodeError::Codec {
        format: Format::Avif,
        reason: error.to_string(),
    })?;
    Ok(encoded.avif_file)
}
