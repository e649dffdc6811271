//! Signing, sealing and verifying: two stages, any number of threads.

use credlink_sign_core::carriers::State;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::store::StoreError;
use credlink_sign_core::{SignedImage, Verification, Verifier};
use image::ImageFormat;
use std::sync::Arc;

use super::common::*;

/// Signs twelve pictures and verifies them, damaged copies and strangers on `threads` threads.
fn run(threads: usize, dir: &std::path::Path) -> Vec<(Vec<u8>, Vec<Verification>)> {
    let store = ProofStoreBuilder::create(dir).unwrap();
    let signer = signer();
    let sign = |k: usize, bytes: &[u8]| -> Result<SignedImage, StoreError> {
        let signed = signer.sign(&file(bytes), id(k as u64)).unwrap();
        store.insert(signed.record.clone(), &signed.manifest, &signed.points)?;
        Ok(signed)
    };
    let pictures: Vec<Vec<u8>> = (0..12)
        .map(|seed| encoded(&picture(seed, 160, 120), ImageFormat::Jpeg))
        .collect();
    let spread = |work: &(dyn Fn(usize) -> (usize, Vec<u8>) + Sync)| {
        let mut done: Vec<(usize, Vec<u8>)> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads)
                .map(|first| {
                    scope.spawn(move || (first..12).step_by(threads).map(work).collect::<Vec<_>>())
                })
                .collect();
            handles
                .into_iter()
                .flat_map(|handle| handle.join().unwrap())
                .collect()
        });
        done.sort();
        done
    };
    let signed = spread(&|k| (k, sign(k, &pictures[k]).unwrap().bytes));
    let again = sign(0, &pictures[0]);
    assert!(matches!(again, Err(StoreError::Duplicate(_))));
    let anchor = signer.identity().anchor().unwrap();
    let sealed = Verifier::new(vec![anchor], Arc::new(store.seal().unwrap())).unwrap();
    signed
        .into_iter()
        .map(|(k, bytes)| {
            let mut altered = bytes.clone();
            let last = altered.len() - 30;
            altered[last] ^= 1;
            let unsigned = encoded(&picture(100 + k as u64, 90, 90), ImageFormat::Jpeg);
            let verifications: Vec<Verification> = [&bytes, &altered, &unsigned]
                .map(|bytes| sealed.verify(&file(bytes), &|| 0))
                .into();
            let states = [State::Intact, State::Recovered];
            for (verification, state) in verifications.iter().zip(states) {
                let (proof, _, found) = believed(verification).unwrap();
                assert_eq!((proof, found), (id(k as u64), state));
            }
            assert_eq!(believed(&verifications[2]), None);
            assert_eq!(sealed.distance_to(&file(&bytes), id(k as u64)), Some(0));
            (bytes, verifications)
        })
        .collect()
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let runs: Vec<_> = [1, 2, 8]
        .into_iter()
        .zip(&dirs)
        .map(|(threads, dir)| run(threads, dir.path()))
        .collect();
    assert!(runs[0] == runs[1] && runs[0] == runs[2]);
    for name in ["proofs/records.jsonl", "proofs/manifests.bin"] {
        let files: Vec<_> = dirs
            .iter()
            .map(|dir| std::fs::read(dir.path().join(name)).unwrap())
            .collect();
        assert!(files[0] == files[1] && files[0] == files[2], "{name}");
    }
}
