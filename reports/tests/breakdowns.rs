//! Tables that take survival apart, against counts made by hand.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use credlink_reports::header::{CarrierHeader, SweepHeader};
use credlink_reports::stats::{Measured, Rate};
use credlink_reports::tables::{Evidence, TABLES, Value};
use credlink_trial_record::{CarrierPlace, Contract, Decision, Embedded, Outcome, Row, State};
use support::cells::{failures, line, number, pooled};
use support::{evidence, header, signed};

const TWO: [&str; 2] = ["link", "watermark"];

/// Two hundred images through two pipelines. Even images keep the link in the first pipeline, images below 60 keep the
/// watermark in both; every tenth image refused the watermark when it was signed.
fn layered() -> Evidence {
    let mut rows = Vec::new();
    for (index, pipeline) in ["cdn/a", "social/b"].into_iter().enumerate() {
        for image in 0..200_u32 {
            let refused = image % 10 == 9;
            let link = index == 0 && image.is_multiple_of(2);
            let watermark = image < 60 && !refused;
            let outcome = if link || watermark {
                "recovered"
            } else {
                "lost"
            };
            let mut row = signed(
                rows.len() as u64,
                pipeline,
                image,
                outcome,
                &[link, watermark],
            );
            row.source = format!("file-{image}");
            row.class = if image < 50 { "portrait" } else { "chart" }.to_owned();
            row.image_format = if image < 100 { "png" } else { "jpeg" }.to_owned();
            (row.source_bytes, row.signed_bytes) = (
                1000 * u64::from(image + 1),
                1000 * u64::from(image + 1) + 500,
            );
            row.sign_psnr = (!refused).then_some(40.0 + (image % 5) as f32);
            row.sign_ssim = row.sign_psnr.map(|_| 0.99);
            if refused {
                row.carriers[1].embedded = Some(Embedded::Refused);
            }
            if !watermark && !refused {
                row.carriers[1].codes = "signer:x,credlink.watermark.weak".to_owned();
            }
            rows.push(row);
        }
    }
    let mut header = header(&TWO, &["cdn/a", "social/b"]);
    (header.ops_planned, header.ops_done) = (rows.len() as u64, rows.len() as u64);
    evidence(&header, rows)
}

/// Images below 60 that took the watermark: 54.
const MARKED: u64 = 54;

#[test]
fn layers_count_what_each_set_keeps_and_what_would_be_lost_without_it() {
    let evidence = layered();
    let set = |names: &str| {
        let line = line(&evidence, "layers", &[names]);
        (pooled(&line[2]), pooled(&line[3]))
    };
    // Link: the 100 even images in one pipeline; 30 of the 54 marked images are even.
    assert_eq!(
        set("link"),
        (Rate { k: 100, n: 400 }, Rate { k: 70, n: 400 })
    );
    assert_eq!(
        set("watermark"),
        (
            Rate {
                k: 2 * MARKED,
                n: 400
            },
            Rate {
                k: 2 * MARKED - 30,
                n: 400
            }
        )
    );
    let both = 70 + 2 * MARKED;
    assert_eq!(
        set("link + watermark"),
        (Rate { k: both, n: 400 }, Rate { k: both, n: 400 })
    );
}

#[test]
fn layers_cost_bytes_decibels_and_milliseconds_and_each_saved_proof_its_share() {
    let mut header = header(&["link", "fingerprint", "watermark"], &["cdn/a"]);
    header.ops_done = 100;
    let rows = (0..100_u32).map(|image| {
        // Half are kept by the link, a tenth by the watermark alone.
        let accepted = [image < 50, false, image >= 90];
        let outcome = if accepted.contains(&true) {
            "recovered"
        } else {
            "lost"
        };
        let mut row = signed(u64::from(image), "cdn/a", image, outcome, &accepted);
        row.source = format!("file-{image}");
        for (cell, (bytes, sign_ns)) in row.carriers.iter_mut().zip([
            (Some(300), 0),
            (Some(2000), 3_000_000),
            (None, 20_000_000),
        ]) {
            (cell.bytes, cell.sign_ns, cell.ns) = (bytes, sign_ns, 4_000_000);
        }
        row
    });
    let evidence = evidence(&header, rows.collect());
    let costs = |names: &str| {
        let line = line(&evidence, "layers", &[names]);
        line[4..]
            .iter()
            .map(|value| match value {
                Value::Number(number) => (number * 1000.0).round() / 1000.0,
                Value::NotApplicable => f64::INFINITY,
                other => panic!("{names}: {other:?}"),
            })
            .collect::<Vec<f64>>()
    };
    let none = f64::INFINITY;
    // In the file, in the store, dB, signing, looking; per proof kept, per proof that only it saved.
    assert_eq!(
        costs("link"),
        [300.0, 0.0, none, 0.0, 4.0, 600.0, 8.0, 600.0, 8.0]
    );
    assert_eq!(
        costs("fingerprint"),
        [0.0, 2000.0, none, 3.0, 4.0, none, none, none, none]
    );
    // The file grew by 13,000 bytes, of which 300 are the link's.
    assert_eq!(
        costs("watermark"),
        [
            12_700.0, 0.0, 43.5, 20.0, 4.0, 127_000.0, 40.0, 127_000.0, 40.0
        ]
    );
    assert_eq!(
        costs("link + fingerprint + watermark"),
        [
            13_000.0, 2000.0, 43.5, 23.0, 12.0, 25_000.0, 20.0, 25_000.0, 20.0
        ]
    );
}

#[test]
fn a_carrier_that_images_refused_has_a_rate_over_all_and_one_over_the_others() {
    let evidence = layered();
    let all = line(&evidence, "embedded", &["watermark", "all pipelines"]);
    assert_eq!(all[2], Value::Counts(vec![180, 0, 20]));
    assert_eq!(
        pooled(&all[3]),
        Rate {
            k: 2 * MARKED,
            n: 400
        }
    );
    assert_eq!(
        pooled(&all[4]),
        Rate {
            k: 2 * MARKED,
            n: 360
        }
    );
    assert_eq!(all[5], Value::NotMeasured, "no image was fragile");
    let one = line(&evidence, "embedded", &["watermark", "social/b"]);
    assert_eq!(pooled(&one[4]), Rate { k: MARKED, n: 180 });
    let link = line(&evidence, "embedded", &["link", "all pipelines"]);
    assert_eq!(pooled(&link[3]), pooled(&link[4]));
}

#[test]
fn strata_share_out_ops_and_losses() {
    let evidence = layered();
    let portrait = line(&evidence, "strata", &["class", "portrait"]);
    // Of the 50 portraits 45 are marked; the 5 others (odd) are lost in both pipelines.
    assert_eq!(pooled(&portrait[6]), Rate { k: 90, n: 100 });
    assert!((number(&portrait[4]) - 25.0).abs() < 1e-9);
    let losses = 400 - 70 - 2 * MARKED;
    assert!((number(&portrait[5]) - 1000.0 / losses as f64).abs() < 1e-9);
    let png = line(&evidence, "strata", &["format", "png"]);
    assert_eq!(png[2], Value::Count(200));
    let size = line(&evidence, "strata", &["size", "0.25 to 1 MP"]);
    assert_eq!(size[2], Value::Count(400), "1200 × 800 is 0.96 MP");
}

#[test]
fn causes_name_the_state_and_the_first_code_that_is_no_signer() {
    let evidence = layered();
    let weak = line(
        &evidence,
        "causes",
        &["watermark", "absent, credlink.watermark.weak"],
    );
    assert_eq!(
        pooled(&weak[3]),
        Rate {
            k: 2 * (180 - MARKED),
            n: 400
        }
    );
    assert_eq!(weak[2], Value::text("not found: credlink.watermark.weak"));
    let refused = line(
        &evidence,
        "causes",
        &["watermark", "refused by the image when it was signed"],
    );
    assert_eq!(pooled(&refused[3]), Rate { k: 40, n: 400 });
    let link = line(&evidence, "causes", &["link", "absent"]);
    assert_eq!(link[2], Value::text("gone from the file"));
    assert_eq!(
        (&link[4], &link[5]),
        (&Value::text("social/b"), &Value::Count(200))
    );
}

#[test]
fn signing_is_counted_once_an_image() {
    let evidence = layered();
    let psnr = line(
        &evidence,
        "signing",
        &["pixels of marked images, PSNR", "dB"],
    );
    assert_eq!(
        psnr[2],
        Value::Count(180),
        "images whose pixels were changed"
    );
    assert!((number(&psnr[5]) - 42.0).abs() < 1e-6 || (number(&psnr[5]) - 41.0).abs() < 1e-6);
    let growth = line(&evidence, "signing", &["growth of the file", "bytes"]);
    assert_eq!(growth[2], Value::Count(200));
    assert!(
        growth[3..]
            .iter()
            .all(|value| (number(value) - 500.0).abs() < 1e-9)
    );
    let relative = line(
        &evidence,
        "signing",
        &["growth of the file", "% of the source"],
    );
    // The median image has 101,000 bytes or so.
    assert!((number(&relative[5]) - 0.497).abs() < 0.003, "{relative:?}");
}

#[test]
fn an_overall_figure_stands_beside_its_average_and_its_worst_pipeline() {
    let evidence = layered();
    let any = |figure: &str| number(&line(&evidence, "overall", &[figure])[2]);
    let (a, b) = ((70 + MARKED) as f64 / 2.0, MARKED as f64 / 2.0);
    assert!((any("pooled") - (a + b) / 2.0).abs() < 1e-9);
    assert!((any("average over pipelines") - (a + b) / 2.0).abs() < 1e-9);
    assert!((any("worst pipeline") - b).abs() < 1e-9);
    let claim = line(&evidence, "claims", &["cdn/a"]);
    assert_eq!(claim[5], Value::text("≥ 50 %"), "62 % of 200");
    assert_eq!(
        line(&evidence, "claims", &["social/b"])[5],
        Value::text("none")
    );
}

/// A recipe at four values, on 300 images; image `i` survives up to the value `reach(i)`.
fn swept(parameter: &str, reach: impl Fn(u32) -> f64) -> Evidence {
    let values = [1.0, 2.0, 4.0, 8.0];
    let ids = values.map(|value| format!("chains/sweep-{value}"));
    let mut rows: Vec<Row> = Vec::new();
    for (value, id) in values.into_iter().zip(&ids) {
        for image in 0..300 {
            let alive = reach(image) >= value;
            let outcome = if alive { "recovered" } else { "lost" };
            let mut row = signed(rows.len() as u64, id, image, outcome, &[alive]);
            row.source = format!("file-{image}");
            rows.push(row);
        }
    }
    let mut header = header(&["watermark"], &ids.each_ref().map(String::as_str));
    for (pipeline, value) in header.pipelines.iter_mut().zip(values) {
        pipeline.sweep = Some(SweepHeader {
            recipe: "chains/sweep".to_owned(),
            parameter: parameter.to_owned(),
            value,
            unit: String::new(),
        });
    }
    evidence(&header, rows)
}

#[test]
fn a_curve_crosses_fifty_percent_between_its_values() {
    // 300 survive 1, 200 survive 2, 100 survive 4 and none 8.
    let evidence = swept("strength", |image| [1.0, 2.0, 4.0][image as usize / 100]);
    let point = line(
        &evidence,
        "dose-points",
        &["chains/sweep", "strength", "", "any carrier"],
    );
    assert_eq!(point[4], Value::text("falls with it"));
    // Half way from 2/3 to 1/3, between 2 and 4.
    let Value::Estimate(at, interval) = &point[5] else {
        panic!("{point:?}")
    };
    assert!(
        (at - 3.0).abs() < 1e-9 && interval.low < 3.0 && interval.high > 3.0,
        "{point:?}"
    );
    assert!(interval.low > 2.0 && interval.high < 4.0, "{interval:?}");
    // From 1 to 2/3 between 1 and 2: 95 % at 1.15.
    assert!((number(&point[7]) - 1.15).abs() < 1e-9);
    let dose = line(
        &evidence,
        "doses",
        &["chains/sweep", "strength", "", "watermark"],
    );
    assert_eq!(pooled(&dose[5]), Rate { k: 300, n: 300 });
    let never = swept("strength", |_| 0.0);
    let point = line(&never, "dose-points", &["chains/sweep"]);
    assert_eq!(
        (&point[5], &point[6]),
        (&Value::NotApplicable, &Value::text("reached at no value"))
    );
}

#[test]
fn generations_are_a_survival_curve_over_hops() {
    let evidence = swept("hops", |image| [1.0, 2.0, 4.0][image as usize / 100]);
    let table = (TABLES
        .iter()
        .find(|kind| kind.id == "generations")
        .unwrap()
        .make)(&evidence);
    let any: Vec<&Vec<Value>> = table
        .rows
        .iter()
        .filter(|row| row[1] == Value::text("any carrier"))
        .collect();
    let found: Vec<(f64, Value, Value)> = any
        .iter()
        .map(|row| (number(&row[2]), row[3].clone(), row[4].clone()))
        .collect();
    let expected = [(2.0, 300, 100), (4.0, 200, 100), (8.0, 100, 100)]
        .map(|(hop, risk, lost)| (hop, Value::Count(risk), Value::Count(lost)));
    assert_eq!(found, expected);
    assert!((number(&any[0][5]) - 200.0 / 3.0).abs() < 1e-9);
    assert_eq!(
        any[0][6],
        Value::text("4 [4, 4]"),
        "a third lives at 4 and two thirds before it"
    );
    let none = swept("hops", |_| 9.0);
    assert_eq!(
        line(&none, "generations", &["chains/sweep"])[6],
        Value::text("more than 8")
    );
}

#[test]
fn the_answer_tells_the_file_from_the_store_and_leaves_controls_out() {
    let pipelines = ["controls/identity", "cms/passes-on", "social/strips"];
    let mut rows = Vec::new();
    for (index, pipeline) in pipelines.iter().enumerate() {
        for image in 0..100_u32 {
            let op = rows.len() as u64;
            // The second pipeline hands on sixty files untouched and breaks five manifests; the third strips all.
            let (outcome, hits): (&str, &[bool]) = match (index, image) {
                (0, _) | (1, ..60) => ("intact", &[true, true]),
                (1, 60..65) | (2, 90..) => ("lost", &[false, false]),
                _ => ("recovered", &[false, true]),
            };
            let mut row = signed(op, pipeline, image, outcome, hits);
            row.same_bytes = outcome == "intact";
            row.carriers[0].state = match (outcome, image) {
                ("intact", _) => State::Intact,
                (_, 60..65) if index == 1 => State::Invalid,
                _ => State::Absent,
            };
            if row.carriers[0].state == State::Invalid {
                row.outcome = Outcome::Broken;
            }
            row.recovered_by = (outcome == "recovered").then(|| "fingerprint".to_owned());
            rows.push(row);
        }
    }
    let answer = evidence(&header(&["manifest", "fingerprint"], &pipelines), rows).answer();
    let counts = |found: Measured| (found.rate.k, found.rate.n);
    assert_eq!((answer.n, answer.sources, answer.unchanged), (200, 50, 60));
    assert_eq!(counts(answer.in_file), (60, 200));
    assert_eq!(counts(answer.in_changed_file), (0, 140));
    assert_eq!(counts(answer.through_store), (125, 200));
    assert_eq!(counts(answer.not_found), (15, 200));
    assert_eq!(counts(answer.seen_valid), (60, 200));
    assert_eq!(counts(answer.seen_invalid), (5, 200));
    assert_eq!(counts(answer.seen_absent), (135, 200));
    assert_eq!(answer.finders(), "fingerprint 125");
    let interval = answer.in_file.interval.unwrap();
    assert!(interval.low < 0.3 && 0.3 < interval.high);
}

#[test]
fn a_carrier_that_only_the_header_knows_is_counted_like_any_other() {
    let mut rows = Vec::new();
    for image in 0..120_u32 {
        let mut row = signed(image.into(), "cdn/a", image, "recovered", &[false, true]);
        row.carriers[0].state = State::Absent;
        row.same_pixels = Some(true);
        row.content_distance = Some(0);
        row.carriers[1].own = Some(3);
        row.carriers[1].wrong = Some(40 + image % 7);
        row.carriers[1].bytes = Some(900);
        rows.push(row);
    }
    let mut header = header(&["manifest", "sonar"], &["cdn/a"]);
    header.pipelines[0].contract = Some(Contract::PixelExactStripped);
    let describe = |place: CarrierPlace| {
        let mut header = header.clone();
        header.carrier_facts = vec![CarrierHeader {
            payload_bits: 0,
            name: "sonar".to_owned(),
            place,
            decision: Some(Decision {
                unit: "echoes".to_owned(),
                rising: false,
                is_undeclared: false,
                in_use: 10,
                candidates: vec![5, 10, 41],
                about: "nearest echo".to_owned(),
            }),
        }];
        evidence(&header, rows.clone())
    };
    let known = describe(CarrierPlace::Store);
    let nearest = line(&known, "nearest", &["sonar", "signed", "all", "echoes"]);
    assert_eq!(number(&nearest[6]), 40.0);
    assert_eq!(failures(&nearest[11]).k, 0);
    let kept = line(&known, "layers", &["sonar"]);
    assert_eq!(
        (number(&kept[4]), number(&kept[5])),
        (0.0, 900.0),
        "of the store"
    );
    let promise = |run: &Evidence| {
        let controls = &run.header().controls;
        let found = controls
            .iter()
            .find(|result| result.name.starts_with("cdn/a"));
        found.unwrap().passed
    };
    assert!(promise(&known));
    // One that lies in the metadata and is found did not go with them.
    assert!(!promise(&describe(CarrierPlace::Metadata)));
}
