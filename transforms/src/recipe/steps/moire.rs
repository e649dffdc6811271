//! The grid of a screen, seen by a camera.

use serde::Deserialize;

use super::canvas::{Canvas, to_u8};
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Degrees, Factor, Share};

/// `moire = { period = 3.5, degrees = 7, amplitude = 0.05 }`: two crossed sinusoidal gratings of that period in pixels
/// change brightness by up to `amplitude`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moire {
    period: Factor,
    degrees: Degrees,
    amplitude: Share,
}

impl Apply for Moire {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let mut canvas = Canvas::of(&frame.pixels);
        let (sin, cos) = self.degrees.get().to_radians().sin_cos();
        let turn = std::f64::consts::TAU / self.period.get();
        let width = canvas.width;
        for (index, pixel) in canvas.samples.chunks_exact_mut(canvas.channels).enumerate() {
            let (x, y) = ((index % width) as f64, (index / width) as f64);
            let along = ((x * cos + y * sin) * turn).sin();
            let across = ((y * cos - x * sin) * turn).sin();
            let light = 1.0 + self.amplitude.get() * (along + across) / 2.0;
            for sample in &mut pixel[..3] {
                *sample = to_u8(f64::from(*sample) * light);
            }
        }
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
