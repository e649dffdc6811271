//! Survival per family of pipelines, and over all of them.

use super::survival::{tally_columns, tally_values};
use super::{Column, Evidence, Kind, POOLED, Table, Value, rate_notes, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut columns = vec![Column::new("family", "family", Kind::Text)];
    columns.extend(tally_columns(evidence));
    let mut families = evidence.by_family();
    families.push(("all families".to_owned(), evidence.overall()));
    let rows = families.into_iter().map(|(family, tally)| {
        let mut row = vec![Value::Text(family)];
        row.extend(tally_values(&tally));
        row
    });
    let mut notes = vec![POOLED.to_owned()];
    notes.extend(rate_notes());
    notes.extend(run_notes(evidence));
    Table {
        id: "families".to_owned(),
        title: "Survival by family of simulated pipelines".to_owned(),
        columns,
        rows: rows.collect(),
        notes,
    }
}
