//! A store of very many proofs: the records are signed as all records are, the pictures behind them are not there.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use credlink_corpus::SyntheticSet;
use credlink_service::store::{Keeper, Proof, StoreUrl};
use credlink_sign_core::fingerprint::{Fingerprint, Tone};
use credlink_sign_core::iscc::ImageCode;
use credlink_sign_core::keys::Identity;
use credlink_sign_core::local::{MOST_POINTS, Points};
use credlink_sign_core::sketch::Sketch;
use credlink_sign_core::{ProofId, ProofRecord, RegisteredPoints, manifest};
use image::metadata::Orientation;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::process::Random;

/// Proofs that are written together.
const TOGETHER: u64 = 20_000;

/// Adds proofs until there are so many; ids ascend evenly through their whole range, so that they are as far apart as drawn
/// ones. Their number before, and how long it took.
pub(crate) fn filled(
    url: &str,
    keys: &Path,
    proofs: u64,
    manifest_bytes: usize,
) -> Result<(u64, Duration)> {
    let begun = Instant::now();
    let store = url.parse::<StoreUrl>()?.init()?;
    let before = store.count()?;
    if before >= proofs {
        return Ok((before, begun.elapsed()));
    }
    let identity = Identity::load(keys)?;
    let picture = SyntheticSet::new(1).picture(0);
    let sketch = Sketch::of(&picture, Orientation::NoTransforms);
    let filler = noise(manifest_bytes);
    let step = u64::MAX / proofs;
    for first in (before..proofs).step_by(TOGETHER as usize) {
        let some = first..proofs.min(first + TOGETHER);
        let made: Vec<Proof> = some
            .into_par_iter()
            .map(|number| made(number, step, &identity, &sketch, &filler))
            .collect();
        added(&*store, &made)?;
    }
    Ok((before, begun.elapsed()))
}

fn added(store: &dyn Keeper, proofs: &[Proof]) -> Result<()> {
    for answer in store.insert(proofs) {
        answer.context("a proof that is made up is not kept")?;
    }
    Ok(())
}

/// Bytes that do not shrink, as a manifest's mostly do not.
fn noise(bytes: usize) -> Vec<u8> {
    let mut random = Random(7);
    (0..bytes).map(|_| random.word() as u8).collect()
}

/// As many points as a picture can have, of a picture of 1200 by 800.
fn points(random: &mut Random) -> Points {
    let mut bytes = vec![1, MOST_POINTS as u8];
    for _ in 0..MOST_POINTS {
        let (x, y) = (random.word() % 4096, random.word() % 2720);
        let place = (x << 20 | y << 8 | 64) as u32;
        bytes.extend(place.to_be_bytes());
        bytes.extend((0..4).flat_map(|_| random.word().to_le_bytes()));
    }
    Points::from_bytes(&bytes, (1200, 800)).unwrap_or_default()
}

fn made(number: u64, step: u64, identity: &Identity, sketch: &Sketch, filler: &[u8]) -> Proof {
    let mut random = Random(number);
    let id = ProofId::new(number * step + random.word() % step);
    let manifest = [&id.value().to_be_bytes()[..], filler].concat();
    let digest = |bytes: &[u8]| <[u8; 32]>::from(Sha256::digest(bytes));
    let points = points(&mut random);
    let record = ProofRecord {
        id,
        fingerprint: Fingerprint(std::array::from_fn(|_| random.word())),
        fingerprint_quality: 100,
        tone: Tone(std::array::from_fn(|_| random.word() as u8)),
        sketch: sketch.clone(),
        sketch_on_black: None,
        history: None,
        points: Some(RegisteredPoints::of(&points.to_bytes())),
        image_code: Some(ImageCode(std::array::from_fn(|_| random.word() as u8))),
        media_type: credlink_image_files::Format::Jpeg,
        width: 1200,
        height: 800,
        signed_sha256: digest(&id.value().to_le_bytes()),
        manifest_sha256: digest(&manifest),
        signature: [0; 64],
    };
    Proof {
        record: record.signed(identity),
        manifest,
        points,
        urn: manifest::label(id),
    }
}
