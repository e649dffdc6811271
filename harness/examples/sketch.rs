//! Measures content sketches alone: how often an image that went through a pipeline is confirmed, how often another
//! image is, and whether a replaced subject is noticed.
//!
//! ```text
//! cargo run -p credlink-harness --example sketch -- true --synthetic 200 --pipelines core,edits
//! cargo run -p credlink-harness --example sketch -- pairs --synthetic 500 --pairs 100000
//! cargo run -p credlink-harness --example sketch -- replaced --photos DIR --split report
//! ```
//!
//! Photographs are split by the SHA-256 of the file name (an even first byte: calibration); synthetic images by seed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::{Parser, ValueEnum};
use cpu_time::ThreadTime;
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_sign_core::fingerprint::{ContentHash, Match, MatchPolicy};
use credlink_sign_core::sketch::{Comparison, Received, Registered, Sketch, Verdict};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::file::ImageFile;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use credlink_transforms::steps::resize::{Filter, resized};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, Rgb, RgbImage, imageops};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

#[derive(Parser)]
struct Arguments {
    /// What to measure.
    what: What,
    /// A folder of images.
    #[arg(long)]
    photos: Option<PathBuf>,
    /// Which photographs.
    #[arg(long, default_value = "all")]
    split: Split,
    /// Images of the synthetic set.
    #[arg(long, default_value_t = 0)]
    synthetic: usize,
    /// Seed of the synthetic set.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Pipelines, as `credlink survival` takes them, separated by commas; empty for none.
    #[arg(long, default_value = "core")]
    pipelines: String,
    /// Leave out the edits that this program makes itself.
    #[arg(long)]
    no_edits: bool,
    /// Most pairs of different images; those of one class come first.
    #[arg(long, default_value_t = 100_000)]
    pairs: usize,
    /// Leaves out that many pairs before them, so that a long measurement can be made in parts.
    #[arg(long, default_value_t = 0)]
    skip: usize,
    /// Writes every comparison to this file, tab-separated.
    #[arg(long)]
    tsv: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Images that went through pipelines and edits.
    True,
    /// Pairs of different images.
    Pairs,
    /// Images whose subject was replaced.
    Replaced,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Split {
    Calibration,
    Report,
    All,
}

struct Source {
    name: String,
    class: String,
    /// An image file; decoded when it is needed, since many decoded pictures would fill the memory.
    bytes: Vec<u8>,
}

/// One comparison.
struct Trial {
    class: String,
    what: String,
    names: String,
    comparison: Comparison,
    fingerprint: bool,
    milliseconds: f64,
    note: String,
}

type Edit = (&'static str, fn(&DynamicImage, u64) -> Result<DynamicImage>);

/// What the catalogue may not have: each a definition.
const EDITS: &[Edit] = &[
    ("turned 2.4", |i, _| Ok(turned(i, 2.4))),
    ("turned -2.4", |i, _| Ok(turned(i, -2.4))),
    ("turned 1 flipped", |i, _| Ok(turned(i, 1.0).fliph())),
    ("turned 2 with corners", |i, _| {
        Ok(rotated(&i.to_rgb8(), 2.0).into())
    }),
    ("quarter turn, squashed", |i, _| {
        squashed(&i.rotate90(), 500, 400)
    }),
    ("aspect 1.5", |i, _| {
        squashed(i, (i.width() * 3 / 2).max(1), i.height())
    }),
    ("quarter of the area", |i, k| Ok(part(i, k, 0.5))),
    ("quarter of the area, flipped", |i, k| {
        Ok(part(i, k, 0.5).fliph())
    }),
    ("half of the area", |i, k| Ok(part(i, k, 0.7072))),
    ("0.6 of the area, turned", |i, k| {
        Ok(part(i, k, 0.7746).rotate270())
    }),
    ("square of the middle", |i, _| Ok(shaped(i, 1.0))),
    ("4:5 of the middle", |i, _| Ok(shaped(i, 0.8))),
    ("9:16 of the middle", |i, _| Ok(shaped(i, 0.5625))),
    ("letterbox", |i, _| {
        let (w, h) = i.dimensions();
        Ok(placed(i, (w, w.max(h) * 16 / 9), (0.5, 0.5), [0, 0, 0]))
    }),
    ("white frame", |i, _| {
        let (w, h) = i.dimensions();
        Ok(placed(
            i,
            (w + w / 6, h + w / 6),
            (0.5, 0.5),
            [255, 255, 255],
        ))
    }),
    ("blurred bars", |i, _| Ok(blurred_bars(i))),
    ("caption bar above", |i, _| Ok(captioned(i, 0.18, true))),
    ("caption over the lower part", |i, _| {
        Ok(captioned(i, 0.18, false))
    }),
    ("screen with bars", |i, _| Ok(screen(i))),
    ("crop and caption", |i, k| {
        Ok(captioned(&part(i, k, 0.8), 0.18, true))
    }),
];

/// At another size, edge to edge.
fn squashed(image: &DynamicImage, width: u32, height: u32) -> Result<DynamicImage> {
    resized(image, width, height, Filter::Bilinear).map_err(|error| anyhow!(error))
}

/// Turned by some degrees about the middle, corners black.
fn rotated(image: &RgbImage, degrees: f64) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (w, h) = (f64::from(image.width()), f64::from(image.height()));
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let (u, v) = (f64::from(x) + 0.5 - w / 2.0, f64::from(y) + 0.5 - h / 2.0);
        let (u, v) = (cos * u + sin * v + w / 2.0, cos * v - sin * u + h / 2.0);
        imageops::interpolate_bilinear(image, u as f32 - 0.5, v as f32 - 0.5).unwrap_or(Rgb([0; 3]))
    })
}

/// Turned, then cut to what has no corners.
fn turned(image: &DynamicImage, degrees: f64) -> DynamicImage {
    let turned = rotated(&image.to_rgb8(), degrees);
    let (w, h) = turned.dimensions();
    let (sin, cos) = degrees.to_radians().abs().sin_cos();
    let (long, short) = (f64::from(w.max(h)), f64::from(w.min(h)));
    // The largest rectangle of the same proportions.
    let scale = (short / (long * sin + short * cos)).min(long / (short * sin + long * cos));
    let (cw, ch) = (
        ((f64::from(w) * scale) as u32).max(1),
        ((f64::from(h) * scale) as u32).max(1),
    );
    imageops::crop_imm(&turned, (w - cw) / 2, (h - ch) / 2, cw, ch)
        .to_image()
        .into()
}

/// A part of both sides' share `share`, at a place that follows from `key`.
fn part(image: &DynamicImage, key: u64, share: f64) -> DynamicImage {
    let (w, h) = image.dimensions();
    let side = |length: u32| ((f64::from(length) * share) as u32).max(1);
    let (cw, ch) = (side(w), side(h));
    let at = |room: u32, key: u64| (key % u64::from(room + 1)) as u32;
    image.crop_imm(at(w - cw, key >> 8), at(h - ch, key >> 32), cw, ch)
}

/// The middle, with these proportions.
fn shaped(image: &DynamicImage, aspect: f64) -> DynamicImage {
    let (w, h) = image.dimensions();
    let cw = w.min((f64::from(h) * aspect) as u32).max(1);
    let ch = h.min((f64::from(w) / aspect) as u32).max(1);
    image.crop_imm((w - cw) / 2, (h - ch) / 2, cw, ch)
}

/// On a canvas of one colour.
fn placed(image: &DynamicImage, size: (u32, u32), at: (f64, f64), colour: [u8; 3]) -> DynamicImage {
    let mut canvas = RgbImage::from_pixel(size.0, size.1, Rgb(colour));
    let x = f64::from(size.0 - image.width()) * at.0;
    let y = f64::from(size.1 - image.height()) * at.1;
    imageops::replace(&mut canvas, &image.to_rgb8(), x as i64, y as i64);
    canvas.into()
}

/// As stories do: the picture over a blurred, enlarged copy of itself.
fn blurred_bars(image: &DynamicImage) -> DynamicImage {
    let (w, h) = image.dimensions();
    let size = if w >= h {
        (w, w * 5 / 4)
    } else {
        (h * 5 / 4, h)
    };
    let back = image
        .resize_exact(48, 48, imageops::FilterType::Triangle)
        .blur(2.0)
        .resize_exact(size.0, size.1, imageops::FilterType::Triangle);
    let mut canvas = back.to_rgb8();
    let (x, y) = ((size.0 - w) / 2, (size.1 - h) / 2);
    imageops::replace(&mut canvas, &image.to_rgb8(), i64::from(x), i64::from(y));
    canvas.into()
}

/// Words as dark and light strokes on a bar, above the picture or over its lower part.
fn captioned(image: &DynamicImage, share: f64, above: bool) -> DynamicImage {
    let (w, h) = image.dimensions();
    let bar = ((f64::from(h) * share) as u32).max(8);
    let mut strip = RgbImage::from_pixel(w, bar, Rgb([250; 3]));
    let stroke = (bar / 10).max(1);
    for y in bar / 4..bar * 3 / 4 {
        for x in w / 12..w * 11 / 12 {
            let (column, row) = (x / stroke, y / stroke);
            if (column * 7 + row * 3 + column * row) % 5 < 2 && column % 9 != 0 {
                strip.put_pixel(x, y, Rgb([15; 3]));
            }
        }
    }
    let taller = if above { h + bar } else { h };
    let mut canvas = RgbImage::new(w, taller);
    let top = i64::from(if above { bar } else { 0 });
    imageops::replace(&mut canvas, &image.to_rgb8(), 0, top);
    let at = if above { 0 } else { i64::from(h - bar) };
    imageops::replace(&mut canvas, &strip, 0, at);
    canvas.into()
}

/// A phone's screen: the picture across its width, a busy bar above, another below.
fn screen(image: &DynamicImage) -> DynamicImage {
    let small = image.resize(1080, 1500, imageops::FilterType::Triangle);
    let mut canvas = RgbImage::from_fn(1080, 1920, |x, y| {
        let busy = !(140..1780).contains(&y) && x / 17 % 3 == 0 && y / 13 % 4 == 1;
        Rgb(if busy { [40, 40, 60] } else { [244, 244, 246] })
    });
    let (x, y) = ((1080 - small.width()) / 2, 200);
    imageops::replace(&mut canvas, &small.to_rgb8(), i64::from(x), y);
    canvas.into()
}

fn digest(name: &str) -> u64 {
    let digest = Sha256::digest(name.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |id, &byte| id << 8 | u64::from(byte))
}

fn sources(arguments: &Arguments) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    if let Some(folder) = &arguments.photos {
        let manifest = std::fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap_or_default();
        let classes: BTreeMap<&str, &str> = manifest
            .lines()
            .filter_map(|line| {
                let mut fields = line.split('\t');
                Some((fields.next()?, fields.next()?))
            })
            .collect();
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .with_context(|| folder.display().to_string())?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| {
                let even = Sha256::digest(name.as_bytes())[0].is_multiple_of(2);
                match arguments.split {
                    Split::Calibration => even,
                    Split::Report => !even,
                    Split::All => true,
                }
            })
            .collect();
        names.sort();
        for name in names {
            let bytes = std::fs::read(folder.join(&name))?;
            if ImageFile::new(bytes.clone()).is_err() {
                continue;
            }
            let class = classes.get(name.as_str()).copied().unwrap_or("photo");
            sources.push(Source {
                class: class.to_owned(),
                name,
                bytes,
            });
        }
    }
    let set = SyntheticSet::new(arguments.seed);
    let synthetic: Vec<Source> = (0..arguments.synthetic)
        .into_par_iter()
        .map(|index| {
            let image = set.load(index)?;
            Ok(Source {
                name: image.entry.name,
                class: image.entry.class,
                bytes: image.bytes,
            })
        })
        .collect::<Result<_>>()?;
    sources.extend(synthetic);
    Ok(sources)
}

/// A file as it is displayed.
fn displayed(source: &Source) -> Result<DynamicImage> {
    let file = ImageFile::new(source.bytes.clone())?;
    let clock = || 0;
    let frame = file
        .frame(&Meter::new(&clock))
        .map_err(|error| anyhow!("{error}"))?;
    let mut image = DynamicImage::clone(&frame.pixels);
    image.apply_orientation(frame.orientation);
    Ok(image)
}

/// What is registered of an image.
struct Proof {
    registered: Registered,
    hash: ContentHash,
}

impl Proof {
    fn of(image: &DynamicImage) -> Self {
        let sketch = Sketch::of(image, Orientation::NoTransforms);
        Self {
            registered: Registered::new(&sketch, image.dimensions()),
            hash: ContentHash::of(image, Orientation::NoTransforms),
        }
    }

    /// Whether the fingerprint alone would confirm.
    fn fingerprint(&self, received: &ContentHash) -> bool {
        let [own, ..] = self.hash.views();
        let policy = MatchPolicy::default();
        let quality = self.hash.quality().min(received.quality());
        !own.fingerprint.is_featureless()
            && received.views().iter().any(|view| {
                !view.fingerprint.is_featureless()
                    && policy.judge(view.difference(&own), quality, None) == Match::Accepted
            })
    }

    fn trial(
        &self,
        class: &str,
        what: &str,
        names: String,
        image: &DynamicImage,
        orientation: Orientation,
    ) -> Trial {
        let start = ThreadTime::now();
        let comparison = self.registered.compare(&Received::of(image, orientation));
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        Trial {
            class: class.to_owned(),
            what: what.to_owned(),
            names,
            comparison,
            fingerprint: self.fingerprint(&ContentHash::of(image, orientation)),
            milliseconds,
            note: String::new(),
        }
    }
}

/// As a viewer shows it: JPEG keeps no transparency.
fn over_white(image: &DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image.clone();
    }
    let (w, h) = image.dimensions();
    let mut canvas = image::RgbaImage::from_pixel(w, h, image::Rgba([255; 4]));
    imageops::overlay(&mut canvas, &image.to_rgba8(), 0, 0);
    DynamicImage::from(canvas).to_rgb8().into()
}

fn true_pairs(arguments: &Arguments, sources: &[Source]) -> Result<Vec<Trial>> {
    let catalogue = Catalogue::embedded()?;
    let mut recipes: Vec<Arc<Recipe>> = Vec::new();
    for pattern in arguments.pipelines.split(',').filter(|p| !p.is_empty()) {
        let chosen = catalogue.select(pattern);
        if chosen.is_empty() {
            return Err(anyhow!("no pipeline is called {pattern}"));
        }
        recipes.extend(chosen);
    }
    recipes.sort_by(|a, b| a.id.cmp(&b.id));
    recipes.dedup_by(|a, b| a.id == b.id);
    let trials: Vec<Vec<Trial>> = sources
        .par_iter()
        .map(|source| {
            let image = displayed(source)?;
            let proof = Proof::of(&image);
            let mut trials = Vec::new();
            let shared = Arc::new(ImageFile::new(source.bytes.clone())?);
            for recipe in &recipes {
                let clock = || 0;
                // A pipeline that does not take the format, or fails, says nothing about sketches.
                let Ok(received) = recipe.apply(&shared, &Meter::new(&clock)) else {
                    continue;
                };
                let Ok(frame) = received.frame(&Meter::new(&clock)) else {
                    continue;
                };
                let name = source.name.clone();
                trials.push(proof.trial(
                    &source.class,
                    &recipe.id,
                    name,
                    &frame.pixels,
                    frame.orientation,
                ));
            }
            if !arguments.no_edits {
                // Platforms reduce large pictures; here it saves time.
                let flat = over_white(&image);
                let small = if image.width().max(image.height()) > 1600 {
                    flat.thumbnail(1600, 1600)
                } else {
                    flat
                };
                for (name, edit) in EDITS {
                    let edited = edit(&small, digest(&format!("{name} {}", source.name)))?;
                    let coded = jpeg(&edited, 75)?;
                    trials.push(proof.trial(
                        &source.class,
                        name,
                        source.name.clone(),
                        &coded,
                        Orientation::NoTransforms,
                    ));
                }
            }
            Ok(trials)
        })
        .collect::<Result<_>>()?;
    Ok(trials.into_iter().flatten().collect())
}

fn jpeg(image: &DynamicImage, quality: u8) -> Result<DynamicImage> {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(&image.to_rgb8())?;
    Ok(image::load_from_memory(&bytes)?)
}

fn different_pairs(arguments: &Arguments, sources: &[Source]) -> Result<Vec<Trial>> {
    let made: Vec<(Proof, Received)> = sources
        .par_iter()
        .map(|source| {
            let image = displayed(source)?;
            let received = Received::of(&image, Orientation::NoTransforms);
            Ok((Proof::of(&image), received))
        })
        .collect::<Result<_>>()?;
    let mut pairs: Vec<(usize, usize)> = (0..sources.len())
        .flat_map(|a| (0..sources.len()).map(move |b| (a, b)))
        .filter(|(a, b)| a != b)
        .collect();
    // Those of one class first, then in an order that favours none.
    pairs.sort_by_key(|&(a, b)| {
        let other = sources[a].class != sources[b].class;
        (other, (a as u64 * 7919 + b as u64 * 104_729) % 65_537, a, b)
    });
    let pairs: Vec<_> = pairs
        .into_iter()
        .skip(arguments.skip)
        .take(arguments.pairs)
        .collect();
    Ok(pairs
        .par_iter()
        .map(|&(a, b)| {
            let start = ThreadTime::now();
            let comparison = made[a].0.registered.compare(&made[b].1);
            let milliseconds = start.elapsed().as_secs_f64() * 1e3;
            let same = sources[a].class == sources[b].class;
            Trial {
                class: sources[a].class.clone(),
                what: if same { "same class" } else { "other class" }.to_owned(),
                names: format!("{} | {}", sources[a].name, sources[b].name),
                comparison,
                fingerprint: made[a].0.fingerprint(&made[b].0.hash),
                milliseconds,
                note: String::new(),
            }
        })
        .collect())
}

/// The middle of `image`, `share` of its area, shows another image: an ellipse with a soft edge.
fn with_subject(image: &DynamicImage, other: &DynamicImage, share: f64) -> DynamicImage {
    let mut canvas = image.to_rgb8();
    let (w, h) = canvas.dimensions();
    // An ellipse of half axes a·w and a·h has π·a² of the area.
    let axis = (share / std::f64::consts::PI).sqrt();
    let (ow, oh) = (
        (2.0 * axis * f64::from(w)) as u32,
        (2.0 * axis * f64::from(h)) as u32,
    );
    let subject = other
        .resize_to_fill(ow.max(1), oh.max(1), imageops::FilterType::Triangle)
        .to_rgb8();
    let (left, top) = ((w - subject.width()) / 2, (h - subject.height()) / 2);
    for (x, y, pixel) in subject.enumerate_pixels() {
        let u = (f64::from(x) + 0.5) / f64::from(subject.width()) * 2.0 - 1.0;
        let v = (f64::from(y) + 0.5) / f64::from(subject.height()) * 2.0 - 1.0;
        let opacity = ((1.0 - u.hypot(v)) * 20.0).clamp(0.0, 1.0);
        let under = canvas.get_pixel_mut(left + x, top + y);
        for (a, b) in under.0.iter_mut().zip(pixel.0) {
            *a = (f64::from(*a) * (1.0 - opacity) + f64::from(b) * opacity) as u8;
        }
    }
    canvas.into()
}

fn replaced(sources: &[Source]) -> Result<Vec<Trial>> {
    let trials: Vec<Vec<Trial>> = (0..sources.len())
        .into_par_iter()
        .map(|index| {
            let source = &sources[index];
            let image = displayed(source)?;
            let proof = Proof::of(&image);
            let mut trials = Vec::new();
            for (step, share) in [(1, 0.15), (2, 0.2), (3, 0.25), (5, 0.3)] {
                // Of the same class, so that nothing but the content gives it away.
                let others = (1..sources.len()).map(|k| &sources[(index + k) % sources.len()]);
                let alike: Vec<&Source> = others
                    .clone()
                    .filter(|other| other.class == source.class)
                    .collect();
                let Some(other) = alike
                    .get(step % alike.len().max(1))
                    .copied()
                    .or_else(|| others.clone().nth(step))
                else {
                    continue;
                };
                let other = displayed(other)?;
                let altered = jpeg(&with_subject(&over_white(&image), &other, share), 80)?;
                let what = format!("subject of {:.0} %", share * 100.0);
                let mut trial = proof.trial(
                    &source.class,
                    &what,
                    source.name.clone(),
                    &altered,
                    Orientation::NoTransforms,
                );
                trial.note = located(&trial.comparison, share);
                trials.push(trial);
            }
            Ok(trials)
        })
        .collect::<Result<_>>()?;
    Ok(trials.into_iter().flatten().collect())
}

/// Of the cells inside the replaced ellipse and of those outside: the shares that are shown as differing.
fn located(comparison: &Comparison, share: f64) -> String {
    let map = &comparison.map;
    let axis = (share / std::f64::consts::PI).sqrt();
    let (mut inside, mut outside) = ((0, 0), (0, 0));
    for (k, differs) in map.differing().enumerate() {
        let u = ((k % map.columns) as f64 + 0.5) / map.columns as f64 - 0.5;
        let v = ((k / map.columns) as f64 + 0.5) / map.rows as f64 - 0.5;
        let radius = u.hypot(v) / axis;
        if radius < 0.9 {
            inside = (inside.0 + usize::from(differs), inside.1 + 1);
        } else if radius > 1.2 {
            outside = (outside.0 + usize::from(differs), outside.1 + 1);
        }
    }
    let of = |(a, b): (usize, usize)| a as f64 / b.max(1) as f64;
    format!("{:.3}\t{:.3}", of(inside), of(outside))
}

/// Upper end of the one-sided 95 % interval of a rate (Clopper and Pearson), by bisection.
fn upper_bound(count: usize, of: usize) -> f64 {
    let tail = |p: f64| -> f64 {
        let mut log_term = of as f64 * (1.0 - p).ln();
        let mut sum = log_term.exp();
        for k in 0..count {
            log_term += ((of - k) as f64 / (k + 1) as f64).ln() + (p / (1.0 - p)).ln();
            sum += log_term.exp();
        }
        sum
    };
    let (mut low, mut high) = (0.0, 1.0 - 1e-12);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if tail(middle) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len() as f64) as usize;
    values
        .get(at.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn report(trials: &[Trial]) {
    println!(
        "| what | n | same | altered | different | featureless | fingerprint | neither | lowest, median, highest similarity | CPU ms median, 99 % |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    let mut groups: BTreeMap<&str, Vec<&Trial>> = BTreeMap::new();
    for trial in trials {
        groups.entry(&trial.what).or_default().push(trial);
    }
    groups.insert("~ all", trials.iter().collect());
    for (what, group) in groups {
        let count = |wanted: Verdict| {
            group
                .iter()
                .filter(|trial| trial.comparison.verdict == wanted)
                .count()
        };
        let fingerprint = group.iter().filter(|trial| trial.fingerprint).count();
        let neither = group
            .iter()
            .filter(|t| !t.fingerprint && t.comparison.verdict != Verdict::Same)
            .count();
        let mut times: Vec<f64> = group.iter().map(|trial| trial.milliseconds).collect();
        let mut values: Vec<f64> = group
            .iter()
            .map(|trial| f64::from(trial.comparison.similarity))
            .collect();
        println!(
            "| {what} | {} | {} | {} | {} | {} | {fingerprint} | {neither} | {:.3} {:.3} {:.3} | {:.2} {:.2} |",
            group.len(),
            count(Verdict::Same),
            count(Verdict::Altered),
            count(Verdict::Different),
            count(Verdict::Featureless),
            percentile(&mut values, 0.0),
            percentile(&mut values, 0.5),
            percentile(&mut values, 1.0),
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.99),
        );
    }
    let same = |trial: &&Trial| trial.comparison.verdict == Verdict::Same;
    let confirmed = trials.iter().filter(same).count();
    println!(
        "confirmed: {confirmed} of {}; at most {:.6} with 95 % confidence",
        trials.len(),
        upper_bound(confirmed, trials.len())
    );
    // What the next false confirmation, or the next loss, would look like.
    let margin = |trial: &Trial| trial.comparison.similarity - trial.comparison.same_from;
    let mut nearest: Vec<&Trial> = trials.iter().collect();
    nearest.sort_by(|a, b| margin(a).abs().total_cmp(&margin(b).abs()));
    for trial in nearest.into_iter().take(5) {
        let c = &trial.comparison;
        println!(
            "near its limit: {}, {}: {:.3} of {:.3}, {:?}, {:?}",
            trial.what, trial.names, c.similarity, c.same_from, c.path, c.verdict
        );
    }
    let mut paths: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for trial in trials {
        let path = format!("{:?}", trial.comparison.path);
        paths.entry(path).or_default().push(trial.milliseconds);
    }
    for (path, mut times) in paths {
        println!(
            "{path}: {}; CPU ms median {:.2}, 99 % {:.2}",
            times.len(),
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.99)
        );
    }
}

fn written(path: &Path, trials: &[Trial]) -> Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for trial in trials {
        let c = &trial.comparison;
        writeln!(
            file,
            "{}\t{}\t{}\t{:.4}\t{:.3}\t{:.2}\t{:?}\t{:?}\t{:?}\t{}\t{:.3}\t{:.3}\t{:.2}\t{:.4}\t{}",
            trial.what,
            trial.class,
            trial.names,
            c.similarity,
            c.coverage,
            c.evidence,
            c.path,
            c.symmetry,
            c.verdict,
            trial.fingerprint,
            trial.milliseconds,
            c.largest_difference,
            c.corners,
            c.same_from,
            trial.note
        )?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let sources = sources(&arguments)?;
    let trials = match arguments.what {
        What::True => true_pairs(&arguments, &sources)?,
        What::Pairs => different_pairs(&arguments, &sources)?,
        What::Replaced => replaced(&sources)?,
    };
    if let Some(path) = &arguments.tsv {
        written(path, &trials)?;
    }
    report(&trials);
    Ok(())
}
