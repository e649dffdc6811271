//! The list of pipelines in `docs/` is what the recipes say.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::listing::{coverage, coverage_table, document};

#[test]
fn the_document_of_all_pipelines_is_up_to_date() {
    let catalogue = Catalogue::embedded().unwrap_or_else(|error| panic!("{error}"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PIPELINES.md");
    let found = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        found == document(&catalogue),
        "docs/PIPELINES.md is stale; run `cargo run -- pipelines doc`"
    );
}

#[test]
fn the_catalogue_is_as_broad_as_promised_and_every_pipeline_is_counted_once() {
    let catalogue = Catalogue::embedded().unwrap_or_else(|error| panic!("{error}"));
    let rows = coverage(&catalogue);
    let (_, all) = rows.last().unwrap();
    let sum: usize = rows[..rows.len() - 1]
        .iter()
        .map(|(_, row)| row.pipelines)
        .sum();
    assert_eq!(
        (sum, all.pipelines),
        (all.pipelines, catalogue.iter().count())
    );
    assert_eq!(all.by_grade.iter().sum::<usize>(), all.files);
    assert!(all.files >= 150, "{} recipes", all.files);
    let [founded @ .., estimates] = all.by_grade;
    let founded: usize = founded.iter().sum();
    assert!(founded >= 140, "{founded} of a grade above D");
    assert!(estimates < 45, "{estimates} of grade D");
    assert_eq!(rows.len(), 11, "ten families and the sum");
    assert!(coverage_table(&catalogue).contains("controls"));
}
