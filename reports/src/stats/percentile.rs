//! Percentiles of durations by nearest rank.
//!
//! The p-th percentile of n sorted values is the value of rank `⌈p·n⌉`, counted from 1: always a value that was
//! observed, never an interpolation between two. It is definition 1 of Hyndman and Fan, "Sample quantiles in
//! statistical packages", The American Statistician 50 (1996) 361–365, and NumPy's `inverted_cdf`. Ranks are
//! computed in whole numbers, so that no rounding of `0.95 · n` can move one.
//!
//! A percentile is given only where about ten values lie beyond it, `n ≥ 10 / (1 − p)`; with fewer it says
//! more about the one slowest value than about the system.

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
    /// Reads the percentiles that the number of values supports. Takes time in proportion to it: only the ranks that are
    /// read are put in their place.
    pub fn of(mut values: Vec<u64>) -> Self {
        let n = values.len() as u64;
        let sum = values
            .iter()
            .fold(0, |sum: u64, value| sum.saturating_add(*value));
        let max = values.iter().max().copied();
        // Ascending, so that each search begins behind the last one.
        let mut place = 0;
        let mut ranked = |permille: u64| {
            let rank = rank(values.len(), permille)?;
            let (_, value, _) = values[place..].select_nth_unstable(rank - place);
            let value = *value;
            place = rank;
            Some(value)
        };
        let first = ranked(250);
        let mut at = [None; PERCENTILES.len()];
        let mut third = None;
        for (found, percentile) in at.iter_mut().zip(PERCENTILES) {
            if percentile.permille > 750 && third.is_none() {
                third = ranked(750);
            }
            *found = ranked(percentile.permille).filter(|_| n >= percentile.least_n());
        }
        Self {
            n,
            sum,
            quartiles: first.zip(third),
            at,
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

    /// `n` distinct-ish values in scrambled order: `i · 7919 mod modulus + 1`.
    fn scrambled(n: u64, modulus: u64) -> Vec<u64> {
        (0..n).map(|i| i * 7919 % modulus + 1).collect()
    }

    #[test]
    fn agrees_with_numpy_inverted_cdf() {
        // NumPy 2.4.6, numpy.percentile(values, q, method="inverted_cdf").
        let few = Quantiles::of(scrambled(333, 1009));
        assert_eq!(few.at, [Some(510), Some(911), Some(961), None, None]);
        let some = Quantiles::of(scrambled(1000, 1009));
        assert_eq!(some.at, [Some(506), Some(908), Some(959), Some(999), None]);
        let many = Quantiles::of(scrambled(12_345, 20_011));
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
            assert_eq!(Quantiles::of(vec![1; least as usize - 1]).at[index], None);
            assert_eq!(Quantiles::of(vec![1; least as usize]).at[index], Some(1));
        }
    }

    #[test]
    fn percentiles_rise_lie_among_the_values_and_end_below_the_maximum() {
        for n in [1_u64, 2, 19, 20, 101, 999, 10_001] {
            let values = scrambled(n, 65_537);
            let found = Quantiles::of(values.clone());
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
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }
}
