//! Turns every byte of small signed files, one at a time, outside the manifest and in its frame, and looks whether the
//! manifest still counts as intact: with the record, and without it.
//!
//! ```text
//! cargo run -p credlink-harness --example flips -- --files 20
//! ```
//!
//! Ends with 1 if a file is intact that is not the signed one byte for byte, where the record is there; or, without the
//! record, one that a decoder shows differently.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::{identity, received};
use credlink_sign_core::carriers::{Carrier, Manifest, State};
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::{Asset, SignedImage, Signer, Verifier};
use credlink_transforms::codecs::avif;
use image::{DynamicImage, ImageFormat};
use rayon::prelude::*;

#[derive(Parser)]
struct Arguments {
    /// How many files of each format.
    #[arg(long, default_value_t = 20)]
    files: usize,
    /// Longer side of the pictures, pixels.
    #[arg(long, default_value_t = 48)]
    side: u32,
}

/// What a byte becomes: another value in every bit, and in one.
const TURNS: [u8; 2] = [0x5a, 0x01];

/// Bytes before the manifest that belong to its frame: at most an AVIF box's header, identifier, purpose and offset.
const FRAME: usize = 64;

/// What came of the flips of one file.
#[derive(Default)]
struct Tally {
    tried: usize,
    with_record: usize,
    without: usize,
    shown: usize,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let signer = Signer::new(identity::of_run(None, [3; 32].into())?)?;
    let set = SyntheticSet::new(3);
    let formats: [(&str, Option<ImageFormat>); 6] = [
        ("JPEG", Some(ImageFormat::Jpeg)),
        ("PNG", Some(ImageFormat::Png)),
        ("WebP", Some(ImageFormat::WebP)),
        ("GIF", Some(ImageFormat::Gif)),
        ("TIFF", Some(ImageFormat::Tiff)),
        ("AVIF", None),
    ];
    let mut bad = 0;
    for (name, format) in formats {
        let mut sum = Tally::default();
        for index in 0..arguments.files {
            let image = set.load(index)?;
            let picture = image::load_from_memory(&image.bytes)?;
            let small = picture.thumbnail(arguments.side, arguments.side).to_rgb8();
            let bytes = encoded(&DynamicImage::ImageRgb8(small), format)?;
            let id = identity::proof_id(3, index, &bytes);
            let signed = signer.sign(&Asset::new(&bytes, &received::decode_bytes), id)?;
            let tally = flips(&signer, &signed)?;
            sum.tried += tally.tried;
            sum.with_record += tally.with_record;
            sum.without += tally.without;
            sum.shown += tally.shown;
        }
        println!(
            "{name}: {} flips of {} files; intact with the record {}, without it {}, of which shown differently {}",
            sum.tried, arguments.files, sum.with_record, sum.without, sum.shown
        );
        bad += sum.with_record + sum.shown;
    }
    if bad > 0 {
        std::process::exit(1);
    }
    Ok(())
}

fn encoded(picture: &DynamicImage, format: Option<ImageFormat>) -> Result<Vec<u8>> {
    let Some(format) = format else {
        return Ok(avif::encode(picture, 60, 10)?);
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}

fn flips(signer: &Signer, signed: &SignedImage) -> Result<Tally> {
    let anchor = || signer.identity().anchor();
    let knowing = ProofStoreBuilder::in_memory();
    knowing.insert(signed.record.clone(), &signed.manifest, &signed.points)?;
    let knowing = Verifier::new(vec![anchor()?], Arc::new(knowing.seal()?))?;
    let store = ProofStoreBuilder::in_memory().seal()?;
    let without = Verifier::new(vec![anchor()?], Arc::new(store))?;
    let is_intact = |verifier: &Verifier, bytes: &[u8]| {
        let file = Asset::new(bytes, &received::decode_bytes);
        Manifest.examine(&file, verifier, &|| 0).state == State::Intact
    };
    for verifier in [&knowing, &without] {
        anyhow::ensure!(is_intact(verifier, &signed.bytes), "not intact as signed");
    }
    let shown = received::decode_bytes(&signed.bytes).map_err(anyhow::Error::msg)?;
    let inside = inside(signed)?;
    let places = (0..signed.bytes.len()).filter(|at| !inside.contains(at));
    let trials: Vec<(usize, u8)> = places.flat_map(|at| TURNS.map(|turn| (at, turn))).collect();
    let tallies = trials.par_iter().map(|&(at, turn)| {
        let mut flipped = signed.bytes.clone();
        flipped[at] ^= turn;
        let is_loose = is_intact(&without, &flipped);
        // A file that does not decode shows nothing.
        let is_shown = is_loose
            && received::decode_bytes(&flipped).is_ok_and(|now| {
                (now.image != shown.image)
                    || now.orientation != shown.orientation
                    || now.shown != shown.shown
            });
        Tally {
            tried: 1,
            with_record: usize::from(is_intact(&knowing, &flipped)),
            without: usize::from(is_loose),
            shown: usize::from(is_shown),
        }
    });
    Ok(tallies.reduce(Tally::default, |one, other| Tally {
        tried: one.tried + other.tried,
        with_record: one.with_record + other.with_record,
        without: one.without + other.without,
        shown: one.shown + other.shown,
    }))
}

/// The manifest's own bytes, behind the first of them, which belong to its frame. In GIF the sub-blocks cut it in pieces,
/// and nothing is left out.
fn inside(signed: &SignedImage) -> Result<Range<usize>> {
    let manifest = &signed.manifest;
    let mut places = signed.bytes.windows(manifest.len());
    let found = places.position(|part| part == manifest);
    let is_gif = signed.bytes.starts_with(b"GIF");
    let start = match found {
        Some(start) => start,
        None if is_gif => return Ok(0..0),
        None => return Err(anyhow::anyhow!("no manifest in one piece")).context(signed.record.id),
    };
    Ok(start + FRAME..start + manifest.len())
}
