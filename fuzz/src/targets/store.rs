//! A proof store that others could write to.

use std::path::Path;
use std::sync::LazyLock;

use credlink_sign_core::ProofId;
use credlink_sign_core::store::{ProofStore, ProofStoreBuilder, STORE_DIR};

use super::made::{Proof, WORLD};
use super::run::{Files, files, put};

/// A store of two segments, file by file.
static STORE: LazyLock<Files> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let (last, first) = WORLD.proofs.split_last().expect("some files were signed");
    let insert = |store: &ProofStoreBuilder, (record, manifest, points): &Proof| {
        let kept = store.insert(record.clone(), manifest, points);
        kept.expect("ids of their own");
    };
    let store = ProofStoreBuilder::create(at).expect("a folder of its own");
    first.iter().for_each(|proof| insert(&store, proof));
    store.keep().expect("a folder of its own");
    let store = ProofStoreBuilder::reopen(at, &|| ()).expect("a sound store");
    insert(&store, last);
    store.keep().expect("a folder of its own");
    files(at)
});

/// A store with one of its files exchanged is refused, or ascends; what nobody of ours signed is not found in it; and it
/// takes another proof.
pub(crate) fn opened(bytes: &[u8]) {
    let Some((which, content)) = bytes.split_first() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    put(at, &STORE, usize::from(*which), content);
    let store = match ProofStore::open(at) {
        Ok(store) => store,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let ids: Vec<ProofId> = store.records().iter().map(|record| record.id).collect();
    assert!(ids.is_sorted_by(|one, other| one < other));
    for id in &ids {
        let _ = store.manifest(*id);
    }
    let (store, foreign) = store.without_foreign(WORLD.verifier.anchors());
    for id in &ids {
        let issued = WORLD.proofs.iter().map(|(record, ..)| record);
        let is_issued = |found| issued.clone().any(|record| record == found);
        match store.by_id(*id) {
            Some(found) => assert!(is_issued(found), "{found:?} is nobody's of ours"),
            None => assert!(foreign.contains(id)),
        }
    }
    grown(at, ids);
}

/// One more proof.
fn grown(at: &Path, mut ids: Vec<ProofId>) {
    let new = ProofId::new(u64::MAX);
    if ids.contains(&new) {
        return;
    }
    let (record, manifest, points) = &WORLD.proofs[0];
    let mut record = record.clone();
    record.id = new;
    let store = ProofStoreBuilder::reopen(at, &|| ()).expect("it was opened before");
    let kept = store.insert(record, manifest, points);
    kept.expect("an id of its own");
    store.keep().expect("a folder of its own");
    let again = ProofStore::open(at).expect("what was written can be read again");
    ids.push(new);
    assert!(again.records().iter().map(|record| record.id).eq(ids));
    assert_eq!(again.manifest(new).ok().as_ref(), Some(manifest));
    assert_eq!(again.points(new).ok().as_ref(), Some(points));
}

/// Each file of a store as it is.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let files = STORE.iter().enumerate();
    let seeds = files.filter(|(_, (path, _))| !path.ends_with(Path::new(STORE_DIR).join("lock")));
    seeds
        .map(|(which, (_, content))| [&[which as u8][..], content].concat())
        .collect()
}
