//! All pairs: how near wrong proofs come to the thresholds.

use credlink_trial_record::Trial;

use super::decisions::{Decision, FINGERPRINT_BITS, decisions, wrong};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};
use crate::stats::Rate;

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut rows = Vec::new();
    for (carrier, decision) in decisions(evidence) {
        let mut line = |trial: Trial, images: &str, ops: &mut dyn Iterator<Item = usize>| {
            rows.extend(nearest_line(
                evidence, carrier, decision, trial, images, ops,
            ));
        };
        for trial in Trial::ALL {
            line(trial, "all", &mut evidence.all_ops(trial));
            if trial == Trial::Signed {
                let mut classes: Vec<(usize, &String)> =
                    evidence.classes.iter().enumerate().collect();
                classes.sort_by_key(|(_, name)| *name);
                for (index, class) in classes {
                    let of = |op: &usize| evidence.entrant(*op).class as usize == index;
                    line(trial, class, &mut evidence.all_ops(trial).filter(of));
                }
            }
        }
    }
    if rows.is_empty() {
        let mut row = ["no carrier decided by a number", "", "", ""]
            .map(Value::text)
            .to_vec();
        row.extend(vec![Value::NotMeasured; 8]);
        rows.push(row);
    }
    let number = Unit {
        name: "",
        decimals: 0,
    };
    let mut columns = vec![
        Column::new("carrier", "carrier", Kind::Text),
        Column::new("trial", "trial", Kind::Text),
        Column::new("class", "images", Kind::Text),
        Column::new("unit", "unit", Kind::Text),
        Column::new("n", "n", Kind::Count),
        Column::new("sources", "sources", Kind::Count),
    ];
    columns.extend(
        [
            ("nearest", "nearest"),
            ("q001", "nearest 0.1 %"),
            ("q01", "nearest 1 %"),
            ("q05", "nearest 5 %"),
            ("q50", "median"),
        ]
        .map(|(key, title)| Column::new(key, title, Kind::Number(number))),
    );
    columns.push(Column::new(
        "reached",
        "beyond the threshold in use",
        Kind::Bound,
    ));
    Table {
        id: "nearest".to_owned(),
        title: "How near the nearest wrong proof comes after simulated pipelines".to_owned(),
        columns,
        rows,
        notes: [
            format!(
                "Every received image against every proof in the store ({}). Fingerprint: smallest distance in bits to an image of another source, in eight orientations, between contents of quality 50 and more; {FINGERPRINT_BITS} and less would count. Watermark: strength of a word that is another id, in thousandths of what it must reach; 0 where there is none.",
                crate::figures::plural(
                    evidence.header().distractors + evidence.distinct_images().len() as u64,
                    "proof"
                )
            ),
            "Trials in which nothing of ours went in have only wrong proofs. In watermark-copy and replay trials the word of the copied mark is itself the wrong proof, and in near-duplicate trials the neighbouring view is: there the content has to refuse.".to_owned(),
            "Near in a quantile means the near end: 1 % of the trials came as near as that or nearer. Quantiles need ten trials beyond.".to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

fn nearest_line(
    evidence: &Evidence,
    carrier: usize,
    decision: &Decision,
    trial: Trial,
    images: &str,
    ops: &mut dyn Iterator<Item = usize>,
) -> Option<Vec<Value>> {
    // Ops by value: values are small, and ops may be many.
    let mut counts: Vec<u64> = Vec::new();
    let mut seen = vec![false; evidence.sources()];
    for op in ops {
        let Some(value) = wrong(evidence, carrier, decision, op) else {
            continue;
        };
        let value = value as usize;
        if counts.len() <= value {
            counts.resize(value + 1, 0);
        }
        counts[value] += 1;
        seen[evidence.entrant(op).source as usize] = true;
    }
    let n: u64 = counts.iter().sum();
    if n == 0 {
        return None;
    }
    // The near end is the low one of distances and the high one of strengths.
    let near = |permille: u64| {
        if permille > 0 && permille < 500 && n * permille < 10_000 {
            return Value::TooFew;
        }
        let rank = (u128::from(n) * u128::from(permille)).div_ceil(1000).max(1);
        let mut passed = 0;
        let mut at = |value: usize| {
            passed += u128::from(counts[value]);
            passed >= rank
        };
        let found = if decision.rising {
            (0..counts.len()).rev().find(|value| at(*value))
        } else {
            (0..counts.len()).find(|value| at(*value))
        };
        Value::number(found.map(|value| value as f64))
    };
    let reached = (0..)
        .zip(&counts)
        .filter(|(value, _)| decision.reaches(*value, decision.in_use))
        .map(|(_, count)| count)
        .sum();
    Some(vec![
        Value::text(decision.carrier),
        Value::text(trial.as_str()),
        Value::text(images),
        Value::text(decision.unit),
        Value::Count(n),
        Value::Count(seen.iter().filter(|seen| **seen).count() as u64),
        near(0),
        near(1),
        near(10),
        near(50),
        near(500),
        Value::bound(Rate { k: reached, n }),
    ])
}
