//! The answer at the top of the page: a few figures, each with its n, its interval and the rows behind it.

use std::borrow::Cow;

use serde::Serialize;

use super::row_files;
use crate::figures::{bounded, bytes, count, duration, measured, plural};
use crate::formats::cell_text;
use crate::report::Report;
use crate::tables::{LevelVerdict, PipelineTally, Value};

#[derive(Serialize)]
pub(super) struct Card {
    title: Cow<'static, str>,
    /// The figure.
    figure: String,
    /// What stands below it.
    detail: String,
    /// `good`, `bad` or `plain`.
    tone: &'static str,
    /// Where the rows behind it are.
    link: String,
}

/// What everybody reads first: the answer, and what signing costs.
pub(super) fn first(report: &Report) -> Vec<Card> {
    let mut cards: Vec<Card> = answer(report).into();
    cards.extend(signing(report));
    cards
}

/// What stands behind the answer, in the order in which it is read.
pub(super) fn cards(report: &Report, tallies: &[PipelineTally]) -> Vec<Card> {
    let mut cards: Vec<Card> = average(report).into_iter().collect();
    cards.extend(extremes(report, tallies));
    cards.push(false_accepts(report));
    cards.extend(gate(report));
    cards.push(controls(report));
    cards.push(services(report));
    cards
}

/// What everybody sees, what our store adds, and what other readers say of it.
fn answer(report: &Report) -> [Card; 3] {
    let answer = &report.answer;
    let card = |title: Cow<'static, str>, figure, detail| Card {
        title,
        figure,
        detail,
        tone: "plain",
        link: "tables/answer.csv".to_owned(),
    };
    let of = format!(
        "of {} from {}",
        plural(answer.n, "op"),
        plural(answer.sources, "source file")
    );
    let unchanged = match answer.unchanged {
        0 => String::new(),
        some => format!(
            "; {} came back unchanged, of the others {}",
            plural(some, "file"),
            measured(answer.in_changed_file)
        ),
    };
    let finders = answer.finders();
    let first = if finders.is_empty() {
        String::new()
    } else {
        format!("; first by {finders}")
    };
    [
        card(
            "Still in the file".into(),
            measured(answer.in_file),
            format!(
                "{} {of}: the embedded credential is valid{unchanged}",
                count(answer.in_file.rate.k)
            ),
        ),
        card(
            format!("Found again through {}", answer.store).into(),
            measured(answer.through_store),
            format!(
                "{} {of}: gone from the file, but the store knows the picture{first}",
                count(answer.through_store.rate.k)
            ),
        ),
        card(
            "What other readers see".into(),
            format!("nothing {}", measured(answer.seen_absent)),
            format!(
                "invalid (\u{201c}tampered\u{201d}) {}, valid {}",
                measured(answer.seen_invalid),
                measured(answer.seen_valid)
            ),
        ),
    ]
}

/// What signing does to a file: the medians of its table.
fn signing(report: &Report) -> Option<Card> {
    let table = report.table("signing")?;
    let place = |key| table.columns.iter().position(|column| column.key == key);
    let (figure, unit, median) = (place("figure")?, place("unit")?, place("p50")?);
    let n = place("n")?;
    let of = |name: &str, in_unit: &str| {
        let is = |value: &Value, words: &str| *value == Value::text(words);
        let mut rows = table.rows.iter();
        let row = rows.find(|row| is(&row[figure], name) && is(&row[unit], in_unit))?;
        match (&row[median], &row[n]) {
            (Value::Number(median), Value::Count(n)) => Some((*median, *n)),
            _ => None,
        }
    };
    let psnr = of("pixels of marked images, PSNR", "dB");
    let growth = of("growth of the file", "bytes");
    let time = of("time", "ms");
    let none = || "not measured".to_owned();
    // A file that became smaller is said to have done so.
    let grown = growth.map_or_else(none, |(median, _)| {
        let sign = if median < 0.0 { "\u{2212}" } else { "+" };
        format!("{sign}{}", bytes(median.abs() as u64))
    });
    let quality = psnr.map_or_else(
        || "pixels unchanged".to_owned(),
        |(db, _)| format!("{db:.1} dB"),
    );
    let time = time.map_or_else(none, |(ms, _)| duration((ms * 1e6) as u64));
    let (_, images) = growth?;
    Some(Card {
        title: "What signing costs".into(),
        figure: format!("{quality}, {grown}, {time}"),
        detail: format!(
            "PSNR of the marked picture, growth of the file, time: medians of {}",
            plural(images, "image")
        ),
        tone: "plain",
        link: "tables/signing.csv".to_owned(),
    })
}

/// The same by pipelines: their average, each weighing the same.
fn average(report: &Report) -> Option<Card> {
    let table = report.table("overall")?;
    let any = table.columns.iter().position(|known| known.key == "any")?;
    let row = table.rows.get(AVERAGE)?;
    Some(Card {
        title: "Average over pipelines, either way".into(),
        figure: cell_text(&table.columns[any].kind, row.get(any)?),
        detail: format!(
            "every pipeline weighs the same; every op: {}",
            measured(report.overall.any)
        ),
        tone: "plain",
        link: "tables/overall.csv".to_owned(),
    })
}

/// The line of the average in the table of overall figures.
const AVERAGE: usize = 1;

/// The best simulated pipeline and the worst one, the harness's own left out.
fn extremes(report: &Report, tallies: &[PipelineTally]) -> Vec<Card> {
    let mut ranked: Vec<&PipelineTally> = tallies
        .iter()
        .filter(|pipeline| pipeline.tally.n > 0 && pipeline.is_pooled)
        .collect();
    ranked.sort_by(|a, b| {
        let merit = |p: &PipelineTally| p.tally.any.rate.value().unwrap_or_default();
        merit(b).total_cmp(&merit(a)).then_with(|| a.id.cmp(&b.id))
    });
    let names = row_files::names(report.evidence.header());
    let link = |pipeline: &PipelineTally| {
        let place = tallies.iter().position(|known| known.id == pipeline.id);
        let name = place.and_then(|place| names.get(place));
        name.map_or_else(String::new, |name| format!("{}/{name}", row_files::FOLDER))
    };
    let extreme = |title, pipeline: Option<&&PipelineTally>| {
        pipeline.map(|pipeline| {
            let any = pipeline.tally.any;
            let same = ranked
                .iter()
                .filter(|other| other.tally.any.rate.value() == any.rate.value())
                .count();
            let others = match same {
                0 | 1 => String::new(),
                more => format!(", and {} with the same rate", more - 1),
            };
            Card {
                title,
                figure: measured(any),
                detail: format!("{}, {}{others}", pipeline.id, plural(any.rate.n, "op")),
                tone: "plain",
                link: link(pipeline),
            }
        })
    };
    let best = extreme("Best pipeline, either way".into(), ranked.first());
    let worst = extreme("Worst pipeline, either way".into(), ranked.last());
    best.into_iter().chain(worst).collect()
}

fn false_accepts(report: &Report) -> Card {
    let accepts = &report.negatives.all;
    Card {
        title: "False accepts".into(),
        figure: bounded(accepts.accepted),
        detail: format!(
            "{} of {} from {}",
            count(accepts.accepted.rate.k),
            plural(accepts.accepted.rate.n, "negative trial"),
            plural(accepts.sources, "source file")
        ),
        tone: if accepts.accepted.rate.k > 0 {
            "bad"
        } else {
            "good"
        },
        link: "tables/false-accepts.csv".to_owned(),
    }
}

fn gate(report: &Report) -> Option<Card> {
    let gate = report.gate.as_ref()?;
    let failed = gate.checks.iter().filter(|check| !check.passed).count();
    let passed = gate.passed();
    Some(Card {
        title: "Gate".into(),
        figure: if passed { "passed" } else { "FAILED" }.to_owned(),
        detail: format!("{failed} of {} demands not met", gate.checks.len()),
        tone: if passed { "good" } else { "bad" },
        link: crate::report::GATE.to_owned(),
    })
}

fn controls(report: &Report) -> Card {
    let header = report.evidence.header();
    let failed = header.controls.iter().filter(|c| !c.passed).count();
    let controls = header.controls.len();
    Card {
        title: "Controls".into(),
        figure: match (controls, failed) {
            (0, _) => "not measured".to_owned(),
            (_, 0) => "passed".to_owned(),
            _ => "FAILED".to_owned(),
        },
        detail: if failed > 0 {
            format!("{failed} of {controls} failed: do not use these figures")
        } else {
            format!("{controls} of {controls} gave the known answer")
        },
        tone: if failed > 0 || controls == 0 {
            "bad"
        } else {
            "good"
        },
        link: "run.json".to_owned(),
    }
}

fn services(report: &Report) -> Card {
    let services = report.services();
    let met = |wanted| {
        services
            .iter()
            .filter(|service| service.verdict() == Some(wanted))
            .count()
    };
    let (not_met, unmeasured) = (met(LevelVerdict::NotMet), met(LevelVerdict::NotMeasured));
    Card {
        title: "Service levels at p95".into(),
        figure: match (not_met, unmeasured) {
            (0, 0) => "met".to_owned(),
            (0, some) if some == services.len() => "not measured".to_owned(),
            (0, _) => format!("{} of {} met", met(LevelVerdict::Met), services.len()),
            (some, _) => format!("{some} of {} NOT met", services.len()),
        },
        detail: services
            .iter()
            .map(|service| {
                let p95 = service.quantiles.permille(950);
                let p95 = p95.map_or_else(|| "not measured".to_owned(), duration);
                format!("{} {p95}", service.name)
            })
            .collect::<Vec<_>>()
            .join(", "),
        tone: match (not_met, unmeasured) {
            (0, 0) => "good",
            (0, _) => "plain",
            _ => "bad",
        },
        link: "tables/latency.csv".to_owned(),
    }
}
