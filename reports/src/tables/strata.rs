//! Survival by kind of image: which class, size or format drives the losses.

use super::detail::{Entrant, SIZE_BANDS};
use super::{Column, Evidence, Kind, Table, Unit, Value, run_notes};

const PERCENT: Unit = Unit {
    name: "%",
    decimals: 1,
};

/// The dimension of the line over all images, which is there whether or not there are ops.
const ALL: &str = "all";

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
    let ops = evidence.pooled_ops();
    let losses = ops.clone().filter(|op| !evidence.survived(*op)).count();
    let all = (ops.count(), losses);
    let rows = strata(evidence)
        .into_iter()
        .filter_map(|stratum| line(evidence, &stratum, all));
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

/// Images of one kind.
struct Stratum<'a> {
    dimension: &'static str,
    name: &'a str,
    holds: Box<dyn Fn(&Entrant) -> bool>,
}

/// Every stratum by class, by format, by size, and all of them.
fn strata(evidence: &Evidence) -> Vec<Stratum<'_>> {
    let mut strata = Vec::new();
    let mut add = |dimension, name, holds: Box<dyn Fn(&Entrant) -> bool>| {
        strata.push(Stratum {
            dimension,
            name,
            holds,
        });
    };
    for (index, name) in by_name(&evidence.classes) {
        let holds = move |image: &Entrant| image.class as usize == index;
        add("class", name, Box::new(holds));
    }
    for (index, name) in by_name(&evidence.formats) {
        let holds = move |image: &Entrant| image.format as usize == index;
        add("format", name, Box::new(holds));
    }
    for (index, (_, name)) in SIZE_BANDS.iter().enumerate() {
        let holds = move |image: &Entrant| usize::from(image.size) == index;
        add("size", name, Box::new(holds));
    }
    add(ALL, "all images", Box::new(|_| true));
    strata
}

/// Words with their index, by name, since the order of first appearance says nothing.
fn by_name(words: &[String]) -> Vec<(usize, &str)> {
    let mut names: Vec<(usize, &str)> = words.iter().map(String::as_str).enumerate().collect();
    names.sort_by_key(|(_, name)| *name);
    names
}

/// One line; `all` are the ops and losses of all strata together. `None` of a stratum without ops.
fn line(evidence: &Evidence, stratum: &Stratum<'_>, all: (usize, usize)) -> Option<Vec<Value>> {
    let ops = evidence.pooled_ops();
    let ops = ops.filter(|op| (stratum.holds)(&evidence.entrant(*op)));
    let clusters = evidence.survival_clusters(ops);
    if clusters.sources() == 0 && stratum.dimension != ALL {
        return None;
    }
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
    Some(row)
}
