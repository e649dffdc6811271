//! Files that others made: signed by many tools, and broken in many ways.

use std::collections::BTreeMap;
use std::time::Instant;

use credlink_sign_core::carriers::State;
use credlink_sign_core::signable;

use super::common::*;

/// The rows of a corpus by column name; `None`, and said so, where the corpus is absent.
fn rows(name: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let text = String::from_utf8(required(&format!("{name}/MANIFEST.tsv"))?).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let header: Vec<&str> = lines.next()?.split('\t').collect();
    Some(
        lines
            .map(|line| {
                header
                    .iter()
                    .zip(line.split('\t'))
                    .map(|(key, value)| ((*key).to_owned(), value.to_owned()))
                    .collect()
            })
            .collect(),
    )
}

/// Files whose `expected_validity` is not to be believed, and why.
///
/// Three columns could say what a file is. `expected_validity` is what its makers meant it to be, at the
/// time of publication and under their rules. `observed_state` is an independent reader that knew no
/// certificate usage but the common ones, which makes Microsoft's files invalid. The third,
/// `observed_state_with_test_roots`, is that reader with the makers' lists: ours agrees with it on every
/// file, whether trusted or merely valid, for under our one anchor both are foreign.
const DISTRUSTED: &[(&str, &str)] = &[
    (
        "ms_cards_trusted_without_timestamp.jpg",
        "the certificate has expired since",
    ),
    (
        "ms_cards_expired_with_untrusted_timestamp.jpg",
        "meant to be invalid; the C2PA library still takes the word of an untrusted time stamp",
    ),
];

#[test]
fn files_of_others_are_judged_as_their_makers_say_and_are_never_ours() {
    let Some(rows) = rows("c2pa") else { return };
    let verifier = verifier(&identity(1, "CredLink test"), []);
    let mut judged = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in &rows {
        let name = &row["file"];
        let bytes = std::fs::read(corpus("c2pa").join(name)).unwrap();
        let verification = verified(&verifier, &bytes);
        for (carrier, finding) in verification.findings() {
            assert_eq!(finding.accepted(), None, "{name} {carrier}");
        }
        let state = finding(&verification, "manifest").state;
        let observed = match row["observed_state_with_test_roots"].as_str() {
            "error" => State::Absent,
            "Valid" | "Trusted" => State::Foreign,
            _ => State::Invalid,
        };
        let expected = match row["expected_validity"].as_str() {
            "no-manifest" | "remote-manifest" => State::Absent,
            "invalid" => State::Invalid,
            _ => State::Foreign,
        };
        let distrusted = DISTRUSTED.iter().any(|(file, _)| file == name);
        if state != observed || (!distrusted && state != expected) {
            let codes = &finding(&verification, "manifest").codes;
            wrong.push(format!(
                "{name}: {state:?} {codes:?}, observed {observed:?}, expected {expected:?}"
            ));
        }
        *judged.entry(state).or_insert(0) += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows.len() > 45, "{}", rows.len());
    assert!(
        judged[&State::Foreign] > 20 && judged[&State::Invalid] > 8 && judged[&State::Absent] > 8
    );
}

#[test]
fn files_of_others_can_be_signed_and_are_then_ours() {
    let Some(rows) = rows("c2pa") else { return };
    let signer = signer();
    let mut signed_files = 0;
    for row in &rows {
        let name = &row["file"];
        let bytes = std::fs::read(corpus("c2pa").join(name)).unwrap();
        if signable(&bytes).is_none() {
            continue;
        }
        let picture = |_: &[u8]| {
            Ok(credlink_sign_core::Pixels {
                image: std::sync::Arc::new(picture(1, 128, 96).into()),
                orientation: image::metadata::Orientation::NoTransforms,
                shown: credlink_sign_core::Shown::These,
            })
        };
        let signed = signer
            .sign(&credlink_sign_core::Asset::new(&bytes, &picture), id(6))
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let verifier = verifier(signer.identity(), [&signed]);
        let received = credlink_sign_core::Asset::new(&signed.bytes, &picture);
        let verification = verifier.verify(&received, &|| 0);
        for carrier in ["manifest", "link", "fingerprint"] {
            let finding = finding(&verification, carrier);
            assert_eq!(
                finding.accepted(),
                Some(id(6)),
                "{name} {carrier}: {finding:?}"
            );
        }
        signed_files += 1;
    }
    assert!(signed_files > 45, "{signed_files}");
}

#[test]
fn hostile_files_are_never_accepted_and_nothing_panics() {
    let Some(rows) = rows("hostile") else { return };
    let signer = signer();
    let own = encoded(&picture(1, 200, 150), image::ImageFormat::Png);
    let proof = signer.sign(&file(&own), id(1)).unwrap();
    let verifier = verifier(signer.identity(), [&proof]);
    for row in &rows {
        let name = &row["file"];
        let bytes = std::fs::read(corpus("hostile").join(name)).unwrap();
        let start = Instant::now();
        let verification = verified(&verifier, &bytes);
        for (carrier, finding) in verification.findings() {
            assert_eq!(finding.accepted(), None, "{name} {carrier}");
        }
        // A decoder may be generous where ours is not; what is signed must then verify.
        if let Ok(signed) = signer.sign(&file(&bytes), id(2)) {
            let verification = verified(
                &super::common::verifier(signer.identity(), [&signed]),
                &signed.bytes,
            );
            let state = finding(&verification, "manifest").state;
            assert_eq!(state, State::Intact, "{name}");
        }
        assert!(
            start.elapsed().as_secs() < 20,
            "{name} took {:?}",
            start.elapsed()
        );
    }
    assert!(rows.len() > 130, "{}", rows.len());
}

#[test]
fn cut_and_scribbled_files_do_not_panic() {
    let signer = signer();
    let verifier = verifier(signer.identity(), []);
    let mut random = Random(5);
    for (media_type, bytes) in files(7) {
        let signed = signer.sign(&file(&bytes), id(1)).unwrap();
        let flat = |_: &[u8]| {
            Ok(credlink_sign_core::Pixels {
                image: std::sync::Arc::new(image::DynamicImage::new_luma8(8, 8)),
                orientation: image::metadata::Orientation::NoTransforms,
                shown: credlink_sign_core::Shown::These,
            })
        };
        for round in 0..120 {
            let mut damaged = signed.bytes.clone();
            match round % 3 {
                0 => damaged.truncate(random.below(damaged.len() as u64) as usize),
                1 => {
                    for _ in 0..8 {
                        let at = random.below(damaged.len().min(2048) as u64) as usize;
                        damaged[at] = random.next() as u8;
                    }
                }
                _ => {
                    let at = random.below(damaged.len() as u64 - 8) as usize;
                    damaged[at..at + 4].copy_from_slice(&[0xff; 4]);
                }
            }
            let file = credlink_sign_core::Asset::new(&damaged, &flat);
            let _ = signer.sign(&file, id(2));
            let verification = verifier.verify(&file, &|| 0);
            for (carrier, finding) in verification.findings() {
                assert!(
                    finding.accepted().is_none_or(|proof| proof == id(1)),
                    "{media_type} {carrier}"
                );
            }
        }
    }
}
