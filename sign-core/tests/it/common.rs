//! Pictures, files, identities and a verifier for the tests of this crate.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use credlink_image_files::Format;
use credlink_sign_core::carriers::State;
use credlink_sign_core::conclusion::conclude;
use credlink_sign_core::keys::{Date, Identity, Validity};
use credlink_sign_core::store::{ProofStore, ProofStoreBuilder};
use credlink_sign_core::{Asset, Pixels, ProofId, SignedImage, Signer, Verification, Verifier};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageFormat, RgbImage};

pub fn validity() -> Validity {
    Validity {
        not_before: Date::new(2020, 1, 1).unwrap(),
        not_after: Date::new(2045, 1, 1).unwrap(),
    }
}

pub fn identity(seed: u8, name: &str) -> Identity {
    Identity::generate([seed; 32].into(), name, validity()).unwrap()
}

/// A small deterministic generator (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// A picture with structure at every scale: soft blobs of random colour, size and place, and fine noise.
pub fn picture(seed: u64, width: u32, height: u32) -> RgbImage {
    let mut random = Random(seed);
    let blobs: Vec<[f32; 6]> = (0..40)
        .map(|_| {
            let mut unit = || random.below(10_000) as f32 / 10_000.0;
            [
                unit(),
                unit(),
                0.02 + 0.2 * unit(),
                unit() - 0.5,
                unit() - 0.5,
                unit() - 0.5,
            ]
        })
        .collect();
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let mut colour = [0.5_f32; 3];
        for [cx, cy, radius, red, green, blue] in &blobs {
            let near = 1.0 - ((u - cx).powi(2) + (v - cy).powi(2)) / radius.powi(2);
            if near > 0.0 {
                for (channel, amount) in colour.iter_mut().zip([red, green, blue]) {
                    *channel += amount * near;
                }
            }
        }
        let noise = (x.wrapping_mul(73) ^ y.wrapping_mul(151)) % 7;
        image::Rgb(colour.map(|c| (c.clamp(0.0, 1.0) * 245.0) as u8 + noise as u8))
    })
}

pub fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    DynamicImage::from(picture.clone())
        .write_to(&mut out, format)
        .unwrap();
    out.into_inner()
}

/// One file in every container.
pub fn files(seed: u64) -> Vec<(Format, Vec<u8>)> {
    let picture = picture(seed, 320, 240);
    vec![
        (Format::Jpeg, encoded(&picture, ImageFormat::Jpeg)),
        (Format::Png, encoded(&picture, ImageFormat::Png)),
        (Format::WebP, encoded(&picture, ImageFormat::WebP)),
        (Format::Gif, encoded(&picture, ImageFormat::Gif)),
        (Format::Tiff, encoded(&picture, ImageFormat::Tiff)),
        (Format::Avif, avif(&picture)),
    ]
}

/// A picture as AVIF, as fast as it goes.
fn avif(picture: &RgbImage) -> Vec<u8> {
    let pixels = picture.pixels().map(|p| ravif::RGB8::new(p[0], p[1], p[2]));
    let pixels: Vec<ravif::RGB8> = pixels.collect();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let encoder = ravif::Encoder::new().with_speed(10).with_quality(80.0);
    let encoded = encoder.encode_rgb(ravif::Img::new(&pixels, width, height));
    encoded.unwrap().avif_file
}

pub fn corpus(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus")).join(path)
}

/// Decodes what the `image` crate decodes. An AVIF file gets a picture that follows from its length.
pub fn decode(bytes: &[u8]) -> Result<Pixels, String> {
    let image = if Format::sniff(bytes) == Some(Format::Avif) {
        DynamicImage::from(picture(7, 320, 240))
    } else {
        let mut reader = image::ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| error.to_string())?;
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(20_000);
        limits.max_image_height = Some(20_000);
        limits.max_alloc = Some(256 << 20);
        reader.limits(limits);
        reader.decode().map_err(|error| error.to_string())?
    };
    Ok(Pixels {
        image: Arc::new(image),
        orientation: Orientation::NoTransforms,
        shown: credlink_sign_core::Shown::These,
    })
}

pub fn file(bytes: &[u8]) -> Asset<'_> {
    Asset::new(bytes, &decode)
}

pub fn signer() -> Signer {
    Signer::new(identity(1, "CredLink test")).unwrap()
}

/// A verifier that trusts `identity` and knows these proofs.
pub fn verifier<'s>(
    identity: &Identity,
    proofs: impl IntoIterator<Item = &'s SignedImage>,
) -> Verifier {
    Verifier::new(vec![identity.anchor().unwrap()], store(proofs)).unwrap()
}

pub fn store<'s>(proofs: impl IntoIterator<Item = &'s SignedImage>) -> Arc<ProofStore> {
    let builder = ProofStoreBuilder::in_memory();
    for proof in proofs {
        builder
            .insert(proof.record.clone(), &proof.manifest, &proof.points)
            .unwrap();
    }
    Arc::new(builder.seal().unwrap())
}

pub fn verified(verifier: &Verifier, bytes: &[u8]) -> Verification {
    verifier.verify(&file(bytes), &|| 0)
}

pub fn finding<'v>(
    verification: &'v Verification,
    carrier: &str,
) -> &'v credlink_sign_core::carriers::Finding {
    verification
        .findings()
        .find(|(name, _)| *name == carrier)
        .unwrap()
        .1
}

pub fn id(value: u64) -> ProofId {
    ProofId::new(value)
}

/// Coded pixels of a file, for comparing before and after.
pub fn pixels(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let image = image::load_from_memory(bytes).unwrap();
    let (width, height) = image.dimensions();
    (width, height, image.to_rgba8().into_raw())
}

/// A file of the collections beside the repository. Its absence is visible, and a failure where
/// `CREDLINK_REQUIRE_CORPORA` is set.
pub fn required(path: &str) -> Option<Vec<u8>> {
    let found = std::fs::read(corpus(path));
    if found.is_err() {
        assert!(
            std::env::var_os("CREDLINK_REQUIRE_CORPORA").is_none(),
            "corpus/{path} is absent"
        );
        eprintln!("SKIPPED: corpus/{path} is absent");
    }
    found.ok()
}

/// The proof that is believed, the carrier highest on the ladder that leads to it, and how.
pub fn believed(verification: &Verification) -> Option<(ProofId, &'static str, State)> {
    let conclusion = conclude(verification.findings(), &|_| None);
    let accepted = conclusion
        .accepted
        .filter(|_| conclusion.alternatives.is_empty());
    accepted.map(|accepted| (accepted.proof, accepted.by, accepted.state))
}
