//! Systems side by side in the documentation: a page made from a committed summary of contests.

use std::path::{Path, PathBuf};

use super::HeadToHead;
use crate::docs::{DocsError, Results, update_page};
use crate::table::Table;

/// Where the summary is in the repository.
pub const SUMMARY: &str = "docs/results/systems.json";
/// The page.
pub const PAGE: &str = "docs/SYSTEMS.md";

/// Tables that are too long for a page; the report of a contest has them.
const LEFT_OUT: [&str; 1] = ["paired"];

/// What the page shows of contests, in their order.
///
/// # Errors
/// [`DocsError::Unfit`] for a run whose figures must not be used.
pub fn results(contests: &[HeadToHead]) -> Result<Results, DocsError> {
    let mut tables: Vec<Table> = Vec::new();
    let mut about = Vec::new();
    for contest in contests {
        if let Some(side) = contest.sides.iter().find(|side| side.unusable.is_some()) {
            return Err(DocsError::Unfit {
                id: side.name.clone(),
                reason: side.unusable.clone().unwrap_or_default(),
            });
        }
        let Some(first) = contest.sides.first() else {
            continue;
        };
        let header = first.evidence.header();
        let set = &header.image_set;
        let images = first.evidence.distinct_images().len() as u64;
        about.push(format!(
            "{} signed of {} ({}), digest {}, {} pipelines, {} threads of {}",
            crate::figures::plural(images, "image"),
            set.name,
            set.kind,
            set.digest.get(..16).unwrap_or_default(),
            header.pipelines.len(),
            header.threads,
            header.machine.cpu
        ));
        tables.extend(contest.tables().into_iter().filter_map(|table| {
            let is_shown = !LEFT_OUT.contains(&table.id.as_str());
            is_shown.then(|| Table {
                title: format!("{}: {}", set.name, table.title),
                ..table
            })
        }));
    }
    let first = contests.first().and_then(|contest| contest.sides.first());
    let header = first.map(|side| side.evidence.header().clone());
    let header = header.unwrap_or_default();
    Results::of_tables(
        "of several systems".to_owned(),
        header.created,
        &header.command_line,
        about.join("; "),
        &tables,
    )
}

/// Writes the page of a repository that has a summary, if it is not as it should be, or only names it.
///
/// # Errors
/// [`DocsError`]; with `check` nothing is written.
pub fn update(repository: &Path, check: bool) -> Result<Vec<PathBuf>, DocsError> {
    update_page(repository, (SUMMARY, PAGE), page, check)
}

/// `docs/SYSTEMS.md`.
#[must_use]
pub fn page(results: &Results) -> String {
    let head = "# Systems side by side, simulated\n\n\
         Every system that ships as an adapter and can run on a bare machine, and ours with all its carriers and with each alone, on \
         the same images through the same pipelines, judged by the same rules. Images are small, at most 512 pixels on their \
         longest side (photographs) or 384 (synthetic), since some systems take seconds a megapixel; larger pictures favour \
         watermarks. The two slowest, `invisible-watermark/rivaGan` and `imagehash/crop-resistant`, met the photographs alone. A system whose \
         payload is read exactly, or whose fingerprint is within its own threshold, has found; a signed file in which only the \
         manifest is looked at has found while it is unaltered. What each system is: `credlink systems show NAME`; how to add \
         one: [ADAPTERS.md](ADAPTERS.md). Read bounds before rates: where few unsigned pictures were tried, no false accept is \
         no promise. Times are wall-clock, on two cores that may have had other work: compare their orders of magnitude.";
    results.page_of(head, SUMMARY, "credlink docs --systems DIR")
}
