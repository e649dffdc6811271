//! `credlink gate`.

use anyhow::{Result, ensure};
use credlink_harness::exit;
use credlink_reports::RunDir;
use credlink_reports::gate::{Gate, GateReport};
use serde_json::json;

use crate::cli::GateArgs;

pub(crate) fn run(args: &GateArgs) -> Result<u8> {
    // A gate is a file and a run a directory, so either order says which is which.
    let (gate, run) = if args.gate.is_dir() {
        ensure!(
            !args.run.is_dir(),
            "{} and {} are both directories; one of them has to be a gate, a TOML file such as gates/default.toml",
            args.gate.display(),
            args.run.display()
        );
        (&args.run, &args.gate)
    } else {
        (&args.gate, &args.run)
    };
    let gate = Gate::read(gate)?;
    let report = judged(&gate, &RunDir::open(run)?)?;
    if args.json {
        super::say(&format!("{:#}", as_json(&report)))?;
    } else {
        super::say(&report.to_string())?;
    }
    Ok(code(&report))
}

fn as_json(report: &GateReport) -> serde_json::Value {
    let checks = report
        .checks
        .iter()
        .map(|check| json!({ "name": check.name, "passed": check.passed, "detail": check.detail }));
    json!({
        "run": report.run,
        "passed": report.passed(),
        "checks": checks.collect::<Vec<_>>(),
    })
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
