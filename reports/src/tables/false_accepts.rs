//! False accepts: negative trials that went through the same pipelines.

use credlink_trial_record::Trial;

use super::tally::NegativeTally;
use super::{Column, Evidence, Kind, Table, Value, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut columns = vec![
        Column::new("trial", "negative trial", Kind::Text),
        Column::new("pipeline", "pipeline", Kind::Text),
        Column::new("n", "n", Kind::Count),
        Column::new("images", "images", Kind::Count),
        Column::new("sources", "sources", Kind::Count),
        Column::new("errors", "errors", Kind::Count),
        Column::new("any", "accepted by any carrier", Kind::Bound),
    ];
    let carriers = &evidence.header().carriers;
    columns.extend(carriers.iter().map(|carrier| {
        Column::new(
            format!("by_{carrier}"),
            format!("by {carrier}"),
            Kind::Bound,
        )
    }));
    let controls = evidence.negatives();
    let rows = [&controls.all]
        .into_iter()
        .chain(&controls.kinds)
        .chain(&controls.cells);
    let mut notes = vec![
        "Nothing may be accepted in these trials. A figure is the number of false accepts with the one-sided 95 % upper bound of their rate. The bound rests on sources, not on n, since trials of one picture stand or fall together: where none was accepted it is that of Clopper and Pearson for so many sources, about 3 / sources."
            .to_owned(),
        "n leaves errors out, since an op that failed could not accept anything; counting them would make the rate look better."
            .to_owned(),
    ];
    notes.extend(controls.kinds.iter().filter_map(|control| {
        let trial = control.trial?;
        Some(format!("{}: {}.", trial.as_str(), trial.about()))
    }));
    let absent: Vec<&str> = Trial::NEGATIVES
        .into_iter()
        .filter(|trial| controls.kinds.iter().all(|kind| kind.trial != Some(*trial)))
        .map(Trial::as_str)
        .collect();
    if !absent.is_empty() {
        notes.push(format!("Not part of this run: {}.", absent.join(", ")));
    }
    notes.extend(run_notes(evidence));
    Table {
        id: "false-accepts".to_owned(),
        title: "False accepts in negative trials by simulated pipeline".to_owned(),
        columns,
        rows: rows.map(values).collect(),
        notes,
    }
}

fn values(control: &NegativeTally) -> Vec<Value> {
    let mut values = vec![
        Value::text(control.trial.map_or("all kinds", Trial::as_str)),
        Value::text(&control.id),
        Value::Count(control.accepted.rate.n),
        Value::Count(control.images),
        Value::Count(control.sources),
        Value::Count(control.errors),
        Value::bound(control.accepted),
    ];
    values.extend(
        control
            .carriers
            .iter()
            .map(|carrier| Value::bound(*carrier)),
    );
    values
}
