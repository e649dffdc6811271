//! Thumbnails for manifests (C2PA 2.2, "Thumbnail").

use credlink_sign_core::Pixels;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Rgb, RgbImage};

/// Longest side, pixels, and JPEG quality: enough to recognise a picture, in some 20 KB.
const LONG_SIDE: u32 = 512;
const QUALITY: u8 = 80;

/// A JPEG of the picture as displayed, on white where it is transparent.
///
/// # Errors
/// The coder's words.
pub fn jpeg(pixels: &Pixels) -> Result<Vec<u8>, String> {
    let is_large = pixels.image.width().max(pixels.image.height()) > LONG_SIDE;
    let mut small = if is_large {
        pixels.image.thumbnail(LONG_SIDE, LONG_SIDE)
    } else {
        pixels.image.as_ref().clone()
    };
    small.apply_orientation(pixels.orientation);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode_image(&on_white(&small))
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn on_white(image: &DynamicImage) -> RgbImage {
    let pixels = image.to_rgba8();
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [colour @ .., alpha] = pixels.get_pixel(x, y).0;
        let alpha = u32::from(alpha);
        Rgb(colour
            .map(|value| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}
