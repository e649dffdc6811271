//! What a run says of its images before it begins.

use std::collections::{BTreeMap, BTreeSet};

use credlink_corpus::{ImageSet, Rejected};
use credlink_harness::plan::Plan;
use credlink_harness::stages::event::{Event, Listener};
use credlink_reports::figures::plural;

/// Names the files that were left out, and says where files show the same picture.
pub(super) fn warn(set: &dyn ImageSet, listener: Listener<'_>) {
    if let Some(line) = left_out(&set.header().rejected) {
        listener(Event::Warning(line));
    }
    if let (Some(files), Some(sources)) = (set.header().files, set.distinct_sources())
        && sources < files
    {
        listener(Event::Warning(format!(
            "{files} files show {sources} pictures; copies of one picture count as one source"
        )));
    }
}

/// How many files of a directory the plan uses, unless it uses all of them.
pub(super) fn unused(plan: &Plan, set: &dyn ImageSet) -> Option<String> {
    let files = set.header().files?;
    let signed = plan.signed.iter().map(|image| &image.entry.source);
    let held_out = plan
        .negatives
        .iter()
        .map(|negative| &negative.image.entry.source);
    let used: BTreeSet<&String> = signed.chain(held_out).collect();
    (used.len() < files).then(|| {
        format!(
            "uses {} of {}; more ops use more of them, and --every-image takes each",
            used.len(),
            plural(files as u64, "image")
        )
    })
}

/// One line about all files that were left out, by reason; run.json names them all.
fn left_out(rejected: &[Rejected]) -> Option<String> {
    const NAMED: usize = 3;
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for file in rejected {
        kinds.entry(file.why.kind()).or_default().push(&file.path);
    }
    let told: Vec<String> = kinds
        .iter()
        .map(|(kind, paths)| {
            let names = paths
                .iter()
                .take(NAMED)
                .copied()
                .collect::<Vec<_>>()
                .join(", ");
            let more = if paths.len() > NAMED { ", ..." } else { "" };
            format!("{} {kind} ({names}{more})", paths.len())
        })
        .collect();
    (!told.is_empty()).then(|| format!("left out: {}; run.json names them all", told.join("; ")))
}
