//! The list of pipelines in `docs/` is what the recipes say.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::listing::{coverage, coverage_table, document};
use credlink_transforms::sightings;

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

#[test]
fn what_files_say_is_told_recipe_by_recipe_and_what_no_recipe_explains_is_named() {
    let catalogue = Catalogue::embedded().unwrap();
    let text = sightings::document(&catalogue).unwrap();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OBSERVED.md");
    let found = std::fs::read_to_string(kept).unwrap_or_default();
    assert!(
        found == text,
        "docs/OBSERVED.md is not what recipes and evidence say; run `credlink pipelines observed`"
    );
    // Every pipeline that rests on files is there, and so is every platform of which there are some.
    let files = credlink_transforms::evidence::all().unwrap();
    for seen in files {
        assert!(
            text.contains(&format!("\n### {}\n", seen.platform)),
            "{}",
            seen.platform
        );
    }
    let mut resting = 0;
    for recipe in catalogue.iter() {
        let rests = recipe
            .sources
            .iter()
            .any(|source| source.observed.is_some());
        resting += usize::from(rests);
        assert_eq!(
            text.contains(&format!("\n| `{}` |", recipe.id)),
            rests,
            "{}",
            recipe.id
        );
    }
    assert!(resting > 40, "{resting}");
    let (_, contradictions) = text.split_once("\n## Contradictions\n").unwrap();
    // What no recipe explains is named, with what each recipe of that platform says instead.
    let unexplained = contradictions.split_once(
        "**messenger: jpeg quality 90 4:2:0 baseline**, 2 files of 2 repositories, 2023",
    );
    let (_, unexplained) = unexplained.unwrap();
    assert!(
        unexplained.contains("- `messaging/messenger`: tables: sums"),
        "{unexplained}"
    );
}
