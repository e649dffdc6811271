//! What the tests share: a perceptual hash of their own, so that sameness is judged by nobody else's code.

#![allow(dead_code, reason = "each test program uses a part")]

use image::DynamicImage;
use image::imageops::FilterType;

/// 256 bits: each cell of a 17 × 16 reduction brighter than its right neighbour or not.
pub fn difference_hash(image: &DynamicImage) -> Vec<bool> {
    // Transparent pictures are judged on white, as pages show them.
    let rgba = image.to_rgba8();
    let grey = image::GrayImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u32::from);
        let v = (r * 77 + g * 151 + b * 28) >> 8;
        image::Luma([((v * a + 255 * (255 - a)) / 255) as u8])
    });
    let small = image::imageops::resize(&grey, 17, 16, FilterType::Triangle);
    (0..16).flat_map(|y| (0..16).map(move |x| (x, y))).map(|(x, y)| small.get_pixel(x, y)[0] > small.get_pixel(x + 1, y)[0]).collect()
}

/// Bits in which two hashes differ.
pub fn distance(a: &[bool], b: &[bool]) -> usize {
    a.iter().zip(b).filter(|(x, y)| x != y).count()
}
