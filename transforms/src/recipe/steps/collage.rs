//! The picture as a part of another.

use serde::Deserialize;

use super::canvas::{Canvas, Random, to_u8};
use super::resize::{Filter, resized};
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Seed, Share};

/// `collage = { area = 0.5, x = 0.5, y = 0.5, background = "gradient", seed = 1 }`: a canvas of the picture's own size
/// holds the picture scaled so that it covers `area`, its centre at the shares `x` and `y` as far as it fits; around it
/// lies a colour gradient or a field of coloured patches.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collage {
    area: Share,
    x: Share,
    y: Share,
    background: Background,
    seed: Seed,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Background {
    Gradient,
    Patches,
}

impl Collage {
    fn background(&self, width: usize, height: usize) -> Canvas {
        let mut canvas = Canvas::filled(width, height, 3, [0; 3]);
        let mut random = Random::new(self.seed.get().into());
        let ends: [[f64; 3]; 4] =
            std::array::from_fn(|_| std::array::from_fn(|_| 255.0 * random.unit()));
        let patches: Vec<[u8; 3]> = (0..64)
            .map(|_| std::array::from_fn(|_| to_u8(255.0 * random.unit())))
            .collect();
        for (index, pixel) in canvas.samples.chunks_exact_mut(3).enumerate() {
            let (x, y) = (index % width, index / width);
            match self.background {
                Background::Gradient => {
                    let (u, v) = (x as f64 / width as f64, y as f64 / height as f64);
                    for (c, sample) in pixel.iter_mut().enumerate() {
                        let upper = ends[0][c] * (1.0 - u) + ends[1][c] * u;
                        let lower = ends[2][c] * (1.0 - u) + ends[3][c] * u;
                        *sample = to_u8(upper * (1.0 - v) + lower * v);
                    }
                }
                Background::Patches => {
                    pixel.copy_from_slice(&patches[(y * 8 / height) * 8 + x * 8 / width]);
                }
            }
        }
        canvas
    }
}

impl Apply for Collage {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let meter = work.meter();
        let frame = work.frame_mut()?;
        let (width, height) = (frame.pixels.width(), frame.pixels.height());
        let edge = self.area.get().sqrt();
        let side = |length: u32| ((f64::from(length) * edge).round() as u32).clamp(1, length);
        let (inner_width, inner_height) = (side(width), side(height));
        let scaled = meter
            .resize(|| resized(&frame.pixels, inner_width, inner_height, Filter::Bilinear))
            .map_err(StepErrorKind::Engine)?;
        let scaled = Canvas::of(&scaled);
        let mut canvas = self.background(width as usize, height as usize);
        let place = |share: f64, outer: u32, inner: u32| {
            let start = share * f64::from(outer) - f64::from(inner) / 2.0;
            start.round().clamp(0.0, f64::from(outer - inner)) as i64
        };
        let left = place(self.x.get(), width, inner_width);
        let top = place(self.y.get(), height, inner_height);
        for y in 0..scaled.height {
            for x in 0..scaled.width {
                let pixel = scaled.pixel(x, y);
                let share = pixel.get(3).map_or(1.0, |alpha| f64::from(*alpha) / 255.0);
                let colour = [pixel[0], pixel[1], pixel[2]];
                canvas.mix(left + x as i64, top + y as i64, colour, share);
            }
        }
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
