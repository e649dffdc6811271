//! False accepts: unsigned images that went through the same pipelines.

use super::tally::Control;
use super::{Column, Evidence, Kind, POOLED, Table, Value, rate_notes, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut columns = vec![
        Column::new("pipeline", "pipeline", Kind::Text),
        Column::new("n", "n", Kind::Count),
        Column::new("images", "images", Kind::Count),
        Column::new("errors", "errors", Kind::Count),
        Column::new("any", "accepted by any carrier", Kind::Rate),
    ];
    let carriers = &evidence.header().carriers;
    columns.extend(
        carriers.iter().map(|carrier| {
            Column::new(format!("by_{carrier}"), format!("by {carrier}"), Kind::Rate)
        }),
    );
    let controls = evidence.controls();
    let rows = controls.pipelines.iter().chain([&controls.all]).map(values);
    let mut notes = vec![
        "Unsigned images: nothing may be accepted. n leaves errors out, since an op that failed could not accept anything; counting them would make the rate look better. An interval that begins at 0 still allows its upper bound."
            .to_owned(),
        POOLED.to_owned(),
    ];
    notes.extend(rate_notes());
    notes.extend(run_notes(evidence));
    Table {
        id: "false-accepts".to_owned(),
        title: "False accepts of unsigned images by simulated pipeline".to_owned(),
        columns,
        rows: rows.collect(),
        notes,
    }
}

fn values(control: &Control) -> Vec<Value> {
    let mut values = vec![
        Value::text(&control.id),
        Value::Count(control.accepted.n),
        Value::Count(control.images),
        Value::Count(control.errors),
        Value::rate(control.accepted),
    ];
    values.extend(control.carriers.iter().map(|carrier| Value::rate(*carrier)));
    values
}
