//! The shape of the residual: which chip gets how much, in the canonical domain.

use super::dct;
use super::features::{Blocks, FLOOR};
use super::key::WatermarkKey;
use super::layout::{BLOCK, CHIPS, CODED, first_slot};
use super::masks;
use super::plane::Plane;

/// Exponent of a chip's amplitude in its scale: less where coefficients are large, as the detector divides by them.
const GAMMA: f32 = -0.4;
/// Most amplitude a coded bit or the pilots get.
const MOST: f32 = 36.4;
/// Highest level tried.
const TOP_LEVEL: f32 = 8.0;

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
            pilot_gain: 2.2,
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
            pilot_gain: 1.8 + 0.4 * ((z_q - 18.0) / 8.0).clamp(0.0, 1.0) as f32,
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
    /// Amplitude of a chip of amplitude 1: scale^γ.
    shapes: Blocks,
    mask: Plane,
    /// Mean of the mask and of its square, by block.
    openness: Vec<(f32, f32)>,
    /// Cap of a block's L2 norm.
    caps: Vec<f32>,
    folded: Vec<f32>,
    /// Correlation of the host with each coded bit.
    host: Vec<f32>,
    /// What amplitude 1 adds to each bit's correlation.
    gains: Vec<f32>,
    reference: f32,
}

impl<'a> Shaper<'a> {
    pub(super) fn new(host: &Plane, key: &'a WatermarkKey, bits: &'a [f32]) -> Self {
        let blocks = Blocks::of(host);
        let scales = blocks.scales(FLOOR);
        let folded = blocks.folded(&scales);
        let mask = masks::texture(host);
        let openness: Vec<(f32, f32)> = (0..blocks.data.len())
            .map(|k| {
                let (top, left) = (k / blocks.columns * BLOCK, k % blocks.columns * BLOCK);
                let (mut sum, mut squares) = (0.0, 0.0);
                for y in top..top + BLOCK {
                    for m in &mask.row(y)[left..left + BLOCK] {
                        sum += m;
                        squares += m * m;
                    }
                }
                (sum / 64.0, squares / 64.0)
            })
            .collect();
        let caps = scales.data.iter().map(|scales| {
            let texture: f32 = scales.iter().map(|s| s * s - FLOOR * FLOOR).sum();
            0.30 * texture.max(0.0).sqrt() + 3.0
        });
        let shapes = Blocks {
            data: scales
                .data
                .iter()
                .map(|scales| scales.map(|s| s.powf(GAMMA)))
                .collect(),
            ..scales
        };
        // Gain by slot first: Σ of shape·mask/scale over the chips of the slot.
        let mut by_slot = vec![0.0_f32; folded.len()];
        for (k, (shapes, scales)) in shapes.data.iter().zip(&scales.data).enumerate() {
            let slot = first_slot(k / blocks.columns, k % blocks.columns);
            for ((sum, shape), scale) in by_slot[slot..].iter_mut().zip(shapes).zip(scales) {
                *sum += shape * openness[k].0 / scale;
            }
        }
        let mut gains = vec![0.0_f32; CODED];
        for (slot, bit) in key.payload() {
            gains[bit] += by_slot[slot];
        }
        let mut shaper = Self {
            key,
            bits,
            caps: caps.collect(),
            scales,
            shapes,
            mask,
            openness,
            folded,
            host: Vec::new(),
            gains,
            reference: 0.0,
        };
        shaper.host = shaper.correlations(&shaper.folded);
        let squares: f32 = shaper.host.iter().map(|x| x * x).sum();
        shaper.reference = (squares / CODED as f32).sqrt();
        shaper
    }

    /// Folded features of the host.
    pub(super) fn folded(&self) -> &[f32] {
        &self.folded
    }

    /// Scales of the host.
    pub(super) fn scales(&self) -> &Blocks {
        &self.scales
    }

    /// Root mean square of the host's correlations: the unit of levels.
    pub(super) fn reference(&self) -> f32 {
        self.reference
    }

    /// Correlations of folded features with the coded bits.
    pub(super) fn correlations(&self, folded: &[f32]) -> Vec<f32> {
        let soft = self.key.soft_bits(folded);
        soft.iter()
            .zip(self.bits)
            .map(|(soft, bit)| soft * bit)
            .collect()
    }

    /// The chips at a level. A bit whose host correlation is above the level gets nothing, an adverse one is
    /// pushed all the way: that is what rejects the host.
    pub(super) fn chips(&self, level: f32, plan: &Plan) -> Chips {
        let aim = level * self.reference;
        let amplitudes: Vec<f32> = (0..CODED)
            .map(|b| {
                let wanted = aim - self.host[b] + plan.extra[b];
                // A bit without any open chip cannot be reached, and nothing is spent on it.
                let amplitude = if self.gains[b] > 0.0 {
                    wanted / self.gains[b]
                } else {
                    0.0
                };
                self.bits[b] * amplitude.clamp(0.0, MOST)
            })
            .collect();
        let total: f32 = self.gains.iter().sum();
        let pilot = if total > 0.0 {
            (plan.pilot_gain * aim * CODED as f32 / total).clamp(0.0, MOST)
        } else {
            0.0
        };
        let tile = self.key.spread(&amplitudes, pilot);

        let mut chips = self.shapes.clone();
        let mut energy = 0.0_f64;
        for (k, chips) in chips.data.iter_mut().enumerate() {
            let slot = first_slot(k / self.shapes.columns, k % self.shapes.columns);
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
            for chip in chips.iter_mut() {
                *chip *= share;
            }
            energy += f64::from(squares * share * share * self.openness[k].1);
        }
        Chips {
            chips,
            mean_square: energy / self.mask.data.len() as f64,
        }
    }

    /// The highest level whose residual stays within a mean square (as [`Chips::mean_square`] counts).
    pub(super) fn level(&self, most: f64, plan: &Plan) -> f32 {
        let fits = |level: f32| self.chips(level, plan).mean_square <= most;
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
