//! What the page's template is filled with: words and figures as people read them.

use minijinja::Value;
use serde::Serialize;

use super::cards::{Card, cards, first};
use super::exhibits::{GalleryGroup, gallery};
use super::lost::{Loss, RecipeWords, losses, recipes};
use super::matrix::{Matrix, matrix};
use super::metadata::{Others, others};
use crate::beside::Portrait;
use crate::figures::{bytes, count, percent, plural};
use crate::formats::{FORMATS, cell_text};
use crate::header::RunHeader;
use crate::losses::{LOSSES, LossGroup};
use crate::plots::{curves, lines, svg};
use crate::report::{Check, Report};
use crate::tables::{Kind, Table};
use crate::templates::{DocumentError, safe};
use crate::usable::unusable;

/// A table as words.
#[derive(Serialize)]
pub(crate) struct Sheet {
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
pub(crate) fn sheet(table: &Table, folder: &str) -> Sheet {
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

#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
}

#[derive(Serialize)]
pub(crate) struct PageContext {
    style: Value,
    script: Value,
    title: String,
    run: String,
    created: String,
    /// Why the figures must not be used.
    unusable: Option<String>,
    /// What is read first.
    first: Vec<Card>,
    cards: Vec<Card>,
    failed: Vec<CheckWords>,
    checks: Vec<CheckWords>,
    /// Figures here and in another run, if there is one, and that run's name.
    beside: Vec<[String; 3]>,
    beside_run: String,
    matrix: Matrix,
    /// What else survives.
    others: Option<Others>,
    carriers: Option<Sheet>,
    latency: Option<Sheet>,
    drawings: Vec<(String, Value)>,
    curves: Vec<Value>,
    found: Vec<Loss>,
    found_more: usize,
    /// What the outcomes among `found` mean.
    words: Vec<Fact>,
    /// What each pipeline does, and by what evidence.
    recipes: Vec<RecipeWords>,
    recipes_left_out: usize,
    /// Places of the pipelines whose recipe is shown.
    recipe_places: Vec<usize>,
    /// How many of `checks` passed, and how many were not measured.
    passed: usize,
    unmeasured: usize,
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
) -> Result<PageContext, DocumentError> {
    let header = report.evidence.header();
    let tallies = &report.tallies;
    let sheet_of = |id: &str| report.table(id).map(|table| sheet(table, "tables/"));
    let (failed, checks): (Vec<Check>, Vec<Check>) = report
        .checks()
        .into_iter()
        .partition(|check| check.passed == Some(false));
    let failed: Vec<CheckWords> = failed.into_iter().map(check_words).collect();
    let passed = checks.iter().filter(|check| check.passed.is_some()).count();
    let (found, found_more) = losses(report);
    let (recipes, recipes_left_out) = recipes(report);
    Ok(PageContext {
        style: safe(style.to_owned()),
        script: safe(script.to_owned()),
        title: format!("Survival through simulated pipelines, run {}", header.id),
        run: header.id.clone(),
        created: header.created.clone(),
        unusable: unusable(&report.evidence).map(|reason| reason.to_string()),
        first: first(report),
        cards: cards(report, tallies),
        passed,
        unmeasured: checks.len() - passed,
        checks: checks.into_iter().map(check_words).collect(),
        failed,
        beside: beside(report),
        beside_run: report
            .beside
            .as_ref()
            .map_or_else(String::new, |other| other.run.clone()),
        matrix: matrix(report, tallies)?,
        others: others(report),
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
        found,
        words: words(&report.found),
        found_more,
        recipe_places: recipes.iter().map(RecipeWords::index).collect(),
        recipes,
        recipes_left_out,
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
        cpu: spent(header),
    })
}

/// What the CPU time went into; nothing where none was measured.
fn spent(header: &RunHeader) -> Vec<Fact> {
    let total = header.cpu.total_s;
    let categories = header.cpu.by_category.iter().filter(|_| total > 0.0);
    let fact = |(name, seconds): (&String, &f64)| Fact {
        name: name.clone(),
        value: format!("{seconds:.1} s, {} %", percent(seconds / total)),
    };
    categories.map(fact).collect()
}

/// The first figures beside those of another run; none for a run whose own must not be used.
fn beside(report: &Report) -> Vec<[String; 3]> {
    let own = Portrait::of(&report.evidence).ok();
    let both = own.zip(report.beside.as_ref());
    both.map_or_else(Vec::new, |(own, other)| own.beside(other))
}

/// What the outcomes of these ops mean, for who has not read the method.
fn words(found: &[LossGroup]) -> Vec<Fact> {
    let known = LOSSES
        .iter()
        .filter(|(outcome, _)| found.iter().any(|op| op.outcome == *outcome));
    known
        .map(|(outcome, meaning)| Fact {
            name: outcome.to_string(),
            value: (*meaning).to_owned(),
        })
        .collect()
}

fn facts(report: &Report) -> Vec<Fact> {
    let header = report.evidence.header();
    let machine = &header.machine;
    let set = &header.image_set;
    let overall = &report.overall;
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
    safe(slim(svg).replacen(
        "<svg ",
        &format!("<svg class=\"plot\" role=\"img\" aria-label=\"{name}\" "),
        1,
    ))
}

/// An SVG of ours without what a page says anyway: defaults, the font, line breaks, and decimals that no eye sees.
fn slim(svg: &str) -> String {
    const SAID: [&str; 5] = [
        " opacity=\"1\"",
        " stroke=\"none\"",
        " stroke-width=\"1\"",
        " text-anchor=\"start\"",
        " font-family=\"sans-serif\"",
    ];
    // Only inside tags: a name between them may hold anything.
    let mut text = String::with_capacity(svg.len());
    for part in svg.trim_end().split_inclusive('>') {
        let (before, tag) = part.split_at(part.rfind('<').unwrap_or(0));
        text.push_str(before.trim_matches('\n'));
        let mut tag = tag.to_owned();
        for said in SAID {
            tag = tag.replace(said, "");
        }
        if let Some((start, rest)) = tag.split_once(" font-size=\"")
            && let Some((size, end)) = rest.split_once('"')
            && let Ok(size) = size.parse::<f64>()
        {
            tag = format!("{start} font-size=\"{:.1}\"{end}", size);
        }
        text.push_str(&tag);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_loses_only_what_is_said_anyway() {
        let svg = "<svg width=\"9\">\n<text x=\"1\" font-family=\"sans-serif\" font-size=\"20.16129\" opacity=\"1\" fill=\"#222222\">\na opacity=&quot;1&quot;\n</text>\n</svg>\n";
        assert_eq!(
            slim(svg),
            "<svg width=\"9\"><text x=\"1\" font-size=\"20.2\" fill=\"#222222\">a opacity=&quot;1&quot;</text></svg>"
        );
    }
}
