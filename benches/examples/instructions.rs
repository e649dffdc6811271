//! Work of our own code for counting instructions: without an argument prints the names of the cases, with a name runs
//! that case once. `credlink bench-report --instructions PROGRAM` runs it under callgrind.
#![allow(clippy::print_stdout, reason = "its output is its interface")]

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use credlink_benches::{SIZES, decode_pixels, jpeg_file, signer};
use credlink_sign_core::fingerprint::ContentHash;
use credlink_sign_core::sketch::Sketch;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::watermark::{Effort, EmbedSettings, WatermarkKey, detect, embed};
use credlink_sign_core::{Asset, Pixels, ProofId, Verifier};
use image::DynamicImage;

/// Name of a case, and how often its work is repeated: the difference to `prepare` is what counts.
const CASES: [(&str, u32); 7] = [
    ("prepare", 0),
    ("fingerprint", 20),
    ("sign-besides-decoding", 5),
    ("verify-besides-decoding", 5),
    ("sketch", 20),
    ("watermark-embed", 1),
    ("watermark-detect", 5),
];

fn marked(pixels: &Pixels, key: &WatermarkKey) -> Option<DynamicImage> {
    let (id, settings) = (ProofId::new(42), EmbedSettings::default());
    embed(&pixels.image, pixels.orientation, id, key, &settings).image
}

fn main() -> Result<()> {
    let Some(name) = std::env::args().nth(1) else {
        for (name, _) in CASES {
            println!("{name}");
        }
        return Ok(());
    };
    let Some((_, times)) = CASES.into_iter().find(|(known, _)| *known == name) else {
        bail!("no case is called {name}");
    };
    let (_, width, height) = SIZES[0];
    let source = jpeg_file(width, height)?;
    let decoded = decode_pixels(&source).map_err(anyhow::Error::msg)?;
    let ready = |_: &[u8]| Ok(decoded.clone());
    let signer = signer()?;
    let sign = || signer.sign(&Asset::new(&source, &ready), ProofId::new(1));
    let signed = sign()?;
    let store = ProofStoreBuilder::in_memory();
    store.insert(signed.record.clone(), &signed.manifest, &signed.points)?;
    let anchor = signer.identity().anchor()?;
    let verifier = Verifier::new(vec![anchor], Arc::new(store.seal()?))?;
    let key = WatermarkKey::derive(b"watermark benchmark key")?;
    let with_mark = marked(&decoded, &key).context("the picture takes no watermark")?;
    for _ in 0..times {
        match name.as_str() {
            "fingerprint" => {
                black_box(ContentHash::of(&decoded.image, decoded.orientation));
            }
            "sketch" => {
                black_box(Sketch::of(&decoded.image, decoded.orientation));
            }
            "watermark-embed" => {
                black_box(marked(&decoded, &key));
            }
            "watermark-detect" => {
                black_box(detect(
                    &with_mark,
                    decoded.orientation,
                    &key,
                    Effort::Direct,
                ));
            }
            "sign-besides-decoding" => {
                black_box(sign()?);
            }
            _ => {
                let file = Asset::new(&signed.bytes, &ready);
                black_box(verifier.verify(&file, &|| 0));
            }
        }
    }
    Ok(())
}
