//! A signed image as stages hand it on and the journal keeps it.

use std::borrow::Cow;
use std::path::PathBuf;

use credlink_image_files::contents::Fate;
use credlink_sign_core::carriers::Cost;
use credlink_sign_core::{Distortion, ProofId};
use credlink_trial_record::Embedded;
use serde::{Deserialize, Serialize};

/// A signed image, waiting on disk for its pipelines.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedFile {
    /// The proof that was issued for it.
    pub id: ProofId,
    /// The file in the run directory.
    #[serde(skip)]
    pub path: PathBuf,
    /// Size of the source file.
    pub source_bytes: u64,
    /// Size of the signed file.
    pub signed_bytes: u64,
    /// How well the image took each carrier, in ladder order.
    pub embedded: Vec<Embedded>,
    /// What the watermark alone did to the pixels; `None` where there is none.
    pub mark: Option<Distortion>,
    /// What signing did to the pixels; `None` where it changed none.
    pub distortion: Option<Distortion>,
    /// SSIMULACRA 2 of signed file and source; `None` where it was not asked for, or no pixel changed.
    pub perceptual: Option<f32>,
    /// What each carrier took, in ladder order.
    pub costs: Vec<Cost>,
    /// Why the system declined the image; `None` if it did not.
    pub refused: Option<String>,
    /// What became of everything that the source held beside its pixels.
    pub fate: Fate,
    /// Wall-clock time of signing and registering, decoding and hashing included, in nanoseconds.
    pub nanos: u64,
}

/// Why an image has no signed file: a short code for tables, and the reason in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningFailure {
    /// `source`, `sign`, `disk`, `panic`, or what the system calls it.
    pub cause: Cow<'static, str>,
    /// The reason, naming the image.
    pub reason: String,
}

/// What signing made of the planned images, by their place in the plan: `None` where an image is another part's, or the run was
/// stopped before.
pub type SignedImages = Vec<Option<Result<SignedFile, SigningFailure>>>;
