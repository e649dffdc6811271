//! Survival by kind of image: which class, size or format drives the losses.

use credlink_trial_record::Trial;

use super::detail::{SIZE_BANDS, Subject};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::Rate;

pub(super) fn table(evidence: &Evidence) -> Table {
    let header = evidence.header();
    let ops: Vec<usize> = evidence.all_ops(Trial::Signed).collect();
    let losses = ops.iter().filter(|op| !evidence.survived(**op)).count() as f64;
    let mut rows = Vec::new();
    let mut stratum = |dimension: &str, name: &str, members: &mut dyn Iterator<Item = usize>| {
        let clusters = evidence.survival_clusters(members);
        let sums = clusters.sums();
        let lost = (sums[0] - sums[1]) as f64;
        let mut row = vec![
            Value::text(dimension),
            Value::text(name),
            Value::Count(sums[0]),
            Value::Count(clusters.sources()),
            Value::number((sums[0] > 0).then(|| sums[0] as f64 / ops.len() as f64 * 100.0)),
            match losses {
                0.0 if sums[0] > 0 => Value::NotApplicable,
                _ => Value::number((sums[0] > 0).then_some(lost / losses * 100.0)),
            },
        ];
        row.extend((1..sums.len()).map(|column| {
            let rate = Rate {
                k: sums[column],
                n: sums[0],
            };
            Value::pooled(rate, clusters.exact(column, 0, 0.05))
        }));
        rows.push(row);
    };
    type Of = fn(&Subject) -> u32;
    let dimensions: [(&str, &[String], Of); 2] = [
        ("class", &evidence.classes, |subject| subject.class),
        ("format", &evidence.formats, |subject| subject.format),
    ];
    for (dimension, words, of) in dimensions {
        // By name, since the order of first appearance says nothing.
        let mut names: Vec<(usize, &String)> = words.iter().enumerate().collect();
        names.sort_by_key(|(_, name)| *name);
        for (index, name) in names {
            let mut members = ops
                .iter()
                .copied()
                .filter(|op| of(evidence.subject(*op)) as usize == index)
                .peekable();
            if members.peek().is_some() {
                stratum(dimension, name, &mut members);
            }
        }
    }
    for (index, (_, name)) in SIZE_BANDS.iter().enumerate() {
        let mut members = ops
            .iter()
            .copied()
            .filter(|op| usize::from(evidence.subject(*op).size) == index)
            .peekable();
        if members.peek().is_some() {
            stratum("size", name, &mut members);
        }
    }
    stratum("all", "all images", &mut ops.iter().copied());
    let percent = Unit {
        name: "%",
        decimals: 1,
    };
    let mut columns = vec![
        Column::new("dimension", "by", Kind::Text),
        Column::new("stratum", "images", Kind::Text),
        Column::new("n", "n", Kind::Count),
        Column::new("sources", "sources", Kind::Count),
        Column::new("share", "share of the ops", Kind::Number(percent)),
        Column::new("losses", "share of the losses", Kind::Number(percent)),
        Column::new("any", "by any carrier", Kind::Rate),
    ];
    columns.extend(
        header.carriers.iter().map(|carrier| {
            Column::new(format!("by_{carrier}"), format!("by {carrier}"), Kind::Rate)
        }),
    );
    Table {
        id: "strata".to_owned(),
        title: "Survival by kind of image over all simulated pipelines".to_owned(),
        columns,
        rows,
        notes: [
            "A stratum whose share of the losses is larger than its share of the ops drives the losses. Strata pool pipelines, which take different formats: a format may fare worse because harder pipelines take it."
                .to_owned(),
            "Intervals are 95 %, exact, with whole sources as the unit of chance.".to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

/// The position of "refused" in [`Embedded::ALL`].
const REFUSED: usize = 2;
/// The cause that is no state of the carrier.
const NOT_EMBEDDED: usize = usize::MAX;

/// Why a carrier did not accept, as codes.
pub(super) fn causes(evidence: &Evidence) -> Table {
    let header = evidence.header();
    let mut rows = Vec::new();
    for (carrier, name) in header.carriers.iter().enumerate() {
        let cause = |op: usize| match evidence.subject(op).embedded(carrier) {
            _ if evidence.verdict(op).accepted >> carrier & 1 == 1 => None,
            REFUSED => Some(NOT_EMBEDDED),
            _ => Some(evidence.verdict(op).causes[carrier] as usize),
        };
        let words = |index: usize| match evidence.causes[carrier].get(index) {
            Some(words) => words.clone(),
            None if index == NOT_EMBEDDED => "refused by the image when it was signed".to_owned(),
            None => "not examined".to_owned(),
        };
        rows.extend(counted(evidence, name, &cause, &words));
    }
    let errors = &evidence.errors;
    let error = |op: usize| {
        let index = evidence.verdict(op).error as usize;
        Some(index).filter(|index| *index < errors.len())
    };
    rows.extend(counted(evidence, "(the op)", &error, &|index| {
        format!("error, {}", errors[index])
    }));
    if rows.is_empty() {
        let mut row = vec![Value::text("all carriers"), Value::text("no failure")];
        row.extend([Value::NotMeasured, Value::NotMeasured, Value::NotMeasured]);
        rows.push(row);
    }
    Table {
        id: "causes".to_owned(),
        title: "Why carriers failed, over all simulated pipelines".to_owned(),
        columns: vec![
            Column::new("carrier", "carrier", Kind::Text),
            Column::new("cause", "cause", Kind::Text),
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

/// One line per cause, the commonest first.
fn counted(
    evidence: &Evidence,
    carrier: &str,
    cause: &dyn Fn(usize) -> Option<usize>,
    words: &dyn Fn(usize) -> String,
) -> Vec<Vec<Value>> {
    let pipelines = &evidence.header().pipelines;
    let mut found: std::collections::BTreeMap<usize, Vec<u64>> = std::collections::BTreeMap::new();
    let mut n = 0;
    for pipeline in 0..pipelines.len() {
        for op in evidence.ops(pipeline, Trial::Signed) {
            n += 1;
            if let Some(cause) = cause(op) {
                found
                    .entry(cause)
                    .or_insert_with(|| vec![0; pipelines.len()])[pipeline] += 1;
            }
        }
    }
    let mut lines: Vec<(String, Vec<u64>)> = found
        .into_iter()
        .map(|(index, counts)| (words(index), counts))
        .collect();
    lines.sort_by_key(|(words, counts)| {
        (std::cmp::Reverse(counts.iter().sum::<u64>()), words.clone())
    });
    let line = |(cause, counts): (String, Vec<u64>)| {
        let most = (0..counts.len()).rev().max_by_key(|index| counts[*index]);
        let (id, there) = most.map_or(("", 0), |index| {
            (pipelines[index].id.as_str(), counts[index])
        });
        let rate = Rate {
            k: counts.iter().sum(),
            n,
        };
        vec![
            Value::text(carrier),
            Value::Text(cause),
            Value::rate(rate),
            Value::text(id),
            Value::Count(there),
        ]
    };
    lines.into_iter().map(line).collect()
}
