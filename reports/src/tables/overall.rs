//! One figure for everything, with what it weighs: pooled, averaged over pipelines, and the worst pipeline.

use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::row::Trial;
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

/// The mean of the pipelines' rates. Its variance adds, source by source, what the source contributes to the mean:
/// `zᵢ = 1/P · Σ_p (kᵢₚ − r_p·nᵢₚ) / n_p`, `v = C/(C−1) · Σ zᵢ²`; the interval is symmetric in `ln(m / (1−m))`.
fn averages(evidence: &Evidence) -> Vec<Value> {
    let measures = evidence.header().carriers.len() + 1;
    let hit = |op: usize, measure: usize| match measure.checked_sub(1) {
        None => evidence.survived(op),
        Some(carrier) => evidence.accepted[op] >> carrier & 1 == 1,
    };
    let pipelines: Vec<Vec<usize>> = (0..evidence.header().pipelines.len())
        .map(|pipeline| evidence.ops(pipeline, Trial::Signed).collect())
        .filter(|ops: &Vec<usize>| !ops.is_empty())
        .collect();
    let count = pipelines.len() as f64;
    let average = |measure: usize| {
        let mut mean = 0.0;
        let mut parts = vec![0.0; evidence.sources()];
        let mut seen = vec![false; evidence.sources()];
        for ops in &pipelines {
            let n = ops.len() as f64;
            let rate = ops.iter().filter(|op| hit(**op, measure)).count() as f64 / n;
            mean += rate / count;
            for op in ops {
                let source = evidence.source[*op] as usize;
                parts[source] += (f64::from(u8::from(hit(*op, measure))) - rate) / (n * count);
                seen[source] = true;
            }
        }
        let sources = seen.iter().filter(|seen| **seen).count() as f64;
        if pipelines.is_empty() || sources < 2.0 {
            return Value::NotMeasured;
        }
        let variance =
            sources / (sources - 1.0) * parts.iter().map(|part| part * part).sum::<f64>();
        if variance == 0.0 {
            // Every pipeline keeps all or nothing: as many trials as sources, each in all pipelines alike.
            let exact = Clusters::of(2, [[1, 1]].repeat(sources as usize)).exact(1, 0, 0.05);
            let reach = exact.map_or(1.0, |interval| 1.0 - interval.low);
            let interval = Interval {
                low: (mean - reach).max(0.0),
                high: (mean + reach).min(1.0),
            };
            return percent(mean, Some(interval));
        }
        let width = 1.959_963_984_540_054 * variance.sqrt() / (mean * (1.0 - mean));
        let odds = mean / (1.0 - mean);
        let back = |odds: f64| odds / (1.0 + odds);
        percent(
            mean,
            Some(Interval {
                low: back(odds * (-width).exp()),
                high: back(odds * width.exp()),
            }),
        )
    };
    (0..measures).map(average).collect()
}

/// For each measure the pipeline with the lowest rate, and a note that names them.
fn worst(evidence: &Evidence, measures: usize) -> (Vec<Value>, String) {
    let header = evidence.header();
    let mut values = Vec::new();
    let mut names = Vec::new();
    for measure in 0..measures {
        let rates = evidence.by_pipeline().into_iter().filter_map(|pipeline| {
            let tally = &pipeline.tally;
            let rate = match measure.checked_sub(1) {
                None => tally.any(),
                Some(carrier) => tally.rate(tally.carriers[carrier].alone),
            };
            Some((rate.value()?, rate, pipeline.id))
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
