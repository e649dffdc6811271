//! Breaks signed files and those of given folders at random, and verifies what comes of it.
//!
//! ```text
//! cargo run -p credlink-harness --example mutations -- --count 20000 [FOLDER …]
//! ```
//!
//! Counts panics, slow files, files called intact that are not the signed ones, and proofs of other images. Any of them
//! ends it with 1.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::{identity, machine, received};
use credlink_sign_core::carriers::State;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::{Asset, ProofId, Signer, Verifier};
use image::{DynamicImage, ImageFormat};
use rayon::prelude::*;

#[path = "common/broken.rs"]
mod broken;

use broken::{Draws, broken};

/// Seconds from which a file is slow: the law for small files.
const SLOW: f64 = 2.0;

#[derive(Parser)]
struct Arguments {
    /// How many broken files.
    #[arg(long, default_value_t = 20_000)]
    count: u64,
    /// Seed of what is broken.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folders of further files.
    folders: Vec<PathBuf>,
}

/// A file that is broken, and its proof if it has one.
struct Victim {
    bytes: Vec<u8>,
    id: Option<ProofId>,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let signer = Signer::new(identity::of_run(None, [3; 32].into())?)?;
    let store = ProofStoreBuilder::in_memory();
    let mut victims = signed(&signer, &store)?;
    for folder in &arguments.folders {
        victims.extend(small_files(folder)?);
    }
    let verifier = Verifier::new(vec![signer.identity().anchor()?], Arc::new(store.seal()?))?;
    std::panic::set_hook(Box::new(|_| {}));
    let results: Vec<(&'static str, u64, f64)> = (0..arguments.count)
        .into_par_iter()
        .map(|number| {
            let mut draws = Draws::new(arguments.seed, number);
            let victim = &victims[draws.below(victims.len())];
            let broken = broken(&victim.bytes, &mut draws);
            let start = Instant::now();
            let verdict = catch_unwind(AssertUnwindSafe(|| verdict(&verifier, victim, &broken)));
            (
                verdict.unwrap_or("panic"),
                number,
                start.elapsed().as_secs_f64(),
            )
        })
        .collect();
    drop(std::panic::take_hook());
    let mut bad = 0;
    for kind in [
        "panic",
        "intact, and other bytes",
        "another image's proof",
        "own proof",
        "nothing",
        "the same bytes",
    ] {
        let of_kind: Vec<u64> = results
            .iter()
            .filter(|result| result.0 == kind)
            .map(|result| result.1)
            .collect();
        println!(
            "{kind}: {} {:?}",
            of_kind.len(),
            of_kind.iter().take(3).collect::<Vec<_>>()
        );
        if ["panic", "intact, and other bytes", "another image's proof"].contains(&kind) {
            bad += of_kind.len();
        }
    }
    let slowest = results.iter().map(|result| result.2).fold(0.0, f64::max);
    let slow = results.iter().filter(|result| result.2 > SLOW).count();
    println!(
        "{} broken files of {} (seed {}): slowest {slowest:.2} s, {slow} over {SLOW} s, {} MB at peak",
        results.len(),
        victims.len(),
        arguments.seed,
        machine::peak_memory_bytes() / 1_000_000
    );
    if bad + slow > 0 {
        std::process::exit(1);
    }
    Ok(())
}

/// Signed pictures of every format, whose records are in the store.
fn signed(signer: &Signer, store: &ProofStoreBuilder) -> Result<Vec<Victim>> {
    let mut victims = Vec::new();
    let set = SyntheticSet::new(3);
    for index in 0..18 {
        let image = set.load(index)?;
        let picture = image::load_from_memory(&image.bytes)?.thumbnail(320, 320);
        let format = [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::WebP,
            ImageFormat::Gif,
            ImageFormat::Tiff,
        ][index % 5];
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture.to_rgb8()).write_to(&mut bytes, format)?;
        let bytes = bytes.into_inner();
        let id = identity::proof_id(3, index, &bytes);
        let signed = signer.sign(&Asset::new(&bytes, &received::decode_bytes), id)?;
        store.insert(signed.record.clone(), &signed.manifest, &signed.points)?;
        victims.push(Victim {
            bytes: signed.bytes,
            id: Some(id),
        });
    }
    Ok(victims)
}

/// The small files of a folder.
fn small_files(folder: &Path) -> Result<Vec<Victim>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if entry.metadata()?.is_file() && entry.metadata()?.len() < 300_000 {
            paths.push(entry.path());
        }
    }
    paths.sort();
    let victim = |path| {
        Ok(Victim {
            bytes: std::fs::read(path)?,
            id: None,
        })
    };
    paths.into_iter().map(victim).collect()
}

fn verdict(verifier: &Verifier, victim: &Victim, broken: &[u8]) -> &'static str {
    let file = Asset::new(broken, &received::decode_bytes);
    let verification = verifier.verify(&file, &|| 0);
    let mut accepted = verification
        .findings()
        .filter(|(_, finding)| finding.accepted().is_some());
    if broken == victim.bytes {
        return "the same bytes";
    }
    if verification
        .findings()
        .any(|(_, finding)| finding.state == State::Intact)
    {
        return "intact, and other bytes";
    }
    // Pixels and link may outlive a broken manifest; then it is the file's own proof.
    match accepted.next() {
        None => "nothing",
        Some((_, finding)) if finding.proof == victim.id => "own proof",
        Some(_) => "another image's proof",
    }
}
