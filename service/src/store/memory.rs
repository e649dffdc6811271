//! Proofs that are gone with the process.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use credlink_sign_core::local::Points;
use credlink_sign_core::store::Resident;
use credlink_sign_core::{ProofId, ProofRecord};

use super::{Keeper, Proof, StoreError};

/// A map.
#[derive(Debug, Default)]
pub(super) struct Memory(RwLock<BTreeMap<ProofId, Proof>>);

impl Memory {
    fn all(&self) -> RwLockReadGuard<'_, BTreeMap<ProofId, Proof>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self, is_wanted: impl Fn(&Proof) -> bool) -> Vec<ProofId> {
        let all = self.all();
        let wanted = all.values().filter(|proof| is_wanted(proof));
        wanted.map(|proof| proof.record.id).collect()
    }
}

impl Keeper for Memory {
    fn name(&self) -> &str {
        "memory:"
    }

    fn insert(&self, proofs: &[Proof]) -> Vec<Result<(), StoreError>> {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let each = proofs.iter().map(|proof| {
            let id = proof.record.id;
            if all.contains_key(&id) {
                return Err(StoreError::Duplicate(id));
            }
            all.insert(id, proof.clone());
            Ok(())
        });
        each.collect()
    }

    fn record(&self, id: ProofId) -> Result<Option<ProofRecord>, StoreError> {
        Ok(self.all().get(&id).map(|proof| proof.record.clone()))
    }

    fn manifest(&self, id: ProofId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.all().get(&id).map(|proof| proof.manifest.clone()))
    }

    fn points(&self, ids: &[ProofId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let all = self.all();
        let kept = |id| {
            let kept: &Proof = all.get(id)?;
            kept.record.points.map(|_| kept.points.to_bytes())
        };
        Ok(ids.iter().map(kept).collect())
    }

    fn points_of_all(&self, each: &mut dyn FnMut(ProofId, Points)) -> Result<(), StoreError> {
        let all = self.all();
        let kept = all
            .iter()
            .filter(|(_, proof)| proof.record.points.is_some());
        kept.for_each(|(id, proof)| each(*id, proof.points.clone()));
        Ok(())
    }

    fn by_urn(&self, urn: &str) -> Result<Option<ProofId>, StoreError> {
        Ok(self.found(|proof| proof.urn == urn).first().copied())
    }

    fn by_file(&self, sha256: &[u8; 32]) -> Result<Vec<ProofId>, StoreError> {
        Ok(self.found(|proof| proof.record.signed_sha256 == *sha256))
    }

    fn residents(&self, each: &mut dyn FnMut(Resident)) -> Result<(), StoreError> {
        let all = self.all();
        all.values()
            .for_each(|proof| each(Resident::of(&proof.record)));
        Ok(())
    }

    fn count(&self) -> Result<u64, StoreError> {
        Ok(self.all().len() as u64)
    }

    fn answers(&self) -> Result<(), StoreError> {
        self.count().map(drop)
    }

    fn mark(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    fn added_since(&self, mark: u64, _: &mut dyn FnMut(Resident)) -> Result<u64, StoreError> {
        Ok(mark)
    }
}
