//! WebP encoding: the only file that names libwebp.

use image::DynamicImage;

use crate::error::EncodeError;
use credlink_image_files::Format;

/// The longest side that a WebP file can hold, in pixels.
const MAX_SIDE: u32 = 16_383;

/// One way of writing a WebP file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// 0 to 100 in libwebp's scale; for lossless files the effort.
    pub quality: u8,
    /// libwebp's method, 0 (fast) to 6 (small).
    pub method: u8,
    /// Lossless rather than lossy.
    pub lossless: bool,
}

/// What is seldom asked for on top of [`Settings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extras {
    /// Chroma is subsampled with care for edges (`sharp_yuv`).
    pub sharp_yuv: bool,
    /// Quality of the alpha plane, 0 to 100; 100 is lossless.
    pub alpha_quality: u8,
}

impl Default for Extras {
    /// libwebp's own defaults.
    fn default() -> Self {
        Self {
            sharp_yuv: false,
            alpha_quality: 100,
        }
    }
}

/// The lowest quality at which libwebp quantises at least as finely as this index of VP8's AC quantiser of luma (0 to 127): its
/// curve from quality to quantiser, `QualityToCompression` in `src/enc/quant_enc.c`.
#[must_use]
pub fn quality_with(index: u8) -> u8 {
    let index_of = |quality: u8| {
        let share = f64::from(quality) / 100.0;
        let linear = if share < 0.75 {
            share * 2.0 / 3.0
        } else {
            2.0 * share - 1.0
        };
        127.0 * (1.0 - linear.cbrt())
    };
    // The index is cut off to a whole number.
    let is_fine = |quality: &u8| index_of(*quality) < f64::from(index) + 1.0;
    (0..=100).find(is_fine).unwrap_or(100)
}

/// Encodes 8-bit RGB or RGBA; grey images become RGB, as the format has no grey. No metadata is written.
///
/// # Errors
/// When a side exceeds 16,383 pixels or libwebp refuses.
pub fn encode(pixels: &DynamicImage, settings: Settings) -> Result<Vec<u8>, EncodeError> {
    encode_with(pixels, settings, Extras::default())
}

/// As [`encode`], with extras.
///
/// # Errors
/// As [`encode`].
pub fn encode_with(
    pixels: &DynamicImage,
    settings: Settings,
    extras: Extras,
) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = (pixels.width(), pixels.height());
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(EncodeError::TooLarge {
            format: Format::WebP,
            width,
            height,
        });
    }
    let refused = |reason: &str| EncodeError::Codec {
        format: Format::WebP,
        reason: reason.to_owned(),
    };
    let mut config = webp::WebPConfig::new().map_err(|()| refused("no configuration"))?;
    config.quality = f32::from(settings.quality.min(100));
    config.method = i32::from(settings.method.min(6));
    config.lossless = i32::from(settings.lossless);
    config.use_sharp_yuv = i32::from(extras.sharp_yuv);
    config.alpha_quality = i32::from(extras.alpha_quality.min(100));
    // Colours under full transparency are free to change, which is libwebp's own default.
    config.exact = 0;
    let (rgb, rgba);
    let encoder = match pixels {
        DynamicImage::ImageRgb8(image) => webp::Encoder::from_rgb(image, width, height),
        _ if pixels.color().has_alpha() => {
            rgba = pixels.to_rgba8();
            webp::Encoder::from_rgba(&rgba, width, height)
        }
        _ => {
            rgb = pixels.to_rgb8();
            webp::Encoder::from_rgb(&rgb, width, height)
        }
    };
    let memory = encoder
        .encode_advanced(&config)
        .map_err(|error| refused(&format!("{error:?}")))?;
    Ok(memory.to_vec())
}
