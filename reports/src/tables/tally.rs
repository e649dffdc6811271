//! Counts of outcomes: per pipeline, per family, over the whole run.

use std::collections::HashSet;

use credlink_trial_record::{Outcome, Trial};

use super::Evidence;
use crate::header::PipelineHeader;
use crate::stats::{Bounded, Measured};

/// Counts over a set of signed ops.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Ops, errors included.
    pub n: u64,
    /// Distinct images among them.
    pub images: u64,
    /// Distinct source files among them.
    pub sources: u64,
    /// Ops by outcome, in the order of [`Outcome::SIGNED`]; their sum is `n`.
    pub outcomes: Vec<u64>,
    /// Ops whose file came back as it went in, byte for byte: what survived there survived by nothing being done.
    pub unchanged: u64,
    /// Survival by whatever carrier; errors stay in the denominator.
    pub any: Measured,
    /// One tally per carrier in ladder order.
    pub carriers: Vec<CarrierTally>,
}

/// What one carrier did in a set of signed ops.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CarrierTally {
    /// Ops in which it accepted the issued proof, whatever the other carriers did.
    pub alone: Measured,
    /// Ops that survived, and in which no other carrier accepted: lost without it.
    pub unique: Measured,
    /// Ops with outcome `recovered` in which it was the first of the ladder to accept.
    pub recovered: u64,
}

impl Tally {
    pub(super) fn of(evidence: &Evidence, ops: impl Iterator<Item = usize> + Clone) -> Self {
        let carriers = evidence.header().carriers.len();
        let clusters = evidence.survival_clusters(ops.clone());
        let mut tally = Self {
            sources: clusters.sources(),
            outcomes: vec![0; Outcome::SIGNED.len()],
            any: clusters.measured(1, 0),
            carriers: (0..carriers)
                .map(|carrier| CarrierTally {
                    alone: clusters.measured(2 + carrier, 0),
                    unique: clusters.measured(2 + carriers + carrier, 0),
                    recovered: 0,
                })
                .collect(),
            ..Self::default()
        };
        let mut images = HashSet::new();
        for op in ops {
            let result = evidence.result(op);
            images.insert(evidence.image(op));
            tally.n += 1;
            tally.unchanged += u64::from(result.unchanged);
            if let Some(place) = result.outcome.place() {
                tally.outcomes[place] += 1;
            }
            if let Some(carrier) = tally.carriers.get_mut(usize::from(result.recovered_by)) {
                carrier.recovered += 1;
            }
        }
        tally.images = images.len() as u64;
        tally
    }

    /// Survival by any carrier (0), or by carrier `measure − 1` alone.
    pub fn measure(&self, measure: usize) -> Measured {
        match measure.checked_sub(1) {
            None => self.any,
            Some(carrier) => self.carriers[carrier].alone,
        }
    }

    /// Ops that survived by whatever carrier.
    pub fn survived(&self) -> u64 {
        self.any.rate.k
    }

    /// Ops with this outcome, 0 for one of negative trials.
    pub fn outcome(&self, outcome: Outcome) -> u64 {
        outcome
            .place()
            .and_then(|index| self.outcomes.get(index))
            .copied()
            .unwrap_or_default()
    }
}

/// The signed ops of one pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineTally {
    /// Id of the pipeline.
    pub id: String,
    /// Its family.
    pub family: String,
    /// Evidence grade of its recipe.
    pub grade: String,
    /// Whether it counts in figures over several pipelines.
    pub is_pooled: bool,
    /// The counts.
    pub tally: Tally,
}

/// A set of negative trials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NegativeTally {
    /// Id of the pipeline, or words for all of them.
    pub id: String,
    /// The kind of trial; `None` for all kinds together.
    pub trial: Option<Trial>,
    /// Distinct images among the trials.
    pub images: u64,
    /// Trials that ended in an error. They cannot accept, so they are not in the denominator.
    pub errors: u64,
    /// Distinct source files among the trials without error: what the bounds rest on.
    pub sources: u64,
    /// Accepted trials among those without error: false accepts.
    pub accepted: Bounded,
    /// The same for each carrier alone.
    pub carriers: Vec<Bounded>,
}

/// The negative trials of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NegativeTallies {
    /// One per kind that the run has, over all pipelines; unsigned images always.
    pub kinds: Vec<NegativeTally>,
    /// The same by kind and pipeline: for each of [`Self::kinds`], every pipeline in the header's order.
    pub cells: Vec<NegativeTally>,
    /// All kinds together, one per pipeline in the header's order.
    pub pipelines: Vec<NegativeTally>,
    /// All of them together.
    pub all: NegativeTally,
}

/// What stands in place of a pipeline's id where all of them are meant.
const ALL_PIPELINES: &str = "all pipelines";

impl Evidence {
    /// Signed ops by pipeline, in the header's order, those without any op included.
    pub fn by_pipeline(&self) -> Vec<PipelineTally> {
        let pipelines = self.header().pipelines.iter().enumerate();
        let tally = |(index, pipeline): (usize, &PipelineHeader)| PipelineTally {
            id: pipeline.id.clone(),
            family: pipeline.family.clone(),
            grade: pipeline.grade.clone(),
            is_pooled: pipeline.is_pooled(),
            tally: Tally::of(self, self.ops(index, Trial::Signed)),
        };
        pipelines.map(tally).collect()
    }

    /// Signed ops by family, families in the order of their first pipeline; controls are a family of their own.
    pub fn by_family(&self) -> Vec<(String, Tally)> {
        let pipelines = &self.header().pipelines;
        let mut families: Vec<&str> = Vec::new();
        for pipeline in pipelines {
            if !families.contains(&pipeline.family.as_str()) {
                families.push(&pipeline.family);
            }
        }
        let tally = |family: &str| {
            let members = (0..pipelines.len()).filter(|index| pipelines[*index].family == family);
            Tally::of(
                self,
                members.flat_map(|index| self.ops(index, Trial::Signed)),
            )
        };
        families
            .into_iter()
            .map(|family| (family.to_owned(), tally(family)))
            .collect()
    }

    /// All signed ops but those of controls.
    pub fn overall(&self) -> Tally {
        Tally::of(self, self.pooled_ops())
    }

    /// Negative trials by kind, by pipeline and together.
    pub fn negatives(&self) -> NegativeTallies {
        let pipelines = &self.header().pipelines;
        let all = |trial| self.simulated_ops(trial);
        let kinds_of = |pipeline| {
            let kinds = Trial::NEGATIVES.into_iter();
            kinds.flat_map(move |trial| self.ops(pipeline, trial))
        };
        let kinds: Vec<Trial> = Trial::NEGATIVES
            .into_iter()
            .filter(|trial| *trial == Trial::Unsigned || all(*trial).next().is_some())
            .collect();
        let cells = kinds.iter().flat_map(|trial| {
            let named = pipelines.iter().enumerate();
            named.map(|(index, pipeline)| {
                self.negative(&pipeline.id, Some(*trial), self.ops(index, *trial))
            })
        });
        let named = pipelines.iter().enumerate();
        NegativeTallies {
            cells: cells.collect(),
            pipelines: named
                .map(|(index, pipeline)| self.negative(&pipeline.id, None, kinds_of(index)))
                .collect(),
            all: self.negative(
                ALL_PIPELINES,
                None,
                Trial::NEGATIVES.into_iter().flat_map(all),
            ),
            kinds: kinds
                .iter()
                .map(|trial| self.negative(ALL_PIPELINES, Some(*trial), all(*trial)))
                .collect(),
        }
    }

    fn negative(
        &self,
        id: &str,
        trial: Option<Trial>,
        ops: impl Iterator<Item = usize> + Clone,
    ) -> NegativeTally {
        let carriers = self.header().carriers.len();
        let is_error = |op: &usize| self.result(*op).outcome == Outcome::Error;
        let images: HashSet<u32> = ops.clone().map(|op| self.image(op)).collect();
        let errors = ops.clone().filter(is_error).count() as u64;
        let looked_at = ops.filter(|op| !is_error(op));
        // Per source: trials, those accepted, and those accepted by each carrier.
        let clusters = self.clusters(looked_at, 2 + carriers, |op, counts| {
            let result = self.result(op);
            counts[0] += 1;
            counts[1] += u32::from(result.outcome == Outcome::Accepted);
            for (carrier, count) in counts[2..].iter_mut().enumerate() {
                *count += (result.accepted >> carrier & 1) as u32;
            }
        });
        NegativeTally {
            id: id.to_owned(),
            trial,
            images: images.len() as u64,
            errors,
            sources: clusters.sources(),
            accepted: clusters.bounded(1, 0),
            carriers: (0..carriers)
                .map(|carrier| clusters.bounded(2 + carrier, 0))
                .collect(),
        }
    }
}
