//! What the page's template is filled with: words and figures as people read them.

use minijinja::Value;
use serde::Serialize;
use serde_json::json;

use super::{BANDS, FoundOp, row_files};
use crate::figures::{bytes, count, duration, percent, plural, rate_with_interval};
use crate::formats::{DocumentError, FORMATS, cell_text, safe};
use crate::gallery::{Exhibit, Shows};
use crate::plots::{curves, lines, svg};
use crate::report::{Check, Report};
use crate::row::{SIGNED_OUTCOMES, SURVIVING};
use crate::tables::{Kind, PipelineTally, Table, Verdict};

/// Groups of lost ops that the page lists; the rest is in the rows.
const MOST_GROUPS: usize = 60;
/// Families that are no platform: they check the harness, and would only flatter the best or worst pipeline.
const CONTROLS: &str = "controls";

/// A table as words.
#[derive(Serialize)]
struct Sheet {
    id: String,
    title: String,
    columns: Vec<SheetColumn>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
    /// Links to its files by format.
    files: Vec<(String, String)>,
}

#[derive(Serialize)]
struct SheetColumn {
    title: String,
    /// Whether its values are figures, which stand on the right.
    is_figure: bool,
}

/// A table as words, with links to its files in `folder`.
fn sheet(table: &Table, folder: &str) -> Sheet {
    let columns = table.columns.iter().map(|column| SheetColumn {
        title: column.title.clone(),
        is_figure: !matches!(column.kind, Kind::Text | Kind::Counts(_)),
    });
    let rows = table.rows.iter().map(|values| {
        let cells = table.columns.iter().zip(values);
        cells
            .map(|(column, value)| cell_text(&column.kind, value))
            .collect()
    });
    Sheet {
        id: table.id.clone(),
        title: table.title.clone(),
        columns: columns.collect(),
        rows: rows.collect(),
        notes: table.notes.clone(),
        files: FORMATS
            .iter()
            .map(|format| {
                (
                    format.extension.to_owned(),
                    format!("{folder}{}", format.file_name(&table.id)),
                )
            })
            .collect(),
    }
}

/// A picture that is part of the page.
#[derive(Serialize)]
struct Picture {
    /// An address made by us, of letters that need no escaping.
    source: Value,
    width: u32,
    height: u32,
}

#[derive(Serialize)]
struct Card {
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

#[derive(Serialize)]
struct MatrixRow {
    index: usize,
    id: String,
    /// The id in parts that a line may break between.
    parts: Vec<String>,
    title: String,
    family: String,
    grade: String,
    severity: String,
    n: String,
    rates: Vec<MatrixRate>,
    not_survived: String,
    file: String,
}

/// A rate as the matrix shows it.
#[derive(Serialize)]
struct MatrixRate {
    /// The rate in whole percent for the colour; empty where nothing was measured.
    tint: String,
    text: String,
    bounds: String,
}

#[derive(Serialize)]
struct Matrix {
    carriers: Vec<String>,
    families: Vec<String>,
    rows: Vec<MatrixRow>,
    total: MatrixRow,
    /// Counts for the script.
    data: Value,
    classes: Vec<String>,
    formats: Vec<String>,
    bands: Vec<String>,
}

#[derive(Serialize)]
struct Shown {
    exhibit: Exhibit,
    title: String,
    signed: Option<Picture>,
    received: Option<Picture>,
    difference: Option<Picture>,
    signed_words: String,
    received_words: String,
    command: String,
}

#[derive(Serialize)]
struct GalleryGroup {
    pipeline: String,
    title: String,
    shown: Vec<Shown>,
}

#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
}

#[derive(Serialize)]
pub(crate) struct Context {
    style: Value,
    script: Value,
    title: String,
    run: String,
    created: String,
    partial: Option<String>,
    cards: Vec<Card>,
    failed: Vec<CheckWords>,
    checks: Vec<CheckWords>,
    matrix: Matrix,
    carriers: Option<Sheet>,
    latency: Option<Sheet>,
    drawings: Vec<(String, Value)>,
    curves: Vec<Value>,
    found: Vec<FoundOp>,
    found_more: usize,
    skipped: Vec<String>,
    rejected: Vec<String>,
    gallery: Vec<GalleryGroup>,
    gallery_left_out: u64,
    sheets: Vec<Sheet>,
    facts: Vec<Fact>,
    versions: Vec<Fact>,
    cpu: Vec<Fact>,
}

#[derive(Serialize)]
struct CheckWords {
    suite: &'static str,
    name: String,
    verdict: &'static str,
    detail: String,
}

fn check_words(check: Check) -> CheckWords {
    CheckWords {
        suite: check.suite,
        name: check.name,
        verdict: match check.passed {
            Some(true) => "passed",
            Some(false) => "FAILED",
            None => "not measured",
        },
        detail: check.detail,
    }
}

pub(crate) fn of(
    report: &Report,
    style: &'static str,
    script: &'static str,
) -> Result<Context, DocumentError> {
    let header = report.evidence.header();
    let tallies = report.evidence.by_pipeline();
    let sheet_of = |id: &str| report.table(id).map(|table| sheet(table, "tables/"));
    let (failed, checks): (Vec<Check>, Vec<Check>) = report
        .checks()
        .into_iter()
        .partition(|check| check.passed == Some(false));
    let failed: Vec<CheckWords> = failed.into_iter().map(check_words).collect();
    Ok(Context {
        style: safe(style.to_owned()),
        script: safe(script.to_owned()),
        title: format!("Survival through simulated pipelines, run {}", header.id),
        run: header.id.clone(),
        created: header.created.clone(),
        partial: header.partial.then(|| {
            let (done, planned) = (count(header.ops_done), count(header.ops_planned));
            format!("{done} of {planned} planned ops were done")
        }),
        cards: cards(report, &tallies),
        checks: checks.into_iter().map(check_words).collect(),
        failed,
        matrix: matrix(report, &tallies)?,
        carriers: sheet_of("carriers"),
        latency: sheet_of("latency"),
        drawings: report
            .drawings
            .iter()
            .map(|drawing| (drawing.id.to_owned(), themed(&drawing.svg, drawing.id)))
            .collect(),
        curves: curves(&report.evidence)
            .iter()
            .filter_map(|chart| {
                let scene = lines(chart).ok()?;
                Some(themed(&svg(&scene).ok()?, &chart.title))
            })
            .collect(),
        found: report.found.iter().take(MOST_GROUPS).cloned().collect(),
        found_more: report.found.len().saturating_sub(MOST_GROUPS),
        skipped: header.skipped.clone(),
        rejected: header.image_set.rejected.clone(),
        gallery: gallery(report),
        gallery_left_out: report.gallery.left_out,
        sheets: report
            .tables
            .iter()
            .map(|table| sheet(table, "tables/"))
            .collect(),
        facts: facts(report),
        versions: header
            .versions
            .iter()
            .map(|(name, version)| Fact {
                name: name.clone(),
                value: version.clone(),
            })
            .collect(),
        cpu: header
            .cpu
            .by_category
            .iter()
            .filter(|_| header.cpu.total_s > 0.0)
            .map(|(name, seconds)| Fact {
                name: name.clone(),
                value: format!(
                    "{seconds:.1} s, {} %",
                    percent(seconds / header.cpu.total_s)
                ),
            })
            .collect(),
    })
}

/// The figure of a table's last row, which is its total, as the table itself words it.
fn total(report: &Report, table: &str, column: &str) -> Option<String> {
    let table = report.table(table)?;
    let place = table.columns.iter().position(|known| known.key == column)?;
    let value = table.rows.last()?.get(place)?;
    Some(cell_text(&table.columns[place].kind, value))
}

fn cards(report: &Report, tallies: &[PipelineTally]) -> Vec<Card> {
    let header = report.evidence.header();
    let overall = report.evidence.overall();
    let mut ranked: Vec<&PipelineTally> = tallies
        .iter()
        .filter(|pipeline| pipeline.tally.n > 0 && pipeline.family != CONTROLS)
        .collect();
    ranked.sort_by(|a, b| {
        let merit = |p: &PipelineTally| p.tally.any().value().unwrap_or_default();
        merit(b).total_cmp(&merit(a)).then_with(|| a.id.cmp(&b.id))
    });
    let names = row_files::names(header);
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
    let accepts = report.evidence.controls().all;
    let failed = header.controls.iter().filter(|c| !c.passed).count();
    let controls = header.controls.len();
    let services = report.services();
    let met = |wanted| {
        services
            .iter()
            .filter(|service| service.verdict() == Some(wanted))
            .count()
    };
    let (not_met, unmeasured) = (met(Verdict::NotMet), met(Verdict::NotMeasured));
    let mut cards = vec![Card {
        title: "Survived, all pipelines",
        figure: total(report, "families", "any")
            .unwrap_or_else(|| rate_with_interval(overall.any())),
        detail: format!(
            "{} of {}, {}",
            count(overall.survived()),
            plural(overall.n, "signed op"),
            plural(overall.images, "image")
        ),
        tone: "plain",
        link: "tables/families.csv".to_owned(),
    }];
    cards.extend(extreme("Best pipeline", ranked.first()));
    cards.extend(extreme("Worst pipeline", ranked.last()));
    cards.push(Card {
        title: "False accepts",
        figure: total(report, "false-accepts", "any")
            .unwrap_or_else(|| rate_with_interval(accepts.accepted)),
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
    });
    if let Some(gate) = &report.gate {
        let failed = gate.checks.iter().filter(|check| !check.passed).count();
        let passed = gate.passed();
        cards.push(Card {
            title: "Gate",
            figure: if passed { "passed" } else { "FAILED" }.to_owned(),
            detail: format!("{failed} of {} demands not met", gate.checks.len()),
            tone: if passed { "good" } else { "bad" },
            link: crate::report::GATE.to_owned(),
        });
    }
    cards.push(Card {
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
    });
    cards.push(Card {
        title: "Service levels at p95",
        figure: match (not_met, unmeasured) {
            (0, 0) => "met".to_owned(),
            (0, _) => format!("{} of {} met", met(Verdict::Met), services.len()),
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
    });
    cards
}

fn matrix(report: &Report, tallies: &[PipelineTally]) -> Result<Matrix, DocumentError> {
    let header = report.evidence.header();
    let names = row_files::names(header);
    let described = header.pipelines.iter().zip(tallies).zip(&names);
    let rows: Vec<MatrixRow> = described
        .enumerate()
        .map(|(index, ((pipeline, tally), name))| MatrixRow {
            title: pipeline.title.clone(),
            severity: pipeline.severity.clone(),
            file: format!("{}/{name}", row_files::FOLDER),
            ..matrix_row(index, tally)
        })
        .collect();
    let overall = PipelineTally {
        id: "all shown".to_owned(),
        family: String::new(),
        grade: String::new(),
        tally: report.evidence.overall(),
    };
    let mut families: Vec<String> = Vec::new();
    for pipeline in tallies {
        if !families.contains(&pipeline.family) {
            families.push(pipeline.family.clone());
        }
    }
    families.sort();
    let data = json!({
        "outcomes": SIGNED_OUTCOMES,
        "surviving": SURVIVING,
        "carriers": header.carriers,
        "families": header.pipelines.iter().map(|p| &p.family).collect::<Vec<_>>(),
        "cells": report.strata.cells,
    });
    // In a script element only "</script" and "<!--" could end the data early.
    let data = serde_json::to_string(&data)?.replace('<', "\\u003c");
    Ok(Matrix {
        carriers: header.carriers.clone(),
        families,
        rows,
        total: matrix_row(tallies.len(), &overall),
        data: safe(data),
        classes: report.strata.classes.clone(),
        formats: report.strata.formats.clone(),
        bands: BANDS.map(str::to_owned).to_vec(),
    })
}

fn matrix_row(index: usize, pipeline: &PipelineTally) -> MatrixRow {
    let tally = &pipeline.tally;
    let alone = tally
        .carriers
        .iter()
        .map(|carrier| tally.rate(carrier.alone));
    let rates = std::iter::once(tally.any()).chain(alone).map(|rate| {
        let words = rate_with_interval(rate);
        let (text, bounds) = words.split_once(" [").map_or_else(
            || (words.clone(), String::new()),
            |(text, bounds)| (text.to_owned(), format!("[{bounds}")),
        );
        MatrixRate {
            tint: rate
                .value()
                .map(|value| format!("{:.0}", value * 100.0))
                .unwrap_or_default(),
            text,
            bounds,
        }
    });
    let lost: Vec<String> = SIGNED_OUTCOMES
        .iter()
        .zip(&tally.outcomes)
        .skip(SURVIVING)
        .filter(|(_, number)| **number > 0)
        .map(|(word, number)| format!("{word} {}", count(*number)))
        .collect();
    MatrixRow {
        index,
        id: pipeline.id.clone(),
        parts: pipeline
            .id
            .split_inclusive('/')
            .map(str::to_owned)
            .collect(),
        title: String::new(),
        family: pipeline.family.clone(),
        grade: pipeline.grade.clone(),
        severity: String::new(),
        n: count(tally.n),
        rates: rates.collect(),
        not_survived: lost.join(", "),
        file: String::new(),
    }
}

fn gallery(report: &Report) -> Vec<GalleryGroup> {
    let header = report.evidence.header();
    let picture = |picture: &crate::gallery::Picture| {
        report.pictures.get(&picture.file).map(|source| Picture {
            source: safe(source.clone()),
            width: picture.width,
            height: picture.height,
        })
    };
    let size =
        |(size, width, height): (u64, u32, u32)| format!("{width}×{height}, {}", bytes(size));
    let mut groups = Vec::new();
    for pipeline in &header.pipelines {
        let mut members: Vec<&Exhibit> = report
            .gallery
            .exhibits
            .iter()
            .filter(|exhibit| exhibit.pipeline == pipeline.id)
            .collect();
        members.sort_by_key(|exhibit| (exhibit.shows == Shows::Loss, exhibit.op));
        let shown: Vec<Shown> = members
            .into_iter()
            .map(|exhibit| Shown {
                title: match exhibit.shows {
                    Shows::Loss => format!("Not survived: {}", exhibit.outcome),
                    Shows::Example => format!("Before and after: {}", exhibit.outcome),
                },
                signed: picture(&exhibit.signed),
                received: exhibit.received.as_ref().and_then(picture),
                difference: exhibit.difference.as_ref().and_then(picture),
                signed_words: size(exhibit.signed_size),
                received_words: exhibit.received_size.map_or_else(
                    || "nothing came out".to_owned(),
                    |received| format!("{} {}", exhibit.received_format, size(received)),
                ),
                command: format!("credlink replay {} {}", header.id, exhibit.op),
                exhibit: exhibit.clone(),
            })
            .collect();
        if !shown.is_empty() {
            groups.push(GalleryGroup {
                pipeline: pipeline.id.clone(),
                title: pipeline.title.clone(),
                shown,
            });
        }
    }
    groups
}

fn facts(report: &Report) -> Vec<Fact> {
    let header = report.evidence.header();
    let machine = &header.machine;
    let set = &header.image_set;
    let overall = report.evidence.overall();
    let fact = |name: &str, value: String| Fact {
        name: name.to_owned(),
        value,
    };
    let mut facts = vec![
        fact("command", header.command_line.join(" ")),
        fact("seed", header.seed.to_string()),
        fact("begun", header.created.clone()),
        fact(
            "images",
            format!(
                "{} ({}), {} from {}, digest {}",
                set.name,
                set.kind,
                plural(overall.images, "signed image"),
                plural(overall.sources, "file"),
                set.digest
            ),
        ),
        fact(
            "ops",
            format!(
                "{} of {} planned, signed and controls together",
                count(header.ops_done),
                count(header.ops_planned)
            ),
        ),
        fact(
            "machine",
            format!(
                "{}, {} cores, {} {}, {} memory",
                machine.cpu,
                machine.cores,
                machine.os,
                machine.arch,
                bytes(machine.memory_bytes)
            ),
        ),
        fact(
            "cost",
            format!(
                "{:.1} s on {} threads, {:.1} s CPU, {} peak memory",
                header.elapsed_s,
                header.threads,
                header.cpu.total_s,
                bytes(header.peak_memory_bytes)
            ),
        ),
    ];
    facts.retain(|fact| !fact.value.is_empty());
    facts
}

/// An SVG of ours as part of a page: named for screen readers, coloured by the page's style.
pub(crate) fn themed(svg: &str, name: &str) -> Value {
    let name: String = name
        .chars()
        .map(|c| {
            if matches!(c, '<' | '>' | '&' | '"') {
                ' '
            } else {
                c
            }
        })
        .collect();
    safe(svg.replacen(
        "<svg ",
        &format!("<svg class=\"plot\" role=\"img\" aria-label=\"{name}\" "),
        1,
    ))
}
