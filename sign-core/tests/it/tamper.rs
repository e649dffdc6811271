//! Altered, transplanted and forged proofs.

use credlink_image_files::Format;
use credlink_sign_core::carriers::State;
use credlink_sign_core::conclusion::conclude;
use credlink_sign_core::keys::{Identity, TrustAnchor};
use credlink_sign_core::{Resigner, SignError, Signer, Verifier};
use image::ImageFormat;

use super::common::*;

/// Where the manifest stands: from its first box to its last byte, with the framing around it.
fn manifest_region(bytes: &[u8], manifest: &[u8]) -> std::ops::Range<usize> {
    let start = bytes
        .windows(8)
        .position(|window| &window[..4] == b"jumb" && window[4..] == manifest[8..12])
        .unwrap();
    // Segment, chunk, box or sub-block headers before; padding, terminators and check sums behind.
    let framing = manifest.len() / 255 + 64;
    start - 64.min(start)..(start + manifest.len() + framing).min(bytes.len())
}

#[test]
fn no_byte_outside_the_manifest_can_change_unnoticed() {
    let signer = signer();
    for (media_type, bytes) in files(21) {
        let signed = signer.sign(&file(&bytes), id(1)).unwrap();
        let verifier = verifier(signer.identity(), [&signed]);
        let region = manifest_region(&signed.bytes, &signed.manifest);
        let mut tested = 0;
        let step = (signed.bytes.len() / 150).max(1);
        for at in (0..signed.bytes.len()).step_by(step) {
            if region.contains(&at) {
                continue;
            }
            let mut altered = signed.bytes.clone();
            altered[at] ^= 0x10;
            let verification = verified(&verifier, &altered);
            let manifest = finding(&verification, "manifest");
            assert!(
                matches!(
                    manifest.state,
                    State::Invalid | State::Absent | State::Failed
                ),
                "{media_type} byte {at}: {manifest:?}"
            );
            tested += 1;
        }
        assert!(tested > 30, "{media_type}: {tested}");
    }
}

#[test]
fn no_byte_of_a_stored_manifest_can_change_unnoticed() {
    let signer = signer();
    for (media_type, bytes) in files(22) {
        let signed = signer.sign(&file(&bytes), id(1)).unwrap();
        let verifier = verifier(signer.identity(), [&signed]);
        let Some(start) = signed
            .bytes
            .windows(64)
            .position(|window| window == &signed.manifest[..64])
        else {
            assert_eq!(
                media_type,
                Format::Gif,
                "only GIF cuts a manifest this early"
            );
            continue;
        };
        let mut invalid = 0;
        for k in (0..signed.manifest.len()).step_by(23) {
            let mut altered = signed.bytes.clone();
            altered[start + k] ^= 0x10;
            let verification = verified(&verifier, &altered);
            let manifest = finding(&verification, "manifest");
            assert!(
                !manifest.state.is_accepted(),
                "{media_type} byte {k}: {manifest:?}"
            );
            invalid += usize::from(manifest.state == State::Invalid);
            for (carrier, finding) in verification.findings() {
                assert!(
                    finding.accepted().is_none_or(|proof| proof == id(1)),
                    "{carrier}"
                );
            }
        }
        assert!(invalid > 50, "{media_type}: {invalid}");
    }
}

#[test]
fn altered_pixels_leave_a_broken_manifest_and_the_soft_carriers_recover() {
    let signer = signer();
    let bytes = encoded(&picture(3, 400, 300), ImageFormat::Jpeg);
    let signed = signer.sign(&file(&bytes), id(1)).unwrap();
    let verifier = verifier(signer.identity(), [&signed]);
    let mut altered = signed.bytes.clone();
    let last = altered.len() - 40;
    altered[last] ^= 1;
    let verification = verified(&verifier, &altered);
    let manifest = finding(&verification, "manifest");
    assert_eq!(manifest.state, State::Invalid);
    assert_eq!(manifest.proof, Some(id(1)));
    assert_eq!(manifest.codes, ["assertion.dataHash.mismatch"]);
    assert_eq!(
        believed(&verification),
        Some((id(1), "link", State::Recovered))
    );
}

#[test]
fn a_recompressed_copy_without_metadata_is_recovered_by_its_content() {
    let signer = signer();
    let original = picture(4, 640, 480);
    let bytes = encoded(&original, ImageFormat::Png);
    let signed = signer.sign(&file(&bytes), id(1)).unwrap();
    let others: Vec<_> = (50..60)
        .map(|seed| {
            let bytes = encoded(&picture(seed, 300, 200), ImageFormat::Png);
            signer.sign(&file(&bytes), id(seed)).unwrap()
        })
        .collect();
    let verifier = verifier(signer.identity(), others.iter().chain([&signed]));
    let mut copies = vec![image::imageops::resize(
        &original,
        320,
        240,
        image::imageops::FilterType::Triangle,
    )];
    copies.push(image::imageops::rotate90(&original));
    copies.push(image::imageops::flip_horizontal(&original));
    for copy in copies {
        let mut jpeg = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 50)
            .encode_image(&copy)
            .unwrap();
        let verification = verified(&verifier, &jpeg);
        assert_eq!(finding(&verification, "manifest").state, State::Absent);
        assert_eq!(finding(&verification, "link").state, State::Absent);
        assert_eq!(
            believed(&verification),
            Some((id(1), "fingerprint", State::Recovered))
        );
    }
    let unrelated = encoded(&picture(99, 640, 480), ImageFormat::Png);
    let verification = verified(&verifier, &unrelated);
    assert_eq!(believed(&verification), None);
}

#[test]
fn a_link_pasted_onto_another_image_is_not_confirmed() {
    let signer = signer();
    let ours = encoded(&picture(5, 320, 240), ImageFormat::Png);
    let signed = signer.sign(&file(&ours), id(1)).unwrap();
    let verifier = verifier(signer.identity(), [&signed]);
    // Another signer writes a link to our proof into another picture, in every container.
    let forger = Signer::new(identity(2, "CredLink test")).unwrap();
    for (media_type, bytes) in files(6) {
        let forged = forger.sign(&file(&bytes), id(1)).unwrap();
        let verification = verified(&verifier, &forged.bytes);
        let link = finding(&verification, "link");
        assert_eq!(
            (link.state, link.proof),
            (State::Unconfirmed, Some(id(1))),
            "{media_type}"
        );
        assert!(link.distance.unwrap() > 31);
        assert_eq!(
            finding(&verification, "manifest").state,
            State::Foreign,
            "{media_type}"
        );
        assert_eq!(believed(&verification), None);
    }
}

#[test]
fn another_signers_manifest_is_foreign_even_under_our_name() {
    let ours = identity(1, "CredLink test");
    let look_alike = identity(2, "CredLink test");
    let forger = Signer::new(look_alike.clone()).unwrap();
    for (media_type, bytes) in files(7) {
        let forged = forger.sign(&file(&bytes), id(1)).unwrap();
        let verifier = verifier(&ours, []);
        let verification = verified(&verifier, &forged.bytes);
        let manifest = finding(&verification, "manifest");
        assert_eq!(
            (manifest.state, manifest.proof),
            (State::Foreign, None),
            "{media_type}"
        );
        assert!(
            manifest
                .codes
                .iter()
                .any(|code| code == "signer:CredLink test")
        );
        // Its own verifier accepts it, so the file is sound.
        let own = super::common::verifier(&look_alike, []);
        assert_eq!(
            finding(&verified(&own, &forged.bytes), "manifest").state,
            State::Intact
        );
        // Nor does a forged record count: the store's records are signed too.
        let tampered = super::common::verifier(&ours, [&forged]);
        let verification = verified(&tampered, &forged.bytes);
        assert_eq!(
            finding(&verification, "link").state,
            State::Failed,
            "{media_type}"
        );
        assert_eq!(
            finding(&verification, "fingerprint").state,
            State::Failed,
            "{media_type}"
        );
    }
}

#[test]
fn a_verifier_without_anchors_accepts_nothing() {
    let signer = signer();
    let (_, bytes) = &files(7)[0];
    let signed = signer.sign(&file(bytes), id(1)).unwrap();
    let verifier = Verifier::new(Vec::new(), store([&signed])).unwrap();
    let verification = verified(&verifier, &signed.bytes);
    assert!(
        verification
            .findings()
            .all(|(_, finding)| finding.accepted().is_none())
    );
    assert_eq!(finding(&verification, "manifest").state, State::Foreign);
}

#[test]
fn any_of_several_anchors_will_do() {
    let (one, two) = (identity(1, "One"), identity(2, "Two"));
    let anchors: Vec<TrustAnchor> = [&one, &two].map(|i: &Identity| i.anchor().unwrap()).into();
    let bytes = encoded(&picture(5, 320, 240), ImageFormat::Jpeg);
    for identity in [one, two] {
        let signer = Signer::new(identity).unwrap();
        let signed = signer.sign(&file(&bytes), id(1)).unwrap();
        let verifier = Verifier::new(anchors.clone(), store([&signed])).unwrap();
        let verification = verified(&verifier, &signed.bytes);
        for carrier in ["manifest", "link", "fingerprint"] {
            assert_eq!(finding(&verification, carrier).accepted(), Some(id(1)));
        }
    }
}

#[test]
fn a_later_signers_manifest_keeps_ours_alive() {
    let ours = signer();
    let later = Signer::new(identity(9, "Later"))
        .unwrap()
        .with_base_url("https://later.example/x");
    for (media_type, bytes) in files(7) {
        let signed = ours.sign(&file(&bytes), id(1)).unwrap();
        let resigned = later.sign(&file(&signed.bytes), id(77)).unwrap();
        for known in [true, false] {
            let verifier = verifier(ours.identity(), known.then_some(&signed));
            let verification = verified(&verifier, &resigned.bytes);
            let manifest = finding(&verification, "manifest");
            // Without the record nothing ties the pixels to the proof.
            let state = [State::Unconfirmed, State::Resigned][usize::from(known)];
            assert_eq!(
                (manifest.state, manifest.proof),
                (state, Some(id(1))),
                "{media_type}"
            );
            assert_eq!(manifest.codes[0], "signer:Later", "{media_type}");
            assert_eq!(manifest.confirmed_by, known.then_some("sketch"));
            assert!(conclude(verification.findings(), &|_| None).foreign);
            assert_eq!(
                finding(&verification, "link").codes,
                ["credlink.link.foreign"]
            );
            let expected = known.then_some((id(1), "manifest", State::Resigned));
            assert_eq!(believed(&verification), expected);
        }
    }
}

#[test]
fn a_later_signer_cannot_put_our_proof_onto_another_picture() {
    let ours = signer();
    let launderer = Resigner::new(identity(9, "Delivery")).unwrap();
    for (media_type, bytes) in files(7) {
        let signed = ours.sign(&file(&bytes), id(1)).unwrap();
        let other = encoded(&picture(8, 320, 240), ImageFormat::Jpeg);
        let laundered = launderer.resigned(&signed.bytes, &other, &["c2pa.edited"]);
        let verifier = verifier(ours.identity(), [&signed]);
        let verification = verified(&verifier, &laundered.unwrap());
        let manifest = finding(&verification, "manifest");
        assert_eq!(
            (manifest.state, manifest.accepted()),
            (State::Unconfirmed, None),
            "{media_type}"
        );
        assert!(
            manifest
                .codes
                .iter()
                .any(|code| code == "credlink.content.differs")
        );
        assert_eq!(believed(&verification), None, "{media_type}");
    }
}

/// A smaller copy of the picture without metadata, as a service delivers it.
fn delivered(format: ImageFormat) -> Vec<u8> {
    let small = image::imageops::thumbnail(&picture(7, 320, 240), 240, 180);
    encoded(&small, format)
}

#[test]
fn a_delivery_service_that_signs_anew_keeps_our_proof_in_every_container() {
    let ours = signer();
    let service = Resigner::new(identity(9, "Delivery")).unwrap();
    for (media_type, bytes) in files(7) {
        let signed = ours.sign(&file(&bytes), id(1)).unwrap();
        for format in [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::WebP,
            ImageFormat::Gif,
            ImageFormat::Tiff,
        ] {
            let result = delivered(format);
            let actions = ["c2pa.resized", "c2pa.transcoded"];
            let resigned = service.resigned(&signed.bytes, &result, &actions).unwrap();
            let again = service.resigned(&signed.bytes, &result, &actions).unwrap();
            assert!(resigned == again, "{media_type} to {format:?}");
            let verifier = verifier(ours.identity(), [&signed]);
            let verification = verified(&verifier, &resigned);
            let manifest = finding(&verification, "manifest");
            assert_eq!(
                (manifest.state, manifest.proof),
                (State::Resigned, Some(id(1))),
                "{media_type} to {format:?}: {:?}",
                manifest.codes
            );
            assert_eq!(manifest.codes[0], "signer:Delivery");
            assert_eq!(finding(&verification, "link").state, State::Absent);
            let expected = Some((id(1), "manifest", State::Resigned));
            assert_eq!(believed(&verification), expected);
        }
    }
}

#[test]
fn what_a_delivery_service_signs_without_our_proof_is_foreign_and_what_it_signed_and_others_changed_is_broken()
 {
    let ours = signer();
    let service = Resigner::new(identity(9, "Delivery")).unwrap();
    let verifier = verifier(ours.identity(), []);
    let result = delivered(ImageFormat::Jpeg);
    // The original had no manifest, or one of somebody else.
    let stranger = Signer::new(identity(5, "Stranger")).unwrap();
    let theirs = stranger.sign(&file(&result), id(1)).unwrap().bytes;
    for original in [&result, &theirs] {
        let delivered = service.resigned(original, &result, &[]).unwrap();
        let verification = verified(&verifier, &delivered);
        assert_eq!(finding(&verification, "manifest").state, State::Foreign);
        assert_eq!(believed(&verification), None);
    }
    // One byte of the coded image changes behind the service's back.
    let signed = ours.sign(&file(&result), id(1)).unwrap();
    let mut changed = service.resigned(&signed.bytes, &result, &[]).unwrap();
    let last = changed.len() - 40;
    changed[last] ^= 1;
    let verification = verified(&verifier, &changed);
    assert_eq!(finding(&verification, "manifest").state, State::Invalid);
    assert!(conclude(verification.findings(), &|_| None).broken);
    assert_eq!(believed(&verification), None);
    // A container that holds no manifests.
    let refused = service.resigned(&signed.bytes, b"BM", &[]);
    assert!(matches!(refused, Err(SignError::Unsupported)));
}

#[test]
fn a_later_signer_cannot_launder_a_forged_proof() {
    let ours = signer();
    let later = Signer::new(identity(9, "Later")).unwrap();
    let mut laundered = 0;
    for (media_type, bytes) in files(7) {
        let signed = ours.sign(&file(&bytes), id(0x1111_2222_3333_4444)).unwrap();
        // The id in our assertion is exchanged; the later signer records that this broke the manifest.
        let at: Vec<usize> = (0..signed.bytes.len())
            .filter(|&k| signed.bytes[k..].starts_with(b"1111222233334444"))
            .collect();
        let Some(&last) = at.last().filter(|_| at.len() >= 2) else {
            assert_eq!(media_type, Format::Gif);
            continue;
        };
        // The manifest stands before the link in some containers and behind it in others.
        for place in [at[0], last] {
            let mut forged = signed.bytes.clone();
            forged[place] = b'2';
            let Ok(resigned) = later.sign(&file(&forged), id(77)) else {
                continue;
            };
            let verifier = verifier(ours.identity(), []);
            let verification = verified(&verifier, &resigned.bytes);
            let manifest = finding(&verification, "manifest");
            let wrong = id(0x2111_2222_3333_4444);
            assert_ne!(manifest.accepted(), Some(wrong), "{media_type}");
            laundered += usize::from(
                manifest
                    .codes
                    .iter()
                    .any(|c| c == "credlink.ingredient.invalid"),
            );
        }
    }
    assert!(laundered >= 3, "{laundered}");
}

#[test]
fn near_duplicates_lead_to_the_proofs_of_both() {
    let signer = signer();
    let one = picture(5, 320, 240);
    let mut two = one.clone();
    for x in 100..104 {
        two.put_pixel(x, 100, image::Rgb([0, 0, 0]));
    }
    let files: Vec<Vec<u8>> = [&one, &two].map(|p| encoded(p, ImageFormat::Png)).into();
    let signed: Vec<_> = (1..)
        .zip(&files)
        .map(|(number, bytes)| signer.sign(&file(bytes), id(number)).unwrap())
        .collect();
    let distance = signed[0]
        .record
        .fingerprint
        .distance(&signed[1].record.fingerprint);
    assert!((1..6).contains(&distance), "{distance}");
    let verifier = verifier(signer.identity(), &signed);
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 40)
        .encode_image(&one)
        .unwrap();
    for bytes in files.iter().chain([&jpeg]) {
        let verification = verified(&verifier, bytes);
        let fingerprint = finding(&verification, "fingerprint");
        // Both were signed, both show this, and neither is preferred in silence.
        assert_eq!(fingerprint.state, State::Recovered);
        assert!(fingerprint.accepts(id(1)) && fingerprint.accepts(id(2)));
        assert!(!fingerprint.accepts(id(3)));
    }
}

#[test]
fn an_undecodable_image_keeps_its_link_unconfirmed() {
    let signer = signer();
    let bytes = encoded(&picture(5, 320, 240), ImageFormat::Png);
    let signed = signer.sign(&file(&bytes), id(1)).unwrap();
    let verifier = verifier(signer.identity(), [&signed]);
    let received = credlink_sign_core::Asset::new(&signed.bytes, &|_| Err("no".to_owned()));
    let verification = verifier.verify(&received, &|| 0);
    assert_eq!(finding(&verification, "manifest").state, State::Intact);
    assert_eq!(finding(&verification, "link").state, State::Unconfirmed);
    assert_eq!(finding(&verification, "fingerprint").state, State::Failed);
    assert!(signer.sign(&received, id(2)).is_err());
}

#[test]
fn a_clock_measures_every_carrier_and_the_ladder_stops_first() {
    let signer = signer();
    let bytes = encoded(&picture(5, 320, 240), ImageFormat::Png);
    let signed = signer.sign(&file(&bytes), id(1)).unwrap();
    let verifier = verifier(signer.identity(), [&signed]);
    let ticks = std::sync::atomic::AtomicU64::new(0);
    let clock = || ticks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let verification = verifier.verify(&file(&signed.bytes), &clock);
    let all: u64 = verification
        .carriers
        .iter()
        .map(|examined| examined.nanos)
        .sum();
    assert!(
        verification
            .carriers
            .iter()
            .all(|examined| examined.nanos > 0)
    );
    assert_eq!(verification.ladder_nanos, verification.carriers[0].nanos);
    let lost = verifier.verify(
        &file(&encoded(&picture(77, 99, 99), ImageFormat::Png)).with_clock(&clock),
        &clock,
    );
    let total: u64 = lost.carriers.iter().map(|examined| examined.nanos).sum();
    assert_eq!(lost.ladder_nanos, total);
    assert!(all > verification.ladder_nanos && lost.hash_nanos > 0 && lost.decode_nanos > 0);
}

/// A picture of the attacker's that shows `light` on a white page and `dark` on a black one.
fn two_faced(light: &image::RgbImage, dark: &image::RgbImage) -> image::RgbaImage {
    image::RgbaImage::from_fn(light.width(), light.height(), |x, y| {
        let (white, black) = (light.get_pixel(x, y), dark.get_pixel(x, y));
        let grey = |pixel: &image::Rgb<u8>| i32::from(pixel[1]);
        // Over white a pixel shows c·a + 255·(1 − a), over black c·a.
        let alpha = (255 - grey(white) + grey(black) / 4).clamp(1, 255);
        let value = (255 * (grey(black) / 4) / alpha).clamp(0, 255) as u8;
        image::Rgba([value, value, value, alpha as u8])
    })
}

#[test]
fn a_picture_that_is_ours_on_a_white_page_alone_is_not_believed() {
    let signer = signer();
    let grey = |seed| {
        let picture = picture(seed, 320, 240);
        image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([picture.get_pixel(x, y)[1]; 3]))
    };
    let (ours, other) = (grey(4), grey(40));
    let trick = image::DynamicImage::from(two_faced(&ours, &other));
    // What it shows on white is signed, as an opaque picture.
    let mut shown = image::RgbImage::from_pixel(320, 240, image::Rgb([255; 3]));
    for (pixel, trick) in shown.pixels_mut().zip(trick.to_rgba8().pixels()) {
        let alpha = u32::from(trick[3]);
        let over = |value: u8| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        *pixel = image::Rgb([over(trick[0]); 3]);
    }
    let bytes = encoded(&shown, ImageFormat::Png);
    let signed = signer.sign(&file(&bytes), id(1)).unwrap();
    assert!(signed.record.sketch_on_black.is_none());
    let verifier = verifier(signer.identity(), [&signed]);
    let png = |image: &image::DynamicImage| {
        let mut out = std::io::Cursor::new(Vec::new());
        image.write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    };
    let verification = verified(&verifier, &png(&trick));
    let fingerprint = finding(&verification, "fingerprint");
    assert_eq!(fingerprint.state, State::Unconfirmed, "{fingerprint:?}");
    assert_eq!(fingerprint.codes, ["credlink.content.background"]);

    // A transparent picture that was signed as such is found again, and flattened on white, too.
    let signed = signer.sign(&file(&png(&trick)), id(2)).unwrap();
    assert!(signed.record.sketch_on_black.is_some());
    let verifier = super::common::verifier(signer.identity(), [&signed]);
    for bytes in [png(&trick), encoded(&shown, ImageFormat::Png)] {
        let verification = verified(&verifier, &bytes);
        assert_eq!(
            finding(&verification, "fingerprint").state,
            State::Recovered
        );
    }
}

#[test]
fn an_animation_of_other_pictures_is_not_believed() {
    let signer = signer();
    let bytes = encoded(&picture(4, 320, 240), ImageFormat::Png);
    let signed = signer.sign(&file(&bytes), id(1)).unwrap();
    let verifier = verifier(signer.identity(), [&signed]);
    let decode = |bytes: &[u8]| {
        let pixels = super::common::decode(bytes)?;
        Ok(credlink_sign_core::Pixels {
            shown: credlink_sign_core::Shown::Frames,
            ..pixels
        })
    };
    let received = credlink_sign_core::Asset::new(&bytes, &decode);
    let verification = verifier.verify(&received, &|| 0);
    let fingerprint = finding(&verification, "fingerprint");
    assert_eq!(fingerprint.state, State::Unconfirmed);
    assert_eq!(fingerprint.codes, ["credlink.content.frames"]);
}

#[test]
fn a_strangers_record_of_our_picture_is_left_out_and_makes_nothing_ambiguous() {
    let signer = signer();
    let bytes = encoded(&picture(4, 320, 240), ImageFormat::Png);
    let signed = signer.sign(&file(&bytes), id(1)).unwrap();
    let stranger = Signer::new(identity(9, "Stranger")).unwrap();
    let planted = stranger.sign(&file(&bytes), id(2)).unwrap();
    let builder = credlink_sign_core::store::ProofStoreBuilder::in_memory();
    for proof in [&signed, &planted] {
        let record = proof.record.clone();
        builder
            .insert(record, &proof.manifest, &proof.points)
            .unwrap();
    }
    let anchor = signer.identity().anchor().unwrap();
    let store = builder.seal().unwrap();
    let (store, dropped) = store.without_foreign(std::slice::from_ref(&anchor));
    assert_eq!(dropped, [id(2)]);
    assert!(store.by_id(id(2)).is_none() && store.by_id(id(1)).is_some());
    let verifier = Verifier::new(vec![anchor], std::sync::Arc::new(store)).unwrap();
    let verification = verified(&verifier, &bytes);
    let fingerprint = finding(&verification, "fingerprint");
    assert_eq!(fingerprint.accepted(), Some(id(1)), "{fingerprint:?}");
}
