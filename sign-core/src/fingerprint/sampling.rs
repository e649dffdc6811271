//! From coded pixels to PDQ's 64×64 luma samples.
//!
//! PDQ blurs the full image twice with a box along each axis (Jarosz filter) and then takes 64×64 samples
//! of the result. Blurring is linear and separable, so each sample is a fixed weighted sum of a few rows
//! and columns. We compute only those sums: one pass over the pixels instead of four.

use image::DynamicImage;

/// Samples per axis.
pub(super) const GRID: usize = 64;

/// 64×64 luma samples, 0.0 to 255.0, row by row.
pub(super) type Samples = [[f32; GRID]; GRID];

/// One weighted input of one sample of an axis.
#[derive(Clone, Copy)]
struct Tap {
    position: usize,
    sample: usize,
    weight: f32,
}

/// Every tap of an axis of `length` pixels, ordered by position and then by sample.
fn taps(length: usize) -> Vec<Tap> {
    // `computeJaroszFilterWindowSize` of the reference, and the reach of its window to either side; an
    // even window reaches one pixel further to the right.
    let window = length.div_ceil(2 * GRID);
    let half = (window + 2) / 2;
    let (left, right) = (window - half, half - 1);
    let span = |centre: usize| {
        (
            centre.saturating_sub(left),
            (centre + right).min(length - 1),
        )
    };

    let mut taps = Vec::with_capacity(GRID * 2 * window);
    for sample in 0..GRID {
        let (outer_first, outer_last) = span((2 * sample + 1) * length / (2 * GRID));
        let outer_share = 1.0 / (outer_last - outer_first + 1) as f64;
        let first = span(outer_first).0;
        let mut weights = vec![0.0; span(outer_last).1 - first + 1];
        for centre in outer_first..=outer_last {
            let (inner_first, inner_last) = span(centre);
            let share = outer_share / (inner_last - inner_first + 1) as f64;
            for weight in &mut weights[inner_first - first..=inner_last - first] {
                *weight += share;
            }
        }
        taps.extend(weights.into_iter().enumerate().map(|(k, weight)| Tap {
            position: first + k,
            sample,
            weight: weight as f32,
        }));
    }
    taps.sort_by_key(|tap| (tap.position, tap.sample));
    taps
}

/// Reduces rows that `fill` writes (`channels` interleaved values a pixel) to the grid. `mix` makes luma of
/// the channels; being linear it may come after the vertical sums.
fn reduced(
    (width, height): (usize, usize),
    channels: usize,
    mut fill: impl FnMut(usize, &mut [f32]),
    mix: impl Fn(&[f32]) -> f32,
) -> Samples {
    let stride = width * channels;
    let mut row = vec![0.0_f32; stride];
    let mut sums = vec![0.0_f32; GRID * stride];
    let mut filled = None;
    for tap in taps(height) {
        if filled != Some(tap.position) {
            fill(tap.position, &mut row);
            filled = Some(tap.position);
        }
        let sum = &mut sums[tap.sample * stride..][..stride];
        for (sum, value) in sum.iter_mut().zip(&row) {
            *sum += tap.weight * value;
        }
    }

    let columns = taps(width);
    let mut samples = [[0.0; GRID]; GRID];
    let mut luma = vec![0.0_f32; width];
    for (out, sum) in samples.iter_mut().zip(sums.chunks_exact(stride)) {
        for (luma, pixel) in luma.iter_mut().zip(sum.chunks_exact(channels)) {
            *luma = mix(pixel);
        }
        for tap in &columns {
            out[tap.sample] += tap.weight * luma[tap.position];
        }
    }
    samples
}

/// PDQ's luma (Rec. 601 weights), arranged so that equal channels give exactly their value: an RGB image
/// and its greyscale copy then have the same fingerprint to the last bit.
fn mixed(pixel: &[f32]) -> f32 {
    match pixel {
        [grey] => *grey,
        [red, green, blue] => green + 0.299 * (red - green) + 0.114 * (blue - green),
        _ => 0.0,
    }
}

/// Copies one row of `FROM` channels a pixel to `TO` colour channels; one channel more is alpha, over white.
fn over_white<S: Copy, const FROM: usize, const TO: usize>(
    source: &[S],
    row: &mut [f32],
    value: impl Fn(S) -> f32,
) {
    if FROM == TO {
        for (out, &sample) in row.iter_mut().zip(source) {
            *out = value(sample);
        }
        return;
    }
    let (pixels, _) = source.as_chunks::<FROM>();
    let (row, _) = row.as_chunks_mut::<TO>();
    for (out, pixel) in row.iter_mut().zip(pixels) {
        let opacity = value(pixel[FROM - 1]) * (1.0 / 255.0);
        for (out, &sample) in out.iter_mut().zip(pixel) {
            // Exactly the sample where opaque, since 255 × (1 / 255) rounds to 1, and exactly white where
            // transparent.
            *out = value(sample) * opacity + 255.0 * (1.0 - opacity);
        }
    }
}

/// The samples of coded pixels; `None` for an image without pixels.
pub(super) fn samples(image: &DynamicImage) -> Option<Samples> {
    let size = (image.width() as usize, image.height() as usize);
    if size.0 == 0 || size.1 == 0 {
        return None;
    }
    fn run<S: Copy, const FROM: usize, const TO: usize>(
        size: (usize, usize),
        samples: &[S],
        value: impl Fn(S) -> f32 + Copy,
    ) -> Samples {
        let stride = size.0 * FROM;
        let fill = |y: usize, row: &mut [f32]| {
            over_white::<S, FROM, TO>(&samples[y * stride..][..stride], row, value);
        };
        reduced(size, TO, fill, mixed)
    }
    // 16-bit samples that were widened from 8 bits (v × 257) come back exactly.
    let wide = |v: u16| f32::from(v) / 257.0;
    let float = |v: f32| {
        if v.is_nan() {
            0.0
        } else {
            v.clamp(0.0, 1.0) * 255.0
        }
    };
    Some(match image {
        DynamicImage::ImageLuma8(i) => run::<_, 1, 1>(size, i.as_raw(), f32::from),
        DynamicImage::ImageLumaA8(i) => run::<_, 2, 1>(size, i.as_raw(), f32::from),
        DynamicImage::ImageRgb8(i) => run::<_, 3, 3>(size, i.as_raw(), f32::from),
        DynamicImage::ImageRgba8(i) => run::<_, 4, 3>(size, i.as_raw(), f32::from),
        DynamicImage::ImageLuma16(i) => run::<_, 1, 1>(size, i.as_raw(), wide),
        DynamicImage::ImageLumaA16(i) => run::<_, 2, 1>(size, i.as_raw(), wide),
        DynamicImage::ImageRgb16(i) => run::<_, 3, 3>(size, i.as_raw(), wide),
        DynamicImage::ImageRgba16(i) => run::<_, 4, 3>(size, i.as_raw(), wide),
        DynamicImage::ImageRgb32F(i) => run::<_, 3, 3>(size, i.as_raw(), float),
        DynamicImage::ImageRgba32F(i) => run::<_, 4, 3>(size, i.as_raw(), float),
        // The enum is open; a pixel type that does not exist yet goes by way of 8 bits.
        other => run::<_, 4, 3>(size, other.to_rgba8().as_raw(), f32::from),
    })
}
