//! Crafts pictures whose fingerprint is that of another, signed one, and asks the verifier about them: as they are, as
//! JPEG of quality 90, and through pipelines; alone, with the signed picture's link, and with its manifest under a
//! stranger's signature.
//!
//! ```text
//! cargo run -p credlink-harness --example collision -- --pairs 200 --photos DIR
//! ```
//!
//! Pairs are made of different sources in turn: the n-th with the one a third of the set further on.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::negatives::collision;
use credlink_harness::{identity, received, reencode::Rewriter};
use credlink_image_files::Format;
use credlink_image_files::metadata::{self, Metadata};
use credlink_reports::stats::{Rate, upper_bound};
use credlink_sign_core::fingerprint::{ContentHash, MatchPolicy};
use credlink_sign_core::keys::Identity;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::{Asset, Resigner, Shown, SignedImage, Signer, Verification, Verifier};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::codecs::jpeg::{self, Chroma};
use credlink_transforms::meter::Meter;
use image::DynamicImage;
use rayon::prelude::*;

#[derive(Parser)]
struct Arguments {
    /// How many pairs to try.
    #[arg(long, default_value_t = 200)]
    pairs: usize,
    /// A folder of photographs beside the synthetic images.
    #[arg(long)]
    photos: Option<PathBuf>,
    /// Seed of the synthetic images.
    #[arg(long, default_value_t = 5)]
    seed: u64,
    /// Pipelines that the crafted pictures go through.
    #[arg(long, default_value = "messaging/whatsapp,social/facebook")]
    pipelines: String,
}

/// What one crafted picture came to.
struct Attempt {
    psnr: f64,
    distance: u32,
    /// For each way: its name, whether the fingerprint alone would have matched, and whether any carrier was accepted.
    ways: Vec<(String, bool, bool)>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let sources = sources(&arguments)?;
    let signer = Signer::new(identity::of_run(None, [7; 32].into())?)?;
    let stranger = Identity::generate([8; 32].into(), "Stranger", identity::validity()?)?;
    let stranger = Resigner::new(stranger)?;
    let signed: Vec<Option<SignedImage>> = sources
        .par_iter()
        .enumerate()
        .map(|(index, source)| {
            let id = identity::proof_id(arguments.seed, index, source);
            let file = Asset::new(source, &received::decode_bytes);
            // What has no fingerprint cannot be collided with.
            let signed = signer.sign(&file, id).ok();
            signed.filter(|signed| {
                signed.record.fingerprint_quality >= MatchPolicy::default().min_quality
            })
        })
        .collect();
    let store = ProofStoreBuilder::in_memory();
    for signed in signed.iter().flatten() {
        store.insert(signed.record.clone(), &signed.manifest, &signed.points)?;
    }
    let anchor = signer.identity().anchor()?;
    let verifier = Verifier::new(vec![anchor], Arc::new(store.seal()?))?;
    let targets: Vec<&SignedImage> = signed.iter().flatten().collect();
    let attempts: Vec<Result<Attempt>> = (0..arguments.pairs)
        .into_par_iter()
        .map(|number| {
            let (round, own) = (number / sources.len(), number % sources.len());
            let shift = sources.len() / 3 + 7 * round + 1;
            let target = targets[(own + shift) % targets.len()];
            attempt(&arguments, &verifier, &stranger, target, &sources[own])
        })
        .collect();
    tell(arguments.pairs, sources.len(), &attempts);
    Ok(())
}

/// The pictures that were crafted, and how often each way was believed.
#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn tell(pairs: usize, sources: usize, attempts: &[Result<Attempt>]) {
    let made: Vec<&Attempt> = attempts.iter().flatten().collect();
    let mut psnr: Vec<f64> = made.iter().map(|attempt| attempt.psnr).collect();
    psnr.sort_by(f64::total_cmp);
    let at = |share: f64| {
        psnr.get((share * (psnr.len().max(1) - 1) as f64) as usize)
            .copied()
    };
    println!(
        "{} pairs of {} sources, {} pictures crafted, {} not; at {:.1} to {:.1} dB (median {:.1}); distance at most {} bits",
        pairs,
        sources,
        made.len(),
        pairs - made.len(),
        at(0.0).unwrap_or(f64::NAN),
        at(1.0).unwrap_or(f64::NAN),
        at(0.5).unwrap_or(f64::NAN),
        made.iter()
            .map(|attempt| attempt.distance)
            .max()
            .unwrap_or(0),
    );
    println!("| way | n | by the fingerprint alone | accepted | at most |\n|---|--:|--:|--:|--:|");
    let names: Vec<String> = made
        .first()
        .map(|first| first.ways.iter().map(|way| way.0.clone()).collect())
        .unwrap_or_default();
    for name in names {
        let of = |wanted: &dyn Fn(bool, bool) -> bool| {
            made.iter()
                .flat_map(|attempt| &attempt.ways)
                .filter(|way| way.0 == name && wanted(way.1, way.2))
                .count() as u64
        };
        let (n, alone, accepted) = (of(&|_, _| true), of(&|a, _| a), of(&|_, b| b));
        println!(
            "| {name} | {n} | {alone} | {accepted} | {:.2} % |",
            100.0 * upper_bound(Rate { k: accepted, n }).unwrap_or(1.0)
        );
    }
    for error in attempts
        .iter()
        .filter_map(|attempt| attempt.as_ref().err())
        .take(5)
    {
        println!("not crafted: {error:#}");
    }
}

fn sources(arguments: &Arguments) -> Result<Vec<Vec<u8>>> {
    let mut sources = Vec::new();
    if let Some(folder) = &arguments.photos {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            paths.push(entry?.path());
        }
        paths.sort();
        // What is no image is left out below.
        for path in paths.iter().filter(|path| path.is_file()) {
            sources.push(std::fs::read(path)?);
        }
    }
    let set = SyntheticSet::new(arguments.seed);
    let synthetic = arguments.pairs.saturating_sub(sources.len()).min(300);
    let made: Result<Vec<Vec<u8>>, _> = (0..synthetic)
        .into_par_iter()
        .map(|index| set.load(index).map(|image| image.bytes))
        .collect();
    sources.extend(made?);
    sources.retain(|source| {
        matches!(
            Format::sniff(source),
            Some(Format::Jpeg | Format::Png | Format::WebP)
        ) && received::decode_bytes(source).is_ok_and(|pixels| pixels.shown == Shown::These)
    });
    Ok(sources)
}

fn attempt(
    arguments: &Arguments,
    verifier: &Verifier,
    stranger: &Resigner,
    target: &SignedImage,
    source: &[u8],
) -> Result<Attempt> {
    let own = received::decode_bytes(source).map_err(|error| anyhow!(error))?;
    let picture = collision::crafted(&own.image, &target.record.fingerprint)
        .map_err(|error| anyhow!(error))?;
    let before = own.image.to_rgb8();
    let error: f64 = before
        .iter()
        .zip(picture.iter())
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
        .sum();
    let psnr = 10.0 * (255.0_f64.powi(2) * before.len() as f64 / error).log10();
    let picture = DynamicImage::ImageRgb8(picture);
    let distance = ContentHash::of(&picture, own.orientation)
        .dihedral()
        .iter()
        .map(|view| view.distance(&target.record.fingerprint))
        .min()
        .unwrap_or(256);
    let crafted = Rewriter::recoded(source, &picture).map_err(|error| anyhow!(error))?;

    let mut files = vec![("as it is".to_owned(), crafted.clone())];
    let settings = jpeg::Settings {
        encoder: jpeg::Encoder::LibjpegTurbo,
        quality: 90,
        chroma: Chroma::Quarter,
        progressive: false,
    };
    files.push(("JPEG 90".to_owned(), jpeg::encode(&picture, settings)?));
    let format = Format::sniff(&crafted).context("no format")?;
    let own_format = Format::sniff(&target.bytes).context("no format")?;
    let linked = Metadata {
        xmp: metadata::read(own_format, &target.bytes).xmp,
        ..Metadata::default()
    };
    let linked = metadata::written(format, crafted.clone(), &linked)?;
    files.push(("with the link".to_owned(), linked.clone()));
    let resigned = stranger.resigned(&target.bytes, &linked, &["c2pa.edited"])?;
    files.push(("signed by a stranger".to_owned(), resigned));
    let catalogue = Catalogue::embedded()?;
    let clock = || 0;
    let shared = Arc::new(credlink_image_files::ImageFile::new(crafted)?);
    for id in arguments.pipelines.split(',').filter(|id| !id.is_empty()) {
        let recipe = catalogue
            .get(id)
            .with_context(|| format!("no pipeline {id}"))?;
        let received = recipe.apply(&shared, &Meter::new(&clock))?;
        files.push((id.to_owned(), received.bytes().to_vec()));
    }
    let ways = files.into_iter().map(|(name, bytes)| {
        let file = Asset::new(&bytes, &received::decode_bytes);
        let verification: Verification = verifier.verify(&file, &|| 0);
        let alone = verifier
            .distance_to(&file, target.record.id)
            .is_some_and(|distance| distance <= verifier.policy().max_distance);
        let accepted = verification
            .findings()
            .any(|(_, finding)| finding.accepted().is_some_and(|id| id == target.record.id));
        (name, alone, accepted)
    });
    Ok(Attempt {
        psnr,
        distance,
        ways: ways.collect(),
    })
}
