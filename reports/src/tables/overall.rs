//! One figure for everything, with what it weighs: pooled, averaged over pipelines, and the worst pipeline.

use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::{Interval, Measured};

const PERCENT: Unit = Unit {
    name: "%",
    decimals: 1,
};

pub(super) fn table(evidence: &Evidence) -> Table {
    let header = evidence.header();
    let mut columns = vec![
        Column::new("figure", "figure", Kind::Text),
        Column::new("weights", "what weighs the same", Kind::Text),
        Column::new("any", "by any carrier", Kind::Estimate(PERCENT)),
    ];
    columns.extend(header.carriers.iter().map(|carrier| {
        Column::new(
            format!("by_{carrier}"),
            format!("by {carrier}"),
            Kind::Estimate(PERCENT),
        )
    }));
    let overall = evidence.overall();
    let measures = header.carriers.len() + 1;
    let pooled = (0..measures)
        .map(|measure| percent(overall.measure(measure)))
        .collect();
    let averages = averages(evidence);
    let worst = worst(evidence, measures);
    let line = |figure: &str, weights: &str, values: Vec<Value>| {
        let mut row = vec![Value::text(figure), Value::text(weights)];
        row.extend(values);
        row
    };
    Table {
        id: "overall".to_owned(),
        title: "Survival over all simulated pipelines, three ways".to_owned(),
        columns,
        rows: vec![
            line("pooled", "every op", pooled),
            line("average over pipelines", "every pipeline", averages),
            line("worst pipeline", "the pipeline alone", worst.0),
        ],
        notes: [
            "Pooled and averaged figures depend on which pipelines were chosen; they say nothing about a pipeline that is not in the list. The interval is of the figure over these pipelines."
                .to_owned(),
            super::INTERVALS.to_owned(),
            super::CONTROLS_APART.to_owned(),
            worst.1,
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

fn percent(found: Measured) -> Value {
    match (found.rate.value(), found.interval) {
        (Some(value), Some(interval)) => estimate(value, interval),
        _ => Value::NotMeasured,
    }
}

fn estimate(value: f64, interval: Interval) -> Value {
    Value::Estimate(
        value * 100.0,
        Interval {
            low: interval.low * 100.0,
            high: interval.high * 100.0,
        },
    )
}

fn averages(evidence: &Evidence) -> Vec<Value> {
    let pipelines = evidence.pooled_pipelines();
    let carriers = (0..evidence.header().carriers.len()).map(Some);
    let average = |measure| match evidence.average(&pipelines, measure, 0.05) {
        None => Value::NotMeasured,
        Some(arm) => estimate(arm.value, arm.interval),
    };
    [None].into_iter().chain(carriers).map(average).collect()
}

/// For each measure the pipeline with the lowest rate, and a note that names them.
fn worst(evidence: &Evidence, measures: usize) -> (Vec<Value>, String) {
    let header = evidence.header();
    let mut values = Vec::new();
    let mut names = Vec::new();
    let mut pipelines = evidence.by_pipeline();
    pipelines.retain(|pipeline| pipeline.is_pooled);
    for measure in 0..measures {
        let rates = pipelines.iter().filter_map(|pipeline| {
            let found = pipeline.tally.measure(measure);
            Some((found.rate.value()?, found, &pipeline.id))
        });
        let name = match measure.checked_sub(1) {
            None => "any carrier",
            Some(carrier) => &header.carriers[carrier],
        };
        match rates.min_by(|a, b| a.0.total_cmp(&b.0)) {
            None => values.push(Value::NotMeasured),
            Some((_, found, id)) => {
                values.push(percent(found));
                names.push(format!("{name} {id}"));
            }
        }
    }
    let note = if names.is_empty() {
        "No pipeline was measured.".to_owned()
    } else {
        format!("Worst pipelines: {}.", names.join(", "))
    };
    (values, note)
}
