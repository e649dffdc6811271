//! How long the statistics of a large run take, from its row file to every table.
//!
//!     cargo run --release --workspace --example scale -- 10000000 /tmp/rows      writes the rows
//!     cargo run --release --workspace --example scale -- 10000000 /tmp/rows      measures, with its memory alone
//!
//! The rows are invented: thirty pipelines, four carriers, and one negative trial for twenty signed ones. Writing them
//! is not part of the figure. Without a directory they go to a temporary one and are measured at once.
#![allow(clippy::print_stdout, reason = "an example reports on the terminal")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use credlink_reports::header::{ControlResult, PipelineHeader};
use credlink_reports::stats::Random;
use credlink_reports::tables::TABLES;
use credlink_reports::{RowWriter, RunDir, RunHeader};
use credlink_trial_record::{Cell, Embedded, Outcome, Row, State, Trial};
use rayon::prelude::*;

const PIPELINES: u64 = 30;
const CARRIERS: [&str; 4] = ["manifest", "link", "fingerprint", "watermark"];

fn main() -> Result<(), Box<dyn Error>> {
    let rows = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let Some(folder) = std::env::args_os().nth(2).map(PathBuf::from) else {
        let base = std::env::temp_dir().join(format!("credlink-scale-{}", std::process::id()));
        let result = written(&base, rows).and_then(|dir| measure(&dir));
        std::fs::remove_dir_all(&base)?;
        return result;
    };
    if folder.join("scale").exists() {
        return measure(&RunDir::open(&folder.join("scale"))?);
    }
    written(&folder, rows)?;
    Ok(())
}

fn written(base: &Path, rows: u64) -> Result<RunDir, Box<dyn Error>> {
    let dir = RunDir::create(base, "scale")?;
    let start = Instant::now();
    write(&dir, rows)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{rows} rows written in {seconds:.1} s");
    Ok(dir)
}

fn measure(dir: &RunDir) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let evidence = credlink_reports::load(dir)?;
    println!("{:<16} {:>6.2} s", "read", start.elapsed().as_secs_f64());
    // Side by side, as a report makes them.
    let lines: Vec<String> = TABLES
        .par_iter()
        .map(|kind| {
            let start = Instant::now();
            let lines = (kind.make)(&evidence).rows.len();
            let seconds = start.elapsed().as_secs_f64();
            format!("{:<16} {seconds:>6.2} s, {lines} lines", kind.id)
        })
        .collect();
    let total = start.elapsed().as_secs_f64();
    println!("{}", lines.join("\n"));
    println!("statistics of {} rows in {total:.1} s", evidence.rows());
    // Where the system tells it: the most memory that the process ever held.
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find(|line| line.starts_with("VmHWM"));
        println!("{}", peak.unwrap_or("peak memory unknown"));
    }
    Ok(())
}

fn write(dir: &RunDir, rows: u64) -> Result<(), Box<dyn Error>> {
    let carriers = CARRIERS.map(str::to_owned).to_vec();
    let mut writer = RowWriter::create(&dir.rows(), &carriers)?;
    for op in 0..rows {
        writer.push(row(op))?;
    }
    writer.finish()?;
    let pipeline = |index| PipelineHeader {
        id: pipeline(index),
        family: format!("family{}", index % 8),
        grade: "B".to_owned(),
        ..PipelineHeader::default()
    };
    dir.write_header(&RunHeader {
        id: "scale".to_owned(),
        carriers,
        pipelines: (0..PIPELINES).map(pipeline).collect(),
        ops_planned: rows,
        ops_done: rows,
        controls: vec![ControlResult {
            name: "invented".to_owned(),
            passed: true,
            detail: String::new(),
        }],
        ..RunHeader::default()
    })?;
    Ok(())
}

fn pipeline(index: u64) -> String {
    format!("family{}/pipeline-{index}", index % 8)
}

fn dice(seed: u64) -> u64 {
    Random::new(seed).bits()
}

/// Which carriers accept.
fn hits(image: u64, index: u64, chance: u64) -> [bool; 4] {
    // Some images are hard in every pipeline, some pipelines for every image.
    let hard = dice(image).is_multiple_of(10) || index % 7 == 3;
    [
        index.is_multiple_of(5),
        index.is_multiple_of(3) && !chance.is_multiple_of(50),
        chance % 100 > if hard { 60 } else { 3 },
        chance % 100 > 20,
    ]
}

fn row(op: u64) -> Row {
    let (image, index) = (op / PIPELINES, op % PIPELINES);
    let signed = image % 21 != 20;
    let chance = dice(op);
    let hits = hits(image, index, chance).map(|hit| hit && signed);
    let survived = hits.iter().any(|hit| *hit);
    let cell = |hit: bool, measured: bool| Cell {
        embedded: signed.then_some(Embedded::Carried),
        accepted: hit,
        quality: Some(100),
        own: measured.then_some((chance % 40) as u32),
        wrong: measured.then_some(80 + (chance % 60) as u32),
        ns: 1_000_000 + chance % 1_000_000,
        ..Cell::new(if hit { State::Recovered } else { State::Absent })
    };
    let outcome = match (signed, survived, hits[0]) {
        (false, ..) => Outcome::Rejected,
        (_, _, true) => Outcome::Intact,
        (_, true, _) => Outcome::Recovered,
        _ => Outcome::Lost,
    };
    let trial = if signed {
        Trial::Signed
    } else {
        Trial::Unsigned
    };
    Row {
        pipeline: pipeline(index),
        family: format!("family{}", index % 8),
        grade: 'B',
        image: image as u32,
        name: format!("image-{image}"),
        source: format!("image-{image}"),
        class: format!("class-{}", image % 12),
        image_format: if image.is_multiple_of(3) {
            "png"
        } else {
            "jpeg"
        }
        .to_owned(),
        width: 400 + (image % 2000) as u32,
        height: 300 + (image % 1500) as u32,
        issued: signed.then(|| format!("{image:016x}")),
        survived,
        source_bytes: 100_000 + image % 1000,
        signed_bytes: 113_000 + image % 1000,
        received_bytes: 80_000,
        received_format: "jpeg".to_owned(),
        received_width: 400,
        received_height: 300,
        sign_psnr: signed.then_some(42.5),
        sign_ssim: signed.then_some(0.99),
        sign_ns: 5_000_000 + image % 1_000_000,
        transform_ns: 20_000_000 + chance % 10_000_000,
        codec_ns: 10_000_000,
        verify_ns: 4_000_000 + chance % 4_000_000,
        retrieve_ns: 10_000 + chance % 10_000,
        carriers: (0..hits.len())
            .map(|index| cell(hits[index], index == 2))
            .collect(),
        ..Row::new(op, trial, outcome)
    }
}
