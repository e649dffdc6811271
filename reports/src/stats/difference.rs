//! Intervals of the difference of two proportions.
//!
//! *Unpaired*, square-and-add: from each arm's rate `p` and interval `[l, u]`, the difference `p₁ − p₂` has the
//! bounds `d − √((p₁−l₁)² + (u₂−p₂)²)` and `d + √((u₁−p₁)² + (p₂−l₂)²)`. With Wilson intervals it is Newcombe's
//! method 10; with intervals that allow for clusters the difference allows for them, too.
//!
//! *Paired*: over sources, since pairs of one source change alike.
//!
//! Sources: R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890 (method 10); G. Y. Zou, A. Donner, Statistics in Medicine 27 (2008) 1693–1702 (any interval of the arms).

use std::collections::BTreeMap;

use super::Interval;
use super::clustered::UNSEEN;
use super::weighted::{self, SourceKind};

/// One side of a comparison: a proportion and its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    /// The proportion, 0 to 1.
    pub value: f64,
    /// Its interval.
    pub interval: Interval,
}

/// The interval of `first − second` at the confidence of the arms' intervals; between −1 and 1.
pub fn square_and_add(first: Arm, second: Arm) -> Interval {
    let difference = first.value - second.value;
    let down = (first.value - first.interval.low).hypot(second.interval.high - second.value);
    let up = (first.interval.high - first.value).hypot(second.value - second.interval.low);
    Interval {
        low: (difference - down).max(-1.0),
        high: (difference + up).min(1.0),
    }
}

/// The two-sided interval at error `alpha` of the change `(won − lost) / pairs`, from the pairs of each source and its
/// balance, pairs won minus pairs lost; `None` without pairs.
///
/// A source whose pairs all were won is worth 1, one whose pairs all were lost −1, so that the change is a ratio over
/// sources like any rate (`weighted.rs`).
pub fn paired_difference(
    sources: impl Iterator<Item = (i64, i64)>,
    alpha: f64,
) -> Option<Interval> {
    let mut known: BTreeMap<(i64, i64), f64> = BTreeMap::new();
    for source in sources.filter(|(pairs, _)| *pairs > 0) {
        *known.entry(source).or_default() += 1.0;
    }
    let kind = |((pairs, balance), copies): ((i64, i64), f64)| SourceKind {
        size: pairs as f64,
        kept: (pairs + balance) as f64 / 2.0,
        copies,
    };
    let kinds: Vec<SourceKind> = known.into_iter().map(kind).collect();
    let scaled = |share: f64| 2.0 * share - 1.0;
    Some(Interval {
        low: scaled(weighted::lower(&kinds, UNSEEN, alpha / 2.0)?),
        high: scaled(weighted::upper(&kinds, UNSEEN, alpha / 2.0)?),
    })
}
