//! Ops that did not survive, or were accepted and should not have been, by what became of them.

use std::collections::HashMap;

use credlink_trial_record::{Outcome, Trial};

use crate::rows::{RowError, Rows};

/// All ops of one trial and pipeline with the same outcome and cause.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LossGroup {
    /// The trial.
    pub trial: Trial,
    /// Id of the pipeline.
    pub pipeline: String,
    /// The outcome.
    pub outcome: Outcome,
    /// Code of the cause, for errors; empty otherwise.
    pub cause: String,
    /// The error's words on the first op; empty otherwise.
    pub words: String,
    /// How many ops.
    pub n: u64,
    /// The first op.
    pub op: u64,
    /// Name of its image.
    pub name: String,
}

/// The outcomes that are listed, worst first, and what each means.
pub(crate) const LOSSES: [(Outcome, &str); 6] = [
    (
        Outcome::Misattributed,
        "a carrier led to the proof of another image",
    ),
    (
        Outcome::Accepted,
        "a proof was found where there is none of ours",
    ),
    (
        Outcome::Error,
        "the pipeline or the verifier failed; it counts as not survived",
    ),
    (
        Outcome::Broken,
        "a manifest is there but no longer fits the file, and nothing else found the proof: readers see it as tampered with",
    ),
    (
        Outcome::Unconfirmed,
        "something led to the proof, but the picture does not confirm it well enough",
    ),
    (Outcome::Lost, "no carrier found anything"),
];

/// What matters most comes first; a harmless outcome has no rank.
fn rank(outcome: Outcome) -> Option<usize> {
    LOSSES.iter().position(|(known, _)| *known == outcome)
}

/// Groups the ops of a run, worst outcomes first, within an outcome the most frequent ones.
///
/// # Errors
/// [`RowError::MissingColumn`] if a column was not read.
pub fn loss_groups(rows: &Rows) -> Result<Vec<LossGroup>, RowError> {
    let pipeline = rows.texts("pipeline")?;
    let (trials, outcomes) = (rows.trials()?, rows.outcomes()?);
    let (cause, words, name) = (
        rows.texts("error_cause")?,
        rows.texts("error")?,
        rows.texts("name")?,
    );
    let ops = rows.big("op")?;
    let mut groups: HashMap<(Trial, &str, Outcome, &str), LossGroup> = HashMap::new();
    for (row, (trial, outcome)) in trials.into_iter().zip(outcomes).enumerate() {
        if rank(outcome).is_none() {
            continue;
        }
        let pipeline = pipeline.get(row).unwrap_or_default();
        let cause = cause.get(row).unwrap_or_default();
        let group = groups
            .entry((trial, pipeline, outcome, cause))
            .or_insert_with(|| LossGroup {
                trial,
                pipeline: pipeline.to_owned(),
                outcome,
                cause: cause.to_owned(),
                words: words.get(row).unwrap_or_default().to_owned(),
                n: 0,
                op: ops.get(row).unwrap_or_default(),
                name: name.get(row).unwrap_or_default().to_owned(),
            });
        group.n += 1;
    }
    let mut found: Vec<LossGroup> = groups.into_values().collect();
    found.sort_by(|a, b| {
        rank(a.outcome)
            .cmp(&rank(b.outcome))
            .then(b.n.cmp(&a.n))
            .then_with(|| (&a.pipeline, &a.trial, &a.cause).cmp(&(&b.pipeline, &b.trial, &b.cause)))
    });
    Ok(found)
}
