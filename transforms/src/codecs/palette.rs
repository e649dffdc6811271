//! Palettes: the only file that names quantizr.

use image::DynamicImage;

/// A picture as palette indices.
pub(super) struct Indexed {
    pub(super) width: u32,
    pub(super) height: u32,
    /// One a pixel, row by row.
    pub(super) indices: Vec<u8>,
    /// Red, green, blue and alpha of each entry.
    pub(super) entries: Vec<[u8; 4]>,
}

/// Reduces to at most `colours` (2 to 256); `dither` is the share of Floyd-Steinberg error that is passed on, 0 to 1.
pub(super) fn quantise(
    pixels: &DynamicImage,
    colours: u16,
    dither: f64,
) -> Result<Indexed, String> {
    let rgba = pixels.to_rgba8();
    let (width, height) = rgba.dimensions();
    let words = |error| format!("{error:?}");
    let source = quantizr::Image::new(&rgba, width as usize, height as usize).map_err(words)?;
    let mut options = quantizr::Options::default();
    options.set_max_colors(i32::from(colours)).map_err(words)?;
    let mut result = quantizr::QuantizeResult::quantize(&source, &options);
    result.set_dithering_level(dither as f32).map_err(words)?;
    let mut indices = vec![0; rgba.pixels().len()];
    result.remap_image(&source, &mut indices).map_err(words)?;
    let palette = result.get_palette();
    let count = usize::try_from(palette.count)
        .unwrap_or(0)
        .min(palette.entries.len());
    let entries = palette.entries[..count]
        .iter()
        .map(|entry| [entry.r, entry.g, entry.b, entry.a])
        .collect();
    Ok(Indexed {
        width,
        height,
        indices,
        entries,
    })
}
