//! What a threshold finds, and what it lets through: the points of ROC and DET curves, each kind of negative trial apart.

use credlink_trial_record::Trial;

use super::decisions::{Deciding, decisions, decisions_alike, no_line};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::Measured;

/// How often the number of a carrier reaches each of its thresholds in the trials of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    /// The carrier's place in the ladder.
    pub(crate) carrier: usize,
    pub(crate) name: String,
    pub(crate) unit: String,
    /// Signed: towards the issued proof, which should be reached. Others: towards a wrong one, which should not.
    pub(crate) trial: Trial,
    pub(crate) sources: u64,
    /// The threshold in use.
    pub(crate) in_use: u32,
    /// Thresholds from strict to lenient, and how often each was reached.
    pub(crate) points: Vec<(u32, Measured)>,
}

impl Evidence {
    /// For each carrier that decides by a number, signed ops first, then every kind of negative trial that has some. Ops
    /// through control pipelines are left out, as in every pooled figure.
    pub(crate) fn reached(&self) -> Vec<Reached> {
        self.reached_by(&decisions(self))
    }

    /// The same by one rule for whatever system: a number that is missing reaches no threshold.
    pub(crate) fn reached_alike(&self) -> Vec<Reached> {
        self.reached_by(&decisions_alike(self))
    }

    fn reached_by(&self, decisions: &[Deciding]) -> Vec<Reached> {
        let mut found = Vec::new();
        for decision in decisions {
            let candidates = &decision.by.candidates;
            for trial in Trial::ALL {
                let score = |op: usize| {
                    if trial == Trial::Signed {
                        // Where the image refused the carrier there is nothing to decide.
                        let decides = decision.decides(self, op);
                        decides.then(|| decision.own(self, op))
                    } else {
                        decision.wrong(self, op)
                    }
                };
                let ops = self.pooled_of(trial).filter(|op| score(*op).is_some());
                let clusters = self.clusters(ops, 1 + candidates.len(), |op, counts| {
                    let score = score(op);
                    counts[0] += 1;
                    for (count, threshold) in counts[1..].iter_mut().zip(candidates) {
                        let reaches =
                            score.is_some_and(|score| decision.by.reaches(score, *threshold));
                        *count += u32::from(reaches);
                    }
                });
                if clusters.sources() == 0 {
                    continue;
                }
                let measured = |place: usize| clusters.measured(1 + place, 0);
                let points = candidates.iter().enumerate();
                found.push(Reached {
                    carrier: decision.carrier,
                    name: decision.name.clone(),
                    unit: decision.by.unit.clone(),
                    trial,
                    sources: clusters.sources(),
                    in_use: decision.by.in_use,
                    points: points
                        .map(|(place, threshold)| (*threshold, measured(place)))
                        .collect(),
                });
            }
        }
        found
    }
}

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut rows = Vec::new();
    for reached in evidence.reached() {
        for (threshold, found) in &reached.points {
            let role = if *threshold == reached.in_use {
                "in use"
            } else {
                ""
            };
            rows.push(vec![
                Value::text(&reached.name),
                Value::text(reached.trial.as_str()),
                Value::text(&reached.unit),
                Value::Number(f64::from(*threshold)),
                Value::text(role),
                Value::Count(found.rate.n),
                Value::Count(reached.sources),
                Value::rate(*found),
            ]);
        }
    }
    if rows.is_empty() {
        rows.push(no_line(5));
    }
    Table {
        id: "roc".to_owned(),
        title: "What thresholds find and let through after simulated pipelines (ROC and DET)".to_owned(),
        columns: vec![
            Column::new("carrier", "carrier", Kind::Text),
            Column::new("trial", "trial", Kind::Text),
            Column::new("unit", "unit", Kind::Text),
            Column::new("threshold", "threshold", Kind::Number(Unit { name: "", decimals: 0 })),
            Column::new("role", "role", Kind::Text),
            Column::new("n", "n", Kind::Count),
            Column::new("sources", "sources", Kind::Count),
            Column::new("reached", "threshold reached", Kind::Rate),
        ],
        rows,
        notes: [
            "At one threshold the line of signed is what is found (ROC: upwards; 100 % less it is what is missed, DET: upwards), the line of a kind of negative trial what is let through (both: to the right).".to_owned(),
            "By the number alone, as if no other rule stood behind it: the content, the store and the rules for smooth and ambiguous pictures refuse most of what it lets through (tables/false-accepts). A copied or replayed mark reads as the wrong proof by intent, and a neighbouring view is one.".to_owned(),
            "Over ops on which the number decides: fingerprints of sufficient quality, images that took the watermark.".to_owned(),
            super::CONTROLS_APART.to_owned(),
        ]
        .into_iter()
        .chain(super::rate_notes())
        .chain(run_notes(evidence))
        .collect(),
    }
}
