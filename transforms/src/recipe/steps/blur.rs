//! Gaussian blur.

use serde::Deserialize;

use super::canvas::Canvas;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::Factor;

/// `blur = { sigma = 2.0 }`: standard deviation in pixels; edges are continued. Alpha is blurred with the rest.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    sigma: Factor,
}

impl Apply for Blur {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let mut canvas = Canvas::of(&frame.pixels);
        let sigma = self.sigma.get();
        let radius = (3.0 * sigma).ceil().max(1.0) as usize;
        let weight = |x: usize| {
            let x = x as f64 - radius as f64;
            (-x * x / (2.0 * sigma * sigma)).exp()
        };
        let weights: Vec<f64> = (0..=2 * radius).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let weights: Vec<f32> = weights.iter().map(|weight| (weight / sum) as f32).collect();

        let (row, channels) = (canvas.width * canvas.channels, canvas.channels);
        let mut padded = vec![0.0_f32; row + 2 * radius * channels];
        let mut across = vec![0.0_f32; canvas.samples.len()];
        for (samples, blurred) in canvas
            .samples
            .chunks_exact(row)
            .zip(across.chunks_exact_mut(row))
        {
            for (x, pixel) in padded.chunks_exact_mut(channels).enumerate() {
                let x = x.saturating_sub(radius).min(canvas.width - 1) * channels;
                for (value, sample) in pixel.iter_mut().zip(&samples[x..x + channels]) {
                    *value = f32::from(*sample);
                }
            }
            for (tap, weight) in weights.iter().enumerate() {
                let shifted = &padded[tap * channels..tap * channels + row];
                for (sum, value) in blurred.iter_mut().zip(shifted) {
                    *sum += value * weight;
                }
            }
        }
        let mut sum = vec![0.0_f32; row];
        for y in 0..canvas.height {
            sum.fill(0.5);
            for (tap, weight) in weights.iter().enumerate() {
                let from = (y + tap).saturating_sub(radius).min(canvas.height - 1) * row;
                for (sum, value) in sum.iter_mut().zip(&across[from..from + row]) {
                    *sum += value * weight;
                }
            }
            for (sample, sum) in canvas.samples[y * row..(y + 1) * row].iter_mut().zip(&sum) {
                *sample = *sum as u8;
            }
        }
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
