//! Comparisons of runs: what is called a change, what is refused, what noise does.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail loudly and say by how much"
)]

#[path = "../examples/power.rs"]
mod power;
mod support;

use credlink_reports::RunHeader;
use credlink_reports::compare::{Change, CompareError, agreements, compare, write_agreements};
use credlink_reports::stats::Equivalence;
use credlink_reports::tables::Evidence;
use credlink_trial_record::{Outcome, Row};
use support::{evidence, header, signed, unsigned};

const PIPELINES: [&str; 3] = ["cdn/a", "cdn/b", "social/c"];

/// A run of `images` images through three pipelines; `lost` says which (pipeline, image) lost its proof.
fn rows(images: u32, lost: impl Fn(usize, u32) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, pipeline) in PIPELINES.iter().enumerate() {
        for image in 0..images {
            let op = rows.len() as u64;
            let (outcome, accepted) = if lost(index, image) {
                ("lost", [false, false])
            } else {
                ("intact", [true, image.is_multiple_of(2)])
            };
            let mut row = signed(op, pipeline, image, outcome, &accepted);
            row.source = format!("file-{image}");
            rows.push(row);
        }
    }
    rows.push(unsigned(
        rows.len() as u64,
        PIPELINES[0],
        images,
        "rejected",
        &[false; 2],
    ));
    rows
}

fn head(rows: &[Row]) -> RunHeader {
    let mut header = header(&["manifest", "link"], &PIPELINES);
    (header.ops_planned, header.ops_done) = (rows.len() as u64, rows.len() as u64);
    header
}

fn made(rows: Vec<Row>) -> Evidence {
    evidence(&head(&rows), rows)
}

fn edited(rows: Vec<Row>, edit: impl Fn(&mut RunHeader)) -> Evidence {
    let mut header = head(&rows);
    edit(&mut header);
    evidence(&header, rows)
}

#[test]
fn the_same_run_twice_has_not_changed() {
    let lost = |_: usize, image: u32| image.is_multiple_of(7);
    let comparison = compare(&made(rows(300, lost)), &made(rows(300, lost)), false).unwrap();
    assert_eq!(comparison.verdict(), Change::Same);
    assert!(comparison.paired);
    assert_eq!(
        comparison.survival.len(),
        9,
        "three pipelines by any carrier and two carriers"
    );
    assert!(
        comparison
            .survival
            .iter()
            .all(|line| line.changed == Some((0, 0)) && line.p == 1.0)
    );
}

#[test]
fn a_loss_in_one_pipeline_is_found_there_with_its_size_and_nowhere_else() {
    let before = made(rows(400, |_, image| image.is_multiple_of(10)));
    let after = made(rows(400, |pipeline, image| {
        image.is_multiple_of(10) || (pipeline == 1 && image % 10 == 1)
    }));
    let comparison = compare(&before, &after, false).unwrap();
    assert_eq!(comparison.verdict(), Change::Worse);
    let worse: Vec<_> = comparison
        .survival
        .iter()
        .filter(|line| line.change != Change::Same)
        .collect();
    assert!(
        worse
            .iter()
            .all(|line| line.pipeline == "cdn/b" && line.change == Change::Worse)
    );
    let any = worse
        .iter()
        .find(|line| line.measure == "any carrier")
        .unwrap();
    assert_eq!(any.changed, Some((40, 0)));
    assert!((any.difference + 0.1).abs() < 1e-12);
    assert!(any.interval.low < -0.1 && any.interval.high > -0.1 && any.interval.high < 0.0);
    let text = comparison.to_string();
    assert!(
        text.contains("WORSE   cdn/b by any carrier: 90.0 % → 80.0 %, -10.00 points"),
        "{text}"
    );
    let backwards = compare(&after, &before, false).unwrap();
    assert_eq!(backwards.verdict(), Change::Better);
}

#[test]
fn views_of_one_source_are_not_so_many_proofs_of_a_change() {
    // Forty views of two files lose their proofs: two sources, not forty.
    let shared = |mut rows: Vec<Row>| {
        rows.iter_mut()
            .for_each(|row| row.source = format!("file-{}", row.image / 20));
        made(rows)
    };
    let before = shared(rows(400, |_, _| false));
    let after = shared(rows(400, |pipeline, image| pipeline == 0 && image < 40));
    let comparison = compare(&before, &after, false).unwrap();
    assert_eq!(comparison.verdict(), Change::Same);
    let line = &comparison.survival[0];
    assert!(
        (line.p - 0.5).abs() < 1e-12,
        "two sources, both worse: 2 · ½²"
    );
}

#[test]
fn different_images_or_recipes_are_refused_unless_told_and_then_not_paired() {
    let run = || rows(300, |_, image| image.is_multiple_of(5));
    let before = made(run());
    let other_images = edited(run(), |header| header.image_set.digest = "11aa".to_owned());
    let refused = compare(&before, &other_images, false).unwrap_err();
    assert!(
        matches!(refused, CompareError::Different { .. }),
        "{refused}"
    );
    let allowed = compare(&before, &other_images, true).unwrap();
    assert!(!allowed.paired && allowed.to_string().contains("NOT paired"));
    assert_eq!(allowed.verdict(), Change::Same);
    let other_recipe = edited(run(), |header| {
        header.pipelines[1].digest = "ffff".to_owned()
    });
    let refused = compare(&before, &other_recipe, false).unwrap_err();
    assert!(
        refused.to_string().contains("the recipe of cdn/b changed"),
        "{refused}"
    );
    assert!(compare(&before, &other_recipe, true).unwrap().paired);
    let other_pipelines = edited(run(), |header| {
        let mut extra = header.pipelines[0].clone();
        extra.id = "cdn/new".to_owned();
        header.pipelines.push(extra);
    });
    let refused = compare(&before, &other_pipelines, false).unwrap_err();
    assert!(refused.to_string().contains("has cdn/new"), "{refused}");
}

#[test]
fn unpaired_runs_differ_where_they_differ() {
    let before = made(rows(3000, |_, image| image.is_multiple_of(20)));
    let after = edited(
        rows(3000, |pipeline, image| {
            image.is_multiple_of(20) || (pipeline == 2 && image % 10 == 1)
        }),
        |header| {
            header.seed = 8;
        },
    );
    let comparison = compare(&before, &after, true).unwrap();
    let worse: Vec<_> = comparison
        .survival
        .iter()
        .filter(|line| line.change == Change::Worse)
        .map(|line| line.pipeline.as_str())
        .collect();
    assert!(!worse.is_empty() && worse.iter().all(|id| *id == "social/c"));
}

#[test]
fn runs_that_are_no_evidence_are_refused_whatever_is_allowed() {
    let run = || rows(50, |_, _| false);
    let good = made(run());
    let errors = run().into_iter().map(|row| {
        let image = row.image;
        Row {
            source: row.source,
            ..signed(row.op, &row.pipeline, image, "error", &[])
        }
    });
    // The header says that the control passed.
    let mut accepted = run();
    if let Some(row) = accepted.last_mut() {
        row.outcome = Outcome::Accepted;
        row.carriers[0].accepted = true;
    }
    let mut nothing = head(&[]);
    (nothing.ops_planned, nothing.ops_done) = (0, 0);
    let bad = [
        ("partial", edited(run(), |header| header.partial = true)),
        (
            "failed the control",
            edited(run(), |header| header.controls[0].passed = false),
        ),
        ("failed the control", made(accepted)),
        (
            "but has 151 rows",
            edited(run(), |header| header.ops_done += 1),
        ),
        (
            "planned 3 ops more",
            edited(run(), |header| header.ops_planned += 3),
        ),
        ("no row", evidence(&nothing, vec![])),
        ("nothing but errors", made(errors.collect())),
    ];
    for (reason, run) in &bad {
        for (one, two) in [(&good, run), (run, &good)] {
            let refused = compare(one, two, true).unwrap_err();
            assert!(
                matches!(refused, CompareError::Unusable { .. })
                    && refused.to_string().contains(reason),
                "{reason}: {refused}"
            );
            assert!(agreements(one, two, 0.01, true).is_err(), "{reason}");
        }
    }
    let elsewhere = {
        let mut rows = run();
        rows.iter_mut()
            .for_each(|row| row.pipeline = "cdn/z".to_owned());
        let mut seen = std::collections::HashSet::new();
        rows.retain(|row| seen.insert((row.trial, row.image)));
        let mut header = header(&["manifest", "link"], &["cdn/z"]);
        (header.ops_planned, header.ops_done) = (rows.len() as u64, rows.len() as u64);
        evidence(&header, rows)
    };
    let refused = compare(&good, &elsewhere, true).unwrap_err();
    assert!(
        matches!(refused, CompareError::NothingShared { .. }),
        "{refused}"
    );
}

#[test]
fn slower_counts_on_the_same_machine_only() {
    let run = |factor: u64| {
        let mut rows = rows(300, |_, _| false);
        for row in &mut rows {
            row.verify_ns = (4_000_000 + row.op * 7919 % 1_000_000) * factor / 10;
        }
        rows
    };
    let before = made(run(10));
    let slower = compare(&before, &made(run(13)), false).unwrap();
    assert_eq!(slower.verdict(), Change::Worse);
    let line = slower
        .latency
        .iter()
        .find(|line| line.change == Change::Worse)
        .unwrap();
    assert_eq!(line.name, "verify, signed images");
    assert!((line.shift.relative - 0.3).abs() < 0.01);
    let elsewhere = edited(run(13), |header| {
        header.machine.cpu = "Other CPU".to_owned()
    });
    assert_eq!(
        compare(&before, &elsewhere, false).unwrap().verdict(),
        Change::Same
    );
    assert_eq!(
        compare(&before, &made(run(10)), false).unwrap().verdict(),
        Change::Same
    );
}

#[test]
fn equivalence_needs_agreement_and_enough_images() {
    let set = |images, every: u32| {
        edited(
            rows(images, move |_, image| image.is_multiple_of(every)),
            |header| {
                header.image_set.digest = format!("{images}-{every}");
            },
        )
    };
    let synthetic = set(12_000, 20);
    let verdict = |other: &Evidence, family: &str| {
        let lines = agreements(&synthetic, other, 0.01, false).unwrap();
        assert_eq!(
            lines.len(),
            9,
            "cdn, social and all, by any carrier and two carriers"
        );
        assert!(write_agreements(&lines, 0.01).contains(family));
        lines
            .into_iter()
            .find(|line| line.family == family && line.measure == "any carrier")
            .unwrap()
            .verdict
    };
    assert_eq!(verdict(&set(12_000, 20), "cdn"), Equivalence::Equivalent);
    assert_eq!(verdict(&set(100, 20), "cdn"), Equivalence::Undecided);
    assert_eq!(
        verdict(&set(12_000, 12), "all families"),
        Equivalence::Different
    );
    for margin in [0.0, 1.0, -0.1, f64::NAN] {
        let refused = agreements(&synthetic, &synthetic, margin, false).unwrap_err();
        assert!(matches!(refused, CompareError::Margin { .. }));
    }
}

#[test]
fn a_planted_regression_is_flagged_and_noise_is_not() {
    let planted = power::power(0.02, 40);
    println!("two points planted: {planted:?}");
    assert!(planted.flagged >= 0.9, "{planted:?}");
    let none = power::power(0.0, 100);
    println!("nothing planted: {none:?}");
    assert!(none.false_alarms <= 0.05, "{none:?}");
}

#[test]
fn views_of_one_source_raise_no_false_alarm() {
    for sources in [30, 60, 300] {
        let found = power::size(sources, 1000);
        println!("{sources} sources: {found:?}");
        assert!(found.sources <= 0.065, "{sources} sources: {found:?}");
        assert!(found.pairs > 0.15, "taken as independent: {found:?}");
        assert!(found.held >= 0.93, "{sources} sources: {found:?}");
    }
}

#[test]
fn runs_of_other_settings_are_refused_unless_allowed_and_then_named() {
    let set = |edit: fn(&mut RunHeader)| {
        let rows = rows(50, |_, image| image.is_multiple_of(9));
        let mut header = header(&["manifest", "link"], &PIPELINES);
        (header.ops_planned, header.ops_done) = (rows.len() as u64 + 1, rows.len() as u64 + 1);
        edit(&mut header);
        let mut rows = rows;
        rows.push(unsigned(9999, PIPELINES[0], 900, "rejected", &[false; 2]));
        evidence(&header, rows)
    };
    let refused = |one: &Evidence, two: &Evidence, says: &str| {
        let error = compare(one, two, false).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(agreements(one, two, 0.1, false).is_err());
        let text = compare(one, two, true).unwrap().to_string();
        assert!(text.contains(&format!("DIFFERENT: {says}")), "{text}");
    };
    let plain = set(|_| {});
    assert!(compare(&plain, &set(|_| {}), false).is_ok());
    let unmarked = set(|header| header.command_line.push("--no-watermark".to_owned()));
    refused(&plain, &unmarked, "setting no-watermark: not set and yes");
    let crowded = set(|header| header.distractors = 1000);
    refused(&plain, &crowded, "setting distractors: 0 and 1000");
    let [on, off] = [
        set(|header| {
            drop(
                header
                    .settings
                    .insert("watermark".to_owned(), "on".to_owned()),
            )
        }),
        set(|header| {
            drop(
                header
                    .settings
                    .insert("watermark".to_owned(), "off".to_owned()),
            )
        }),
    ];
    refused(&on, &off, "setting watermark: on and off");
    refused(
        &on,
        &plain,
        "settings: the header of test-run does not say them",
    );
    // How it was written down is no setting.
    let elsewhere = set(|header| header.command_line.push("--threads=8".to_owned()));
    assert!(compare(&plain, &elsewhere, false).is_ok());
}

#[test]
fn few_sources_show_no_agreement_however_many_ops_they_have() {
    // 58 files of twelve views each, which lose everything in both runs.
    let run = || {
        let mut rows = Vec::new();
        for image in 0..58 * 12_u32 {
            let mut row = signed(image.into(), "cdn/a", image, "lost", &[false]);
            row.source = format!("file-{}", image % 58);
            rows.push(row);
        }
        rows.push(unsigned(9999, "cdn/a", 9000, "rejected", &[false]));
        let mut header = header(&["manifest"], &["cdn/a"]);
        (header.ops_planned, header.ops_done) = (rows.len() as u64, rows.len() as u64);
        evidence(&header, rows)
    };
    let found = agreements(&run(), &run(), 0.01, false).unwrap();
    for line in &found {
        assert_eq!(line.verdict, Equivalence::Undecided, "{line:?}");
        assert_eq!(line.sources, (58, 58));
    }
    assert!(write_agreements(&found, 0.01).contains("58 and 58 sources"));
}
