//! What the documents name is there: tests, files, outcomes, tables.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use credlink_reports::tables::TABLES;
use credlink_trial_record::{Outcome, Trial};
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_guard_that_the_methodology_names_is_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("METHODOLOGY.md")).unwrap();
    let (_, section) = text.split_once("## Mistakes of others").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let names: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_suffix("` |")?.rsplit('`').next())
        .collect();
    assert!(names.len() >= 20, "{names:?}");
    let mut files = Vec::new();
    for room in ["sign-core", "transforms", "corpus", "reports", "harness"] {
        for part in ["src", "tests"] {
            sources(&root.join(room).join(part), &mut files);
        }
    }
    let code: String = files
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for name in names {
        let test = format!("#[test]\n    fn {name}()");
        let plain = format!("#[test]\nfn {name}()");
        assert!(code.contains(&test) || code.contains(&plain), "{name}");
    }
}

/// Files that a document names by their path, from the root or within the sources of a crate, are there.
#[test]
fn documents_name_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let rooms: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("src"))
        .filter(|sources| sources.is_dir())
        .collect();
    let (mut seen, mut missing) = (0, Vec::new());
    for document in [
        "ARCHITECTURE.md",
        "BIAS.md",
        "CONTRIBUTING.md",
        "METHODOLOGY.md",
        "README.md",
        "SECURITY.md",
    ] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        for path in text.split('`').filter(|word| {
            word.ends_with(".rs") && word.contains('/') && !word.contains([' ', '\n', '*', '<'])
        }) {
            seen += 1;
            let is_there = root.join(path).exists() || rooms.iter().any(|r| r.join(path).exists());
            if !is_there {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(seen >= 40, "{seen}");
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The words in backticks that begin the lines of the table below a heading.
fn listed(text: &str, heading: &str) -> Vec<String> {
    let (_, section) = text.split_once(heading).unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let words = section.lines().filter_map(|line| {
        let word = line.strip_prefix("| `")?.split('`').next()?;
        Some(word.to_owned())
    });
    words.collect()
}

#[test]
fn the_methodology_lists_what_the_program_lists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("METHODOLOGY.md")).unwrap();
    let outcomes: Vec<String> = Outcome::SIGNED.iter().map(ToString::to_string).collect();
    assert_eq!(listed(&text, "## Outcomes"), outcomes);
    let trials: Vec<String> = Trial::NEGATIVES.iter().map(ToString::to_string).collect();
    assert_eq!(listed(&text, "## Negative trials"), trials);
    for table in TABLES {
        let is_named = text.contains(&format!("tables/{}", table.id));
        assert!(
            is_named,
            "METHODOLOGY.md does not say what tables/{} shows",
            table.id
        );
    }
    // Every carrier that the published run had is explained.
    let (_, words) = text.split_once("## Words").unwrap();
    let (words, _) = words.split_once("\n## ").unwrap();
    for carrier in ["manifest", "link", "fingerprint", "watermark", "local"] {
        assert!(words.contains(&format!("`{carrier}`")), "{carrier}");
    }
}
