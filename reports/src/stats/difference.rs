//! Intervals of the difference of two proportions.
//!
//! *Unpaired*, square-and-add: from each arm's rate `p` and interval `[l, u]`, the difference `p₁ − p₂` has the
//! bounds `d − √((p₁−l₁)² + (u₂−p₂)²)` and `d + √((u₁−p₁)² + (p₂−l₂)²)`. With Wilson intervals it is Newcombe's
//! method 10; with intervals that allow for clusters the difference allows for them, too.
//!
//! *Paired*: the same with the covariance of the arms, `− 2φ(p₁−l₁)(u₂−p₂)` under the root, φ from the four-fold
//! table (with Newcombe's continuity correction where it is positive).
//!
//! Sources: R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890 (unpaired, method 10) and 2635–2650 (paired,
//! method 10); G. Y. Zou, A. Donner, Statistics in Medicine 27 (2008) 1693–1702 (any interval of the arms).

use super::{Interval, wilson};

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

/// The 95 % interval of the change `rate after − rate before` of `n` pairs: `both` survived in both runs, `lost`
/// only before, `won` only after. `None` without pairs, or with more of them than `n`.
pub fn newcombe_paired(both: u64, lost: u64, won: u64, n: u64) -> Option<Interval> {
    let neither = n.checked_sub(both + lost + won)?;
    let (before, after) = (wilson(both + lost, n)?, wilson(both + won, n)?);
    let trials = n as f64;
    let (p_before, p_after) = ((both + lost) as f64 / trials, (both + won) as f64 / trials);
    let margins =
        [both + lost, won + neither, both + won, lost + neither].map(|margin| margin as f64);
    let product: f64 = margins.into_iter().product();
    let phi = if product == 0.0 {
        0.0
    } else {
        let cross = both as f64 * neither as f64 - lost as f64 * won as f64;
        let corrected = if cross > trials / 2.0 {
            cross - trials / 2.0
        } else {
            cross.min(0.0)
        };
        corrected / product.sqrt()
    };
    let side = |a: f64, b: f64| (a * a - 2.0 * phi * a * b + b * b).max(0.0).sqrt();
    let difference = p_after - p_before;
    Some(Interval {
        low: (difference - side(p_after - after.low, before.high - p_before)).max(-1.0),
        high: (difference + side(after.high - p_after, p_before - before.low)).min(1.0),
    })
}
