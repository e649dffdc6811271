//! What each carrier does alone, and what would be lost without it.

use super::{Column, Evidence, Kind, POOLED, Table, Value, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let overall = evidence.overall();
    let header = evidence.header();
    let names = header.carriers.iter();
    let rows = names.zip(&overall.carriers).map(|(name, carrier)| {
        vec![
            Value::text(name),
            Value::Count(overall.n),
            Value::Count(overall.images),
            Value::Count(overall.sources),
            Value::rate(carrier.alone),
            Value::rate(carrier.unique),
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
        super::CONTROLS_APART.to_owned(),
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
