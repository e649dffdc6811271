//! The watermark as a carrier: through signing, manifest, store and verification.

use std::io::Cursor;

use super::common::*;
use credlink_sign_core::carriers::{CARRIERS, Embedded, State};
use credlink_sign_core::watermark::{Effort, Marking, Refusal, WatermarkKey};
use credlink_sign_core::{
    Asset, Care, Distortion, Encoder, Marker, SignError, SignedImage, Unwritten, Verifier,
};
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, RgbImage};

fn key(number: u8) -> WatermarkKey {
    WatermarkKey::derive(&[number; 32]).unwrap()
}

/// Codes every picture as PNG: without loss, so that what is measured is the mark.
struct AsPng;

impl Encoder for AsPng {
    fn refusal(&self, _: &DynamicImage) -> Option<String> {
        None
    }

    fn cares(&self) -> &'static [Care] {
        &[Care::Usual]
    }

    fn rewritten(&self, pixels: &DynamicImage, _: Care) -> Result<Vec<u8>, Unwritten> {
        let mut out = Cursor::new(Vec::new());
        pixels
            .write_to(&mut out, ImageFormat::Png)
            .map_err(|error| Unwritten::Failed(error.to_string()))?;
        Ok(out.into_inner())
    }

    fn through_jpeg_60(&self, pixels: &DynamicImage) -> Option<DynamicImage> {
        Some(pixels.clone())
    }
}

/// Texture enough to hide a mark.
fn textured(seed: u64) -> RgbImage {
    let mut random = Random(seed);
    let mut canvas = picture(seed, 640, 480);
    let noise = RgbImage::from_fn(160, 120, |_, _| image::Rgb([(random.below(120)) as u8; 3]));
    let noise = image::imageops::resize(&noise, 640, 480, FilterType::CatmullRom);
    for (pixel, noise) in canvas.iter_mut().zip(noise.iter()) {
        *pixel = (*pixel / 2).saturating_add(*noise);
    }
    canvas
}

fn signed_with(marker: Marker, picture: &RgbImage, number: u64) -> SignedImage {
    let bytes = encoded(picture, ImageFormat::Png);
    let file = Asset::new(&bytes, &decode).with_encoder(&AsPng);
    signer()
        .with_marker(marker)
        .sign(&file, id(number))
        .unwrap()
}

fn signed(picture: &RgbImage, number: u64) -> SignedImage {
    signed_with(Marker::new(key(1)), picture, number)
}

fn reader<'s>(number: u8, proofs: impl IntoIterator<Item = &'s SignedImage>) -> Verifier {
    verifier(&identity(1, "CredLink test"), proofs).with_watermark(key(number), Effort::Search)
}

/// A picture's pixels alone, at half size and as JPEG: only the content can lead to the proof.
fn posted(bytes: &[u8]) -> Vec<u8> {
    let image = image::load_from_memory(bytes).unwrap();
    let small = image.resize(400, 400, FilterType::Triangle);
    encoded(&small.to_rgb8(), ImageFormat::Jpeg)
}

#[test]
fn a_marked_image_is_recovered_by_its_mark_when_all_metadata_is_gone() {
    let signed = signed(&textured(1), 77);
    assert_eq!(signed.watermark, Some(Marking::Carried));
    assert_eq!(signed.embedded, vec![Embedded::Carried; CARRIERS.len()]);
    let verifier = reader(1, [&signed]);

    let fresh = verified(&verifier, &signed.bytes);
    assert_eq!(believed(&fresh), Some((id(77), "manifest", State::Intact)));
    for (carrier, finding) in fresh.findings() {
        assert_eq!(finding.accepted(), Some(id(77)), "{carrier}: {finding:?}");
    }

    let received = verified(&verifier, &posted(&signed.bytes));
    let found = finding(&received, "watermark");
    assert_eq!(found.state, State::Recovered);
    assert_eq!(found.confirmed_by, Some("sketch"));
    assert!(
        found.quality.unwrap() > 13 && found.codes.is_empty(),
        "{found:?}"
    );
    assert_eq!(
        believed(&received),
        Some((id(77), "fingerprint", State::Recovered))
    );
}

#[test]
fn the_distortion_is_that_of_the_file_and_the_manifest_names_the_mark() {
    let picture = textured(2);
    let signed = signed(&picture, 0x1234);
    let received = image::load_from_memory(&signed.bytes).unwrap();
    let measured = Distortion::between(&picture.into(), &received);
    assert_eq!(signed.distortion, measured);
    let (mark, whole) = (signed.mark.unwrap(), signed.distortion.unwrap());
    assert!((mark.psnr - whole.psnr).abs() < 0.01, "{mark:?} {whole:?}");
    assert!(mark.psnr >= 42.0, "{mark:?}");
    let text = String::from_utf8_lossy(&signed.manifest).into_owned();
    for part in ["com.credlink.ct128.v1", "c2pa.watermarked"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn an_image_that_cannot_hide_a_mark_is_signed_as_it_is() {
    let flat = RgbImage::from_pixel(400, 300, image::Rgb([90, 120, 150]));
    let bytes = encoded(&flat, ImageFormat::Png);
    let marked = signed(&flat, 5);
    assert_eq!(marked.watermark, Some(Marking::Refused(Refusal::TooFlat)));
    assert_eq!((marked.mark, marked.distortion), (None, None));
    let plain = signer().sign(&file(&bytes), id(5)).unwrap();
    assert_eq!(marked.bytes, plain.bytes);
    let text = String::from_utf8_lossy(&marked.manifest).into_owned();
    assert!(!text.contains("com.credlink.ct128") && !text.contains("c2pa.watermarked"));
    let position = CARRIERS
        .iter()
        .position(|carrier| carrier.name() == "watermark");
    assert_eq!(marked.embedded[position.unwrap()], Embedded::Refused);
}

#[test]
fn only_the_right_key_reads_a_mark_and_without_a_key_nothing_is_claimed() {
    let signed = signed(&textured(3), 6);
    let received = posted(&signed.bytes);
    let other = verified(&reader(2, [&signed]), &received);
    assert_eq!(finding(&other, "watermark").state, State::Absent);
    let blind = verified(
        &verifier(&identity(1, "CredLink test"), [&signed]),
        &received,
    );
    let found = finding(&blind, "watermark");
    assert_eq!(found.state, State::Failed);
    assert_eq!(found.codes, ["credlink.watermark.noKey"]);
    assert_eq!(found.proof, None);
}

#[test]
fn a_mark_whose_proof_the_store_does_not_hold_or_did_not_sign_is_not_accepted() {
    let signed = signed(&textured(1), 7);
    let received = posted(&signed.bytes);
    let unknown = verified(&reader(1, []), &received);
    let found = finding(&unknown, "watermark");
    assert_eq!(
        (found.state, found.proof),
        (State::Unconfirmed, Some(id(7)))
    );
    assert_eq!(found.codes, ["credlink.proof.unknown"]);

    let mut forged = signed.clone();
    forged.record.width += 1;
    let found = verified(&reader(1, [&forged]), &received);
    let found = finding(&found, "watermark");
    assert_eq!(found.state, State::Failed);
    assert_eq!(found.codes, ["credlink.record.signature"]);
}

/// A signed image with another picture pasted over this part.
fn pasted_over(signed: &SignedImage, [x, y, width, height]: [u32; 4]) -> Vec<u8> {
    let mut image = image::load_from_memory(&signed.bytes).unwrap().to_rgb8();
    let other = image::imageops::crop_imm(&textured(99), x, y, width, height).to_image();
    image::imageops::replace(&mut image, &other, i64::from(x), i64::from(y));
    encoded(&image, ImageFormat::Png)
}

#[test]
fn a_mark_beside_a_covered_border_is_confirmed_by_the_sketch() {
    let signed = signed(&textured(5), 8);
    // Beyond the fingerprint, not beyond the mark.
    let received = verified(
        &reader(1, [&signed]),
        &pasted_over(&signed, [0, 0, 160, 480]),
    );
    assert_eq!(finding(&received, "fingerprint").accepted(), None);
    let found = finding(&received, "watermark");
    assert_eq!(found.accepted(), Some(id(8)), "{found:?}");
    assert_eq!(found.confirmed_by, Some("sketch"));
    assert_eq!(found.codes, Vec::<String>::new());
}

#[test]
fn a_mark_around_a_replaced_subject_is_not_confirmed_and_the_map_shows_where() {
    let signed = signed(&textured(5), 8);
    let bytes = pasted_over(&signed, [160, 120, 320, 240]);
    let verifier = reader(1, [&signed]);
    let received = verified(&verifier, &bytes);
    assert_eq!(finding(&received, "fingerprint").accepted(), None);
    let found = finding(&received, "watermark");
    assert_eq!(
        (found.state, found.proof),
        (State::Unconfirmed, Some(id(8)))
    );
    assert_eq!(found.codes, ["credlink.content.differs"]);

    let comparison = verifier.compared_with(&file(&bytes), id(8)).unwrap();
    let map = &comparison.map;
    let (mut hits, mut misses) = (0, 0);
    for (k, differs) in map.differing().enumerate() {
        let within = |at: usize, of: usize| (of / 4..of - of / 4).contains(&at);
        if within(k % map.columns, map.columns) && within(k / map.columns, map.rows) {
            hits += usize::from(differs);
        } else {
            misses += usize::from(differs);
        }
    }
    // A quarter of the cells was replaced; those on its border count as either.
    assert!(hits > map.cells.len() / 6, "{hits}");
    assert!(misses < map.cells.len() / 12, "{misses}");
}

#[test]
fn a_copied_mark_names_the_proof_and_is_not_confirmed() {
    let (original, other) = (textured(15), textured(16));
    let signed = signed(&original, 18);
    let marked = image::load_from_memory(&signed.bytes).unwrap().to_rgb8();
    // What marking changed, added to another image of the same kind and size.
    let mut forged = other.clone();
    for ((sample, marked), original) in forged.iter_mut().zip(marked.iter()).zip(original.iter()) {
        let sum = i16::from(*sample) + i16::from(*marked) - i16::from(*original);
        *sample = sum.clamp(0, 255) as u8;
    }
    let received = verified(&reader(1, [&signed]), &encoded(&forged, ImageFormat::Png));
    let found = finding(&received, "watermark");
    assert_eq!(
        (found.state, found.proof),
        (State::Unconfirmed, Some(id(18))),
        "{found:?}"
    );
    assert_eq!(found.codes, ["credlink.content.differs"]);
    assert_eq!(found.confirmed_by, None);
    assert_eq!(believed(&received), None);
}

/// What marking changed, averaged over images, of which number `k` bears the id `number(k)`.
fn averaged_residual(count: u64, number: impl Fn(u64) -> u64) -> (Vec<f32>, Vec<SignedImage>) {
    let mut sums = vec![0.0_f32; 640 * 480 * 3];
    let mut proofs = Vec::new();
    for k in 0..count {
        let original = textured(20 + k);
        let proof = signed(&original, number(k));
        let marked = image::load_from_memory(&proof.bytes).unwrap().to_rgb8();
        for ((sum, marked), original) in sums.iter_mut().zip(marked.iter()).zip(original.iter()) {
            *sum += (f32::from(*marked) - f32::from(*original)) / count as f32;
        }
        proofs.push(proof);
    }
    (sums, proofs)
}

#[test]
fn an_averaged_residual_leads_to_a_proof_at_most_and_is_never_confirmed() {
    let forged = |residual: &[f32], strength: f32| {
        let mut image = textured(16);
        for (sample, residual) in image.iter_mut().zip(residual) {
            *sample = (f32::from(*sample) + strength * residual).round() as u8;
        }
        encoded(&image, ImageFormat::Png)
    };
    // One id on every image is the most that an average can learn; the store holds the proof of the first.
    let (residual, proofs) = averaged_residual(6, |_| 18);
    let verifier = reader(1, proofs.first());
    let mut led = 0;
    for strength in [1.0, 2.0, 4.0] {
        let received = verified(&verifier, &forged(&residual, strength));
        let found = finding(&received, "watermark");
        led += usize::from(found.proof == Some(id(18)));
        assert_eq!(found.accepted(), None, "{strength}: {found:?}");
        assert_eq!(believed(&received), None);
    }
    assert!(led > 0, "the attack is too weak to test anything");

    // Different ids, as a signer issues them.
    let (residual, proofs) = averaged_residual(6, |k| 30 + k);
    let verifier = reader(1, &proofs);
    for strength in [1.0, 4.0] {
        let received = verified(&verifier, &forged(&residual, strength));
        assert_eq!(believed(&received), None);
    }
}

#[test]
fn a_marked_image_is_not_marked_again() {
    let first = signed(&textured(6), 9);
    let file = Asset::new(&first.bytes, &decode).with_encoder(&AsPng);
    let again = signer()
        .with_marker(Marker::new(key(1)))
        .sign(&file, id(10))
        .unwrap();
    let reason = Refusal::AlreadyMarked(id(9));
    assert_eq!(again.watermark, Some(Marking::Refused(reason)));
    assert_eq!(again.distortion, None);
}

/// Codes as PNG what it makes of a picture with each care, or says why it cannot.
struct Ladder {
    own: fn(&DynamicImage) -> Result<DynamicImage, Unwritten>,
    usual: fn(&DynamicImage) -> Result<DynamicImage, Unwritten>,
}

impl Encoder for Ladder {
    fn refusal(&self, _: &DynamicImage) -> Option<String> {
        None
    }

    fn cares(&self) -> &'static [Care] {
        &[Care::Own, Care::Usual]
    }

    fn rewritten(&self, pixels: &DynamicImage, care: Care) -> Result<Vec<u8>, Unwritten> {
        let made = match care {
            Care::Own => (self.own)(pixels),
            _ => (self.usual)(pixels),
        };
        AsPng.rewritten(&made?, care)
    }

    fn through_jpeg_60(&self, pixels: &DynamicImage) -> Option<DynamicImage> {
        AsPng.through_jpeg_60(pixels)
    }
}

fn same(image: &DynamicImage) -> Result<DynamicImage, Unwritten> {
    Ok(image.clone())
}

fn darker(image: &DynamicImage) -> Result<DynamicImage, Unwritten> {
    Ok(image.brighten(-9))
}

fn black(image: &DynamicImage) -> Result<DynamicImage, Unwritten> {
    Ok(DynamicImage::new_rgb8(image.width(), image.height()))
}

fn grown(_: &DynamicImage) -> Result<DynamicImage, Unwritten> {
    Err(Unwritten::Grows(80))
}

fn broken(_: &DynamicImage) -> Result<DynamicImage, Unwritten> {
    Err(Unwritten::Failed("the disk is made of cheese".to_owned()))
}

#[test]
fn the_smallest_file_whose_mark_is_read_is_the_one() {
    let bytes = encoded(&textured(5), ImageFormat::Png);
    let original = image::load_from_memory(&bytes).unwrap();
    let signed_by = |own, usual| {
        let ladder = Ladder { own, usual };
        let signer = signer().with_marker(Marker::new(key(1)));
        signer.sign(&file(&bytes).with_encoder(&ladder), id(5))
    };
    let is_dark = |signed: &SignedImage| {
        let sum =
            |image: &DynamicImage| image.to_luma8().iter().map(|v| u64::from(*v)).sum::<u64>();
        sum(&image::load_from_memory(&signed.bytes).unwrap()) < sum(&original) * 97 / 100
    };
    let own = signed_by(darker, same).unwrap();
    assert!(own.watermark == Some(Marking::Carried) && is_dark(&own));
    let usual = signed_by(black, same).unwrap();
    assert!(usual.watermark == Some(Marking::Carried) && !is_dark(&usual));
    // No file with a mark was found among those that could be written.
    let none = signed_by(black, grown).unwrap();
    assert_eq!(none.watermark, Some(Marking::Refused(Refusal::NotFound)));
    assert_eq!((none.mark, none.unmarked), (None, None));
    // None could be written.
    let stays = signed_by(grown, grown).unwrap();
    assert_eq!((stays.watermark, stays.mark), (None, None));
    assert_eq!(stays.unmarked.as_deref(), Some("it would grow by 80 %"));
    let error = signed_by(broken, broken);
    assert!(error.is_err_and(|error| error.to_string().contains("cheese")));
}

#[test]
fn a_signer_that_marks_needs_an_encoder() {
    let bytes = encoded(&textured(7), ImageFormat::Png);
    let signer = signer().with_marker(Marker::new(key(1)));
    let missing = signer.sign(&file(&bytes), id(1));
    assert!(matches!(missing, Err(SignError::Unencodable(_))));
}
