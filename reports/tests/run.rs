//! Run directories, headers, the whole report, and the terminal's summary.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use credlink_reports::documents::DOCUMENTS;
use credlink_reports::formats::FORMATS;
use credlink_reports::header::{HEADER_VERSION, SweepHeader};
use credlink_reports::plots::{PICTURES, PLOTS};
use credlink_reports::tables::TABLES;
use credlink_reports::{
    Report, ReportError, RowWriter, RunDir, RunDirError, RunHeader, Summary, Unusable, load,
    regenerate, unusable,
};
use credlink_trial_record::Contract;
use support::{CARRIERS, PIPELINES, evidence, header, invented, names, run, signed};

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_report_is_made_whole_from_header_and_rows_and_made_again_to_the_byte() {
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..6], 30);
    let dir = run(base.path(), &header, rows);
    let summary = regenerate(&dir).unwrap();
    let expected = TABLES.len() * FORMATS.len()
        + PLOTS.len() * PICTURES.len()
        + DOCUMENTS.len()
        + header.pipelines.len();
    assert_eq!(summary.files.len(), expected);
    let first = files(dir.root());
    assert_eq!(
        first.len(),
        expected + 2,
        "run.json, rows.parquet and nothing unfinished"
    );
    assert!(first.values().all(|bytes| bytes.len() > 50));
    for kind in TABLES {
        for format in FORMATS {
            assert!(first.contains_key(&dir.tables().join(format.file_name(kind.id))));
        }
    }
    for folder in [dir.tables(), dir.plots()] {
        std::fs::remove_dir_all(folder).unwrap();
    }
    let again = regenerate(&RunDir::open(dir.root()).unwrap()).unwrap();
    assert_eq!(again, summary);
    assert!(
        files(dir.root()) == first,
        "the same rows give the same bytes"
    );
}

#[test]
fn headers_come_back_as_they_were() {
    let base = tempfile::tempdir().unwrap();
    let dir = RunDir::create(base.path(), "r1").unwrap();
    let mut written = header(&CARRIERS, &PIPELINES);
    written.pipelines[0].contract = Some(Contract::ByteExact);
    written.skipped = names(&["a|b: \"no\"\nreason", "漢"]);
    dir.write_header(&written).unwrap();
    assert_eq!(dir.read_header().unwrap(), written);
}

#[test]
fn old_headers_open_with_defaults_and_unknown_fields_are_ignored() {
    let base = tempfile::tempdir().unwrap();
    let dir = RunDir::create(base.path(), "r1").unwrap();
    std::fs::write(
        dir.header(),
        r#"{"schema": 1, "id": "old", "a field of tomorrow": [1]}"#,
    )
    .unwrap();
    let expected = RunHeader {
        id: "old".to_owned(),
        ..RunHeader::default()
    };
    assert_eq!(dir.read_header().unwrap(), expected);
}

#[test]
fn newer_torn_and_mistyped_headers_are_refused_with_the_file() {
    let base = tempfile::tempdir().unwrap();
    let dir = RunDir::create(base.path(), "r1").unwrap();
    let refused = |text: &str| {
        std::fs::write(dir.header(), text).unwrap();
        dir.read_header().unwrap_err()
    };
    let newer = refused(&format!(
        r#"{{"schema": {}, "seed": "of another type"}}"#,
        HEADER_VERSION + 1
    ));
    assert!(
        matches!(newer, RunDirError::Newer { .. }) && newer.to_string().contains("run.json"),
        "{newer}"
    );
    for text in [
        "",
        "{\"schema\": 1, \"id\": \"r",
        "{\"schema\": 1, \"seed\": \"seven\"}",
    ] {
        let error = refused(text);
        assert!(matches!(error, RunDirError::Header { .. }), "{error}");
        let reason = std::error::Error::source(&error).unwrap().to_string();
        assert!(reason.contains("line"), "{reason}");
    }
}

#[test]
fn figures_that_json_cannot_hold_are_refused_by_field_and_leave_the_old_header() {
    let base = tempfile::tempdir().unwrap();
    let dir = RunDir::create(base.path(), "r1").unwrap();
    let good = header(&[], &[]);
    dir.write_header(&good).unwrap();
    let mut bad = good.clone();
    bad.cpu.by_category.insert("codecs".to_owned(), f64::NAN);
    let error = dir.write_header(&bad).unwrap_err();
    assert!(
        error.to_string().contains("cpu.by_category.codecs"),
        "{error}"
    );
    assert_eq!(dir.read_header().unwrap(), good);
}

#[test]
fn a_run_directory_is_never_used_twice_and_its_id_is_a_plain_name() {
    let base = tempfile::tempdir().unwrap();
    let below = base.path().join("made/on/the/way");
    let dir = RunDir::create(&below, "2026-01-31_a.b").unwrap();
    assert!(dir.signed().is_dir() && dir.proofs().is_dir());
    assert!(matches!(
        RunDir::create(&below, "2026-01-31_a.b"),
        Err(RunDirError::Exists { .. })
    ));
    for id in [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        ".hidden",
        "a b",
        "a\n",
        &"x".repeat(129),
    ] {
        assert!(
            matches!(RunDir::create(&below, id), Err(RunDirError::Id { .. })),
            "{id:?}"
        );
    }
    let file = base.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = RunDir::create(&file, "r").unwrap_err();
    assert!(
        matches!(error, RunDirError::Io(_)) && error.to_string().contains("file"),
        "{error}"
    );
    assert!(matches!(
        RunDir::open(base.path()),
        Err(RunDirError::NotARun { .. })
    ));
}

#[test]
fn reports_of_incomplete_runs_name_what_is_missing() {
    let base = tempfile::tempdir().unwrap();
    let dir = RunDir::create(base.path(), "r1").unwrap();
    dir.write_header(&header(&["manifest"], &["cdn/a"]))
        .unwrap();
    let error = regenerate(&dir).unwrap_err();
    assert!(
        matches!(error, ReportError::Read(_)) && error.to_string().contains("rows.parquet"),
        "{error}"
    );
    std::fs::write(dir.rows(), "PAR1").unwrap();
    assert!(
        regenerate(&dir)
            .unwrap_err()
            .to_string()
            .contains("not a complete Parquet file")
    );
    assert_eq!(files(&dir.tables()).len(), 0);
}

#[test]
fn a_curve_of_a_swept_parameter_is_a_picture_among_the_others() {
    let base = tempfile::tempdir().unwrap();
    let (mut header, rows) = invented(&PIPELINES[..6], 30);
    for (index, pipeline) in header.pipelines[2..4].iter_mut().enumerate() {
        pipeline.sweep = Some(SweepHeader {
            recipe: "edits/jpeg-quality".to_owned(),
            parameter: "quality".to_owned(),
            value: index as f64,
            unit: String::new(),
        });
    }
    let dir = run(base.path(), &header, rows);
    regenerate(&dir).unwrap();
    for picture in PICTURES {
        let name = format!("curve-edits--jpeg-quality-quality.{}", picture.extension);
        assert!(dir.plots().join(&name).is_file(), "{name}");
    }
}

#[test]
fn the_summary_reads_like_this() {
    let mut rows = Vec::new();
    for op in 0..500_u64 {
        let outcome = if op < 497 { "intact" } else { "error" };
        let hits: &[bool] = if op < 497 { &[true, op % 2 == 0] } else { &[] };
        rows.push(signed(op, "controls/identity", op as u32, outcome, hits));
    }
    for op in 500..510_u64 {
        rows.push(signed(
            op,
            "social/instagram",
            op as u32,
            "lost",
            &[false, false],
        ));
    }
    let mut header = header(
        &["manifest", "link"],
        &["controls/identity", "social/instagram", "cdn/never-run"],
    );
    header.partial = true;
    header.ops_done = 510;
    header.ops_planned = 10_000;
    header.controls[0].passed = false;
    let summary = Summary::new(&evidence(&header, rows), vec![]);
    let expected = "\
Survival through simulated pipelines, run test-run (PARTIAL: 510 of 10,000 ops)

Still in the file             0.0 % [0.0, 47.4]*
Found again through our store 0.0 % [0.0, 47.4]*
of 10 ops from 5 source files, controls apart.
Other readers see no credential in 100.0 % [52.6, 100.0]*,
  one that they call tampered with in 0.0 % [0.0, 47.4]*.

pipeline            n files  any 95 % interval  manifest   link
───────────────────────────────────────────────────────────────
controls/identity 500   250 99.4  [97.7, 99.9]      99.4   49.8
social/instagram   10     5  0.0   [0.0, 47.4]*      0.0    0.0
cdn/never-run       0     0       not measured
all (pooled)       10     5  0.0   [0.0, 47.4]*      0.0    0.0

Percent of n; each carrier on its own; * provisional, n below 100; files:
distinct source files behind n.
False accepts: not measured.
sign                    p95 1.00 ms (level 500 ms), met
verify, signed images   p95 5.00 ms (level 200 ms), met
verify, negative trials not measured
retrieve proof          p95 40.5 µs (level 100 ms), met
DO NOT USE these figures: the run is partial: 510 of 10,000 ops.
FAILED CONTROL identity is intact: 12 of 12
FAILED CONTROL unsigned images are never accepted: nothing was checked
12.3 s, 10.0 % of the CPU time outside codecs, hashing, resizing and watermarks,
300.0 MiB at peak.
";
    assert_eq!(summary.to_string(), expected);
}

#[test]
fn long_pipeline_names_lose_their_family_before_a_word_is_cut() {
    let header = header(
        &CARRIERS,
        &[
            "optimizers/imageoptim-lossy",
            "a/b/a-name-that-no-column-could-ever-hold",
        ],
    );
    let text = Summary::new(&evidence(&header, vec![]), vec![]).to_string();
    assert!(text.contains("\n…/imageoptim-lossy "), "{text}");
    assert!(text.contains("\n…-column-could-ever-hold "), "{text}");
}

#[test]
fn the_summary_fits_eighty_columns_whatever_the_names() {
    let long = "family/".to_owned() + &"long-name-".repeat(20);
    let lists: [Vec<String>; 4] = [
        vec![],
        names(&CARRIERS),
        (0..9)
            .map(|index| format!("carrier-with-long-name-{index}"))
            .collect(),
        (0..40).map(|index| format!("c{index}")).collect(),
    ];
    for carriers in lists {
        let carriers: Vec<&str> = carriers.iter().map(String::as_str).collect();
        let mut header = header(&carriers, &[&long, "a/b\u{1b}[31m", "漢/字"]);
        header.id = "r".repeat(128);
        header.controls[0].passed = false;
        header.controls[0].detail = "a detail \u{1b}[2J ".repeat(30) + &"x".repeat(250);
        let hits = vec![true; carriers.len()];
        let outcome = if hits.is_empty() { "lost" } else { "intact" };
        let rows = (0..3)
            .map(|op| signed(op, &long, op as u32, outcome, &hits))
            .collect();
        let text = Summary::new(&evidence(&header, rows), vec![]).to_string();
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
            assert!(!line.contains('\u{1b}'), "{line:?}");
        }
        let titles = text
            .lines()
            .find(|line| line.starts_with("pipeline "))
            .unwrap();
        assert!(
            titles.split_whitespace().count() > 4 + carriers.len().min(4),
            "{text}"
        );
        assert_eq!(
            text.matches('x').count(),
            250,
            "nothing of a failed control is left out"
        );
    }
}

#[test]
fn rows_of_another_run_and_edited_rows_are_refused_wherever_a_run_is_read() {
    let base = tempfile::tempdir().unwrap();
    let (mut header, rows) = invented(&PIPELINES[..3], 20);
    let [one, two] = ["one", "two"].map(|id| {
        header.id = id.to_owned();
        run(base.path(), &header, rows.clone())
    });
    assert!(load(&one).is_ok() && regenerate(&one).is_ok());
    // The same rows, but of the other run.
    std::fs::copy(two.rows(), one.rows()).unwrap();
    let refused = load(&one).unwrap_err();
    assert!(refused.to_string().contains("rows of run two"), "{refused}");
    // Rows of this run that are not those that the header was written over.
    std::fs::remove_file(two.rows()).unwrap();
    let mut writer = RowWriter::create(&two.rows(), &header.carriers).unwrap();
    for row in rows.iter().skip(1) {
        writer.push(row.clone()).unwrap();
    }
    writer.finish().unwrap();
    for refused in [
        load(&two).unwrap_err().to_string(),
        Report::read(&two).unwrap_err().to_string(),
        regenerate(&two).unwrap_err().to_string(),
    ] {
        assert!(refused.contains("its digest is"), "{refused}");
    }
    // Written over these rows, the header says that one is missing.
    two.write_header(&header).unwrap();
    let reason = unusable(&load(&two).unwrap()).unwrap();
    assert!(matches!(reason, Unusable::Rows { .. }), "{reason}");
}

#[test]
fn a_header_without_a_digest_gives_no_usable_figure() {
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..3], 20);
    let dir = run(base.path(), &header, rows);
    assert_eq!(unusable(&load(&dir).unwrap()), None);
    let text = std::fs::read_to_string(dir.header()).unwrap();
    let kept = text.lines().filter(|line| !line.contains("rows_digest"));
    std::fs::write(dir.header(), kept.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(unusable(&load(&dir).unwrap()), Some(Unusable::Unbound));
}

#[test]
fn rows_that_were_doubled_are_refused() {
    let (header, rows) = invented(&PIPELINES[..2], 20);
    let base = tempfile::tempdir().unwrap();
    // Every op again under a number of its own.
    let last = rows.iter().map(|row| row.op).max().unwrap();
    let mut doubled = rows.clone();
    doubled.extend(rows.iter().cloned().map(|mut row| {
        row.op += last + 1;
        row
    }));
    let mut twice = header.clone();
    twice.id = "twice".to_owned();
    let dir = run(base.path(), &twice, doubled);
    let refused = load(&dir).unwrap_err().to_string();
    assert!(refused.contains("twice as"), "{refused}");
}
