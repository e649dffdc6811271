//! Operating points: what a carrier finds at a threshold that lets so many unsigned images through, chosen on one half of the
//! sources and reported on the other.

use credlink_trial_record::Trial;

use super::decisions::{Deciding, calibrates, decisions_alike, no_line};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::{Bounded, Measured};

/// The rates of false accepts that thresholds are chosen for.
const TARGETS: [f64; 2] = [0.01, 0.001];

/// A threshold and what it does on sources that it was not chosen on.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatingPoint {
    /// The carrier.
    pub carrier: String,
    /// The unit of the threshold.
    pub unit: String,
    /// The rate of false accepts that was wanted; `None` for the system's own threshold.
    pub target: Option<f64>,
    /// The threshold; `None` where even the strictest lets too much through.
    pub threshold: Option<u32>,
    /// Unsigned ops that it was chosen on.
    pub chosen_on: u64,
    /// Unsigned ops that were accepted, on the other half.
    pub accepted: Bounded,
    /// Signed ops in which the issued proof was found, on the other half.
    pub found: Measured,
    /// Signed ops in which another proof was nearer, on the other half.
    pub wrong: Bounded,
}

impl Evidence {
    /// Every carrier that decides by a number: its own threshold, then one for each wanted rate of false accepts. Ops of
    /// control pipelines are left out.
    pub fn operating_points(&self) -> Vec<OperatingPoint> {
        let calibrating: Vec<bool> = self
            .source_names()
            .iter()
            .map(|name| calibrates(name))
            .collect();
        let is_chosen_on = |op: &usize| calibrating[self.source(*op) as usize];
        let mut points = Vec::new();
        for decision in decisions_alike(self) {
            let unsigned = || {
                self.pooled_of(Trial::Unsigned)
                    .filter(|op| decision.wrong(self, *op).is_some())
            };
            let mut scores: Vec<u32> = unsigned()
                .filter(is_chosen_on)
                .filter_map(|op| decision.wrong(self, op))
                .collect();
            // The nearest first.
            scores.sort_unstable();
            if decision.by.rising {
                scores.reverse();
            }
            let own = (!decision.by.is_undeclared).then_some((None, Some(decision.by.in_use)));
            let wanted =
                TARGETS.map(|target| (Some(target), threshold(&scores, target, &decision)));
            for (target, threshold) in own.into_iter().chain(wanted) {
                points.push(self.operating_point(
                    &decision,
                    target,
                    threshold,
                    scores.len() as u64,
                    &|op| !is_chosen_on(op),
                ));
            }
        }
        // Without a single op there is nothing to say.
        points.retain(|point| point.found.rate.n + point.accepted.rate.n > 0);
        points
    }

    fn operating_point(
        &self,
        decision: &Deciding,
        target: Option<f64>,
        threshold: Option<u32>,
        chosen_on: u64,
        is_of: &dyn Fn(&usize) -> bool,
    ) -> OperatingPoint {
        let reaches =
            |value: u32| threshold.is_some_and(|threshold| decision.by.reaches(value, threshold));
        let unsigned = self.pooled_of(Trial::Unsigned).filter(is_of);
        let unsigned = self.clusters(unsigned, 2, |op, counts| {
            if let Some(value) = decision.wrong(self, op) {
                counts[0] += 1;
                counts[1] += u32::from(reaches(value));
            }
        });
        let signed = self.pooled_ops().filter(is_of);
        let signed = self.clusters(signed, 3, |op, counts| {
            counts[0] += 1;
            // What could not be looked at was not found.
            if !decision.decides(self, op) {
                return;
            }
            let (own, wrong) = (decision.own(self, op), decision.wrong(self, op));
            // Of two that are equally near nobody knows which is meant.
            let nearer = wrong.is_some_and(|wrong| decision.by.reaches(wrong, own));
            counts[1] += u32::from(reaches(own) && !nearer);
            counts[2] += u32::from(wrong.is_some_and(reaches) && nearer);
        });
        OperatingPoint {
            carrier: decision.name.clone(),
            unit: decision.by.unit.clone(),
            target,
            threshold,
            chosen_on,
            accepted: unsigned.bounded(1, 0),
            found: signed.measured(1, 0),
            wrong: signed.bounded(2, 0),
        }
    }
}

/// The most lenient threshold that lets at most this share of the scores through, which come with the nearest first.
fn threshold(scores: &[u32], share: f64, decision: &Deciding) -> Option<u32> {
    let allowed = (share * scores.len() as f64).floor() as usize;
    // The first one that must stay out.
    let shut_out = scores.get(allowed)?;
    if decision.by.rising {
        shut_out.checked_add(1)
    } else {
        shut_out.checked_sub(1)
    }
}

pub(super) fn table(evidence: &Evidence) -> Table {
    let points = evidence.operating_points();
    let mut rows: Vec<Vec<Value>> = points.iter().map(line).collect();
    if rows.is_empty() {
        rows.push(no_line(5));
    }
    Table {
        id: "operating-points".to_owned(),
        title: "What is found at chosen rates of false accepts, after simulated pipelines".to_owned(),
        columns: vec![
            Column::new("carrier", "carrier", Kind::Text),
            Column::new("target", "false accepts wanted", Kind::Text),
            Column::new("unit", "unit", Kind::Text),
            Column::new("threshold", "threshold", Kind::Number(Unit { name: "", decimals: 0 })),
            Column::new("chosen_on", "chosen on n", Kind::Count),
            Column::new("accepted", "unsigned accepted", Kind::Bound),
            Column::new("found", "found", Kind::Rate),
            Column::new("wrong", "attributed to a wrong proof", Kind::Bound),
        ],
        rows,
        notes: [
            "Thresholds are chosen on the unsigned images of one half of the sources; everything else is of the other half. Where n is too small for the rate that was wanted, the threshold is the first that lets none of them through, and the bound says how little that proves.".to_owned(),
            "By the number alone, over all signed ops: images that refused the carrier, or have no number, count as not found, and of two proofs the nearer is named. Rules beside the number, such as a comparison of the content, are left out here and stand in tables/thresholds.".to_owned(),
            super::CONTROLS_APART.to_owned(),
            super::INTERVALS.to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

fn line(point: &OperatingPoint) -> Vec<Value> {
    let target = point.target.map_or_else(
        || "the system's own threshold".to_owned(),
        |target| format!("at most {} %", target * 100.0),
    );
    let threshold = point.threshold;
    vec![
        Value::text(&point.carrier),
        Value::text(target),
        Value::text(&point.unit),
        threshold.map_or(Value::NotApplicable, |threshold| {
            Value::Number(f64::from(threshold))
        }),
        Value::Count(point.chosen_on),
        Value::bound(point.accepted),
        Value::rate(point.found),
        Value::bound(point.wrong),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use credlink_trial_record::Decision;

    #[test]
    fn a_threshold_lets_through_what_was_wanted_and_no_more() {
        for rising in [true, false] {
            let decision = Deciding::for_tests(Decision {
                rising,
                ..Decision::default()
            });
            for n in [1_usize, 99, 100, 250, 1000] {
                let mut scores: Vec<u32> = (0..n).map(|k| 100 + (k as u32 * 7919) % 500).collect();
                scores.sort_unstable();
                if rising {
                    scores.reverse();
                }
                for share in [0.0, 0.001, 0.01, 0.1] {
                    let found = threshold(&scores, share, &decision).unwrap();
                    let through = scores
                        .iter()
                        .filter(|score| decision.by.reaches(**score, found))
                        .count();
                    assert!(through as f64 <= share * n as f64, "{rising} {n} {share}");
                    // The next one would let more through.
                    let looser = if rising { found - 1 } else { found + 1 };
                    let more = scores
                        .iter()
                        .filter(|score| decision.by.reaches(**score, looser))
                        .count();
                    assert!(more as f64 > share * n as f64);
                }
            }
            assert_eq!(threshold(&[], 0.01, &decision), None);
        }
    }
}
