//! What each carrier does alone, and what would be lost without it.

use credlink_trial_record::Trial;

use super::{Column, Evidence, Kind, POOLED, Table, Value, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let overall = evidence.overall();
    let header = evidence.header();
    let carriers = header.carriers.len();
    // Per source: ops, then for each carrier what it accepted, then what only it saved.
    let clusters = evidence.clusters(
        evidence.all_ops(Trial::Signed),
        1 + 2 * carriers,
        |op, counts| {
            counts[0] += 1;
            let accepted = evidence.result(op).accepted;
            for carrier in 0..carriers {
                counts[1 + carrier] += (accepted >> carrier & 1) as u32;
                counts[1 + carriers + carrier] +=
                    u32::from(evidence.survived(op) && accepted == 1 << carrier);
            }
        },
    );
    let measures: Vec<usize> = (1..=2 * carriers).collect();
    let intervals = clusters.rates(0, &measures, 0.05, header.seed);
    let names = header.carriers.iter().enumerate();
    let rows = names
        .zip(&overall.carriers)
        .map(|((index, name), carrier)| {
            vec![
                Value::text(name),
                Value::Count(overall.n),
                Value::Count(overall.images),
                Value::Count(overall.sources),
                Value::pooled(overall.rate(carrier.alone), intervals[index]),
                Value::pooled(overall.rate(carrier.unique), intervals[carriers + index]),
                if overall.n == 0 {
                    Value::NotMeasured
                } else {
                    Value::Count(carrier.recovered)
                },
            ]
        });
    let mut notes = vec![
        "Alone: ops in which this carrier accepted the issued proof, whatever the others did. Only by it: ops that survived and in which no other carrier accepted, so that they would have been lost without it. First in the ladder: recovered ops that it was the first to recover."
            .to_owned(),
        POOLED.to_owned(),
    ];
    notes.extend(run_notes(evidence));
    Table {
        id: "carriers".to_owned(),
        title: "Survival by carrier over all simulated pipelines".to_owned(),
        columns: vec![
            Column::new("carrier", "carrier", Kind::Text),
            Column::new("n", "n", Kind::Count),
            Column::new("images", "images", Kind::Count),
            Column::new("sources", "sources", Kind::Count),
            Column::new("alone", "alone", Kind::Rate),
            Column::new("unique", "only by it", Kind::Rate),
            Column::new("recovered", "first in the ladder", Kind::Count),
        ],
        rows: rows.collect(),
        notes,
    }
}
