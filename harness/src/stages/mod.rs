//! The stages of a run: sign all, seal the store, then transform and verify, in parallel by image.

pub mod event;
mod in_order;
pub mod setting;
pub mod sign;
mod verify;

use std::path::Path;

use anyhow::{Context, Result};
use credlink_reports::controls::Controls;
use credlink_reports::figures::plural;
use credlink_reports::header::ControlResult;
use credlink_reports::{RowWriter, RunHeader};

use self::event::Event;
use self::setting::Setting;
use self::verify::Verifying;
use crate::journal::{Assembly, JobRows, LeftOut, assemble};
use crate::plan::Plan;
use crate::signed_file::SignedImages;
use crate::systems::{Sealed, System};

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

/// Signs this part's images, those in the journal aside.
///
/// # Errors
/// When the journal cannot be read or written.
pub fn signed(
    plan: &Plan,
    system: &dyn System,
    run: &Path,
    setting: &Setting<'_>,
) -> Result<SignedImages> {
    let signed = sign::recall(system, &[run.to_owned()], plan.signed.len())?;
    sign::sign_all(system, &plan.signed, &signed, setting)?;
    Ok(signed)
}

/// Seals the system, which has registered all signed images, and does this part's jobs, those in the journal aside. Gives what
/// there is to say of how the work went.
///
/// # Errors
/// When the proofs cannot be kept, or the journal cannot be written.
pub fn verified(
    plan: &Plan,
    signed: &SignedImages,
    system: Box<dyn System>,
    run: &Path,
    setting: &Setting<'_>,
) -> Result<Vec<String>> {
    let system = sealed(system)?;
    let mut finished = Assembly::default();
    finished.add(run)?;
    (setting.listener)(Event::Stage {
        name: "verifying",
        total: setting.share.ops(plan),
        of: format!(
            " ({} and {})",
            plural(plan.signed_ops, "op"),
            plural(plan.negative_ops, "negative trial")
        ),
    });
    (setting.listener)(Event::Advanced(finished.ops()));
    Verifying::new(plan, signed, &*system, setting)?.all(&finished)?;
    let notes = signed.refusals().into_iter();
    Ok(notes.chain(system.notes()).collect())
}

/// Does one job's ops one by one, from the `from`th on, each with its rows before the next begins: for a process that one of
/// them may end.
///
/// # Errors
/// Those of `each`, and when the proofs cannot be kept.
pub fn one_by_one(
    plan: &Plan,
    signed: &SignedImages,
    system: Box<dyn System>,
    (job, from): (usize, usize),
    setting: &Setting<'_>,
    each: impl FnMut(JobRows) -> Result<()>,
) -> Result<()> {
    let system = sealed(system)?;
    Verifying::new(plan, signed, &*system, setting)?.one_by_one(job, from, each)
}

/// The barrier: from here on the store is complete and nothing can be added.
fn sealed(system: Box<dyn System>) -> Result<Box<dyn Sealed>> {
    let sealed = system.seal().map_err(anyhow::Error::from);
    sealed.context("failed to complete the proof store")
}

/// Writes the row file of a run from its journals, in the order of the plan, whatever threads and parts did the work.
///
/// # Errors
/// When a journal is not as it was written, or the rows cannot be written.
pub fn written(
    finished: &Assembly,
    mut writer: RowWriter,
    header: &RunHeader,
    notes: Vec<String>,
) -> Result<Ending> {
    let mut controls = Controls::of(header);
    let mut left_out: Vec<LeftOut> = Vec::new();
    assemble(finished, |job| {
        for row in job.rows {
            controls.watch(&row, &header.carriers);
            writer.push(row)?;
        }
        left_out.extend(job.left_out);
        Ok(())
    })
    .context("failed to write rows")?;
    let ops_not_made = left_out
        .iter()
        .fold(0, |sum: u64, left_out| sum.saturating_add(left_out.ops));
    let ops_done = writer.finish().context("failed to finish the row file")?;
    Ok(Ending {
        ops_done,
        partial: ops_done.saturating_add(ops_not_made) < header.ops_planned,
        not_made: left_out.into_iter().map(|left_out| left_out.what).collect(),
        ops_not_made,
        notes,
        controls: controls.results(),
    })
}
