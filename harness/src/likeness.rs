//! How alike two pictures look.

use image::DynamicImage;
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

/// SSIMULACRA 2 (J. Sneyers, Cloudinary, 2022) of two pictures of one size as sRGB: 100 for equal ones, 90 where nobody sees
/// a difference side by side, lower the worse. `None` where sizes differ or are too small for the measure.
#[must_use]
pub fn ssimulacra2(source: &DynamicImage, changed: &DynamicImage) -> Option<f32> {
    if (source.width(), source.height()) != (changed.width(), changed.height()) {
        return None;
    }
    let linear = |image: &DynamicImage| {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let pixels = image.to_rgb32f();
        let pixels = pixels.pixels().map(|pixel| pixel.0).collect();
        let srgb = TransferCharacteristic::SRGB;
        Rgb::new(pixels, width, height, srgb, ColorPrimaries::BT709).ok()
    };
    let score = compute_frame_ssimulacra2(linear(source)?, linear(changed)?).ok()?;
    Some(score as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    #[test]
    fn the_more_a_picture_changes_the_less_alike_it_looks() {
        let picture = |noise: u32| {
            DynamicImage::ImageRgb8(RgbImage::from_fn(96, 80, |x, y| {
                let change = (x * 7919 + y * 104_729) % (noise + 1);
                let value = (x + y + change).min(255) as u8;
                image::Rgb([value, value / 2, 255 - value])
            }))
        };
        let scores = [0, 2, 8, 32].map(|noise| ssimulacra2(&picture(0), &picture(noise)).unwrap());
        assert!((scores[0] - 100.0).abs() < 1e-3, "{scores:?}");
        assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
        assert_eq!(
            ssimulacra2(&picture(0), &DynamicImage::new_rgb8(9, 9)),
            None
        );
    }
}
