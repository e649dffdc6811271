//! Lifetimes of proofs over re-shares.

use std::collections::HashMap;

use credlink_trial_record::Trial;

use super::sweeps::{PERCENT, Sweep, measures, sweeps};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::{Interval, Lifetime, Step, kaplan_meier};

/// The parameter of recipes that re-share an image again and again.
const HOPS: &str = "hops";

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut rows = Vec::new();
    for sweep in sweeps(evidence)
        .iter()
        .filter(|sweep| sweep.of.parameter == HOPS)
    {
        for (name, measure) in measures(evidence) {
            rows.extend(lines(evidence, sweep, name, measure));
        }
    }
    if rows.is_empty() {
        let mut row = ["no recipe of this run re-shares", ""]
            .map(Value::text)
            .to_vec();
        row.extend(vec![Value::NotMeasured; 5]);
        rows.push(row);
    }
    Table {
        id: "generations".to_owned(),
        title: "How many simulated re-shares proofs outlive".to_owned(),
        columns: vec![
            Column::new("recipe", "recipe", Kind::Text),
            Column::new("measure", "by", Kind::Text),
            Column::new("hop", "hop", Kind::Number(Unit { name: "", decimals: 0 })),
            Column::new("at_risk", "alive before", Kind::Count),
            Column::new("lost", "lost at it", Kind::Count),
            Column::new("survival", "alive after", Kind::Estimate(PERCENT)),
            Column::new("median", "median lifetime in hops", Kind::Text),
        ],
        rows,
        notes: [
            "Kaplan–Meier estimate. A proof is lost at the first hop at which it was not recovered, even if a later hop recovered it; one whose next hop was not measured counts as alive up to the last one that was."
                .to_owned(),
            super::INTERVALS.to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

/// The steps of one curve.
fn lines(
    evidence: &Evidence,
    sweep: &Sweep<'_>,
    name: &str,
    measure: Option<usize>,
) -> Vec<Vec<Value>> {
    let lifetimes = lifetimes(evidence, sweep, measure);
    let curve = kaplan_meier(&lifetimes);
    let last = sweep.points.last().map_or(0.0, |(value, _)| *value);
    let median = match (curve.median, curve.median_interval) {
        (None, _) => format!("more than {last}"),
        (Some(median), (low, high)) => format!(
            "{median} [{}, {}]",
            low.map_or_else(|| "?".to_owned(), |low| low.to_string()),
            high.map_or_else(|| format!("> {last}"), |high| high.to_string())
        ),
    };
    let line = |hop: f64, (at_risk, lost): (u64, u64), survival: f64, band: Interval| {
        let band = Interval {
            low: band.low * 100.0,
            high: band.high * 100.0,
        };
        vec![
            Value::text(&sweep.of.recipe),
            Value::text(name),
            Value::Number(hop),
            Value::Count(at_risk),
            Value::Count(lost),
            Value::Estimate(survival * 100.0, band),
            Value::text(&median),
        ]
    };
    if curve.steps.is_empty() {
        let ops = sweep.points.last().map(|(_, pipeline)| *pipeline);
        let ops = ops
            .into_iter()
            .flat_map(|pipeline| evidence.ops(pipeline, Trial::Signed));
        let found = evidence.hit_clusters(ops, measure).measured(1, 0);
        let kept = found
            .interval
            .map(|band| line(last, (found.rate.n, 0), 1.0, band));
        return kept.into_iter().collect();
    }
    let step = |step: &Step| {
        line(
            step.time,
            (step.at_risk, step.lost),
            step.survival,
            step.band,
        )
    };
    curve.steps.iter().map(step).collect()
}

/// The lifetime of each image's proof in hops.
fn lifetimes(evidence: &Evidence, sweep: &Sweep<'_>, measure: Option<usize>) -> Vec<Lifetime> {
    // By image: for each point, whether it was measured and whether the proof was found.
    let mut images: HashMap<(u32, u32), Vec<Option<bool>>> = HashMap::new();
    for (index, (_, pipeline)) in sweep.points.iter().enumerate() {
        for op in evidence.ops(*pipeline, Trial::Signed) {
            let seen = images
                .entry((evidence.image(op), evidence.source(op)))
                .or_insert_with(|| vec![None; sweep.points.len()]);
            seen[index] = Some(evidence.hit(op, measure));
        }
    }
    let mut images: Vec<_> = images.into_iter().collect();
    images.sort_unstable();
    let lifetime = |((_, source), seen): ((u32, u32), Vec<Option<bool>>)| {
        let mut alive = 0.0;
        for (found, (value, _)) in seen.into_iter().zip(&sweep.points) {
            match found {
                Some(true) => alive = *value,
                Some(false) => {
                    return Lifetime {
                        time: *value,
                        lost: true,
                        source,
                    };
                }
                None => break,
            }
        }
        Lifetime {
            time: alive,
            lost: false,
            source,
        }
    };
    images.into_iter().map(lifetime).collect()
}
