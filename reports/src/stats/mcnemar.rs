//! Whether paired trials changed: the same ops in two runs.
//!
//! Of the pairs that disagree, `b` were lost and `c` won. If nothing changed, each is as likely as the other, so
//! `b` is binomial with chance ½; the two-sided p-value is `min(1, 2 · P(X ≤ min(b, c)))`.
//!
//! Where several pairs share a source, they stand or fall together. Each source then counts by its balance `d`
//! (pairs won minus pairs lost), whose sign is as likely one way as the other if nothing changed; the p-value is
//! the share of the sign patterns whose sum is at least as far from 0. With one pair a source both are the same.
//!
//! Sources: Q. McNemar, Psychometrika 12 (1947) 153–157, in the exact form; R. A. Fisher, "The design of
//! experiments" (1935), section 21, for the test over signs.

use super::binomial::at_most;
use super::normal_cdf;

/// The two-sided exact p-value of `b` losses against `c` gains; 1 where no pair disagrees.
pub fn mcnemar(b: u64, c: u64) -> f64 {
    (2.0 * at_most(b.min(c) as f64, (b + c) as f64, 0.5)).min(1.0)
}

/// Up to this many additions the distribution over signs is computed exactly.
const MOST_WORK: u64 = 50_000_000;

/// The two-sided p-value over the signs of the balances of sources; balances of 0 say nothing. Beyond some ten
/// thousand disagreeing pairs with unequal balances, by the normal approximation with continuity correction.
pub fn mcnemar_clustered(balances: &[i64]) -> f64 {
    let sizes: Vec<u64> = balances
        .iter()
        .map(|d| d.unsigned_abs())
        .filter(|size| *size > 0)
        .collect();
    let Some(first) = sizes.first() else {
        return 1.0;
    };
    if sizes.iter().all(|size| size == first) {
        let won = balances.iter().filter(|d| **d > 0).count() as u64;
        return mcnemar(sizes.len() as u64 - won, won);
    }
    let total: u64 = sizes.iter().sum();
    let balance = balances.iter().sum::<i64>().unsigned_abs();
    if total.saturating_mul(sizes.len() as u64) > MOST_WORK {
        let spread = sizes
            .iter()
            .map(|size| (*size as f64).powi(2))
            .sum::<f64>()
            .sqrt();
        let z = (balance as f64 - 1.0).max(0.0) / spread;
        return (2.0 * normal_cdf(-z)).min(1.0);
    }
    // chance[s]: that the sizes with a plus sign add up to s; each step halves, so nothing overflows.
    let mut chance = vec![0.0; total as usize + 1];
    chance[0] = 1.0;
    let mut reached = 0;
    for size in sizes.iter().map(|size| *size as usize) {
        for sum in (0..=reached).rev() {
            let half = chance[sum] / 2.0;
            chance[sum] = half;
            chance[sum + size] += half;
        }
        reached += size;
    }
    // |2s − total| ≥ balance.
    let far = chance
        .iter()
        .enumerate()
        .filter(|(sum, _)| (2 * *sum as u64).abs_diff(total) >= balance);
    far.map(|(_, chance)| chance).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pair_a_source_is_the_plain_test() {
        for (b, c) in [(0, 0), (1, 0), (3, 9), (10, 10), (0, 20)] {
            let balances = [vec![-1; b], vec![1; c], vec![0; 5]].concat();
            let plain = mcnemar(b as u64, c as u64);
            assert!(
                (mcnemar_clustered(&balances) - plain).abs() < 1e-12,
                "{b} {c}"
            );
        }
    }

    #[test]
    fn unequal_balances_agree_with_listing_all_signs() {
        let balances: [i64; 6] = [3, -1, 2, 2, -1, 4];
        let observed = balances.iter().sum::<i64>().abs();
        let far = (0..64_u32).filter(|signs| {
            let sum: i64 = balances
                .iter()
                .enumerate()
                .map(|(index, d)| {
                    if signs >> index & 1 == 1 {
                        d.abs()
                    } else {
                        -d.abs()
                    }
                })
                .sum();
            sum.abs() >= observed
        });
        let listed = far.count() as f64 / 64.0;
        assert!((mcnemar_clustered(&balances) - listed).abs() < 1e-12);
    }

    #[test]
    fn copies_of_one_source_are_worth_one_source() {
        let copied = mcnemar_clustered(&[8, 8, 8, -8]);
        assert!((copied - mcnemar(1, 3)).abs() < 1e-12);
        assert!(mcnemar(8, 24) < 0.01 && copied > 0.5);
    }

    #[test]
    fn large_numbers_meet_the_normal_approximation() {
        let mut balances = vec![1_i64; 9000];
        balances.extend(vec![-1; 8700]);
        balances.extend(vec![2; 300]);
        balances.extend(vec![-2; 300]);
        let p = mcnemar_clustered(&balances);
        // Variance 17,700 + 4 · 600; z = (300 − 1) / √20100.
        assert!((p - 2.0 * normal_cdf(-299.0 / 20_100_f64.sqrt())).abs() < 1e-12);
    }
}
