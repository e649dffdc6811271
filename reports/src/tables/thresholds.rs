//! What other thresholds would do, on the half of the sources that thresholds may be chosen on and on the other.

use std::collections::HashSet;

use super::decisions::{Decision, calibrates, decisions, wrong};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::row::Trial;
use crate::stats::Rate;

/// One half of the sources, and what a threshold does on it.
struct Half {
    name: &'static str,
    /// Positions of signed ops on which the carrier decides by the number: own, wrong, and the op.
    signed: Vec<(Option<u32>, Option<u32>, usize)>,
    unsigned: Vec<(u32, usize)>,
}

impl Half {
    /// Signed ops that would be attributed to a wrong proof, and unsigned ones accepted.
    fn false_accepts(&self, decision: &Decision, threshold: u32) -> (u64, u64) {
        let reaches = |value: u32| decision.reaches(value, threshold);
        let signed = self.signed.iter().filter(|(own, wrong, _)| {
            // Where the right proof fits, too, neither is named.
            wrong.is_some_and(reaches) && !own.is_some_and(reaches)
        });
        let unsigned = self.unsigned.iter().filter(|(value, _)| reaches(*value));
        (signed.count() as u64, unsigned.count() as u64)
    }
}

fn halves(evidence: &Evidence, carrier: usize, decision: &Decision) -> [Half; 2] {
    let calibrates: Vec<bool> = evidence
        .source_names()
        .iter()
        .map(|name| calibrates(name))
        .collect();
    let half = |name, calibration: bool| {
        let here = |op: &usize| calibrates[evidence.subject(*op).source as usize] == calibration;
        let signed = evidence.all_ops(Trial::Signed).filter(here);
        let signed = signed.filter_map(|op| {
            let own = evidence.own(carrier, op);
            let decides = if decision.rising {
                evidence.was_examined(carrier, op) && evidence.subject(op).embedded(carrier) < 2
            } else {
                own.is_some()
            };
            decides.then(|| (own, wrong(evidence, carrier, decision, op), op))
        });
        let unsigned = evidence.all_ops(Trial::Unsigned).filter(here);
        Half {
            name,
            signed: signed.collect(),
            unsigned: unsigned
                .filter_map(|op| Some((wrong(evidence, carrier, decision, op)?, op)))
                .collect(),
        }
    };
    [half("calibration", true), half("held out", false)]
}

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut rows = Vec::new();
    for (carrier, decision) in decisions(evidence) {
        let halves = halves(evidence, carrier, decision);
        let is_empty = |half: &Half| half.signed.is_empty() && half.unsigned.is_empty();
        if halves.iter().all(is_empty) {
            continue;
        }
        let clean = |threshold: &&u32| halves[0].false_accepts(decision, **threshold) == (0, 0);
        // The most lenient one without a false accept, as are all stricter ones.
        let chosen = decision.candidates.iter().take_while(clean).last();
        for half in &halves {
            for threshold in decision.candidates {
                let role = match (*threshold == decision.in_use, Some(threshold) == chosen) {
                    (true, true) => "in use; calibration allows no more",
                    (true, false) => "in use",
                    (false, true) => "calibration allows no more",
                    (false, false) => "",
                };
                rows.push(threshold_line(evidence, decision, half, *threshold, role));
            }
            rows.push(rules_line(evidence, carrier, decision, half));
        }
    }
    if rows.is_empty() {
        let mut row = ["no carrier decided by a number", "", ""]
            .map(Value::text)
            .to_vec();
        row.extend(vec![Value::NotMeasured; 8]);
        rows.push(row);
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
            Column::new("accepted", "unsigned accepted", Kind::Bound),
        ],
        rows,
        notes: [
            "Whatever is chosen by looking at images may be chosen on the calibration half only; the held-out half then says what it does. Sources are halved by a hash of their name, the same in every run.".to_owned(),
            "Over ops on which the number decides: fingerprints of sufficient quality, images that took the watermark. A wrong proof within the threshold beside the right one makes the carrier name neither, which is no false accept but a loss. \"All rules\" is what the carrier did in this run, rules for smooth images, near-duplicates and confirmation included.".to_owned(),
            "Calibration allows no more: the most lenient of the candidates without any false accept on that half. Neither threshold in use was set by it: 31 bits are PDQ's own, and the watermark's gate follows from a bound that holds for any image; both must lie on the strict side of it.".to_owned(),
            "Rates: 95 %, exact, whole sources as the unit of chance. Bounds: one-sided 95 %, ops taken as independent.".to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

fn threshold_line(
    evidence: &Evidence,
    decision: &Decision,
    half: &Half,
    threshold: u32,
    role: &str,
) -> Vec<Value> {
    let reaches = |value: u32| decision.reaches(value, threshold);
    let found: HashSet<usize> = half
        .signed
        .iter()
        .filter(|(own, wrong, _)| own.is_some_and(reaches) && !wrong.is_some_and(reaches))
        .map(|(.., op)| *op)
        .collect();
    let (wrong, accepted) = half.false_accepts(decision, threshold);
    line(
        evidence,
        decision,
        half,
        [Value::Number(f64::from(threshold)), Value::text(role)],
        &|op| found.contains(&op),
        [wrong, accepted],
    )
}

/// What the carrier did with all its rules.
fn rules_line(evidence: &Evidence, carrier: usize, decision: &Decision, half: &Half) -> Vec<Value> {
    let accepted = |op: usize| evidence.verdict(op).accepted >> carrier & 1 == 1;
    // By whatever carrier: no rule of this one prevented it.
    let wrong = half.signed.iter();
    let wrong = wrong.filter(|(.., op)| evidence.is_misattributed(*op));
    let unsigned = half.unsigned.iter().filter(|(_, op)| accepted(*op));
    line(
        evidence,
        decision,
        half,
        [Value::NotApplicable, Value::text("all rules")],
        &accepted,
        [wrong.count() as u64, unsigned.count() as u64],
    )
}

fn line(
    evidence: &Evidence,
    decision: &Decision,
    half: &Half,
    [threshold, role]: [Value; 2],
    found: &dyn Fn(usize) -> bool,
    [wrong, accepted]: [u64; 2],
) -> Vec<Value> {
    let ops = half.signed.iter().map(|(.., op)| *op);
    let clusters = evidence.clusters(ops, 2, |op, counts| {
        counts[0] += 1;
        counts[1] += u32::from(found(op));
    });
    let sums = clusters.sums();
    let rate = |k| Rate { k, n: sums[0] };
    let unsigned = half.unsigned.len() as u64;
    vec![
        Value::text(decision.carrier),
        Value::text(half.name),
        Value::text(decision.unit),
        threshold,
        role,
        Value::Count(sums[0]),
        Value::Count(clusters.sources()),
        Value::pooled(rate(sums[1]), clusters.exact(1, 0, 0.05)),
        Value::bound(rate(wrong)),
        Value::Count(unsigned),
        Value::bound(Rate {
            k: accepted,
            n: unsigned,
        }),
    ]
}
