//! PNG encoding, true colour through `image` and palettes.

use std::io::Cursor;

use image::DynamicImage;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};

use super::palette::quantise;
use crate::error::EncodeError;
use credlink_image_files::Format;

fn refused(reason: impl ToString) -> EncodeError {
    EncodeError::Codec {
        format: Format::Png,
        reason: reason.to_string(),
    }
}

/// Encodes the pixels as they are, 8 or 16 bits, without metadata. The effort is the fast one: it changes the
/// size of the file and nothing else.
///
/// # Errors
/// When the encoder refuses.
pub fn encode(pixels: &DynamicImage) -> Result<Vec<u8>, EncodeError> {
    let mut file = Vec::new();
    let encoder = PngEncoder::new_with_quality(
        Cursor::new(&mut file),
        CompressionType::Fast,
        FilterType::Adaptive,
    );
    pixels.write_with_encoder(encoder).map_err(refused)?;
    Ok(file)
}

/// Encodes with a palette of at most `colours` entries (2 to 256); `dither` is the share of Floyd-Steinberg error
/// that is passed on, 0 to 1.
///
/// # Errors
/// When the quantiser or the encoder refuses.
pub fn encode_palette(
    pixels: &DynamicImage,
    colours: u16,
    dither: f64,
) -> Result<Vec<u8>, EncodeError> {
    let indexed = quantise(pixels, colours, dither).map_err(refused)?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, indexed.width, indexed.height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    let colours = indexed.entries.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]);
    encoder.set_palette(colours.collect::<Vec<u8>>());
    if indexed.entries.iter().any(|entry| entry[3] < 255) {
        encoder.set_trns(
            indexed
                .entries
                .iter()
                .map(|entry| entry[3])
                .collect::<Vec<u8>>(),
        );
    }
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(&indexed.indices).map_err(refused)?;
    writer.finish().map_err(refused)?;
    Ok(file)
}
