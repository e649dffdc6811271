//! Perspective, as torchvision's RandomPerspective draws it.

use serde::Deserialize;

use super::canvas::{Canvas, Random};
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Seed, Share};

/// `perspective = { distortion = 0.2, seed = 1 }`: each corner moves inwards by an even share of up to half of
/// `distortion` of the side; the picture is drawn into the four-sided figure on black.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Perspective {
    distortion: Share,
    seed: Seed,
}

/// Solves the 8 x 8 system for the homography that takes each `from` to its `to`; `None` where it is degenerate.
fn homography(from: [(f64, f64); 4], to: [(f64, f64); 4]) -> Option<[f64; 8]> {
    let mut rows = [[0.0; 9]; 8];
    for (index, ((x, y), (u, v))) in from.into_iter().zip(to).enumerate() {
        rows[2 * index] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
        rows[2 * index + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
    }
    for column in 0..8 {
        let pivot = (column..8).max_by(|a, b| {
            let (a, b) = (rows[*a][column].abs(), rows[*b][column].abs());
            a.total_cmp(&b)
        })?;
        rows.swap(column, pivot);
        let top = rows[column];
        if top[column].abs() < 1e-12 {
            return None;
        }
        for (index, row) in rows.iter_mut().enumerate() {
            if index != column {
                let factor = row[column] / top[column];
                row.iter_mut()
                    .zip(top)
                    .for_each(|(value, top)| *value -= factor * top);
            }
        }
    }
    Some(std::array::from_fn(|index| {
        rows[index][8] / rows[index][index]
    }))
}

impl Apply for Perspective {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let canvas = Canvas::of(&frame.pixels);
        let (right, bottom) = (canvas.width as f64 - 1.0, canvas.height as f64 - 1.0);
        let mut random = Random::new(self.seed.get().into());
        let mut shift = |side: f64| random.unit() * self.distortion.get() * side / 2.0;
        let corners = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)];
        let moved = corners.map(|(x, y)| {
            let (dx, dy) = (shift(right), shift(bottom));
            let inwards = |at: f64, by: f64| if at > 0.0 { at - by } else { by };
            (inwards(x, dx), inwards(y, dy))
        });
        // A picture of one row or column has no perspective.
        let Some([a, b, c, d, e, f, g, h]) = homography(moved, corners) else {
            return Ok(Flow::Continue);
        };
        let source = |x: f64, y: f64| {
            let w = g * x + h * y + 1.0;
            ((a * x + b * y + c) / w, (d * x + e * y + f) / w)
        };
        canvas.warped([0; 3], source).into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
