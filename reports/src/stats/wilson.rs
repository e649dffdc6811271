//! The score interval of a proportion.
//!
//! For `k` successes in `n` independent trials, `p = k / n` and the normal quantile `z` of the wanted
//! confidence, the interval is
//!
//! ```text
//!   p + z²/2n  ±  z · √( p(1−p)/n + z²/4n² )
//!   ────────────────────────────────────────
//!                  1 + z²/n
//! ```
//!
//! Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
//! the American Statistical Association 22 (1927) 209–212; recommended over the Wald interval, which has zero
//! width at 0 and 100 %, by Brown, Cai and DasGupta, Statistical Science 16 (2001) 101–133.

use super::Interval;

/// The 97.5 % quantile of the standard normal distribution: a two-sided 95 % interval.
const Z_95: f64 = 1.959_963_984_540_054;

/// The two-sided 95 % Wilson score interval of `k` in `n`, or `None` if `n` is 0 or smaller than `k`.
///
/// It assumes independent trials, which ops of one source are not: no report prints it of a rate.
pub fn wilson(k: u64, n: u64) -> Option<Interval> {
    wilson_at(k, n, Z_95)
}

/// The same at the confidence of the normal quantile `z`, e.g. 1.645 for 90 %.
pub fn wilson_at(k: u64, n: u64, z: f64) -> Option<Interval> {
    if n == 0 || k > n {
        return None;
    }
    let (successes, trials) = (k as f64, n as f64);
    let p = successes / trials;
    let z2 = z * z;
    let scale = 1.0 + z2 / trials;
    let centre = (p + z2 / (2.0 * trials)) / scale;
    let half = z * (p * (1.0 - p) / trials + z2 / (4.0 * trials * trials)).sqrt() / scale;
    // At the ends the formula gives exactly 0 and 1; rounding must not report 1e-17 or 0.9999….
    Some(Interval {
        low: if k == 0 {
            0.0
        } else {
            (centre - half).max(0.0)
        },
        high: if k == n {
            1.0
        } else {
            (centre + half).min(1.0)
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.17.1, `scipy.stats.binomtest(k, n).proportion_ci(0.95, method="wilson")`.
    const SCIPY: &[(u64, u64, f64, f64)] = &[
        (0, 1, 0.0, 0.7934506856227626),
        (1, 1, 0.20654931437723745, 1.0),
        (0, 10, 0.0, 0.27753279986288926),
        (10, 10, 0.7224672001371109, 1.0),
        (1, 2, 0.09453120573423074, 0.9054687942657693),
        (3, 7, 0.1582198552514697, 0.7495416354723428),
        (50, 100, 0.4038315303659956, 0.5961684696340044),
        (99, 100, 0.9455138038212946, 0.9982325679358593),
        (497, 500, 0.9825097478959467, 0.9979574037280398),
        (500, 500, 0.9923756595384479, 1.0),
        (0, 500, 0.0, 0.007624340461552241),
        (1, 500, 0.00035313639455927456, 0.011240706705146757),
        (9994, 10000, 0.9986914759036991, 0.999724986523669),
        (123456, 1000000, 0.12281269653142284, 0.12410219641400437),
        (999999, 1000000, 0.9999943350881957, 0.9999998234754233),
    ];

    #[test]
    fn agrees_with_scipy_to_1e_9() {
        assert!(SCIPY.len() >= 12);
        for &(k, n, low, high) in SCIPY {
            let ours = wilson(k, n).unwrap();
            assert!((ours.low - low).abs() < 1e-9, "{k}/{n}: {} {low}", ours.low);
            assert!(
                (ours.high - high).abs() < 1e-9,
                "{k}/{n}: {} {high}",
                ours.high
            );
        }
    }

    #[test]
    fn no_trials_or_more_successes_than_trials_have_no_interval() {
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(2, 1), None);
    }

    #[test]
    fn the_interval_holds_the_rate_mirrors_and_narrows_with_n() {
        for n in (1..400).chain([10_000, 1 << 40]) {
            for k in [0, 1, n / 3, n / 2, n - 1, n] {
                let (here, p) = (wilson(k, n).unwrap(), k as f64 / n as f64);
                assert!(0.0 <= here.low && here.low <= p && p <= here.high && here.high <= 1.0);
                let mirror = wilson(n - k, n).unwrap();
                assert!((here.low - (1.0 - mirror.high)).abs() < 1e-12, "{k}/{n}");
                let more = wilson(4 * k, 4 * n).unwrap();
                assert!(more.high - more.low < here.high - here.low, "{k}/{n}");
            }
        }
    }

    #[test]
    fn bounds_are_exactly_zero_and_one_at_the_ends_only() {
        for n in [1, 7, 100, 12_345] {
            assert_eq!(wilson(0, n).unwrap().low, 0.0);
            assert_eq!(wilson(n, n).unwrap().high, 1.0);
            assert!(wilson(n, n).unwrap().low < 1.0 && wilson(0, n).unwrap().high > 0.0);
        }
    }
}
