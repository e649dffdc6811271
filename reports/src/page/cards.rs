//! The answer at the top of the page: a few figures, each with its n, its interval and the rows behind it.

use serde::Serialize;

use super::row_files;
use crate::figures::{bound, count, duration, plural, rate_with_interval};
use crate::formats::cell_text;
use crate::report::Report;
use crate::tables::{LevelVerdict, PipelineTally};

/// Families that are no platform: they check the harness, and would only flatter the best or worst pipeline.
const CONTROLS: &str = "controls";

#[derive(Serialize)]
pub(super) struct Card {
    title: &'static str,
    /// The figure.
    figure: String,
    /// What stands below it.
    detail: String,
    /// `good`, `bad` or `plain`.
    tone: &'static str,
    /// Where the rows behind it are.
    link: String,
}

/// Survival over all families, as their table words it: its last row pools them.
fn survived(report: &Report) -> Option<String> {
    let table = report.table("families")?;
    let place = table.columns.iter().position(|known| known.key == "any")?;
    let value = table.rows.last()?.get(place)?;
    Some(cell_text(&table.columns[place].kind, value))
}

/// The answer's cards, in the order in which they are read.
pub(super) fn cards(report: &Report, tallies: &[PipelineTally]) -> Vec<Card> {
    let mut cards = vec![pooled(report)];
    cards.extend(extremes(report, tallies));
    cards.push(false_accepts(report));
    cards.extend(gate(report));
    cards.push(controls(report));
    cards.push(services(report));
    cards
}

fn pooled(report: &Report) -> Card {
    let overall = report.evidence.overall();
    Card {
        title: "Survived, all pipelines",
        figure: survived(report).unwrap_or_else(|| rate_with_interval(overall.any())),
        detail: format!(
            "{} of {}, {}",
            count(overall.survived()),
            plural(overall.n, "signed op"),
            plural(overall.images, "image")
        ),
        tone: "plain",
        link: "tables/families.csv".to_owned(),
    }
}

/// The best pipeline and the worst one, the harness's own left out.
fn extremes(report: &Report, tallies: &[PipelineTally]) -> Vec<Card> {
    let mut ranked: Vec<&PipelineTally> = tallies
        .iter()
        .filter(|pipeline| pipeline.tally.n > 0 && pipeline.family != CONTROLS)
        .collect();
    ranked.sort_by(|a, b| {
        let merit = |p: &PipelineTally| p.tally.any().value().unwrap_or_default();
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
            let any = pipeline.tally.any();
            let same = ranked
                .iter()
                .filter(|other| other.tally.any().value() == any.value())
                .count();
            let others = match same {
                0 | 1 => String::new(),
                more => format!(", and {} with the same rate", more - 1),
            };
            Card {
                title,
                figure: rate_with_interval(any),
                detail: format!("{}, {}{others}", pipeline.id, plural(any.n, "op")),
                tone: "plain",
                link: link(pipeline),
            }
        })
    };
    let best = extreme("Best pipeline", ranked.first());
    let worst = extreme("Worst pipeline", ranked.last());
    best.into_iter().chain(worst).collect()
}

fn false_accepts(report: &Report) -> Card {
    let accepts = report.evidence.negatives().all;
    Card {
        title: "False accepts",
        figure: bound(accepts.accepted),
        detail: format!(
            "{} of {}",
            count(accepts.accepted.k),
            plural(accepts.accepted.n, "negative trial")
        ),
        tone: if accepts.accepted.k > 0 {
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
        title: "Gate",
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
        title: "Controls",
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
        title: "Service levels at p95",
        figure: match (not_met, unmeasured) {
            (0, 0) => "met".to_owned(),
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
