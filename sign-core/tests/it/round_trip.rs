//! Signing and finding, carrier by container.

use super::common::*;
use credlink_image_files::Format;
use credlink_sign_core::carriers::{CARRIERS, State};
use credlink_sign_core::conclusion::conclude;
use credlink_sign_core::{DigitalSourceType, Signer};

#[test]
fn every_carrier_finds_the_proof_in_every_container() {
    let signer = signer();
    let mut seen = 0;
    for (number, (media_type, bytes)) in files(7).into_iter().enumerate() {
        let proof = id(0xabc0 + number as u64);
        let signed = signer.sign(&file(&bytes), proof).unwrap();
        let verifier = verifier(signer.identity(), [&signed]);
        let verification = verified(&verifier, &signed.bytes);
        let states: Vec<_> = verification
            .findings()
            .filter(|(name, _)| *name != "local")
            .map(|(name, finding)| (name, finding.state, finding.proof, finding.distance))
            .collect();
        assert_eq!(
            states,
            [
                ("manifest", State::Intact, Some(proof), None),
                ("link", State::Recovered, Some(proof), Some(0)),
                ("fingerprint", State::Recovered, Some(proof), Some(0)),
                // Nothing was marked and no key is at hand; `watermark.rs` has both.
                ("watermark", State::Failed, None, None),
            ],
            "{media_type}: {verification:#?}"
        );
        // These pictures have few points or many, and their points lead to nothing else.
        let local = finding(&verification, "local");
        assert!(local.proof.is_none_or(|found| found == proof), "{local:?}");
        assert_eq!(
            believed(&verification),
            Some((proof, "manifest", State::Intact))
        );
        assert!(
            conclude(verification.findings(), &|_| None)
                .alternatives
                .is_empty()
        );
        assert_eq!(verifier.distance_to(&file(&signed.bytes), proof), Some(0));
        assert_eq!(verification.carriers.len(), CARRIERS.len());
        seen += 1;
    }
    assert!(seen >= 5);
}

#[test]
fn a_manifest_is_intact_without_any_store() {
    let signer = signer();
    for (media_type, bytes) in files(7) {
        let signed = signer.sign(&file(&bytes), id(9)).unwrap();
        let verifier = verifier(signer.identity(), []);
        let verification = verified(&verifier, &signed.bytes);
        assert_eq!(
            finding(&verification, "manifest").accepted(),
            Some(id(9)),
            "{media_type}"
        );
        assert_eq!(
            finding(&verification, "link").state,
            State::Unconfirmed,
            "{media_type}"
        );
        assert_eq!(
            finding(&verification, "fingerprint").state,
            State::Absent,
            "{media_type}"
        );
    }
}

#[test]
fn signing_twice_gives_the_same_bytes() {
    let signer = signer();
    for (media_type, bytes) in files(8) {
        let once = signer.sign(&file(&bytes), id(3)).unwrap();
        let twice = Signer::new(identity(1, "CredLink test")).unwrap();
        let twice = twice.sign(&file(&bytes), id(3)).unwrap();
        assert!(once.bytes == twice.bytes, "{media_type}");
        assert_eq!(once.record, twice.record);
        let other = signer.sign(&file(&bytes), id(4)).unwrap();
        assert!(once.bytes != other.bytes, "{media_type}");
    }
}

/// The coded image data of a file: what signing must not touch.
fn coded(media_type: Format, bytes: &[u8]) -> Vec<u8> {
    match media_type {
        // From the first start of scan to the end.
        Format::Jpeg => {
            let mut at = 2;
            while bytes[at + 1] != 0xda {
                at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
            }
            bytes[at..].to_vec()
        }
        Format::Png => chunks(bytes, 8, 4, u32::from_be_bytes, false)
            .filter(|(kind, _)| kind == b"IDAT" || kind == b"IHDR")
            .flat_map(|(_, data)| data)
            .collect(),
        Format::WebP => chunks(bytes, 12, 0, u32::from_le_bytes, true)
            .filter(|(kind, _)| kind == b"VP8 " || kind == b"VP8L" || kind == b"ALPH")
            .flat_map(|(_, data)| data)
            .collect(),
        // Decoded instead: strips and sub-blocks are copied, their places change.
        Format::Gif | Format::Tiff => pixels(bytes).2,
        // The media data box holds the coded image.
        _ => {
            let at = bytes.windows(4).position(|w| w == b"mdat").unwrap();
            let length = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
            bytes[at..at - 4 + length].to_vec()
        }
    }
}

fn chunks(
    bytes: &[u8],
    mut at: usize,
    check: usize,
    number: fn([u8; 4]) -> u32,
    kind_first: bool,
) -> impl Iterator<Item = ([u8; 4], Vec<u8>)> {
    std::iter::from_fn(move || {
        let words: [[u8; 4]; 2] = [
            bytes.get(at..at + 4)?.try_into().unwrap(),
            bytes.get(at + 4..at + 8)?.try_into().unwrap(),
        ];
        let (kind, length) = if kind_first {
            (words[0], words[1])
        } else {
            (words[1], words[0])
        };
        let length = number(length) as usize;
        let data = bytes[at + 8..at + 8 + length].to_vec();
        at += 8 + length + check + if kind_first { length % 2 } else { 0 };
        Some((kind, data))
    })
}

#[test]
fn coded_image_data_stays_byte_for_byte() {
    let signer = signer();
    for (media_type, bytes) in files(11) {
        let signed = signer.sign(&file(&bytes), id(5)).unwrap();
        assert_eq!(Format::sniff(&signed.bytes), Some(media_type));
        let before = coded(media_type, &bytes);
        assert!(before.len() > 1000, "{media_type}");
        assert!(before == coded(media_type, &signed.bytes), "{media_type}");
        if media_type != Format::Avif {
            assert!(pixels(&bytes) == pixels(&signed.bytes), "{media_type}");
        }
    }
}

#[test]
fn real_photographs_are_signed_found_and_left_alone() {
    let Some(manifest) = required("photos/MANIFEST.tsv") else {
        return;
    };
    let manifest = String::from_utf8(manifest).unwrap();
    let signer = signer();
    let mut signed_files = 0;
    for line in manifest.lines().skip(1) {
        let name = line.split('\t').next().unwrap();
        let bytes = std::fs::read(corpus("photos").join(name)).unwrap();
        let media_type = Format::sniff(&bytes).unwrap();
        // The fingerprint of large photos is tested elsewhere; here a picture stands in for their pixels.
        let signed = signer
            .sign(
                &credlink_sign_core::Asset::new(&bytes, &|_| stand_in()),
                id(6),
            )
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(
            coded(media_type, &bytes) == coded(media_type, &signed.bytes),
            "{name}"
        );
        let received = credlink_sign_core::Asset::new(&signed.bytes, &|_| stand_in());
        let verifier = verifier(signer.identity(), [&signed]);
        let verification = verifier.verify(&received, &|| 0);
        for carrier in ["manifest", "link", "fingerprint"] {
            assert_eq!(
                finding(&verification, carrier).accepted(),
                Some(id(6)),
                "{name} {carrier}"
            );
        }
        signed_files += 1;
    }
    assert_eq!(signed_files, manifest.lines().count() - 1);
    assert!(signed_files > 50);
}

fn stand_in() -> Result<credlink_sign_core::Pixels, String> {
    Ok(credlink_sign_core::Pixels {
        image: std::sync::Arc::new(picture(1, 128, 96).into()),
        orientation: image::metadata::Orientation::NoTransforms,
        shown: credlink_sign_core::Shown::These,
    })
}

#[test]
fn a_signer_that_knows_the_source_says_created() {
    let (_, bytes) = &files(7)[0];
    for (signer, expected, other) in [
        (signer(), "c2pa.opened", "c2pa.created"),
        (
            signer().with_source_type(DigitalSourceType::DigitalCapture),
            "c2pa.created",
            "c2pa.opened",
        ),
    ] {
        let signed = signer.sign(&file(bytes), id(1)).unwrap();
        let text = String::from_utf8_lossy(&signed.manifest);
        assert!(text.contains(expected) && !text.contains(other));
        let verifier = verifier(signer.identity(), []);
        assert_eq!(
            finding(&verified(&verifier, &signed.bytes), "manifest").state,
            State::Intact
        );
    }
}

#[test]
fn every_soft_binding_stands_in_the_manifest() {
    let signer = signer();
    let (_, bytes) = &files(7)[1];
    let signed = signer.sign(&file(bytes), id(1)).unwrap();
    let fingerprint = signed.record.fingerprint.0.map(u64::to_be_bytes).concat();
    // A byte string of 32 bytes (RFC 8949, section 3): its head, its length, the bytes.
    let value = [&[0x58, 32][..], &fingerprint].concat();
    let code = signed.record.image_code.unwrap().unit();
    let coded = [&[0x58, 2 * 34][..], &code].concat();
    let parts: [&[u8]; 7] = [
        b"c2pa.soft-binding",
        b"com.credlink.pdq256.v1",
        &value,
        b"io.iscc.v0",
        &coded,
        b"com.credlink.proof",
        b"0000000000000001",
    ];
    for part in parts {
        let stands = signed
            .manifest
            .windows(part.len())
            .any(|window| window == part);
        assert!(stands, "{}", part.escape_ascii());
    }
}

#[test]
fn a_signed_file_signed_again_leads_to_the_newer_proof() {
    let signer = signer();
    for (media_type, bytes) in files(7) {
        let first = signer.sign(&file(&bytes), id(1)).unwrap();
        let second = signer.sign(&file(&first.bytes), id(2)).unwrap();
        let verifier = verifier(signer.identity(), [&second]);
        let verification = verified(&verifier, &second.bytes);
        for carrier in ["manifest", "link", "fingerprint"] {
            assert_eq!(
                finding(&verification, carrier).accepted(),
                Some(id(2)),
                "{media_type} {carrier} {verification:#?}"
            );
        }
    }
}

#[test]
fn the_files_of_other_programs_decode_to_the_same_pixels() {
    let signer = signer();
    let mut seen = 0;
    for name in [
        "rs_sample1.png",
        "rs_sample1.webp",
        "rs_mars.webp",
        "rs_test_xmp.webp",
        "py_C.jpg",
    ] {
        let Some(bytes) = required(&format!("c2pa/{name}")) else {
            continue;
        };
        let signed = signer.sign(&file(&bytes), id(5)).unwrap();
        assert!(pixels(&bytes) == pixels(&signed.bytes), "{name}");
        seen += 1;
    }
    assert!(seen == 0 || seen == 5);
}

#[test]
fn what_cannot_be_signed_says_why() {
    let signer = signer();
    let bmp = encoded(&picture(1, 20, 20), image::ImageFormat::Bmp);
    let error = signer.sign(&file(&bmp), id(1)).unwrap_err().to_string();
    assert!(error.contains("not JPEG"), "{error}");
    for bytes in [
        &b""[..],
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"II\x2a\0",
    ] {
        assert!(signer.sign(&file(bytes), id(1)).is_err());
    }
    // A JPEG segment takes 65502 bytes of XMP and no more.
    let jpeg = encoded(&picture(1, 64, 64), image::ImageFormat::Jpeg);
    let long = signer.with_base_url(&format!("https://a.example/{}", "x".repeat(66_000)));
    let error = long.sign(&file(&jpeg), id(1)).unwrap_err();
    assert!(
        matches!(error, credlink_sign_core::SignError::Container(_)),
        "{error:?}"
    );
}

#[test]
fn tiny_wide_and_deep_images_are_signed_and_found() {
    let signer = signer();
    let wide = picture(3, 600, 40);
    let deep = image::DynamicImage::from(picture(4, 90, 80)).to_rgba16();
    for (image, featureless) in [
        (image::DynamicImage::new_rgb8(1, 1), true),
        (image::DynamicImage::new_rgba8(300, 200), true),
        (image::DynamicImage::from(wide), false),
        (image::DynamicImage::from(deep), false),
    ] {
        let mut png = std::io::Cursor::new(Vec::new());
        image.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let signed = signer.sign(&file(png.get_ref()), id(1)).unwrap();
        assert_eq!(
            (signed.record.width, signed.record.height),
            (image.width(), image.height())
        );
        let verifier = verifier(signer.identity(), [&signed]);
        let verification = verified(&verifier, &signed.bytes);
        assert_eq!(finding(&verification, "manifest").state, State::Intact);
        let fingerprint = finding(&verification, "fingerprint");
        assert_eq!(
            fingerprint.accepted().is_none(),
            featureless,
            "{fingerprint:?}"
        );
        if featureless {
            assert_eq!(fingerprint.codes, ["credlink.content.featureless"]);
            assert_eq!(finding(&verification, "link").state, State::Unconfirmed);
            assert_eq!(verifier.distance_to(&file(&signed.bytes), id(1)), None);
        }
    }
}
