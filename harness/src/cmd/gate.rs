//! `credlink gate`.

use anyhow::Result;
use credlink_harness::exit;
use credlink_reports::RunDir;
use credlink_reports::gate::{Gate, GateReport};

use crate::cli::GateArgs;

pub(crate) fn run(args: &GateArgs) -> Result<u8> {
    let gate = Gate::read(&args.gate)?;
    let report = judged(&gate, &RunDir::open(&args.run)?)?;
    super::say(&report.to_string())?;
    Ok(code(&report))
}

/// Holds a finished run against a gate.
pub(crate) fn judged(gate: &Gate, run: &RunDir) -> Result<GateReport> {
    Ok(gate.judge(&credlink_reports::load(run)?)?)
}

/// The exit code of a report.
pub(crate) fn code(report: &GateReport) -> u8 {
    if report.passed() {
        exit::OK
    } else {
        exit::GATE_FAILED
    }
}
