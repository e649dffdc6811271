//! What other thresholds would do, on the half of the sources that thresholds may be chosen on and on the other.

use credlink_trial_record::Trial;

use super::decisions::{Deciding, calibrates, decisions, no_line};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::Clusters;

/// What every threshold does on one half of the sources.
struct Half {
    name: &'static str,
    /// Per source: signed ops on which the carrier decides by the number; then for each candidate, and last for all
    /// rules together, how many were found; then likewise how many went to a wrong proof.
    signed: Clusters,
    /// Per source: unsigned ops; then for each candidate, and last for all rules, how many were accepted.
    unsigned: Clusters,
}

impl Half {
    fn count(
        evidence: &Evidence,
        decision: &Deciding,
        name: &'static str,
        is_of: &dyn Fn(usize) -> bool,
    ) -> Self {
        let carrier = decision.carrier;
        let candidates = &decision.by.candidates;
        let rules = candidates.len();
        let by_rules = |op: usize| evidence.result(op).accepted >> carrier & 1 == 1;
        let decides = |op: &usize| decision.decides(evidence, *op);
        let signed = evidence
            .simulated_ops(Trial::Signed)
            .filter(|op| is_of(*op));
        let signed = evidence.clusters(signed.filter(decides), 2 * rules + 3, |op, counts| {
            let own = Some(decision.own(evidence, op));
            let other = decision.wrong(evidence, op);
            counts[0] += 1;
            for (place, threshold) in candidates.iter().enumerate() {
                let fits = |value: u32| decision.by.reaches(value, *threshold);
                // Where both fit, neither is named.
                match (own.is_some_and(fits), other.is_some_and(fits)) {
                    (true, false) => counts[1 + place] += 1,
                    (false, true) => counts[2 + rules + place] += 1,
                    _ => {}
                }
            }
            counts[1 + rules] += u32::from(by_rules(op));
            // By whatever carrier: no rule of this one prevented it.
            counts[2 + 2 * rules] += u32::from(evidence.is_misattributed(op));
        });
        let unsigned = evidence
            .simulated_ops(Trial::Unsigned)
            .filter(|op| is_of(*op) && decision.wrong(evidence, *op).is_some());
        let unsigned = evidence.clusters(unsigned, rules + 2, |op, counts| {
            counts[0] += 1;
            let value = decision.wrong(evidence, op);
            for (place, threshold) in candidates.iter().enumerate() {
                let fits = value.is_some_and(|value| decision.by.reaches(value, *threshold));
                counts[1 + place] += u32::from(fits);
            }
            counts[1 + rules] += u32::from(by_rules(op));
        });
        Self {
            name,
            signed,
            unsigned,
        }
    }

    fn is_empty(&self) -> bool {
        self.signed.sources() == 0 && self.unsigned.sources() == 0
    }

    /// Whether a candidate, by its place, has no false accept.
    fn is_clean(&self, place: usize, candidates: usize) -> bool {
        self.signed.sums()[2 + candidates + place] == 0 && self.unsigned.sums()[1 + place] == 0
    }

    /// The line of a candidate, by its place, or of all rules.
    fn line(&self, decision: &Deciding, place: usize, role: &str) -> Vec<Value> {
        let sums = self.signed.sums();
        let threshold = decision.by.candidates.get(place);
        vec![
            Value::text(&decision.name),
            Value::text(self.name),
            Value::text(&decision.by.unit),
            threshold.map_or(Value::NotApplicable, |threshold| {
                Value::Number(f64::from(*threshold))
            }),
            Value::text(role),
            Value::Count(sums[0]),
            Value::Count(self.signed.sources()),
            Value::rate(self.signed.measured(1 + place, 0)),
            Value::bound(
                self.signed
                    .bounded(2 + decision.by.candidates.len() + place, 0),
            ),
            Value::Count(self.unsigned.sums()[0]),
            Value::Count(self.unsigned.sources()),
            Value::bound(self.unsigned.bounded(1 + place, 0)),
        ]
    }
}

fn halves(evidence: &Evidence, decision: &Deciding) -> [Half; 2] {
    let names = evidence.source_names().iter();
    let calibrates: Vec<bool> = names.map(|name| calibrates(name)).collect();
    [("calibration", true), ("held out", false)].map(|(name, wanted)| {
        let is_of = |op: usize| calibrates[evidence.source(op) as usize] == wanted;
        Half::count(evidence, decision, name, &is_of)
    })
}

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut rows = Vec::new();
    let decisions = decisions(evidence);
    for decision in &decisions {
        let halves = halves(evidence, decision);
        if halves.iter().all(Half::is_empty) {
            continue;
        }
        let candidates = decision.by.candidates.len();
        // The most lenient one without a false accept, as are all stricter ones.
        let clean = |place: &usize| halves[0].is_clean(*place, candidates);
        let chosen = (0..candidates).take_while(clean).last();
        for half in &halves {
            for (place, threshold) in decision.by.candidates.iter().enumerate() {
                let role = match (*threshold == decision.by.in_use, Some(place) == chosen) {
                    (true, true) => "in use; calibration allows no more",
                    (true, false) => "in use",
                    (false, true) => "calibration allows no more",
                    (false, false) => "",
                };
                rows.push(half.line(decision, place, role));
            }
            rows.push(half.line(decision, candidates, "all rules"));
        }
    }
    if rows.is_empty() {
        rows.push(no_line(9));
    }
    Table {
        id: "thresholds".to_owned(),
        title: "What other thresholds would do after simulated pipelines, on two halves of the sources".to_owned(),
        columns: vec![
            Column::new("carrier", "carrier", Kind::Text),
            Column::new("half", "half of the sources", Kind::Text),
            Column::new("unit", "unit", Kind::Text),
            Column::new("threshold", "threshold", Kind::Number(Unit { name: "", decimals: 0 })),
            Column::new("role", "role", Kind::Text),
            Column::new("n", "signed n", Kind::Count),
            Column::new("sources", "sources", Kind::Count),
            Column::new("found", "found", Kind::Rate),
            Column::new("wrong", "attributed to a wrong proof", Kind::Bound),
            Column::new("unsigned", "unsigned n", Kind::Count),
            Column::new("unsigned_sources", "unsigned sources", Kind::Count),
            Column::new("accepted", "unsigned accepted", Kind::Bound),
        ],
        rows,
        notes: [
            "Whatever is chosen by looking at images may be chosen on the calibration half only; the held-out half then says what it does. Sources are halved by a hash of their name, the same in every run.".to_owned(),
            "Over ops on which the number decides: fingerprints of sufficient quality, images that took the watermark. A wrong proof within the threshold beside the right one makes the carrier name neither, which is no false accept but a loss. \"All rules\" is what the carrier did in this run, rules for smooth images, near-duplicates and confirmation included.".to_owned(),
            "Calibration allows no more: the most lenient of the candidates without any false accept on that half. Neither threshold in use was set by it: 31 bits are PDQ's own, and the watermark's gate follows from a bound on an image that is independent of the key, which a marked image is not. Where calibration allows only a stricter one than is in use, the other rules, the store and the content have refused what the number let through; the column shows how much that was.".to_owned(),
            super::INTERVALS.to_owned(),
            "Bounds are one-sided 95 % and rest on sources as well.".to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}
