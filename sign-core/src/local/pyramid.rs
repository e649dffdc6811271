//! Scale space in integers: two machines cannot differ.

use super::canonical::Canonical;
use crate::pixels::wide::wide;

/// Layers of an octave that points are found in.
pub(super) const LAYERS: usize = 3;

/// Levels of an octave: each is blurred more than the one before by 2^(1/3).
const LEVELS: usize = LAYERS + 3;

const MOST_OCTAVES: usize = 7;

/// Shortest side of an octave, samples.
const LEAST_SIDE: usize = 24;

/// Weights in 1/256 from the centre, of the blur that makes a level from the one before (or from the canonical image, which counts
/// as σ 0.5): σ 1.520, 1.226, 1.545, 1.947, 2.453, 3.090. The first counts once, every other one on both sides.
const BLURS: [&[u32]; LEVELS] = [
    &[68, 54, 28, 10, 2],
    &[84, 60, 22, 4],
    &[66, 54, 29, 10, 2],
    &[54, 46, 31, 16, 6, 2],
    &[42, 38, 30, 20, 11, 5, 2, 1],
    &[34, 31, 27, 21, 14, 9, 5, 3, 1],
];

/// Samples in 1/128 grey level, row by row.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<u16>,
}

/// One octave: half the samples of the one before along each side.
#[derive(Debug)]
pub(super) struct Octave {
    /// From the least blurred on: [`LEVELS`].
    pub(super) levels: Vec<Samples>,
}

/// A picture at all scales.
#[derive(Debug)]
pub(super) struct Pyramid {
    pub(super) base: Samples,
    pub(super) octaves: Vec<Octave>,
}

impl Pyramid {
    /// About 4 ms for 512 by 384 pixels. Without octaves where the picture is too narrow.
    pub(super) fn of(canonical: &Canonical) -> Self {
        let base = Samples {
            width: canonical.width,
            height: canonical.height,
            data: canonical
                .luma
                .iter()
                .map(|&luma| u16::from(luma) << 7)
                .collect(),
        };
        let mut octaves: Vec<Octave> = Vec::new();
        while octaves.len() < MOST_OCTAVES {
            let (from, size) = match octaves.last() {
                None => (&base, (base.width, base.height)),
                Some(before) => {
                    let level = &before.levels[LAYERS];
                    (level, (level.width / 2, level.height / 2))
                }
            };
            if size.0.min(size.1) < LEAST_SIDE {
                break;
            }
            let first = if octaves.is_empty() {
                from.blurred(BLURS[0])
            } else {
                from.halved(size)
            };
            let mut levels = Vec::with_capacity(LEVELS);
            let mut level = first;
            for weights in &BLURS[1..] {
                let next = level.blurred(weights);
                levels.push(std::mem::replace(&mut level, next));
            }
            levels.push(level);
            octaves.push(Octave { levels });
        }
        Self { base, octaves }
    }
}

impl Samples {
    /// Every second sample.
    fn halved(&self, (width, height): (usize, usize)) -> Self {
        let row = |y: usize| &self.data[2 * y * self.width..][..self.width];
        let every_second = |y: usize| row(y).iter().step_by(2).take(width).copied();
        Self {
            width,
            height,
            data: (0..height).flat_map(every_second).collect(),
        }
    }

    /// Along both sides, rounded after each; the border repeats.
    fn blurred(&self, weights: &[u32]) -> Self {
        wide(|| self.blurred_plain(weights))
    }

    #[inline(always)]
    fn blurred_plain(&self, weights: &[u32]) -> Self {
        let (width, height) = (self.width, self.height);
        let reach = weights.len() - 1;
        let mut across = vec![0_u16; width * height];
        let mut padded = vec![0_u16; width + 2 * reach];
        for (row, out) in self
            .data
            .chunks_exact(width)
            .zip(across.chunks_exact_mut(width))
        {
            padded[..reach].fill(row[0]);
            padded[reach..reach + width].copy_from_slice(row);
            padded[reach + width..].fill(row[width - 1]);
            weighted(out, weights, |tap| {
                [&padded[reach - tap..], &padded[reach + tap..]]
            });
        }
        let mut data = vec![0_u16; width * height];
        for (y, out) in data.chunks_exact_mut(width).enumerate() {
            weighted(out, weights, |tap| {
                let above = y.saturating_sub(tap);
                let below = (y + tap).min(height - 1);
                [above, below].map(|y| &across[y * width..][..width])
            });
        }
        Self {
            width,
            height,
            data,
        }
    }
}

/// Samples that are summed at a time: as many as fit into registers.
const BLOCK: usize = 32;

/// A row as the weighted sum of rows; `rows` gives those on either side by their distance. No sum exceeds 256 × 65535.
#[inline(always)]
fn weighted<'s>(out: &mut [u16], weights: &[u32], rows: impl Fn(usize) -> [&'s [u16]; 2]) {
    let mut start = 0;
    while start < out.len() {
        let length = BLOCK.min(out.len() - start);
        let mut sums = [128_u32; BLOCK];
        for (tap, &weight) in weights.iter().enumerate() {
            let [before, after] = rows(tap).map(|row| &row[start..start + length]);
            let is_centre = tap == 0;
            if let (Ok(before), Ok(after)) = (
                <&[u16; BLOCK]>::try_from(before),
                <&[u16; BLOCK]>::try_from(after),
            ) {
                for k in 0..BLOCK {
                    let other = if is_centre { 0 } else { u32::from(after[k]) };
                    sums[k] = added(sums[k], weight, u32::from(before[k]), other);
                }
            } else {
                for k in 0..length {
                    let other = if is_centre { 0 } else { u32::from(after[k]) };
                    sums[k] = added(sums[k], weight, u32::from(before[k]), other);
                }
            }
        }
        for (out, sum) in out[start..start + length].iter_mut().zip(sums) {
            *out = (sum >> 8) as u16;
        }
        start += length;
    }
}

/// `sum + weight · (before + after)`, which fits; a check of every sum would keep the loop from being done in vectors.
#[inline(always)]
fn added(sum: u32, weight: u32, before: u32, after: u32) -> u32 {
    sum.wrapping_add(weight.wrapping_mul(before.wrapping_add(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_what_is_even_and_sums_to_one() {
        for weights in BLURS {
            let sum: u32 = weights[0] + 2 * weights[1..].iter().sum::<u32>();
            assert_eq!(sum, 256);
            let even = Samples {
                width: 37,
                height: 5,
                data: vec![32_640; 37 * 5],
            };
            assert_eq!(even.blurred(weights).data, even.data);
        }
    }

    #[test]
    fn a_blur_is_its_sum_sample_by_sample() {
        let (width, height) = (71_usize, 13_usize);
        let value = |x: usize, y: usize| ((x * 7919 + y * 104_729 + x * y * 31) % 32_641) as u16;
        let data = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y)));
        let samples = Samples {
            width,
            height,
            data: data.collect(),
        };
        for weights in BLURS {
            let reach = weights.len() as isize - 1;
            let kernel = |k: isize| i64::from(weights[k.unsigned_abs()]);
            let clamped = |v: usize, k: isize, length: usize| {
                (v as isize + k).clamp(0, length as isize - 1) as usize
            };
            let across = |x: usize, y: usize| -> i64 {
                let sum: i64 = (-reach..=reach)
                    .map(|k| kernel(k) * i64::from(value(clamped(x, k, width), y)))
                    .sum();
                (sum + 128) >> 8
            };
            let blurred = samples.blurred(weights);
            for y in 0..height {
                for x in 0..width {
                    let sum: i64 = (-reach..=reach)
                        .map(|k| kernel(k) * across(x, clamped(y, k, height)))
                        .sum();
                    assert_eq!(i64::from(blurred.data[y * width + x]), (sum + 128) >> 8);
                }
            }
        }
    }
}
