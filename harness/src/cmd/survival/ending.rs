//! The end of a run, whoever did its work: rows in the order of the plan, header, pictures, report, verdict.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use credlink_harness::journal::{Assembly, Spent};
use credlink_harness::stages::{self, Ending};
use credlink_harness::{exhibits, exit, recipes};
use credlink_reports::gate::Gate;
use credlink_reports::{RowWriter, RunDir, RunHeader};

use crate::cmd;

/// A run whose work is done.
pub(crate) struct Whole<'a> {
    /// As it was described before it began.
    pub(crate) header: RunHeader,
    /// Where its rows are.
    pub(crate) finished: &'a Assembly,
    /// What there is to say of how the work went.
    pub(crate) notes: Vec<String>,
    /// What it has cost until now.
    pub(crate) spent: &'a (dyn Fn() -> Spent + Sync),
}

/// What is shown of it, and to whom.
pub(crate) struct Output<'a> {
    /// The gate that it must pass.
    pub(crate) gate: Option<(&'a Path, &'a Gate)>,
    pub(crate) quiet: bool,
    pub(crate) json: bool,
}

/// Ends a run, and gives the exit code.
pub(crate) fn end(
    whole: Whole<'_>,
    run_dir: &RunDir,
    stop: &AtomicBool,
    output: &Output<'_>,
) -> Result<u8> {
    let Whole {
        mut header,
        finished,
        notes,
        spent,
    } = whole;
    let writer = RowWriter::create(&run_dir.rows(), &header.carriers)?;
    let ending = stages::written(finished, writer, &header, notes)
        .with_context(|| format!("the run in {} is incomplete", run_dir.root().display()))?;
    for note in &ending.notes {
        cmd::complain(&format!("note: {note}"));
    }
    complete(&mut header, ending, &spent());
    run_dir.write_header(&header)?;
    // After the header, whose times it must not change; a run without pictures is still a run.
    if let Err(error) = exhibits::make(run_dir, &header, stop) {
        cmd::complain(&format!("warning: no gallery: {error:#}"));
    }
    let is_without_pictures = stop.load(Ordering::Relaxed) && !header.partial;
    recipes::keep(run_dir, &header)?;
    report(output, run_dir)?;
    let code = judged(&header, output.gate.map(|(_, gate)| gate), run_dir)?;
    // Whoever goes on finds all rows, and makes the pictures.
    Ok(match is_without_pictures {
        true => exit::INTERRUPTED,
        false => code,
    })
}

/// Enters how the run ended.
fn complete(header: &mut RunHeader, ending: Ending, spent: &Spent) {
    header.ops_done = ending.ops_done;
    header.partial = ending.partial;
    header.ops_left_out = ending.ops_not_made;
    header.skipped.extend(ending.not_made);
    header.skipped.extend(ending.notes);
    header.controls = ending.controls;
    header.elapsed_s = spent.elapsed_s;
    header.cpu = spent.cpu.clone();
    header.peak_memory_bytes = spent.peak_memory_bytes;
}

/// Writes the report and shows what was asked for.
fn report(output: &Output<'_>, run_dir: &RunDir) -> Result<()> {
    if let Some((path, _)) = output.gate {
        cmd::report::keep_gate(path, run_dir)?;
    }
    let summary = credlink_reports::regenerate(run_dir)?;
    if output.json {
        cmd::say(std::fs::read_to_string(run_dir.root().join("report.json"))?.trim_end())?;
    } else if !output.quiet {
        cmd::say(&summary.to_string())?;
        cmd::say(&format!(
            "report: {}",
            run_dir.root().join("report.html").display()
        ))?;
    }
    Ok(())
}

/// The exit code. Interrupted, or a control failed: the gate cannot pass, and the code says why.
pub(super) fn judged(header: &RunHeader, gate: Option<&Gate>, run_dir: &RunDir) -> Result<u8> {
    let verdict = cmd::verdict(header, run_dir)?;
    let Some(gate) = gate else {
        return Ok(verdict);
    };
    let report = cmd::gate::judged(gate, run_dir)?;
    // Standard output may be for machines.
    cmd::complain(&report.to_string());
    Ok(match verdict {
        exit::OK => cmd::gate::code(&report),
        worse => worse,
    })
}
