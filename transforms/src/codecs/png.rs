//! PNG encoding, true colour through `image` and palettes.

use std::io::Cursor;

use image::DynamicImage;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};

use super::palette::{quantise, quantise_to};
use crate::error::EncodeError;
use credlink_image_files::Format;

fn refused(reason: impl ToString) -> EncodeError {
    EncodeError::Codec {
        format: Format::Png,
        reason: reason.to_string(),
    }
}

/// How hard the encoder tries, which changes the size of the file and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// zlib's level, 1 to 9; the fastest engine there is where absent.
    pub level: Option<u8>,
    /// Whether each row is filtered by the best of five predictors, or none is.
    pub filters: bool,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            level: None,
            filters: true,
        }
    }
}

/// Encodes the pixels as they are, 8 or 16 bits, without metadata, at the fastest effort.
///
/// # Errors
/// When the encoder refuses.
pub fn encode(pixels: &DynamicImage) -> Result<Vec<u8>, EncodeError> {
    encode_with(pixels, Effort::default())
}

/// The same at another effort: for servers that compare the size of their file with another one's.
///
/// # Errors
/// When the encoder refuses.
pub fn encode_with(pixels: &DynamicImage, effort: Effort) -> Result<Vec<u8>, EncodeError> {
    let mut file = Vec::new();
    let encoder = PngEncoder::new_with_quality(
        Cursor::new(&mut file),
        effort
            .level
            .map_or(CompressionType::Fast, CompressionType::Level),
        match effort.filters {
            true => FilterType::Adaptive,
            false => FilterType::NoFilter,
        },
    );
    pixels.write_with_encoder(encoder).map_err(refused)?;
    Ok(file)
}

/// Encodes with a palette of at most `colours` entries (2 to 256); `dither` is the share of Floyd-Steinberg error
/// that is passed on, 0 to 1. With a quality of 1 to 100 on libimagequant's scale the palette is as small as that
/// quality allows.
///
/// # Errors
/// When the quantiser or the encoder refuses.
pub fn encode_palette(
    pixels: &DynamicImage,
    colours: u16,
    dither: f64,
    quality: Option<u8>,
) -> Result<Vec<u8>, EncodeError> {
    let indexed = match quality {
        Some(quality) => quantise_to(pixels, colours, dither, quality),
        None => quantise(pixels, colours, dither),
    };
    let indexed = indexed.map_err(refused)?;
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
