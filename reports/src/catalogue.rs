//! Every pipeline of the catalogue with its survival, grade and evidence: a page made from a committed summary of one run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::docs::{DocsError, Results, WordTable, update_page};
use crate::figures::{count, measured};
use crate::recipes::RecipeFacts;
use crate::report::Report;
use crate::tables::PipelineTally;

/// Where the summary is in the repository.
pub const SUMMARY: &str = "docs/results/catalogue.json";
/// The page.
pub const PAGE: &str = "docs/CATALOGUE.md";

/// What the page shows of a run.
///
/// # Errors
/// [`DocsError::Unfit`] for a run whose figures must not be used.
pub fn results(report: &Report) -> Result<Results, DocsError> {
    let header = report.evidence.header();
    let mut families: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    // Tallies come in the order of the header.
    for (pipeline, tally) in header.pipelines.iter().zip(report.evidence.by_pipeline()) {
        let recipe = report.recipes.of(&pipeline.id, &pipeline.digest);
        let row = row(&tally, recipe);
        families.entry(tally.family).or_default().push(row);
    }
    let mut columns = [
        ("pipeline", false),
        ("grade", false),
        ("evidence", false),
        ("n", true),
        ("any carrier", true),
    ]
    .map(|(title, is_figure)| (title.to_owned(), is_figure))
    .to_vec();
    columns.extend(header.carriers.iter().map(|name| (name.clone(), true)));
    let tables = families.into_iter().map(|(family, rows)| WordTable {
        title: format!("{family}, simulated"),
        columns: columns.clone(),
        rows,
        notes: Vec::new(),
    });
    Results::with(report, Vec::new(), None, tables.collect())
}

fn row(tally: &PipelineTally, recipe: Option<&RecipeFacts>) -> Vec<String> {
    let mut row = vec![
        format!("`{}`", tally.id),
        tally.grade.clone(),
        recipe.map_or_else(String::new, evidence),
        count(tally.tally.n),
        measured(tally.tally.any),
    ];
    row.extend(tally.tally.carriers.iter().map(|carrier| {
        let rate = carrier.alone.rate.value();
        rate.map_or_else(|| "–".to_owned(), crate::figures::percent)
    }));
    row
}

/// The grades of a recipe's sources, and of grade O how many files those are.
fn evidence(recipe: &RecipeFacts) -> String {
    let mut words: Vec<String> = Vec::new();
    for source in &recipe.sources {
        let word = match source.files.as_str() {
            "" => source.grade.clone(),
            files => format!("{}: {files}", source.grade),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join("; ")
}

/// Writes the page of a repository that has a summary, if it is not as it should be, or only names it.
///
/// # Errors
/// [`DocsError`]; with `check` nothing is written.
pub fn update(repository: &Path, check: bool) -> Result<Vec<PathBuf>, DocsError> {
    update_page(repository, (SUMMARY, PAGE), page, check)
}

/// `docs/CATALOGUE.md`.
#[must_use]
pub fn page(results: &Results) -> String {
    let head = "# Every pipeline of the catalogue, simulated\n\n\
         The whole catalogue in one run with few ops each: read a line as where a pipeline stands, not as a figure to quote. \
         Percent of n whose proof was found, by any carrier with its 95 % interval over sources, and by each carrier alone; * is \
         provisional (n below 100). What each pipeline does: [PIPELINES.md](PIPELINES.md). Grades are of the weakest source of a \
         recipe (A source code, O files that the platform wrote, B the vendor's word, C a published measurement, D an estimate); \
         beside them all its grades, and of O how many files those are.";
    results.page_of(head, SUMMARY, "credlink docs --catalogue RUN")
}
