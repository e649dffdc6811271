//! What several test files share: the real corpora where they are present, probe images, distances.
#![allow(clippy::print_stderr, reason = "a skipped test must be seen")]
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod probes;

use std::path::PathBuf;

use image::{DynamicImage, GenericImageView, Rgb, RgbImage};

/// The files of a corpus folder, sorted, or `None` with a visible note where it is absent.
pub(crate) fn corpus(name: &str) -> Option<Vec<PathBuf>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/corpus")
        .join(name);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        assert!(
            std::env::var_os("CREDLINK_REQUIRE_CORPORA").is_none(),
            "{} is absent",
            folder.display()
        );
        eprintln!("SKIPPED: no corpus at {}", folder.display());
        return None;
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    assert!(
        files.len() > 10,
        "the corpus at {} is nearly empty",
        folder.display()
    );
    Some(files)
}

/// A picture with gradients, edges and texture; no two of its regions are alike.
pub(crate) fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503))
            .wrapping_mul(2_246_822_519)
            >> 27;
        let edge = if (x / 37 + y / 23) % 2 == 0 { 60 } else { 0 };
        let r = x * 150 / width.max(1) + edge + noise / 2;
        let g = y * 150 / height.max(1) + 40 + noise;
        let b = (x + y) * 100 / (width + height) + edge / 2 + 30;
        Rgb([r.min(255) as u8, g.min(255) as u8, b.min(255) as u8])
    })
}

/// Peak signal-to-noise ratio in dB over the colour channels; infinite where equal.
pub(crate) fn psnr(a: &DynamicImage, b: &DynamicImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let (a, b) = (a.to_rgb8(), b.to_rgb8());
    let error: f64 = a
        .iter()
        .zip(b.iter())
        .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
        .sum();
    10.0 * (255.0_f64.powi(2) * a.len() as f64 / error).log10()
}
