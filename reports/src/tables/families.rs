//! Survival per family of pipelines, and over all of them.

use super::survival::{tally_columns, tally_values};
use super::{Column, Evidence, Kind, POOLED, Table, Value, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut columns = vec![Column::new("family", "family", Kind::Text)];
    columns.extend(tally_columns(evidence));
    let mut families = evidence.by_family();
    families.push((ALL.to_owned(), evidence.overall()));
    let rows = families.into_iter().map(|(family, tally)| {
        let mut row = vec![Value::Text(family)];
        row.extend(tally_values(&tally));
        row
    });
    Table {
        id: "families".to_owned(),
        title: "Survival by family of simulated pipelines".to_owned(),
        columns,
        rows: rows.collect(),
        notes: [POOLED.to_owned(), super::CONTROLS_APART.to_owned()]
            .into_iter()
            .chain(run_notes(evidence))
            .collect(),
    }
}

/// The line that pools every family; no family can have this name, since ids hold no space.
pub(crate) const ALL: &str = "all families";
