//! Tables against counts made by hand, and laws that hold for any run.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use credlink_reports::formats::FORMATS;
use credlink_reports::stats::Rate;
use credlink_reports::tables::{
    Evidence, EvidenceError, LevelVerdict, TABLES, Table, Value, latencies,
};
use credlink_reports::{RowWriter, read_rows};
use credlink_trial_record::{Outcome, Row, Trial};
use support::{CARRIERS, PIPELINES, evidence, header, invented, names, signed, unsigned};

/// Ten signed ops and four controls whose every count can be checked by hand; images share a file two by two.
fn by_hand() -> Vec<Row> {
    let mut rows = vec![
        signed(0, "cdn/a", 0, "intact", &[true, true]),
        signed(1, "cdn/a", 1, "recovered", &[false, true]),
        signed(2, "cdn/a", 2, "lost", &[false, false]),
        signed(3, "cdn/a", 3, "error", &[]),
        signed(4, "social/b", 0, "resigned", &[true, false]),
        signed(5, "social/b", 1, "broken", &[false, false]),
        signed(6, "social/b", 2, "unconfirmed", &[false, false]),
        // One carrier is right, the other names another proof, and that decides.
        signed(7, "social/b", 3, "misattributed", &[true, false]),
        signed(8, "social/b", 4, "recovered", &[false, true]),
        signed(9, "social/b", 5, "lost", &[false, false]),
        unsigned(10, "cdn/a", 0, "rejected", &[false, false]),
        unsigned(11, "cdn/a", 1, "accepted", &[false, true]),
        unsigned(12, "cdn/a", 2, "error", &[]),
        unsigned(13, "cdn/a", 3, "rejected", &[false, false]),
    ];
    rows[1].recovered_by = Some("link".to_owned());
    rows[8].recovered_by = Some("link".to_owned());
    rows
}

const HAND: [&str; 3] = ["cdn/a", "social/b", "social/c"];

fn hand_evidence() -> Evidence {
    evidence(&header(&["manifest", "link"], &HAND), by_hand())
}

fn table(evidence: &Evidence, id: &str) -> Table {
    (TABLES.iter().find(|kind| kind.id == id).unwrap().make)(evidence)
}

/// The Markdown table alone, without title and notes.
fn markdown(evidence: &Evidence, id: &str) -> String {
    let text = (FORMATS[0].render)(&table(evidence, id));
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    lines.join("\n")
}

#[test]
fn survival_agrees_with_counting_by_hand() {
    let expected = "\
| pipeline | family | grade | n | images | sources | survived | by any carrier | by manifest | by link | outcomes |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
| cdn/a | cdn | B | 4 | 4 | 2 | 2 | 50.0 % [1.4, 98.6]\\* | 25.0 % [0.7, 86.5]\\* | 50.0 % [1.4, 98.6]\\* | intact 1, recovered 1, lost 1, error 1 |
| social/b | social | B | 6 | 6 | 3 | 2 | 33.3 % [5.2, 78.7]\\* | 33.3 % [5.2, 78.7]\\* | 16.7 % [0.5, 73.2]\\* | resigned 1, recovered 1, unconfirmed 1, broken 1, lost 1, misattributed 1 |
| social/c | social | B | 0 | 0 | 0 | not measured | not measured | not measured | not measured | not measured |";
    assert_eq!(markdown(&hand_evidence(), "survival"), expected);
}

#[test]
fn families_carriers_and_false_accepts_agree_with_counting_by_hand() {
    let evidence = hand_evidence();
    assert_eq!(
        markdown(&evidence, "families")
            .lines()
            .skip(2)
            .collect::<Vec<_>>(),
        [
            // Few sources say little.
            "| cdn | 4 | 4 | 2 | 2 | 50.0 % [1.4, 98.6]\\* | 25.0 % [0.7, 86.5]\\* | 50.0 % [1.4, 98.6]\\* | intact 1, recovered 1, lost 1, error 1 |",
            "| social | 6 | 6 | 3 | 2 | 33.3 % [5.2, 78.7]\\* | 33.3 % [5.2, 78.7]\\* | 16.7 % [0.5, 73.2]\\* | resigned 1, recovered 1, unconfirmed 1, broken 1, lost 1, misattributed 1 |",
            "| all families | 10 | 6 | 3 | 4 | 40.0 % [5.0, 84.5]\\* | 30.0 % [5.2, 77.9]\\* | 30.0 % [4.0, 79.9]\\* | intact 1, resigned 1, recovered 2, unconfirmed 1, broken 1, lost 2, misattributed 1, error 1 |",
        ]
    );
    assert_eq!(
        markdown(&evidence, "carriers")
            .lines()
            .skip(2)
            .collect::<Vec<_>>(),
        [
            "| manifest | 10 | 6 | 3 | 30.0 % [5.2, 77.9]\\* | 10.0 % [0.3, 71.7]\\* | 0 |",
            "| link | 10 | 6 | 3 | 30.0 % [4.0, 79.9]\\* | 20.0 % [2.8, 76.6]\\* | 2 |",
        ]
    );
    // The error is counted apart and not in n; the accept is the link's.
    assert_eq!(
        markdown(&evidence, "false-accepts")
            .lines()
            .skip(2)
            .collect::<Vec<_>>(),
        [
            "| all kinds | all pipelines | 3 | 4 | 2 | 1 | 1 (≤ 87 %) | 0 (≤ 81 %) | 1 (≤ 87 %) |",
            "| unsigned | all pipelines | 3 | 4 | 2 | 1 | 1 (≤ 87 %) | 0 (≤ 81 %) | 1 (≤ 87 %) |",
            "| unsigned | cdn/a | 3 | 4 | 2 | 1 | 1 (≤ 87 %) | 0 (≤ 81 %) | 1 (≤ 87 %) |",
            "| unsigned | social/b | 0 | 0 | 0 | 0 | not measured | not measured | not measured |",
            "| unsigned | social/c | 0 | 0 | 0 | 0 | not measured | not measured | not measured |",
        ]
    );
}

#[test]
fn every_kind_of_negative_trial_is_counted_by_itself_and_never_as_survival() {
    let kinds = Trial::NEGATIVES;
    let rows = (0..20 * kinds.len() as u64).map(|op| Row {
        trial: kinds[op as usize % kinds.len()],
        ..unsigned(
            op,
            HAND[op as usize % 2],
            op as u32,
            "rejected",
            &[false; 2],
        )
    });
    let mut rows: Vec<Row> = rows.collect();
    (rows[3].outcome, rows[3].carriers[1].accepted) = (Outcome::Accepted, true);
    let evidence = evidence(&header(&["manifest", "link"], &HAND), rows);
    let controls = evidence.negatives();
    assert_eq!(controls.kinds.len(), kinds.len());
    for (kind, control) in kinds.into_iter().zip(&controls.kinds) {
        assert_eq!(control.trial, Some(kind));
        let k = u64::from(kind == Trial::WatermarkCopy);
        assert_eq!(control.accepted.rate, Rate { k, n: 20 });
        assert_eq!(control.carriers[1].rate, Rate { k, n: 20 });
    }
    assert_eq!(
        controls.all.accepted.rate,
        Rate {
            k: 1,
            n: 20 * kinds.len() as u64
        }
    );
    assert_eq!(evidence.overall().n, 0);
    let text = markdown(&evidence, "false-accepts");
    assert!(
        text.contains("| watermark-copy | social/b | 10 | 10 | 10 | 0 | 1 (≤ 40 %) |"),
        "{text}"
    );
    assert!(
        text.contains("| look-alike | cdn/a | 10 | 10 | 10 | 0 | 0 (≤ 26 %) |"),
        "{text}"
    );
}

#[test]
fn latency_counts_signing_once_an_image_and_leaves_out_what_did_not_run() {
    let mut rows = Vec::new();
    for op in 0..600_u64 {
        // 250 images, each on two or three ops; signing takes 1 to 250 ms.
        let mut row = signed(
            op,
            HAND[op as usize / 250],
            (op % 250) as u32,
            "lost",
            &[false, false],
        );
        row.sign_ns = (op % 250 + 1) * 1_000_000;
        row.verify_ns = if op < 300 { 300_000_000 } else { 0 };
        row.retrieve_ns = if op < 199 { 1_000 } else { 0 };
        rows.push(row);
    }
    let evidence = evidence(&header(&["manifest", "link"], &HAND), rows);
    let all = latencies(&evidence);
    let named = |name: &str| all.iter().find(|latency| latency.name == name).unwrap();
    let sign = named("sign");
    assert_eq!(
        (sign.quantiles.n, sign.verdict()),
        (250, Some(LevelVerdict::Met))
    );
    assert_eq!(
        sign.quantiles.permille(950),
        Some(238_000_000),
        "rank ⌈0.95 · 250⌉ = 238"
    );
    assert_eq!(
        sign.quantiles.permille(990),
        None,
        "250 values do not support p99"
    );
    let verify = named("verify, signed images");
    assert_eq!(
        (verify.quantiles.n, verify.verdict()),
        (300, Some(LevelVerdict::NotMet))
    );
    assert_eq!(
        named("verify, negative trials").verdict(),
        Some(LevelVerdict::NotMeasured)
    );
    let retrieve = named("retrieve proof");
    assert_eq!(
        (retrieve.quantiles.n, retrieve.verdict()),
        (199, Some(LevelVerdict::NotMeasured))
    );
    assert_eq!(named("link").verdict(), None);
    assert_eq!(named("cdn/a").quantiles.n, 250);
    let text = markdown(&evidence, "latency");
    let line = |start: &str| {
        text.lines()
            .find(|line| line.starts_with(start))
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        line("| service | sign"),
        "| service | sign | 250 | 125 ms | 225 ms | 238 ms | too few | too few | 250 ms | 500 ms | met |"
    );
    assert_eq!(
        line("| pipeline | social/c"),
        "| pipeline | social/c | 100 | 30.0 ms | 30.0 ms | too few | too few | too few | 30.0 ms | – | – |"
    );
    assert!(line("| service | verify, signed").ends_with("| 200 ms | not met |"));
    assert!(line("| service | retrieve").ends_with("| 100 ms | not measured |"));
}

#[test]
fn a_service_level_is_met_exactly_at_its_bound_and_not_above_it() {
    for (nanos, verdict) in [
        (200_000_000, LevelVerdict::Met),
        (200_000_001, LevelVerdict::NotMet),
    ] {
        let rows = (0..200).map(|op| Row {
            verify_ns: nanos,
            ..signed(op, "cdn/a", op as u32, "lost", &[false])
        });
        let evidence = evidence(&header(&["link"], &["cdn/a"]), rows.collect());
        assert_eq!(latencies(&evidence)[1].verdict(), Some(verdict));
    }
}

#[test]
fn counts_obey_their_laws_in_an_invented_run() {
    let (header, rows) = invented(&PIPELINES, 60);
    let evidence = evidence(&header, rows.clone());
    let mut sum = 0;
    let pipelines = evidence.by_pipeline();
    assert_eq!(pipelines.len(), PIPELINES.len());
    let pooled = evidence
        .by_family()
        .into_iter()
        .map(|(_, tally)| tally)
        .chain([evidence.overall()]);
    for tally in pipelines.iter().map(|p| p.tally.clone()).chain(pooled) {
        assert_eq!(tally.outcomes.len(), Outcome::SIGNED.len());
        assert_eq!(
            tally.outcomes.iter().sum::<u64>(),
            tally.n,
            "outcomes add up to n"
        );
        assert!(tally.sources <= tally.images && tally.images <= tally.n);
        let unique: u64 = tally
            .carriers
            .iter()
            .map(|carrier| carrier.unique.rate.k)
            .sum();
        assert!(unique <= tally.survived());
        for carrier in &tally.carriers {
            assert!(
                carrier.alone.rate.k <= tally.survived(),
                "any carrier does at least as well as one"
            );
            assert!(carrier.unique.rate.k <= carrier.alone.rate.k);
            assert!(carrier.recovered <= tally.outcome(Outcome::Recovered));
        }
        sum += tally.n;
    }
    let signed: Vec<_> = rows
        .iter()
        .filter(|row| row.trial == Trial::Signed)
        .collect();
    let of_controls = signed.iter().filter(|row| row.family == "controls").count() as u64;
    let signed = signed.len() as u64;
    assert!(of_controls > 0);
    assert_eq!(
        sum,
        3 * signed - of_controls,
        "pipelines and families each count every op once, the whole those of no control"
    );
    let controls = evidence.negatives();
    let by_pipeline: u64 = controls
        .pipelines
        .iter()
        .map(|control| control.accepted.rate.n)
        .sum();
    assert_eq!(by_pipeline, controls.all.accepted.rate.n);
    assert_eq!(by_pipeline + signed, rows.len() as u64);
}

#[test]
fn the_order_of_rows_in_the_file_changes_no_byte_of_any_table() {
    let (header, rows) = invented(&PIPELINES[..5], 40);
    let mut backwards = rows.clone();
    backwards.reverse();
    let [one, two] = [rows, backwards].map(|rows| evidence(&header, rows));
    for kind in TABLES {
        for format in FORMATS {
            assert_eq!(
                (format.render)(&(kind.make)(&one)),
                (format.render)(&(kind.make)(&two)),
                "{}",
                kind.id
            );
        }
    }
}

#[test]
fn every_table_is_rectangular_has_unique_keys_and_says_simulated() {
    let (full, rows) = invented(&PIPELINES, 20);
    // A carrier named like another column must not take its place.
    let odd = header(&["any", "n"], &HAND);
    for evidence in [
        evidence(&full, rows),
        hand_evidence(),
        evidence(&odd, vec![]),
    ] {
        for kind in TABLES {
            let table = (kind.make)(&evidence);
            assert_eq!(table.id, kind.id);
            assert!(
                table
                    .rows
                    .iter()
                    .all(|row| row.len() == table.columns.len()),
                "{}",
                kind.id
            );
            let mut keys: Vec<&str> = table
                .columns
                .iter()
                .map(|column| column.key.as_str())
                .collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), table.columns.len(), "{}", kind.id);
            assert!(table.title.contains("simulated"), "{}", table.title);
        }
    }
    assert!(TABLES.len() >= 5);
}

#[test]
fn nothing_measured_is_never_shown_as_a_rate() {
    let evidence = evidence(&header(&CARRIERS, &PIPELINES), vec![]);
    for kind in TABLES {
        let table = (kind.make)(&evidence);
        assert!(!table.rows.is_empty(), "{}", kind.id);
        let rates = table.rows.iter().flatten().filter(|value| {
            matches!(
                value,
                Value::Rate(..) | Value::Bound(..) | Value::Number(_) | Value::Estimate(..)
            )
        });
        assert_eq!(rates.count(), 0, "{}", kind.id);
        assert!(
            (FORMATS[0].render)(&table).contains("not measured"),
            "{}",
            kind.id
        );
    }
}

#[test]
fn a_run_of_errors_alone_survives_at_zero_percent_of_its_n() {
    let rows = (0..150).map(|op| signed(op, "cdn/a", op as u32, "error", &[]));
    let evidence = evidence(&header(&["manifest"], &["cdn/a"]), rows.collect());
    assert_eq!(evidence.overall().any.rate, Rate { k: 0, n: 150 });
    // Of 75 sources none kept anything.
    let (rate, low, high) = shown(&table(&evidence, "survival"), "cdn/a", "any");
    assert_eq!((rate, low), (0.0, 0.0));
    assert!((2.0..6.0).contains(&high), "{high}");
    assert!(markdown(&evidence, "survival").contains("| error 150 |"));
}

#[test]
fn partial_runs_and_failed_controls_are_said_under_every_table() {
    let mut header = header(&["manifest", "link"], &HAND);
    header.partial = true;
    header.ops_done = 14;
    header.controls[0].passed = false;
    let evidence = evidence(&header, by_hand());
    for kind in TABLES {
        let notes = (kind.make)(&evidence).notes.join("\n");
        assert!(notes.contains("Partial run: 14 of 100 ops"), "{}", kind.id);
        assert!(
            notes.contains("FAILED CONTROL identity is intact"),
            "{}",
            kind.id
        );
    }
}

#[test]
fn header_and_rows_of_different_runs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let mut writer = RowWriter::create(&path, &names(&["manifest", "link"])).unwrap();
    for row in by_hand() {
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
    let rows = read_rows(&path).unwrap();
    let refused = |header| Evidence::new(header, &rows).unwrap_err();
    let other_carriers = refused(header(&["link", "manifest"], &HAND));
    assert!(
        matches!(other_carriers, EvidenceError::Carriers { .. }),
        "{other_carriers}"
    );
    let other_pipelines = refused(header(&["manifest", "link"], &HAND[..1]));
    assert!(
        other_pipelines.to_string().contains("social/b"),
        "{other_pipelines}"
    );
    let twice = refused(header(
        &["manifest", "link"],
        &["cdn/a", "social/b", "cdn/a"],
    ));
    assert!(matches!(twice, EvidenceError::Twice { .. }), "{twice}");
}

/// Views of few files in three pipelines and a control: every figure that several tables show.
fn shared() -> Evidence {
    let pipelines = ["controls/identity", "cdn/a", "cdn/b", "social/c"];
    let mut rows = Vec::new();
    for (index, pipeline) in pipelines.iter().enumerate() {
        for image in 0..120_u32 {
            let kept = index == 0 || image % 40 > index as u32;
            let link = kept && image % 3 > 0;
            let outcome = if kept { "recovered" } else { "lost" };
            let mut row = signed(rows.len() as u64, pipeline, image, outcome, &[kept, link]);
            // Views of one file, few of most and many of some.
            row.source = format!("file-{}", (image * image / 120).min(70));
            rows.push(row);
        }
    }
    let mut header = header(&["fingerprint", "link"], &pipelines);
    (header.ops_planned, header.ops_done) = (rows.len() as u64, rows.len() as u64);
    evidence(&header, rows)
}

/// What a table shows in a column of the line that begins so, in percent.
fn shown(table: &Table, first: &str, column: &str) -> (f64, f64, f64) {
    let place = |key: &str| table.columns.iter().position(|known| known.key == key);
    let begins = |row: &&Vec<Value>| row[..2].contains(&Value::text(first));
    let row = table.rows.iter().find(begins).unwrap();
    match &row[place(column).unwrap()] {
        Value::Rate(rate, interval) => (
            rate.value().unwrap() * 100.0,
            interval.low * 100.0,
            interval.high * 100.0,
        ),
        Value::Estimate(value, interval) => (*value, interval.low, interval.high),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_figure_has_one_interval_in_every_table() {
    let evidence = shared();
    let same = |figures: &[(&str, &str, &str)]| {
        let all: Vec<(f64, f64, f64)> = figures
            .iter()
            .map(|(id, first, column)| shown(&table(&evidence, id), first, column))
            .collect();
        for other in &all {
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
            let (first, second) = (&all[0], other);
            let same =
                near(first.0, second.0) && near(first.1, second.1) && near(first.2, second.2);
            assert!(same, "{figures:?}: {all:?}");
        }
        all[0]
    };
    let (rate, low, high) = same(&[("survival", "cdn/b", "any"), ("claims", "cdn/b", "any")]);
    assert!(low < rate && rate < high);
    let pooled = same(&[
        ("families", "all families", "any"),
        ("overall", "pooled", "any"),
        ("claims", "all pipelines", "any"),
        ("strata", "all images", "any"),
        ("layers", "fingerprint + link", "kept"),
    ]);
    same(&[
        ("families", "all families", "by_link"),
        ("overall", "pooled", "by_link"),
        ("carriers", "link", "alone"),
        ("layers", "link", "kept"),
        ("embedded", "link", "all"),
    ]);
    // Controls lose nothing, and are in none of them.
    assert!(pooled.0 < 95.0, "{pooled:?}");
    let worst = shown(&table(&evidence, "overall"), "worst pipeline", "any");
    assert_eq!(
        worst,
        shown(&table(&evidence, "survival"), "social/c", "any")
    );
}
