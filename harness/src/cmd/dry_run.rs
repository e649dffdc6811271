//! `credlink survival --dry-run`: what a run would do, and about what it would take.

use std::fmt::Write as _;

use anyhow::Result;
use credlink_harness::estimate::{Estimate, ops};
use credlink_harness::plan::Plan;
use credlink_reports::figures::{bytes, count, duration, plural};
use serde_json::{Value as Json, json};

/// Prints the plan.
pub(crate) fn print(plan: &Plan, estimate: &Estimate, threads: usize, json: bool) -> Result<()> {
    if json {
        return super::say(&format!("{:#}", as_json(plan, estimate, threads)));
    }
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

/// Times in nanoseconds.
fn as_json(plan: &Plan, estimate: &Estimate, threads: usize) -> Json {
    let figures = ops(plan).into_iter().zip(&estimate.op_nanos);
    let pipelines = plan.pipelines.iter().zip(figures);
    let pipelines = pipelines.map(|(recipe, ((signed, negative), nanos))| {
        json!({
            "pipeline": recipe.id,
            "signed": signed,
            "negative": negative,
            "cpu_signed": nanos.0,
            "cpu_negative": nanos.1,
        })
    });
    json!({
        "pipelines": pipelines.collect::<Vec<_>>(),
        "signed_ops": plan.signed_ops,
        "negative_ops": plan.negative_ops,
        "signed_images": plan.signed.len(),
        "negative_files": plan.negatives.len(),
        "cpu_sign_image": estimate.sign_nanos,
        "cpu": estimate.cpu_nanos,
        "wall": estimate.cpu_nanos / threads.max(1) as u64,
        "threads": threads,
        "disk_bytes": estimate.disk_bytes,
        "notes": plan.shortfalls,
    })
}
