//! What thresholds find and let through, against counts made by hand.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use credlink_reports::stats::Rate;
use credlink_reports::tables::{Evidence, TABLES, Value, calibrates};
use support::cells::{failures, line, number, pooled};
use support::{evidence, header, signed, unsigned};

/// Images of two halves whose fingerprints are at 10 bits from their own proof and at the given distance from a wrong
/// one, and as many unsigned ones.
fn deciding(wrong: impl Fn(u32) -> u32) -> Evidence {
    let mut header = header(&["fingerprint", "watermark"], &["cdn/a"]);
    header.ops_done = 400;
    let mut rows = Vec::new();
    for image in 0..400_u32 {
        let accepted = image < 200;
        let op = u64::from(image);
        let mut row = if accepted {
            signed(op, "cdn/a", image, "recovered", &[true, true])
        } else {
            unsigned(op, "cdn/a", image, "rejected", &[false, false])
        };
        row.source = format!("file-{image}");
        let own = |value: u32| accepted.then_some(value);
        (row.carriers[0].own, row.carriers[0].wrong) = (own(10), Some(wrong(image)));
        (row.carriers[1].own, row.carriers[1].wrong) = (own(3000), None);
        rows.push(row);
    }
    evidence(&header, rows)
}

#[test]
fn the_nearest_wrong_proof_is_shown_from_its_near_end() {
    let evidence = deciding(|image| 60 + image % 40);
    let fingerprint = line(&evidence, "nearest", &["fingerprint", "signed", "all"]);
    assert_eq!(fingerprint[4], Value::Count(200));
    assert_eq!(number(&fingerprint[6]), 60.0);
    assert_eq!(fingerprint[7], Value::TooFew, "0.1 % of 200 trials is none");
    assert_eq!(
        number(&fingerprint[9]),
        61.0,
        "5 % are the ten at 60 and 61"
    );
    assert_eq!(failures(&fingerprint[11]), Rate { k: 0, n: 200 });
    let watermark = line(&evidence, "nearest", &["watermark", "unsigned", "all"]);
    assert_eq!(watermark[4], Value::Count(200));
    assert_eq!(number(&watermark[6]), 0.0, "no word was read");
    // One that comes too near is counted, and a distance beside the right proof is no false accept.
    let near = deciding(|image| if image % 100 == 7 { 31 } else { 90 });
    let reached = |trial: &str| line(&near, "nearest", &["fingerprint", trial, "all"])[11].clone();
    assert_eq!(failures(&reached("signed")), Rate { k: 2, n: 200 });
    assert_eq!(failures(&reached("unsigned")), Rate { k: 2, n: 200 });
}

#[test]
fn a_lenient_threshold_finds_and_lets_through_no_less_than_a_strict_one() {
    let evidence = deciding(|image| 60 + image % 40);
    let table = TABLES.iter().find(|kind| kind.id == "roc").unwrap();
    let table = (table.make)(&evidence);
    let reached = |carrier: &str, trial: &str, threshold: f64| {
        let is = |row: &&Vec<Value>| {
            row[0] == Value::text(carrier)
                && row[1] == Value::text(trial)
                && row[3] == Value::Number(threshold)
        };
        pooled(&table.rows.iter().find(is).unwrap()[7])
    };
    let rate = |k| Rate { k, n: 200 };
    // The right proof lies 10 bits away, wrong ones 60 to 99.
    assert_eq!(reached("fingerprint", "signed", 8.0), rate(0));
    assert_eq!(reached("fingerprint", "signed", 16.0), rate(200));
    assert_eq!(reached("fingerprint", "unsigned", 56.0), rate(0));
    assert_eq!(reached("fingerprint", "unsigned", 64.0), rate(25));
    assert_eq!(reached("fingerprint", "unsigned", 88.0), rate(145));
    assert_eq!(reached("watermark", "signed", 2000.0), rate(200));
    assert_eq!(reached("watermark", "unsigned", 500.0), rate(0));
    for pair in table.rows.windows(2) {
        if pair[0][..2] == pair[1][..2] {
            let [strict, lenient] = [&pair[0], &pair[1]].map(|row| pooled(&row[7]));
            assert!(strict.k <= lenient.k && strict.n == lenient.n, "{pair:?}");
        }
    }
    let in_use: Vec<f64> = table
        .rows
        .iter()
        .filter(|row| row[4] == Value::text("in use"))
        .map(|row| number(&row[3]))
        .collect();
    assert_eq!(in_use, [31.0, 31.0, 1000.0, 1000.0]);
}

#[test]
fn thresholds_are_allowed_by_one_half_of_the_sources_and_shown_on_both() {
    // Wrong proofs at 40 bits on the calibration half alone.
    let near = |image: u32| calibrates(&format!("file-{image}")) && image.is_multiple_of(5);
    let evidence = deciding(|image| if near(image) { 40 } else { 90 });
    let table = TABLES.iter().find(|kind| kind.id == "thresholds").unwrap();
    let table = (table.make)(&evidence);
    let of = |half: &str, threshold: f64| -> Vec<Value> {
        let wanted = |row: &&Vec<Value>| {
            row[0] == Value::text("fingerprint")
                && row[1] == Value::text(half)
                && row[3] == Value::Number(threshold)
        };
        table.rows.iter().find(wanted).unwrap().clone()
    };
    let (calibration, held_out) = (of("calibration", 31.0), of("held out", 31.0));
    let count = |value: &Value| match value {
        Value::Count(count) => *count,
        other => panic!("{other:?}"),
    };
    assert_eq!(count(&calibration[5]) + count(&held_out[5]), 200);
    assert_eq!(pooled(&calibration[7]).k, count(&calibration[5]));
    assert_eq!(calibration[4], Value::text("in use"));
    assert_eq!(
        of("calibration", 36.0)[4],
        Value::text("calibration allows no more")
    );
    // At 42 bits the calibration half loses proofs that have company, and accepts unsigned images; the other does not.
    let (calibration, held_out) = (of("calibration", 42.0), of("held out", 42.0));
    assert!(pooled(&calibration[7]).k < count(&calibration[5]));
    assert_eq!(pooled(&held_out[7]).k, count(&held_out[5]));
    assert!(failures(&calibration[11]).k > 0);
    assert_eq!(failures(&held_out[11]).k, 0);
    // At 8 bits nothing is found at 10.
    assert_eq!(pooled(&of("held out", 8.0)[7]).k, 0);
}
