//! Survival per family of pipelines, and over all of them.

use credlink_trial_record::Trial;

use super::survival::{tally_columns, tally_values};
use super::{Column, Evidence, Kind, POOLED, Table, Value, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut columns = vec![Column::new("family", "family", Kind::Text)];
    columns.extend(tally_columns(evidence));
    let header = evidence.header();
    let mut families = evidence.by_family();
    families.push((ALL.to_owned(), evidence.overall()));
    let rows = families.into_iter().map(|(family, tally)| {
        let members = (0..header.pipelines.len())
            .filter(|index| family == ALL || header.pipelines[*index].family == family);
        let ops = members.flat_map(|index| evidence.ops(index, Trial::Signed));
        let mut intervals = evidence.pooled_intervals(ops).into_iter();
        let mut row = vec![Value::Text(family)];
        // The rates of a tally are any carrier and then each, as the columns of the clusters are.
        row.extend(tally_values(&tally).into_iter().map(|value| match value {
            Value::Rate(rate) => Value::pooled(rate, intervals.next().flatten()),
            other => other,
        }));
        row
    });
    Table {
        id: "families".to_owned(),
        title: "Survival by family of simulated pipelines".to_owned(),
        columns,
        rows: rows.collect(),
        notes: [POOLED.to_owned()]
            .into_iter()
            .chain(run_notes(evidence))
            .collect(),
    }
}

/// The line that pools every family; no family can have this name, since ids hold no space.
pub(crate) const ALL: &str = "all families";
