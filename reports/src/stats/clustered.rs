//! Rates over ops that are not independent: one source goes through many pipelines, and its ops stand or fall
//! together. The unit of chance is the source.
//!
//! Every interval and every bound of a rate in a report comes from here, whether it is of one pipeline, of a family or of
//! all: so one figure has one interval, and views of one file never count as several. The method stands in
//! [`super::weighted`]: bounds take a whole unseen source into account; two-sided intervals three quarters of one, which
//! keeps their coverage nearest to 95 % (`examples/coverage.rs`).
//!
//! *Resampling* is for statistics without such a bound: draw as many sources as there are, with replacement, and compute
//! the statistic; repeat (A. C. Davison, D. V. Hinkley, "Bootstrap methods and their application", 1997, section 3.8).
//! Sources with equal counts are kept once with their number, and a draw of all of them is one multinomial draw: the
//! cost depends on how many kinds of source there are, not on how many sources.

use std::collections::{BTreeMap, HashMap};

use super::random::Random;
use super::weighted::{self, SourceKind};
use super::{Bounded, Interval, Measured, Rate};

/// Replicates of a published interval.
pub const REPLICATES: usize = 2000;

/// The weight of an unseen source in two-sided intervals.
pub(super) const UNSEEN: f64 = 0.75;
/// Its weight in one-sided bounds, which must hold whatever the sources are like.
const UNSEEN_IN_BOUNDS: f64 = 1.0;
/// The error of one-sided bounds.
const ONE_SIDED: f64 = 0.05;

/// Counts per source: each has one value in each of `columns` columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    columns: usize,
    /// One row of counts per kind of source.
    kinds: Vec<u32>,
    /// How many sources are of the kind.
    copies: Vec<u64>,
    sources: u64,
}

/// A statistic's values on resampled sources.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicates {
    /// The value on the sources themselves.
    pub estimate: f64,
    /// The values on resampled sources, ascending; NaN where the statistic was not defined comes last.
    pub values: Vec<f64>,
}

impl Clusters {
    /// Collects sources, each with `columns` counts; shorter ones are filled with 0, longer ones cut.
    pub fn of<C: AsRef<[u32]>>(columns: usize, sources: impl IntoIterator<Item = C>) -> Self {
        let mut known: HashMap<Box<[u32]>, u64> = HashMap::new();
        let mut row = vec![0; columns];
        for source in sources {
            let counts = source.as_ref();
            let length = counts.len().min(columns);
            row[..length].copy_from_slice(&counts[..length]);
            row[length..].fill(0);
            match known.get_mut(&*row) {
                Some(copies) => *copies += 1,
                None => {
                    known.insert(row.clone().into_boxed_slice(), 1);
                }
            }
        }
        let mut kinds: Vec<(Box<[u32]>, u64)> = known.into_iter().collect();
        // A hash map's order differs from run to run; figures must not.
        kinds.sort_unstable();
        Self {
            columns,
            sources: kinds.iter().map(|(_, copies)| copies).sum(),
            copies: kinds.iter().map(|(_, copies)| *copies).collect(),
            kinds: kinds
                .into_iter()
                .flat_map(|(row, _)| row.into_vec())
                .collect(),
        }
    }

    /// How many sources there are.
    pub fn sources(&self) -> u64 {
        self.sources
    }

    /// Every kind of source: its counts and how many sources are of it.
    pub fn kinds(&self) -> impl Iterator<Item = (&[u32], u64)> {
        self.kinds
            .chunks_exact(self.columns.max(1))
            .zip(self.copies.iter().copied())
    }

    /// The counts of all sources together.
    pub fn sums(&self) -> Vec<u64> {
        let mut sums = vec![0; self.columns];
        for (counts, copies) in self.kinds() {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += u64::from(*count) * copies;
            }
        }
        sums
    }

    /// Computes `statistics` numbers on resampled sources: `compute` turns the counts of all sources together into
    /// them, NaN where one is not defined.
    pub fn bootstrap(
        &self,
        statistics: usize,
        replicates: usize,
        seed: u64,
        compute: impl Fn(&[u64], &mut [f64]),
    ) -> Vec<Replicates> {
        let sums = self.sums();
        let mut values = vec![f64::NAN; statistics];
        compute(&sums, &mut values);
        let mut found: Vec<Replicates> = values
            .iter()
            .map(|estimate| Replicates {
                estimate: *estimate,
                values: Vec::with_capacity(replicates),
            })
            .collect();
        let mut random = Random::new(seed);
        let draws = Draws::of(self);
        let mut drawn = vec![0; self.columns];
        for _ in 0..replicates {
            draws.draw(self, &mut random, &mut drawn);
            compute(&drawn, &mut values);
            for (replicates, value) in found.iter_mut().zip(&values) {
                replicates.values.push(*value);
            }
        }
        for replicates in &mut found {
            replicates.values.sort_by(f64::total_cmp);
        }
        found
    }

    /// Successes in column `k` among trials in column `n`, all sources together.
    pub fn rate(&self, k: usize, n: usize) -> Rate {
        let sums = self.sums();
        Rate {
            k: sums[k],
            n: sums[n],
        }
    }

    /// The two-sided interval at error `alpha` (0.05 for 95 %) of successes in column `k` among trials in column `n`;
    /// `None` without trials.
    pub fn interval(&self, k: usize, n: usize, alpha: f64) -> Option<Interval> {
        let kinds = self.pairs(k, n);
        Some(Interval {
            low: weighted::lower(&kinds, UNSEEN, alpha / 2.0)?,
            high: weighted::upper(&kinds, UNSEEN, alpha / 2.0)?,
        })
    }

    /// The rate of successes in column `k` among trials in column `n`, with its 95 % interval.
    pub fn measured(&self, k: usize, n: usize) -> Measured {
        Measured {
            rate: self.rate(k, n),
            interval: self.interval(k, n, 0.05),
        }
    }

    /// Failures in column `k` among trials in column `n`, with the upper bound of their rate.
    pub fn bounded(&self, k: usize, n: usize) -> Bounded {
        Bounded {
            rate: self.rate(k, n),
            upper: self.upper_bound(k, n),
        }
    }

    /// The one-sided 95 % lower bound of the same rate.
    pub fn lower_bound(&self, k: usize, n: usize) -> Option<f64> {
        weighted::lower(&self.pairs(k, n), UNSEEN_IN_BOUNDS, ONE_SIDED)
    }

    /// The one-sided 95 % upper bound of the same rate.
    pub fn upper_bound(&self, k: usize, n: usize) -> Option<f64> {
        weighted::upper(&self.pairs(k, n), UNSEEN_IN_BOUNDS, ONE_SIDED)
    }

    /// Two columns of the sources that have trials.
    fn pairs(&self, k: usize, n: usize) -> Vec<SourceKind> {
        let mut known: BTreeMap<[u32; 2], u64> = BTreeMap::new();
        for (counts, copies) in self.kinds().filter(|(counts, _)| counts[n] > 0) {
            *known.entry([counts[n], counts[k]]).or_default() += copies;
        }
        let kind = |([size, kept], copies): ([u32; 2], u64)| SourceKind {
            size: size.into(),
            kept: kept.into(),
            copies: copies as f64,
        };
        known.into_iter().map(kind).collect()
    }
}

impl Replicates {
    /// The percentile interval, whose ends may be infinite where the statistic is; `None` where a replicate is not
    /// defined or there are none.
    pub fn percentile(&self, alpha: f64) -> Option<Interval> {
        if self.values.is_empty() || self.values.iter().any(|value| value.is_nan()) {
            return None;
        }
        let at = |share: f64| {
            let index = (share * (self.values.len() - 1) as f64).round() as usize;
            self.values.get(index).copied()
        };
        Some(Interval {
            low: at(alpha / 2.0)?,
            high: at(1.0 - alpha / 2.0)?,
        })
    }
}

/// How sources are drawn.
enum Draws {
    /// The kind of every source: drawn one by one.
    Each(Vec<u32>),
    /// The number of sources of each kind is drawn: cheaper where kinds are few.
    Kinds,
}

impl Draws {
    fn of(clusters: &Clusters) -> Self {
        let kinds = clusters.copies.len() as u64;
        if clusters.sources > 4 * kinds {
            return Self::Kinds;
        }
        let each = clusters
            .copies
            .iter()
            .enumerate()
            .flat_map(|(kind, copies)| {
                std::iter::repeat_n(kind as u32, usize::try_from(*copies).unwrap_or(usize::MAX))
            });
        Self::Each(each.collect())
    }

    fn draw(&self, clusters: &Clusters, random: &mut Random, sums: &mut [u64]) {
        sums.fill(0);
        let mut add = |kind: usize, copies: u64| {
            let start = kind * clusters.columns;
            let counts = clusters
                .kinds
                .get(start..start + clusters.columns)
                .unwrap_or_default();
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += u64::from(*count) * copies;
            }
        };
        match self {
            Self::Each(kinds) => {
                for _ in 0..kinds.len() {
                    add(kinds[random.below(kinds.len() as u64) as usize] as usize, 1);
                }
            }
            Self::Kinds => {
                let (mut draws, mut sources) = (clusters.sources, clusters.sources);
                for (kind, copies) in clusters.copies.iter().enumerate() {
                    let drawn = random.binomial(draws, *copies as f64 / sources as f64);
                    add(kind, drawn);
                    draws -= drawn;
                    sources -= copies;
                }
            }
        }
    }
}
