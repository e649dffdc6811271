//! Hand-made and invented runs for the tests.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part of the support"
)]

pub mod cells;

use std::path::Path;

use credlink_reports::header::{ControlResult, CpuShares, ImageSetHeader, Machine, PipelineHeader};
use credlink_reports::stats::Random;
use credlink_reports::tables::Evidence;
use credlink_reports::{RowWriter, RunDir, RunHeader, load};
use credlink_trial_record::{Cell, Embedded, Outcome, Row, State, Trial};

/// A signed op that survived by the carriers whose bit is set in `accepted`, or was lost by all of them.
pub fn signed(op: u64, pipeline: &str, image: u32, outcome: &str, accepted: &[bool]) -> Row {
    let survived = matches!(outcome, "intact" | "resigned" | "recovered");
    Row {
        pipeline: pipeline.to_owned(),
        family: pipeline.split('/').next().unwrap_or_default().to_owned(),
        grade: 'B',
        image,
        name: format!("image-{image}"),
        source: format!("file-{}", image / 2),
        class: "natural".to_owned(),
        image_format: "jpeg".to_owned(),
        width: 1200,
        height: 800,
        issued: Some(format!("{:016x}", u64::from(image) + 1)),
        survived,
        error: (outcome == "error").then(|| "decode: unexpected end".to_owned()),
        error_cause: (outcome == "error").then(|| "decode".to_owned()),
        source_bytes: 100_000,
        signed_bytes: 113_000,
        received_bytes: 80_000,
        received_format: "webp".to_owned(),
        received_width: 600,
        received_height: 400,
        content_distance: survived.then_some(4),
        mark_psnr: Some(43.5),
        mark_ssim: Some(0.99),
        sign_psnr: Some(42.5),
        sign_ssim: Some(0.99),
        sign_ns: 1_000_000 + u64::from(image),
        transform_ns: 30_000_000 + op,
        codec_ns: 20_000_000,
        verify_ns: 5_000_000 + op,
        retrieve_ns: 40_000 + op,
        carriers: accepted
            .iter()
            .map(|accepted| Cell {
                embedded: Some(Embedded::Carried),
                proof: accepted.then(|| format!("{:016x}", u64::from(image) + 1)),
                accepted: *accepted,
                distance: accepted.then_some(4),
                quality: Some(100),
                codes: String::new(),
                ns: 900_000 + op,
                ..Cell::new(if *accepted {
                    State::Recovered
                } else {
                    State::Absent
                })
            })
            .collect(),
        ..Row::new(op, Trial::Signed, Outcome::parse(outcome).unwrap())
    }
}

/// A control; `accepted` as for [`signed`].
pub fn unsigned(op: u64, pipeline: &str, image: u32, outcome: &str, accepted: &[bool]) -> Row {
    let row = signed(op, pipeline, image, outcome, accepted);
    let uncarried = |cell: Cell| Cell {
        embedded: None,
        ..cell
    };
    Row {
        trial: Trial::Unsigned,
        issued: None,
        survived: false,
        content_distance: None,
        mark_psnr: None,
        mark_ssim: None,
        sign_psnr: None,
        sign_ssim: None,
        sign_ns: 0,
        carriers: row.carriers.iter().cloned().map(uncarried).collect(),
        ..row
    }
}

pub fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

pub fn header(carriers: &[&str], pipelines: &[&str]) -> RunHeader {
    RunHeader {
        id: "test-run".to_owned(),
        seed: 7,
        created: "2026-01-31T12:00:00Z".to_owned(),
        command_line: names(&["credlink", "survival", "--ops", "100"]),
        versions: [("credlink".to_owned(), "0.1.0".to_owned())].into(),
        machine: Machine {
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            cpu: "Test CPU".to_owned(),
            cores: 2,
            memory_bytes: 8 << 30,
        },
        image_set: ImageSetHeader {
            name: "synthetic".to_owned(),
            kind: "synthetic".to_owned(),
            digest: "00ff".to_owned(),
            seed: 7,
            files: 4,
            rejected: vec![],
        },
        pipelines: pipelines
            .iter()
            .map(|id| PipelineHeader {
                id: (*id).to_owned(),
                title: (*id).to_owned(),
                family: id.split('/').next().unwrap_or_default().to_owned(),
                grade: "B".to_owned(),
                severity: "mild".to_owned(),
                digest: "abcd".to_owned(),
                ..PipelineHeader::default()
            })
            .collect(),
        carriers: names(carriers),
        ops_planned: 100,
        ops_done: 100,
        threads: 2,
        elapsed_s: 12.34,
        peak_memory_bytes: 300 << 20,
        cpu: CpuShares {
            total_s: 20.0,
            by_category: [("codecs".to_owned(), 18.0)].into(),
            overhead_share: 0.1,
        },
        controls: vec![ControlResult {
            name: "identity is intact".to_owned(),
            passed: true,
            detail: "12 of 12".to_owned(),
        }],
        ..RunHeader::default()
    }
}

/// Writes a run directory below `base`.
pub fn run(base: &Path, header: &RunHeader, rows: Vec<Row>) -> RunDir {
    let dir = RunDir::create(base, &header.id).unwrap();
    let mut writer = RowWriter::create(&dir.rows(), &header.carriers).unwrap();
    for row in rows {
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
    dir.write_header(header).unwrap();
    dir
}

pub fn evidence(header: &RunHeader, rows: Vec<Row>) -> Evidence {
    let base = tempfile::tempdir().unwrap();
    let dir = run(base.path(), header, rows);
    load(&dir).unwrap()
}

pub const CARRIERS: [&str; 4] = ["manifest", "link", "watermark", "fingerprint"];

/// Pipelines of the size and naming of a real run.
pub const PIPELINES: [&str; 30] = [
    "controls/identity",
    "optimizers/imageoptim",
    "optimizers/imageoptim-lossy",
    "optimizers/squoosh-mozjpeg",
    "social/x",
    "social/instagram",
    "social/facebook",
    "social/linkedin",
    "social/reddit",
    "social/bluesky",
    "social/mastodon",
    "messaging/whatsapp",
    "messaging/telegram",
    "messaging/signal",
    "messaging/discord",
    "cdn/cloudflare-lossless",
    "cdn/cloudflare-lossy",
    "cdn/cloudflare-webp",
    "cdn/imgproxy",
    "cdn/nextjs",
    "cms/wordpress",
    "conversion/jpeg-to-webp-lossless",
    "conversion/jpeg-to-avif",
    "conversion/png-to-jpeg",
    "edits/crop-5",
    "edits/crop-25",
    "edits/rotate-90",
    "edits/flip-horizontal",
    "edits/brightness-contrast",
    "chains/instagram-whatsapp-screenshot",
];

/// A run with invented but plausible results: `per_pipeline` signed ops and a fifth of that as controls.
pub fn invented(pipelines: &[&str], per_pipeline: u32) -> (RunHeader, Vec<Row>) {
    let mut dice = Random::new(42);
    let mut rows = Vec::new();
    let mut op = 0;
    for (index, pipeline) in pipelines.iter().enumerate() {
        let keeps = index % 7 == 0;
        let chances = [
            if keeps { 1.0 } else { 0.0 },
            if index % 3 == 0 { 0.9 } else { 0.02 },
            (1.2 - index as f64 * 0.04).clamp(0.0, 1.0),
            (1.1 - index as f64 * 0.025).clamp(0.0, 1.0),
        ];
        let cost = 10_f64.powf(5.5 + dice.share() * 3.5);
        for image in 0..per_pipeline {
            let hits = chances.map(|chance| dice.share() < chance);
            let outcome = match hits.iter().position(|hit| *hit) {
                Some(0) => "intact",
                Some(_) => "recovered",
                None if dice.share() < 0.02 => "error",
                None => "lost",
            };
            let mut row = signed(op, pipeline, image, outcome, &hits);
            row.recovered_by = hits
                .iter()
                .position(|hit| *hit)
                .filter(|_| outcome == "recovered")
                .map(|carrier| CARRIERS[carrier].to_owned());
            let mut about = |ns: f64| {
                (ns * (0.6 + dice.share() + (1.0 / (1.02 - dice.share())).ln() * 0.5)) as u64
            };
            row.transform_ns = about(cost);
            row.sign_ns = about(1.2e6) + u64::from(image % 3);
            row.verify_ns = about(4e6);
            row.retrieve_ns = about(3e4);
            for (cell, ns) in row.carriers.iter_mut().zip([4e5, 1e5, 9e6, 3e6]) {
                cell.ns = about(ns);
            }
            rows.push(row);
            op += 1;
            if image % 5 == 0 {
                let mut control = unsigned(op, pipeline, image, "rejected", &[false; 4]);
                control.verify_ns = about(9e6);
                rows.push(control);
                op += 1;
            }
        }
    }
    // An image has one signing time, whatever the op.
    for row in &mut rows {
        if row.trial == Trial::Signed {
            row.sign_ns = 800_000 + u64::from(row.image).wrapping_mul(7919) % 900_000;
        }
    }
    let mut header = header(&CARRIERS, pipelines);
    header.id = "2026-01-31-invented".to_owned();
    header.ops_planned = op;
    header.ops_done = op;
    (header, rows)
}
