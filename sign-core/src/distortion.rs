//! How much a signed image differs from its source.

use image::DynamicImage;
use serde::{Deserialize, Serialize};

use crate::pixels::similarity::Similarity;

/// What signing did to the pixels: the mark itself and coding the image once more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distortion {
    /// Peak signal-to-noise ratio over the colour channels, dB: `10·log₁₀(255² / mean squared difference)` in
    /// eight bits.
    pub psnr: f32,
    /// Mean structural similarity of luma (Wang et al. 2004; 8×8 windows every 4 pixels), 1 where nothing changed.
    pub ssim: f32,
}

impl Distortion {
    /// Compares coded pixels of the same size; `None` if the sizes differ or no eight-bit colour differs. Pixels
    /// that are fully transparent in both do not count as different.
    pub fn between(source: &DynamicImage, signed: &DynamicImage) -> Option<Self> {
        if (source.width(), source.height()) != (signed.width(), signed.height()) {
            return None;
        }
        let width = source.width() as usize;
        let count = width * source.height() as usize;
        let mut sums = Sums::new(width);
        if let (DynamicImage::ImageRgb8(old), DynamicImage::ImageRgb8(new)) = (source, signed) {
            // No alpha to look at, and nothing to convert.
            sums.add(
                old.as_raw().as_chunks::<3>().0,
                new.as_raw().as_chunks::<3>().0,
                |old, new| (old, new),
            );
        } else {
            let (old, new) = (source.to_rgba8(), signed.to_rgba8());
            let clear = |old: [u8; 4], new: [u8; 4]| old[3] == 0 && new[3] == 0;
            sums.add(
                old.as_raw().as_chunks::<4>().0,
                new.as_raw().as_chunks::<4>().0,
                |old, new| (old, if clear(old, new) { old } else { new }),
            );
        }
        let Sums {
            squares,
            similarity,
            ..
        } = sums;
        if squares == 0 {
            return None;
        }
        let mean = squares as f64 / (3.0 * count as f64);
        Some(Self {
            psnr: (10.0 * (255.0 * 255.0 / mean).log10()) as f32,
            ssim: similarity.mean() as f32,
        })
    }
}

/// What is summed over a picture.
struct Sums {
    width: usize,
    squares: u64,
    similarity: Similarity,
}

impl Sums {
    fn new(width: usize) -> Self {
        Self {
            width,
            squares: 0,
            similarity: Similarity::new(width),
        }
    }

    /// Adds pixels of `N` bytes, of which `shown` makes what is seen.
    fn add<const N: usize>(
        &mut self,
        source: &[[u8; N]],
        signed: &[[u8; N]],
        shown: impl Fn([u8; N], [u8; N]) -> ([u8; N], [u8; N]),
    ) {
        let (mut before, mut after) = (vec![0.0; self.width], vec![0.0; self.width]);
        let rows = |pixels| <[[u8; N]]>::chunks(pixels, self.width.max(1));
        for (old, new) in rows(source).zip(rows(signed)) {
            for (position, (old, new)) in old.iter().zip(new).enumerate() {
                let (old, new) = shown(*old, *new);
                for channel in 0..3 {
                    let difference = u32::from(old[channel].abs_diff(new[channel]));
                    self.squares += u64::from(difference * difference);
                }
                before[position] = luma(&old);
                after[position] = luma(&new);
            }
            self.similarity.push(&before, &after);
        }
    }
}

/// Luma of ITU-R BT.601, 0 to 255.
fn luma<const N: usize>(pixel: &[u8; N]) -> f32 {
    0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2])
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, RgbaImage};

    use super::*;

    #[test]
    fn one_level_everywhere_is_48_13_decibels() {
        let image = |offset| -> DynamicImage {
            GrayImage::from_fn(40, 30, |x, y| Luma([(x * 5 + y) as u8 + offset])).into()
        };
        let changed = Distortion::between(&image(0), &image(1)).unwrap();
        assert!((changed.psnr - 48.1308).abs() < 1e-3, "{changed:?}");
        assert!(changed.ssim > 0.99 && changed.ssim < 1.0, "{changed:?}");
    }

    #[test]
    fn nothing_is_said_where_nothing_changed_or_nothing_compares() {
        let clear = |value| -> DynamicImage {
            RgbaImage::from_pixel(20, 20, image::Rgba([value, value, value, 0])).into()
        };
        assert_eq!(Distortion::between(&clear(10), &clear(200)), None);
        let other = DynamicImage::new_rgb8(20, 21);
        assert_eq!(Distortion::between(&clear(10), &other), None);
    }
}
