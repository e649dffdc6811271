//! What the steps that draw, warp and filter share: 8-bit samples, sampling between pixels, seeded numbers.

use std::sync::Arc;

use image::{DynamicImage, RgbImage, RgbaImage};

use crate::error::StepErrorKind;
use credlink_image_files::Frame;

/// A picture as interleaved 8-bit samples, three channels or four with alpha last.
#[derive(Clone)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    pub(super) samples: Vec<u8>,
}

impl Canvas {
    /// Any pixels, reduced to 8 bits; grey becomes RGB, alpha stays.
    pub(super) fn of(pixels: &DynamicImage) -> Self {
        let (channels, samples) = if pixels.color().has_alpha() {
            (4, pixels.to_rgba8().into_raw())
        } else {
            (3, pixels.to_rgb8().into_raw())
        };
        Self {
            width: pixels.width() as usize,
            height: pixels.height() as usize,
            channels,
            samples,
        }
    }

    /// A canvas of this size in one opaque colour.
    pub(super) fn filled(width: usize, height: usize, channels: usize, colour: [u8; 3]) -> Self {
        let pixel = [colour[0], colour[1], colour[2], 255];
        let samples = pixel[..channels].repeat(width * height);
        Self {
            width,
            height,
            channels,
            samples,
        }
    }

    pub(super) fn pixel(&self, x: usize, y: usize) -> &[u8] {
        let at = (y * self.width + x) * self.channels;
        &self.samples[at..at + self.channels]
    }

    /// Mixes an opaque colour into one pixel by `share`, 0 to 1; positions outside are ignored.
    pub(super) fn mix(&mut self, x: i64, y: i64, colour: [u8; 3], share: f64) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return;
        };
        if x >= self.width || y >= self.height {
            return;
        }
        let at = (y * self.width + x) * self.channels;
        for (sample, colour) in self.samples[at..at + 3].iter_mut().zip(colour) {
            *sample = to_u8(f64::from(*sample) * (1.0 - share) + f64::from(colour) * share);
        }
        if self.channels == 4 {
            let alpha = f64::from(self.samples[at + 3]);
            self.samples[at + 3] = to_u8(alpha + (255.0 - alpha) * share);
        }
    }

    /// Every pixel of the result is read, bilinearly, where `source` says; outside the picture lies `fill`, opaque.
    /// `source` maps pixel centres to pixel centres.
    pub(super) fn warped(&self, fill: [u8; 3], source: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        let mut result = Self::filled(self.width, self.height, self.channels, fill);
        let (right, bottom) = (self.width as f64 - 1.0, self.height as f64 - 1.0);
        for (index, pixel) in result.samples.chunks_exact_mut(self.channels).enumerate() {
            let (x, y) = ((index % self.width) as f64, (index / self.width) as f64);
            let (sx, sy) = source(x, y);
            // Half a pixel beyond the outermost centres still belongs to the picture.
            if !(-0.5..=right + 0.5).contains(&sx) || !(-0.5..=bottom + 0.5).contains(&sy) {
                continue;
            }
            let (sx, sy) = (sx.clamp(0.0, right), sy.clamp(0.0, bottom));
            let (x0, y0) = (sx as usize, sy as usize);
            let (x1, y1) = ((x0 + 1).min(self.width - 1), (y0 + 1).min(self.height - 1));
            let (fx, fy) = ((sx - x0 as f64) as f32, (sy - y0 as f64) as f32);
            let corners = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)].map(|(x, y)| self.pixel(x, y));
            for (c, sample) in pixel.iter_mut().enumerate() {
                let [a, b, d, e] = corners.map(|corner| f32::from(corner[c]));
                let (upper, lower) = (a + (b - a) * fx, d + (e - d) * fx);
                *sample = (upper + (lower - upper) * fy + 0.5) as u8;
            }
        }
        result
    }

    /// Puts the picture back into a frame.
    pub(super) fn into_frame(self, frame: &mut Frame) -> Result<(), StepErrorKind> {
        let (width, height) = (self.width as u32, self.height as u32);
        let pixels = if self.channels == 4 {
            RgbaImage::from_raw(width, height, self.samples).map(DynamicImage::ImageRgba8)
        } else {
            RgbImage::from_raw(width, height, self.samples).map(DynamicImage::ImageRgb8)
        };
        let pixels = pixels.ok_or_else(|| StepErrorKind::Engine("sample count".to_owned()))?;
        frame.pixels = Arc::new(pixels);
        Ok(())
    }
}

pub(super) fn to_u8(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, portable, the same numbers from the same seed everywhere.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly from 0 up to but excluding 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal with mean 0 and standard deviation 1: the sum of eight even numbers (Irwin-Hall), which needs no
    /// logarithm and so gives the same on every platform. It ends at 4.9 standard deviations.
    pub(super) fn normal(&mut self) -> f32 {
        let (a, b) = (self.next(), self.next());
        let lanes = [a, a >> 16, a >> 32, a >> 48, b, b >> 16, b >> 32, b >> 48];
        let sum: u64 = lanes.iter().map(|lane| lane & 0xFFFF).sum();
        // Eight lanes: mean 8 * 32767.5, variance 8 * (65536^2 - 1) / 12.
        (sum as f32 - 262_140.0) / 53_509.91
    }
}
