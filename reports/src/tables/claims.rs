//! What the run supports: the highest survival that may be claimed of each pipeline.

use credlink_trial_record::Trial;

use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::trials_needed;

/// Claims that people make, highest first.
const FLOORS: [(f64, &str); 7] = [
    (0.9999, "≥ 99.99 %"),
    (0.999, "≥ 99.9 %"),
    (0.995, "≥ 99.5 %"),
    (0.99, "≥ 99 %"),
    (0.95, "≥ 95 %"),
    (0.9, "≥ 90 %"),
    (0.5, "≥ 50 %"),
];

pub(super) fn table(evidence: &Evidence) -> Table {
    let percent = Unit {
        name: "%",
        decimals: 2,
    };
    let line = |name: &str, ops: &mut dyn Iterator<Item = usize>| {
        let clusters = evidence.hit_clusters(ops, None);
        let found = clusters.measured(1, 0);
        let low = clusters.lower_bound(1, 0);
        let claim = low.map(|low| FLOORS.iter().find(|(floor, _)| low >= *floor));
        vec![
            Value::text(name),
            Value::Count(found.rate.n),
            Value::Count(clusters.sources()),
            Value::rate(found),
            Value::number(low.map(|low| low * 100.0)),
            match claim {
                None => Value::NotMeasured,
                Some(None) => Value::text("none"),
                Some(Some((_, words))) => Value::text(*words),
            },
        ]
    };
    let pipelines = &evidence.header().pipelines;
    let mut rows: Vec<Vec<Value>> = pipelines
        .iter()
        .enumerate()
        .map(|(index, pipeline)| line(&pipeline.id, &mut evidence.ops(index, Trial::Signed)))
        .collect();
    rows.push(line("all pipelines", &mut evidence.pooled_ops()));
    let needed = |floor: f64| trials_needed(floor).map_or_else(String::new, crate::figures::count);
    Table {
        id: "claims".to_owned(),
        title: "What may be claimed of survival through simulated pipelines".to_owned(),
        columns: vec![
            Column::new("pipeline", "pipeline", Kind::Text),
            Column::new("n", "n", Kind::Count),
            Column::new("sources", "sources", Kind::Count),
            Column::new("any", "by any carrier", Kind::Rate),
            Column::new("low", "one-sided 95 % lower bound", Kind::Number(percent)),
            Column::new("claim", "supported claim", Kind::Text),
        ],
        rows,
        notes: [
            super::CONTROLS_APART.to_owned(),
            "A claim is supported if the one-sided 95 % lower bound reaches it; the bound takes sources, not ops, as the unit of chance, and a source that nobody has seen into account."
                .to_owned(),
            format!(
                "Without any loss, ≥ 99 % needs {} independent sources, ≥ 99.9 % {}, ≥ 99.99 % {}.",
                needed(0.99),
                needed(0.999),
                needed(0.9999)
            ),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}
