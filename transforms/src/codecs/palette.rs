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

/// The smallest palette, of at most `colours`, whose error is within what libimagequant allows at a quality of 1 to 100; the
/// largest one where none is.
pub(super) fn quantise_to(
    pixels: &DynamicImage,
    colours: u16,
    dither: f64,
    quality: u8,
) -> Result<Indexed, String> {
    let allowed = NEARNESS * allowed_error(quality);
    let rgba = pixels.to_rgba8();
    // Dithering makes single pixels worse on purpose, so the error is that of the nearest colours.
    let fits = |count: u16| -> Result<bool, String> {
        let plain = quantise(pixels, count, 0.0)?;
        Ok(error(&rgba, &plain) <= allowed)
    };
    let (mut low, mut high) = (1, colours);
    if fits(colours)? {
        // `high` is enough, `low` is not: one colour is no palette.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(middle)? {
                high = middle;
            } else {
                low = middle;
            }
        }
    }
    quantise(pixels, high.max(2), dither)
}

/// What part of the error that libimagequant's bound allows its palettes really have, about: its search ends with more colours
/// than it needs. With this part palettes of drawings are half as large as those of sharp 0.35.5, and those of photographs as large
/// or up to 1.8 times as large (eight pictures, qualities 50, 75 and 80); with the whole of it all are smaller.
const NEARNESS: f64 = 0.5;

/// The mean square error that libimagequant takes for a quality (quality_to_mse, ImageOptim/libimagequant @4.3.0).
fn allowed_error(quality: u8) -> f64 {
    let quality = f64::from(quality);
    let lowest = (0.016 / (0.001 + quality) - 0.001).max(0.0);
    lowest + 2.5 / (210.0 + quality).powf(1.2) * (100.1 - quality) / 100.0
}

/// The square difference between pixels and the palette's colours as libimagequant's first versions reckon it, which its scale
/// of quality was made for: a gamma of 0.57, colours times alpha, the sum over three channels of what shows on black and on
/// white. Its later versions weigh channels and places.
fn error(rgba: &image::RgbaImage, indexed: &Indexed) -> f64 {
    let curve: Vec<f64> = (0..=255)
        .map(|value| (f64::from(value) / 255.0).powf(0.57 / 0.454_55))
        .collect();
    let placed = |[red, green, blue, alpha]: [u8; 4]| {
        let alpha = f64::from(alpha) / 255.0;
        let channels = [red, green, blue].map(|value| curve[usize::from(value)] * alpha);
        (channels, alpha)
    };
    let entries: Vec<([f64; 3], f64)> =
        indexed.entries.iter().map(|entry| placed(*entry)).collect();
    let mut sum = 0.0;
    for (pixel, index) in rgba.pixels().zip(&indexed.indices) {
        let Some((entry, entry_alpha)) = entries.get(usize::from(*index)) else {
            continue;
        };
        let (channels, alpha) = placed(pixel.0);
        let more = entry_alpha - alpha;
        for (own, other) in channels.iter().zip(entry) {
            let black = own - other;
            let white = black + more;
            sum += black * black + white * white;
        }
    }
    sum / rgba.pixels().len().max(1) as f64
}
