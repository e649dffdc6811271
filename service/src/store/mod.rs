//! Where a service keeps its proofs: one trait, one implementation a file, chosen by URL.
//!
//! | URL | what |
//! |---|---|
//! | `redb:PATH` | one file on this machine; the default |
//! | `memory:` | nowhere: gone with the process, for trying things out |
//!
//! A store keeps; it does not search. What lies near a fingerprint is answered by [`crate::live::Live`], from memory.

mod memory;
mod redb;

use std::fmt::Debug;
use std::str::FromStr;

use credlink_sign_core::fingerprint::{Fingerprint, Tone, View};
use credlink_sign_core::local::Points;
use credlink_sign_core::store::Resident;
use credlink_sign_core::{ProofId, ProofRecord, RegisteredPoints};
use sha2::{Digest, Sha256};

/// A proof with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Its signed record.
    pub record: ProofRecord,
    /// Its manifest, a JUMBF store.
    pub manifest: Vec<u8>,
    /// Its points.
    pub points: Points,
    /// The label of the manifest, `urn:c2pa:…`.
    pub urn: String,
}

/// Why a store could not do what it was asked to.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No store is known by this scheme; the rest of the URL, which may hold a password, is not told.
    #[error("no store has a URL that begins with {0:?}; redb:PATH and memory: are known")]
    Scheme(String),
    /// There is nothing, and it was not to be made.
    #[error("{0} is not there; `credlink store init {0}` makes it")]
    Missing(String),
    /// The store is there, and something is wrong with it or with the way to it.
    #[error("store: cannot {action}: {what}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// What the library or the system said.
        what: String,
    },
    /// The points of its proofs are still being read.
    #[error("store: the points of its proofs are still being read; ask again in some seconds")]
    Unread,
    /// A proof is kept already under this id.
    #[error("proof {0} is in the store already")]
    Duplicate(ProofId),
    /// What is kept is not what was stored.
    #[error("store: {what} of proof {id} is damaged")]
    Damaged {
        /// The proof.
        id: ProofId,
        /// The part of it.
        what: &'static str,
    },
}

/// Why nothing was found where something should be.
fn failed(action: &'static str) -> impl FnOnce(&dyn std::fmt::Display) -> StoreError {
    move |what| StoreError::Failed {
        action,
        what: what.to_string(),
    }
}

/// Keeps proofs. Every call may take as long as the medium takes; whoever cannot wait calls from another thread.
pub trait Keeper: Debug + Send + Sync {
    /// What it is called in messages: its URL without secrets.
    fn name(&self) -> &str;

    /// Adds proofs, all of them durably before it returns. One answer each, in order: a proof whose id is taken is not
    /// added, and what is there is not touched.
    fn insert(&self, proofs: &[Proof]) -> Vec<Result<(), StoreError>>;

    /// The record of a proof.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::Damaged`].
    fn record(&self, id: ProofId) -> Result<Option<ProofRecord>, StoreError>;

    /// The manifest of a proof, as it was stored.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn manifest(&self, id: ProofId) -> Result<Option<Vec<u8>>, StoreError>;

    /// The points of a proof, as they were stored; `None` for an unknown one, and for one that was stored without.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn points(&self, id: ProofId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Calls `each` with the points of every proof that has some.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::Damaged`].
    fn points_of_all(&self, each: &mut dyn FnMut(ProofId, Points)) -> Result<(), StoreError>;

    /// The proof whose manifest has this label.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn by_urn(&self, urn: &str) -> Result<Option<ProofId>, StoreError>;

    /// The proofs whose signed file has this SHA-256.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn by_file(&self, sha256: &[u8; 32]) -> Result<Vec<ProofId>, StoreError>;

    /// Calls `each` with what every proof looks like, ascending by id.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::Damaged`].
    fn residents(&self, each: &mut dyn FnMut(Resident)) -> Result<(), StoreError>;

    /// Number of proofs.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn count(&self) -> Result<u64, StoreError>;
}

/// A store by its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// One file.
    Redb(std::path::PathBuf),
    /// Nowhere.
    Memory,
}

impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        match text.split_once(':') {
            Some(("redb", path)) if !path.is_empty() => Ok(Self::Redb(path.into())),
            Some(("memory", "")) => Ok(Self::Memory),
            parts => Err(StoreError::Scheme(
                parts.map_or("", |(scheme, _)| scheme).to_owned(),
            )),
        }
    }
}

impl std::fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Redb(path) => write!(f, "redb:{}", path.display()),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

impl StoreUrl {
    /// Opens a store that is there.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Failed`].
    pub fn open(&self) -> Result<Box<dyn Keeper>, StoreError> {
        match self {
            Self::Redb(path) => Ok(Box::new(redb::Redb::open(path)?)),
            Self::Memory => Ok(Box::<memory::Memory>::default()),
        }
    }

    /// Makes what is missing, and opens the store.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub fn init(&self) -> Result<Box<dyn Keeper>, StoreError> {
        match self {
            Self::Redb(path) => Ok(Box::new(redb::Redb::create(path)?)),
            Self::Memory => self.open(),
        }
    }
}

/// Bytes of a resident without its id: fingerprint, tone, quality.
const LOOKS: usize = 32 + 16 + 1;

/// What a record looks like, for the part of a store that is read whole when a service starts.
fn looks(record: &ProofRecord) -> [u8; LOOKS] {
    let mut bytes = [0; LOOKS];
    for (place, word) in bytes.chunks_exact_mut(8).zip(record.fingerprint.0) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    bytes[32..48].copy_from_slice(&record.tone.0);
    bytes[48] = record.fingerprint_quality;
    bytes
}

fn resident(id: ProofId, bytes: &[u8]) -> Result<Resident, StoreError> {
    let damaged = StoreError::Damaged {
        id,
        what: "the fingerprint",
    };
    let bytes: &[u8; LOOKS] = bytes.try_into().map_err(|_| damaged)?;
    let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|byte| bytes[8 * at + byte]));
    Ok(Resident {
        id,
        view: View {
            fingerprint: Fingerprint([word(0), word(1), word(2), word(3)]),
            tone: Tone(std::array::from_fn(|at| bytes[32 + at])),
        },
        quality: bytes[48],
    })
}

/// The points that a record names.
///
/// # Errors
/// [`StoreError::Damaged`] if these are others.
pub fn points(record: &ProofRecord, bytes: &[u8]) -> Result<Points, StoreError> {
    let are_named = record.points == Some(RegisteredPoints::of(bytes));
    let read = Points::from_bytes(bytes, (record.width, record.height));
    read.ok().filter(|_| are_named).ok_or(StoreError::Damaged {
        id: record.id,
        what: "the points",
    })
}

/// Whether a manifest is the one that the record names.
pub fn is_manifest_of(manifest: &[u8], record: &ProofRecord) -> bool {
    <[u8; 32]>::from(Sha256::digest(manifest)) == record.manifest_sha256
}

#[cfg(test)]
mod tests;
