//! Gaussian noise.

use serde::Deserialize;

use super::canvas::{Canvas, Random};
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Seed, Share};

/// `noise = { deviation = 0.02, seed = 1 }`: independent noise on every colour sample, its standard deviation as a
/// share of full scale. Alpha stays.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    deviation: Share,
    seed: Seed,
}

impl Apply for Noise {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let mut canvas = Canvas::of(&frame.pixels);
        let mut random = Random::new(self.seed.get().into());
        let scale = self.deviation.get() as f32 * 255.0;
        for pixel in canvas.samples.chunks_exact_mut(canvas.channels) {
            for sample in &mut pixel[..3] {
                let value = f32::from(*sample) + random.normal() * scale;
                *sample = value.round().clamp(0.0, 255.0) as u8;
            }
        }
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
