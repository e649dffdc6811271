//! Whole image files: decoded, verified, signed.

use std::sync::Arc;

use credlink_harness::received;
use credlink_harness::reencode::Rewriter;
use credlink_image_files::{Format, ImageFile, decode, limits};
use credlink_sign_core::carriers::State;
use credlink_sign_core::conclusion::conclude;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::submission::Submission;
use credlink_sign_core::{Asset, ProofId, Verifier};

use super::made::WORLD;

/// Pixels from which signing is left out here: it takes too long to be tried often.
const LARGE: u64 = 300_000;

/// Pixels are refused, or are as many as limits allow; a file says the same to whoever asks twice.
pub(crate) fn decoded(bytes: &[u8]) {
    let Ok(decoded) = decode::decode(bytes) else {
        return;
    };
    let (width, height) = (decoded.pixels.width(), decoded.pixels.height());
    assert!(width > 0 && height > 0 && width.max(height) <= limits::MAX_SIDE);
    assert!(u64::from(width) * u64::from(height) <= limits::MAX_PIXELS);
    assert!(decoded.pixels.as_bytes().len() as u64 <= limits::MAX_BYTES);
    let file = ImageFile::new(bytes.to_vec()).expect("its format is known");
    let frame = file.frame().expect("it was decoded before");
    assert_eq!(frame.orientation, decoded.orientation);
    let seen = received::decode_bytes(bytes).expect("it was decoded before");
    assert_eq!((seen.image.width(), seen.image.height()), (width, height));
}

/// Only a signed file is intact, as the proof that was issued for it, and nothing leads to a proof that nobody issued.
pub(crate) fn verified(bytes: &[u8]) {
    let world = &*WORLD;
    let file = Asset::new(bytes, &received::decode_bytes);
    let verification = world.verifier.verify(&file, &|| 0);
    for (carrier, finding) in verification.findings() {
        if finding.state == State::Intact {
            let mut signed = world.files.iter().filter(|made| made.id.is_some());
            let is_signed = signed.any(|made| made.id == finding.proof && made.bytes == bytes);
            assert!(is_signed, "{carrier} calls another file intact");
        }
        if let Some(id) = finding.accepted() {
            let is_issued = world.proofs.iter().any(|(record, ..)| record.id == id);
            assert!(is_issued, "{carrier} leads to {id}, which nobody issued");
        }
    }
    let conclusion = conclude(verification.findings(), &|_| None);
    let found = verification
        .findings()
        .any(|(_, finding)| finding.accepted().is_some());
    assert_eq!(conclusion.accepted.is_some(), found);
    let _ = world.verifier.described(&file);
}

/// What could be signed is intact as what it was signed as, in the same format, and shows the same picture.
pub(crate) fn signed(bytes: &[u8]) {
    let before = match decode::decode(bytes) {
        Ok(decoded) => decoded.pixels,
        Err(_) => return,
    };
    if u64::from(before.width()) * u64::from(before.height()) > LARGE {
        return;
    }
    let world = &*WORLD;
    let id = ProofId::new(77);
    let rewriter = Rewriter::of(bytes);
    let asset = Asset::new(bytes, &received::decode_bytes).with_encoder(&rewriter);
    let submission = Submission {
        id,
        earlier: None,
        signed_at: 1_700_000_000,
    };
    let Ok(submitted) = world.signer.submit(&asset, submission) else {
        return;
    };
    let signed = submitted.signed;
    assert_eq!(Format::sniff(&signed.bytes), Format::sniff(bytes));
    let after = decode::decode(&signed.bytes);
    let after = after.unwrap_or_else(|error| panic!("what was signed: {error}"));
    assert_eq!(
        (after.pixels.width(), after.pixels.height()),
        (before.width(), before.height())
    );
    let store = ProofStoreBuilder::in_memory();
    store
        .insert(signed.record, &signed.manifest, &signed.points)
        .expect("one proof");
    let store = Arc::new(store.seal().expect("a store in memory"));
    let verifier = Verifier::new(world.verifier.anchors().to_vec(), store).expect("one anchor");
    let file = Asset::new(&signed.bytes, &received::decode_bytes);
    let verification = verifier.verify(&file, &|| 0);
    let intact = verification
        .findings()
        .find(|(_, finding)| finding.state == State::Intact);
    let intact = intact.map(|(_, finding)| finding.proof);
    assert_eq!(intact, Some(Some(id)), "{:?}", verification.carriers);
}
