//! Unsharp masking, in ImageMagick's terms.

use std::sync::Arc;

use image::DynamicImage;
use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Factor, Share};

/// `sharpen = { sigma = 0.25, amount = 8.0, threshold = 0.065 }`: adds `amount` times the difference to a Gaussian
/// blur of standard deviation `sigma` pixels, where that difference exceeds half of `threshold` of full scale (the
/// rule of ImageMagick's UnsharpMaskImage).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sharpen {
    sigma: Factor,
    amount: Factor,
    threshold: Share,
}

impl Sharpen {
    fn kernel(&self) -> Vec<f32> {
        let sigma = self.sigma.get();
        let radius = (3.0 * sigma).ceil().max(1.0) as i32;
        let weights: Vec<f64> = (-radius..=radius)
            .map(|x| (-f64::from(x * x) / (2.0 * sigma * sigma)).exp())
            .collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| (weight / sum) as f32).collect()
    }

    /// Sharpens `rows` x `columns` pixels of `channels` interleaved samples.
    fn run(&self, samples: &[u8], columns: usize, rows: usize, channels: usize) -> Vec<u8> {
        let kernel = self.kernel();
        let radius = kernel.len() / 2;
        let clamp = |position: usize, offset: usize, count: usize| {
            (position + offset).saturating_sub(radius).min(count - 1)
        };
        let mut across = vec![0.0_f32; samples.len()];
        for y in 0..rows {
            for x in 0..columns {
                for c in 0..channels {
                    let tap = |(k, weight): (usize, &f32)| {
                        f32::from(samples[(y * columns + clamp(x, k, columns)) * channels + c])
                            * weight
                    };
                    across[(y * columns + x) * channels + c] =
                        kernel.iter().enumerate().map(tap).sum();
                }
            }
        }
        let (amount, threshold) = (
            self.amount.get() as f32,
            self.threshold.get() as f32 * 255.0,
        );
        let width = columns * channels;
        let mut result = vec![0; samples.len()];
        for y in 0..rows {
            for i in 0..width {
                let tap =
                    |(k, weight): (usize, &f32)| across[clamp(y, k, rows) * width + i] * weight;
                let blurred: f32 = kernel.iter().enumerate().map(tap).sum();
                let value = f32::from(samples[y * width + i]);
                let difference = value - blurred;
                let sharpened = if 2.0 * difference.abs() < threshold {
                    value
                } else {
                    value + amount * difference
                };
                result[y * width + i] = sharpened.round().clamp(0.0, 255.0) as u8;
            }
        }
        result
    }
}

impl Apply for Sharpen {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let (width, height) = (frame.pixels.width(), frame.pixels.height());
        let (columns, rows) = (width as usize, height as usize);
        let colour = frame.pixels.color();
        let sharpened = if colour.has_alpha() {
            let samples = self.run(&frame.pixels.to_rgba8(), columns, rows, 4);
            image::RgbaImage::from_raw(width, height, samples).map(DynamicImage::ImageRgba8)
        } else if colour.has_color() {
            let samples = self.run(&frame.pixels.to_rgb8(), columns, rows, 3);
            image::RgbImage::from_raw(width, height, samples).map(DynamicImage::ImageRgb8)
        } else {
            let samples = self.run(&frame.pixels.to_luma8(), columns, rows, 1);
            image::GrayImage::from_raw(width, height, samples).map(DynamicImage::ImageLuma8)
        };
        let sharpened =
            sharpened.ok_or_else(|| StepErrorKind::Engine("sharpen: sample count".to_owned()))?;
        frame.pixels = Arc::new(sharpened);
        Ok(Flow::Continue)
    }
}
