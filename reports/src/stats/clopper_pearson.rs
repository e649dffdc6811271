//! Exact bounds of a proportion.
//!
//! The lower bound of `k` in `n` at confidence `1 − α` is the chance `p` at which `k` or more successes have
//! probability `α`; the upper bound the one at which `k` or fewer have. Two-sided intervals give each side `α/2`.
//! At `k = 0` the one-sided 95 % upper bound is `1 − 0.05^(1/n)`, which the rule of three approximates by `3/n`.
//!
//! Sources: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404–413; J. A. Hanley, A. Lippman-Hand, "If nothing
//! goes wrong, is everything all right?", JAMA 249 (1983) 1743–1745.

use super::binomial::{at_least, at_most, density};
use super::{Interval, Rate};

/// The one-sided error of the bounds that stand alone.
const ONE_SIDED: f64 = 0.05;

/// The two-sided 95 % Clopper–Pearson interval of `k` in `n`, or `None` if `n` is 0 or smaller than `k`.
pub fn clopper_pearson(k: u64, n: u64) -> Option<Interval> {
    Some(Interval {
        low: lower(k as f64, n as f64, 0.025)?,
        high: upper(k as f64, n as f64, 0.025)?,
    })
}

/// The one-sided 95 % lower bound of a rate, or `None` without trials.
pub fn lower_bound(rate: Rate) -> Option<f64> {
    lower(rate.k as f64, rate.n as f64, ONE_SIDED)
}

/// The one-sided 95 % upper bound of a rate, or `None` without trials.
pub fn upper_bound(rate: Rate) -> Option<f64> {
    upper(rate.k as f64, rate.n as f64, ONE_SIDED)
}

/// The `p` at which `k` or more of `n` have probability `alpha`.
pub(super) fn lower(k: f64, n: f64, alpha: f64) -> Option<f64> {
    if n <= 0.0 || k > n {
        return None;
    }
    if k <= 0.0 {
        return Some(0.0);
    }
    if k == n {
        return Some((alpha.ln() / n).exp());
    }
    // d/dp P(X ≥ k) = k/p · P(X = k).
    let slope = |p: f64| k / p * density(k, n, p);
    Some(root(k / n, alpha, |p| at_least(k, n, p), slope, (0.0, 1.0)))
}

/// The `p` at which `k` or fewer of `n` have probability `alpha`.
pub(super) fn upper(k: f64, n: f64, alpha: f64) -> Option<f64> {
    if n <= 0.0 || k > n {
        return None;
    }
    if k == n {
        return Some(1.0);
    }
    if k <= 0.0 {
        return Some(-(alpha.ln() / n).exp_m1());
    }
    // d/dp P(X ≤ k) = −(n−k)/(1−p) · P(X = k).
    let slope = |p: f64| -(n - k) / (1.0 - p) * density(k, n, p);
    Some(root(k / n, alpha, |p| at_most(k, n, p), slope, (0.0, 1.0)))
}

/// Solves `f(p) = alpha` for a monotone `f` by Newton's method on `ln f`, which is nearly straight in the tails,
/// with bisection where a step leaves the bracket.
fn root(
    start: f64,
    alpha: f64,
    f: impl Fn(f64) -> f64,
    slope: impl Fn(f64) -> f64,
    bracket: (f64, f64),
) -> f64 {
    let (mut low, mut high) = bracket;
    let rising = slope(start) > 0.0;
    let mut p = start;
    for _ in 0..200 {
        let value = f(p);
        if (value < alpha) == rising {
            low = p;
        } else {
            high = p;
        }
        let step = (value / alpha).ln() * value / slope(p);
        let newton = p - step;
        let next = if newton > low && newton < high && step.is_finite() {
            newton
        } else {
            f64::midpoint(low, high)
        };
        if (next - p).abs() <= 1e-15 * p.min(1.0 - p) {
            return next;
        }
        p = next;
    }
    p
}

/// The rule of three: `3/n`, which bounds the rate of something that `n` trials never showed, to within 0.2 % of
/// the exact [`upper_bound`] from n = 800 on. `None` without trials.
pub fn rule_of_three(n: u64) -> Option<f64> {
    (n > 0).then(|| (3.0 / n as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_three_approximates_the_exact_bound_from_above() {
        for n in [30_u64, 100, 800, 12_345, 1_000_000] {
            let (rule, exact) = (
                rule_of_three(n).unwrap(),
                upper_bound(Rate { k: 0, n }).unwrap(),
            );
            assert!(
                rule > exact && rule / exact < 1.0 + 2.0 / n as f64 + 0.0015,
                "{n}"
            );
        }
        assert_eq!(rule_of_three(0), None);
    }

    #[test]
    fn bounds_mirror_each_other_and_hold_the_rate() {
        for n in [1_u64, 2, 7, 100, 3001, 1_000_000] {
            for k in [0, 1, n / 3, n - n / 7, n].into_iter().filter(|k| *k <= n) {
                let (here, there) = (
                    clopper_pearson(k, n).unwrap(),
                    clopper_pearson(n - k, n).unwrap(),
                );
                assert!((here.low - (1.0 - there.high)).abs() < 1e-12, "{k}/{n}");
                let p = k as f64 / n as f64;
                assert!(here.low <= p && p <= here.high, "{k}/{n}");
            }
        }
        assert_eq!(clopper_pearson(2, 1), None);
        assert_eq!(upper_bound(Rate::default()), None);
    }
}
