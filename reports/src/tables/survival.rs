//! Survival per pipeline: by any carrier, by each carrier alone, and every outcome counted.

use credlink_trial_record::Outcome;

use super::tally::Tally;
use super::{Column, Evidence, Kind, Table, Value, rate_notes, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut columns = vec![
        Column::new("pipeline", "pipeline", Kind::Text),
        Column::new("family", "family", Kind::Text),
        Column::new("grade", "grade", Kind::Text),
    ];
    columns.extend(tally_columns(evidence));
    let rows = evidence.by_pipeline().into_iter().map(|pipeline| {
        let mut row = vec![
            Value::Text(pipeline.id),
            Value::Text(pipeline.family),
            Value::Text(pipeline.grade),
        ];
        row.extend(tally_values(&pipeline.tally));
        row
    });
    let mut notes = vec![
        "Survived by any carrier: the outcome is intact, resigned or recovered. Errors stay in n. Each carrier's rate is its own, as if it were the only one."
            .to_owned(),
        "Grade says how well the simulation is founded: A source code, B vendor documentation, C published measurement, D estimate."
            .to_owned(),
    ];
    notes.extend(rate_notes());
    notes.extend(run_notes(evidence));
    Table {
        id: "survival".to_owned(),
        title: "Survival by simulated pipeline".to_owned(),
        columns,
        rows: rows.collect(),
        notes,
    }
}

/// The columns of a tally: counts, survival by any carrier, by each carrier, and outcomes.
pub(super) fn tally_columns(evidence: &Evidence) -> Vec<Column> {
    let mut columns = vec![
        Column::new("n", "n", Kind::Count),
        Column::new("images", "images", Kind::Count),
        Column::new("sources", "sources", Kind::Count),
        Column::new("survived", "survived", Kind::Count),
        Column::new("any", "by any carrier", Kind::Rate),
    ];
    let carriers = &evidence.header().carriers;
    columns.extend(carriers.iter().map(|carrier| {
        // A prefix, so that a carrier named "any" or "n" cannot take another column's key.
        Column::new(format!("by_{carrier}"), format!("by {carrier}"), Kind::Rate)
    }));
    let outcomes = Outcome::SIGNED.iter().map(ToString::to_string);
    columns.push(Column::new(
        "outcome",
        "outcomes",
        Kind::Counts(outcomes.collect()),
    ));
    columns
}

/// The values for [`tally_columns`]. Without ops every figure but n is "not measured".
pub(super) fn tally_values(tally: &Tally) -> Vec<Value> {
    let measured = |value: Value| {
        if tally.n == 0 {
            Value::NotMeasured
        } else {
            value
        }
    };
    let mut values = vec![
        Value::Count(tally.n),
        Value::Count(tally.images),
        Value::Count(tally.sources),
        measured(Value::Count(tally.survived())),
        Value::rate(tally.any),
    ];
    values.extend(
        tally
            .carriers
            .iter()
            .map(|carrier| Value::rate(carrier.alone)),
    );
    values.push(measured(Value::Counts(tally.outcomes.clone())));
    values
}
