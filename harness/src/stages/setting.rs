//! What the stages of a run share.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use credlink_corpus::ImageSet;

use crate::journal::{JobRows, Journal, Kept};
use crate::ledger::Ledger;
use crate::live;
use crate::shard::Share;
use crate::stages::event::Listener;

/// What a run needs besides its plan.
pub struct Setting<'a> {
    /// The images.
    pub set: &'a dyn ImageSet,
    /// Seed of ids.
    pub seed: u64,
    /// What the signer is called; look-alikes take the name.
    pub signer_name: &'a str,
    /// Whether signed pictures are compared with their sources as the eye does, too: that takes a second a megapixel.
    pub looks_closely: bool,
    /// Where signed files go.
    pub signed_folder: &'a Path,
    /// Where files go that are made to deceive.
    pub negative_folder: &'a Path,
    /// Set from outside to end the run early.
    pub stop: &'a AtomicBool,
    /// Hears of progress.
    pub listener: Listener<'a>,
    /// Where CPU time is counted.
    pub ledger: &'a Ledger,
    /// Where finished work is kept.
    pub journal: &'a Journal,
    /// What of the plan is done here.
    pub share: &'a Share,
    /// Asks real servers; `None` where no pipeline does, or none may be asked.
    pub live: Option<&'a live::Client>,
    /// Runs what may have ended a process in one of its own.
    pub apart: Apart<'a>,
}

/// Work in a process of its own. The inner result is why that process died, in words; the outer one that it could not be made.
#[derive(Clone, Copy)]
pub struct Apart<'a> {
    /// Signs the image at a place of the plan.
    pub sign: &'a (dyn Fn(usize) -> anyhow::Result<Result<Kept, String>> + Sync),
    /// Does a job of the plan, from its `n`th op on: the rows that were finished, and why the process died if it did.
    pub verify: &'a (dyn Fn(usize, usize) -> anyhow::Result<(JobRows, Option<String>)> + Sync),
}
