//! Why carriers failed, as codes.

use std::collections::BTreeMap;

use credlink_trial_record::{CarrierPlace, State, Trial};

use super::{Column, Evidence, Kind, Table, Value, run_notes};
use crate::reasons::{explained, of_state};

/// The position of "refused" in [`Embedded::ALL`](credlink_trial_record::Embedded::ALL).
pub(crate) const REFUSED: usize = 2;
/// The cause that is no state of the carrier.
const NOT_EMBEDDED: usize = usize::MAX;

/// Why a carrier did not accept, as codes.
pub(super) fn table(evidence: &Evidence) -> Table {
    let header = evidence.header();
    let mut rows = Vec::new();
    for (carrier, name) in header.carriers.iter().enumerate() {
        let cause = |op: usize| match evidence.entrant(op).embedded(carrier) {
            _ if evidence.result(op).accepted >> carrier & 1 == 1 => None,
            REFUSED => Some(NOT_EMBEDDED),
            _ => Some(evidence.result(op).causes[carrier] as usize),
        };
        let words = |index: usize| match evidence.causes[carrier].get(index) {
            Some(words) => words.clone(),
            None if index == NOT_EMBEDDED => "refused by the image when it was signed".to_owned(),
            None => "not examined".to_owned(),
        };
        let place = header.carrier(name).place;
        rows.extend(counted(evidence, name, &cause, &|index| {
            let words = words(index);
            let meaning = meaning(place, &words);
            (words, meaning)
        }));
    }
    let errors = &evidence.errors;
    let error = |op: usize| {
        let index = evidence.result(op).error as usize;
        Some(index).filter(|index| *index < errors.len())
    };
    rows.extend(counted(evidence, "(the op)", &error, &|index| {
        let meaning = explained(&errors[index]).unwrap_or_default();
        (format!("error, {}", errors[index]), meaning.to_owned())
    }));
    if rows.is_empty() {
        let mut row = ["all carriers", "no failure", ""].map(Value::text).to_vec();
        row.extend([Value::NotMeasured, Value::NotMeasured, Value::NotMeasured]);
        rows.push(row);
    }
    Table {
        id: "causes".to_owned(),
        title: "Why carriers failed, over all simulated pipelines".to_owned(),
        columns: vec![
            Column::new("carrier", "carrier", Kind::Text),
            Column::new("cause", "cause", Kind::Text),
            Column::new("meaning", "in words", Kind::Text),
            Column::new("share", "of all signed ops", Kind::Rate),
            Column::new("pipeline", "most often in", Kind::Text),
            Column::new("there", "ops there", Kind::Count),
        ],
        rows,
        notes: [
            "Signed ops in which the carrier did not accept the issued proof: the state it reported, and its first code. Absent without a code: nothing was found, stripped or unreadable. Every op counts once for each carrier; ops that ended in an error count again under (the op)."
                .to_owned(),
        ]
        .into_iter()
        .chain(super::rate_notes())
        .chain(run_notes(evidence))
        .collect(),
    }
}

/// A cause in plain words; those that are words already need none.
fn meaning(place: CarrierPlace, cause: &str) -> String {
    let (state, code) = cause.split_once(", ").unwrap_or((cause, ""));
    State::parse(state).map_or_else(String::new, |state| of_state(place, state, code))
}

/// One line per cause, the commonest first.
fn counted(
    evidence: &Evidence,
    carrier: &str,
    cause: &dyn Fn(usize) -> Option<usize>,
    words: &dyn Fn(usize) -> (String, String),
) -> Vec<Vec<Value>> {
    let pipelines = &evidence.header().pipelines;
    // For each cause its ops by pipeline.
    let mut found: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for pipeline in evidence.pooled_pipelines() {
        for cause in evidence.ops(pipeline, Trial::Signed).filter_map(cause) {
            found
                .entry(cause)
                .or_insert_with(|| vec![0; pipelines.len()])[pipeline] += 1;
        }
    }
    let mut lines: Vec<(usize, (String, String), Vec<u64>)> = found
        .into_iter()
        .map(|(index, counts)| (index, words(index), counts))
        .collect();
    lines.sort_by_key(|(_, words, counts)| {
        (std::cmp::Reverse(counts.iter().sum::<u64>()), words.clone())
    });
    let line = |(index, (words, meaning), counts): (usize, (String, String), Vec<u64>)| {
        let most = (0..counts.len()).rev().max_by_key(|index| counts[*index]);
        let (id, there) = most.map_or(("", 0), |index| {
            (pipelines[index].id.as_str(), counts[index])
        });
        let clusters = evidence.clusters(evidence.pooled_ops(), 2, |op, counts| {
            counts[0] += 1;
            counts[1] += u32::from(cause(op) == Some(index));
        });
        vec![
            Value::text(carrier),
            Value::Text(words),
            Value::Text(meaning),
            Value::rate(clusters.measured(1, 0)),
            Value::text(id),
            Value::Count(there),
        ]
    };
    lines.into_iter().map(line).collect()
}
