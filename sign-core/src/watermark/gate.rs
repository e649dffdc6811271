//! The gate: how sure a decoded word must be, with a bound on false accepts that holds for any image.
//!
//! For a vector of signed magnitudes h of unit norm with t = Σh, the Chernoff exponent is
//! Λ = max over λ ≥ 0 of λt − Σ ln cosh(λh). Where the signs of h are independent and uniform, as the key makes
//! them on any image that does not depend on it, P(Λ ≥ g) ≤ exp(−g) for each fixed word (H. Chernoff, Ann. Math.
//! Stat. 23 (1952), for Rademacher sums). The union over 2⁶⁴ words, two vectors and D feature vectors gives the
//! gates.

use super::key::WatermarkKey;
use super::layout::CODED;

/// Most feature vectors that one image is tried with in stage 1, and most decodes in stage 2.
pub(super) const CAP: u32 = 40;

/// Gate of a stage: 64·ln 2 + ln(2·D/budget), nats.
pub(super) fn gate(stage: u8) -> f64 {
    let (vectors, budget) = if stage == 0 {
        (1.0, 0.5e-9)
    } else {
        (f64::from(CAP), 0.25e-9)
    };
    64.0 * std::f64::consts::LN_2 + f64::ln(2.0 * vectors / budget)
}

/// The larger exponent of slots and coded bits for a codeword (±1), and the deflection √512·mean/std of the bits.
///
/// `pilots` adds the pilot slots; they must stay out where they chose the feature vector.
pub(super) fn strength(
    key: &WatermarkKey,
    folded: &[f32],
    code: &[f32],
    pilots: bool,
) -> (f64, f64) {
    let signs = key.signs();
    let mut slots: Vec<f32> = Vec::with_capacity(folded.len());
    let mut bits = vec![0.0_f32; CODED];
    for (slot, bit) in key.payload() {
        let value = signs[slot] * code[bit] * folded[slot];
        slots.push(value);
        bits[bit] += value;
    }
    if pilots {
        slots.extend(key.pilots().map(|slot| signs[slot] * folded[slot]));
    }
    (exponent(&slots).max(exponent(&bits)), deflection(&bits))
}

/// √n·mean/std; 0 where all are equal.
pub(super) fn deflection(values: &[f32]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|&v| (f64::from(v) - mean).powi(2))
        .sum::<f64>()
        / count;
    if variance > 0.0 {
        count.sqrt() * mean / variance.sqrt()
    } else {
        0.0
    }
}

/// Chernoff exponent of signed magnitudes of any norm; 0 where their sum is not positive.
pub(super) fn exponent(values: &[f32]) -> f64 {
    let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    if !(norm > 0.0 && norm.is_finite()) {
        return 0.0;
    }
    let scaled: Vec<f32> = values.iter().map(|v| v / norm).collect();
    let total: f64 = scaled.iter().map(|&h| f64::from(h)).sum();
    if total <= 0.0 {
        return 0.0;
    }
    // Any λ gives a valid bound, so the search for the best one may be quick. The sum is concave and its slope
    // convex in λ ≥ 0, so Newton's steps from below never pass the maximum.
    let mut lambda = total as f32;
    for _ in 0..10 {
        let (mut slope, mut curvature) = (0.0_f32, 0.0_f32);
        for &h in &scaled {
            let tanh = tanh(lambda * h);
            slope += h * tanh;
            curvature += h * h * (1.0 - tanh * tanh);
        }
        let step = (total as f32 - slope) / curvature.max(1e-6);
        lambda = (lambda + step).clamp(0.0, 1e6);
        if step.abs() <= 1e-4 * lambda {
            break;
        }
    }
    value(&scaled, total, f64::from(lambda)).max(0.0)
}

/// λt − Σ ln cosh(λh), in double precision: this is the number that is compared with the gate.
fn value(scaled: &[f32], total: f64, lambda: f64) -> f64 {
    let sum: f64 = scaled
        .iter()
        .map(|&h| {
            let x = (lambda * f64::from(h)).abs();
            x + (-2.0 * x).exp().ln_1p() - std::f64::consts::LN_2
        })
        .sum();
    lambda * total - sum
}

/// Hyperbolic tangent to about 1e-4: a rational function (Lambert's continued fraction), clipped at its ends.
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-4.97, 4.97);
    let square = x * x;
    let above = x * (135_135.0 + square * (17_325.0 + square * (378.0 + square)));
    let below = 135_135.0 + square * (62_370.0 + square * (3_150.0 + square * 28.0));
    (above / below).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};

    #[test]
    fn the_gates_are_those_of_the_table() {
        assert!((gate(0) - 66.47).abs() < 0.01);
        assert!((gate(1) - 70.85).abs() < 0.01);
        assert_eq!(gate(1), gate(2));
    }

    #[test]
    fn the_exponent_is_the_maximum_over_a_fine_grid() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        for shift in [0.02_f32, 0.3, 1.0, 3.0] {
            let values: Vec<f32> = (0..512)
                .map(|_| random.next_u32() as f32 / 2_f32.powi(31) - 1.0 + shift)
                .collect();
            let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
            let scaled: Vec<f32> = values.iter().map(|v| v / norm).collect();
            let total: f64 = scaled.iter().map(|&h| f64::from(h)).sum();
            let slow = (0..2000)
                .map(|k| value(&scaled, total, 0.1 * 1.008_f64.powi(k)))
                .fold(0.0, f64::max);
            let fast = exponent(&values);
            assert!(
                (fast - slow).abs() < 0.005 * slow + 0.01,
                "{shift}: {fast} for {slow}"
            );
        }
    }

    #[test]
    fn it_does_not_depend_on_the_scale() {
        let values: Vec<f32> = (0..100).map(|k| (k % 7) as f32 - 2.0).collect();
        let larger: Vec<f32> = values.iter().map(|v| v * 1e4).collect();
        assert!((exponent(&values) - exponent(&larger)).abs() < 1e-3);
    }

    #[test]
    fn nothing_and_garbage_give_nothing() {
        for values in [
            vec![],
            vec![0.0; 9],
            vec![-1.0; 9],
            vec![f32::NAN, 1.0],
            vec![f32::INFINITY],
        ] {
            assert_eq!(exponent(&values), 0.0, "{values:?}");
        }
    }

    /// Planted signs: how often the exponent is reached must stay below exp(−g), whatever the magnitudes are.
    #[test]
    fn random_signs_keep_the_bound() {
        let mut random = ChaCha8Rng::seed_from_u64(6);
        for heavy in [false, true] {
            let magnitudes: Vec<f32> = (1..=64)
                .map(|k| if heavy { 1.0 / k as f32 } else { 1.0 })
                .collect();
            let trials = 20_000;
            let mut reached = [0_u32; 8];
            for _ in 0..trials {
                let signs = random.next_u64();
                let values: Vec<f32> = magnitudes
                    .iter()
                    .enumerate()
                    .map(|(k, m)| if signs >> k & 1 == 1 { -m } else { *m })
                    .collect();
                let exponent = exponent(&values);
                for (g, reached) in reached.iter_mut().enumerate() {
                    *reached += u32::from(exponent >= (g + 1) as f64);
                }
            }
            for (g, &reached) in reached.iter().enumerate() {
                let bound = f64::from(trials) * (-((g + 1) as f64)).exp();
                assert!(
                    f64::from(reached) <= bound + 4.0 * bound.sqrt() + 1.0,
                    "g = {}",
                    g + 1
                );
            }
            assert!(reached[0] > 0, "the test must see something");
        }
    }
}
