//! The mean of several rates that share sources: every pipeline weighs the same.
//!
//! With `n_p` ops of pipeline `p`, of which a share `r_p` was kept, the mean of `P` pipelines is `m = Σ r_p / P`. What source
//! `i` contributes to it is `eᵢ = 1/P · Σ_p (kᵢₚ − r_p·nᵢₚ) / n_p` beside `m·sᵢ`, where `sᵢ = 1/P · Σ_p nᵢₚ / n_p` is its
//! share of the mean. So the mean is the ratio `Σ (eᵢ + m·sᵢ) / Σ sᵢ`, and is bounded as every ratio over sources
//! ([`super::weighted`]); where pipelines take different sources, their different rates add no chance of their own.

use std::collections::BTreeMap;

use super::clustered::UNSEEN;
use super::weighted::{self, SourceKind};
use super::{Arm, Interval};

/// What each source did in one pipeline: its index, its ops, and how many of them were kept.
pub type PerPipeline = Vec<(u32, u32, u32)>;

/// The mean of the pipelines' rates and its two-sided interval at error `alpha`; pipelines without ops are left out.
/// `None` without any op.
pub fn average(pipelines: &[PerPipeline], alpha: f64) -> Option<Arm> {
    let sums = pipelines.iter().map(|pipeline| {
        let sum = |of: fn(&(u32, u32, u32)) -> u32| {
            pipeline.iter().map(|source| f64::from(of(source))).sum()
        };
        (pipeline, sum(|source| source.1), sum(|source| source.2))
    });
    let measured: Vec<(&PerPipeline, f64, f64)> = sums.filter(|(_, n, _)| *n > 0.0).collect();
    let count = measured.len() as f64;
    let mean = measured.iter().map(|(_, n, k)| k / n).sum::<f64>() / count;
    // By source: size, and what it contributes beside its share of the mean.
    let mut sources: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for (pipeline, n, k) in &measured {
        for (source, ops, kept) in *pipeline {
            let (size, beside) = sources.entry(*source).or_default();
            let (ops, kept) = (f64::from(*ops), f64::from(*kept));
            *size += ops / n / count;
            *beside += (kept - k / n * ops) / n / count;
        }
    }
    // Sources that contribute the same are counted together; a billionth apart is the same.
    let mut kinds: BTreeMap<(u64, i64), SourceKind> = BTreeMap::new();
    for (size, beside) in sources.into_values() {
        let key = ((size * 1e12) as u64, (beside * 1e12) as i64);
        let kind = kinds.entry(key).or_insert(SourceKind {
            size,
            kept: beside + mean * size,
            copies: 0.0,
        });
        kind.copies += 1.0;
    }
    let kinds: Vec<SourceKind> = kinds.into_values().collect();
    let low = weighted::lower(&kinds, UNSEEN, alpha / 2.0)?;
    let high = weighted::upper(&kinds, UNSEEN, alpha / 2.0)?;
    Some(Arm {
        value: mean,
        interval: Interval {
            low: low.min(mean),
            high: high.max(mean),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Clusters;

    #[test]
    fn the_average_of_one_pipeline_is_its_rate() {
        let pipeline: PerPipeline = (0..80)
            .map(|source| (source, 5, u32::from(source % 9 > 0) * 5))
            .collect();
        let arm = average(std::slice::from_ref(&pipeline), 0.05).unwrap();
        let clusters = Clusters::of(2, pipeline.iter().map(|(_, n, k)| [*n, *k]));
        let interval = clusters.interval(1, 0, 0.05).unwrap();
        assert!((arm.value - 71.0 / 80.0).abs() < 1e-12);
        assert!(
            (arm.interval.low - interval.low).abs() < 1e-6,
            "{arm:?} {interval:?}"
        );
        assert!(
            (arm.interval.high - interval.high).abs() < 1e-6,
            "{arm:?} {interval:?}"
        );
        assert_eq!(average(&[vec![]], 0.05), None);
    }

    #[test]
    fn a_loss_never_raises_the_average_or_its_bounds() {
        let whole: Vec<PerPipeline> = vec![(0..58).map(|source| (source, 1, 1)).collect(); 20];
        let mut lossy = whole.clone();
        lossy[3][7].2 = 0;
        let [before, after] = [whole, lossy].map(|runs| average(&runs, 0.1).unwrap());
        assert!(after.value < before.value);
        assert!(
            after.interval.low <= before.interval.low,
            "{after:?} {before:?}"
        );
    }
}
