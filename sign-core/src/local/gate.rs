//! How many points have to lie alike, so that it is no accident.
//!
//! Were the registered picture another one, the places of the points that look alike would have nothing to do with each other. Two
//! pairs fix a similarity, and every other pair then fits it with some chance at most, the share of all places of the picture that
//! are near enough to one of its points. The expected number of similarities under which `k` of `m` pairs fit, in
//! all orientations and over all proofs, bounds the probability that there is one, whatever depends on what:
//!
//! `proofs · views · C(m, 2) · P[Binomial(m − 2, chance) ≥ k − 2]`

use super::matches::MOST_PAIRS;
use super::{LEAST_POINTS, VIEWS};

/// Chance that a point of another picture lies, by place and scale, near enough to a given place. Over the pairs of points of registered
/// pictures its mean is 1.7·10⁻⁴, and 1.6·10⁻³ the most that was seen (117 pictures). Those beyond count twice.
pub(super) const CHANCE: f64 = 1.5e-3;

/// Expected accidents of a look-up that are accepted.
const ACCIDENTS: f64 = 1e-6;

/// The least number of points that have to lie alike, by the number of pairs.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    /// For pictures whose points are spread, and for those whose points crowd.
    least: [[usize; MOST_PAIRS + 1]; 2],
}

impl Gate {
    /// For a store of so many proofs.
    pub(crate) fn for_store(proofs: usize) -> Self {
        let looks = proofs.max(1) as f64 * VIEWS as f64;
        let of = |chance: f64| std::array::from_fn(|pairs| least(looks, pairs, chance));
        Self {
            least: [of(CHANCE), of(2.0 * CHANCE)],
        }
    }

    /// For so many pairs; more than there are pairs where no number will do.
    pub(crate) fn least(&self, pairs: usize, is_crowded: bool) -> usize {
        self.least[usize::from(is_crowded)][pairs.min(MOST_PAIRS)]
    }
}

/// The least number for `pairs` pairs and `looks` orientations of proofs; `pairs` + 1 where all of them are too few.
fn least(looks: f64, pairs: usize, chance: f64) -> usize {
    (LEAST_POINTS..=pairs)
        .find(|&inliers| accidents(looks, pairs, inliers, chance) <= ACCIDENTS)
        .unwrap_or(pairs.max(LEAST_POINTS - 1) + 1)
}

/// The bound: expected number of similarities under which at least `inliers` of `pairs` pairs fit.
fn accidents(looks: f64, pairs: usize, inliers: usize, chance: f64) -> f64 {
    let others = pairs - 2;
    // From the top down, the term of n others: C(others, n)·chanceⁿ·(1 − chance)^(others − n). Products alone, so that all machines
    // agree.
    let mut term = 1.0;
    for _ in 0..others {
        term *= 1.0 - chance;
    }
    let mut tail = 0.0;
    for n in 0..=others {
        if n + 2 >= inliers {
            tail += term;
        }
        term *= (others - n) as f64 / (n + 1) as f64 * chance / (1.0 - chance);
    }
    looks * (pairs * (pairs - 1) / 2) as f64 * tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_million_proofs_is_the_published_one() {
        let gate = Gate::for_store(1_000_000);
        let expected = [
            (8..=11, 8),
            (12..=20, 9),
            (21..=33, 10),
            (34..=52, 11),
            (53..=76, 12),
            (77..=80, 13),
        ];
        for (pairs, least) in expected {
            for pairs in pairs {
                assert_eq!(gate.least(pairs, false), least, "{pairs} pairs");
            }
        }
        for pairs in 0..LEAST_POINTS {
            assert!(gate.least(pairs, false) > pairs);
        }
    }

    #[test]
    fn the_bound_holds_and_larger_stores_ask_for_more() {
        for proofs in [1, 1000, 100_000, 1_000_000, 10_000_000] {
            let (gate, larger) = (Gate::for_store(proofs), Gate::for_store(10 * proofs));
            for pairs in LEAST_POINTS..=MOST_PAIRS {
                for is_crowded in [false, true] {
                    let least = gate.least(pairs, is_crowded);
                    let chance = if is_crowded { 2.0 * CHANCE } else { CHANCE };
                    let looks = (proofs * VIEWS) as f64;
                    if least <= pairs {
                        assert!(accidents(looks, pairs, least, chance) <= ACCIDENTS);
                    }
                    assert!(least >= LEAST_POINTS);
                    assert!(larger.least(pairs, is_crowded) >= least);
                }
                assert!(gate.least(pairs, true) >= gate.least(pairs, false));
            }
        }
    }

    /// The null model itself: of places by chance fewer accidents come than the bound says. With a store of one proof and a chance so
    /// large that they can be counted.
    #[test]
    fn accidents_by_chance_stay_below_the_bound() {
        let (pairs, inliers, chance, trials) = (12, 5, 0.03, 20_000);
        let mut state = 1_u64;
        let mut random = || {
            // SplitMix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut seen = 0;
        for _ in 0..trials {
            // Every hypothesis of two pairs, and which of the other pairs fit it.
            let is_accident = (0..pairs * (pairs - 1) / 2).any(|_| {
                let fitting = (0..pairs - 2).filter(|_| random() < chance).count();
                fitting + 2 >= inliers
            });
            seen += usize::from(is_accident);
        }
        let bound = accidents(1.0, pairs, inliers, chance) * f64::from(trials);
        assert!(seen > 0 && (seen as f64) < 1.1 * bound, "{seen} of {bound}");
    }
}
