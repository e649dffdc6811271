//! Images that do not depend on the keys they are tried with: what is accepted all the same.

use anyhow::{Context, Result};
use credlink_reports::stats::{Rate, upper_bound};
use credlink_sign_core::ProofId;
use credlink_sign_core::watermark::{
    Detection, Effort, EmbedSettings, Features, WatermarkKey, detect, embed,
};
use image::DynamicImage;
use image::metadata::Orientation;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::Arguments;
use crate::source::Source;

/// Images that do not depend on the keys they are tried with: as they are, and marked under another key.
#[expect(clippy::print_stdout, reason = "an example reports to people")]
pub(crate) fn false_accepts(
    sources: &[Source],
    key: &WatermarkKey,
    settings: &EmbedSettings,
    least: u32,
    arguments: &Arguments,
) -> Result<()> {
    let images: Vec<(DynamicImage, Orientation)> = sources
        .par_iter()
        .flat_map(|source| {
            let id = ProofId::new(7);
            let embedding = embed(&source.pixels, source.orientation, id, key, settings);
            let images = [Some(source.pixels.clone()), embedding.image];
            images.map(|image| image.map(|image| (image, source.orientation)))
        })
        .flatten()
        .collect();
    let features: Vec<Features> = images
        .par_iter()
        .map(|(image, orientation)| Features::of(image, *orientation))
        .collect();
    let foreign = |kind: &[u8], k: u32| {
        let digest = Sha256::new()
            .chain_update(kind)
            .chain_update(k.to_le_bytes());
        WatermarkKey::derive(&digest.finalize())
    };
    println!(
        "{} images, of which {} marked under another key",
        images.len(),
        images.len() - sources.len()
    );
    let keys = least.div_ceil(images.len().max(1) as u32);
    let direct: Vec<Detection> = (0..keys)
        .into_par_iter()
        .map(|k| {
            let key = foreign(b"stage 0", k)?;
            Ok(features
                .iter()
                .map(|features| features.detect(&key))
                .collect())
        })
        .collect::<Result<Vec<Vec<Detection>>>>()?
        .concat();
    report("stage 0", &direct);
    for (name, effort, count) in [
        ("search", Effort::Search, arguments.searches),
        (
            "search, rotated",
            Effort::SearchRotated,
            arguments.rotated_searches,
        ),
    ] {
        let found: Vec<Detection> = (0..count)
            .into_par_iter()
            .map(|k| {
                let key = foreign(name.as_bytes(), k)?;
                let (image, orientation) = images
                    .get(k as usize % images.len().max(1))
                    .context("no images")?;
                Ok(detect(image, *orientation, &key, effort))
            })
            .collect::<Result<_>>()?;
        report(name, &found);
    }
    Ok(())
}

/// How many were accepted, and what rate that bounds.
#[expect(clippy::print_stdout, reason = "an example reports to people")]
pub(crate) fn report(name: &str, detections: &[Detection]) {
    if detections.is_empty() {
        return;
    }
    let count = |counts: &dyn Fn(&Detection) -> bool| {
        detections
            .iter()
            .filter(|detection| counts(detection))
            .count()
    };
    let largest = detections.iter().map(|d| d.exponent).fold(0.0, f64::max);
    let decodes: u64 = detections.iter().map(|d| u64::from(d.decodes)).sum();
    let accepted = count(&|d| d.id.is_some());
    let rate = Rate {
        k: accepted as u64,
        n: detections.len() as u64,
    };
    let bound = upper_bound(rate).unwrap_or(1.0);
    println!(
        "{name}: {} trials, {decodes} decodes, {} with a right checksum, largest exponent {largest:.1}, accepted {accepted}: below {bound:.1e} at 95 %",
        detections.len(),
        count(&|d| d.exponent > 0.0),
    );
}
