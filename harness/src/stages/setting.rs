//! What the stages of a run share.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use credlink_corpus::ImageSet;

use crate::ledger::Ledger;
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
}
