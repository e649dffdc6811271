//! The shape of the residual: which chip gets how much, in the canonical domain.

use super::dct;
use super::features::{Blocks, FLOOR};
use super::frames::Frames;
use super::key::WatermarkKey;
use super::layout::{BLOCK, CHIPS, CODED, first_slot};
use super::masks;
use crate::pixels::plane::Plane;

/// Most amplitude a coded bit or the pilots get.
const MOST: f32 = 100.0;
/// Highest level tried.
const TOP_LEVEL: f32 = 8.0;

/// Amplitude of a chip of amplitude 1: its scale to the power −⅜, less where coefficients are large, as the detector
/// divides by them. By roots, which every machine rounds alike.
fn amplitude(scale: f32) -> f32 {
    let fourth = scale.sqrt().sqrt();
    1.0 / (fourth * fourth.sqrt())
}

/// How close to what can be seen a mark goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cover {
    /// Margin of textured regions that stays unmarked, canonical pixels.
    margin: usize,
    /// Most of a block's residual, as a part of its texture.
    part: f32,
}

impl Cover {
    /// For images with texture enough.
    pub(super) const WIDE: Self = Self {
        margin: masks::MARGIN,
        part: 0.3,
    };
    /// For text, lines and lone figures on plain ground: closer to the edges and stronger on them. The limits of
    /// peak signal to noise ratio and of structural similarity hold all the same.
    pub(super) const CLOSE: Self = Self {
        margin: 1,
        part: 0.5,
    };
}

/// What one pass adds to the plain hinge.
pub(super) struct Plan {
    /// Amplitude of the pilots over the mean amplitude of the payload.
    pilot_gain: f32,
    /// Extra correlation asked for, by coded bit.
    extra: Vec<f32>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            pilot_gain: 1.8,
            extra: vec![0.0; CODED],
        }
    }
}

impl Plan {
    /// The second pass, from what the first one reached: `clean` and `coarse` correlations by bit, `aim` the
    /// correlation it asked for, and its robustness score.
    pub(super) fn corrected(clean: &[f32], coarse: &[f32], aim: f32, z_q: f64) -> Self {
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len().max(1) as f32;
        let (clean_mean, coarse_mean) = (mean(clean), mean(coarse));
        let share = if coarse_mean > 0.0 {
            (clean_mean / coarse_mean).clamp(0.0, 1.5)
        } else {
            1.5
        };
        let extra = clean.iter().zip(coarse).map(|(clean, coarse)| {
            let weak = (coarse_mean - coarse).clamp(0.0, 2.0 * coarse_mean.abs());
            0.7 * (aim - clean).max(0.0) + share * weak
        });
        Self {
            pilot_gain: 1.6 + 0.4 * ((z_q - 18.0) / 8.0).clamp(0.0, 1.0) as f32,
            extra: extra.collect(),
        }
    }
}

/// Chip amplitudes of a whole image.
pub(super) struct Chips {
    pub(super) chips: Blocks,
    /// Mean square of the residual they give, per canonical pixel, as far as the blocks' mean masks tell.
    pub(super) mean_square: f64,
}

/// An image with its bits, ready to be marked at any level.
pub(super) struct Shaper<'a> {
    key: &'a WatermarkKey,
    bits: &'a [f32],
    scales: Blocks,
    /// Amplitude of a chip of amplitude 1: scale to the power −⅜.
    shapes: Blocks,
    mask: Plane,
    /// Mean of the mask and of its square, by block.
    openness: Vec<(f32, f32)>,
    /// Cap of a block's L2 norm.
    caps: Vec<f32>,
    /// Weight of each block in the features.
    weights: Vec<f32>,
    frames: Frames,
}

impl<'a> Shaper<'a> {
    pub(super) fn new(host: &Plane, cover: Cover, key: &'a WatermarkKey, bits: &'a [f32]) -> Self {
        let blocks = Blocks::of(host);
        let scales = blocks.scales(FLOOR);
        let mask = masks::texture(host, cover.margin);
        let openness = masks::by_block(&mask);
        let weights = masks::weights(&openness);
        let caps = scales.data.iter().map(|scales| {
            let texture: f32 = scales.iter().map(|s| s * s - FLOOR * FLOOR).sum();
            cover.part * texture.max(0.0).sqrt() + 3.0
        });
        let shapes = Blocks {
            data: scales
                .data
                .iter()
                .map(|scales| scales.map(amplitude))
                .collect(),
            ..scales
        };
        let chipwise = |value: &dyn Fn(usize, usize) -> f32| Blocks {
            data: (0..blocks.data.len())
                .map(|k| std::array::from_fn(|q| value(k, q)))
                .collect(),
            ..blocks
        };
        let features = chipwise(&|k, q| weights[k] * blocks.data[k][q] / scales.data[k][q]);
        let responses =
            chipwise(&|k, q| weights[k] * openness[k].0 * shapes.data[k][q] / scales.data[k][q]);
        Self {
            frames: Frames::of(&features, &responses, key, bits),
            key,
            bits,
            caps: caps.collect(),
            scales,
            shapes,
            mask,
            openness,
            weights,
        }
    }

    /// Weights of the host's blocks.
    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Scales of the host.
    pub(super) fn scales(&self) -> &Blocks {
        &self.scales
    }

    /// Root mean square of the host's correlations: the unit of levels.
    pub(super) fn reference(&self) -> f32 {
        self.frames.reference()
    }

    /// Correlations of folded features with the coded bits.
    pub(super) fn correlations(&self, folded: &[f32]) -> Vec<f32> {
        let soft = self.key.soft_bits(folded);
        soft.iter()
            .zip(self.bits)
            .map(|(soft, bit)| soft * bit)
            .collect()
    }

    /// Amplitude of each slot of the tile at a level.
    fn tile(&self, level: f32, plan: &Plan) -> Vec<f32> {
        let amplitudes: Vec<f32> = (0..CODED)
            .map(|bit| {
                let amplitude = self.frames.amplitude(bit, level, plan.extra[bit]);
                self.bits[bit] * amplitude.min(MOST)
            })
            .collect();
        let gain = self.frames.mean_gain();
        let pilot = if gain > 0.0 {
            (plan.pilot_gain * level * self.reference() / gain).min(MOST)
        } else {
            0.0
        };
        self.key.spread(&amplitudes, pilot)
    }

    /// Chips of a block for the amplitudes of its slots, and their energy under the mask.
    fn block(&self, k: usize, tile: &[f32]) -> ([f32; CHIPS], f32) {
        let slot = first_slot(k / self.shapes.columns, k % self.shapes.columns);
        let mut chips = self.shapes.data[k];
        for (chip, amplitude) in chips.iter_mut().zip(&tile[slot..slot + CHIPS]) {
            *chip *= amplitude;
        }
        let squares: f32 = chips.iter().map(|chip| chip * chip).sum();
        let cap = self.caps[k];
        let share = if squares > cap * cap {
            cap / squares.sqrt()
        } else {
            1.0
        };
        for chip in &mut chips {
            *chip *= share;
        }
        (chips, squares * share * share * self.openness[k].1)
    }

    /// Mean square of the residual at a level, per canonical pixel, as far as the blocks' mean masks tell.
    fn mean_square(&self, level: f32, plan: &Plan) -> f64 {
        let tile = self.tile(level, plan);
        let blocks = 0..self.shapes.data.len();
        let energy: f64 = blocks.map(|k| f64::from(self.block(k, &tile).1)).sum();
        energy / self.mask.data.len() as f64
    }

    /// The chips at a level.
    pub(super) fn chips(&self, level: f32, plan: &Plan) -> Chips {
        let tile = self.tile(level, plan);
        let mut energy = 0.0_f64;
        let blocks = 0..self.shapes.data.len();
        let data = blocks.map(|k| {
            let (chips, squares) = self.block(k, &tile);
            energy += f64::from(squares);
            chips
        });
        let chips = Blocks {
            data: data.collect(),
            ..self.shapes
        };
        Chips {
            chips,
            mean_square: energy / self.mask.data.len() as f64,
        }
    }

    /// The highest level whose residual stays within a mean square (as [`Chips::mean_square`] counts).
    pub(super) fn level(&self, most: f64, plan: &Plan) -> f32 {
        let fits = |level: f32| self.mean_square(level, plan) <= most;
        if fits(TOP_LEVEL) {
            return TOP_LEVEL;
        }
        let (mut low, mut high) = (0.0, TOP_LEVEL);
        for _ in 0..12 {
            let middle = 0.5 * (low + high);
            if fits(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The residual of chips on the canonical grid, under the texture mask.
    pub(super) fn residual(&self, chips: &Blocks) -> Plane {
        let mut residual = Plane::new(self.mask.width, self.mask.height);
        for (k, chips) in chips.data.iter().enumerate() {
            let (top, left) = (
                k / self.shapes.columns * BLOCK,
                k % self.shapes.columns * BLOCK,
            );
            for (y, values) in dct::inverse(chips).iter().enumerate() {
                let mask = &self.mask.row(top + y)[left..left + BLOCK];
                let out = &mut residual.data[(top + y) * self.mask.width + left..][..BLOCK];
                for ((out, value), mask) in out.iter_mut().zip(values).zip(mask) {
                    *out = value * mask;
                }
            }
        }
        residual
    }
}
