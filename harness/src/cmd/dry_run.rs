//! `credlink survival --dry-run`: what a run would do, and about what it would take.

use std::fmt::Write as _;

use anyhow::Result;
use credlink_harness::estimate::{Estimate, ops};
use credlink_harness::plan::Plan;
use credlink_reports::figures::{bytes, count, duration, plural};

/// Prints the plan.
pub(crate) fn print(plan: &Plan, estimate: &Estimate, threads: usize) -> Result<()> {
    let mut text = format!(
        "{:<36} {:>9} {:>9} {:>12} {:>12}\n",
        "pipeline", "signed", "negative", "CPU, signed", "CPU, negative"
    );
    let figures = ops(plan).into_iter().zip(&estimate.op_nanos);
    for (recipe, ((signed, negative), nanos)) in plan.pipelines.iter().zip(figures) {
        writeln!(
            text,
            "{:<36} {:>9} {:>9} {:>12} {:>12}",
            recipe.id,
            count(signed),
            count(negative),
            duration(nanos.0),
            duration(nanos.1)
        )?;
    }
    write!(
        text,
        "\n{} through simulated pipelines, {} signed ({} CPU each), {}\n\
         time: about {} on {} ({} CPU)\n\
         disk: about {}\n\
         judged by {} signed and one signed and one unsigned op of each pipeline, just now on this machine",
        plural(plan.signed_ops + plan.negative_ops, "op"),
        plural(plan.signed.len() as u64, "image"),
        duration(estimate.sign_nanos),
        plural(plan.negatives.len() as u64, "negative trial file"),
        duration(estimate.cpu_nanos / threads.max(1) as u64),
        plural(threads as u64, "thread"),
        duration(estimate.cpu_nanos),
        bytes(estimate.disk_bytes),
        plural(estimate.samples, "image"),
    )?;
    for shortfall in &plan.shortfalls {
        write!(text, "\nnote: {shortfall}")?;
    }
    super::say(&text)
}
