//! Survival over how much is done to a picture, beside what others publish: a page made from a committed summary of runs.

use std::path::{Path, PathBuf};

use crate::docs::{DocsError, Results, WordTable, update_page};
use crate::figures::{count, measured};
use crate::report::Report;
use crate::tables::PipelineTally;

/// Where the summary is in the repository.
pub const SUMMARY: &str = "docs/results/durability.json";
/// The page.
pub const PAGE: &str = "docs/DURABILITY.md";

/// Something that is done to pictures, little or much.
struct Sweep {
    title: &'static str,
    /// The first column.
    amount: &'static str,
    /// The pipeline, without its parameter.
    pipeline: &'static str,
    /// What others publish, each with its conditions and source: not measured here, and mostly not of the same thing.
    published: &'static [&'static str],
}

const SWEEPS: [Sweep; 8] = [
    Sweep {
        title: "Cropped to a share of its area",
        amount: "share of the area, centred",
        pipeline: "edits/crop-area",
        published: &[
            "published, PDQ 9.0 %, pHash 7.1 % (of photographs alone 30.6 and 63.7): copies found after a crop of 5 % at a precision of at least 99.99 %, 3,854 images (perception, documentation of its benchmarks)",
            "published, SynthID-Image 99.97 %, StegaStamp 15.3 %: spatial attacks together, crops among them, detected (not identified) at a false-positive rate of 0.1 %, 512 pixels (arXiv 2510.09263)",
        ],
    },
    Sweep {
        title: "Rotated within the frame",
        amount: "degrees",
        pipeline: "edits/rotate",
        published: &[
            "published, PDQ 54.5 %, pHash 59.6 %: copies found after a turn of 4°, as above (perception)",
        ],
    },
    Sweep {
        title: "Scaled",
        amount: "share of the edges",
        pipeline: "edits/scale",
        published: &[
            "published, PDQ 99.8 %, pHash 100 %: copies found at half the size, as above (perception)",
            "published, TrustMark 7 and WAM 10 of 11 thumbnails of 150 by 150 pixels read (MarkMyAI, March 2026, 11 images)",
        ],
    },
    Sweep {
        title: "JPEG",
        amount: "quality",
        pipeline: "edits/jpeg-quality",
        published: &[
            "published, TrustMark-C 97.7 % at quality 10, 100 % from 25 on; StegaStamp 97.8 and 100; DWT-DCT-SVD 0, 11 (25), 85 (70): detected (not identified) at a false-positive rate of 0.1 %, 1,000 images of 512 pixels (W-Bench); at their original size TrustMark-C reaches 54 % at quality 10",
            "published, PDQ 99.9 %, pHash 99.9 %: copies found at quality 95, as above (perception)",
        ],
    },
    Sweep {
        title: "Saved as JPEG again and again",
        amount: "times",
        pipeline: "chains/jpeg-generations",
        published: &[],
    },
    Sweep {
        title: "Re-shared",
        amount: "times",
        pipeline: "chains/reshare-hops",
        published: &[],
    },
    Sweep {
        title: "Part of a collage",
        amount: "share of the collage",
        pipeline: "edits/collage",
        published: &[],
    },
    Sweep {
        title: "Gaussian noise",
        amount: "deviation",
        pipeline: "edits/noise",
        published: &[
            "published, TrustMark-C, StegaStamp and MBRS 100 % up to a deviation of 0.1, DWT-DCT 70 % at 0.02 and 0 % at 0.1: as with JPEG (W-Bench)",
            "published, PDQ 99.2 %, pHash 99.9 %: copies found after noise, as above (perception)",
        ],
    },
];

/// The pipelines that the page is about, without their parameters.
pub fn pipelines() -> impl Iterator<Item = &'static str> {
    SWEEPS.iter().map(|sweep| sweep.pipeline)
}

/// What the page shows of runs, which should differ in their images alone.
///
/// # Errors
/// [`DocsError::Unfit`] for a run whose figures must not be used, or runs that lack one of the pipelines.
pub fn results(reports: &[Report]) -> Result<Results, DocsError> {
    let each = |report: &Report| {
        let tables = SWEEPS.iter().map(|sweep| table(sweep, report)).collect();
        Results::with(report, Vec::new(), None, tables)
    };
    let runs = reports.iter().map(each).collect::<Result<Vec<_>, _>>()?;
    let mut tables = Vec::new();
    for (at, sweep) in SWEEPS.iter().enumerate() {
        let of_runs = runs.iter().map(|run| &run.tables[at]);
        let mut of_runs: Vec<WordTable> = of_runs
            .filter(|table| !table.rows.is_empty())
            .cloned()
            .collect();
        // A sweep that no run has would be missed by nobody who reads the page.
        let Some(last) = of_runs.last_mut() else {
            return Err(DocsError::Unfit {
                id: runs.iter().map(|run| run.run.as_str()).collect(),
                reason: format!("has nothing of {}", sweep.pipeline),
            });
        };
        last.notes = sweep.published.iter().map(ToString::to_string).collect();
        tables.extend(of_runs);
    }
    Results::joined(&runs, tables)
}

/// How a sweep went in a run.
fn table(sweep: &Sweep, report: &Report) -> WordTable {
    let header = report.evidence.header();
    let tallies = report.evidence.by_pipeline();
    let mut amounts: Vec<(f64, &str, &PipelineTally)> = tallies
        .iter()
        .filter_map(|tally| {
            let (pipeline, parameter) = tally.id.split_once('@')?;
            let (_, amount) = parameter.split_once('=')?;
            let order = amount.parse().unwrap_or(f64::MAX);
            (pipeline == sweep.pipeline).then_some((order, amount, tally))
        })
        .collect();
    amounts.sort_by(|a, b| a.0.total_cmp(&b.0));
    // A carrier that never led to a proof has no column.
    let has_found = |carrier: &usize| {
        let mut found = amounts
            .iter()
            .map(|(.., tally)| &tally.tally.carriers[*carrier]);
        found.any(|carrier| carrier.alone.rate.k > 0)
    };
    let carriers: Vec<usize> = (0..header.carriers.len()).filter(has_found).collect();
    let mut columns = vec![
        (sweep.amount.to_owned(), true),
        ("n".to_owned(), true),
        ("any carrier".to_owned(), true),
    ];
    columns.extend(
        carriers
            .iter()
            .map(|carrier| (header.carriers[*carrier].clone(), true)),
    );
    WordTable {
        title: format!("{}: {}", sweep.title, header.image_set.name),
        columns,
        rows: amounts
            .into_iter()
            .map(|(_, amount, tally)| row(amount, tally, &carriers))
            .collect(),
        notes: Vec::new(),
    }
}

fn row(amount: &str, tally: &PipelineTally, carriers: &[usize]) -> Vec<String> {
    let mut row = vec![
        amount.to_owned(),
        count(tally.tally.n),
        measured(tally.tally.any),
    ];
    let alone = |carrier: &usize| measured(tally.tally.carriers[*carrier].alone);
    row.extend(carriers.iter().map(alone));
    row
}

/// Writes the page of a repository that has a summary, if it is not as it should be, or only names it.
///
/// # Errors
/// [`DocsError`]; with `check` nothing is written.
pub fn update(repository: &Path, check: bool) -> Result<Vec<PathBuf>, DocsError> {
    update_page(repository, (SUMMARY, PAGE), page, check)
}

/// `docs/DURABILITY.md`.
#[must_use]
pub fn page(results: &Results) -> String {
    let head = "# How much a proof stands, simulated\n\n\
         Percent of n whose proof was found, by any carrier and by each alone, over how much was done to the picture, with 95 % \
         intervals over sources; * is provisional (n below 100); a carrier without a column found none. Every proof that counts was identified and its content confirmed. \
         Beside them what others publish of theirs, with their conditions: other images, other rules, and as a rule detection, \
         which is less than a proof.";
    results.page_of(head, SUMMARY, "credlink docs --durability RUNS")
}
