//! The proof store: every proof by id and by nearest fingerprint.
//!
//! Two types keep two stages apart. A [`ProofStoreBuilder`] takes records from many threads and answers
//! nothing; [`ProofStoreBuilder::seal`] turns it into a [`ProofStore`], which answers and takes nothing. A
//! look-up therefore always sees the whole store, and its answer cannot depend on timing.
//!
//! On disk (in the run directory) it is made of segments, which are written once and only ever added: `proofs/records.jsonl`,
//! one JSON object a line, header first, sorted by id; `proofs/manifests.bin` and `proofs/points.bin`, manifests and points in
//! the same order. All are the same bytes whatever the order of insertion. What is added later has names of its own,
//! `records-<digest>.jsonl` and so on, so that adding a proof costs a proof, however many there are; some dozens are merged into one.
//! The rename of the records is the moment from which a segment is there: whenever a writer is killed, the store is what it
//! was, or what it was to become. `proofs/lock` is locked by whoever writes.

mod builder;
mod codes;
mod files;
mod index;
mod local;
mod lock;
mod neighbourhood;
mod query;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use self::builder::ProofStoreBuilder;
pub use self::codes::Codes;
use self::files::Beside;
pub use self::local::{Filling, LocalIndex, Sharing};
pub use self::neighbourhood::{Neighbourhood, Resident};
pub use self::query::{Store, Unread};
use crate::fingerprint::{Difference, MatchPolicy, View};
use crate::keys::TrustAnchor;
use crate::local::{Points, Sought};
use crate::proof_id::ProofId;
use crate::record::ProofRecord;
use image::metadata::Orientation;

/// Folder of the store inside a run directory.
pub const STORE_DIR: &str = "proofs";
/// Records, one JSON object a line.
pub const RECORDS_FILE: &str = "records.jsonl";
/// Manifests, one after the other.
pub const MANIFESTS_FILE: &str = "manifests.bin";
/// Points, one picture's after the other's.
pub const POINTS_FILE: &str = "points.bin";

/// Why the store could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is a store already; it is never overwritten.
    #[error("{} exists already; choose another directory or reopen the store", .0.display())]
    Exists(PathBuf),
    /// Another process is writing.
    #[error("{} is locked: another process is writing this store", .0.display())]
    Busy(PathBuf),
    /// A line of the records file is not what was written.
    #[error("{} line {line}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Ids name one proof each.
    #[error("proof {0} is in the store already")]
    Duplicate(ProofId),
    /// No such proof.
    #[error("proof {0} is not in the store")]
    Unknown(ProofId),
    /// The manifest bytes are not the ones that were stored.
    #[error("manifest of proof {id} in {place} does not have the recorded SHA-256")]
    ManifestDamaged {
        /// The proof.
        id: ProofId,
        /// The file, or "memory".
        place: String,
    },
    /// The points are not the ones that were stored.
    #[error("points of proof {id} in {place} are not those that the record names")]
    PointsDamaged {
        /// The proof.
        id: ProofId,
        /// The file, or "memory".
        place: String,
    },
    /// A thread panicked while it held the store.
    #[error("store is unusable because a thread failed while writing to it")]
    Poisoned,
}

/// An error of the system about a file, in our words.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File {
        action,
        path,
        source,
    }
}

/// The best record of a query, and how good the best other one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// The record of the lowest [score](MatchPolicy::score); of equal ones the smallest id.
    pub best: Option<Neighbour>,
    /// Score of the best record with another id.
    pub runner_up: Option<u32>,
}

/// One record near a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The proof.
    pub id: ProofId,
    /// How it differs.
    pub difference: Difference,
    /// How the query image has to be turned to lie like the registered one.
    pub symmetry: Orientation,
}

/// A proof that is registered only to be mistaken for another: it fills the store, so that false accepts are known as a
/// function of the store's size. Held in memory, never written, and genuine by definition.
pub type Distractor = Resident;

/// What a neighbour's id stands for.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a look-up, and none is kept"
)]
pub enum Candidate<'a> {
    /// A proof of the store.
    Record(Cow<'a, ProofRecord>),
    /// One that is registered only to be mistaken for another.
    Distractor(&'a Distractor),
}

/// A sealed store. Shared freely between threads.
#[derive(Debug)]
pub struct ProofStore {
    /// Ascending by id.
    records: Vec<ProofRecord>,
    /// Ids among them that count as absent, ascending.
    foreign: Vec<ProofId>,
    distractors: Vec<Distractor>,
    neighbours: Neighbourhood,
    /// By position in `records`.
    points: LocalIndex,
    beside: Beside,
}

impl ProofStore {
    /// A store without proofs, for verifying files that carry their proof.
    pub fn empty() -> Self {
        Self {
            records: Vec::new(),
            foreign: Vec::new(),
            distractors: Vec::new(),
            neighbours: Neighbourhood::default(),
            points: LocalIndex::default(),
            beside: Beside::Memory(Vec::new()),
        }
    }

    /// Opens the store of a run directory.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Damaged`], [`StoreError::PointsDamaged`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::opened(dir, true)
    }

    /// The same, found by points or not.
    fn opened(dir: &Path, is_found_by_points: bool) -> Result<Self, StoreError> {
        let (records, beside) = files::open(dir)?;
        Self::assembled(records, beside, Vec::new(), is_found_by_points)
    }

    /// The same store without the records that none of these signers signed, and the ids of those: a store may have been
    /// tampered with, and a stranger's record that is like one of ours would make genuine matches ambiguous. Checks a
    /// signature for each record, about 20,000 a second.
    #[must_use]
    pub fn without_foreign(mut self, signers: &[TrustAnchor]) -> (Self, Vec<ProofId>) {
        let is_genuine = |record: &ProofRecord| {
            let mut keys = signers.iter().map(TrustAnchor::key);
            keys.any(|key| record.is_signed_by(key))
        };
        let foreign = self.records.iter().filter(|record| !is_genuine(record));
        self.foreign = foreign.map(|record| record.id).collect();
        let dropped = self.foreign.clone();
        self.neighbours = self.settled();
        (self, dropped)
    }

    /// The same store with other fingerprints beside its proofs, as [`ProofStoreBuilder::with_distractors`] has it.
    #[must_use]
    pub fn with_distractors(mut self, distractors: Vec<Distractor>) -> Self {
        self.distractors = distractors;
        self.neighbours = self.settled();
        self
    }

    fn assembled(
        records: Vec<ProofRecord>,
        beside: Beside,
        distractors: Vec<Distractor>,
        is_found_by_points: bool,
    ) -> Result<Self, StoreError> {
        let mut filling = Filling::default();
        if is_found_by_points {
            for (position, record) in records.iter().enumerate() {
                filling.push(&points_of(&beside, position, record)?);
            }
        }
        let mut store = Self {
            neighbours: Neighbourhood::default(),
            points: filling.indexed(),
            records,
            foreign: Vec::new(),
            distractors,
            beside,
        };
        store.neighbours = store.settled();
        Ok(store)
    }

    /// All that can be found: records that are ours, then distractors.
    fn settled(&self) -> Neighbourhood {
        let ours = self.records.iter().filter(|one| !self.is_foreign(one.id));
        ours.map(Resident::of)
            .chain(self.distractors.iter().copied())
            .collect()
    }

    fn is_foreign(&self, id: ProofId) -> bool {
        self.foreign.binary_search(&id).is_ok()
    }

    /// What a neighbour's id stands for.
    pub(crate) fn candidate(&self, id: ProofId) -> Option<Candidate<'_>> {
        let distractor = || self.distractors.iter().find(|one| one.id == id);
        match self.by_id(id) {
            Some(record) => Some(Candidate::Record(Cow::Borrowed(record))),
            None => distractor().map(Candidate::Distractor),
        }
    }

    /// Number of distractors.
    pub fn distractors(&self) -> usize {
        self.distractors.len()
    }

    /// Number of proofs, distractors aside.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no proof.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// All records, ascending by id.
    pub fn records(&self) -> &[ProofRecord] {
        &self.records
    }

    fn position(&self, id: ProofId) -> Option<usize> {
        self.records
            .binary_search_by_key(&id, |record| record.id)
            .ok()
    }

    /// The record of a proof.
    pub fn by_id(&self, id: ProofId) -> Option<&ProofRecord> {
        if self.is_foreign(id) {
            return None;
        }
        self.records.get(self.position(id)?)
    }

    /// The manifest of a proof, checked against its recorded SHA-256.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], [`StoreError::File`], [`StoreError::ManifestDamaged`].
    pub fn manifest(&self, id: ProofId) -> Result<Vec<u8>, StoreError> {
        let position = self.position(id).ok_or(StoreError::Unknown(id))?;
        self.beside.manifest(position, &self.records[position])
    }

    /// The points of a proof, checked against its record; none where it was registered without.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], [`StoreError::File`], [`StoreError::PointsDamaged`].
    pub fn points(&self, id: ProofId) -> Result<Points, StoreError> {
        let position = self.position(id).ok_or(StoreError::Unknown(id))?;
        points_of(&self.beside, position, &self.records[position])
    }

    /// The proofs that share most points with a received picture, as [`LocalIndex::sharing`] has it. Distractors have none.
    pub(crate) fn sharing(
        &self,
        sought: &Sought,
        views: Range<usize>,
        most: usize,
    ) -> Vec<(ProofId, Sharing)> {
        let found = self.points.sharing(sought, views, most).into_iter();
        found
            .map(|one| (self.records[one.position].id, one))
            .filter(|(id, _)| !self.is_foreign(*id))
            .collect()
    }

    /// The smallest distance, bits, from any of `views` to a proof of at least this quality that `is_right` does not
    /// name; see [`Neighbourhood::nearest_wrong`].
    pub fn nearest_wrong(
        &self,
        views: &[View],
        min_quality: u8,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Option<u32> {
        self.neighbours.nearest_wrong(views, min_quality, is_right)
    }

    /// The records within `radius` bits, 0 to 256, of any of `views`, the best first; `most` of them at most. Distractors are
    /// none.
    pub(crate) fn all_near(
        &self,
        views: &[View],
        radius: u32,
        policy: &MatchPolicy,
        most: usize,
    ) -> Vec<(&ProofRecord, Difference)> {
        let near = self.neighbours.all_near(views, radius, policy).into_iter();
        near.filter_map(|(id, difference)| Some((self.by_id(id)?, difference)))
            .take(most)
            .collect()
    }

    /// The best record within `radius` bits of any of the views, and how good the next one is; see
    /// [`Neighbourhood::nearest`].
    pub fn nearest(&self, views: &[View], radius: u32, policy: &MatchPolicy) -> Neighbours {
        self.neighbours.nearest(views, radius, policy)
    }
}

/// The points of the record at a position.
fn points_of(beside: &Beside, position: usize, record: &ProofRecord) -> Result<Points, StoreError> {
    let bytes = beside.points(position, record)?;
    if record.points.is_none() {
        return Ok(Points::default());
    }
    Points::from_bytes(&bytes, (record.width, record.height)).map_err(|_| {
        StoreError::PointsDamaged {
            id: record.id,
            place: "the store".to_owned(),
        }
    })
}
