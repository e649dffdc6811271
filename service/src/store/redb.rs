//! Proofs in one file on this machine.

use std::path::Path;

use credlink_sign_core::local::Points;
use credlink_sign_core::store::Resident;
use credlink_sign_core::{ProofId, ProofRecord};
use redb::{
    Database, MultimapTableDefinition, ReadableDatabase as _, ReadableTable as _,
    ReadableTableMetadata as _, TableDefinition, WriteTransaction,
};

use super::{
    Keeper, LOOKS as LOOKS_LENGTH, PLAIN_LOOKS, Proof, StoreError, failed, looks, points,
    record_of, resident, text_of,
};

/// Records as JSON, by id.
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
/// Manifests, by id.
const MANIFESTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("manifests");
/// Points, by id.
const POINTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("points");
/// What the newest proofs look like, by id.
const LOOKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("looks");
/// What all others look like, so many together: an id (8 bytes) and its looks, and the next. All that a service reads when it
/// starts lies in few places of the file, or a disk would look for each proof on its own.
const PACKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("packs with codes");
/// Where programs from before there were Image-Codes kept them, and look for them. Holds [`TOO_NEW`] alone.
const PLAIN_PACKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("packs");
/// A pack that such a program calls damaged, so that it does not begin to serve a store whose proofs it does not see.
const TOO_NEW: (u64, &[u8]) = (u64::MAX, &[0]);
/// Ids by the label of their manifest.
const URNS: TableDefinition<'_, &str, u64> = TableDefinition::new("urns");
/// Ids by the SHA-256 of the signed file.
const FILES: MultimapTableDefinition<'_, &[u8; 32], u64> = MultimapTableDefinition::new("files");

/// Bytes of looks that are an Image-Code.
const LOOKS_OF_CODE: usize = LOOKS_LENGTH - PLAIN_LOOKS;
/// Proofs whose looks are put together.
const PACK: usize = 4096;

/// Memory that the library may fill with pages.
const CACHE_BYTES: usize = 64 << 20;

/// A file.
#[derive(Debug)]
pub(super) struct Redb {
    name: String,
    database: Database,
}

impl Redb {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing(format!("redb:{}", path.display())));
        }
        Self::create(path)
    }

    pub(super) fn create(path: &Path) -> Result<Self, StoreError> {
        let name = format!("redb:{}", path.display());
        let says = |what: &dyn std::fmt::Display| failed("open")(&format!("{name}: {what}"));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| says(&error))?;
        }
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(path)
            .map_err(|error| says(&error))?;
        let made = || -> Result<(), redb::Error> {
            let writing = writing(&database)?;
            writing.open_table(RECORDS)?;
            writing.open_table(MANIFESTS)?;
            writing.open_table(POINTS)?;
            writing.open_table(LOOKS)?;
            writing.open_table(PACKS)?;
            with_codes(&writing)?;
            writing.open_table(URNS)?;
            writing.open_multimap_table(FILES)?;
            Ok(writing.commit()?)
        };
        made().map_err(|error| says(&error))?;
        Ok(Self { name, database })
    }

    /// Adds what is not there yet, in one transaction; whether each was added.
    fn inserted(&self, proofs: &[Proof]) -> Result<Vec<bool>, redb::Error> {
        let writing = writing(&self.database)?;
        let mut added = Vec::with_capacity(proofs.len());
        {
            let mut records = writing.open_table(RECORDS)?;
            let mut manifests = writing.open_table(MANIFESTS)?;
            let mut all_points = writing.open_table(POINTS)?;
            let mut all_looks = writing.open_table(LOOKS)?;
            let mut urns = writing.open_table(URNS)?;
            let mut files = writing.open_multimap_table(FILES)?;
            for Proof {
                record,
                manifest,
                points,
                urn,
            } in proofs
            {
                let id = record.id.value();
                let is_new = records.get(id)?.is_none();
                added.push(is_new);
                if !is_new {
                    continue;
                }
                let text = text_of(record)
                    .map_err(|error| redb::Error::Io(std::io::Error::other(error)))?;
                records.insert(id, &text[..])?;
                manifests.insert(id, &manifest[..])?;
                if record.points.is_some() {
                    all_points.insert(id, &points.to_bytes()[..])?;
                }
                all_looks.insert(id, &looks(record)[..])?;
                urns.insert(&urn[..], id)?;
                files.insert(&record.signed_sha256, id)?;
            }
        }
        packed(&writing)?;
        writing.commit()?;
        Ok(added)
    }

    fn bytes(
        &self,
        table: TableDefinition<'_, u64, &[u8]>,
        id: ProofId,
    ) -> Result<Option<Vec<u8>>, redb::Error> {
        let reading = self.database.begin_read()?;
        let found = reading.open_table(table)?.get(id.value())?;
        Ok(found.map(|found| found.value().to_vec()))
    }
}

/// A transaction that leaves behind which pages of the file are free. Without that, a file whose process was killed is read
/// from end to end, three times, before it can be used again.
fn writing(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut writing = database.begin_write()?;
    writing.set_quick_repair(true);
    Ok(writing)
}

/// Makes looks from before there were Image-Codes as long as those of today, once.
fn with_codes(writing: &WriteTransaction) -> Result<(), redb::Error> {
    let mut plain_packs = writing.open_table(PLAIN_PACKS)?;
    if plain_packs.get(TOO_NEW.0)?.is_some() {
        return Ok(());
    }
    let mut packs = writing.open_table(PACKS)?;
    for row in plain_packs.iter()? {
        let (number, pack) = row?;
        let rows = pack.value().chunks(8 + PLAIN_LOOKS);
        let longer = rows.map(|row| [row, &[0; LOOKS_OF_CODE]].concat());
        packs.insert(number.value(), &longer.collect::<Vec<_>>().concat()[..])?;
    }
    let mut newest = writing.open_table(LOOKS)?;
    let mut plain = Vec::new();
    for row in newest.iter()? {
        let (id, looks) = row?;
        if looks.value().len() == PLAIN_LOOKS {
            plain.push((id.value(), [looks.value(), &[0; LOOKS_OF_CODE]].concat()));
        }
    }
    for (id, looks) in plain {
        newest.insert(id, &looks[..])?;
    }
    plain_packs.retain(|_, _| false)?;
    plain_packs.insert(TOO_NEW.0, TOO_NEW.1)?;
    Ok(())
}

/// Puts looks together where there are enough of them.
fn packed(writing: &WriteTransaction) -> Result<(), redb::Error> {
    let mut all_looks = writing.open_table(LOOKS)?;
    if all_looks.len()? < PACK as u64 {
        return Ok(());
    }
    let mut rows = Vec::new();
    for row in all_looks.iter()? {
        let (id, looks) = row?;
        rows.push([&id.value().to_be_bytes()[..], looks.value()].concat());
    }
    let mut packs = writing.open_table(PACKS)?;
    let next = packs.last()?.map_or(0, |(last, _)| last.value() + 1);
    for (number, some) in (next..).zip(rows.chunks(PACK)) {
        packs.insert(number, &some.concat()[..])?;
    }
    Ok(all_looks.retain(|_, _| false)?)
}

impl Keeper for Redb {
    fn name(&self) -> &str {
        &self.name
    }

    fn insert(&self, proofs: &[Proof]) -> Vec<Result<(), StoreError>> {
        match self.inserted(proofs) {
            Ok(added) => added
                .iter()
                .zip(proofs)
                .map(|(is_new, proof)| {
                    is_new
                        .then_some(())
                        .ok_or(StoreError::Duplicate(proof.record.id))
                })
                .collect(),
            Err(error) => {
                let error = failed("write")(&error);
                vec![Err(error); proofs.len()]
            }
        }
    }

    fn record(&self, id: ProofId) -> Result<Option<ProofRecord>, StoreError> {
        let found = self.bytes(RECORDS, id);
        let found = found.map_err(|error| failed("read")(&error))?;
        record_of(id, found.as_deref())
    }

    fn manifest(&self, id: ProofId) -> Result<Option<Vec<u8>>, StoreError> {
        self.bytes(MANIFESTS, id)
            .map_err(|error| failed("read")(&error))
    }

    fn points(&self, ids: &[ProofId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let found: Result<_, _> = ids.iter().map(|id| self.bytes(POINTS, *id)).collect();
        found.map_err(|error| failed("read")(&error))
    }

    fn points_of_all(&self, each: &mut dyn FnMut(ProofId, Points)) -> Result<(), StoreError> {
        let tables = || -> Result<_, redb::Error> {
            let reading = self.database.begin_read()?;
            Ok((reading.open_table(RECORDS)?, reading.open_table(POINTS)?))
        };
        let (records, all) = tables().map_err(|error| failed("read")(&error))?;
        for row in all.iter().map_err(|error| failed("read")(&error))? {
            let (id, bytes) = row.map_err(|error| failed("read")(&error))?;
            let proof = ProofId::new(id.value());
            let record = records
                .get(id.value())
                .map_err(|error| failed("read")(&error))?;
            let record = record_of(proof, record.as_ref().map(|record| record.value()))?;
            let record = record.ok_or(StoreError::Damaged {
                id: proof,
                what: "the record",
            })?;
            each(proof, points(&record, bytes.value())?);
        }
        Ok(())
    }

    fn by_urn(&self, urn: &str) -> Result<Option<ProofId>, StoreError> {
        let look = || -> Result<Option<u64>, redb::Error> {
            let reading = self.database.begin_read()?;
            let found = reading.open_table(URNS)?.get(urn)?;
            Ok(found.map(|found| found.value()))
        };
        let found = look().map_err(|error| failed("read")(&error))?;
        Ok(found.map(ProofId::new))
    }

    fn by_file(&self, sha256: &[u8; 32]) -> Result<Vec<ProofId>, StoreError> {
        let look = || -> Result<Vec<ProofId>, redb::Error> {
            let reading = self.database.begin_read()?;
            let mut ids = Vec::new();
            for id in reading.open_multimap_table(FILES)?.get(sha256)? {
                ids.push(ProofId::new(id?.value()));
            }
            Ok(ids)
        };
        look().map_err(|error| failed("read")(&error))
    }

    fn residents(&self, each: &mut dyn FnMut(Resident)) -> Result<(), StoreError> {
        let read = |what: &dyn std::fmt::Display| failed("read")(what);
        let reading = self.database.begin_read().map_err(|e| read(&e))?;
        let mut all = Vec::new();
        let packs = reading.open_table(PACKS).map_err(|e| read(&e))?;
        for row in packs.iter().map_err(|e| read(&e))? {
            let (_, pack) = row.map_err(|e| read(&e))?;
            for row in pack.value().chunks(8 + LOOKS_LENGTH) {
                let (id, looks) = row
                    .split_first_chunk()
                    .ok_or_else(|| read(&"a pack of fingerprints is damaged"))?;
                all.push(resident(ProofId::new(u64::from_be_bytes(*id)), looks)?);
            }
        }
        let newest = reading.open_table(LOOKS).map_err(|e| read(&e))?;
        for row in newest.iter().map_err(|e| read(&e))? {
            let (id, looks) = row.map_err(|e| read(&e))?;
            all.push(resident(ProofId::new(id.value()), looks.value())?);
        }
        all.sort_unstable_by_key(|resident| resident.id);
        all.into_iter().for_each(each);
        Ok(())
    }

    fn count(&self) -> Result<u64, StoreError> {
        let count = || -> Result<u64, redb::Error> {
            Ok(self.database.begin_read()?.open_table(RECORDS)?.len()?)
        };
        count().map_err(|error| failed("read")(&error))
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

#[cfg(test)]
mod tests {
    use super::super::tests::proof;
    use super::*;

    fn residents(store: &Redb) -> Vec<Resident> {
        let mut all = Vec::new();
        store.residents(&mut |one| all.push(one)).unwrap();
        all
    }

    /// Looks of both lengths were once put into one pack, which nobody could read again.
    #[test]
    fn a_store_from_before_image_codes_grows_and_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proofs.redb");
        let first = PACK as u64 + 100;
        let proofs: Vec<Proof> = (0..first).map(proof).collect();
        let store = Redb::create(&path).unwrap();
        assert!(store.insert(&proofs).iter().all(Result::is_ok));
        // As it was kept then: a pack, and some behind it, all without code.
        let plain = |id: u64| looks(&proofs[id as usize].record)[..PLAIN_LOOKS].to_vec();
        let writing = store.database.begin_write().unwrap();
        {
            let mut packs = writing.open_table(PLAIN_PACKS).unwrap();
            let rows = (0..89_u64).map(|id| [&id.to_be_bytes()[..], &plain(id)].concat());
            let pack = rows.collect::<Vec<_>>().concat();
            packs.insert(0, &pack[..]).unwrap();
            packs.remove(TOO_NEW.0).unwrap();
            let mut newest = writing.open_table(LOOKS).unwrap();
            newest.retain(|_, _| false).unwrap();
            for id in 89..150 {
                newest.insert(id, &plain(id)[..]).unwrap();
            }
            let mut records = writing.open_table(RECORDS).unwrap();
            records.retain(|id, _| id < 150).unwrap();
            let mut packs = writing.open_table(PACKS).unwrap();
            packs.retain(|_, _| false).unwrap();
        }
        writing.commit().unwrap();
        drop(store);

        let store = Redb::open(&path).unwrap();
        let codeless = |id: u64| Resident {
            image_code: None,
            ..Resident::of(&proofs[id as usize].record)
        };
        let before: Vec<Resident> = (0..150).map(codeless).collect();
        assert_eq!(residents(&store), before);
        let later = &proofs[150..];
        assert!(store.insert(later).iter().all(Result::is_ok));
        drop(store);
        let store = Redb::open(&path).unwrap();
        let added = later.iter().map(|proof| Resident::of(&proof.record));
        let all: Vec<Resident> = before.into_iter().chain(added).collect();
        assert_eq!(residents(&store), all);
    }
}
