//! The stages of a run: sign all, seal the store, then transform and verify, in parallel by image.

pub mod event;
mod in_order;
pub mod setting;
pub mod sign;
mod verify;

use anyhow::{Context, Result};
use credlink_reports::figures::plural;
use credlink_reports::header::ControlResult;
use credlink_reports::{RowWriter, RunHeader};

use self::event::Event;
use self::setting::Setting;
use self::verify::Verifying;
use crate::plan::Plan;
use crate::systems::System;

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Ops with a row.
    pub ops_done: u64,
    /// Whether it was interrupted.
    pub partial: bool,
    /// Negative trials that could not be made, one sentence each, in the order of the plan.
    pub not_made: Vec<String>,
    /// The ops that these would have had.
    pub ops_not_made: u64,
    /// What the system has to say of how the work went.
    pub notes: Vec<String>,
    /// The controls' verdicts.
    pub controls: Vec<ControlResult>,
}

/// Runs the plan, which `header` describes, on the threads of the current rayon pool and finishes the row file.
///
/// Rows are written in the order of the plan, whatever the threads. An image that cannot be signed or read gives an
/// error row for each of its ops.
///
/// # Errors
/// When rows cannot be written, or the proofs cannot be kept.
pub fn run(
    plan: &Plan,
    system: Box<dyn System>,
    writer: RowWriter,
    header: &RunHeader,
    setting: &Setting<'_>,
) -> Result<Ending> {
    let signed = sign::sign_all(&*system, &plan.signed, setting);
    // The barrier: from here on the store is complete and nothing can be added.
    let system = system
        .seal()
        .map_err(anyhow::Error::from)
        .context("failed to complete the proof store")?;
    let total = plan.signed_ops + plan.negative_ops;
    (setting.listener)(Event::Stage {
        name: "verifying",
        total,
        of: format!(
            " ({} and {})",
            plural(plan.signed_ops, "op"),
            plural(plan.negative_ops, "negative trial")
        ),
    });
    let verifying = Verifying::new(plan, &signed, &*system, setting)?;
    let verified = verifying.write_rows(writer, header)?;
    Ok(Ending {
        notes: sign::refusals(&signed)
            .into_iter()
            .chain(system.notes())
            .collect(),
        ops_done: verified.ops_done,
        partial: verified.ops_done + verified.ops_not_made < total,
        not_made: verified.not_made,
        ops_not_made: verified.ops_not_made,
        controls: verified.controls,
    })
}
