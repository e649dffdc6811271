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

/// A group while it is counted: for each way in which the carriers answered how many ops, and the first of them with its row.
#[derive(Default)]
struct Gathered<'a> {
    n: u64,
    kinds: HashMap<Vec<Words<'a>>, (u64, u64, usize)>,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, said: Vec<Words<'a>>, op: u64, row: usize) {
        self.n += 1;
        let kind = self.kinds.entry(said).or_insert((0, op, row));
        kind.0 += 1;
        if op < kind.1 {
            (kind.1, kind.2) = (op, row);
        }
    }

    /// The commonest kind, of equal ones that with the earliest op.
    fn commonest(&self) -> Option<(&Vec<Words<'a>>, u64, u64, usize)> {
        let kinds = self.kinds.iter();
        let best = kinds.max_by_key(|(_, (n, op, _))| (*n, std::cmp::Reverse(*op)));
        best.map(|(said, (n, op, row))| (said, *n, *op, *row))
    }
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
fn why(header: &RunHeader, rows: &Rows, said: &[Words<'_>], cause: &str) -> String {
    if !cause.is_empty() {
        return explained(cause)
            .map_or_else(String::new, |meaning| format!("The op failed: {meaning}."));
    }
    let said = rows.carriers().iter().zip(said);
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
    Ok(why(header, rows, &said, cause))
}

/// Groups the ops of a run, worst outcomes first, within an outcome the most frequent ones.
///
/// # Errors
/// [`RowError::MissingColumn`] if a column was not read.
pub fn loss_groups(header: &RunHeader, rows: &Rows) -> Result<Vec<LossGroup>, RowError> {
    let pipeline = rows.texts("pipeline")?;
    let (trials, outcomes) = (rows.trials()?, rows.outcomes()?);
    let (cause, words, name) = (
        rows.texts("error_cause")?,
        rows.texts("error")?,
        rows.texts("name")?,
    );
    let ops = rows.big("op")?;
    let spoken = Spoken::of(rows)?;
    let mut groups: HashMap<(Trial, &str, Outcome, &str), Gathered<'_>> = HashMap::new();
    for (row, (trial, outcome)) in trials.into_iter().zip(outcomes).enumerate() {
        if rank(outcome).is_none() {
            continue;
        }
        let pipeline = pipeline.get(row).unwrap_or_default();
        let cause = cause.get(row).unwrap_or_default();
        let group = groups.entry((trial, pipeline, outcome, cause)).or_default();
        group.add(spoken.at(row), ops.get(row).unwrap_or_default(), row);
    }
    let made = groups
        .into_iter()
        .filter_map(|((trial, pipeline, outcome, cause), group)| {
            let (said, alike, op, row) = group.commonest()?;
            let text = |column: &StringChunked| column.get(row).unwrap_or_default().to_owned();
            Some(LossGroup {
                trial,
                pipeline: pipeline.to_owned(),
                outcome,
                cause: cause.to_owned(),
                words: text(words),
                n: group.n,
                alike,
                op,
                name: text(name),
                why: why(header, rows, said, cause),
            })
        });
    let mut found: Vec<LossGroup> = made.collect();
    found.sort_by(|a, b| {
        rank(a.outcome)
            .cmp(&rank(b.outcome))
            .then(b.n.cmp(&a.n))
            .then_with(|| (&a.pipeline, &a.trial, &a.cause).cmp(&(&b.pipeline, &b.trial, &b.cause)))
    });
    Ok(found)
}
