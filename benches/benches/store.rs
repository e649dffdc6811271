//! Looking up the nearest proof, and one by id, among 10^4 to 10^6 proofs.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion_group! writes undocumented items; a benchmark stops at the first error"
)]

use credlink_benches::{decode_pixels, jpeg_file, signer};
use credlink_sign_core::fingerprint::{Fingerprint, MatchPolicy, View};
use credlink_sign_core::local::Points;
use credlink_sign_core::store::{ProofStore, ProofStoreBuilder};
use credlink_sign_core::{Asset, ProofId};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sha2::{Digest, Sha256};

/// The next output of SplitMix64 (Steele, Lea and Flood 2014): well mixed, and the same on every machine.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A store of `count` proofs with random fingerprints, and eight queries: one is 20 bits from a stored fingerprint,
/// the others are random, as the eight orientations of a received image are.
fn filled(count: u64) -> (ProofStore, [View; 8]) {
    let source = jpeg_file(64, 48).unwrap();
    let signed = signer()
        .unwrap()
        .sign(&Asset::new(&source, &decode_pixels), ProofId::new(0))
        .unwrap();
    let store = ProofStoreBuilder::in_memory();
    let mut state = 1;
    let mut middle = Fingerprint([0; 4]);
    for id in 0..count {
        let mut record = signed.record.clone();
        record.id = ProofId::new(id);
        record.fingerprint = Fingerprint(std::array::from_fn(|_| next(&mut state)));
        if id == count / 2 {
            middle = record.fingerprint;
        }
        // A real manifest has 13 KB; the look-up does not read it, and a million of them would fill the memory.
        record.manifest_sha256 = Sha256::digest(b"manifest").into();
        // Points have an index of their own.
        record.points = None;
        store
            .insert(record, b"manifest", &Points::default())
            .unwrap();
    }
    let mut queries: [Fingerprint; 8] =
        std::array::from_fn(|_| Fingerprint(std::array::from_fn(|_| next(&mut state))));
    middle.0[1] ^= 0x000F_0F0F_0F0F_0000;
    queries[3] = middle;
    let views = queries.map(|fingerprint| View {
        fingerprint,
        tone: signed.record.tone,
    });
    (store.seal().unwrap(), views)
}

fn lookups(c: &mut Criterion) {
    let mut group = c.benchmark_group("store");
    group.sample_size(20);
    for count in [10_000, 100_000, 1_000_000] {
        let policy = MatchPolicy::default();
        let (store, queries) = filled(count);
        assert_eq!(
            store
                .nearest(&queries, 31, &policy)
                .best
                .map(|best| best.id),
            Some(ProofId::new(count / 2))
        );
        group.bench_with_input(BenchmarkId::new("nearest", count), &store, |b, store| {
            b.iter(|| store.nearest(&queries, 31, &policy));
        });
        group.bench_with_input(BenchmarkId::new("by-id", count), &store, |b, store| {
            b.iter(|| store.by_id(ProofId::new(count / 3)));
        });
    }
    group.finish();
}

criterion_group!(benches, lookups);
criterion_main!(benches);
