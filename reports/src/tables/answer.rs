//! The answer of a run: is the proof still in the file, is it found again through the store, and what do other readers see?

use credlink_trial_record::{CarrierPlace, Outcome};

use super::detail::ReaderSees;
use super::{Column, Evidence, Kind, Table, Value, run_notes};
use crate::stats::Measured;

/// The first figures of a run, over all signed ops but those of controls.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Ops.
    pub n: u64,
    /// Distinct source files among them.
    pub sources: u64,
    /// The credential is still in the file: its manifest is valid on these bytes, or a later signer's valid manifest has
    /// it as parent. No store of ours is needed.
    pub in_file: Measured,
    /// The same over the ops whose pipeline changed the file.
    pub in_changed_file: Measured,
    /// Ops whose file came back as it went in, byte for byte.
    pub unchanged: u64,
    /// Whose store that is, in words.
    pub store: &'static str,
    /// It is no longer in the file, but a carrier led to the proof in the store, and the content confirms it.
    pub through_store: Measured,
    /// The carriers that were the first to find it there, with how often.
    pub found_by: Vec<(String, u64)>,
    /// Neither: the proof is lost.
    pub not_found: Measured,
    /// Other readers of Content Credentials see a manifest that does not fit the file, and say it was tampered with.
    pub seen_invalid: Measured,
    /// They see none at all.
    pub seen_absent: Measured,
    /// They see a valid one: ours, a later signer's, or somebody else's.
    pub seen_valid: Measured,
}

/// Columns of the clusters that the answer is read from.
const N: usize = 0;
const IN_FILE: usize = 1;
const CHANGED: usize = 2;
const IN_CHANGED: usize = 3;
const THROUGH_STORE: usize = 4;
const NOT_FOUND: usize = 5;
const INVALID: usize = 6;
const ABSENT: usize = 7;
const VALID: usize = 8;

impl Evidence {
    /// The answer of this run.
    pub fn answer(&self) -> Answer {
        let carriers = &self.header().carriers;
        let mut found_by = vec![0; carriers.len()];
        for op in self.pooled_ops() {
            let result = self.result(op);
            if let Some(found) = found_by.get_mut(usize::from(result.recovered_by)) {
                *found += u64::from(result.outcome == Outcome::Recovered);
            }
        }
        let clusters = self.clusters(self.pooled_ops(), VALID + 1, |op, counts| {
            let result = self.result(op);
            let in_file = matches!(result.outcome, Outcome::Intact | Outcome::Resigned);
            let mut add = |column: usize, holds: bool| counts[column] += u32::from(holds);
            add(N, true);
            add(IN_FILE, in_file);
            add(CHANGED, !result.unchanged);
            add(IN_CHANGED, in_file && !result.unchanged);
            add(THROUGH_STORE, result.outcome == Outcome::Recovered);
            add(NOT_FOUND, !result.outcome.survived());
            add(INVALID, result.reader == ReaderSees::Invalid);
            add(ABSENT, result.reader == ReaderSees::Absent);
            add(VALID, result.reader == ReaderSees::Valid);
        });
        let sums = clusters.sums();
        let of = |column: usize| clusters.measured(column, N);
        Answer {
            n: sums[N],
            sources: clusters.sources(),
            in_file: of(IN_FILE),
            in_changed_file: clusters.measured(IN_CHANGED, CHANGED),
            unchanged: sums[N] - sums[CHANGED],
            store: self.header().system.store(),
            through_store: of(THROUGH_STORE),
            found_by: carriers.iter().cloned().zip(found_by).collect(),
            not_found: of(NOT_FOUND),
            seen_invalid: of(INVALID),
            seen_absent: of(ABSENT),
            seen_valid: of(VALID),
        }
    }
}

impl Answer {
    /// The carriers that found it first, most often first: `fingerprint 8,500, link 12`; empty if none did.
    pub fn finders(&self) -> String {
        let mut found: Vec<&(String, u64)> = self.found_by.iter().filter(|by| by.1 > 0).collect();
        found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let words = found
            .iter()
            .map(|(name, found)| format!("{name} {}", crate::figures::count(*found)));
        words.collect::<Vec<_>>().join(", ")
    }
}

pub(super) fn table(evidence: &Evidence) -> Table {
    let answer = evidence.answer();
    let rows = lines(&answer);
    let store: Vec<String> = evidence.header().carriers_in(CarrierPlace::Store);
    Table {
        id: "answer".to_owned(),
        title: "The answer, over all simulated pipelines".to_owned(),
        columns: vec![
            Column::new("figure", "figure", Kind::Text),
            Column::new("meaning", "what it means", Kind::Text),
            Column::new("n", "n", Kind::Count),
            Column::new("rate", "share", Kind::Rate),
        ],
        rows,
        notes: [
            format!(
                "An op is one signed image through one pipeline; {} from {}.",
                crate::figures::plural(answer.n, "op"),
                crate::figures::plural(answer.sources, "source file")
            ),
            format!(
                "Through the store, first by: {}. {}",
                if answer.found_by.iter().all(|by| by.1 == 0) {
                    "none".to_owned()
                } else {
                    answer.finders()
                },
                if store.is_empty() {
                    String::new()
                } else {
                    format!("{} needs nothing of the file but its picture.", store.join(", "))
                }
            )
            .trim_end()
            .to_owned(),
            format!(
                "What is found through the store is found by who asks {}; everybody else sees what the file holds.",
                answer.store
            ),
            super::CONTROLS_APART.to_owned(),
            super::INTERVALS.to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

fn lines(answer: &Answer) -> Vec<Vec<Value>> {
    let line = |figure: &str, meaning: &str, found: Measured| {
        vec![
            Value::text(figure),
            Value::text(meaning),
            Value::Count(found.rate.n),
            Value::rate(found),
        ]
    };
    vec![
        line(
            "still in the file",
            "the embedded credential is valid on these bytes, or a later signer's valid one has it as parent",
            answer.in_file,
        ),
        line(
            "still in the file, where the pipeline changed it",
            "the same without files that came back as they went in, byte for byte",
            answer.in_changed_file,
        ),
        line(
            &format!("found again through {}", answer.store),
            "no longer in the file, but a carrier led to the proof and the content confirms it",
            answer.through_store,
        ),
        line("not found", "neither", answer.not_found),
        line(
            "other readers: none",
            "they see no credential",
            answer.seen_absent,
        ),
        line(
            "other readers: invalid",
            "they see one that does not fit the file, and say it was tampered with",
            answer.seen_invalid,
        ),
        line(
            "other readers: valid",
            "they see a valid one: ours, a later signer's or somebody else's",
            answer.seen_valid,
        ),
    ]
}
