//! Signing, and verification by carrier and as a ladder, at 0.4 and 2 megapixels.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion_group! writes undocumented items; a benchmark stops at the first error"
)]

use std::sync::Arc;

use credlink_benches::{SIZES, decode_pixels, jpeg_file, signer};
use credlink_sign_core::carriers::CARRIERS;
use credlink_sign_core::fingerprint::ContentHash;
use credlink_sign_core::local::Points;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::{Asset, ProofId, Verifier};
use criterion::{Criterion, criterion_group, criterion_main};

fn all(c: &mut Criterion) {
    for (size, width, height) in SIZES {
        let source = jpeg_file(width, height).unwrap();
        let signer = signer().unwrap();
        let mut group = c.benchmark_group(format!("sign/{size}"));
        group.sample_size(10);
        let decoded = decode_pixels(&source).unwrap();
        let ready = |_: &[u8]| Ok(decoded.clone());
        group.bench_function("whole", |b| {
            b.iter(|| {
                signer
                    .sign(&Asset::new(&source, &decode_pixels), ProofId::new(1))
                    .unwrap()
            });
        });
        group.bench_function("besides-decoding", |b| {
            b.iter(|| {
                signer
                    .sign(&Asset::new(&source, &ready), ProofId::new(1))
                    .unwrap()
            });
        });
        group.bench_function("points", |b| {
            b.iter(|| Points::of(&decoded.image, decoded.orientation))
        });
        group.bench_function("fingerprint", |b| {
            b.iter(|| ContentHash::of(&decoded.image, decoded.orientation))
        });
        group.finish();

        let signed = signer
            .sign(&Asset::new(&source, &decode_pixels), ProofId::new(1))
            .unwrap();
        let store = ProofStoreBuilder::in_memory();
        store
            .insert(signed.record.clone(), &signed.manifest, &signed.points)
            .unwrap();
        let anchor = signer.identity().anchor().unwrap();
        let verifier = Verifier::new(vec![anchor], Arc::new(store.seal().unwrap())).unwrap();
        let clock = || 0;
        let mut group = c.benchmark_group(format!("verify/{size}"));
        group.sample_size(10);
        group.bench_function("all-carriers", |b| {
            b.iter(|| verifier.verify(&Asset::new(&signed.bytes, &decode_pixels), &clock));
        });
        for carrier in CARRIERS {
            // Pixels are at hand, so that a carrier's own work shows.
            group.bench_function(carrier.name(), |b| {
                b.iter(|| carrier.examine(&Asset::new(&signed.bytes, &ready), &verifier, &clock));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
