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

/// Half of a symmetric kernel in 1/256 from the centre: the first weight counts once, every other one on both sides.
type Kernel<const TAPS: usize> = [i32; TAPS];

/// What makes a level from the one before (the first of all from the canonical image, which counts as σ 0.5): σ 1.520, 1.226, 1.545,
/// 1.947, 2.453, 3.090.
const BLURS: (
    Kernel<5>,
    Kernel<4>,
    Kernel<5>,
    Kernel<6>,
    Kernel<8>,
    Kernel<9>,
) = (
    [68, 54, 28, 10, 2],
    [84, 60, 22, 4],
    [66, 54, 29, 10, 2],
    [54, 46, 31, 16, 6, 2],
    [42, 38, 30, 20, 11, 5, 2, 1],
    [34, 31, 27, 21, 14, 9, 5, 3, 1],
);

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
    pub(super) levels: [Samples; LEVELS],
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
                from.blurred(&BLURS.0)
            } else {
                from.halved(size)
            };
            octaves.push(Octave::from(first));
        }
        Self { base, octaves }
    }
}

impl Octave {
    /// From its first level.
    fn from(first: Samples) -> Self {
        let second = first.blurred(&BLURS.1);
        let third = second.blurred(&BLURS.2);
        let fourth = third.blurred(&BLURS.3);
        let fifth = fourth.blurred(&BLURS.4);
        let sixth = fifth.blurred(&BLURS.5);
        Self {
            levels: [first, second, third, fourth, fifth, sixth],
        }
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
    fn blurred<const TAPS: usize>(&self, weights: &Kernel<TAPS>) -> Self {
        let from = self;
        wide!(
            for TAPS in [const TAPS: usize],
            |from: &'l Samples, weights: &'l Kernel<TAPS>| -> Samples { from.blurred_plain(weights) }
        )
    }

    #[inline(always)]
    fn blurred_plain<const TAPS: usize>(&self, weights: &Kernel<TAPS>) -> Self {
        let (width, height) = (self.width, self.height);
        let reach = TAPS - 1;
        let mut across = vec![0_u16; width * height];
        let mut padded = vec![0_u16; width + 2 * reach];
        let rows = self.data.chunks_exact(width);
        for (row, out) in rows.zip(across.chunks_exact_mut(width)) {
            padded[..reach].fill(row[0]);
            padded[reach..reach + width].copy_from_slice(row);
            padded[reach + width..].fill(row[width - 1]);
            let [before, after] = [false, true].map(|is_after| {
                std::array::from_fn(|tap| {
                    let from = if is_after { reach + tap } else { reach - tap };
                    &padded[from..from + width]
                })
            });
            weighted(out, weights, before, after);
        }
        let mut data = vec![0_u16; width * height];
        for (y, out) in data.chunks_exact_mut(width).enumerate() {
            let row = |y: usize| &across[y * width..][..width];
            let above = std::array::from_fn(|tap| row(y.saturating_sub(tap)));
            let below = std::array::from_fn(|tap| row((y + tap).min(height - 1)));
            weighted(out, weights, above, below);
        }
        Self {
            width,
            height,
            data,
        }
    }
}

/// A row as the weighted sum of rows: those on either side, by their distance.
#[inline(always)]
fn weighted<const TAPS: usize>(
    out: &mut [u16],
    weights: &Kernel<TAPS>,
    before: [&[u16]; TAPS],
    after: [&[u16]; TAPS],
) {
    let width = out.len();
    let [before, after] = [before, after].map(|rows| rows.map(|row| &row[..width]));
    // Samples are below 2^15 and the weights sum to 256: nothing overflows, and a check would keep the loop from being done in
    // vectors. The mask tells the compiler, which then multiplies in 16 bits.
    let add = |sum: i32, weight: i32, sample: u16| {
        sum.wrapping_add(weight.wrapping_mul(i32::from(sample & 0x7fff)))
    };
    for x in 0..width {
        let mut sum = add(128, weights[0], before[0][x]);
        for tap in 1..TAPS {
            sum = add(sum, weights[tap], before[tap][x]);
            sum = add(sum, weights[tap], after[tap][x]);
        }
        out[x] = (sum >> 8) as u16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A blur keeps what is even, and is its sum, sample by sample.
    fn check<const TAPS: usize>(weights: &Kernel<TAPS>) {
        let sum: i32 = weights[0] + 2 * weights[1..].iter().sum::<i32>();
        assert_eq!(sum, 256);
        let even = Samples {
            width: 37,
            height: 5,
            data: vec![32_640; 37 * 5],
        };
        assert_eq!(even.blurred(weights).data, even.data);
        let (width, height) = (71_usize, 13_usize);
        let value = |x: usize, y: usize| ((x * 7919 + y * 104_729 + x * y * 31) % 32_641) as u16;
        let data = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y)));
        let samples = Samples {
            width,
            height,
            data: data.collect(),
        };
        let reach = TAPS as isize - 1;
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

    #[test]
    fn blurs_are_their_sums() {
        check(&BLURS.0);
        check(&BLURS.1);
        check(&BLURS.2);
        check(&BLURS.3);
        check(&BLURS.4);
        check(&BLURS.5);
    }
}
