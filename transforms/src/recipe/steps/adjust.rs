//! Tone and colour changes, with the definitions of Pillow's ImageEnhance, which the published benchmarks use.

use std::sync::Arc;

use image::DynamicImage;
use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Factor, Signed};

/// `adjust = { brightness = 1.1, contrast = 1.2, saturation = 1.3, hue = 0.1, gamma = 0.9 }`; each is left alone where absent.
///
/// Brightness multiplies; contrast scales the distance to the picture's mean luma, rounded; saturation scales the
/// distance to the pixel's own luma (ITU-R BT.601 weights); hue turns the HSV hue by this share of the circle, as
/// torchvision's adjust_hue does; gamma raises the value in 0..=1 to its power.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjust {
    brightness: Option<Factor>,
    contrast: Option<Factor>,
    saturation: Option<Factor>,
    hue: Option<Signed>,
    gamma: Option<Factor>,
}

fn to_u8(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

fn table(value: impl Fn(f64) -> f64) -> [u8; 256] {
    std::array::from_fn(|index| to_u8(value(index as f64)))
}

/// Luma in 1/65536 by Pillow's integer weights.
pub(super) fn luma(rgb: &[u8]) -> u32 {
    (u32::from(rgb[0]) * 19595 + u32::from(rgb[1]) * 38470 + u32::from(rgb[2]) * 7471 + 0x8000)
        >> 16
}

/// The colour with its HSV hue turned by this share of the circle.
fn with_hue(rgb: &[u8], turn: f64) -> [u8; 3] {
    let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(f64::from);
    let (high, low) = (r.max(g).max(b), r.min(g).min(b));
    let range = high - low;
    if range == 0.0 {
        return [rgb[0], rgb[1], rgb[2]];
    }
    let sector = if high == r {
        (g - b) / range
    } else if high == g {
        (b - r) / range + 2.0
    } else {
        (r - g) / range + 4.0
    };
    let hue = (sector + turn * 6.0).rem_euclid(6.0);
    // How far each channel lies below the highest, by the usual piecewise form.
    [5.0, 3.0, 1.0].map(|offset: f64| {
        let k = (offset + hue).rem_euclid(6.0);
        to_u8(high - range * k.min(4.0 - k).clamp(0.0, 1.0))
    })
}

impl Adjust {
    /// Changes the colours of interleaved samples in place, `channels` (3 or 4, alpha last) a pixel.
    fn run(&self, samples: &mut [u8], channels: usize) {
        let map = |samples: &mut [u8], table: &[u8; 256]| {
            for pixel in samples.chunks_exact_mut(channels) {
                for sample in &mut pixel[..3] {
                    *sample = table[usize::from(*sample)];
                }
            }
        };
        if let Some(factor) = self.brightness {
            map(samples, &table(|value| value * factor.get()));
        }
        if let Some(factor) = self.contrast {
            let sum: u64 = samples
                .chunks_exact(channels)
                .map(|pixel| u64::from(luma(pixel)))
                .sum();
            let mean = (sum as f64 / (samples.len() / channels).max(1) as f64).round();
            map(
                samples,
                &table(|value| mean + (value - mean) * factor.get()),
            );
        }
        if let Some(factor) = self.saturation {
            // Fixed point: the factor in 1/256 is finer than the 8-bit result.
            let scale = (factor.get() * 256.0).round() as i32;
            for pixel in samples.chunks_exact_mut(channels) {
                let grey = luma(pixel) as i32;
                for sample in &mut pixel[..3] {
                    let value = grey + (((i32::from(*sample) - grey) * scale + 128) >> 8);
                    *sample = value.clamp(0, 255) as u8;
                }
            }
        }
        if let Some(turn) = self.hue {
            for pixel in samples.chunks_exact_mut(channels) {
                let turned = with_hue(&pixel[..3], turn.get());
                pixel[..3].copy_from_slice(&turned);
            }
        }
        if let Some(factor) = self.gamma {
            map(
                samples,
                &table(|value| 255.0 * (value / 255.0).powf(factor.get())),
            );
        }
    }
}

impl Apply for Adjust {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let pixels = if frame.pixels.color().has_alpha() {
            let mut rgba = frame.pixels.to_rgba8();
            self.run(&mut rgba, 4);
            DynamicImage::ImageRgba8(rgba)
        } else {
            let mut rgb = frame.pixels.to_rgb8();
            self.run(&mut rgb, 3);
            DynamicImage::ImageRgb8(rgb)
        };
        frame.pixels = Arc::new(pixels);
        Ok(Flow::Continue)
    }
}
