//! `credlink replay`.

use std::fmt::Write as _;

use anyhow::Result;
use credlink_harness::exit;
use credlink_harness::replay::{self, Replay};
use credlink_reports::RunDir;
use credlink_reports::figures::bytes;
use serde_json::{Value as Json, json};

use crate::cli::ReplayArgs;

pub(crate) fn run(args: &ReplayArgs) -> Result<u8> {
    let run_dir = RunDir::open(&args.run)?;
    let done = replay::replay(
        &run_dir,
        args.op,
        args.images.as_deref(),
        args.out.as_deref(),
    )?;
    let carriers = credlink_reports::bound_header(&run_dir)?.carriers;
    if args.json {
        super::say(&format!("{:#}", as_json(&done, &carriers)))?;
    } else {
        super::say(&words(&done, &carriers)?)?;
    }
    for warning in &done.warnings {
        super::complain(&format!("warning: {warning}"));
    }
    Ok(if done.differences.is_empty() {
        exit::OK
    } else {
        exit::DIFFERS
    })
}

fn as_json(done: &Replay, carriers: &[String]) -> Json {
    let row = &done.again;
    let cells = carriers.iter().zip(&row.carriers).map(|(carrier, cell)| {
        json!({
            "carrier": carrier,
            "state": cell.state.as_str(),
            "accepted": cell.accepted,
            "distance": cell.distance,
            "codes": cell.codes.split(',').filter(|code| !code.is_empty()).collect::<Vec<_>>(),
        })
    });
    json!({
        "op": row.op,
        "trial": row.trial.as_str(),
        "pipeline": row.pipeline,
        "image": row.name,
        "in": done.input,
        "out": done.output,
        "outcome": row.outcome.as_str(),
        "error": row.error,
        "carriers": cells.collect::<Vec<_>>(),
        "same": done.differences.is_empty(),
        "differences": done.differences,
        "warnings": done.warnings,
    })
}

fn words(done: &Replay, carriers: &[String]) -> Result<String> {
    let row = &done.again;
    let mut text = format!(
        "op {}: {} ({}) through {}, simulated\n",
        row.op, row.name, row.class, row.pipeline
    );
    writeln!(text, "in        {}", done.input.display())?;
    if let Some(output) = &done.output {
        writeln!(
            text,
            "out       {} ({}x{}, {})",
            output.display(),
            row.received_width,
            row.received_height,
            bytes(row.received_bytes)
        )?;
    }
    writeln!(text, "outcome   {}", row.outcome)?;
    if let Some(error) = &row.error {
        writeln!(text, "error     {error}")?;
    }
    for (carrier, cell) in carriers.iter().zip(&row.carriers) {
        write!(text, "{carrier:<12} {}", cell.state)?;
        if let Some(distance) = cell.distance {
            write!(text, ", distance {distance}")?;
        }
        if !cell.codes.is_empty() {
            write!(text, " ({})", cell.codes)?;
        }
        writeln!(text)?;
    }
    if done.differences.is_empty() {
        write!(text, "the same as the recorded row, times aside")?;
    } else {
        write!(text, "NOT the same as the recorded row:")?;
        for difference in &done.differences {
            write!(text, "\n  {difference}")?;
        }
    }
    Ok(text)
}
