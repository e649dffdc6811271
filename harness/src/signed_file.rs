//! A signed image as stages hand it on and the journal keeps it.

use std::borrow::Cow;
use std::path::PathBuf;

use credlink_image_files::contents::Fate;
use credlink_sign_core::carriers::Cost;
use credlink_sign_core::{Distortion, ProofId};
use credlink_trial_record::Embedded;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A signed image, waiting on disk for its pipelines.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedFile {
    /// The proof that was issued for it.
    pub id: ProofId,
    /// The file in the run directory.
    #[serde(skip)]
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
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

impl SignedFile {
    /// The file, as it was when it was signed.
    ///
    /// # Errors
    /// In words, naming it, when it cannot be read or is another.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        let path = self.path.display();
        let bytes = std::fs::read(&self.path).map_err(|error| format!("{path}: {error}"))?;
        match digest(&bytes) == self.sha256 {
            true => Ok(bytes),
            false => Err(format!("{path} is not the file that was signed")),
        }
    }

    /// Checks that the file is there, by its length alone.
    ///
    /// # Errors
    /// In words, naming it.
    pub fn check(&self) -> Result<(), String> {
        let path = self.path.display();
        let about = std::fs::metadata(&self.path).map_err(|error| format!("{path}: {error}"))?;
        match about.len() == self.signed_bytes {
            true => Ok(()),
            false => Err(format!("{path} is not the file that was signed")),
        }
    }
}

/// SHA-256 in hex, as [`SignedFile::sha256`] has it.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Why an image has no signed file: a short code for tables, and the reason in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningFailure {
    /// `source`, `sign`, `panic`, `crash`, or what the system calls it.
    pub cause: Cow<'static, str>,
    /// The reason, naming the image.
    pub reason: String,
}

/// What signing made of the planned images, by their place in the plan: `None` where an image is another part's, or the run was
/// stopped before.
pub type SignedImages = Vec<Option<Result<SignedFile, SigningFailure>>>;
