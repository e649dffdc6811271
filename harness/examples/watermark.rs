//! Measures the watermark alone: embeds an id in each image of a set, attacks the result, and counts exact ids.
//!
//! ```text
//! cargo run -p credlink-harness --example watermark -- --photos DIR [--only crop] [--set-aside]
//! cargo run -p credlink-harness --example watermark -- --synthetic 40
//! cargo run -p credlink-harness --example watermark -- --photos DIR --false-accepts 1000000 --searches 2000
//! ```
//!
//! A third of the photographs, by the hash of the file name, is set aside: nothing may be tuned on it.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use cpu_time::ThreadTime;
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_sign_core::ProofId;
use credlink_sign_core::watermark::{
    Detection, Effort, EmbedSettings, Features, Verdict, WatermarkKey, detect, embed,
};
use credlink_transforms::codecs::{avif, decode, jpeg, webp};
use credlink_transforms::steps::resize::{Filter, resized};
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, imageops};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

#[derive(Parser)]
struct Arguments {
    /// A folder of images.
    #[arg(long)]
    photos: Option<PathBuf>,
    /// Images of the synthetic set.
    #[arg(long, default_value_t = 0)]
    synthetic: usize,
    /// Look at the third that is set aside instead of the rest.
    #[arg(long)]
    set_aside: bool,
    /// Only attacks whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Leave out attacks whose name contains this.
    #[arg(long)]
    without: Option<String>,
    /// Long sides above are reduced to it first, pixels.
    #[arg(long, default_value_t = 1536)]
    cap: u32,
    /// Lowest PSNR aimed at, dB.
    #[arg(long)]
    psnr: Option<f64>,
    /// Instead, try at least this many pairs of image and foreign key in stage 0, and print what was accepted.
    #[arg(long)]
    false_accepts: Option<u32>,
    /// With `--false-accepts`: full searches without rotation, as well.
    #[arg(long, default_value_t = 0)]
    searches: u32,
    /// With `--false-accepts`: full searches with rotation, as well.
    #[arg(long, default_value_t = 0)]
    rotated_searches: u32,
    /// List each image and each loss.
    #[arg(long)]
    list: bool,
}

type Attack = (
    &'static str,
    Effort,
    fn(&DynamicImage) -> Result<DynamicImage>,
);

/// The attacks of the table, each with the effort that it needs at most.
const ATTACKS: &[Attack] = &[
    ("none", Effort::Search, |i| Ok(i.clone())),
    ("jpeg75", Effort::Search, |i| coded(i, 75)),
    ("jpeg50", Effort::Search, |i| coded(i, 50)),
    ("jpeg30", Effort::Search, |i| coded(i, 30)),
    ("webp50", Effort::Search, |i| webp_coded(i, 50)),
    ("avif50", Effort::Search, |i| avif_coded(i, 50)),
    ("avif40", Effort::Search, |i| avif_coded(i, 40)),
    ("r1600+j75", Effort::Search, |i| {
        coded(&to_long(i, 1600)?, 75)
    }),
    ("r1080+j75", Effort::Search, |i| {
        coded(&to_long(i, 1080)?, 75)
    }),
    ("r640+j75", Effort::Search, |i| coded(&to_long(i, 640)?, 75)),
    ("r640+w60", Effort::Search, |i| {
        webp_coded(&to_long(i, 640)?, 60)
    }),
    ("r640+j50", Effort::Search, |i| coded(&to_long(i, 640)?, 50)),
    ("r400+j75", Effort::Search, |i| coded(&to_long(i, 400)?, 75)),
    ("r400+j50", Effort::Search, |i| coded(&to_long(i, 400)?, 50)),
    ("rec5+resize", Effort::Search, recoded),
    ("rec5 j55-70", Effort::Search, |i| {
        [60, 70, 55, 65, 60]
            .into_iter()
            .try_fold(i.clone(), |i, q| coded(&i, q))
    }),
    ("pal256", Effort::Search, palette),
    ("sharpen", Effort::Search, |i| Ok(i.unsharpen(2.0, 0))),
    ("blur r1", Effort::Search, |i| Ok(i.blur(1.0))),
    ("bright1.25", Effort::Search, |i| toned(i, |v| v * 1.25)),
    ("sat1.6", Effort::Search, |i| Ok(saturated(i, 1.6))),
    ("gamma.7", Effort::Search, |i| {
        toned(i, |v| 255.0 * (v / 255.0).powf(0.7))
    }),
    ("gamma1.4", Effort::Search, |i| {
        toned(i, |v| 255.0 * (v / 255.0).powf(1.4))
    }),
    ("gray+j50", Effort::Search, |i| {
        coded(&DynamicImage::from(i.to_luma8()), 50)
    }),
    ("noise10+j60", Effort::Search, |i| {
        coded(&noisy(i, 10.0), 60)
    }),
    ("filter+r1080+j70", Effort::Search, |i| {
        let toned = toned(&saturated(i, 1.3), |v| {
            255.0 * (((v - 128.0) * 1.2 + 128.0).max(0.0) / 255.0).powf(0.9)
        })?;
        coded(&to_long(&toned, 1080)?, 70)
    }),
    ("hflip+j60", Effort::Search, |i| coded(&i.fliph(), 60)),
    ("rot90+j75", Effort::Search, |i| coded(&i.rotate90(), 75)),
    ("letterbox+j85", Effort::Search, |i| coded(&boxed(i), 85)),
    ("caption+j80", Effort::Search, |i| coded(&captioned(i), 80)),
    ("capbar+j80", Effort::Search, |i| coded(&barred(i), 80)),
    ("crop10+j75", Effort::Search, |i| {
        coded(&cropped(i, 0.10, 0.03, 0.90, 0.90), 75)
    }),
    ("crop10+r1080+j75", Effort::Search, |i| {
        coded(&to_long(&cropped(i, 0.10, 0.03, 0.90, 0.90), 1080)?, 75)
    }),
    ("crop25+j75", Effort::Search, |i| {
        coded(&cropped(i, 0.12, 0.12, 0.75, 0.75), 75)
    }),
    ("crop50area", Effort::Search, |i| {
        Ok(cropped(i, 0.15, 0.15, 0.70, 0.70))
    }),
    ("ar1:1+j75", Effort::Search, |i| coded(&aspect(i, 1.0), 75)),
    ("ar4:5+r1080+j75", Effort::Search, |i| {
        coded(&to_long(&aspect(i, 0.8), 1080)?, 75)
    }),
    ("rot2+j80", Effort::SearchRotated, |i| {
        coded(&turned(i, 2.0), 80)
    }),
    ("rot1+j80", Effort::SearchRotated, |i| {
        coded(&turned(i, -1.0), 80)
    }),
];

struct Source {
    name: String,
    pixels: DynamicImage,
    orientation: Orientation,
}

struct Trial {
    name: String,
    verdict: Verdict,
    psnr: f64,
    ssim: f64,
    z_q: f64,
    size: (u32, u32),
    embed_ms: f64,
    /// By attack: the detection, whether the id is right, milliseconds of CPU time.
    attacks: Vec<(Detection, bool, f64)>,
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let sources = sources(&arguments)?;
    let attacks: Vec<&Attack> = ATTACKS
        .iter()
        .filter(|(name, ..)| name.contains(&arguments.only))
        .filter(|(name, ..)| {
            !arguments
                .without
                .as_ref()
                .is_some_and(|without| name.contains(without))
        })
        .collect();
    let key = WatermarkKey::derive(b"watermark measurement key")?;
    let mut settings = EmbedSettings::default();
    settings.psnr_floor = arguments.psnr.unwrap_or(settings.psnr_floor);
    if let Some(least) = arguments.false_accepts {
        return false_accepts(&sources, &key, &settings, least, &arguments);
    }
    let trials: Vec<Trial> = sources
        .par_iter()
        .map(|source| tried(source, &key, &settings, &attacks))
        .collect::<Result<_>>()?;

    if arguments.list {
        for t in &trials {
            let lost = t
                .attacks
                .iter()
                .zip(&attacks)
                .filter(|((_, right, _), _)| !right);
            let lost: Vec<String> = lost
                .map(|((d, ..), (name, ..))| {
                    let wrong = if d.id.is_some() { " WRONG ID" } else { "" };
                    format!("{name}({:.0}{wrong})", d.exponent)
                })
                .collect();
            println!(
                "{:36} {:>4}x{:<4} {:?} psnr {:.2} ssim {:.4} z_q {:.1} embed {:.0} ms; lost: {}",
                t.name,
                t.size.0,
                t.size.1,
                t.verdict,
                t.psnr,
                t.ssim,
                t.z_q,
                t.embed_ms,
                lost.join(" ")
            );
        }
    }
    let class = |verdict: Verdict| trials.iter().filter(move |t| t.verdict == verdict);
    for verdict in [Verdict::Carried, Verdict::Fragile] {
        let sorted = |value: fn(&Trial) -> f64| {
            let mut values: Vec<f64> = class(verdict).map(value).collect();
            values.sort_by(f64::total_cmp);
            let at = |k: usize| values.get(k).copied().unwrap_or(f64::NAN);
            (at(0), at(values.len() / 2))
        };
        let ((psnr, psnr_median), (ssim, ssim_median)) = (sorted(|t| t.psnr), sorted(|t| t.ssim));
        println!(
            "{verdict:?}: {} of {}; PSNR min {psnr:.2} median {psnr_median:.2}; SSIM min {ssim:.4} median {ssim_median:.4}",
            class(verdict).count(),
            trials.len()
        );
    }
    println!("| attack | carried | fragile | median detect, CPU ms |\n|---|---|---|---|");
    let mut wrong = 0;
    for (k, (name, ..)) in attacks.iter().enumerate() {
        let count = |verdict| {
            let right = class(verdict).filter(|t| t.attacks[k].1).count();
            format!("{right}/{}", class(verdict).count())
        };
        let marked = trials.iter().filter(|t| !t.attacks.is_empty());
        wrong += marked
            .clone()
            .filter(|t| t.attacks[k].0.id.is_some() && !t.attacks[k].1)
            .count();
        let mut times: Vec<f64> = marked.map(|t| t.attacks[k].2).collect();
        times.sort_by(f64::total_cmp);
        let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
        println!(
            "| {name} | {} | {} | {median:.1} |",
            count(Verdict::Carried),
            count(Verdict::Fragile)
        );
    }
    println!("wrong ids: {wrong}");
    Ok(())
}

/// Images that do not depend on the keys they are tried with: as they are, and marked under another key.
#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn false_accepts(
    sources: &[Source],
    key: &WatermarkKey,
    settings: &EmbedSettings,
    least: u32,
    arguments: &Arguments,
) -> Result<()> {
    let images: Vec<(DynamicImage, Orientation)> = sources
        .par_iter()
        .flat_map(|source| {
            let id = ProofId::new(7);
            let embedding = embed(&source.pixels, source.orientation, id, key, settings, None);
            let images = [Some(source.pixels.clone()), embedding.image];
            images.map(|image| image.map(|image| (image, source.orientation)))
        })
        .flatten()
        .collect();
    let features: Vec<Features> = images
        .par_iter()
        .map(|(image, orientation)| Features::of(image, *orientation))
        .collect();
    let foreign = |kind: &[u8], k: u32| {
        let digest = Sha256::new()
            .chain_update(kind)
            .chain_update(k.to_le_bytes());
        WatermarkKey::derive(&digest.finalize())
    };
    println!(
        "{} images, of which {} marked under another key",
        images.len(),
        images.len() - sources.len()
    );
    let keys = least.div_ceil(images.len().max(1) as u32);
    let direct: Vec<Detection> = (0..keys)
        .into_par_iter()
        .map(|k| {
            let key = foreign(b"stage 0", k)?;
            Ok(features
                .iter()
                .map(|features| features.detect(&key))
                .collect())
        })
        .collect::<Result<Vec<Vec<Detection>>>>()?
        .concat();
    report("stage 0", &direct);
    for (name, effort, count) in [
        ("search", Effort::Search, arguments.searches),
        (
            "search, rotated",
            Effort::SearchRotated,
            arguments.rotated_searches,
        ),
    ] {
        let found: Vec<Detection> = (0..count)
            .into_par_iter()
            .map(|k| {
                let key = foreign(name.as_bytes(), k)?;
                let (image, orientation) = images
                    .get(k as usize % images.len().max(1))
                    .context("no images")?;
                Ok(detect(image, *orientation, &key, effort))
            })
            .collect::<Result<_>>()?;
        report(name, &found);
    }
    Ok(())
}

/// How many were accepted, and what rate that bounds: with none in n, 3/n at 95 % (the rule of three).
#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn report(name: &str, detections: &[Detection]) {
    if detections.is_empty() {
        return;
    }
    let count = |counts: &dyn Fn(&Detection) -> bool| {
        detections
            .iter()
            .filter(|detection| counts(detection))
            .count()
    };
    let largest = detections.iter().map(|d| d.exponent).fold(0.0, f64::max);
    let decodes: u64 = detections.iter().map(|d| u64::from(d.decodes)).sum();
    let accepted = count(&|d| d.id.is_some());
    let bound = if accepted == 0 {
        format!("below {:.1e} at 95 %", 3.0 / detections.len() as f64)
    } else {
        "not bounded".to_owned()
    };
    println!(
        "{name}: {} trials, {decodes} decodes, {} with a right checksum, largest exponent {largest:.1}, accepted {accepted}: {bound}",
        detections.len(),
        count(&|d| d.exponent > 0.0),
    );
}

fn tried(
    source: &Source,
    key: &WatermarkKey,
    settings: &EmbedSettings,
    attacks: &[&Attack],
) -> Result<Trial> {
    let digest = Sha256::digest(source.name.as_bytes());
    let id = ProofId::new(
        digest
            .iter()
            .take(8)
            .fold(0, |id, &byte| id << 8 | u64::from(byte)),
    );
    let probe = |image: &DynamicImage| coded(image, 60).ok();
    let start = ThreadTime::now();
    let embedding = embed(&source.pixels, source.orientation, id, key, settings, None);
    let embed_ms = start.elapsed().as_secs_f64() * 1e3;
    let embedding = if embedding.verdict == Verdict::Carried {
        embed(
            &source.pixels,
            source.orientation,
            id,
            key,
            settings,
            Some(&probe),
        )
    } else {
        embedding
    };
    let mut results = Vec::new();
    if let Some(mut marked) = embedding.image {
        marked.apply_orientation(source.orientation);
        for (name, effort, attack) in attacks {
            let received = attack(&marked).with_context(|| format!("{name} on {}", source.name))?;
            let start = ThreadTime::now();
            let detection = detect(&received, Orientation::NoTransforms, key, *effort);
            let right = detection.id == Some(id);
            results.push((detection, right, start.elapsed().as_secs_f64() * 1e3));
        }
    }
    Ok(Trial {
        name: source.name.clone(),
        verdict: embedding.verdict,
        psnr: embedding.psnr,
        ssim: embedding.ssim,
        z_q: embedding.z_q,
        size: (source.pixels.width(), source.pixels.height()),
        embed_ms,
        attacks: results,
    })
}

fn sources(arguments: &Arguments) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    if let Some(folder) = &arguments.photos {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<_>>()?;
        paths.sort();
        for path in paths
            .iter()
            .filter(|path| path.extension().is_none_or(|extension| extension != "tsv"))
        {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let aside = Sha256::digest(name.as_bytes())
                .first()
                .is_some_and(|byte| byte % 3 == 2);
            if aside == arguments.set_aside {
                sources.push(source(name, &read(path)?, arguments.cap)?);
            }
        }
    }
    let set = SyntheticSet::new(7);
    for index in 0..arguments.synthetic {
        let image = set.load(index)?;
        sources.push(source(image.entry.name, &image.bytes, arguments.cap)?);
    }
    Ok(sources)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

fn source(name: String, bytes: &[u8], cap: u32) -> Result<Source> {
    let decoded = decode::decode(bytes).with_context(|| format!("failed to decode {name}"))?;
    let long = decoded.pixels.width().max(decoded.pixels.height());
    let pixels = if long > cap {
        to_long(&decoded.pixels, cap)?
    } else {
        decoded.pixels
    };
    Ok(Source {
        name,
        pixels,
        orientation: decoded.orientation,
    })
}

fn reopened(bytes: &[u8]) -> Result<DynamicImage> {
    Ok(decode::decode(bytes)?.pixels)
}

/// Colours over white, as 8-bit RGB.
fn flat(image: &DynamicImage) -> RgbImage {
    let image = image.to_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [colours @ .., alpha] = image.get_pixel(x, y).0;
        Rgb(colours.map(|c| {
            ((u32::from(c) * u32::from(alpha) + 255 * (255 - u32::from(alpha)) + 127) / 255) as u8
        }))
    })
}

fn coded(image: &DynamicImage, quality: u8) -> Result<DynamicImage> {
    let settings = jpeg::Settings {
        encoder: jpeg::Encoder::LibjpegTurbo,
        quality,
        chroma: jpeg::Chroma::Quarter,
        progressive: false,
    };
    let image = if image.color().has_color() {
        flat(image).into()
    } else {
        DynamicImage::from(image.to_luma8())
    };
    reopened(&jpeg::encode(&image, settings)?)
}

fn webp_coded(image: &DynamicImage, quality: u8) -> Result<DynamicImage> {
    let settings = webp::Settings {
        quality,
        method: 4,
        lossless: false,
    };
    reopened(&webp::encode(&flat(image).into(), settings)?)
}

fn avif_coded(image: &DynamicImage, quality: u8) -> Result<DynamicImage> {
    reopened(&avif::encode(&flat(image).into(), quality, 10)?)
}

fn palette(image: &DynamicImage) -> Result<DynamicImage> {
    let mut gif = Cursor::new(Vec::new());
    DynamicImage::from(DynamicImage::from(flat(image)).to_rgba8())
        .write_to(&mut gif, ImageFormat::Gif)?;
    reopened(gif.get_ref())
}

fn to_long(image: &DynamicImage, long: u32) -> Result<DynamicImage> {
    let factor = f64::from(long) / f64::from(image.width().max(image.height()));
    by(image, factor)
}

fn by(image: &DynamicImage, factor: f64) -> Result<DynamicImage> {
    let side = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
    resized(
        image,
        side(image.width()),
        side(image.height()),
        Filter::Lanczos3,
    )
    .map_err(|reason| anyhow!(reason))
}

fn recoded(image: &DynamicImage) -> Result<DynamicImage> {
    let image = by(&coded(image, 80)?, 0.9)?;
    let image = by(&webp_coded(&image, 70)?, 0.9)?;
    let image = by(&coded(&image, 75)?, 1.1)?;
    let image = by(&coded(&image, 75)?, 0.85)?;
    webp_coded(&image, 65)
}

fn each(image: &DynamicImage, mut change: impl FnMut([f32; 3]) -> [f32; 3]) -> DynamicImage {
    let mut image = flat(image);
    for pixel in image.pixels_mut() {
        pixel.0 = change(pixel.0.map(f32::from)).map(|value| (value + 0.5) as u8);
    }
    image.into()
}

fn toned(image: &DynamicImage, tone: impl Fn(f32) -> f32) -> Result<DynamicImage> {
    Ok(each(image, |pixel| pixel.map(&tone)))
}

fn saturated(image: &DynamicImage, factor: f32) -> DynamicImage {
    each(image, |pixel| {
        let luma = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
        pixel.map(|value| luma + factor * (value - luma))
    })
}

fn noisy(image: &DynamicImage, deviation: f32) -> DynamicImage {
    let mut state = 1_u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    each(image, |pixel| {
        pixel.map(|value| value + deviation * ((0..12).map(|_| uniform()).sum::<f32>() - 6.0))
    })
}

fn cropped(image: &DynamicImage, left: f64, top: f64, width: f64, height: f64) -> DynamicImage {
    let (w, h) = (f64::from(image.width()), f64::from(image.height()));
    image.crop_imm(
        (left * w) as u32,
        (top * h) as u32,
        (width * w) as u32,
        (height * h) as u32,
    )
}

fn aspect(image: &DynamicImage, aspect: f64) -> DynamicImage {
    let (w, h) = (f64::from(image.width()), f64::from(image.height()));
    let (width, height) = if w > h * aspect {
        (h * aspect / w, 1.0)
    } else {
        (1.0, w / aspect / h)
    };
    cropped(
        image,
        (1.0 - width) / 2.0,
        (1.0 - height) / 2.0,
        width,
        height,
    )
}

fn boxed(image: &DynamicImage) -> DynamicImage {
    let inner = flat(&image.resize(1080, 1920, imageops::FilterType::CatmullRom));
    let mut canvas = RgbImage::new(1080, 1920);
    let place = |side: u32, full: u32| i64::from((full - side) / 2);
    imageops::replace(
        &mut canvas,
        &inner,
        place(inner.width(), 1080),
        place(inner.height(), 1920),
    );
    canvas.into()
}

/// Something like lines of text.
fn write_over(image: &mut RgbImage, top: u32, height: u32, ink: Rgb<u8>) {
    let size = (height / 3).max(4);
    let width = image.width();
    for y in top + size / 2..(top + height).saturating_sub(size / 2).min(image.height()) {
        for x in width / 12..width - width / 12 {
            let (letter, within) = (x / size, (x % size, (y - top) % size));
            let stroke = (letter * 7 + within.0 / 2 * 3 + within.1 / 2 * 5) % 3 == 0;
            if letter % 6 != 5 && stroke && within.0 * 4 < size * 3 && within.1 * 4 < size * 3 {
                image.put_pixel(x, y, ink);
            }
        }
    }
}

fn captioned(image: &DynamicImage) -> DynamicImage {
    let mut image = flat(image);
    let height = image.height() / 9;
    let top = image.height() - height - image.height() / 20;
    write_over(&mut image, top, height, Rgb([255; 3]));
    image.into()
}

fn barred(image: &DynamicImage) -> DynamicImage {
    let inner = flat(image);
    let bar = inner.height() / 5;
    let mut canvas = RgbImage::from_pixel(inner.width(), inner.height() + bar, Rgb([255; 3]));
    write_over(&mut canvas, 0, bar, Rgb([0; 3]));
    imageops::replace(&mut canvas, &inner, 0, i64::from(bar));
    canvas.into()
}

/// Turned about the centre, bilinear, the corners black.
fn turned(image: &DynamicImage, degrees: f32) -> DynamicImage {
    let image = flat(image);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (cx, cy) = (image.width() as f32 / 2.0, image.height() as f32 / 2.0);
    let turned = RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let (u, v) = (x as f32 + 0.5 - cx, y as f32 + 0.5 - cy);
        let (x, y) = (cos * u + sin * v + cx - 0.5, cos * v - sin * u + cy - 0.5);
        imageops::interpolate_bilinear(&image, x, y).unwrap_or(Rgb([0; 3]))
    });
    turned.into()
}
