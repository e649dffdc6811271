//! Whether two unpaired proportions differ: Fisher's exact test.
//!
//! Given the margins of the table, the number of successes in the first group is hypergeometric if both groups
//! have the same chance. The two-sided p-value adds the probabilities of all tables that are no more likely than
//! the observed one (to within one part in 10⁷, as R and SciPy do, so that rounding leaves no equal table out).
//!
//! Source: R. A. Fisher, "Statistical methods for research workers", 5th ed. (1934), section 21.02.

use super::Rate;
use super::binomial::density;

/// The two-sided p-value; 1 where a group has no trials.
pub fn fisher_exact(a: Rate, b: Rate) -> f64 {
    let (trials, hits) = (a.n + b.n, a.k + b.k);
    if a.n == 0 || b.n == 0 || hits == 0 || hits >= trials {
        return 1.0;
    }
    // C(n,k) ratios as binomial densities of one chance, which cancels: exact and without overflow.
    let chance = hits as f64 / trials as f64;
    let at = |k: u64, n: u64| density(k as f64, n as f64, chance);
    let whole = at(hits, trials);
    let table = |k: u64| at(k, a.n) * at(hits - k, b.n) / whole;
    let (low, high) = (hits.saturating_sub(b.n), hits.min(a.n));
    let limit = table(a.k) * (1.0 + 1e-7);
    let mode = ((a.n + 1) as f64 * (hits + 1) as f64 / (trials + 2) as f64) as u64;
    let mode = mode.clamp(low, high);
    // From each end inwards the probabilities rise up to the mode, so each tail ends at the first one too likely.
    let rising = (low..mode).map(table).take_while(|p| *p <= limit);
    let falling = (mode..=high).rev().map(table).take_while(|p| *p <= limit);
    (rising.sum::<f64>() + falling.sum::<f64>()).min(1.0)
}
