//! `rows.parquet`: what is written comes back, and what is not evidence is refused.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use std::fs::File;
use std::path::Path;

use credlink_reports::rows::schema::{SCHEMA_KEY, SCHEMA_VERSION, schema_table};
use credlink_reports::stats::Random;
use credlink_reports::tables::Value;
use credlink_reports::{
    RowError, RowWriter, Rows, RunDir, RunHeader, bound_header, load, read_rows, rows::read_columns,
};
use credlink_trial_record::{Cell, Outcome, Row, State};
use polars::prelude::{Column, DataFrame, KeyValueMetadata, ParquetWriter};
use support::{names, signed, unsigned};

fn write(path: &Path, carriers: &[&str], rows: &[Row]) {
    let mut writer = RowWriter::create(path, &names(carriers)).unwrap();
    for row in rows {
        writer.push(row.clone()).unwrap();
    }
    assert_eq!(writer.len(), rows.len() as u64);
    assert_eq!(writer.finish().unwrap(), rows.len() as u64);
}

fn all(rows: &Rows) -> Vec<Row> {
    (0..rows.len())
        .map(|index| rows.row(index).unwrap())
        .collect()
}

/// Rows that use every column, null where null is allowed, and words of every kind.
fn various() -> Vec<Row> {
    let mut bare = signed(0, "a/b", 3, "error", &[]);
    bare.received_format = String::new();
    bare.error = Some("line\nbreak, \"quotes\" and | pipes".to_owned());
    let mut full = signed(1, "social/straße", 4, "recovered", &[false, true]);
    full.name = "写真 📷 é\u{301}.jpeg".to_owned();
    full.recovered_by = Some("link".to_owned());
    full.carriers[0].codes = "assertion.dataHash.mismatch,signingCredential.untrusted".to_owned();
    full.carriers[1].quality = None;
    let mut wide = unsigned(2, "a/b", u32::MAX, "accepted", &[true, false]);
    wide.op = u64::MAX;
    wide.grade = 'Ä';
    wide.sign_ns = u64::MAX;
    wide.carriers[0] = Cell {
        embedded: None,
        state: State::Failed,
        proof: Some(String::new()),
        accepted: true,
        distance: Some(u32::MAX),
        quality: Some(0),
        codes: "漢".to_owned(),
        ns: u64::MAX,
        own: Some(u32::MAX),
        wrong: Some(0),
        bits: Some(63),
        bytes: Some(1),
        sign_ns: 2,
    };
    vec![bare, full, wide]
}

#[test]
fn rows_come_back_as_they_were_with_nulls_and_unicode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    write(&path, &["manifest", "link"], &various());
    let rows = read_rows(&path).unwrap();
    assert_eq!(rows.carriers(), names(&["manifest", "link"]));
    assert_eq!(all(&rows), various());
    assert!(
        rows.frame().column("issued").unwrap().null_count() == 1,
        "null, not an empty word"
    );
}

#[test]
fn many_row_groups_written_in_any_order_come_back_in_the_order_of_ops() {
    let folder = tempfile::tempdir().unwrap();
    let ops: Vec<u64> = (0..20_000).collect();
    let mut mixed = ops.clone();
    let mut dice = Random::new(1);
    for index in (1..mixed.len()).rev() {
        mixed.swap(index, (dice.bits() % (index as u64 + 1)) as usize);
    }
    assert_ne!(mixed, ops);
    let row = |op: &u64| signed(*op, "a/b", *op as u32, "lost", &[false]);
    let [sorted_path, mixed_path] = ["sorted", "mixed"].map(|name| folder.path().join(name));
    write(
        &sorted_path,
        &["manifest"],
        &ops.iter().map(row).collect::<Vec<_>>(),
    );
    write(
        &mixed_path,
        &["manifest"],
        &mixed.iter().map(row).collect::<Vec<_>>(),
    );
    let sorted = read_rows(&sorted_path).unwrap();
    let mixed = read_rows(&mixed_path).unwrap();
    assert_eq!(sorted.len(), 20_000);
    assert!(sorted.frame().equals_missing(mixed.frame()));
    assert_eq!(mixed.row(12_345).unwrap(), row(&12_345));
}

#[test]
fn no_row_at_all_is_a_file_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    write(&path, &["manifest"], &[]);
    let rows = read_rows(&path).unwrap();
    assert!(rows.is_empty());
    assert_eq!(rows.carriers(), names(&["manifest"]));
}

#[test]
fn an_unfinished_file_never_has_the_final_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let mut writer = RowWriter::create(&path, &names(&["manifest"])).unwrap();
    for op in 0..9000 {
        writer.push(signed(op, "a/b", 0, "lost", &[false])).unwrap();
    }
    assert!(!path.exists());
    let begun = std::fs::read_dir(folder.path()).unwrap().next();
    let begun = begun.unwrap().unwrap().path();
    assert!(matches!(
        read_rows(&begun),
        Err(RowError::Incomplete { .. })
    ));
    // Two writers do not meet; the first to finish has the name, and its rows stay.
    let row = signed(0, "a/b", 0, "lost", &[false]);
    let mut other = RowWriter::create(&path, &names(&["manifest"])).unwrap();
    other.push(row.clone()).unwrap();
    drop(writer);
    assert!(!path.exists(), "dropping is not finishing");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    write(&path, &["manifest"], &[row]);
    assert!(matches!(other.finish(), Err(RowError::Exists { .. })));
    assert_eq!(read_rows(&path).unwrap().len(), 1);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let again = RowWriter::create(&path, &names(&["manifest"]));
    assert!(matches!(again, Err(RowError::Exists { .. })));
}

#[test]
fn an_op_that_is_there_twice_is_refused_when_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let mut writer = RowWriter::create(&path, &names(&["manifest"])).unwrap();
    writer.push(signed(7, "a/b", 0, "lost", &[false])).unwrap();
    let twice = writer.push(unsigned(7, "c/d", 1, "rejected", &[false]));
    assert!(matches!(twice, Err(RowError::Duplicate { op: 7 })));
    writer.push(signed(8, "a/b", 0, "lost", &[false])).unwrap();
    assert_eq!(writer.finish().unwrap(), 2);
}

#[test]
fn rows_that_contradict_themselves_are_refused_with_op_and_field() {
    let carriers = names(&["manifest", "link"]);
    let good = signed(5, "a/b", 0, "recovered", &[false, true]);
    assert_eq!(good.check(&carriers), Ok(()));
    let changed = |change: fn(&mut Row)| {
        let mut row = good.clone();
        change(&mut row);
        row
    };
    let wrong = [
        (changed(|r| r.outcome = Outcome::Rejected), "signed trial"),
        (changed(|r| r.survived = false), "survived"),
        (changed(|r| r.outcome = Outcome::Lost), "survived"),
        (
            changed(|r| r.carriers[1].accepted = false),
            "no carrier accepted",
        ),
        (
            changed(|r| r.recovered_by = Some("watermark".to_owned())),
            "watermark",
        ),
        (changed(|r| r.carriers.truncate(1)), "carriers"),
        (changed(|r| r.carriers.clear()), "carriers"),
        (signed(5, "a/b", 0, "lost", &[true, false]), "accepted"),
        (
            signed(5, "a/b", 0, "unconfirmed", &[true, false]),
            "accepted",
        ),
        (
            unsigned(5, "a/b", 0, "rejected", &[true, false]),
            "accepted",
        ),
        (
            unsigned(5, "a/b", 0, "accepted", &[false, false]),
            "accepted",
        ),
        (unsigned(5, "a/b", 0, "error", &[true, false]), "accepted"),
        (
            unsigned(5, "a/b", 0, "lost", &[false, false]),
            "unsigned trial",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let mut writer = RowWriter::create(&path, &carriers).unwrap();
    for (row, says) in wrong {
        let error = writer.push(row.clone()).unwrap_err();
        let message = error.to_string();
        assert!(
            matches!(error, RowError::Inconsistent { op: 5, .. }),
            "{message}"
        );
        assert!(
            message.contains(says) && message.contains("a/b"),
            "{message}: {says}"
        );
    }
    // A wrong proof decides over a right one that another carrier found.
    writer
        .push(signed(6, "a/b", 0, "misattributed", &[true, false]))
        .unwrap();
    assert_eq!(writer.finish().unwrap(), 1);
}

#[test]
fn carrier_lists_that_cannot_name_columns_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<String> = (0..65).map(|index| format!("c{index}")).collect();
    for (list, says) in [
        (names(&["a", ""]), "name"),
        (names(&["a", "b", "a"]), "twice"),
        (names(&["sign"]), "clash"),
        (many, "64"),
    ] {
        let path = folder.path().join("rows.parquet");
        let error = RowWriter::create(&path, &list).unwrap_err();
        assert!(
            matches!(error, RowError::Carrier { .. }) && error.to_string().contains(says),
            "{error}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn only_the_columns_asked_for_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    write(&path, &["manifest", "link"], &various());
    let rows = read_columns(&path, &["pipeline"], &["accepted"]).unwrap();
    assert_eq!(
        rows.frame().width(),
        4,
        "op, pipeline and one column per carrier"
    );
    assert_eq!(rows.carriers().len(), 2);
    assert_eq!(rows.flags("link_accepted").unwrap().get(1), Some(true));
    assert!(matches!(rows.row(0), Err(RowError::MissingColumn { .. })));
    assert!(matches!(rows.texts("op"), Err(RowError::ColumnType { .. })));
}

#[test]
fn a_file_cut_anywhere_is_refused_as_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    write(&path, &["manifest", "link"], &various());
    let whole = std::fs::read(&path).unwrap();
    for length in (0..whole.len())
        .step_by(97)
        .chain([1, 4, 11, 12, whole.len() - 1])
    {
        let cut = folder.path().join("cut.parquet");
        std::fs::write(&cut, &whole[..length]).unwrap();
        let error = read_rows(&cut).unwrap_err();
        assert!(
            matches!(error, RowError::Incomplete { .. }),
            "{length}: {error}"
        );
    }
}

/// The Parquet library takes the sizes in damaged pages at their word, and asks for exabytes: so no page of a run's rows is
/// looked at before their digest.
#[test]
fn a_damaged_file_is_refused_before_anything_in_it_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = RunDir::create(folder.path(), "run").unwrap();
    let carriers = ["manifest", "link"];
    write(&run_dir.rows(), &carriers, &various());
    let header = RunHeader {
        id: "run".to_owned(),
        carriers: names(&carriers),
        ..RunHeader::default()
    };
    run_dir.write_header(&header).unwrap();
    bound_header(&run_dir).unwrap();
    let whole = std::fs::read(run_dir.rows()).unwrap();
    let mut dice = Random::new(3);
    for _ in 0..150 {
        let mut bytes = whole.clone();
        for _ in 0..8 {
            let place = 4 + (dice.bits() as usize) % (whole.len() - 8);
            bytes[place] ^= 1 << (dice.bits() % 8);
        }
        std::fs::write(run_dir.rows(), &bytes).unwrap();
        assert!(load(&run_dir).is_err() || bytes == whole);
    }
}

#[test]
fn missing_files_and_other_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let absent = read_rows(&folder.path().join("absent.parquet")).unwrap_err();
    assert!(absent.to_string().contains("absent.parquet"), "{absent}");
    let text = folder.path().join("text.parquet");
    std::fs::write(
        &text,
        "PAR1 is how a Parquet file begins, but this is none PAR1",
    )
    .unwrap();
    assert!(matches!(read_rows(&text), Err(RowError::Incomplete { .. })));
}

/// A Parquet file with our metadata but columns of the test's choosing.
fn foreign(path: &Path, version: Option<&str>, columns: Vec<Column>) {
    let mut frame = DataFrame::new(columns[0].len(), columns).unwrap();
    let metadata =
        version.map(|v| KeyValueMetadata::from_static(vec![(SCHEMA_KEY.to_owned(), v.to_owned())]));
    ParquetWriter::new(File::create(path).unwrap())
        .with_key_value_metadata(metadata)
        .finish(&mut frame)
        .unwrap();
}

#[test]
fn other_schemas_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.parquet");
    let op = |values: &[u64]| Column::new("op".into(), values);
    foreign(&path, None, vec![op(&[1])]);
    assert!(matches!(read_rows(&path), Err(RowError::Foreign { .. })));
    let newer = (SCHEMA_VERSION + 1).to_string();
    foreign(&path, Some(&newer), vec![op(&[1])]);
    let error = read_rows(&path).unwrap_err();
    assert!(
        matches!(error, RowError::Newer { .. }) && error.to_string().contains("use a newer"),
        "{error}"
    );
    let now = SCHEMA_VERSION.to_string();
    foreign(&path, Some(&now), vec![op(&[1])]);
    assert!(
        matches!(read_rows(&path), Err(RowError::MissingColumn { column, .. }) if column == "trial")
    );
    foreign(&path, Some(&now), vec![Column::new("op".into(), &[1_u32])]);
    let wrong_type = read_columns(&path, &[], &[]).unwrap_err();
    assert!(
        wrong_type.to_string().contains("u64") && wrong_type.to_string().contains("u32"),
        "{wrong_type}"
    );
    foreign(
        &path,
        Some(&now),
        vec![Column::new("op".into(), &[Some(1_u64), None])],
    );
    assert!(
        read_columns(&path, &[], &[])
            .unwrap_err()
            .to_string()
            .contains("null")
    );
    foreign(&path, Some(&now), vec![op(&[1, 2, 1])]);
    assert!(matches!(
        read_columns(&path, &[], &[]),
        Err(RowError::Duplicate { op: 1 })
    ));
}

#[test]
fn the_schema_page_is_the_schema_and_the_file_has_exactly_its_columns() {
    let markdown = credlink_reports::formats::FORMATS[0];
    let page = (markdown.render)(&schema_table());
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/SCHEMA.md");
    if std::env::var_os("CREDLINK_BLESS").is_some() {
        std::fs::write(kept, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(kept).unwrap(),
        page,
        "SCHEMA.md has drifted; run this test once with CREDLINK_BLESS=1"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    write(&path, &["manifest"], &[]);
    let rows = read_rows(&path).unwrap();
    let documented: Vec<String> = schema_table()
        .rows
        .iter()
        .map(|row| match &row[0] {
            Value::Text(name) => name.trim_matches('`').replace("{carrier}", "manifest"),
            other => panic!("{other:?}"),
        })
        .collect();
    let written: Vec<String> = rows
        .frame()
        .get_column_names()
        .iter()
        .map(|name| name.to_string())
        .collect();
    assert_eq!(written, documented);
}
