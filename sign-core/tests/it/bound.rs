//! What a file must not hold besides what was signed: bytes put where the hash does not look.

use std::ops::Range;
use std::sync::Arc;

use credlink_image_files::Format;
use credlink_sign_core::carriers::State;
use credlink_sign_core::conclusion::conclude;
use credlink_sign_core::keys::{Identity, TrustAnchor};
use credlink_sign_core::store::ProofStore;
use credlink_sign_core::{SignedImage, Signer, Verifier};
use image::ImageFormat;

use super::common::{
    encoded, file, files, finding, id, identity, picture, signer, validity, verified, verifier,
};

/// Verifiers that know the record, and that do not.
fn verifiers(signer: &Signer, signed: &SignedImage) -> [Verifier; 2] {
    [
        verifier(signer.identity(), [signed]),
        verifier(signer.identity(), []),
    ]
}

fn state(verifier: &Verifier, bytes: &[u8]) -> (State, Vec<String>) {
    let verification = verified(verifier, bytes);
    let manifest = finding(&verification, "manifest");
    (manifest.state, manifest.codes.clone())
}

fn find(bytes: &[u8], needle: &[u8]) -> usize {
    let found = bytes.windows(needle.len()).position(|part| part == needle);
    found.unwrap_or_else(|| panic!("{needle:?} is not there"))
}

/// Where the manifest store lies in a file, from the box type of the store on.
fn store_at(bytes: &[u8], signed: &SignedImage) -> Range<usize> {
    let start = find(bytes, &signed.manifest[..40]);
    start..start + signed.manifest.len()
}

#[test]
fn signatures_have_no_padding_that_nothing_covers() {
    for (media_type, bytes) in files(3) {
        let signed = signer().sign(&file(&bytes), id(1)).unwrap();
        let padded = signed.manifest.windows(4).any(|part| part == b"\x63pad");
        // A data hash has a field of this name, under the hash; the signature must have none.
        let signature = find(&signed.manifest, b"c2pa.signature\0");
        let behind = &signed.manifest[signature..];
        assert!(
            !behind.windows(4).any(|part| part == b"\x63pad"),
            "{media_type}: {padded}"
        );
    }
}

/// A JPEG whose manifest takes two segments, or one, with something of the attacker's between or beside them.
#[test]
fn a_segment_beside_the_manifest_inside_the_excluded_range_is_noticed() {
    let signer = signer();
    let bytes = encoded(&picture(4, 320, 240), ImageFormat::Jpeg);
    let signed = signer.sign(&file(&bytes), id(1)).unwrap();
    let range = store_at(&signed.bytes, &signed);
    // Marker, length, "JP", instance, number: twelve bytes before the store.
    let segment = range.start - 12..range.end;
    assert_eq!(
        &signed.bytes[segment.start..segment.start + 2],
        [0xff, 0xeb]
    );
    let exif =
        b"\xff\xe1\0\x22Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    for at in [segment.start, segment.end] {
        let mut stuffed = signed.bytes.clone();
        stuffed.splice(at..at, exif.iter().copied());
        for verifier in verifiers(&signer, &signed) {
            assert_ne!(state(&verifier, &stuffed).0, State::Intact);
        }
    }
    // The manifest cut into two segments, which every reader of JUMBF puts together again, with EXIF between.
    let store = &signed.bytes[range.clone()];
    let part = |number: u32, data: &[u8]| -> Vec<u8> {
        let header = if number == 1 { &[][..] } else { &store[..8] };
        let length = (2 + 8 + header.len() + data.len()) as u16;
        let mut out = vec![0xff, 0xeb];
        out.extend(length.to_be_bytes());
        out.extend(b"JP");
        out.extend(&signed.bytes[range.start - 6..range.start - 4]);
        out.extend(number.to_be_bytes());
        out.extend(header);
        out.extend(data);
        out
    };
    let half = store.len() / 2;
    let cut = [
        part(1, &store[..half]),
        exif.to_vec(),
        part(2, &store[half..]),
    ]
    .concat();
    let mut stuffed = signed.bytes.clone();
    stuffed.splice(segment, cut);
    for verifier in verifiers(&signer, &signed) {
        assert_ne!(state(&verifier, &stuffed).0, State::Intact);
    }
}

#[test]
fn what_is_appended_to_an_avif_file_is_noticed_where_the_record_is_there() {
    for (media_type, bytes) in files(5) {
        let signer = signer();
        let signed = signer.sign(&file(&bytes), id(1)).unwrap();
        let mut longer = signed.bytes.clone();
        longer.extend(b"\0\0\0\x10free12345678");
        let [with_record, _] = verifiers(&signer, &signed);
        let (state, codes) = state(&with_record, &longer);
        assert_eq!(state, State::Invalid, "{media_type}");
        if media_type == Format::Avif {
            assert_eq!(codes, ["credlink.file.differs"]);
        }
    }
}

/// One byte at a time, in the manifest's frame and around it, and everywhere in steps: where the record is there nothing but
/// the signed bytes is intact; without it nothing outside of the manifest's own bytes is.
#[test]
fn no_flipped_byte_is_intact() {
    for (media_type, bytes) in files(6) {
        let signer = signer();
        let signed = signer.sign(&file(&bytes), id(1)).unwrap();
        let [with_record, without] = verifiers(&signer, &signed);
        assert_eq!(state(&with_record, &signed.bytes).0, State::Intact);
        assert_eq!(
            state(&without, &signed.bytes),
            (State::Intact, vec![]),
            "{media_type}"
        );
        let length = signed.bytes.len();
        let near: Vec<usize> = match media_type {
            Format::Gif => Vec::new(),
            _ => {
                let range = store_at(&signed.bytes, &signed);
                let before = range.start.saturating_sub(64)..range.start + 48;
                let behind = range.end - 16..(range.end + 64).min(length);
                before.chain(behind).collect()
            }
        };
        // Every byte of twenty files of each kind is the program `flips` of the harness.
        for at in near.into_iter().chain((0..length).step_by(length / 150)) {
            let mut flipped = signed.bytes.clone();
            flipped[at] ^= 0x5a;
            assert_ne!(
                state(&with_record, &flipped).0,
                State::Intact,
                "{media_type}: byte {at} of {length}, with the record"
            );
            if state(&without, &flipped).0 == State::Intact {
                // Labels and numbers of boxes that nobody reads lie in the manifest's frame; no decoder looks there.
                let store = store_at(&signed.bytes, &signed);
                let is_frame = (store.start.saturating_sub(48)..store.end).contains(&at);
                assert!(
                    is_frame || media_type == Format::Avif,
                    "{media_type}: byte {at} of {length}, without the record"
                );
                let shown = |bytes: &[u8]| super::common::decode(bytes).unwrap();
                let (before, now) = (shown(&signed.bytes), shown(&flipped));
                assert_eq!(
                    before.image, now.image,
                    "{media_type}: byte {at} of {length}"
                );
            }
        }
    }
}

#[test]
fn a_second_certificate_of_our_authority_is_not_us() {
    let ours = signer();
    let colleague = Identity::issued([1; 32].into(), [9; 32].into(), "CredLink test", validity());
    let colleague = colleague.unwrap();
    let other = Signer::new(colleague.clone()).unwrap();
    let bytes = encoded(&picture(4, 320, 240), ImageFormat::Png);
    let signed = other.sign(&file(&bytes), id(7)).unwrap();
    let verifier = verifier(ours.identity(), []);
    let (found, codes) = state(&verifier, &signed.bytes);
    assert_eq!(found, State::Foreign);
    assert!(
        codes.contains(&"credlink.signer.otherKey".to_owned()),
        "{codes:?}"
    );
    let anchors = |anchor: TrustAnchor| Verifier::new(vec![anchor], Arc::new(ProofStore::empty()));
    let trusting = anchors(ours.identity().anchor().unwrap()).unwrap();
    let trusting = trusting.trusting_whole_anchors();
    assert_eq!(state(&trusting, &signed.bytes).0, State::Intact);
    let own = anchors(colleague.anchor().unwrap()).unwrap();
    assert_eq!(state(&own, &signed.bytes).0, State::Intact);
    // Nor is a colleague's proof under a stranger's manifest an ancestor of ours.
    let stranger = Signer::new(identity(5, "Stranger")).unwrap();
    let resigned = stranger.sign(&file(&signed.bytes), id(8)).unwrap();
    let (found, codes) = state(&verifier, &resigned.bytes);
    assert_eq!(found, State::Foreign);
    assert!(
        codes.contains(&"credlink.ingredient.invalid".to_owned()),
        "{codes:?}"
    );
}

#[test]
fn an_expired_certificate_is_told_apart_from_tampering() {
    // The C2PA library signs with no expired certificate, so these codes are those of a real file.
    let name = "c2pa/ms_cards_expired_without_timestamp.jpg";
    let Some(bytes) = super::common::required(name) else {
        return;
    };
    let verifier = verifier(signer().identity(), []);
    let verification = verified(&verifier, &bytes);
    let conclusion = conclude(verification.findings(), &|_| None);
    assert!(conclusion.expired && !conclusion.broken, "{verification:?}");
    let mut tampered = bytes.clone();
    let at = tampered.len() - 2000;
    tampered[at] ^= 1;
    let conclusion = conclude(verified(&verifier, &tampered).findings(), &|_| None);
    assert!(conclusion.broken, "{conclusion:?}");
}
