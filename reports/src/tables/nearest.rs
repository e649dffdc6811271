//! All pairs: how near wrong proofs come to the thresholds.

use std::fmt::Write as _;

use credlink_trial_record::Trial;

use super::decisions::{Deciding, decisions};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut rows = Vec::new();
    let decisions = decisions(evidence);
    for decision in &decisions {
        let mut line = |trial: Trial, images: &str, ops: &mut dyn Iterator<Item = usize>| {
            rows.extend(nearest_line(evidence, decision, trial, images, ops));
        };
        for trial in Trial::ALL {
            line(trial, "all", &mut evidence.simulated_ops(trial));
            if trial == Trial::Signed {
                let mut classes: Vec<(usize, &String)> =
                    evidence.classes.iter().enumerate().collect();
                classes.sort_by_key(|(_, name)| *name);
                for (index, class) in classes {
                    let of = |op: &usize| evidence.entrant(*op).class as usize == index;
                    line(trial, class, &mut evidence.simulated_ops(trial).filter(of));
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
            compared(evidence, &decisions),
            "Trials in which nothing of ours went in have only wrong proofs. In watermark-copy and replay trials the word of the copied mark is itself the wrong proof, and in near-duplicate trials the neighbouring view is: there the content has to refuse.".to_owned(),
            "Near in a quantile means the near end: 1 % of the trials came as near as that or nearer. Quantiles need ten trials beyond.".to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

/// What was compared with what.
fn compared(evidence: &Evidence, decisions: &[Deciding]) -> String {
    let proofs = evidence.header().distractors + evidence.distinct_images().len() as u64;
    let mut note = format!(
        "Every received image against every proof in the store ({}).",
        crate::figures::plural(proofs, "proof")
    );
    for Deciding { name, by, .. } in decisions {
        let mut letters = name.chars();
        let first = letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().to_string());
        let _ = write!(note, " {first}{}: {}.", letters.as_str(), by.about);
    }
    note
}

fn nearest_line(
    evidence: &Evidence,
    decision: &Deciding,
    trial: Trial,
    images: &str,
    ops: &mut dyn Iterator<Item = usize>,
) -> Option<Vec<Value>> {
    let measured: Vec<(usize, u32)> = ops
        .filter_map(|op| Some((op, decision.told_wrong(evidence, op)?)))
        .collect();
    // The near end first: it is the low one of distances and the high one of strengths.
    let mut values: Vec<u32> = measured.iter().map(|(_, value)| *value).collect();
    values.sort_unstable();
    if decision.by.rising {
        values.reverse();
    }
    let reached = evidence.clusters(measured.iter().map(|(op, _)| *op), 2, |op, counts| {
        let value = decision.told_wrong(evidence, op);
        let reaches = value.is_some_and(|value| decision.by.reaches(value, decision.by.in_use));
        counts[0] += 1;
        counts[1] += u32::from(reaches);
    });
    let n = values.len() as u64;
    if n == 0 {
        return None;
    }
    let near = |permille: u64| {
        if permille > 0 && permille < 500 && n * permille < 10_000 {
            return Value::TooFew;
        }
        let rank = (n * permille).div_ceil(1000).max(1);
        let value = values.get(rank as usize - 1);
        Value::number(value.map(|value| f64::from(*value)))
    };
    Some(vec![
        Value::text(&decision.name),
        Value::text(trial.as_str()),
        Value::text(images),
        Value::text(&decision.by.unit),
        Value::Count(n),
        Value::Count(reached.sources()),
        near(0),
        near(1),
        near(10),
        near(50),
        near(500),
        Value::bound(reached.bounded(1, 0)),
    ])
}
