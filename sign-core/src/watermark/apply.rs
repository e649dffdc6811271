//! Adding a residual to native pixels of any type, and measuring what it did, in one pass.

use image::DynamicImage;

use crate::pixels::canonical::{Reducer, RowSampler, Taps, resized};
use crate::pixels::luma::{Sample, luma_of};
use crate::pixels::plane::Plane;
use crate::pixels::similarity::Similarity;

/// A marked image with what was measured while it was made.
pub(super) struct Marked {
    pub(super) image: DynamicImage,
    /// Canonical luma of the result, as coded.
    pub(super) luma: Plane,
    pub(super) psnr: f64,
    pub(super) ssim: f64,
}

/// Opacity, 0 to 1, at a size; `None` for an image without alpha.
pub(super) fn opacity(image: &DynamicImage, size: (usize, usize)) -> Option<Plane> {
    if !image.color().has_alpha() {
        return None;
    }
    let native = (image.width() as usize, image.height() as usize);
    let mut reducer = Reducer::new(native, size);
    let mut row = vec![0.0; native.0];
    let alpha = image.to_rgba8();
    for pixels in alpha.as_raw().chunks_exact((4 * native.0).max(1)) {
        for (out, pixel) in row.iter_mut().zip(pixels.chunks_exact(4)) {
            *out = f32::from(pixel[3]) / 255.0;
        }
        reducer.push(&row);
    }
    Some(reducer.finish())
}

/// The image with the same residual on every colour channel. `residual` is as coded and of any size; `canonical`
/// is the size of the luma that is returned.
pub(super) fn marked(image: &DynamicImage, residual: &Plane, canonical: (usize, usize)) -> Marked {
    let mut image = image.clone();
    let (width, height) = (image.width() as usize, image.height() as usize);
    let shrunk;
    // A residual that is larger than the image is averaged, a smaller one interpolated row by row.
    let (residual, direct) = if residual.width > width || residual.height > height {
        shrunk = resized(residual, (width, height));
        (&shrunk, true)
    } else {
        (
            residual,
            (residual.width, residual.height) == (width, height),
        )
    };
    let mut pass = Pass {
        sampler: RowSampler::new(residual, Taps::of_axis(residual.width, width)),
        rows: Taps::of_axis(residual.height, height),
        residual,
        direct,
        reducer: Reducer::new((width, height), canonical),
        similarity: Similarity::new(width),
        squares: 0.0,
        samples: 0,
    };
    match &mut image {
        DynamicImage::ImageLuma8(i) => pass.run(i, 1, width),
        DynamicImage::ImageLumaA8(i) => pass.run(i, 2, width),
        DynamicImage::ImageRgb8(i) => pass.run(i, 3, width),
        DynamicImage::ImageRgba8(i) => pass.run(i, 4, width),
        DynamicImage::ImageLuma16(i) => pass.run(i, 1, width),
        DynamicImage::ImageLumaA16(i) => pass.run(i, 2, width),
        DynamicImage::ImageRgb16(i) => pass.run(i, 3, width),
        DynamicImage::ImageRgba16(i) => pass.run(i, 4, width),
        DynamicImage::ImageRgb32F(i) => pass.run(i, 3, width),
        DynamicImage::ImageRgba32F(i) => pass.run(i, 4, width),
        // `luma::known` leaves no other type.
        _ => {}
    }
    let mean = pass.squares / pass.samples.max(1) as f64;
    Marked {
        luma: pass.reducer.finish(),
        psnr: 10.0 * (255.0 * 255.0 / mean).log10(),
        ssim: pass.similarity.mean(),
        image,
    }
}

struct Pass<'a> {
    sampler: RowSampler<'a>,
    rows: Vec<Taps>,
    residual: &'a Plane,
    direct: bool,
    reducer: Reducer,
    similarity: Similarity,
    squares: f64,
    samples: usize,
}

impl Pass<'_> {
    fn run<S: Sample>(&mut self, samples: &mut [S], channels: usize, width: usize) {
        let mut added = vec![0.0_f32; width];
        let (mut before, mut after) = (added.clone(), added.clone());
        for (y, row) in samples.chunks_exact_mut(width * channels).enumerate() {
            if self.direct {
                added.copy_from_slice(self.residual.row(y));
            } else {
                self.sampler.sample(&self.rows[y], &mut added);
            }
            luma_of(row, channels, &mut before);
            let squares = match channels {
                1 => add::<S, 1, 1>(row, &added),
                2 => add::<S, 2, 1>(row, &added),
                3 => add::<S, 3, 3>(row, &added),
                _ => add::<S, 4, 3>(row, &added),
            };
            self.squares += f64::from(squares);
            self.samples += width * if channels < 3 { 1 } else { 3 };
            luma_of(row, channels, &mut after);
            self.similarity.push(&before, &after);
            self.reducer.push(&after);
        }
    }
}

/// Adds a residual to the colours of a row of `N` samples a pixel and returns the sum of squared changes. Pixels that
/// are fully transparent keep their hidden colours.
fn add<S: Sample, const N: usize, const COLOURS: usize>(row: &mut [S], added: &[f32]) -> f32 {
    // Where there is nothing but three colours, eight pixels at once.
    const WIDE: usize = 8;
    let mut wide = [0.0_f32; 3 * WIDE];
    let done = if N == 3 { added.len() / WIDE * WIDE } else { 0 };
    let (head, row) = row.split_at_mut(done * N);
    let (head_added, added) = added.split_at(done);
    let (chunks, _) = head.as_chunks_mut::<{ 3 * WIDE }>();
    let (added_chunks, _) = head_added.as_chunks::<WIDE>();
    for (samples, added) in chunks.iter_mut().zip(added_chunks) {
        let added: [f32; 3 * WIDE] = std::array::from_fn(|k| added[k / 3]);
        for ((sample, added), squares) in samples.iter_mut().zip(added).zip(&mut wide) {
            let old = sample.value();
            let new = S::nearest(old + added);
            let change = new.value() - old;
            *squares += change * change;
            *sample = new;
        }
    }
    let mut squares = [0.0_f32; COLOURS];
    let (pixels, _) = row.as_chunks_mut::<N>();
    for (pixel, &added) in pixels.iter_mut().zip(added) {
        if N > COLOURS && pixel[COLOURS].value() == 0.0 {
            continue;
        }
        for (sample, squares) in pixel.iter_mut().zip(&mut squares) {
            let old = sample.value();
            let new = S::nearest(old + added);
            let change = new.value() - old;
            *squares += change * change;
            *sample = new;
        }
    }
    wide.iter().chain(&squares).sum()
}
