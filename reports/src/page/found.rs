//! Ops that did not survive, or were accepted and should not have been, by what became of them.

use std::collections::HashMap;

use crate::row::{SIGNED_OUTCOMES, SURVIVING, Trial};
use crate::rows::{RowError, Rows};

/// All ops of one trial and pipeline with the same outcome and cause.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FoundOp {
    /// The trial's word.
    pub trial: String,
    /// Id of the pipeline.
    pub pipeline: String,
    /// The outcome.
    pub outcome: String,
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
pub(super) const LOSSES: [(&str, &str); 6] = [
    (
        "misattributed",
        "a carrier led to the proof of another image",
    ),
    ("accepted", "a proof was found where there is none of ours"),
    (
        "error",
        "the pipeline or the verifier failed; it counts as not survived",
    ),
    (
        "broken",
        "a manifest is there but no longer fits the file, and nothing else found the proof: readers see it as tampered with",
    ),
    (
        "unconfirmed",
        "something led to the proof, but the picture does not confirm it well enough",
    ),
    ("lost", "no carrier found anything"),
];

/// What matters most comes first; a harmless outcome has no rank.
fn rank(trial: &str, outcome: &str) -> Option<usize> {
    let is_harmless = trial == Trial::Signed.as_str()
        && SIGNED_OUTCOMES
            .iter()
            .position(|known| *known == outcome)
            .is_some_and(|place| place < SURVIVING);
    (!is_harmless)
        .then(|| LOSSES.iter().position(|(known, _)| *known == outcome))
        .flatten()
}

/// Groups the ops of a run, worst outcomes first, within an outcome the most frequent ones.
///
/// # Errors
/// [`RowError::MissingColumn`] if a column was not read.
pub fn found_ops(rows: &Rows) -> Result<Vec<FoundOp>, RowError> {
    let (trial, pipeline, outcome) = (
        rows.texts("trial")?,
        rows.texts("pipeline")?,
        rows.texts("outcome")?,
    );
    let (cause, words, name) = (
        rows.texts("error_cause")?,
        rows.texts("error")?,
        rows.texts("name")?,
    );
    let ops = rows.big("op")?;
    let mut groups: HashMap<[&str; 4], FoundOp> = HashMap::new();
    for row in 0..rows.len() {
        let key = [trial, pipeline, outcome].map(|column| column.get(row).unwrap_or_default());
        let [trial, pipeline, outcome] = key;
        if rank(trial, outcome).is_none() {
            continue;
        }
        let cause = cause.get(row).unwrap_or_default();
        let group = groups
            .entry([trial, pipeline, outcome, cause])
            .or_insert_with(|| FoundOp {
                trial: trial.to_owned(),
                pipeline: pipeline.to_owned(),
                outcome: outcome.to_owned(),
                cause: cause.to_owned(),
                words: words.get(row).unwrap_or_default().to_owned(),
                n: 0,
                op: ops.get(row).unwrap_or_default(),
                name: name.get(row).unwrap_or_default().to_owned(),
            });
        group.n += 1;
    }
    let mut found: Vec<FoundOp> = groups.into_values().collect();
    found.sort_by(|a, b| {
        rank(&a.trial, &a.outcome)
            .cmp(&rank(&b.trial, &b.outcome))
            .then(b.n.cmp(&a.n))
            .then_with(|| (&a.pipeline, &a.trial, &a.cause).cmp(&(&b.pipeline, &b.trial, &b.cause)))
    });
    Ok(found)
}
