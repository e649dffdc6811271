//! Curves: survival along a recipe's parameter, and the doses at which it crosses 50 and 95 %.

use std::collections::HashMap;

use credlink_trial_record::Trial;

use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::header::SweepHeader;
use crate::stats::{Clusters, Crossing, Interval, REPLICATES, crossing, isotonic};

const NUMBER: Unit = Unit {
    name: "",
    decimals: 2,
};
pub(super) const PERCENT: Unit = Unit {
    name: "%",
    decimals: 1,
};

/// The points of one recipe: parameter value and pipeline, by ascending value.
pub(super) struct Sweep<'a> {
    pub(super) of: &'a SweepHeader,
    pub(super) points: Vec<(f64, usize)>,
}

pub(super) fn sweeps(evidence: &Evidence) -> Vec<Sweep<'_>> {
    let mut sweeps: Vec<Sweep<'_>> = Vec::new();
    for (index, pipeline) in evidence.header().pipelines.iter().enumerate() {
        let Some(of) = pipeline
            .sweep
            .as_ref()
            .filter(|sweep| sweep.value.is_finite())
        else {
            continue;
        };
        let known = sweeps
            .iter_mut()
            .find(|sweep| (&sweep.of.recipe, &sweep.of.parameter) == (&of.recipe, &of.parameter));
        match known {
            Some(sweep) => sweep.points.push((of.value, index)),
            None => sweeps.push(Sweep {
                of,
                points: vec![(of.value, index)],
            }),
        }
    }
    for sweep in &mut sweeps {
        sweep.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    sweeps
}

/// Any carrier, then each: the name, and whether an op counts.
pub(super) fn measures(evidence: &Evidence) -> Vec<(&str, Option<usize>)> {
    let carriers = evidence.header().carriers.iter().enumerate();
    let each = carriers.map(|(index, name)| (name.as_str(), Some(index)));
    [("any carrier", None)].into_iter().chain(each).collect()
}

pub(super) fn doses(evidence: &Evidence) -> Table {
    let mut rows = Vec::new();
    for sweep in sweeps(evidence) {
        for (name, measure) in measures(evidence) {
            for (value, pipeline) in &sweep.points {
                let ops = evidence.ops(*pipeline, Trial::Signed);
                let clusters = evidence.hit_clusters(ops, measure);
                rows.push(vec![
                    Value::text(&sweep.of.recipe),
                    Value::text(&sweep.of.parameter),
                    Value::text(&sweep.of.unit),
                    Value::text(name),
                    Value::Number(*value),
                    Value::rate(clusters.measured(1, 0)),
                ]);
            }
        }
    }
    if rows.is_empty() {
        let mut row = ["no recipe of this run", "", "", ""]
            .map(Value::text)
            .to_vec();
        row.extend([Value::NotMeasured, Value::NotMeasured]);
        rows.push(row);
    }
    Table {
        id: "doses".to_owned(),
        title: "Survival along the parameters of simulated pipelines".to_owned(),
        columns: vec![
            Column::new("recipe", "recipe", Kind::Text),
            Column::new("parameter", "parameter", Kind::Text),
            Column::new("unit", "unit", Kind::Text),
            Column::new("measure", "by", Kind::Text),
            Column::new("value", "value", Kind::Number(NUMBER)),
            Column::new("rate", "survival", Kind::Rate),
        ],
        rows,
        notes: [super::INTERVALS.to_owned()]
            .into_iter()
            .chain(run_notes(evidence))
            .collect(),
    }
}

pub(super) fn dose_points(evidence: &Evidence) -> Table {
    let mut rows = Vec::new();
    for sweep in sweeps(evidence) {
        for (name, measure) in measures(evidence) {
            let counts = Counts::of(evidence, &sweep, measure);
            let mut row = vec![
                Value::text(&sweep.of.recipe),
                Value::text(&sweep.of.parameter),
                Value::text(&sweep.of.unit),
                Value::text(name),
                Value::text(if counts.falling {
                    "falls with it"
                } else {
                    "rises with it"
                }),
            ];
            row.extend(counts.points(evidence.header().seed));
            rows.push(row);
        }
    }
    if rows.is_empty() {
        let mut row = ["no recipe of this run", "", "", "", ""]
            .map(Value::text)
            .to_vec();
        row.extend(vec![Value::NotMeasured; 4]);
        rows.push(row);
    }
    Table {
        id: "dose-points".to_owned(),
        title: "Where survival crosses 50 and 95 % along the parameters of simulated pipelines".to_owned(),
        columns: vec![
            Column::new("recipe", "recipe", Kind::Text),
            Column::new("parameter", "parameter", Kind::Text),
            Column::new("unit", "unit", Kind::Text),
            Column::new("measure", "by", Kind::Text),
            Column::new("direction", "survival", Kind::Text),
            Column::new("at_50", "50 % at", Kind::Estimate(NUMBER)),
            Column::new("where_50", "50 %", Kind::Text),
            Column::new("at_95", "95 % at", Kind::Estimate(NUMBER)),
            Column::new("where_95", "95 %", Kind::Text),
        ],
        rows,
        notes: [
            format!(
                "The curve is an isotonic fit with straight lines between the values that were measured. Intervals: percentiles of {} resamples of whole sources; an end at the first or last measured value may lie beyond it.",
                REPLICATES
            ),
            "Where no value crosses the share, the words say on which side all of them lie.".to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

/// The counts of one curve, in the direction in which survival rises.
struct Counts {
    doses: Vec<f64>,
    clusters: Clusters,
    /// Whether survival falls with the parameter; doses are then negated.
    falling: bool,
}

impl Counts {
    fn of(evidence: &Evidence, sweep: &Sweep<'_>, measure: Option<usize>) -> Self {
        let mut place = HashMap::new();
        let mut ops = Vec::new();
        for (index, (_, pipeline)) in sweep.points.iter().enumerate() {
            for op in evidence.ops(*pipeline, Trial::Signed) {
                place.insert(op, index);
                ops.push(op);
            }
        }
        // Column 0 counts ops; then trials and successes of each dose.
        let columns = 1 + 2 * sweep.points.len();
        let clusters = evidence.clusters(ops.into_iter(), columns, |op, counts| {
            let index = place[&op];
            counts[0] += 1;
            counts[1 + 2 * index] += 1;
            counts[2 + 2 * index] += u32::from(evidence.hit(op, measure));
        });
        let sums = clusters.sums();
        let (values, weights) = rates(&sums, sweep.points.len(), false);
        let total: f64 = weights.iter().sum();
        let mean = |of: &dyn Fn(usize) -> f64| {
            (0..weights.len())
                .filter(|i| weights[*i] > 0.0)
                .map(|i| weights[i] * of(i))
                .sum::<f64>()
                / total
        };
        let middle = mean(&|i| sweep.points[i].0);
        let slope = mean(&|i| (sweep.points[i].0 - middle) * values[i]);
        Self {
            doses: sweep.points.iter().map(|(value, _)| *value).collect(),
            clusters,
            falling: slope < 0.0,
        }
    }

    /// The value and the words for 50 % and for 95 %.
    fn points(&self, seed: u64) -> Vec<Value> {
        let doses: Vec<f64> = if self.falling {
            self.doses.iter().rev().map(|dose| -dose).collect()
        } else {
            self.doses.clone()
        };
        if self.clusters.sources() == 0 {
            return vec![Value::NotMeasured; 4];
        }
        let shares = [0.5, 0.95];
        let resampled = self
            .clusters
            .bootstrap(shares.len(), REPLICATES, seed, |sums, found| {
                let (values, weights) = rates(sums, doses.len(), self.falling);
                let fit = isotonic(&values, &weights);
                for (found, share) in found.iter_mut().zip(shares) {
                    *found = match crossing(&doses, &fit, share) {
                        Crossing::At(dose) => dose,
                        Crossing::Before => f64::NEG_INFINITY,
                        Crossing::Beyond => f64::INFINITY,
                    };
                }
            });
        let (first, last) = (doses[0], doses[doses.len() - 1]);
        let back = |dose: f64| if self.falling { -dose } else { dose };
        let mut cells = Vec::new();
        for replicates in resampled {
            let at = replicates.estimate;
            let words = match at {
                f64::NEG_INFINITY => "reached at every value",
                f64::INFINITY => "reached at no value",
                _ => "crossed",
            };
            let interval = replicates.percentile(0.05).map(|interval| {
                let (a, b) = (
                    back(interval.low.clamp(first, last)),
                    back(interval.high.clamp(first, last)),
                );
                Interval {
                    low: a.min(b),
                    high: a.max(b),
                }
            });
            cells.push(match interval {
                Some(interval) if at.is_finite() => Value::Estimate(back(at), interval),
                _ => Value::NotApplicable,
            });
            cells.push(Value::text(words));
        }
        cells
    }
}

/// Rates and weights per dose, in the order in which survival rises.
fn rates(sums: &[u64], doses: usize, reversed: bool) -> (Vec<f64>, Vec<f64>) {
    let at = |index: usize| {
        let index = if reversed { doses - 1 - index } else { index };
        let (n, k) = (sums[1 + 2 * index] as f64, sums[2 + 2 * index] as f64);
        (if n > 0.0 { k / n } else { 0.0 }, n)
    };
    (0..doses).map(at).unzip()
}
