//! Survival by kind of image: which class, size or format drives the losses.

use super::detail::{Entrant, SIZE_BANDS};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};

const PERCENT: Unit = Unit {
    name: "%",
    decimals: 1,
};

pub(super) fn table(evidence: &Evidence) -> Table {
    let header = evidence.header();
    let mut columns = vec![
        Column::new("dimension", "by", Kind::Text),
        Column::new("stratum", "images", Kind::Text),
        Column::new("n", "n", Kind::Count),
        Column::new("sources", "sources", Kind::Count),
        Column::new("share", "share of the ops", Kind::Number(PERCENT)),
        Column::new("losses", "share of the losses", Kind::Number(PERCENT)),
        Column::new("any", "by any carrier", Kind::Rate),
    ];
    columns.extend(
        header.carriers.iter().map(|carrier| {
            Column::new(format!("by_{carrier}"), format!("by {carrier}"), Kind::Rate)
        }),
    );
    let ops: Vec<usize> = evidence.pooled_ops().collect();
    let losses = ops.iter().filter(|op| !evidence.survived(**op)).count();
    let rows = strata(evidence, &ops)
        .into_iter()
        .map(|stratum| line(evidence, &stratum, (ops.len(), losses)));
    Table {
        id: "strata".to_owned(),
        title: "Survival by kind of image over all simulated pipelines".to_owned(),
        columns,
        rows: rows.collect(),
        notes: [
            "A stratum whose share of the losses is larger than its share of the ops drives the losses. Strata pool pipelines, which take different formats: a format may fare worse because harder pipelines take it."
                .to_owned(),
            super::INTERVALS.to_owned(),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

/// Ops of images of one kind.
struct Stratum<'a> {
    dimension: &'static str,
    name: &'a str,
    ops: Vec<usize>,
}

/// Every stratum that has ops, by class, by format, by size, and all of them.
fn strata<'a>(evidence: &'a Evidence, ops: &[usize]) -> Vec<Stratum<'a>> {
    let mut strata = Vec::new();
    let mut add = |dimension, name, belongs: &dyn Fn(&Entrant) -> bool| {
        let members = ops.iter().copied();
        let ops: Vec<usize> = members
            .filter(|op| belongs(evidence.entrant(*op)))
            .collect();
        if !ops.is_empty() {
            strata.push(Stratum {
                dimension,
                name,
                ops,
            });
        }
    };
    for (index, name) in by_name(&evidence.classes) {
        add("class", name, &|image| image.class as usize == index);
    }
    for (index, name) in by_name(&evidence.formats) {
        add("format", name, &|image| image.format as usize == index);
    }
    for (index, (_, name)) in SIZE_BANDS.iter().enumerate() {
        add("size", name, &|image| usize::from(image.size) == index);
    }
    strata.push(Stratum {
        dimension: "all",
        name: "all images",
        ops: ops.to_vec(),
    });
    strata
}

/// Words with their index, by name, since the order of first appearance says nothing.
fn by_name(words: &[String]) -> Vec<(usize, &str)> {
    let mut names: Vec<(usize, &str)> = words.iter().map(String::as_str).enumerate().collect();
    names.sort_by_key(|(_, name)| *name);
    names
}

/// One line; `all` are the ops and losses of all strata together.
fn line(evidence: &Evidence, stratum: &Stratum<'_>, all: (usize, usize)) -> Vec<Value> {
    let clusters = evidence.survival_clusters(stratum.ops.iter().copied());
    let sums = clusters.sums();
    let lost = (sums[0] - sums[1]) as f64;
    let share =
        |part: f64, whole: usize| Value::number((sums[0] > 0).then(|| part / whole as f64 * 100.0));
    let mut row = vec![
        Value::text(stratum.dimension),
        Value::text(stratum.name),
        Value::Count(sums[0]),
        Value::Count(clusters.sources()),
        share(sums[0] as f64, all.0),
        match all.1 {
            0 if sums[0] > 0 => Value::NotApplicable,
            losses => share(lost, losses),
        },
    ];
    let measures = 1..evidence.header().carriers.len() + 2;
    row.extend(measures.map(|column| Value::rate(clusters.measured(column, 0))));
    row
}
