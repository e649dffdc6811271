//! Parts of signed pictures, found by their points.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::common::*;
use credlink_image_files::Format;
use credlink_sign_core::Verifier;
use credlink_sign_core::carriers::State;
use credlink_sign_core::store::ProofStoreBuilder;
use image::{DynamicImage, GenericImage as _, ImageFormat, RgbImage};

/// A scene of blobs and edges at every scale, like no other.
fn scene(seed: u32) -> DynamicImage {
    let noise = |x: u32, y: u32, channel: u32| {
        let mixed = (x ^ y.rotate_left(13) ^ (seed * 3 + channel).rotate_left(22))
            .wrapping_mul(0x9e37_79b1);
        (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca77) >> 24
    };
    let at = |x: u32, y: u32, cell: u32, channel: u32| {
        let (u, v) = (x % cell, y % cell);
        let corner = |dx: u32, dy: u32| noise(x / cell + dx + 1000 * cell, y / cell + dy, channel);
        let above = corner(0, 0) * (cell - u) + corner(1, 0) * u;
        let below = corner(0, 1) * (cell - u) + corner(1, 1) * u;
        (above * (cell - v) + below * v) / (cell * cell)
    };
    let value = |x, y, channel| {
        let coarse = 2 * at(x, y, 160, channel) + at(x, y, 48, 0);
        ((coarse + at(x, y, 18, 0)) / 4) as u8
    };
    RgbImage::from_fn(900, 600, |x, y| {
        image::Rgb([0, 1, 2].map(|c| value(x, y, c)))
    })
    .into()
}

fn png(picture: &DynamicImage) -> Vec<u8> {
    encoded(&picture.to_rgb8(), ImageFormat::Png)
}

#[test]
fn a_part_leads_to_its_proof_and_says_where_it_lies() {
    let signer = signer();
    let signed: Vec<_> = (1..=4)
        .map(|number| {
            signer
                .sign(&file(&png(&scene(number as u32))), id(number))
                .unwrap()
        })
        .collect();
    let verifier = verifier(signer.identity(), &signed);
    let local =
        |picture: &DynamicImage| finding(&verified(&verifier, &png(picture)), "local").clone();
    let whole = scene(2);
    let half = whole.crop_imm(120, 90, 640, 430);
    let found = local(&half);
    assert_eq!(
        (found.state, found.proof),
        (State::Recovered, Some(id(2))),
        "{found:?}"
    );
    let part = found.part.unwrap();
    assert!(part.fills > 990, "{part:?}");
    // 640 × 430 of 900 × 600.
    assert!(part.seen.abs_diff(510) < 15, "{part:?}");
    let [left, top] = part.corners[0];
    assert!(
        (left + 1000 * 120 / 640).abs() < 12 && (top + 1000 * 90 / 430).abs() < 12,
        "{part:?}"
    );
    // Mirrored, and turned.
    for turned in [half.fliph(), half.rotate90()] {
        assert_eq!(local(&turned).accepted(), Some(id(2)));
    }
    // Beside another picture.
    let mut page = scene(77);
    page.copy_from(
        &whole.resize_exact(450, 300, image::imageops::FilterType::Triangle),
        400,
        250,
    )
    .unwrap();
    let found = local(&page);
    assert_eq!(found.accepted(), Some(id(2)), "{found:?}");
    assert!(found.part.unwrap().fills.abs_diff(250) < 20);
    // What is none of ours.
    let other = local(&scene(78));
    assert_eq!(
        (other.state, other.proof),
        (State::Absent, None),
        "{other:?}"
    );
    assert_eq!(Format::sniff(&signed[0].bytes), Some(Format::Png));
}

#[test]
fn a_part_that_was_changed_leads_to_a_proof_that_the_content_refuses() {
    let signer = signer();
    let signed = signer.sign(&file(&png(&scene(1))), id(1)).unwrap();
    let verifier = verifier(signer.identity(), [&signed]);
    let mut changed = scene(1).crop_imm(0, 0, 800, 560);
    let patch = scene(2).crop_imm(100, 100, 330, 300);
    changed.copy_from(&patch, 240, 130).unwrap();
    let found = finding(&verified(&verifier, &png(&changed)), "local").clone();
    assert_eq!(
        (found.state, found.proof),
        (State::Unconfirmed, Some(id(1))),
        "{found:?}"
    );
    assert!(
        found
            .codes
            .iter()
            .any(|code| code.starts_with("credlink.content.")),
        "{found:?}"
    );
}

/// A disk that fails once the store is open.
#[test]
fn points_that_cannot_be_read_are_told_as_an_error_not_as_an_absence() {
    let signer = signer();
    let signed = signer.sign(&file(&png(&scene(1))), id(1)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let builder = ProofStoreBuilder::create(dir.path()).unwrap();
    builder
        .insert(signed.record.clone(), &signed.manifest, &signed.points)
        .unwrap();
    let store = Arc::new(builder.seal().unwrap());
    let anchors = vec![signer.identity().anchor().unwrap()];
    let verifier = Verifier::new(anchors, store).unwrap();
    let part = png(&scene(1).crop_imm(120, 90, 640, 430));
    let local = || finding(&verified(&verifier, &part), "local").clone();
    assert_eq!(local().accepted(), Some(id(1)));
    let points = walk(dir.path())
        .into_iter()
        .find(|path| path.ends_with("points.bin"))
        .unwrap();
    let mut bytes = std::fs::read(&points).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 1);
    // In place: the store holds the file open.
    std::fs::write(&points, bytes).unwrap();
    let found = local();
    assert_eq!(found.state, State::Failed, "{found:?}");
    assert_eq!(found.codes, ["credlink.local.unread"]);
}

/// Every file below a directory.
fn walk(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let below = entries.map(|path| {
        if path.is_dir() {
            walk(&path)
        } else {
            vec![path]
        }
    });
    below.flatten().collect()
}
