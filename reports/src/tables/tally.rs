//! Counts of outcomes: per pipeline, per family, over the whole run.

use std::collections::HashSet;

use credlink_trial_record::{Outcome, Trial};

use super::Evidence;
use crate::stats::Rate;

/// Counts over a set of signed ops.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Ops, errors included.
    pub n: u64,
    /// Distinct images among them.
    pub images: u64,
    /// Distinct source files among them.
    pub sources: u64,
    /// Ops by outcome, in the order of [`Outcome::SIGNED`]; their sum is `n`.
    pub outcomes: Vec<u64>,
    /// One tally per carrier in ladder order.
    pub carriers: Vec<CarrierTally>,
}

/// What one carrier did in a set of signed ops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarrierTally {
    /// Ops in which it accepted the issued proof, whatever the other carriers did.
    pub alone: u64,
    /// Ops that survived, and in which no other carrier accepted: lost without it.
    pub unique: u64,
    /// Ops with outcome `recovered` in which it was the first of the ladder to accept.
    pub recovered: u64,
}

impl Tally {
    fn of(evidence: &Evidence, ops: impl Iterator<Item = usize>) -> Self {
        let mut tally = Self {
            outcomes: vec![0; Outcome::SIGNED.len()],
            carriers: vec![CarrierTally::default(); evidence.header().carriers.len()],
            ..Self::default()
        };
        let (mut images, mut sources) = (HashSet::new(), HashSet::new());
        for op in ops {
            tally.n += 1;
            let (entrant, result) = (evidence.entrant(op), evidence.result(op));
            images.insert(entrant.image);
            sources.insert(entrant.source);
            if let Some(place) = result.outcome.place() {
                tally.outcomes[place] += 1;
            }
            let accepted = result.accepted;
            for (index, carrier) in tally.carriers.iter_mut().enumerate() {
                let bit = 1_u64 << index;
                carrier.alone += u64::from(accepted & bit != 0);
                carrier.unique += u64::from(result.outcome.survived() && accepted == bit);
                carrier.recovered += u64::from(usize::from(result.recovered_by) == index);
            }
        }
        tally.images = images.len() as u64;
        tally.sources = sources.len() as u64;
        tally
    }

    /// Ops that survived by whatever carrier.
    pub fn survived(&self) -> u64 {
        Outcome::SIGNED
            .into_iter()
            .filter(|outcome| outcome.survived())
            .map(|outcome| self.outcome(outcome))
            .sum()
    }

    /// Survival by whatever carrier; errors stay in the denominator.
    pub fn any(&self) -> Rate {
        self.rate(self.survived())
    }

    /// `k` of this tally's ops.
    pub fn rate(&self, k: u64) -> Rate {
        Rate { k, n: self.n }
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineTally {
    /// Id of the pipeline.
    pub id: String,
    /// Its family.
    pub family: String,
    /// Evidence grade of its recipe.
    pub grade: String,
    /// The counts.
    pub tally: Tally,
}

/// A set of negative trials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NegativeTally {
    /// Id of the pipeline, or words for all of them.
    pub id: String,
    /// The kind of trial; `None` for all kinds together.
    pub trial: Option<Trial>,
    /// Distinct images among the trials.
    pub images: u64,
    /// Trials that ended in an error. They cannot accept, so they are not in the denominator.
    pub errors: u64,
    /// Accepted trials among those without error: false accepts.
    pub accepted: Rate,
    /// The same for each carrier alone.
    pub carriers: Vec<Rate>,
}

/// The negative trials of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
        let header = self.header();
        let tally = |(index, pipeline): (usize, &crate::header::PipelineHeader)| PipelineTally {
            id: pipeline.id.clone(),
            family: pipeline.family.clone(),
            grade: pipeline.grade.clone(),
            tally: Tally::of(self, self.ops(index, Trial::Signed)),
        };
        header.pipelines.iter().enumerate().map(tally).collect()
    }

    /// Signed ops by family, families in the order of their first pipeline.
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

    /// All signed ops.
    pub fn overall(&self) -> Tally {
        Tally::of(self, self.all_ops(Trial::Signed))
    }

    /// Negative trials by kind, by pipeline and together.
    pub fn negatives(&self) -> NegativeTallies {
        let pipelines = &self.header().pipelines;
        let all = |trial| self.all_ops(trial);
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
        ops: impl Iterator<Item = usize>,
    ) -> NegativeTally {
        let mut tally = NegativeTally {
            id: id.to_owned(),
            trial,
            carriers: vec![Rate::default(); self.header().carriers.len()],
            ..NegativeTally::default()
        };
        let mut images = HashSet::new();
        for op in ops {
            let result = self.result(op);
            images.insert(self.entrant(op).image);
            if result.outcome == Outcome::Error {
                tally.errors += 1;
                continue;
            }
            tally.accepted.k += u64::from(result.outcome == Outcome::Accepted);
            tally.accepted.n += 1;
            for (index, carrier) in tally.carriers.iter_mut().enumerate() {
                carrier.n += 1;
                carrier.k += result.accepted >> index & 1;
            }
        }
        tally.images = images.len() as u64;
        tally
    }
}
