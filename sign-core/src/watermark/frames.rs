//! What the host says about each coded bit, over the whole image and over the parts that crops leave.

use super::features::Blocks;
use super::key::WatermarkKey;
use super::layout::{CHIPS, CODED, SLOTS, first_slot};

/// Part of each axis that a crop leaves.
const PART: f32 = 0.75;
/// Places of the crops, as parts of what may be cut off above and to the left: corners and centre.
const PLACES: [(f32, f32); 5] = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5)];
/// Say of all crops together in an amplitude; the whole image has the rest.
const CROPS_SAY: f32 = 0.5;
/// Most amplitude of a bit over the amplitude that the mean bit needs. What the code corrects cheaper than
/// amplitude would is left to the code.
const MOST_OVER_MEAN: f32 = 2.0;

/// The coded bits as one part of the image shows them.
#[derive(Clone, Debug)]
struct Frame {
    /// Correlation of the host with each bit.
    host: Vec<f32>,
    /// What amplitude 1 adds to it.
    gains: Vec<f32>,
    mean_gain: f32,
    /// Root mean square of `host`.
    reference: f32,
    /// Say in an amplitude; all add to one.
    say: f32,
}

impl Frame {
    fn amplitude(&self, bit: usize, level: f32, extra: f32) -> f32 {
        // A bit without any open chip cannot be reached, and nothing is spent on it.
        if self.gains[bit] <= 0.0 {
            return 0.0;
        }
        let aim = level * self.reference;
        let most = MOST_OVER_MEAN * aim / self.mean_gain;
        ((aim - self.host[bit] + extra) / self.gains[bit]).clamp(0.0, most)
    }
}

/// The whole image and its crops.
pub(super) struct Frames {
    whole: Frame,
    crops: Vec<Frame>,
}

impl Frames {
    /// From the features of the host and what amplitude 1 adds to them, chip by chip.
    pub(super) fn of(
        features: &Blocks,
        responses: &Blocks,
        key: &WatermarkKey,
        bits: &[f32],
    ) -> Self {
        let (rows, columns) = (features.rows, features.columns);
        let frame = |top: usize, left: usize, height: usize, width: usize, say: f32| {
            let part = |blocks: &Blocks| {
                let mut slots = vec![0.0_f32; SLOTS];
                for r in top..top + height {
                    for c in left..left + width {
                        let slot = first_slot(r, c);
                        let values = &blocks.data[r * columns + c];
                        for (sum, value) in slots[slot..slot + CHIPS].iter_mut().zip(values) {
                            *sum += value;
                        }
                    }
                }
                slots
            };
            let soft = key.soft_bits(&part(features));
            let host: Vec<f32> = soft
                .iter()
                .zip(bits)
                .map(|(soft, bit)| soft * bit)
                .collect();
            let by_slot = part(responses);
            let mut gains = vec![0.0_f32; CODED];
            for (slot, bit) in key.payload() {
                gains[bit] += by_slot[slot];
            }
            let squares: f32 = host.iter().map(|x| x * x).sum();
            Frame {
                mean_gain: gains.iter().sum::<f32>() / CODED as f32,
                reference: (squares / CODED as f32).sqrt(),
                host,
                gains,
                say,
            }
        };
        let side = |side: usize| (side as f32 * PART).round() as usize;
        let (height, width) = (side(rows), side(columns));
        let place = |room: usize, share: f32| (room as f32 * share) as usize;
        Self {
            whole: frame(0, 0, rows, columns, 1.0 - CROPS_SAY),
            crops: PLACES
                .iter()
                .map(|&(down, across)| {
                    let top = place(rows - height, down);
                    let left = place(columns - width, across);
                    frame(top, left, height, width, CROPS_SAY / PLACES.len() as f32)
                })
                .collect(),
        }
    }

    /// Root mean square of the host's correlations over the whole image: the unit of levels.
    pub(super) fn reference(&self) -> f32 {
        self.whole.reference
    }

    /// Mean over the bits of what amplitude 1 adds to the correlation over the whole image.
    pub(super) fn mean_gain(&self) -> f32 {
        self.whole.mean_gain
    }

    /// Amplitude of a bit at a level, with `extra` correlation asked for over the whole image.
    ///
    /// In each frame, a bit whose host correlation is above the level gets nothing and an adverse one is pushed:
    /// that is what rejects the host. A crop undoes the rejection over the whole in part, so the crops have a say.
    pub(super) fn amplitude(&self, bit: usize, level: f32, extra: f32) -> f32 {
        let whole = self.whole.say * self.whole.amplitude(bit, level, extra);
        let crops = self
            .crops
            .iter()
            .map(|f| f.say * f.amplitude(bit, level, 0.0));
        whole + crops.sum::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(rows: usize, columns: usize, salt: usize) -> Blocks {
        let value = |k: usize, q: usize| ((k * 7919 + q * 104_729 + salt) % 251) as f32 / 125.0;
        Blocks {
            rows,
            columns,
            data: (0..rows * columns)
                .map(|k| std::array::from_fn(|q| value(k, q) - if salt == 0 { 1.0 } else { 0.0 }))
                .collect(),
        }
    }

    #[test]
    fn frames_are_sums_over_their_blocks_and_amplitudes_capped_hinges() {
        let key = WatermarkKey::derive(b"a key for these tests").unwrap();
        let bits: Vec<f32> = (0..CODED)
            .map(|b| if b % 3 == 0 { -1.0 } else { 1.0 })
            .collect();
        let (features, responses) = (blocks(20, 30, 0), blocks(20, 30, 5));
        let frames = Frames::of(&features, &responses, &key, &bits);
        // 15 of 20 rows and 23 of 30 columns stay.
        let areas = [
            (0, 0, 20, 30, 0.5),
            (0, 0, 15, 23, 0.1),
            (0, 7, 15, 23, 0.1),
            (5, 0, 15, 23, 0.1),
            (5, 7, 15, 23, 0.1),
            (2, 3, 15, 23, 0.1),
        ];
        let level = 0.8;
        let mut expected = vec![0.0_f32; CODED];
        for (top, left, height, width, say) in areas {
            let (mut host, mut gains) = (vec![0.0_f32; CODED], vec![0.0_f32; CODED]);
            for (slot, bit) in key.payload() {
                let (block, q) = (slot / CHIPS, slot % CHIPS);
                for r in (top..top + height).filter(|r| r % 16 == block / 16) {
                    for c in (left..left + width).filter(|c| c % 16 == block % 16) {
                        host[bit] += bits[bit] * key.signs()[slot] * features.data[r * 30 + c][q];
                        gains[bit] += responses.data[r * 30 + c][q];
                    }
                }
            }
            let squares: f32 = host.iter().map(|x| x * x).sum();
            let aim = level * (squares / CODED as f32).sqrt();
            let mean = gains.iter().sum::<f32>() / CODED as f32;
            for b in 0..CODED {
                let wanted = ((aim - host[b]) / gains[b]).max(0.0);
                expected[b] += say * wanted.min(2.0 * aim / mean);
            }
        }
        for (bit, expected) in expected.iter().enumerate() {
            let amplitude = frames.amplitude(bit, level, 0.0);
            assert!(
                (amplitude - expected).abs() < 1e-3 * expected.max(0.1),
                "bit {bit}"
            );
        }
        assert!(expected.contains(&0.0) && expected.iter().any(|&a| a > 0.0));
    }

    #[test]
    fn bits_without_open_chips_get_nothing() {
        let key = WatermarkKey::derive(b"a key for these tests").unwrap();
        let closed = Blocks {
            data: vec![[0.0; CHIPS]; 600],
            ..blocks(20, 30, 0)
        };
        let frames = Frames::of(&blocks(20, 30, 0), &closed, &key, &[1.0; CODED]);
        assert!((0..CODED).all(|bit| frames.amplitude(bit, 8.0, 1.0) == 0.0));
    }
}
