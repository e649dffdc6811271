//! What the tests share: a perceptual hash of their own, so that sameness is judged by nobody else's code.

#![allow(dead_code, reason = "each test program uses a part")]

use image::imageops::FilterType;
use image::{DynamicImage, GrayImage};

/// Luma on white, as pages show transparent pictures.
pub(crate) fn on_white(image: &DynamicImage) -> GrayImage {
    let rgba = image.to_rgba8();
    GrayImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u32::from);
        let v = (r * 77 + g * 151 + b * 28) >> 8;
        image::Luma([((v * a + 255 * (255 - a)) / 255) as u8])
    })
}

/// 256 bits: the 16 × 16 lowest cosine frequencies of a 64 × 64 reduction (without the means of rows and
/// columns), each above their median or not.
pub(crate) fn cosine_hash(image: &DynamicImage) -> Vec<bool> {
    const N: usize = 64;
    let small = image::imageops::resize(&on_white(image), N as u32, N as u32, FilterType::Triangle);
    let wave = |k: usize, x: usize| {
        ((k as f32) * (x as f32 + 0.5) * std::f32::consts::PI / N as f32).cos()
    };
    let mut rows = vec![[0.0f32; 17]; N];
    for (y, row) in rows.iter_mut().enumerate() {
        for (k, out) in row.iter_mut().enumerate() {
            *out = (0..N)
                .map(|x| f32::from(small.get_pixel(x as u32, y as u32)[0]) * wave(k, x))
                .sum();
        }
    }
    let frequency = |i: usize, j: usize| -> f32 { (0..N).map(|y| rows[y][i] * wave(j, y)).sum() };
    let values: Vec<f32> = (1..17)
        .flat_map(|j| (1..17).map(move |i| (i, j)))
        .map(|(i, j)| frequency(i, j))
        .collect();
    let mut sorted = values.clone();
    sorted.sort_by(f32::total_cmp);
    values.iter().map(|&v| v > sorted[128]).collect()
}

/// Bits in which two hashes differ.
pub(crate) fn distance(a: &[bool], b: &[bool]) -> usize {
    a.iter().zip(b).filter(|(x, y)| x != y).count()
}
