//! One figure for everything, with what it weighs: pooled, averaged over pipelines, and the worst pipeline.

use credlink_trial_record::Trial;

use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::{Clusters, Interval, clustered};

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
    let measures: Vec<usize> = (1..header.carriers.len() + 2).collect();
    let clusters = evidence.survival_clusters(evidence.all_ops(Trial::Signed));
    let pooled = pooled(&clusters, &measures, header.seed);
    let averages = averages(evidence);
    let worst = worst(evidence, measures.len());
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
            format!(
                "Intervals are 95 % and take whole sources as the unit of chance. Pooled: bootstrap over sources ({} replicates, BCa), near 0 and 100 % exact. Average: linearised over sources, on the logit scale.",
                clustered::REPLICATES
            ),
            worst.1,
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

fn percent(value: f64, interval: Option<Interval>) -> Value {
    interval.map_or(Value::NotMeasured, |interval| {
        Value::Estimate(
            value * 100.0,
            Interval {
                low: interval.low * 100.0,
                high: interval.high * 100.0,
            },
        )
    })
}

fn pooled(clusters: &Clusters, measures: &[usize], seed: u64) -> Vec<Value> {
    let sums = clusters.sums();
    let intervals = clusters.rates(0, measures, 0.05, seed);
    let values = measures.iter().zip(intervals);
    values
        .map(|(k, interval)| percent(sums[*k] as f64 / sums[0] as f64, interval))
        .collect()
}

fn averages(evidence: &Evidence) -> Vec<Value> {
    let pipelines: Vec<usize> = (0..evidence.header().pipelines.len()).collect();
    let carriers = (0..evidence.header().carriers.len()).map(Some);
    let average = |measure| match evidence.average(&pipelines, measure, 0.05) {
        None => Value::NotMeasured,
        Some(arm) => percent(arm.value, Some(arm.interval)),
    };
    [None].into_iter().chain(carriers).map(average).collect()
}

/// For each measure the pipeline with the lowest rate, and a note that names them.
fn worst(evidence: &Evidence, measures: usize) -> (Vec<Value>, String) {
    let header = evidence.header();
    let mut values = Vec::new();
    let mut names = Vec::new();
    let pipelines = evidence.by_pipeline();
    for measure in 0..measures {
        let rates = pipelines.iter().filter_map(|pipeline| {
            let tally = &pipeline.tally;
            let rate = match measure.checked_sub(1) {
                None => tally.any(),
                Some(carrier) => tally.rate(tally.carriers[carrier].alone),
            };
            Some((rate.value()?, rate, &pipeline.id))
        });
        let name = match measure.checked_sub(1) {
            None => "any carrier",
            Some(carrier) => &header.carriers[carrier],
        };
        match rates.min_by(|a, b| a.0.total_cmp(&b.0)) {
            None => values.push(Value::NotMeasured),
            Some((value, rate, id)) => {
                values.push(percent(value, rate.interval()));
                names.push(format!("{name} {id}"));
            }
        }
    }
    let note = if names.is_empty() {
        "No pipeline was measured.".to_owned()
    } else {
        format!("Worst pipelines (Wilson intervals): {}.", names.join(", "))
    };
    (values, note)
}
