//! Averages over the area that a new pixel covers, as libgd takes them (gdImageCopyResampled, measured with 2.3.3).

use image::{DynamicImage, RgbImage, RgbaImage};

/// One new pixel along an axis: the first source pixel that it covers, and the share of each that it covers.
struct Span {
    start: usize,
    shares: Vec<f64>,
}

/// The spans of `new` pixels over `old` ones; the shares of each sum to 1.
fn spans(old: u32, new: u32) -> Vec<Span> {
    let ratio = f64::from(old) / f64::from(new);
    (0..new)
        .map(|index| {
            let (from, to) = (f64::from(index) * ratio, f64::from(index + 1) * ratio);
            let last = (to.ceil() as usize).min(old as usize);
            let start = (from as usize).min(last - 1);
            let shares: Vec<f64> = (start..last)
                .map(|at| to.min(at as f64 + 1.0) - from.max(at as f64))
                .collect();
            let sum: f64 = shares.iter().sum();
            Span {
                start,
                shares: shares.iter().map(|share| share / sum).collect(),
            }
        })
        .collect()
}

/// The picture with `width` x `height` pixels of 8 bits, RGB or RGBA. Each is the mean of the samples under it, those at the
/// edge by the share that is covered, colour by its alpha; fractions are cut off, not rounded.
pub(super) fn averaged(pixels: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    let (columns, rows) = (spans(pixels.width(), width), spans(pixels.height(), height));
    if pixels.color().has_alpha() {
        let source = pixels.to_rgba8();
        let mut target = RgbaImage::new(width, height);
        reduce::<4>(&source, &mut target, &columns, &rows);
        target.into()
    } else {
        let source = pixels.to_rgb8();
        let mut target = RgbImage::new(width, height);
        reduce::<3>(&source, &mut target, &columns, &rows);
        target.into()
    }
}

/// Rows first, then columns. `N` samples a pixel, of which the fourth is alpha.
fn reduce<const N: usize>(source: &[u8], target: &mut [u8], columns: &[Span], rows: &[Span]) {
    let (Some(last), line) = (columns.last(), columns.len() * N) else {
        return;
    };
    let length = (last.start + last.shares.len()) * N;
    let mut sums = vec![0.0; length];
    for (span, out) in rows.iter().zip(target.chunks_exact_mut(line)) {
        sums.fill(0.0);
        let covered = source.chunks_exact(length).skip(span.start);
        for (row, share) in covered.zip(&span.shares) {
            if N == 4 {
                for (sum, pixel) in sums.chunks_exact_mut(N).zip(row.chunks_exact(N)) {
                    let weight = share * f64::from(pixel[3]);
                    for channel in 0..3 {
                        sum[channel] += weight * f64::from(pixel[channel]);
                    }
                    sum[3] += weight;
                }
            } else {
                for (sum, sample) in sums.iter_mut().zip(row) {
                    *sum += share * f64::from(*sample);
                }
            }
        }
        for (span, pixel) in columns.iter().zip(out.chunks_exact_mut(N)) {
            let mut mean = [0.0; N];
            let covered = sums.chunks_exact(N).skip(span.start);
            for (samples, share) in covered.zip(&span.shares) {
                for channel in 0..N {
                    mean[channel] += share * samples[channel];
                }
            }
            for channel in 0..N {
                let by_alpha = N == 4 && channel < 3;
                let value = match by_alpha {
                    true if mean[N - 1] == 0.0 => 0.0,
                    true => mean[channel] / mean[N - 1],
                    false => mean[channel],
                };
                // What sums up to a whole number but for the last bits of the mantissa is that number.
                pixel[channel] = (value + 1e-6) as u8;
            }
        }
    }
}
