//! Bounds of a ratio over sources whose contributions differ: by random weights, and one source that nobody has seen.
//!
//! Sources are of size `nᵢ` and keep `kᵢ` of it, wanted is a lower bound of what sources keep together, `Σk / Σn`. Give
//! every source an exponential weight, which makes the weighted ratio vary as it does from one sample of sources to the
//! next, and add one source of weight `a` that keeps nothing, since the worst source may not have been drawn yet. The
//! bound is the share `t` that the weighted ratio stays below with probability `α`:
//!
//! ```text
//!   P( Σ G_i·(kᵢ − t·nᵢ) − G_a·t·s ≤ 0 ) = α,   G_i ~ Gamma(1), G_a ~ Gamma(a)
//! ```
//!
//! The unseen source has the size `s = Σn² / Σn`, that of the source that an op drawn at random belongs to. Where all
//! sources are alike in size and keep all or nothing, `a = 1` gives the bound of Clopper and Pearson exactly. Losing
//! something never raises the bound.
//!
//! *The chance* is that of a sum of independent gamma variates of shapes `c_j` times terms `λ_j`, whose cumulant function is
//! `K(s) = −Σ c_j ln(1 − λ_j s)`. It is the inversion integral of `exp K(s)/s` along the vertical line through the saddle
//! point of `K`, by the trapezoidal rule in `y = sinh x`, which converges exponentially; to 10⁻⁹. Where no third value is
//! among the terms it is a beta variate's, exactly. The search for a bound begins where Barndorff-Nielsen's formula has it:
//! with `w = sgn(ŝ) √(−2K(ŝ))` and `u = ŝ √K''(ŝ)` at the saddle point `ŝ`, the chance is nearly `Φ(w + ln(u/w)/w)`.
//!
//! Sources: N. Gaffke, "Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative
//! variable", Mathematical Methods of Statistics 14 (2005) 451–467, for the bound of a mean; E. Learned-Miller, P. S.
//! Thomas, "A new confidence interval for the mean of a bounded random variable", arXiv:1905.06208 (2019); D. B. Rubin,
//! "The Bayesian bootstrap", Annals of Statistics 9 (1981) 130–134, for the weights. O. E. Barndorff-Nielsen, Biometrika 73
//! (1986) 307–322, and H. E. Daniels, International Statistical Review 55 (1987) 37–48, for the chance.

use super::binomial::incomplete_beta;
use super::{normal_cdf, normal_quantile};

/// Sources that are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SourceKind {
    /// The size of each.
    pub(super) size: f64,
    /// What each keeps of it.
    pub(super) kept: f64,
    /// How many there are.
    pub(super) copies: f64,
}

/// The lower bound at error `alpha` of what sources keep together, 0 to 1, with an unseen source of weight `unseen`.
/// `None` without sources.
pub(super) fn lower(kinds: &[SourceKind], unseen: f64, alpha: f64) -> Option<f64> {
    let sum = |of: &dyn Fn(&SourceKind) -> f64| -> f64 {
        kinds.iter().map(|kind| kind.copies * of(kind)).sum()
    };
    let (size, kept) = (sum(&|kind| kind.size), sum(&|kind| kind.kept));
    if size <= 0.0 {
        return None;
    }
    let rate = (kept / size).min(1.0);
    if rate <= 0.0 {
        return Some(0.0);
    }
    let worst = sum(&|kind| kind.size * kind.size) / size;
    let terms = |t: f64| -> Vec<Term> {
        let own = kinds.iter().map(|kind| Term {
            value: kind.kept - t * kind.size,
            shape: kind.copies,
        });
        let unseen = Term {
            value: -t * worst,
            shape: unseen,
        };
        own.chain([unseen]).collect()
    };
    // Nearly straight on the scale of the normal distribution, and rising.
    let wanted = normal_quantile(alpha);
    let excess = |chance: f64| {
        let bounded = chance.clamp(1e-300, 1.0 - 1e-16);
        normal_quantile(bounded) - wanted
    };
    let exact = |t: f64| excess(at_most_zero(&terms(t)));
    let near = |t: f64| excess(nearly_at_most_zero(&terms(t)));
    if exact(rate) <= 0.0 {
        return Some(rate);
    }
    let about = root(near, rate, f64::midpoint(0.0, rate), 1e-6);
    Some(root(exact, rate, about, 1e-12))
}

/// Where a rising function, positive at `high`, is 0, between 0 and there, to within `tolerance`; by secants, and by halves
/// where those lead out of what is known.
fn root(excess: impl Fn(f64) -> f64, high: f64, start: f64, tolerance: f64) -> f64 {
    let (mut low, mut high) = (0.0, high);
    let mut last: Option<(f64, f64)> = None;
    let mut next = start;
    for _ in 0..200 {
        let here = (next, excess(next));
        if here.1 < 0.0 {
            low = next;
        } else {
            high = next;
        }
        // Without a second point, one nearby.
        let proposed = match last {
            Some(last) => here.0 - here.1 * (here.0 - last.0) / (here.1 - last.1),
            None => here.0 - here.1.signum() * 1e-3 * (high - low),
        };
        last = Some(here);
        let proposed = if proposed > low && proposed < high {
            proposed
        } else {
            f64::midpoint(low, high)
        };
        if (proposed - next).abs() <= tolerance || high - low <= tolerance {
            return proposed;
        }
        next = proposed;
    }
    next
}

/// The upper bound; [`lower`] of what is lost.
pub(super) fn upper(kinds: &[SourceKind], unseen: f64, alpha: f64) -> Option<f64> {
    let mirrored: Vec<SourceKind> = kinds
        .iter()
        .map(|kind| SourceKind {
            kept: kind.size - kind.kept,
            ..*kind
        })
        .collect();
    Some(1.0 - lower(&mirrored, unseen, alpha)?)
}

/// A term and the shape of its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Term {
    /// What is weighed.
    value: f64,
    /// The shape of its gamma variate: how many sources it stands for.
    shape: f64,
}

/// `P(Σ value · G(shape) ≤ 0)`.
fn at_most_zero(terms: &[Term]) -> f64 {
    match plain(terms) {
        Ok(chance) => chance,
        Err(poles) => by_inversion(terms, poles),
    }
}

/// The same by a formula, nearly.
fn nearly_at_most_zero(terms: &[Term]) -> f64 {
    match plain(terms) {
        Ok(chance) => chance,
        Err(poles) => by_saddle_point(terms, poles),
    }
}

/// The chance where it is known in closed form; otherwise the poles of the cumulant function on both sides of 0.
fn plain(terms: &[Term]) -> Result<f64, (f64, f64)> {
    let (mut lowest, mut highest) = (0.0_f64, 0.0_f64);
    for term in terms.iter().filter(|term| term.shape > 0.0) {
        lowest = lowest.min(term.value);
        highest = highest.max(term.value);
    }
    if highest <= 0.0 {
        return Ok(1.0);
    }
    if lowest >= 0.0 {
        return Ok(0.0);
    }
    of_two_values(terms, lowest, highest).ok_or((1.0 / lowest, 1.0 / highest))
}

fn by_saddle_point(terms: &[Term], poles: (f64, f64)) -> f64 {
    let saddle = saddle(terms, poles);
    let (k, curvature) = cumulants(terms, saddle);
    let w = saddle.signum() * (-2.0 * k).max(0.0).sqrt();
    let u = saddle * curvature.sqrt();
    // At the mean both vanish.
    let correction = if w.abs() < 1e-3 {
        0.0
    } else {
        (u / w).ln() / w
    };
    normal_cdf(w + correction)
}

/// The chance by the inversion integral. The line lies through the saddle point, or, where that is next to the pole of `1/s`
/// at 0, a little off, at most half of the way to the next pole.
fn by_inversion(terms: &[Term], (below, above): (f64, f64)) -> f64 {
    /// Half of the widest step of the trapezoidal rule, and the narrowest.
    const STEPS: (f64, f64) = (1.0 / 8.0, 1.0 / 1024.0);
    const TOLERANCE: f64 = 1e-9;
    let saddle = saddle(terms, (below, above));
    let width = cumulants(terms, saddle).1.sqrt().recip();
    let at = if saddle.abs() >= 0.5 * width {
        saddle
    } else if saddle > 0.0 {
        (0.5 * width).min(0.5 * above)
    } else {
        (-0.5 * width).max(0.5 * below)
    };
    // Behind that the integrand is below 10⁻¹⁸ of its greatest value.
    let shapes: f64 = terms.iter().map(|term| term.shape).sum();
    let end = 44.0 / (1.0 + shapes.min(10.0)) + 4.0;
    let value = |x: f64| {
        let y = width * x.sinh();
        let (scale, phase) = logarithm(terms, at, y);
        let size = scale.exp();
        // exp K over s, its real part.
        let (re, im) = (size * phase.cos(), size * phase.sin());
        (re * at + im * y) / (at * at + y * y) * width * x.cosh()
    };
    let mut step = STEPS.0;
    let count = |step: f64| (end / step).ceil() as usize;
    let mut sum = 0.5 * value(0.0);
    sum += (1..=count(step))
        .map(|k| value(k as f64 * step))
        .sum::<f64>();
    let mut integral = step * sum;
    while step > STEPS.1 {
        // The points in between.
        let odd = (0..count(step)).map(|k| value((k as f64 + 0.5) * step));
        sum += odd.sum::<f64>();
        step /= 2.0;
        let finer = step * sum;
        let is_settled = (finer - integral).abs() <= TOLERANCE;
        integral = finer;
        if is_settled {
            break;
        }
    }
    let share = integral / std::f64::consts::PI;
    let chance = if at > 0.0 { 1.0 - share } else { -share };
    chance.clamp(0.0, 1.0)
}

/// Real and imaginary part of `K` at `at + iy`. Between the poles every factor lies in the right half of the plane.
fn logarithm(terms: &[Term], at: f64, y: f64) -> (f64, f64) {
    let (mut scale, mut phase) = (0.0, 0.0);
    for Term { value, shape } in terms {
        let (re, im) = (1.0 - value * at, -value * y);
        scale -= 0.5 * shape * (re * re + im * im).ln();
        phase -= shape * im.atan2(re);
    }
    (scale, phase)
}

/// The exact chance where no third value is among the terms: a gamma variate's share of two is a beta variate.
fn of_two_values(terms: &[Term], lowest: f64, highest: f64) -> Option<f64> {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * highest.max(-lowest);
    let (mut above, mut below) = (0.0, 0.0);
    for term in terms {
        if near(term.value, highest) {
            above += term.shape;
        } else if near(term.value, lowest) {
            below += term.shape;
        } else {
            return None;
        }
    }
    Some(incomplete_beta(above, below, -lowest / (highest - lowest)))
}

/// `K` and its second derivative.
fn cumulants(terms: &[Term], s: f64) -> (f64, f64) {
    let (mut k, mut curvature) = (0.0, 0.0);
    for Term { value, shape } in terms {
        let ratio = value / (1.0 - value * s);
        k -= shape * (-value * s).ln_1p();
        curvature += shape * ratio * ratio;
    }
    (k, curvature)
}

/// Where `K'` is 0, between the poles.
fn saddle(terms: &[Term], (mut low, mut high): (f64, f64)) -> f64 {
    let mut s = 0.0;
    for _ in 0..200 {
        let (mut slope, mut curvature) = (0.0, 0.0);
        for Term { value, shape } in terms {
            let ratio = value / (1.0 - value * s);
            slope += shape * ratio;
            curvature += shape * ratio * ratio;
        }
        if slope < 0.0 {
            low = s;
        } else {
            high = s;
        }
        let step = slope / curvature;
        let newton = s - step;
        let next = if newton > low && newton < high {
            newton
        } else {
            f64::midpoint(low, high)
        };
        if (next - s).abs() <= 1e-13 * (high - low).max(s.abs()) {
            return next;
        }
        s = next;
    }
    s
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Random, Rate, lower_bound, upper_bound};

    fn all_or_nothing(k: u64, n: u64) -> [SourceKind; 2] {
        [(1.0, k), (0.0, n - k)].map(|(kept, copies)| SourceKind {
            size: 7.0,
            kept: 7.0 * kept,
            copies: copies as f64,
        })
    }

    #[test]
    fn sources_that_keep_all_or_nothing_have_the_exact_bounds() {
        for (k, n) in [
            (0, 1),
            (1, 1),
            (3, 7),
            (58, 58),
            (57, 58),
            (2995, 2995),
            (1, 500),
        ] {
            let kinds = all_or_nothing(k, n);
            let rate = Rate { k, n };
            let ours = lower(&kinds, 1.0, 0.05).unwrap();
            assert!(
                (ours - lower_bound(rate).unwrap()).abs() < 1e-9,
                "{k}/{n}: {ours}"
            );
            let ours = upper(&kinds, 1.0, 0.05).unwrap();
            assert!(
                (ours - upper_bound(rate).unwrap()).abs() < 1e-9,
                "{k}/{n}: {ours}"
            );
        }
        assert_eq!(lower(&[], 1.0, 0.05), None);
    }

    #[test]
    fn the_chance_is_that_of_simulated_weights() {
        let terms = [(0.02, 40.0), (-0.4, 3.0), (0.01, 15.0), (-0.97, 1.0)]
            .map(|(value, shape)| Term { value, shape });
        let mut random = Random::new(11);
        let rounds = 200_000;
        let below = (0..rounds).filter(|_| {
            let sum: f64 = terms
                .iter()
                .map(|term| term.value * random.gamma(term.shape))
                .sum();
            sum <= 0.0
        });
        let simulated = below.count() as f64 / f64::from(rounds);
        let ours = at_most_zero(&terms);
        assert!((ours - simulated).abs() < 0.004, "{ours} {simulated}");
        let nearly = nearly_at_most_zero(&terms);
        assert!((ours / nearly - 1.0).abs() < 0.1, "{ours} {nearly}");
    }

    #[test]
    fn inversion_gives_what_is_known_in_closed_form() {
        for (up, down, values) in [
            (1.0, 1.0, (1.0, -1.0)),
            (40.0, 1.0, (0.03, -0.97)),
            (40.0, 0.75, (0.001, -0.9)),
            (3.0, 500.0, (0.99, -0.01)),
            (2.0, 0.75, (1e-6, -1.0)),
        ] {
            let terms =
                [(values.0, up), (values.1, down)].map(|(value, shape)| Term { value, shape });
            let known = of_two_values(&terms, values.1, values.0).unwrap();
            let found = by_inversion(&terms, (1.0 / values.1, 1.0 / values.0));
            assert!((found - known).abs() < 1e-8, "{found} {known}");
        }
    }

    #[test]
    fn losing_something_never_raises_a_bound() {
        let mut random = Random::new(12);
        for _ in 0..60 {
            let sources = 2 + random.below(60);
            let ops = 1 + random.below(20);
            let mut kept: Vec<u64> = (0..sources).map(|_| ops).collect();
            let bounds = |kept: &[u64]| {
                let kinds: Vec<SourceKind> = kept
                    .iter()
                    .map(|kept| SourceKind {
                        size: ops as f64,
                        kept: *kept as f64,
                        copies: 1.0,
                    })
                    .collect();
                [
                    lower(&kinds, 1.0, 0.05).unwrap(),
                    upper(&kinds, 1.0, 0.05).unwrap(),
                ]
            };
            let mut before = bounds(&kept);
            for _ in 0..12 {
                let source = random.below(sources) as usize;
                kept[source] = kept[source].saturating_sub(1 + random.below(ops));
                let after = bounds(&kept);
                for (after, before) in after.iter().zip(before) {
                    assert!(*after <= before + 1e-9, "{kept:?}: {after} {before}");
                }
                before = after;
            }
        }
    }
}
