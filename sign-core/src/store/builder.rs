//! Filling a store.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::files::{Beside, Held, Part};
use super::lock::Patience;
use super::{Distractor, ProofStore, StoreError, files};
use crate::local::Points;
use crate::proof_id::ProofId;
use crate::record::ProofRecord;

/// Takes proofs from any number of threads; answers nothing until it is sealed.
#[derive(Debug)]
pub struct ProofStoreBuilder {
    dir: Option<PathBuf>,
    /// Proofs that the store holds already.
    known: HashSet<ProofId>,
    distractors: Vec<Distractor>,
    is_found_by_points: bool,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    records: BTreeMap<ProofId, ProofRecord>,
    beside: Pending,
}

/// What belongs to the records, in the order of arrival.
#[derive(Debug)]
enum Pending {
    Memory(BTreeMap<ProofId, Held>),
    Disk(Part),
}

impl ProofStoreBuilder {
    /// A store that lives in memory only.
    pub fn in_memory() -> Self {
        Self {
            dir: None,
            known: HashSet::new(),
            distractors: Vec::new(),
            is_found_by_points: true,
            inner: Mutex::new(Inner {
                records: BTreeMap::new(),
                beside: Pending::Memory(BTreeMap::new()),
            }),
        }
    }

    /// A new store in a run directory, which is created where needed.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Busy`], [`StoreError::File`].
    pub fn create(dir: &Path) -> Result<Self, StoreError> {
        if files::exists(dir)? {
            return Err(StoreError::Exists(dir.join(super::STORE_DIR)));
        }
        Self::on_disk(dir, &Patience::None)
    }

    /// The store of a run directory, to add to it; a new one if there is none.
    ///
    /// What is added becomes a segment of its own; what is there is read once, and not written again. Where another process
    /// is writing, `waiting` is called once, and the store opened when that one is done.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Damaged`].
    pub fn reopen(dir: &Path, waiting: &dyn Fn()) -> Result<Self, StoreError> {
        let mut builder = Self::on_disk(dir, &Patience::Wait(waiting))?;
        if files::exists(dir)? {
            let (records, _) = files::open(dir)?;
            builder.known = records.iter().map(|record| record.id).collect();
        }
        Ok(builder)
    }

    fn on_disk(dir: &Path, patience: &Patience<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            dir: Some(dir.to_owned()),
            known: HashSet::new(),
            distractors: Vec::new(),
            is_found_by_points: true,
            inner: Mutex::new(Inner {
                records: BTreeMap::new(),
                beside: Pending::Disk(Part::create(dir, patience)?),
            }),
        })
    }

    /// Fills the store with proofs that are there to be mistaken for others. About 64 bytes of memory each, and as many
    /// in the index.
    #[must_use]
    pub fn with_distractors(mut self, distractors: Vec<Distractor>) -> Self {
        self.distractors = distractors;
        self
    }

    /// For a verifier that looks for no points: they are kept like any others, and the sealed store has no index of them, which
    /// takes 1.7 KB of memory a proof.
    #[must_use]
    pub fn without_index_of_points(mut self) -> Self {
        self.is_found_by_points = false;
        self
    }

    /// Adds a proof, its manifest and its points.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`], [`StoreError::ManifestDamaged`] or [`StoreError::PointsDamaged`] if they are not the recorded
    /// ones, [`StoreError::File`], [`StoreError::Poisoned`].
    pub fn insert(
        &self,
        record: ProofRecord,
        manifest: &[u8],
        points: &Points,
    ) -> Result<(), StoreError> {
        let id = record.id;
        let held = Held {
            manifest: manifest.to_owned(),
            points: record.points.map_or_else(Vec::new, |_| points.to_bytes()),
        };
        let place = || "memory".to_owned();
        if !files::is_manifest_of(manifest, &record) {
            return Err(StoreError::ManifestDamaged { id, place: place() });
        }
        if !files::are_points_of(&held.points, &record) {
            return Err(StoreError::PointsDamaged { id, place: place() });
        }
        let mut inner = self.inner.lock().map_err(|_| StoreError::Poisoned)?;
        if inner.records.contains_key(&id) || self.known.contains(&id) {
            return Err(StoreError::Duplicate(id));
        }
        match &mut inner.beside {
            Pending::Memory(all) => {
                all.insert(id, held);
            }
            Pending::Disk(part) => part.push(id, &held)?,
        }
        inner.records.insert(id, record);
        Ok(())
    }

    /// Number of proofs so far, those included that the store held.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`].
    pub fn registered(&self) -> Result<usize, StoreError> {
        let inner = self.inner.lock().map_err(|_| StoreError::Poisoned)?;
        Ok(self.known.len() + inner.records.len())
    }

    /// Writes what was added, without building an index over it.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Poisoned`].
    pub fn keep(self) -> Result<(), StoreError> {
        let inner = self.inner.into_inner().map_err(|_| StoreError::Poisoned)?;
        let records: Vec<ProofRecord> = inner.records.into_values().collect();
        match (inner.beside, self.dir) {
            (Pending::Disk(part), Some(dir)) => part.seal(&dir, &records),
            (Pending::Disk(_) | Pending::Memory(_), _) => Ok(()),
        }
    }

    /// Ends the first stage: writes the files and builds the index over all proofs.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Damaged`], [`StoreError::Poisoned`].
    pub fn seal(mut self) -> Result<ProofStore, StoreError> {
        let distractors = std::mem::take(&mut self.distractors);
        if let Some(dir) = self.dir.clone() {
            let is_found_by_points = self.is_found_by_points;
            self.keep()?;
            let store = ProofStore::opened(&dir, is_found_by_points)?;
            return Ok(store.with_distractors(distractors));
        }
        let inner = self.inner.into_inner().map_err(|_| StoreError::Poisoned)?;
        let records: Vec<ProofRecord> = inner.records.into_values().collect();
        let beside = match inner.beside {
            // Both maps ascend by id, so positions agree.
            Pending::Memory(all) => all.into_values().collect(),
            Pending::Disk(_) => Vec::new(),
        };
        ProofStore::assembled(
            records,
            Beside::Memory(beside),
            distractors,
            self.is_found_by_points,
        )
    }
}
