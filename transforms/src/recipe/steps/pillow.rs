//! Pillow's own resampling of 8-bit pixels: fixed point of 22 bits, rows first. The library that resamples elsewhere is a
//! little less exact and much faster; this one is for services whose files are to be met bit by bit.
//!
//! The rule is that of python-pillow/Pillow src/libImaging/Resample.c @10.4.0.

use image::{DynamicImage, RgbImage};

/// Binary places of a weight.
const PRECISION: u32 = 32 - 8 - 2;

/// Where the pixels begin that make a new one, and their weights.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| match x {
        0.0 => 1.0,
        x => (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI),
    };
    if (-3.0..3.0).contains(&x) {
        sinc(x) * sinc(x / 3.0)
    } else {
        0.0
    }
}

/// The taps of each new pixel along one axis.
fn taps(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let widened = scale.max(1.0);
    let support = 3.0 * widened;
    let of = |index: usize| {
        let centre = (index as f64 + 0.5) * scale;
        // Both are cut off towards zero, as C does.
        let first = (centre - support + 0.5).max(0.0) as usize;
        let last = ((centre + support + 0.5) as usize).min(from);
        let weight = |place: usize| lanczos((place as f64 - centre + 0.5) / widened);
        let weights: Vec<f64> = (first..last).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| {
            let scaled = weight / sum * f64::from(1 << PRECISION);
            (scaled + 0.5_f64.copysign(scaled)) as i32
        };
        Taps {
            first,
            weights: weights.iter().map(fixed).collect(),
        }
    };
    (0..to).map(of).collect()
}

/// The sum of samples `stride` apart under the weights, rounded and cut to 8 bits.
fn sum(samples: &[u8], start: usize, stride: usize, taps: &Taps) -> u8 {
    let weighted =
        taps.weights.iter().enumerate().map(|(index, weight)| {
            i32::from(samples[start + (taps.first + index) * stride]) * weight
        });
    let total = weighted.fold(1_i32 << (PRECISION - 1), i32::wrapping_add);
    (total >> PRECISION).clamp(0, 255) as u8
}

/// Resamples to exactly `width` x `height` by Lanczos of three lobes; the result is 8-bit RGB.
pub(super) fn lanczos3(pixels: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    let source = pixels.to_rgb8();
    let (from_width, from_height) = (source.width() as usize, source.height() as usize);
    let (to_width, to_height) = (width as usize, height as usize);
    let rows = if to_width == from_width {
        source.into_raw()
    } else {
        let taps = taps(from_width, to_width);
        let mut rows = Vec::with_capacity(3 * to_width * from_height);
        for row in source.chunks_exact(3 * from_width) {
            for taps in &taps {
                rows.extend((0..3).map(|channel| sum(row, channel, 3, taps)));
            }
        }
        rows
    };
    let stride = 3 * to_width;
    let samples = if to_height == from_height {
        rows
    } else {
        let mut samples = Vec::with_capacity(stride * to_height);
        for taps in taps(from_height, to_height) {
            samples.extend((0..stride).map(|column| sum(&rows, column, stride, &taps)));
        }
        samples
    };
    // As many samples as the size asks for, by construction.
    let result = RgbImage::from_raw(width, height, samples).unwrap_or_default();
    DynamicImage::from(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn a_plain_picture_stays_plain_and_a_step_is_met_as_pillow_makes_it() {
        let plain = DynamicImage::from(RgbImage::from_pixel(50, 40, Rgb([10, 200, 255])));
        for (width, height) in [(20, 16), (77, 40), (50, 9)] {
            let made = lanczos3(&plain, width, height).to_rgb8();
            assert_eq!(made.dimensions(), (width, height));
            assert!(made.pixels().all(|pixel| *pixel == Rgb([10, 200, 255])));
        }
        // Pillow 13.0.0: Image.fromarray of a row with a step, resized to 6 x 1 by LANCZOS.
        let step = RgbImage::from_fn(10, 1, |x, _| Rgb([if x < 5 { 0 } else { 250 }; 3]));
        let made = lanczos3(&step.into(), 6, 1).to_rgb8();
        let row: Vec<u8> = made.pixels().map(|pixel| pixel[0]).collect();
        assert_eq!(row, STEP);
    }

    const STEP: [u8; 6] = [1, 0, 12, 238, 253, 249];
}
