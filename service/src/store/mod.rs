//! Where a service keeps its proofs: one trait, one implementation a file, chosen by URL.
//!
//! | URL | what |
//! |---|---|
//! | `redb:PATH` | one file on this machine; the default |
//! | `memory:` | nowhere: gone with the process, for trying things out |
//! | `postgres://…` | PostgreSQL, shared by any number of services; with the feature `postgres` |
//! | `s3://BUCKET+dynamodb://TABLE` | a bucket of S3 and a table of DynamoDB, shared likewise; with the feature `aws` |
//!
//! A store keeps; it does not search. What lies near a fingerprint is answered by [`crate::live::Live`], from memory.

#[cfg(feature = "aws")]
mod aws;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod redb;
mod url;
#[cfg(any(feature = "postgres", feature = "aws"))]
mod wire;

use std::fmt::Debug;

use credlink_sign_core::fingerprint::{Fingerprint, Tone, View};
use credlink_sign_core::iscc::ImageCode;
use credlink_sign_core::local::Points;
use credlink_sign_core::store::Resident;
use credlink_sign_core::{ProofId, ProofRecord, RegisteredPoints};
use sha2::{Digest, Sha256};

pub use self::url::StoreUrl;

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
    #[error(
        "no store has a URL that begins with {0:?}; redb:PATH, memory:, postgres://… and s3://BUCKET+dynamodb://TABLE are known"
    )]
    Scheme(String),
    /// A bucket or a table that is none.
    #[error(
        "a store on AWS is s3://BUCKET+dynamodb://TABLE, or s3://BUCKET/PREFIX+dynamodb://TABLE; names have 3 to 255 letters, digits, '.', '-' and '_'"
    )]
    Place,
    /// A store that this program was built without.
    #[error("{store} needs a program that was built with the feature {feature:?}")]
    NotBuilt {
        /// Its URL without secrets.
        store: String,
        /// The feature of the build.
        feature: &'static str,
    },
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

    /// The records of several proofs, in the order of `ids`. Stores elsewhere answer in the time of one question.
    ///
    /// # Errors
    /// As [`Keeper::record`].
    fn records(&self, ids: &[ProofId]) -> Result<Vec<Option<ProofRecord>>, StoreError> {
        ids.iter().map(|id| self.record(*id)).collect()
    }

    /// The manifest of a proof, as it was stored.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn manifest(&self, id: ProofId) -> Result<Option<Vec<u8>>, StoreError>;

    /// The points of proofs, as they were stored and in the order of `ids`; `None` for an unknown one, and for one that was stored
    /// without.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn points(&self, ids: &[ProofId]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

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

    /// Number of proofs. May take the longer the more there are.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn count(&self) -> Result<u64, StoreError>;

    /// Whether it would answer a question about a proof; takes no longer than one.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn answers(&self) -> Result<(), StoreError>;

    /// Where to begin to ask what others add; `None` where nobody else can write.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn mark(&self) -> Result<Option<u64>, StoreError>;

    /// Calls `each` with what every proof looks like that was added since `mark`, by whomever, and perhaps with some from
    /// before; the mark to ask with next.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::Damaged`].
    fn added_since(&self, mark: u64, each: &mut dyn FnMut(Resident)) -> Result<u64, StoreError>;
}

impl StoreUrl {
    /// Opens a store that is there.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Failed`], [`StoreError::NotBuilt`].
    pub fn open(&self) -> Result<Box<dyn Keeper>, StoreError> {
        match self {
            Self::Redb(path) => Ok(Box::new(redb::Redb::open(path)?)),
            Self::Memory => Ok(Box::<memory::Memory>::default()),
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                let name = self.to_string();
                Ok(Box::new(postgres::Postgres::open(url, name)?))
            }
            #[cfg(not(feature = "postgres"))]
            Self::Postgres(_) => Err(self.without("postgres")),
            #[cfg(feature = "aws")]
            Self::Aws(place) => Ok(Box::new(aws::Aws::open(place)?)),
            #[cfg(not(feature = "aws"))]
            Self::Aws(_) => Err(self.without("aws")),
        }
    }

    /// Makes what is missing, and opens the store.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::NotBuilt`].
    pub fn init(&self) -> Result<Box<dyn Keeper>, StoreError> {
        match self {
            Self::Redb(path) => Ok(Box::new(redb::Redb::create(path)?)),
            Self::Memory => self.open(),
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                let name = self.to_string();
                Ok(Box::new(postgres::Postgres::create(url, name)?))
            }
            #[cfg(not(feature = "postgres"))]
            Self::Postgres(_) => Err(self.without("postgres")),
            #[cfg(feature = "aws")]
            Self::Aws(place) => Ok(Box::new(aws::Aws::create(place)?)),
            #[cfg(not(feature = "aws"))]
            Self::Aws(_) => Err(self.without("aws")),
        }
    }

    #[cfg(not(all(feature = "postgres", feature = "aws")))]
    fn without(&self, feature: &'static str) -> StoreError {
        StoreError::NotBuilt {
            store: self.to_string(),
            feature,
        }
    }
}

/// Bytes of a resident without its id: fingerprint, tone, quality, Image-Code.
const LOOKS: usize = PLAIN_LOOKS + 32;
/// The same without an Image-Code, as stores kept it at first.
const PLAIN_LOOKS: usize = 32 + 16 + 1;

/// What a record looks like, for the part of a store that is read whole when a service starts. A record without Image-Code has
/// zeros in its place: half of the bits of a picture's code are ones.
fn looks(record: &ProofRecord) -> [u8; LOOKS] {
    let mut bytes = [0; LOOKS];
    for (place, word) in bytes.chunks_exact_mut(8).zip(record.fingerprint.0) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    bytes[32..48].copy_from_slice(&record.tone.0);
    bytes[48] = record.fingerprint_quality;
    if let Some(code) = &record.image_code {
        bytes[PLAIN_LOOKS..].copy_from_slice(&code.0);
    }
    bytes
}

fn resident(id: ProofId, bytes: &[u8]) -> Result<Resident, StoreError> {
    let damaged = || StoreError::Damaged {
        id,
        what: "the fingerprint",
    };
    let (bytes, code) = bytes
        .split_first_chunk::<PLAIN_LOOKS>()
        .ok_or_else(damaged)?;
    let code: [u8; 32] = match code {
        [] => [0; 32],
        code => code.try_into().map_err(|_| damaged())?,
    };
    let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|byte| bytes[8 * at + byte]));
    Ok(Resident {
        id,
        view: View {
            fingerprint: Fingerprint([word(0), word(1), word(2), word(3)]),
            tone: Tone(std::array::from_fn(|at| bytes[32 + at])),
        },
        quality: bytes[48],
        image_code: Some(ImageCode(code)).filter(|code| code.0 != [0; 32]),
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

/// A record as every store keeps it.
fn text_of(record: &ProofRecord) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|error| failed("write")(&error))
}

/// The record that was kept as this text.
fn record_of(id: ProofId, text: Option<&[u8]>) -> Result<Option<ProofRecord>, StoreError> {
    text.map(serde_json::from_slice)
        .transpose()
        .map_err(|_| StoreError::Damaged {
            id,
            what: "the record",
        })
}

/// Whether a manifest is the one that the record names.
pub fn is_manifest_of(manifest: &[u8], record: &ProofRecord) -> bool {
    <[u8; 32]>::from(Sha256::digest(manifest)) == record.manifest_sha256
}

#[cfg(test)]
mod tests;
