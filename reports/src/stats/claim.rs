//! What a run may claim: a floor on survival that the data support, and the trials that such a claim needs.

use super::{Rate, lower_bound};

/// Whether a claim "at least `floor`" (0 to 1) is supported: the one-sided 95 % lower bound reaches it.
pub fn supports(rate: Rate, floor: f64) -> bool {
    lower_bound(rate).is_some_and(|low| low >= floor)
}

/// The smallest n at which n of n supports "at least `floor`": `⌈ln 0.05 / ln floor⌉`, 2,995 for 99.9 %. `None`
/// for a floor outside (0, 1): no number of trials shows that nothing ever fails.
pub fn trials_needed(floor: f64) -> Option<u64> {
    if !(floor > 0.0 && floor < 1.0) {
        return None;
    }
    let guess = (0.05_f64.ln() / floor.ln()).ceil().max(1.0) as u64;
    // The logarithms may be off by a rounding; the bound itself decides.
    (guess.saturating_sub(1).max(1)..=guess + 1).find(|n| supports(Rate { k: *n, n: *n }, floor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_claims_need_the_known_numbers_of_trials() {
        let needed = [0.95, 0.99, 0.999, 0.9999, 0.99999, 0.999999].map(trials_needed);
        let known = [59, 299, 2995, 29_956, 299_572, 2_995_731].map(Some);
        assert_eq!(needed, known);
        assert_eq!([0.0, 1.0, -1.0, f64::NAN].map(trials_needed), [None; 4]);
    }

    #[test]
    fn one_failure_takes_the_claim_away() {
        assert!(supports(Rate { k: 2995, n: 2995 }, 0.999));
        assert!(!supports(Rate { k: 2994, n: 2995 }, 0.999));
        assert!(!supports(Rate { k: 2994, n: 2994 }, 0.999));
        assert!(!supports(Rate::default(), 0.0));
    }
}
