//! Two systems on the same ops: who found what the other lost.

use std::collections::HashMap;

use credlink_trial_record::Trial;

use super::HeadToHead;
use crate::compare::{Pair, PipelinePairs, SurvivalLine, paired_lines};
use crate::tables::Evidence;

/// One system against the first, pipeline by pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Only {
    /// The other system.
    pub name: String,
    /// A line for each pipeline, `before` the first system and `after` this one; p-values are adjusted over all lines of all
    /// systems.
    pub lines: Vec<SurvivalLine>,
    /// An op that this system alone found, by pipeline: the image's number, where there is one.
    pub won: Vec<Option<u32>>,
    /// An op that the first system alone found.
    pub lost: Vec<Option<u32>>,
}

/// Every system but the first, against the first. Control pipelines are left out.
#[must_use]
pub fn pairs(contest: &HeadToHead) -> Vec<Only> {
    let Some((first, others)) = contest.sides.split_first() else {
        return Vec::new();
    };
    let pipelines = first.evidence.pooled_pipelines();
    let mut all = Vec::new();
    for other in others {
        for pipeline in &pipelines {
            all.push(paired(&first.evidence, &other.evidence, *pipeline));
        }
    }
    // One family of tests: whoever looks at many systems finds one that differs by chance.
    let counted: Vec<PipelinePairs> = all.iter().map(|(pairs, ..)| pairs.clone()).collect();
    let lines = paired_lines(&counted);
    let each = pipelines.len().max(1);
    let mut found = Vec::new();
    for (other, (lines, examples)) in others.iter().zip(lines.chunks(each).zip(all.chunks(each))) {
        found.push(Only {
            name: other.name.clone(),
            lines: lines.to_vec(),
            won: examples.iter().map(|(_, won, _)| *won).collect(),
            lost: examples.iter().map(|(_, _, lost)| *lost).collect(),
        });
    }
    found
}

/// The ops of one pipeline that both have, and an example of each disagreement.
fn paired(
    first: &Evidence,
    other: &Evidence,
    pipeline: usize,
) -> (PipelinePairs, Option<u32>, Option<u32>) {
    let theirs: HashMap<u32, usize> = other
        .ops(pipeline, Trial::Signed)
        .map(|op| (other.image(op), op))
        .collect();
    let mut pairs = PipelinePairs {
        pipeline: first.header().pipelines[pipeline].id.clone(),
        measure: "any carrier".to_owned(),
        pairs: Vec::new(),
    };
    let (mut won, mut lost) = (None, None);
    for op in first.ops(pipeline, Trial::Signed) {
        let entrant = first.entrant(op);
        let Some(theirs) = theirs.get(&entrant.image) else {
            continue;
        };
        let pair = Pair {
            source: entrant.source,
            before: first.survived(op),
            after: other.survived(*theirs),
        };
        match (pair.before, pair.after) {
            (false, true) => won = won.or(Some(entrant.image)),
            (true, false) => lost = lost.or(Some(entrant.image)),
            _ => {}
        }
        pairs.pairs.push(pair);
    }
    (pairs, won, lost)
}
