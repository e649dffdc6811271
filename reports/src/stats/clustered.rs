//! Rates over ops that are not independent: one source goes through many pipelines, and its ops stand or fall
//! together. The unit of chance is the source, so whole sources are resampled.
//!
//! *Bootstrap.* Draw as many sources as there are, with replacement, and compute the statistic; repeat. The interval
//! is bias-corrected and accelerated (BCa): the percentiles that are read off are moved by the median bias
//! `z₀ = Φ⁻¹(share of replicates below the estimate)` and by the acceleration `a = Σd³ / 6(Σd²)^1.5` of the
//! leave-one-source-out values. Sources: B. Efron, Journal of the American Statistical Association 82 (1987) 171–185;
//! A. C. Davison, D. V. Hinkley, "Bootstrap methods and their application" (1997), section 3.8, for clusters.
//!
//! *Near 0 and 100 %* replicates hardly vary, and the bootstrap is too narrow. Where fewer than [`FEW`] sources
//! lost (or kept) anything, the exact bounds stand instead, with the number of trials that the clustered sample is
//! worth: `n* = p(1−p) / v`, `v = C/(C−1) · Σ(kᵢ − p·nᵢ)² / n²`, shrunk by `(z/t)²` for few sources; with no
//! variation at all, `n*` is the number of sources. Source: E. L. Korn, B. I. Graubard, Survey Methodology 24
//! (1998) 193–201.
//!
//! Sources with equal counts are kept once with their number, and a draw of all of them is one multinomial draw: the
//! cost depends on how many kinds of source there are, not on how many sources.

use std::collections::{BTreeMap, HashMap};

use super::clopper_pearson::{lower, upper};
use super::random::Random;
use super::{Interval, Rate, normal_cdf, normal_quantile};

/// Replicates of a published interval.
pub const REPLICATES: usize = 2000;

/// With fewer sources than this that lost anything, or that kept anything, exact bounds replace the bootstrap.
pub const FEW: u64 = 20;

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
    /// The acceleration of the BCa interval.
    pub acceleration: f64,
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
                acceleration: 0.0,
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
        let accelerations = self.accelerations(&sums, statistics, &compute);
        for (replicates, acceleration) in found.iter_mut().zip(accelerations) {
            replicates.acceleration = acceleration;
        }
        found
    }

    fn accelerations(
        &self,
        sums: &[u64],
        statistics: usize,
        compute: &impl Fn(&[u64], &mut [f64]),
    ) -> Vec<f64> {
        let mut left_out = vec![0; self.columns];
        let mut values = Vec::with_capacity(self.copies.len() * statistics);
        let mut value = vec![f64::NAN; statistics];
        for (counts, _) in self.kinds() {
            for ((rest, sum), count) in left_out.iter_mut().zip(sums).zip(counts) {
                *rest = sum - u64::from(*count);
            }
            compute(&left_out, &mut value);
            values.extend_from_slice(&value);
        }
        let accelerate = |index: usize| {
            let each = || {
                values
                    .iter()
                    .skip(index)
                    .step_by(statistics)
                    .zip(&self.copies)
            };
            let weigh = |(value, copies): (&f64, &u64)| value * *copies as f64;
            let mean = each().map(weigh).sum::<f64>() / self.sources as f64;
            let power = |exponent: i32| -> f64 {
                each()
                    .map(|(value, copies)| (mean - value).powi(exponent) * *copies as f64)
                    .sum()
            };
            let acceleration = power(3) / (6.0 * power(2).powf(1.5));
            if acceleration.is_finite() {
                acceleration
            } else {
                0.0
            }
        };
        (0..statistics).map(accelerate).collect()
    }

    /// The intervals of several rates that share their trials: column `n` counts trials, each of `hits` successes.
    /// `alpha` is 0.05 for 95 %. `None` where there are no trials. One source alone says nothing about others, so
    /// its interval is everything.
    pub fn rates(&self, n: usize, hits: &[usize], alpha: f64, seed: u64) -> Vec<Option<Interval>> {
        let interval = |k: usize| {
            if self.deviating(k, n) < FEW {
                return self.exact(k, n, alpha);
            }
            // Of two columns there are few kinds of source, however many there are of all: each measure is resampled
            // on its own, with the same draws.
            let pairs = self.pairs(n, k);
            let resampled = pairs.bootstrap(1, REPLICATES, seed, |sums, rates| {
                rates[0] = sums[1] as f64 / sums[0] as f64;
            });
            resampled.first()?.bca(alpha)
        };
        hits.iter().map(|k| interval(*k)).collect()
    }

    /// The same sources with two of their columns.
    fn pairs(&self, first: usize, second: usize) -> Self {
        let mut known: BTreeMap<[u32; 2], u64> = BTreeMap::new();
        for (counts, copies) in self.kinds() {
            *known.entry([counts[first], counts[second]]).or_default() += copies;
        }
        Self {
            columns: 2,
            sources: self.sources,
            copies: known.values().copied().collect(),
            kinds: known.into_keys().flatten().collect(),
        }
    }

    /// The smaller of: sources that lost anything, sources that kept anything.
    fn deviating(&self, k: usize, n: usize) -> u64 {
        let (mut lost, mut kept) = (0, 0);
        for (counts, copies) in self.kinds() {
            lost += if counts[k] < counts[n] { copies } else { 0 };
            kept += if counts[k] > 0 { copies } else { 0 };
        }
        lost.min(kept)
    }

    /// The exact interval (Korn and Graubard) of successes in column `k` among trials in column `n`; `None` without
    /// trials. It needs no resampling.
    pub fn exact(&self, k: usize, n: usize, alpha: f64) -> Option<Interval> {
        let (mut rate, mut sources) = (Rate::default(), 0);
        for (counts, copies) in self.kinds().filter(|(counts, _)| counts[n] > 0) {
            rate.k += u64::from(counts[k]) * copies;
            rate.n += u64::from(counts[n]) * copies;
            sources += copies;
        }
        let p = rate.value()?;
        if sources < 2 {
            return Some(Interval {
                low: 0.0,
                high: 1.0,
            });
        }
        let others = (sources - 1) as f64;
        let squares: f64 = self
            .kinds()
            .map(|(counts, copies)| {
                (f64::from(counts[k]) - p * f64::from(counts[n])).powi(2) * copies as f64
            })
            .sum();
        let variance = sources as f64 / others * squares / (rate.n as f64).powi(2);
        let worth = if variance > 0.0 {
            let z = normal_quantile(1.0 - alpha / 2.0);
            (p * (1.0 - p) / variance * (z / student(z, others)).powi(2)).min(rate.n as f64)
        } else {
            sources as f64
        };
        let trials = worth.max(1.0);
        Some(Interval {
            low: lower(p * trials, trials, alpha / 2.0)?,
            high: upper(p * trials, trials, alpha / 2.0)?,
        })
    }
}

/// The quantile of Student's distribution that belongs to the normal quantile `z`, by the expansion of R. A. Fisher
/// and E. A. Cornish, Technometrics 2 (1960) 209–225; 0.1 % too small at five degrees of freedom.
fn student(z: f64, freedom: f64) -> f64 {
    let g1 = (z.powi(3) + z) / 4.0;
    let g2 = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let g3 = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + g1 / freedom + g2 / freedom.powi(2) + g3 / freedom.powi(3)
}

impl Replicates {
    /// The bias-corrected and accelerated interval; `None` where a replicate is not defined or there are none.
    pub fn bca(&self, alpha: f64) -> Option<Interval> {
        let count = self.values.len();
        if count == 0 || !self.estimate.is_finite() || self.values.iter().any(|v| v.is_nan()) {
            return None;
        }
        let below = self.values.partition_point(|value| *value < self.estimate);
        let up_to = self.values.partition_point(|value| *value <= self.estimate);
        let bias = normal_quantile((below + up_to) as f64 / (2 * count) as f64);
        let moved = |z: f64| {
            let shifted = bias + z;
            normal_cdf(bias + shifted / (1.0 - self.acceleration * shifted))
        };
        let z = normal_quantile(1.0 - alpha / 2.0);
        let interval = Interval {
            low: interpolated(&self.values, moved(-z))?,
            high: interpolated(&self.values, moved(z))?,
        };
        (interval.low.is_finite() && interval.high.is_finite()).then_some(interval)
    }

    /// The plain percentile interval, whose ends may be infinite where the statistic is; `None` as for
    /// [`Replicates::bca`].
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

/// The value at a share of the ascending `values`, interpolated between neighbours (NumPy's `linear`).
fn interpolated(values: &[f64], share: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    let position = share * (values.len() - 1) as f64;
    let (low, high) = (
        values.get(position.floor() as usize)?,
        values.get(position.ceil() as usize)?,
    );
    if low == high {
        Some(*low)
    } else {
        Some(low + (high - low) * position.fract())
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
