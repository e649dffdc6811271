//! Rates that weigh every pipeline the same, with an interval that allows for sources in several pipelines.

use credlink_trial_record::Trial;

use super::Evidence;
use crate::stats::{Arm, Clusters, Interval, normal_quantile};

impl Evidence {
    /// Whether an op counts as survived by any carrier (`None`), or was accepted by this one.
    pub(crate) fn hit(&self, op: usize, measure: Option<usize>) -> bool {
        match measure {
            None => self.survived(op),
            Some(carrier) => self.result(op).accepted >> carrier & 1 == 1,
        }
    }

    /// The mean of the rates of these pipelines (by index) and its interval; those without ops are left out. `None`
    /// without any op, or with a single source, which says nothing about others.
    ///
    /// Its variance adds, source by source, what the source contributes to the mean:
    /// `zᵢ = 1/P · Σ_p (kᵢₚ − r_p·nᵢₚ) / n_p`, `v = C/(C−1) · Σ zᵢ²`; the interval is symmetric in `ln(m / (1−m))`.
    pub(crate) fn average(
        &self,
        pipelines: &[usize],
        measure: Option<usize>,
        alpha: f64,
    ) -> Option<Arm> {
        let measured: Vec<Vec<usize>> = pipelines
            .iter()
            .map(|pipeline| self.ops(*pipeline, Trial::Signed).collect())
            .filter(|ops: &Vec<usize>| !ops.is_empty())
            .collect();
        let count = measured.len() as f64;
        let mut mean = 0.0;
        let mut parts = vec![0.0; self.sources()];
        let mut seen = vec![false; self.sources()];
        for ops in &measured {
            let n = ops.len() as f64;
            let rate = ops.iter().filter(|op| self.hit(**op, measure)).count() as f64 / n;
            mean += rate / count;
            for op in ops {
                let source = self.entrant(*op).source as usize;
                parts[source] += (f64::from(u8::from(self.hit(*op, measure))) - rate) / (n * count);
                seen[source] = true;
            }
        }
        let sources = seen.iter().filter(|seen| **seen).count();
        if sources < 2 {
            return None;
        }
        let squares: f64 = parts.iter().map(|part| part * part).sum();
        let variance = sources as f64 / (sources - 1) as f64 * squares;
        let interval = if variance > 0.0 {
            let z = normal_quantile(1.0 - alpha / 2.0);
            let width = z * variance.sqrt() / (mean * (1.0 - mean));
            let odds = mean / (1.0 - mean);
            let share = |odds: f64| odds / (1.0 + odds);
            Interval {
                low: share(odds * (-width).exp()),
                high: share(odds * width.exp()),
            }
        } else {
            // Every pipeline keeps all or nothing; then the sources are worth as many trials, and no more.
            let alike = Clusters::of(2, std::iter::repeat_n([1, 1], sources));
            let reach = 1.0 - alike.exact(1, 0, alpha)?.low;
            Interval {
                low: (mean - reach).max(0.0),
                high: (mean + reach).min(1.0),
            }
        };
        Some(Arm {
            value: mean,
            interval,
        })
    }
}
