//! By how much a percentile of a duration moved between two runs.
//!
//! The interval is a percentile bootstrap of the difference of nearest-rank quantiles. The r-th smallest of n draws
//! with replacement from n sorted values is the value of rank `⌈n·U⌉`, where `U` is the r-th smallest of n uniform
//! numbers, and that is a beta variate with parameters `r` and `n − r + 1`: so one replicate costs two gamma draws,
//! however many values there are, and is exact.
//!
//! Sources: B. Efron, R. J. Tibshirani, "An introduction to the bootstrap" (1993), chapter 13; K. A. Doksum, "Empirical
//! probability plots and statistical inference for nonlinear models", Annals of Statistics 2 (1974) 267–277, for the
//! shift function.

use super::random::Random;
use super::{Interval, nearest_rank};

/// A percentile in two runs, in the unit that went in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Its value before.
    pub before: u64,
    /// Its value after.
    pub after: u64,
    /// `after / before − 1`: 0.1 is ten percent slower.
    pub relative: f64,
    /// The 95 % interval of the same.
    pub interval: Interval,
}

/// Replicates of an interval.
const REPLICATES: usize = 4000;

/// The relative shift of a percentile (in thousandths) of two ascending lists; `None` where one is empty or the
/// percentile before is 0.
pub fn quantile_shift(before: &[u64], after: &[u64], permille: u64, seed: u64) -> Option<Shift> {
    let (old, new) = (
        nearest_rank(before, permille)?,
        nearest_rank(after, permille)?,
    );
    if old == 0 {
        return None;
    }
    let mut random = Random::new(seed);
    let relative = |new: u64, old: u64| new as f64 / old.max(1) as f64 - 1.0;
    let mut shifts: Vec<f64> = (0..REPLICATES)
        .map(|_| {
            let old = resampled(before, permille, &mut random);
            relative(resampled(after, permille, &mut random), old)
        })
        .collect();
    shifts.sort_by(f64::total_cmp);
    Some(Shift {
        before: old,
        after: new,
        relative: relative(new, old),
        interval: Interval {
            low: shifts[REPLICATES / 40],
            high: shifts[REPLICATES - 1 - REPLICATES / 40],
        },
    })
}

/// The percentile of one resample of the values, which must not be empty.
fn resampled(sorted: &[u64], permille: u64, random: &mut Random) -> u64 {
    let n = sorted.len() as u128;
    let rank = (n * u128::from(permille)).div_ceil(1000).clamp(1, n.max(1)) as f64;
    let (low, high) = (random.gamma(rank), random.gamma(n as f64 - rank + 1.0));
    let drawn = (n as f64 * low / (low + high)).ceil().clamp(1.0, n as f64) as usize;
    sorted[drawn - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::binomial::at_least;

    #[test]
    fn resampled_ranks_have_the_exact_distribution() {
        // P(r-th smallest of n draws ≤ x_j) = P(at least r of n draws are among the j smallest).
        let values: Vec<u64> = (1..=40).collect();
        let mut random = Random::new(9);
        let rounds = 60_000_u32;
        for (permille, rank) in [(500, 20.0), (950, 38.0)] {
            let mut counts = [0_u32; 41];
            for _ in 0..rounds {
                counts[resampled(&values, permille, &mut random) as usize] += 1;
            }
            let mut up_to = 0;
            for (j, count) in counts.iter().enumerate() {
                up_to += count;
                let exact = at_least(rank, 40.0, j as f64 / 40.0);
                let found = f64::from(up_to) / f64::from(rounds);
                assert!(
                    (found - exact).abs() < 0.01,
                    "{permille} {j}: {found} {exact}"
                );
            }
        }
    }

    #[test]
    fn a_shift_is_seen_and_no_shift_is_not() {
        let mut random = Random::new(3);
        let mut values = |scale: f64| {
            let mut values: Vec<u64> = (0..3000)
                .map(|_| (scale * (1.0 - random.share().ln())) as u64)
                .collect();
            values.sort_unstable();
            values
        };
        let (before, same, slower) = (values(1e6), values(1e6), values(1.2e6));
        let shift = quantile_shift(&before, &slower, 950, 1).unwrap();
        assert!(shift.interval.low > 0.0 && shift.interval.low < 0.2 && shift.interval.high > 0.2);
        let none = quantile_shift(&before, &same, 950, 1).unwrap();
        assert!(none.interval.low < 0.0 && none.interval.high > 0.0);
        assert_eq!(quantile_shift(&[], &same, 950, 1), None);
    }
}
