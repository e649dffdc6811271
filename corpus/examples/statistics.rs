//! Compares simple image statistics of the synthetic set with a folder of photographs.
//!
//! `cargo run -p credlink-corpus --example statistics -- FOLDER [NAME-PREFIX...]`
//!
//! Prints, for each synthetic class and for the folder (files whose name starts with one of the prefixes, or
//! all), the 10th, 50th and 90th percentile over images scaled to at most 1024 pixels of: bits per pixel as
//! JPEG at quality 85; octave gain, the mean ratio of Haar detail energy of one octave to the next coarser
//! (1 for the 1/f amplitude spectrum of natural scenes, less for smoother); kurtosis of horizontal luma
//! differences (3 for Gaussian noise, far above it for scenes of objects); mean and deviation of luma;
//! mean distance of chroma from grey (8-bit steps). A last table gives what making the files costs on one
//! core: mean megapixels, milliseconds and kilobytes of each class.
#![expect(clippy::print_stdout, reason = "a program for people, not a library")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use credlink_corpus::{DirectorySet, ImageSet, SyntheticSet};
use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};

const NAMES: [&str; 6] = [
    "bits/px",
    "octave gain",
    "kurtosis",
    "mean",
    "deviation",
    "chroma",
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut groups: BTreeMap<String, Vec<[f64; 6]>> = BTreeMap::new();
    let mut costs: BTreeMap<String, [f64; 4]> = BTreeMap::new();
    let synthetic = SyntheticSet::new(1);
    for index in 0..300 {
        let start = Instant::now();
        let image = synthetic.load(index)?;
        let spent = start.elapsed().as_secs_f64() * 1000.0;
        let size = f64::from(image.entry.width) * f64::from(image.entry.height) / 1e6;
        for class in [image.entry.class.as_str(), "~ all"] {
            let sums = costs.entry(class.to_owned()).or_default();
            for (sum, value) in
                sums.iter_mut()
                    .zip([1.0, size, spent, image.bytes.len() as f64 / 1000.0])
            {
                *sum += value;
            }
        }
        groups
            .entry(image.entry.class)
            .or_default()
            .push(measured(&synthetic.picture(index))?);
    }
    if let Some(folder) = arguments.first() {
        let set = DirectorySet::scan(Path::new(folder), 1)?;
        for index in 0..set.distinct_sources().unwrap_or(0) {
            let image = set.load(index)?;
            if arguments.len() == 1
                || arguments[1..]
                    .iter()
                    .any(|p| image.entry.source.starts_with(p))
            {
                let decoded = image::load_from_memory(&image.bytes)?;
                groups
                    .entry("~ folder".to_owned())
                    .or_default()
                    .push(measured(&decoded)?);
            }
        }
    }
    println!(
        "{:14}{:>4}{}",
        "class",
        "n",
        NAMES.map(|n| format!("{n:>22}")).concat()
    );
    for (class, rows) in &groups {
        print!("{class:14}{:>4}", rows.len());
        for k in 0..NAMES.len() {
            let mut values: Vec<f64> = rows.iter().map(|r| r[k]).collect();
            values.sort_by(f64::total_cmp);
            let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
            print!(
                "{:>22}",
                format!("{:.2} {:.2} {:.2}", at(0.1), at(0.5), at(0.9))
            );
        }
        println!();
    }
    println!(
        "\n{:14}{:>12}{:>12}{:>12}",
        "class", "megapixels", "ms", "kB"
    );
    for (class, [n, size, spent, bytes]) in costs {
        println!(
            "{class:14}{:>12.2}{:>12.1}{:>12.0}",
            size / n,
            spent / n,
            bytes / n
        );
    }
    Ok(())
}

fn measured(image: &DynamicImage) -> Result<[f64; 6], Box<dyn Error>> {
    let image = if image.width().max(image.height()) > 1024 {
        image.resize(1024, 1024, FilterType::CatmullRom)
    } else {
        image.clone()
    };
    let rgb = image.to_rgb8();
    let (w, h) = (rgb.width() as usize, rgb.height() as usize);
    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 85);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_0);
    encoder.encode(
        rgb.as_raw(),
        w as u16,
        h as u16,
        jpeg_encoder::ColorType::Rgb,
    )?;
    let luma: Vec<f64> = rgb
        .pixels()
        .map(|p| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]))
        .collect();
    let n = luma.len() as f64;
    let mean = luma.iter().sum::<f64>() / n;
    let deviation = (luma.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
    Ok([
        8.0 * jpeg.len() as f64 / n,
        octave_gain(&luma, w, h),
        kurtosis(&luma, w),
        mean,
        deviation,
        chroma(&rgb),
    ])
}

fn kurtosis(luma: &[f64], width: usize) -> f64 {
    let (mut second, mut fourth, mut n) = (0.0, 0.0, 0.0);
    for row in luma.chunks_exact(width) {
        for pair in row.windows(2) {
            let d = (pair[1] - pair[0]).powi(2);
            second += d;
            fourth += d * d;
            n += 1.0;
        }
    }
    n * fourth / (second * second).max(1e-9)
}

/// Geometric mean over five octaves of the ratio of detail energy, fine to coarse.
fn octave_gain(luma: &[f64], width: usize, height: usize) -> f64 {
    let (mut field, mut w, mut h) = (luma.to_vec(), width, height);
    let mut energies = Vec::new();
    for _ in 0..6 {
        let (hw, hh) = (w / 2, h / 2);
        let mut next = Vec::with_capacity(hw * hh);
        let mut energy = 0.0;
        for y in 0..hh {
            for x in 0..hw {
                let [a, b, c, d] = [(0, 0), (1, 0), (0, 1), (1, 1)]
                    .map(|(i, j)| field[(2 * y + j) * w + 2 * x + i]);
                let mid = 0.25 * (a + b + c + d);
                energy += [a, b, c, d]
                    .iter()
                    .map(|v| (v - mid) * (v - mid))
                    .sum::<f64>();
                next.push(mid);
            }
        }
        energies.push(energy / (4 * hw * hh).max(1) as f64);
        (field, w, h) = (next, hw, hh);
    }
    let (first, last) = (energies[0].max(1e-6), energies[5].max(1e-6));
    (first / last).powf(0.2)
}

fn chroma(image: &RgbImage) -> f64 {
    let sum: f64 = image
        .pixels()
        .map(|p| {
            let [r, g, b] = p.0.map(f64::from);
            let y = 0.299 * r + 0.587 * g + 0.114 * b;
            ((b - y) * 0.564).hypot((r - y) * 0.713)
        })
        .sum();
    sum / f64::from(image.width() * image.height())
}
