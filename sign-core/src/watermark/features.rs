//! What the detector looks at: scaled coefficients, folded over the tile.

use super::dct;
use super::layout::{BLOCK, CHIPS, SLOTS, first_slot};
use super::masks;
use crate::pixels::plane::Plane;
use crate::pixels::wide::wide;

/// Floor of the scale estimate.
pub(super) const FLOOR: f32 = 3.0;

/// Nineteen values for each whole block of a canonical image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blocks {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) data: Vec<[f32; CHIPS]>,
}

impl Blocks {
    /// The coefficients of a canonical image.
    pub(super) fn of(plane: &Plane) -> Self {
        let (rows, columns) = (plane.height / BLOCK, plane.width / BLOCK);
        let mut data = vec![[0.0; CHIPS]; rows * columns];
        let blocks = &mut data[..];
        wide!(
            |plane: &'l Plane, blocks: &'l mut [[f32; CHIPS]], columns: usize| -> () {
                for (r, row) in blocks.chunks_exact_mut(columns.max(1)).enumerate() {
                    let band = &plane.data[r * BLOCK * plane.width..];
                    for (c, out) in row.iter_mut().enumerate() {
                        *out = dct::forward(&band[c * BLOCK..], plane.width);
                    }
                }
            }
        );
        Self {
            rows,
            columns,
            data,
        }
    }

    /// Scale of each coefficient: root of the mean square over the 3×3 blocks around it (the edge repeats) plus
    /// the floor's square. The block itself is among them, so no value exceeds three times its scale.
    pub(super) fn scales(&self, floor: f32) -> Self {
        let blocks = self;
        wide!(|blocks: &'l Blocks, floor: f32| -> Blocks { blocks.scales_plain(floor) })
    }

    #[inline(always)]
    fn scales_plain(&self, floor: f32) -> Self {
        let mut across = self.clone();
        for (r, out) in across
            .data
            .chunks_exact_mut(self.columns.max(1))
            .enumerate()
        {
            let row = &self.data[r * self.columns..][..self.columns];
            for (c, out) in out.iter_mut().enumerate() {
                let three =
                    [c.saturating_sub(1), c, (c + 1).min(self.columns - 1)].map(|c| &row[c]);
                *out = std::array::from_fn(|q| three.iter().map(|block| block[q] * block[q]).sum());
            }
        }
        let mut scales = across.clone();
        for (k, out) in scales.data.iter_mut().enumerate() {
            let (r, c) = (k / self.columns, k % self.columns);
            let three = [r.saturating_sub(1), r, (r + 1).min(self.rows - 1)]
                .map(|r| &across.data[r * self.columns + c]);
            *out = std::array::from_fn(|q| {
                let sum: f32 = three.iter().map(|block| block[q]).sum();
                (sum / 9.0 + floor * floor).sqrt()
            });
        }
        scales
    }

    /// Σ of weight·value/scale over all chips of each slot: all that decoding, gate and pilots need.
    pub(super) fn folded(&self, scales: &Self, weights: &[f32]) -> Vec<f32> {
        let blocks = self;
        wide!(
            |blocks: &'l Blocks, scales: &'l Blocks, weights: &'l [f32]| -> Vec<f32> {
                let mut folded = vec![0.0; SLOTS];
                let weighted = blocks.data.iter().zip(&scales.data).zip(weights);
                for (k, ((values, scales), weight)) in weighted.enumerate() {
                    let slot = first_slot(k / blocks.columns, k % blocks.columns);
                    for ((sum, value), scale) in folded[slot..].iter_mut().zip(values).zip(scales) {
                        *sum += weight * value / scale;
                    }
                }
                folded
            }
        )
    }

    /// The same, each value rounded to a multiple of `step`.
    pub(super) fn quantised(&self, step: f32) -> Self {
        let blocks = self;
        wide!(|blocks: &'l Blocks, step: f32| -> Blocks {
            // Adding and taking away 1.5·2²³ rounds to the nearest whole number, ties to even, where |value/step| is
            // below 2²²: a plain sum instead of a call.
            let round = |value: f32| (value / step + 12_582_912.0 - 12_582_912.0) * step;
            Blocks {
                data: blocks.data.iter().map(|block| block.map(round)).collect(),
                ..*blocks
            }
        })
    }
}

/// Weight of each block of a canonical image.
pub(super) fn weights(plane: &Plane) -> Vec<f32> {
    masks::weights(&masks::by_block(&masks::texture(plane, masks::MARGIN)))
}

/// Folded features of a canonical image, with the usual or another floor.
pub(super) fn folded(plane: &Plane, floor: f32) -> Vec<f32> {
    weighted(plane, floor, &weights(plane))
}

/// The same with the weights given.
pub(super) fn weighted(plane: &Plane, floor: f32, weights: &[f32]) -> Vec<f32> {
    let blocks = Blocks::of(plane);
    blocks.folded(&blocks.scales(floor), weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_the_roots_of_mean_squares_around_a_block() {
        let plane = Plane::from_fn(50, 37, |x, y| {
            ((x * 7919 + y * 104_729 + x * y * 31) % 251) as f32
        });
        let blocks = Blocks::of(&plane);
        assert_eq!((blocks.rows, blocks.columns), (4, 6));
        let scales = blocks.scales(FLOOR);
        for r in 0..4_isize {
            for c in 0..6_isize {
                for q in 0..CHIPS {
                    let mut sum = 0.0;
                    for v in r - 1..=r + 1 {
                        for u in c - 1..=c + 1 {
                            let at = v.clamp(0, 3) * 6 + u.clamp(0, 5);
                            sum += blocks.data[at as usize][q].powi(2);
                        }
                    }
                    let slow = (sum / 9.0 + FLOOR * FLOOR).sqrt();
                    let at = (r * 6 + c) as usize;
                    assert!((scales.data[at][q] - slow).abs() < 1e-3 * slow);
                    assert!((blocks.data[at][q] / scales.data[at][q]).abs() <= 3.0);
                }
            }
        }
    }

    #[test]
    fn folding_adds_what_lies_a_tile_apart() {
        let tile = Plane::from_fn(128, 128, |x, y| ((x * 31 + y * 17 + x * y) % 64) as f32);
        let wide = Plane::from_fn(384, 256, |x, y| tile.row(y % 128)[x % 128]);
        let once = Blocks::of(&tile);
        let unit = |blocks: &Blocks| Blocks {
            data: vec![[1.0; CHIPS]; blocks.data.len()],
            ..*blocks
        };
        let blocks = Blocks::of(&wide);
        let ones = vec![1.0; blocks.data.len()];
        let folded = blocks.folded(&unit(&blocks), &ones);
        let single = once.folded(&unit(&once), &ones);
        for (folded, single) in folded.iter().zip(&single) {
            assert!((folded - 6.0 * single).abs() < 1e-2);
        }
    }

    #[test]
    fn quantising_rounds_to_the_nearest_multiple() {
        let block: [f32; CHIPS] = std::array::from_fn(|k| (k as f32 - 9.0) * 100.3);
        let blocks = Blocks {
            rows: 1,
            columns: 1,
            data: vec![block],
        };
        for (value, quantised) in block.iter().zip(blocks.quantised(24.0).data[0]) {
            assert_eq!(quantised, (value / 24.0).round_ties_even() * 24.0);
        }
    }

    #[test]
    fn an_image_smaller_than_a_block_folds_to_nothing() {
        assert!(folded(&Plane::new(7, 7), FLOOR).iter().all(|&v| v == 0.0));
    }
}
