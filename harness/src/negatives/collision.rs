//! Pictures made to be mistaken for another one by their fingerprint: a second preimage of PDQ.
//!
//! A bit of PDQ says whether one of 256 cosine coefficients lies above their median, and a coefficient is a weighted sum
//! of pixels. So an attacker who knows a registered fingerprint (from the signed picture, or from its manifest) adds the
//! few cosines that push coefficients across the median, the cheapest first, until so many bits agree that a verifier who
//! looks at bits alone takes one picture for the other. What is added is soft and faint: 25 to 35 dB.

use std::f32::consts::PI;

use credlink_sign_core::fingerprint::{ContentHash, Fingerprint};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

/// Frequencies of PDQ per axis, and samples per axis that they are taken of.
const KEPT: usize = 16;
const GRID: f32 = 64.0;

/// Bits that are left wrong: 31 count as the same picture, and recompression moves a few.
const LEFT: usize = 22;

/// How far beyond the median a coefficient is pushed, on PDQ's scale, so that recompression does not bring it back.
const MARGIN: f32 = 3.0;

/// Rounds of pushing and looking again: rounding, clipping and the moving median cost a few.
const ROUNDS: usize = 24;
const FINAL_ROUNDS: usize = 6;

/// Longest side of the small copy, pixels: four for each of PDQ's samples.
const SMALL: u32 = 256;

/// The most bits that may differ in the end; one more, and the attack has failed.
const SAME: u32 = 28;

type Coefficients = [[f32; KEPT]; KEPT];

/// `picture` changed until its fingerprint, as coded, is at most 28 bits away from `target`.
///
/// # Errors
/// In words, when the picture does not get there: it is clipped too much, or has no pixels.
pub fn crafted(picture: &DynamicImage, target: &Fingerprint) -> Result<RgbImage, String> {
    let base = picture.to_rgb8();
    if base.width() == 0 || base.height() == 0 {
        return Err("a picture without pixels".to_owned());
    }
    let mut added: Coefficients = [[0.0; KEPT]; KEPT];
    // Most of the way on a small copy, whose coefficients are nearly the same, and the rest on the picture itself.
    let small =
        image::imageops::thumbnail(&base, base.width().min(SMALL), base.height().min(SMALL));
    approach(&small, target, &mut added, ROUNDS);
    let (distance, changed) = approach(&base, target, &mut added, FINAL_ROUNDS);
    if distance <= SAME {
        Ok(changed)
    } else {
        Err(format!(
            "no collision: {distance} bits still differ, {SAME} are wanted"
        ))
    }
}

/// Adds cosines round by round; the nearest picture, and its distance in bits.
fn approach(
    base: &RgbImage,
    target: &Fingerprint,
    added: &mut Coefficients,
    rounds: usize,
) -> (u32, RgbImage) {
    let waves = [waves(base.width() as usize), waves(base.height() as usize)];
    let mut best = (u32::MAX, RgbImage::default());
    for _ in 0..rounds {
        let changed = DynamicImage::ImageRgb8(with_cosines(base, added, &waves));
        let hash = ContentHash::of(&changed, Orientation::NoTransforms);
        let distance = hash.fingerprint().distance(target);
        if distance < best.0 {
            best = (distance, changed.into_rgb8());
        }
        if distance as usize <= LEFT {
            break;
        }
        push(hash.coefficients(), target, added);
    }
    best
}

/// Adds what brings all but the dearest wrong coefficients to the right side of the median.
fn push(now: &Coefficients, target: &Fingerprint, added: &mut Coefficients) {
    let mut sorted: Vec<f32> = now.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let median = sorted[KEPT * KEPT / 2 - 1];
    let wanted = |k: usize| target.0[k / 64] >> (k % 64) & 1 == 1;
    // How far each lies from where it should be.
    let mut missing: Vec<(f32, usize)> = (0..KEPT * KEPT)
        .filter_map(|k| {
            let value = now[k / KEPT][k % KEPT] - median;
            let goal = if wanted(k) { MARGIN } else { -MARGIN };
            let short = goal - value;
            (short * goal > 0.0).then_some((short, k))
        })
        .collect();
    missing.sort_unstable_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    let wrong = missing
        .iter()
        .filter(|(short, _)| short.abs() > MARGIN)
        .count();
    let kept = missing.len() - wrong.min(LEFT);
    for (short, k) in &missing[..kept] {
        added[k / KEPT][k % KEPT] += short;
    }
}

/// The cosines of an axis of so many pixels, frequency by frequency, normalised as PDQ's on its 64 samples.
fn waves(length: usize) -> Vec<Vec<f32>> {
    let scale = (2.0 / GRID).sqrt();
    (1..=KEPT)
        .map(|frequency| {
            (0..length)
                .map(|at| {
                    let place = (at as f32 + 0.5) / length as f32;
                    scale * (PI * frequency as f32 * place).cos()
                })
                .collect()
        })
        .collect()
}

/// The picture with these cosines added to all its channels.
fn with_cosines(
    base: &RgbImage,
    added: &Coefficients,
    [across, down]: &[Vec<Vec<f32>>; 2],
) -> RgbImage {
    let mut changed = base.clone();
    let width = base.width() as usize;
    let mut wave = vec![0.0_f32; width];
    for (y, row) in changed.chunks_exact_mut(3 * width).enumerate() {
        wave.fill(0.0);
        for (j, cosine) in across.iter().enumerate() {
            let weight: f32 = (0..KEPT).map(|i| added[i][j] * down[i][y]).sum();
            for (sum, value) in wave.iter_mut().zip(cosine) {
                *sum += weight * value;
            }
        }
        let (pixels, _) = row.as_chunks_mut::<3>();
        for (pixel, wave) in pixels.iter_mut().zip(&wave) {
            for channel in pixel {
                *channel = (f32::from(*channel) + wave).round().clamp(0.0, 255.0) as u8;
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of soft spots, another one for each seed.
    fn picture(seed: u32, (width, height): (u32, u32)) -> DynamicImage {
        let spot = |k: u32, x: f32, y: f32| {
            let draw = |n: u32| {
                let mixed = (seed * 31 + k * 7 + n).wrapping_mul(2_654_435_761) >> 12;
                (mixed % 1000) as f32 / 1000.0
            };
            let (dx, dy) = (x - draw(1), y - draw(2));
            160.0 * (draw(3) - 0.5) * (-(dx * dx + dy * dy) * (8.0 + 60.0 * draw(4))).exp()
        };
        DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
            let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
            let value = 128.0 + (0..24).map(|k| spot(k, x, y)).sum::<f32>();
            image::Rgb([value.clamp(0.0, 255.0) as u8; 3])
        }))
    }

    #[test]
    fn the_attack_works_and_the_picture_stays_itself() {
        let hash = |image: &DynamicImage| ContentHash::of(image, Orientation::NoTransforms);
        for (seed, size) in [(1, (400, 300)), (2, (301, 517)), (3, (640, 200))] {
            let (own, other) = (picture(seed, size), picture(seed + 100, (500, 400)));
            let target = hash(&other).fingerprint();
            assert!(hash(&own).fingerprint().distance(&target) > 80);
            let changed = DynamicImage::ImageRgb8(crafted(&own, &target).unwrap());
            assert!(hash(&changed).fingerprint().distance(&target) <= SAME);
            let error: f64 = own
                .to_rgb8()
                .iter()
                .zip(changed.to_rgb8().iter())
                .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                .sum();
            let mean = error / own.to_rgb8().len() as f64;
            let psnr = 10.0 * (255.0_f64.powi(2) / mean).log10();
            assert!(psnr > 20.0, "{psnr}");
        }
    }
}
