//! Coarse brightness of an image.

use image::metadata::Orientation;
use serde::{Deserialize, Serialize};

use super::pdq::turn;
use super::sampling::{GRID, Samples};

const SIDE: usize = 4;

/// Mean luma, 0 to 255, of the cells of a 4×4 grid over the displayed image, row by row.
///
/// Recompression and resizing change it by a level or two. As JSON: 32 hexadecimal digits.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub struct Tone(#[serde(with = "hex::serde")] pub [u8; SIDE * SIDE]);

impl Tone {
    pub(super) fn of(samples: &Samples) -> Self {
        let cell = GRID / SIDE;
        Self(std::array::from_fn(|k| {
            let (row, column) = (k / SIDE * cell, k % SIDE * cell);
            let sum: f32 = samples[row..row + cell]
                .iter()
                .flat_map(|samples| &samples[column..column + cell])
                .sum();
            // Saturating, so rounding errors at white cannot wrap.
            (sum / (cell * cell) as f32).round() as u8
        }))
    }

    /// The tone of the turned image.
    pub(super) fn turned(&self, orientation: Orientation) -> Self {
        let (transpose, mirror_x, mirror_y) = turn(orientation);
        Self(std::array::from_fn(|k| {
            let flip = |at: usize, mirrored| if mirrored { SIDE - 1 - at } else { at };
            let (row, column) = (flip(k / SIDE, mirror_y), flip(k % SIDE, mirror_x));
            self.0[if transpose {
                column * SIDE + row
            } else {
                row * SIDE + column
            }]
        }))
    }

    /// The largest difference of a cell, grey levels.
    pub fn difference(&self, other: &Self) -> u8 {
        self.0
            .iter()
            .zip(&other.0)
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap_or(0)
    }
}
