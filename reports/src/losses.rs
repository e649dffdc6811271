//! Ops that did not survive, or were accepted and should not have been, by what became of them.

use std::collections::HashMap;

use credlink_trial_record::{Embedded, Outcome, State, Trial};
use polars::prelude::StringChunked;

use crate::header::RunHeader;
use crate::reasons::{Said, explained, first_code, sentence};
use crate::rows::{RowError, Rows};

/// All ops of one trial and pipeline with the same outcome and cause, and an example: an op of the commonest kind among them.
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
    /// The error's words on the example; empty otherwise.
    pub words: String,
    /// How many ops.
    pub n: u64,
    /// In how many of them the carriers said the same as in the example.
    pub alike: u64,
    /// The example: the first op of those.
    pub op: u64,
    /// Name of its image.
    pub name: String,
    /// What every carrier said there, or what the error means, in plain words.
    pub why: String,
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

/// What a carrier said in a row: its state, its first code, and whether the image had refused it.
type Words<'a> = (Option<State>, &'a str, bool);

/// The same, kept.
type Kept = (Option<State>, String, bool);

/// Ops in which the carriers answered alike: how many, and the first of them.
struct Alike {
    n: u64,
    op: u64,
    name: String,
    /// The error's words.
    words: String,
}

/// Ops of one trial, pipeline, outcome and cause by what the carriers answered.
type Gathered = HashMap<Vec<Kept>, Alike>;

/// The commonest kind, of equal ones that with the earliest op.
fn commonest(kinds: &Gathered) -> Option<(&Vec<Kept>, &Alike)> {
    let kinds = kinds.iter();
    kinds.max_by_key(|(_, alike)| (alike.n, std::cmp::Reverse(alike.op)))
}

/// What every carrier said, row by row.
struct Spoken<'a> {
    columns: Vec<[&'a StringChunked; 3]>,
}

impl<'a> Spoken<'a> {
    fn of(rows: &'a Rows) -> Result<Self, RowError> {
        let column = |carrier: &String, name| rows.texts(&format!("{carrier}_{name}"));
        let columns = rows.carriers().iter().map(|carrier| {
            Ok([
                column(carrier, "state")?,
                column(carrier, "codes")?,
                column(carrier, "embedded")?,
            ])
        });
        Ok(Self {
            columns: columns.collect::<Result<_, RowError>>()?,
        })
    }

    fn at(&self, row: usize) -> Vec<Words<'a>> {
        let words = |[state, codes, embedded]: &[&'a StringChunked; 3]| {
            let state = state.get(row).and_then(State::parse);
            let code = first_code(codes.get(row).unwrap_or_default());
            (
                state,
                code,
                embedded.get(row) == Some(Embedded::Refused.as_str()),
            )
        };
        self.columns.iter().map(words).collect()
    }
}

/// The sentence about an op: what its error means, or what every carrier said.
fn why(header: &RunHeader, carriers: &[String], said: &[Words<'_>], cause: &str) -> String {
    if !cause.is_empty() {
        return explained(cause)
            .map_or_else(String::new, |meaning| format!("The op failed: {meaning}."));
    }
    let said = carriers.iter().zip(said);
    let said: Vec<Said<'_>> = said
        .map(|(carrier, (state, code, refused))| Said {
            carrier,
            place: header.carrier(carrier).place,
            state: *state,
            code,
            refused: *refused,
        })
        .collect();
    sentence(&said)
}

/// The sentence about the op of a row.
pub(crate) fn sentence_of(header: &RunHeader, rows: &Rows, row: usize) -> Result<String, RowError> {
    let said = Spoken::of(rows)?.at(row);
    let cause = rows.texts("error_cause")?.get(row).unwrap_or_default();
    Ok(why(header, rows.carriers(), &said, cause))
}

/// Ops that did not survive, while rows are read.
#[derive(Default)]
pub(crate) struct Losses {
    groups: HashMap<(Trial, String, Outcome, String), Gathered>,
}

impl Losses {
    /// Adds those of a slice of rows.
    ///
    /// # Errors
    /// [`RowError::MissingColumn`] if a column was not read.
    pub(crate) fn add(&mut self, rows: &Rows) -> Result<(), RowError> {
        let pipeline = rows.texts("pipeline")?;
        let (trials, outcomes) = (rows.trials()?, rows.outcomes()?);
        let (cause, words, name) = (
            rows.texts("error_cause")?,
            rows.texts("error")?,
            rows.texts("name")?,
        );
        let ops = rows.big("op")?;
        let spoken = Spoken::of(rows)?;
        for (row, (trial, outcome)) in trials.into_iter().zip(outcomes).enumerate() {
            if rank(outcome).is_none() {
                continue;
            }
            let text = |column: &StringChunked| column.get(row).unwrap_or_default().to_owned();
            let key = (trial, text(pipeline), outcome, text(cause));
            let said = spoken.at(row).into_iter();
            let said = said.map(|(state, code, refused)| (state, code.to_owned(), refused));
            let op = ops.get(row).unwrap_or_default();
            let first = |n| Alike {
                n,
                op,
                name: text(name),
                words: text(words),
            };
            let group = self.groups.entry(key).or_default();
            let alike = group.entry(said.collect()).or_insert_with(|| first(0));
            alike.n += 1;
            if op < alike.op {
                *alike = first(alike.n);
            }
        }
        Ok(())
    }

    /// The groups, worst outcomes first, within an outcome the most frequent ones.
    pub(crate) fn finish(self, header: &RunHeader) -> Vec<LossGroup> {
        let made = self.groups.into_iter();
        let made = made.filter_map(|((trial, pipeline, outcome, cause), kinds)| {
            let n = kinds.values().map(|alike| alike.n).sum();
            let (said, alike) = commonest(&kinds)?;
            let said = said.iter();
            let said: Vec<Words<'_>> = said
                .map(|(state, code, refused)| (*state, code.as_str(), *refused))
                .collect();
            Some(LossGroup {
                trial,
                pipeline,
                outcome,
                words: alike.words.clone(),
                n,
                alike: alike.n,
                op: alike.op,
                name: alike.name.clone(),
                why: why(header, &header.carriers, &said, &cause),
                cause,
            })
        });
        let mut found: Vec<LossGroup> = made.collect();
        found.sort_by(|a, b| {
            rank(a.outcome)
                .cmp(&rank(b.outcome))
                .then(b.n.cmp(&a.n))
                .then_with(|| {
                    (&a.pipeline, &a.trial, &a.cause).cmp(&(&b.pipeline, &b.trial, &b.cause))
                })
        });
        found
    }
}
