//! `credlink gate`.

use anyhow::Result;
use credlink_harness::exit;
use credlink_reports::RunDir;
use credlink_reports::gate::Gate;

use crate::cli::GateArgs;

pub(crate) fn run(args: &GateArgs) -> Result<u8> {
    let gate = Gate::read(&args.gate)?;
    judged(&gate, &RunDir::open(&args.run)?)
}

/// Holds a finished run against a gate, and says how each check went.
pub(crate) fn judged(gate: &Gate, run: &RunDir) -> Result<u8> {
    let report = gate.judge(&credlink_reports::load(run)?)?;
    super::say(&report.to_string())?;
    Ok(if report.passed() {
        exit::OK
    } else {
        exit::GATE_FAILED
    })
}
