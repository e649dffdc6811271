//! What a small file can cost: every file under 1 MB of the given folders, and the worst that this program makes itself,
//! is verified, signed and carried through every core pipeline, each in a process of its own; prints the dearest.
//!
//! ```text
//! cargo run -p credlink-harness --example law -- [FOLDER …]
//! ```
//!
//! The law: no more than 2 s and 512 MB each. Exits with 1 if it is broken.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use credlink_harness::{identity, machine, received, reencode::Rewriter};
use credlink_image_files::limits;
use credlink_sign_core::store::ProofStore;
use credlink_sign_core::watermark::Effort;
use credlink_sign_core::{Asset, Marker, ProofId, Signer, Verifier};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::meter::Meter;
use image::{DynamicImage, ImageFormat};

const SECONDS: f64 = 2.0;
const BYTES: u64 = 512_000_000;
const SMALL_FILE: u64 = 1_000_000;

#[derive(Parser)]
struct Arguments {
    /// Folders of files to try.
    folders: Vec<PathBuf>,
    /// One file, in this process.
    #[arg(long, requires = "what", hide = true)]
    one: Option<PathBuf>,
    /// What to do with it: verify, sign, or a pipeline.
    #[arg(long, hide = true)]
    what: Option<String>,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let (Some(file), Some(what)) = (&arguments.one, &arguments.what) {
        let said = one(&std::fs::read(file)?, what)?;
        println!("{}\t{said}", machine::peak_memory_bytes());
        return Ok(());
    }
    let made = tempfile::tempdir()?;
    worst(made.path())?;
    let files = small_files(&arguments.folders, made.path())?;
    let catalogue = Catalogue::embedded()?;
    let core = catalogue
        .select("core")
        .into_iter()
        .map(|recipe| recipe.id.clone());
    let whats: Vec<String> = ["verify".to_owned(), "sign".to_owned()]
        .into_iter()
        .chain(core)
        .collect();
    let mut costs: Vec<(f64, u64, String)> = Vec::new();
    let mut broken = 0;
    for (file, what) in files
        .iter()
        .flat_map(|file| whats.iter().map(move |what| (file, what)))
    {
        let start = Instant::now();
        let child = Command::new(std::env::current_exe()?)
            .arg("--one")
            .arg(file)
            .args(["--what", what])
            .output()?;
        let seconds = start.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&child.stdout);
        let peak = said
            .split('\t')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let failed = !child.status.success() || peak == 0;
        if failed || seconds > SECONDS || peak > BYTES {
            broken += 1;
            println!(
                "BROKEN {name} {what}: {seconds:.2} s, {} MB, {} {}",
                peak / 1_000_000,
                child.status,
                said.trim()
            );
        }
        costs.push((
            seconds,
            peak,
            format!(
                "{name} {what}: {}",
                said.split('\t').nth(1).unwrap_or("").trim()
            ),
        ));
    }
    tell(files.len(), broken, costs);
    if broken > 0 {
        std::process::exit(1);
    }
    Ok(())
}

/// The small files of given folders and of the one that was made, sorted.
fn small_files(folders: &[PathBuf], made: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in folders.iter().map(PathBuf::as_path).chain([made]) {
        for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_file() && about.len() < SMALL_FILE {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The slowest trials and those that took most memory.
#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn tell(files: usize, broken: usize, mut costs: Vec<(f64, u64, String)>) {
    println!(
        "{} files, {} trials, {broken} beyond {SECONDS} s or {} MB",
        files,
        costs.len(),
        BYTES / 1_000_000
    );
    costs.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (seconds, peak, name) in costs.iter().take(12) {
        println!("{seconds:.2} s, {} MB: {name}", peak / 1_000_000);
    }
    costs.sort_by_key(|cost| std::cmp::Reverse(cost.1));
    for (seconds, peak, name) in costs.iter().take(8) {
        println!("{} MB, {seconds:.2} s: {name}", peak / 1_000_000);
    }
}

/// The largest pictures that few bytes may ask for: plain ones, and stripes of one pixel.
fn worst(folder: &Path) -> Result<()> {
    let side = (limits::SMALL as f64).sqrt() as u32;
    let long = limits::MAX_SIDE;
    for (name, width, height) in [
        ("square", side, side),
        ("wide", long, 256),
        ("tall", 256, long),
        // As long as AVIF is written.
        ("tower", limits::SMALL as u32 / 16_384, 16_384),
        ("line", long, 1),
        ("column", 1, long),
    ] {
        let striped = |x: u32, y: u32| {
            image::Luma([if (x / 64 + y / 64).is_multiple_of(2) {
                60_u8
            } else {
                190
            }])
        };
        let picture = DynamicImage::ImageLuma8(image::GrayImage::from_fn(width, height, striped));
        let rgb = DynamicImage::ImageRgb8(picture.to_rgb8());
        let wide = DynamicImage::ImageRgba16(picture.to_rgba16());
        let kept = [
            ("jpg", &rgb, ImageFormat::Jpeg),
            ("png", &wide, ImageFormat::Png),
            ("gif", &rgb, ImageFormat::Gif),
            ("webp", &rgb, ImageFormat::WebP),
        ];
        for (extension, image, format) in kept {
            // What a format cannot hold, or holds in more than a small file, is no small file.
            let _ = image.save_with_format(folder.join(format!("{name}.{extension}")), format);
        }
    }
    Ok(())
}

fn one(bytes: &[u8], what: &str) -> Result<String> {
    let clock = || 0;
    let key = identity::watermark_of_run(None, 1)?.key()?;
    let signer = || -> Result<Signer> { Ok(Signer::new(identity::of_run(None, [1; 32].into())?)?) };
    Ok(match what {
        "verify" => {
            let anchor = signer()?.identity().anchor()?;
            let verifier = Verifier::new(vec![anchor], Arc::new(ProofStore::empty()))?;
            let verifier = verifier.with_watermark(key, Effort::Search);
            let file = Asset::new(bytes, &received::decode_bytes);
            let verification = verifier.verify(&file, &clock);
            let accepted = verification
                .findings()
                .any(|(_, finding)| finding.accepted().is_some());
            anyhow::ensure!(!accepted, "accepted");
            match file.pixels() {
                Ok(_) => "looked at".to_owned(),
                Err(error) => error.to_owned(),
            }
        }
        "sign" => {
            let rewriter = Rewriter::of(bytes);
            let file = Asset::new(bytes, &received::decode_bytes).with_encoder(&rewriter);
            match signer()?
                .with_marker(Marker::new(key))
                .sign(&file, ProofId::new(7))
            {
                Ok(signed) => format!("{} bytes", signed.bytes.len()),
                Err(error) => format!("{:#}", anyhow::Error::from(error)),
            }
        }
        id => {
            let catalogue = Catalogue::embedded()?;
            let recipe = catalogue
                .get(id)
                .with_context(|| format!("no pipeline {id}"))?;
            match credlink_image_files::ImageFile::new(bytes.to_vec()) {
                Ok(file) if recipe.takes(file.format()) => {
                    match recipe.apply(&Arc::new(file), &Meter::new(&clock)) {
                        Ok(received) => format!("{} bytes", received.bytes().len()),
                        Err(error) => error.to_string(),
                    }
                }
                Ok(_) => "not taken".to_owned(),
                Err(error) => error.to_string(),
            }
        }
    })
}
