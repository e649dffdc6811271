//! Rates that weigh every pipeline the same.

use std::collections::BTreeMap;

use credlink_trial_record::Trial;

use super::Evidence;
use crate::stats::{Arm, PerPipeline, average};

impl Evidence {
    /// The mean of the rates of these pipelines (by index) and its two-sided interval at error `alpha`; those without
    /// ops are left out. `None` without any op.
    pub(crate) fn average(
        &self,
        pipelines: &[usize],
        measure: Option<usize>,
        alpha: f64,
    ) -> Option<Arm> {
        let counted = |pipeline: &usize| -> PerPipeline {
            let mut sources: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
            for op in self.ops(*pipeline, Trial::Signed) {
                let (ops, kept) = sources.entry(self.source(op)).or_default();
                *ops += 1;
                *kept += u32::from(self.hit(op, measure));
            }
            let each = sources.into_iter();
            each.map(|(source, (ops, kept))| (source, ops, kept))
                .collect()
        };
        let counted: Vec<PerPipeline> = pipelines.iter().map(counted).collect();
        average(&counted, alpha)
    }

    /// The pipelines (by index) that pooled figures are of: the simulated ones but controls.
    pub(crate) fn pooled_pipelines(&self) -> Vec<usize> {
        let pipelines = self.header().pipelines.iter().enumerate();
        let pooled = pipelines.filter(|(_, pipeline)| pipeline.is_pooled());
        pooled.map(|(index, _)| index).collect()
    }
}
