//! One signed image, edited or not, through one pipeline: what became of its proof, and how far its content differs.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use credlink_harness::reencode::Rewriter;
use credlink_harness::{clock, identity, received};
use credlink_image_files::ImageFile;
use credlink_sign_core::conclusion::conclude;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::watermark::Effort;
use credlink_sign_core::{Asset, Marker, ProofId, Signer, Verifier};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use image::{DynamicImage, RgbImage};
use rayon::prelude::*;

use crate::edit::EDITS;
use crate::{Arguments, PIPELINES, Source, photographs};

/// One received image.
pub(crate) struct Op {
    /// Place of the source.
    pub(crate) source: usize,
    pub(crate) pipeline: usize,
    /// Place in [`EDITS`]; `None` where nothing was edited.
    pub(crate) edit: Option<usize>,
    pub(crate) end: End,
}

/// What became of the proof.
pub(crate) enum End {
    Recovered(Found),
    /// A pointer led to it, but the pixels did not confirm it.
    Unconfirmed,
    Lost,
    /// Another image's proof was accepted.
    Wrong,
}

impl Op {
    pub(crate) fn found(&self) -> Option<&Found> {
        match &self.end {
            End::Recovered(found) => Some(found),
            _ => None,
        }
    }
}

/// How far the content differs from the proof that was found.
pub(crate) struct Found {
    pub(crate) local: f32,
    pub(crate) region: f32,
    /// Bits; where the fingerprint says nothing, all.
    pub(crate) fingerprint: u32,
    /// Whether the sketch speaks of a change.
    pub(crate) noticed: bool,
}

/// A signed image: its proof and its pixels as displayed.
pub(crate) struct Signed {
    pub(crate) id: ProofId,
    pub(crate) pixels: RgbImage,
}

pub(crate) fn displayed(bytes: &[u8]) -> Result<DynamicImage> {
    let pixels = received::decode_bytes(bytes).map_err(|error| anyhow!(error))?;
    let mut image = DynamicImage::clone(&pixels.image);
    image.apply_orientation(pixels.orientation);
    Ok(image)
}

pub(crate) fn verified(verifier: &Verifier, id: ProofId, bytes: &[u8]) -> End {
    let file = Asset::new(bytes, &received::decode_bytes);
    let verification = verifier.verify(&file, &clock::wall_nanos);
    let conclusion = conclude(verification.findings(), &|_| None);
    match conclusion.accepted {
        Some(accepted) if accepted.proof != id || !conclusion.alternatives.is_empty() => End::Wrong,
        Some(_) => match verifier.compared_with(&file, id) {
            Some(comparison) => End::Recovered(Found {
                local: comparison.local_difference,
                region: comparison.largest_difference,
                fingerprint: verifier.distance_to(&file, id).unwrap_or(256),
                noticed: comparison.is_change_noticed(),
            }),
            None => End::Lost,
        },
        None if conclusion.unconfirmed == Some(id) => End::Unconfirmed,
        None => End::Lost,
    }
}

/// Signs every image; `None` where it cannot be.
pub(crate) fn signed(
    arguments: &Arguments,
    sources: &[Source],
) -> Result<(Verifier, Vec<Option<Signed>>)> {
    let secret = identity::watermark_of_run(None, arguments.seed)?;
    let signer = Signer::new(identity::of_run(None, identity::fresh_seed()?)?)?
        .with_marker(Marker::new(secret.key()?));
    let store = ProofStoreBuilder::in_memory();
    let signed: Vec<Option<Signed>> = sources
        .par_iter()
        .enumerate()
        .map(|(index, source)| {
            let id = identity::proof_id(arguments.seed, index, &source.bytes);
            let rewriter = Rewriter::of(&source.bytes);
            let file = Asset::new(&source.bytes, &received::decode_bytes).with_encoder(&rewriter);
            let made = signer.sign(&file, id).ok()?;
            let pixels = displayed(&made.bytes).ok()?.to_rgb8();
            store
                .insert(made.record, &made.manifest, &made.points)
                .ok()?;
            Some(Signed { id, pixels })
        })
        .collect();
    let anchor = signer.identity().anchor()?;
    let verifier = Verifier::new(vec![anchor], Arc::new(store.seal()?))?
        .with_watermark(secret.key()?, Effort::Search);
    Ok((verifier, signed))
}

/// The edit, saved as PNG without metadata; `None` where it does not apply.
pub(crate) fn edited(
    arguments: &Arguments,
    sources: &[Source],
    signed: &[Option<Signed>],
    at: usize,
    edit: Option<usize>,
) -> Option<RgbImage> {
    let mut image = signed[at].as_ref()?.pixels.clone();
    let Some(number) = edit else {
        return Some(image);
    };
    let edit = &EDITS[number];
    let class = sources[at].class.as_str();
    if edit.on_pages_only && !matches!(class, "document" | "screenshot") {
        return None;
    }
    let others = || (1..sources.len()).map(|k| (at + k) % sources.len());
    let usable = |k: &usize| signed[*k].is_some();
    let other = others()
        .filter(usable)
        .find(|k| sources[*k].class == class)
        .or_else(|| others().find(usable))?;
    let other = &signed[other].as_ref()?.pixels;
    let purpose = format!("{} {} {}", arguments.seed, edit.name, sources[at].name);
    let place = edit.place(&image, photographs::number(&purpose));
    (edit.draw)(&mut image, other, place);
    Some(image)
}

pub(crate) fn png(image: RgbImage) -> Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(image).write_to(&mut bytes, image::ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

pub(crate) fn measured(arguments: &Arguments, sources: &[Source]) -> Result<(usize, Vec<Op>)> {
    let catalogue = Catalogue::embedded()?;
    let recipes: Vec<Arc<Recipe>> = PIPELINES
        .iter()
        .flat_map(|(id, _)| catalogue.select(id))
        .collect();
    if recipes.len() != PIPELINES.len() {
        return Err(anyhow!("the catalogue does not hold each pipeline once"));
    }
    let (verifier, signed) = signed(arguments, sources)?;
    let ops: Vec<Vec<Op>> = (0..sources.len())
        .into_par_iter()
        .map(|source| {
            let mut ops = Vec::new();
            for edit in std::iter::once(None).chain((0..EDITS.len()).map(Some)) {
                let (Some(image), Some(proof)) = (
                    edited(arguments, sources, &signed, source, edit),
                    &signed[source],
                ) else {
                    continue;
                };
                let file = Arc::new(ImageFile::new(png(image)?)?);
                for (pipeline, recipe) in recipes.iter().enumerate() {
                    let clock = || 0;
                    let sent = recipe
                        .apply(&file, &Meter::new(&clock))
                        .map_err(|error| anyhow!("{}: {error}", recipe.id))?;
                    let end = verified(&verifier, proof.id, sent.bytes());
                    ops.push(Op {
                        source,
                        pipeline,
                        edit,
                        end,
                    });
                }
            }
            Ok(ops)
        })
        .collect::<Result<_>>()?;
    let usable = signed.iter().flatten().count();
    Ok((usable, ops.into_iter().flatten().collect()))
}
