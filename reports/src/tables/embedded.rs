//! How many images took a carrier at all, and how it fares over those alone.

use std::collections::HashMap;

use credlink_trial_record::{Embedded, Trial};

use super::{Column, Evidence, Kind, Table, Value, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let header = evidence.header();
    let mut rows = Vec::new();
    for (carrier, name) in header.carriers.iter().enumerate() {
        let whole = evidence.pooled_ops();
        rows.push(line(
            evidence,
            carrier,
            name,
            "all pipelines",
            whole.clone(),
        ));
        if { whole }.all(|op| matches!(evidence.entrant(op).embedded(carrier), 0 | 3)) {
            continue;
        }
        for (index, pipeline) in header.pipelines.iter().enumerate() {
            let ops = evidence.ops(index, Trial::Signed);
            rows.push(line(evidence, carrier, name, &pipeline.id, ops));
        }
    }
    let words = Embedded::ALL.iter().map(ToString::to_string).collect();
    Table {
        id: "embedded".to_owned(),
        title: "Survival by simulated pipeline, over all images and over those that took the carrier".to_owned(),
        columns: vec![
            Column::new("carrier", "carrier", Kind::Text),
            Column::new("pipeline", "pipeline", Kind::Text),
            Column::new("images", "images by how they took it", Kind::Counts(words)),
            Column::new("all", "found, over all ops", Kind::Rate),
            Column::new("carried", "found, where carried", Kind::Rate),
            Column::new("fragile", "found, where fragile", Kind::Rate),
        ],
        rows,
        notes: [
            "Over all ops an image that refused the carrier counts as not found: that is the figure to quote. The others say what the carrier does where it could be put in; carried is with reserve, fragile with little."
                .to_owned(),
            "A carrier that every image took has one line.".to_owned(),
        ]
        .into_iter()
        .chain(super::rate_notes())
        .chain(run_notes(evidence))
        .collect(),
    }
}

fn line(
    evidence: &Evidence,
    carrier: usize,
    name: &str,
    pipeline: &str,
    ops: impl Iterator<Item = usize> + Clone,
) -> Vec<Value> {
    let taken = |op: usize| evidence.entrant(op).embedded(carrier);
    let clusters = evidence.clusters(ops.clone(), 6, |op, counts| {
        let found = (evidence.result(op).accepted >> carrier & 1) as u32;
        counts[0] += 1;
        counts[1] += found;
        let class = match taken(op) {
            0 => 2,
            1 => 4,
            _ => return,
        };
        counts[class] += 1;
        counts[class + 1] += found;
    });
    let rate = |n: usize| Value::rate(clusters.measured(n + 1, n));
    let mut images: HashMap<u32, usize> = HashMap::new();
    for op in ops {
        let found = images.entry(evidence.image(op)).or_insert(usize::MAX);
        *found = taken(op).min(*found);
    }
    let count = |word: usize| images.values().filter(|found| **found == word).count() as u64;
    let counts: Vec<u64> = (0..Embedded::ALL.len()).map(count).collect();
    vec![
        Value::text(name),
        Value::text(pipeline),
        if images.is_empty() {
            Value::NotMeasured
        } else {
            Value::Counts(counts)
        },
        rate(0),
        rate(2),
        rate(4),
    ]
}
