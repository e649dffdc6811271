//! GIF encoding, one frame with a palette of its own.

use image::DynamicImage;

use super::palette::quantise;
use crate::error::EncodeError;
use credlink_image_files::Format;

/// Encodes with at most `colours` palette entries (2 to 256); `dither` is the share of Floyd-Steinberg error that is
/// passed on, 0 to 1. Pixels less than half opaque become transparent.
///
/// # Errors
/// When a side exceeds 65,535 pixels, or the quantiser or the encoder refuses.
pub fn encode(pixels: &DynamicImage, colours: u16, dither: f64) -> Result<Vec<u8>, EncodeError> {
    let refused = |reason: String| EncodeError::Codec {
        format: Format::Gif,
        reason,
    };
    let (width, height) = (pixels.width(), pixels.height());
    let (Ok(narrow), Ok(short)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(EncodeError::TooLarge {
            format: Format::Gif,
            width,
            height,
        });
    };
    // Transparency is one palette entry: it is decided before the colours are counted.
    let mut hard = pixels.to_rgba8();
    for pixel in hard.pixels_mut() {
        *pixel = if pixel[3] < 128 {
            image::Rgba([0; 4])
        } else {
            image::Rgba([pixel[0], pixel[1], pixel[2], 255])
        };
    }
    let indexed = quantise(&hard.into(), colours, dither).map_err(refused)?;
    let palette: Vec<u8> = indexed
        .entries
        .iter()
        .flat_map(|[r, g, b, _]| [*r, *g, *b])
        .collect();
    let transparent = indexed.entries.iter().position(|entry| entry[3] < 128);
    let frame = gif::Frame {
        width: narrow,
        height: short,
        palette: Some(palette),
        transparent: transparent.and_then(|index| u8::try_from(index).ok()),
        buffer: indexed.indices.into(),
        ..gif::Frame::default()
    };
    let mut file = Vec::new();
    let words = |error: gif::EncodingError| refused(error.to_string());
    let mut encoder = gif::Encoder::new(&mut file, narrow, short, &[]).map_err(words)?;
    encoder.write_frame(&frame).map_err(words)?;
    drop(encoder);
    Ok(file)
}
