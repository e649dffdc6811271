//! Percentiles of durations by nearest rank.
//!
//! The p-th percentile of n sorted values is the value of rank `⌈p·n⌉`, counted from 1: always a value that was
//! observed, never an interpolation between two. It is definition 1 of Hyndman and Fan, "Sample quantiles in
//! statistical packages", The American Statistician 50 (1996) 361–365, and NumPy's `inverted_cdf`. Ranks are
//! computed in whole numbers, so that no rounding of `0.95 · n` can move one.
//!
//! A percentile is given only where about ten values lie beyond it, `n ≥ 10 / (1 − p)`; with fewer it says
//! more about the one slowest value than about the system.

use std::collections::BTreeMap;

/// One percentile that we report, in thousandths so that ranks are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentile {
    /// The name in tables, e.g. `p99.9`.
    pub name: &'static str,
    /// The fraction in thousandths, e.g. 999.
    pub permille: u64,
}

impl Percentile {
    /// The smallest n that supports this percentile, `⌈10 / (1 − p)⌉`.
    pub fn least_n(self) -> u64 {
        10_000_u64.div_ceil(1000 - self.permille.min(999))
    }
}

const fn percentile(name: &'static str, permille: u64) -> Percentile {
    Percentile { name, permille }
}

/// The percentiles of every latency table.
pub const PERCENTILES: [Percentile; 5] = [
    percentile("p50", 500),
    percentile("p90", 900),
    percentile("p95", 950),
    percentile("p99", 990),
    percentile("p99.9", 999),
];

/// The value of rank `⌈permille/1000 · n⌉` in ascending `sorted`, or `None` if it is empty. `permille` above
/// 1000 gives the largest value, 0 the smallest.
pub fn nearest_rank(sorted: &[u64], permille: u64) -> Option<u64> {
    sorted.get(rank(sorted.len(), permille)?).copied()
}

/// That rank, counted from 0.
fn rank(n: usize, permille: u64) -> Option<usize> {
    let n = n as u128;
    let rank = (n * u128::from(permille)).div_ceil(1000).clamp(1, n.max(1));
    (n > 0).then(|| rank as usize - 1)
}

/// The quartiles, in thousandths.
const QUARTILES: &[u64] = &[250, 750];

/// Bits of a value that make its magnitude, below the leading one.
const FINE: u32 = 10;

/// Ranges of values in ascending order: up to 1023 each value is one, above there are 1024 to an octave.
const MAGNITUDES: usize = ((u64::BITS - FINE + 1) as usize) << FINE;

fn magnitude(value: u64) -> usize {
    let octave = (u64::BITS - value.leading_zeros()).saturating_sub(FINE);
    match octave {
        0 => value as usize,
        // The leading one is dropped, so that octaves lie side by side.
        _ => ((octave as usize) << FINE) + (value >> (octave - 1)) as usize - (1 << FINE),
    }
}

/// What we report of a set of durations, in the unit that went in (nanoseconds).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// How many values.
    pub n: u64,
    /// Their sum, which with `n` gives the mean.
    pub sum: u64,
    /// First and third quartile, for drawing only; `None` without values.
    pub quartiles: Option<(u64, u64)>,
    /// One entry per [`PERCENTILES`]; `None` where n does not support it.
    pub at: [Option<u64>; PERCENTILES.len()],
    /// The largest value; `None` without values.
    pub max: Option<u64>,
}

impl Quantiles {
    /// Reads the percentiles that the number of values supports, going through the values twice without holding them: once
    /// to count them by magnitude, once for those of the magnitudes in which the wanted ranks lie. Exact whatever they are.
    pub fn of<I: Iterator<Item = u64>>(values: impl Fn() -> I) -> Self {
        let mut counts = vec![0_u64; MAGNITUDES];
        let (mut n, mut sum, mut max) = (0_u64, 0_u64, None);
        for value in values() {
            n += 1;
            sum = sum.saturating_add(value);
            max = max.max(Some(value));
            counts[magnitude(value)] += 1;
        }
        // For each magnitude that is looked into how many values lie below it, and its values.
        let mut wanted: BTreeMap<usize, (u64, Vec<u64>)> = BTreeMap::new();
        let place = |permille: u64| -> Option<(usize, u64, u64)> {
            let rank = rank(usize::try_from(n).ok()?, permille)? as u64;
            let mut below = 0;
            let found = counts.iter().position(|count| {
                below += count;
                rank < below
            })?;
            Some((found, below - counts[found], rank))
        };
        for permille in [QUARTILES, PERCENTILES.map(|it| it.permille).as_slice()].concat() {
            if let Some((magnitude, below, _)) = place(permille) {
                wanted.entry(magnitude).or_insert((below, Vec::new()));
            }
        }
        for value in values() {
            if let Some((_, held)) = wanted.get_mut(&magnitude(value)) {
                held.push(value);
            }
        }
        wanted
            .values_mut()
            .for_each(|(_, held)| held.sort_unstable());
        let ranked = |permille: u64| {
            let (magnitude, below, rank) = place(permille)?;
            let (_, held) = wanted.get(&magnitude)?;
            held.get((rank - below) as usize).copied()
        };
        let supported = |it: Percentile| ranked(it.permille).filter(|_| n >= it.least_n());
        Self {
            n,
            sum,
            quartiles: ranked(QUARTILES[0]).zip(ranked(QUARTILES[1])),
            at: PERCENTILES.map(supported),
            max,
        }
    }

    /// The percentile of this many thousandths, if it is one of ours and n supports it.
    pub fn permille(&self, permille: u64) -> Option<u64> {
        let index = PERCENTILES.iter().position(|p| p.permille == permille)?;
        self.at[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: Vec<u64>) -> Quantiles {
        Quantiles::of(|| values.iter().copied())
    }

    /// `n` distinct-ish values in scrambled order: `i · 7919 mod modulus + 1`.
    fn scrambled(n: u64, modulus: u64) -> Vec<u64> {
        (0..n).map(|i| i * 7919 % modulus + 1).collect()
    }

    #[test]
    fn agrees_with_numpy_inverted_cdf() {
        // NumPy 2.4.6, numpy.percentile(values, q, method="inverted_cdf").
        let few = of(scrambled(333, 1009));
        assert_eq!(few.at, [Some(510), Some(911), Some(961), None, None]);
        let some = of(scrambled(1000, 1009));
        assert_eq!(some.at, [Some(506), Some(908), Some(959), Some(999), None]);
        let many = of(scrambled(12_345, 20_011));
        assert_eq!(many.at, [10_004, 18_014, 19_009, 19_807, 19_985].map(Some));
    }

    #[test]
    fn ten_values_must_lie_beyond_a_percentile() {
        assert_eq!(
            PERCENTILES.map(Percentile::least_n),
            [20, 100, 200, 1000, 10_000]
        );
        for (index, percentile) in PERCENTILES.into_iter().enumerate() {
            let least = percentile.least_n();
            assert_eq!(of(vec![1; least as usize - 1]).at[index], None);
            assert_eq!(of(vec![1; least as usize]).at[index], Some(1));
        }
    }

    #[test]
    fn percentiles_rise_lie_among_the_values_and_end_below_the_maximum() {
        for n in [1_u64, 2, 19, 20, 101, 999, 10_001] {
            let values = scrambled(n, 65_537);
            let found = of(values.clone());
            let shown: Vec<u64> = found.at.into_iter().flatten().chain(found.max).collect();
            assert!(shown.is_sorted(), "{n}");
            assert!(shown.iter().all(|value| values.contains(value)), "{n}");
            assert_eq!(found.max, values.into_iter().max());
        }
    }

    #[test]
    fn ranks_are_exact_where_floating_point_is_not() {
        // 0.95 · 20 is 19 exactly; in binary floating point the product may come out above and round up.
        // NumPy puts p99.9 of 10,000 values at rank 9991, since 99.9 / 100 · 10,000 is 9990.000000000002 there.
        let many: Vec<u64> = (1..=10_000).collect();
        assert_eq!(nearest_rank(&many, 999), Some(9990));
        let values: Vec<u64> = (1..=20).collect();
        assert_eq!(nearest_rank(&values, 950), Some(19));
        assert_eq!(nearest_rank(&values, 0), Some(1));
        assert_eq!(nearest_rank(&values, 1000), Some(20));
        assert_eq!(nearest_rank(&[], 500), None);
    }

    #[test]
    fn nothing_measured_gives_nothing() {
        assert_eq!(of(Vec::new()), Quantiles::default());
    }

    #[test]
    fn magnitudes_rise_with_values_and_none_is_beyond_the_last() {
        let mut values: Vec<u64> = (0..u64::BITS)
            .flat_map(|bit| [0, 1, 2, 1 << 9].map(|more| (1_u64 << bit).wrapping_add(more)))
            .chain([0, 1023, 1024, 1025, 2047, 2048, u64::MAX - 1, u64::MAX])
            .collect();
        values.sort_unstable();
        let magnitudes: Vec<usize> = values.iter().map(|value| magnitude(*value)).collect();
        assert!(magnitudes.is_sorted());
        assert!(magnitudes.iter().all(|magnitude| *magnitude < MAGNITUDES));
        assert_eq!(
            (magnitude(0), magnitude(1023), magnitude(1024)),
            (0, 1023, 1024)
        );
        assert_eq!(magnitude(u64::MAX), MAGNITUDES - 1);
    }

    #[test]
    fn ranks_are_those_of_the_sorted_values_however_far_apart_these_lie() {
        for spread in [1_u64, 1000, 1 << 20, 1 << 40] {
            let mut values: Vec<u64> = scrambled(10_000, 20_011);
            values.iter_mut().for_each(|value| *value *= spread);
            let found = of(values.clone());
            values.sort_unstable();
            let expected = PERCENTILES.map(|it| nearest_rank(&values, it.permille));
            assert_eq!(found.at, expected, "{spread}");
            let quartiles = nearest_rank(&values, 250).zip(nearest_rank(&values, 750));
            assert_eq!(found.quartiles, quartiles);
        }
    }
}
