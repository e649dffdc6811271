//! The binomial distribution, exact to about fifteen digits for any number of trials.
//!
//! Numbers of trials and successes may be fractions, as effective sample sizes are; the sums are then the incomplete
//! beta functions that they are for whole numbers.
//!
//! Densities are computed by Loader's saddle-point expansion, which does not subtract large logarithms from each
//! other; sums by the continued fraction of the incomplete beta function.
//!
//! Sources: C. Loader, "Fast and accurate computation of binomial probabilities" (2000), the method of R's
//! `dbinom`; NIST Digital Library of Mathematical Functions, 8.17.5 (sum as incomplete beta) and 8.17.22
//! (continued fraction).

use std::f64::consts::TAU;

/// `ln Γ(n+1) − ln(√(2πn) (n/e)ⁿ)` for `n > 0`: the error of Stirling's formula.
fn stirling_error(n: f64) -> f64 {
    /// The values for 0 to 15, from exact factorials (the first is unused).
    const SMALL: [f64; 16] = [
        0.0,
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_29,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_193,
        0.013_876_128_823_070_748,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_097,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_87,
        0.007_573_675_487_951_841,
        0.006_942_840_107_209_53,
        0.006_408_994_188_004_207,
        0.005_951_370_112_758_848,
        0.005_554_733_551_962_801,
    ];
    if n < 16.0 {
        let whole = n.fract() == 0.0 && n >= 1.0;
        return if whole {
            SMALL[n as usize]
        } else {
            libm::lgamma(n + 1.0) - (n + 0.5) * n.ln() + n - 0.5 * TAU.ln()
        };
    }
    let square = n * n;
    (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square)
            / square)
        / n
}

/// `x ln(x/m) + m − x`, without cancellation where `x` is near `m`.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut term = 2.0 * x * v;
    for odd in (3..2000).step_by(2) {
        term *= v * v;
        let next = sum + term / f64::from(odd);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// The probability of exactly `k` successes in `n` trials of chance `p`; 0 where `k > n`.
pub(super) fn density(k: f64, n: f64, p: f64) -> f64 {
    if k > n {
        return 0.0;
    }
    if p <= 0.0 {
        return f64::from(u8::from(k == 0.0));
    }
    if p >= 1.0 {
        return f64::from(u8::from(k == n));
    }
    if k == 0.0 {
        return (n * (-p).ln_1p()).exp();
    }
    if k == n {
        return (n * p.ln()).exp();
    }
    let rest = n - k;
    let exponent = stirling_error(n)
        - stirling_error(k)
        - stirling_error(rest)
        - deviance(k, n * p)
        - deviance(rest, n * (1.0 - p));
    exponent.exp() * (n / (TAU * k * rest)).sqrt()
}

/// The probability of `k` or more successes in `n` trials of chance `p`.
pub(super) fn at_least(k: f64, n: f64, p: f64) -> f64 {
    if k <= 0.0 {
        return 1.0;
    }
    if k > n || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    // I_p(k, n−k+1), whose fraction converges fast on this side of the mean; else its complement.
    if p < (k + 1.0) / (n + 3.0) {
        tail(k, n - k + 1.0, p)
    } else {
        1.0 - tail(n - k + 1.0, k, 1.0 - p)
    }
}

/// The probability of `k` or fewer successes in `n` trials of chance `p`.
pub(super) fn at_most(k: f64, n: f64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    // The mirror image keeps small probabilities exact.
    at_least(n - k, n, 1.0 - p)
}

/// The regularised incomplete beta function `I_x(a, b)` for `a, b > 0`.
pub(super) fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x < (a + 1.0) / (a + b + 2.0) {
        tail(a, b, x)
    } else {
        1.0 - tail(b, a, 1.0 - x)
    }
}

/// The regularised incomplete beta function `I_x(a, b)` for `a, b > 0` and `x` left of the mean.
fn tail(first: f64, second: f64, x: f64) -> f64 {
    // xᵃ(1−x)ᵇ / (a B(a, b)) as a binomial density: 1/B(a, b) = C(a+b, a) · ab/(a+b).
    let front = density(first, first + second, x) * second / (first + second);
    const TINY: f64 = 1e-300;
    let safe = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / safe(1.0 - (first + second) * x / (first + 1.0));
    let mut fraction = d;
    // About √max(a, b) terms are needed; the bound only ends a loop that rounding keeps alive.
    for step in 1..1_000_000_u32 {
        let m = f64::from(step);
        let even = m * (second - m) * x / ((first + 2.0 * m - 1.0) * (first + 2.0 * m));
        d = 1.0 / safe(1.0 + even * d);
        c = safe(1.0 + even / c);
        fraction *= d * c;
        let odd =
            -(first + m) * (first + second + m) * x / ((first + 2.0 * m) * (first + 2.0 * m + 1.0));
        d = 1.0 / safe(1.0 + odd * d);
        c = safe(1.0 + odd / c);
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}
