//! PNG encoding, true colour through `image` and palettes through quantizr.

use std::io::Cursor;

use image::DynamicImage;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};

use crate::error::EncodeError;
use crate::format::Format;

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
    let rgba = pixels.to_rgba8();
    let (width, height) = rgba.dimensions();
    let source = quantizr::Image::new(&rgba, width as usize, height as usize)
        .map_err(|error| refused(format!("{error:?}")))?;
    let mut options = quantizr::Options::default();
    options
        .set_max_colors(i32::from(colours))
        .map_err(|error| refused(format!("{error:?}")))?;
    let mut result = quantizr::QuantizeResult::quantize(&source, &options);
    result
        .set_dithering_level(dither as f32)
        .map_err(|error| refused(format!("{error:?}")))?;
    let mut indices = vec![0; rgba.pixels().len()];
    result
        .remap_image(&source, &mut indices)
        .map_err(|error| refused(format!("{error:?}")))?;
    let palette = result.get_palette();
    let count = usize::try_from(palette.count)
        .unwrap_or(0)
        .min(palette.entries.len());
    let entries = &palette.entries[..count];
    write_indexed(width, height, &indices, entries)
}

fn write_indexed(
    width: u32,
    height: u32,
    indices: &[u8],
    entries: &[quantizr::Color],
) -> Result<Vec<u8>, EncodeError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(
        entries
            .iter()
            .flat_map(|entry| [entry.r, entry.g, entry.b])
            .collect::<Vec<u8>>(),
    );
    if entries.iter().any(|entry| entry.a < 255) {
        encoder.set_trns(entries.iter().map(|entry| entry.a).collect::<Vec<u8>>());
    }
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(indices).map_err(refused)?;
    writer.finish().map_err(refused)?;
    Ok(file)
}
