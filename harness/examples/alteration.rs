//! Measures how often a local edit of a signed image is noticed after a pipeline, beside false alarms on images that
//! only went through the pipeline.
//!
//! ```text
//! cargo run -p credlink-harness --example alteration -- --synthetic 60 > docs/ALTERATION.md
//! ```
//!
//! Every image is signed with all carriers, edited, saved without any metadata, sent through each pipeline and verified
//! as a stranger would: the pixels alone lead to the proof, and the proof's content sketch tells where they differ.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::reencode::Rewriter;
use credlink_harness::{clock, identity, received};
use credlink_reports::stats::{Clusters, Interval};
use credlink_sign_core::outcome::conclude;
use credlink_sign_core::sketch::Verdict;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::watermark::Effort;
use credlink_sign_core::{ImageFile as SignFile, Marker, ProofId, Signer, Verifier};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::file::ImageFile;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use image::imageops::{self, FilterType};
use image::{DynamicImage, Rgb, RgbImage};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

#[derive(Parser)]
struct Arguments {
    /// Images of the synthetic set.
    #[arg(long, default_value_t = 0)]
    synthetic: usize,
    /// Seed of the synthetic set, of keys and of places.
    #[arg(long, default_value_t = 21)]
    seed: u64,
    /// A folder of JPEG, PNG and WebP files, as well.
    #[arg(long)]
    photos: Option<PathBuf>,
}

/// What happens after the edit. The synthetic images are smaller than the first one's 1600 pixels.
const PIPELINES: [(&str, &str); 3] = [
    ("messaging/whatsapp", "JPEG 75"),
    ("social/instagram", "1080 pixels wide, JPEG 75"),
    ("conversion/libvips-webp", "WebP 75"),
];

/// A rectangle: left, top, width, height, pixels.
type Place = [u32; 4];

/// Draws on an image at a place; the second image is another one, of the same class if there is one.
type Draw = fn(&mut RgbImage, &RgbImage, Place);

struct Edit {
    name: &'static str,
    /// Width and height as shares of the image's.
    size: (f64, f64),
    /// Only pages have words to change.
    on_pages_only: bool,
    draw: Draw,
}

const fn edit(name: &'static str, width: f64, height: f64, draw: Draw) -> Edit {
    Edit {
        name,
        size: (width, height),
        on_pages_only: false,
        draw,
    }
}

const EDITS: [Edit; 8] = [
    edit("object pasted, 1 % of the area", 0.113, 0.113, pasted),
    edit("object pasted, 3 %", 0.195, 0.195, pasted),
    edit("object pasted, 10 %", 0.357, 0.357, pasted),
    edit("region removed, 3 %", 0.173, 0.173, removed),
    edit("region removed, 10 %", 0.316, 0.316, removed),
    edit("face-sized region swapped, 4 %", 0.2, 0.2, swapped),
    Edit {
        on_pages_only: true,
        ..edit("a line of words replaced, 1 %", 0.3, 0.035, replaced)
    },
    Edit {
        on_pages_only: true,
        ..edit("a paragraph replaced, 6 %", 0.5, 0.12, replaced)
    },
];

/// False-alarm rates at which the limits of the curve are set.
const FALSE_ALARMS: [f64; 5] = [0.0, 0.01, 0.02, 0.05, 0.1];

/// A coordinate's distance from a place's middle in half widths.
fn from_middle(at: u32, length: u32) -> f64 {
    (f64::from(at) + 0.5) / f64::from(length) * 2.0 - 1.0
}

fn blended(under: &mut Rgb<u8>, over: Rgb<u8>, opacity: f64) {
    for (a, b) in under.0.iter_mut().zip(over.0) {
        *a = (f64::from(*a) * (1.0 - opacity) + f64::from(b) * opacity).round() as u8;
    }
}

/// An ellipse of another image, with an edge of a twentieth of its radius.
fn pasted(image: &mut RgbImage, other: &RgbImage, [left, top, width, height]: Place) {
    let object = imageops::resize(other, width, height, FilterType::Triangle);
    for (x, y, pixel) in object.enumerate_pixels() {
        let radius = from_middle(x, width).hypot(from_middle(y, height));
        let opacity = ((1.0 - radius) * 20.0).clamp(0.0, 1.0);
        blended(image.get_pixel_mut(left + x, top + y), *pixel, opacity);
    }
}

/// The same place of another image, with a soft edge.
fn swapped(image: &mut RgbImage, other: &RgbImage, place: Place) {
    let [left, top, width, height] = place;
    let other = imageops::resize(other, image.width(), image.height(), FilterType::Triangle);
    for y in 0..height {
        for x in 0..width {
            let edge = from_middle(x, width)
                .abs()
                .max(from_middle(y, height).abs());
            let opacity = ((1.0 - edge) * 10.0).clamp(0.0, 1.0);
            let pixel = *other.get_pixel(left + x, top + y);
            blended(image.get_pixel_mut(left + x, top + y), pixel, opacity);
        }
    }
}

/// Painted over from its four borders: between them, the nearer a border the more it counts.
fn removed(image: &mut RgbImage, _: &RgbImage, [left, top, width, height]: Place) {
    let source = image.clone();
    let (right, bottom) = (left + width - 1, top + height - 1);
    for y in top..=bottom {
        for x in left..=right {
            let borders = [
                (left, y, x - left),
                (right, y, right - x),
                (x, top, y - top),
                (x, bottom, bottom - y),
            ];
            let (mut sum, mut total) = ([0.0; 3], 0.0);
            for (u, v, distance) in borders {
                let weight = 1.0 / f64::from(distance + 1);
                total += weight;
                for (sum, value) in sum.iter_mut().zip(source.get_pixel(u, v).0) {
                    *sum += weight * f64::from(value);
                }
            }
            image.put_pixel(x, y, Rgb(sum.map(|sum| (sum / total).round() as u8)));
        }
    }
}

/// What stands elsewhere on the same page: a third of the page further down, around its end.
fn replaced(image: &mut RgbImage, _: &RgbImage, [left, top, width, height]: Place) {
    let source = image.clone();
    let from = (top + image.height() / 3) % (image.height() - height);
    let part = imageops::crop_imm(&source, left, from, width, height).to_image();
    imageops::replace(image, &part, i64::from(left), i64::from(top));
}

/// A number that follows from what it is for.
fn drawn(seed: u64, purpose: &str) -> u64 {
    let hash = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(purpose)
        .finalize();
    u64::from_le_bytes(std::array::from_fn(|index| hash[index]))
}

impl Edit {
    /// A place within the image, away from its border by 5 % of each side.
    fn place(&self, image: &RgbImage, key: u64) -> Place {
        let along = |length: u32, share: f64, key: u64| {
            let size = ((f64::from(length) * share).round() as u32).clamp(1, length);
            let margin = ((f64::from(length) * 0.05) as u32).min((length - size) / 2);
            let room = u64::from(length - size - 2 * margin);
            (margin + (key % (room + 1)) as u32, size)
        };
        let (left, width) = along(image.width(), self.size.0, key >> 32);
        let (top, height) = along(image.height(), self.size.1, key & 0xffff_ffff);
        [left, top, width, height]
    }
}

struct Source {
    name: String,
    class: String,
    bytes: Vec<u8>,
}

fn sources(arguments: &Arguments) -> Result<Vec<Source>> {
    let set = SyntheticSet::new(arguments.seed);
    let mut sources = Vec::new();
    for index in 0..arguments.synthetic {
        let image = set.load(index)?;
        sources.push(Source {
            name: image.entry.name,
            class: image.entry.class,
            bytes: image.bytes,
        });
    }
    if let Some(folder) = &arguments.photos {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .with_context(|| folder.display().to_string())?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        paths.sort();
        for path in paths {
            sources.push(Source {
                name: path.display().to_string(),
                class: "photo".to_owned(),
                bytes: std::fs::read(&path)?,
            });
        }
    }
    Ok(sources)
}

/// One received image.
struct Op {
    /// Place of the source.
    source: usize,
    pipeline: usize,
    /// Place in [`EDITS`]; `None` where nothing was edited.
    edit: Option<usize>,
    end: End,
}

/// What became of the proof.
enum End {
    Recovered(Found),
    /// A pointer led to it, but the pixels did not confirm it.
    Unconfirmed,
    Lost,
    /// Another image's proof was accepted.
    Wrong,
}

impl Op {
    fn found(&self) -> Option<&Found> {
        match &self.end {
            End::Recovered(found) => Some(found),
            _ => None,
        }
    }
}

/// How far the content differs from the proof that was found.
struct Found {
    local: f32,
    region: f32,
    /// Bits; where the fingerprint says nothing, all.
    fingerprint: u32,
    verdict: Verdict,
}

/// A signed image: its proof and its pixels as displayed.
struct Signed {
    id: ProofId,
    pixels: RgbImage,
}

fn displayed(bytes: &[u8]) -> Result<DynamicImage> {
    let pixels = received::decode_bytes(bytes).map_err(|error| anyhow!(error))?;
    let mut image = DynamicImage::clone(&pixels.image);
    image.apply_orientation(pixels.orientation);
    Ok(image)
}

fn verified(verifier: &Verifier, id: ProofId, bytes: &[u8]) -> End {
    let file = SignFile::new(bytes, &received::decode_bytes);
    let verification = verifier.verify(&file, &clock::wall_nanos);
    let conclusion = conclude(verification.findings());
    match conclusion.accepted {
        Some(accepted) if accepted.proof != id || !conclusion.disagreeing.is_empty() => End::Wrong,
        Some(_) => match verifier.compared_with(&file, id) {
            Some(comparison) => End::Recovered(Found {
                local: comparison.local_difference,
                region: comparison.largest_difference,
                fingerprint: verifier.distance_to(&file, id).unwrap_or(256),
                verdict: comparison.verdict,
            }),
            None => End::Lost,
        },
        None if conclusion.unconfirmed == Some(id) => End::Unconfirmed,
        None => End::Lost,
    }
}

/// Signs every image; `None` where it cannot be.
fn signed(arguments: &Arguments, sources: &[Source]) -> Result<(Verifier, Vec<Option<Signed>>)> {
    let secret = identity::watermark_of_run(None, arguments.seed)?;
    let signer = Signer::new(identity::of_run(None, arguments.seed)?)?
        .with_marker(Marker::new(secret.key()?));
    let store = ProofStoreBuilder::in_memory();
    let signed: Vec<Option<Signed>> = sources
        .par_iter()
        .enumerate()
        .map(|(index, source)| {
            let id = identity::proof_id(arguments.seed, index);
            let rewriter = Rewriter::of(&source.bytes);
            let file =
                SignFile::new(&source.bytes, &received::decode_bytes).with_encoder(&rewriter);
            let made = signer.sign(&file, id).ok()?;
            let pixels = displayed(&made.bytes).ok()?.to_rgb8();
            store.insert(made.record, &made.manifest).ok()?;
            Some(Signed { id, pixels })
        })
        .collect();
    let anchor = signer.identity().anchor()?;
    let verifier = Verifier::new(vec![anchor], Arc::new(store.seal()?))?
        .with_watermark(secret.key()?, Effort::Search);
    Ok((verifier, signed))
}

/// The edit, saved as PNG without metadata; `None` where it does not apply.
fn edited(
    arguments: &Arguments,
    sources: &[Source],
    signed: &[Option<Signed>],
    at: usize,
    edit: Option<usize>,
) -> Option<RgbImage> {
    let mut image = signed[at].as_ref()?.pixels.clone();
    let Some(number) = edit else {
        return Some(image);
    };
    let edit = &EDITS[number];
    let class = sources[at].class.as_str();
    if edit.on_pages_only && !matches!(class, "document" | "screenshot") {
        return None;
    }
    let others = || (1..sources.len()).map(|k| (at + k) % sources.len());
    let usable = |k: &usize| signed[*k].is_some();
    let other = others()
        .filter(usable)
        .find(|k| sources[*k].class == class)
        .or_else(|| others().find(usable))?;
    let other = &signed[other].as_ref()?.pixels;
    let key = drawn(
        arguments.seed,
        &format!("{} {}", edit.name, sources[at].name),
    );
    let place = edit.place(&image, key);
    (edit.draw)(&mut image, other, place);
    Some(image)
}

fn png(image: RgbImage) -> Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(image).write_to(&mut bytes, image::ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

fn measured(arguments: &Arguments, sources: &[Source]) -> Result<(usize, Vec<Op>)> {
    let catalogue = Catalogue::embedded()?;
    let recipes: Vec<Arc<Recipe>> = PIPELINES
        .iter()
        .flat_map(|(id, _)| catalogue.select(id))
        .collect();
    if recipes.len() != PIPELINES.len() {
        return Err(anyhow!("the catalogue does not hold each pipeline once"));
    }
    let (verifier, signed) = signed(arguments, sources)?;
    let ops: Vec<Vec<Op>> = (0..sources.len())
        .into_par_iter()
        .map(|source| {
            let mut ops = Vec::new();
            for edit in std::iter::once(None).chain((0..EDITS.len()).map(Some)) {
                let (Some(image), Some(proof)) = (
                    edited(arguments, sources, &signed, source, edit),
                    &signed[source],
                ) else {
                    continue;
                };
                let file = Arc::new(ImageFile::new(png(image)?)?);
                for (pipeline, recipe) in recipes.iter().enumerate() {
                    let clock = || 0;
                    let sent = recipe
                        .apply(&file, &Meter::new(&clock))
                        .map_err(|error| anyhow!("{}: {error}", recipe.id))?;
                    let end = verified(&verifier, proof.id, sent.bytes());
                    ops.push(Op {
                        source,
                        pipeline,
                        edit,
                        end,
                    });
                }
            }
            Ok(ops)
        })
        .collect::<Result<_>>()?;
    let usable = signed.iter().flatten().count();
    Ok((usable, ops.into_iter().flatten().collect()))
}

/// Counts with an interval over images, since one image goes through several pipelines.
fn rate<'a>(ops: impl Iterator<Item = &'a Op>, hit: impl Fn(&Op) -> Option<bool>) -> String {
    let mut counts: std::collections::BTreeMap<usize, [u32; 2]> = std::collections::BTreeMap::new();
    for op in ops {
        if let Some(hit) = hit(op) {
            let counts = counts.entry(op.source).or_default();
            counts[0] += 1;
            counts[1] += u32::from(hit);
        }
    }
    let [n, k] = counts
        .values()
        .fold([0, 0], |[n, k], counts| [n + counts[0], k + counts[1]]);
    let clusters = Clusters::of(2, counts.into_values());
    match clusters.rates(0, &[1], 0.05, 1).first() {
        Some(Some(Interval { low, high })) => format!(
            "{k}/{n} = {:.1} % ({:.1}–{:.1})",
            100.0 * f64::from(k) / f64::from(n),
            100.0 * low,
            100.0 * high
        ),
        _ => "not measured".to_owned(),
    }
}

/// A measure of how far the content differs, and how its limits are printed.
type Measure = (&'static str, fn(&Found) -> f64, usize);

const MEASURES: [Measure; 3] = [
    (
        "largest difference over two by two cells of the sketch",
        |f| f64::from(f.local),
        3,
    ),
    (
        "largest connected region of differing cells, share of what is seen",
        |f| f64::from(f.region),
        3,
    ),
    (
        "distance to the registered fingerprint, bits of 256",
        |f| f64::from(f.fingerprint),
        0,
    ),
];

/// The limit that at most this share of the values lies above.
fn limit(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let above = (share * sorted.len() as f64).floor() as usize;
    sorted
        .len()
        .checked_sub(above + 1)
        .map_or(f64::INFINITY, |at| sorted[at])
}

/// The probability that an edited image has a higher value than an unedited one, ties counting half: the area under
/// the curve (Hanley and McNeil, "The Meaning and Use of the Area under a ROC Curve", 1982).
fn area(unedited: &[f64], edited: &[f64]) -> f64 {
    let mut sum = 0.0;
    for a in unedited {
        for b in edited {
            sum += match b.total_cmp(a) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    sum / (unedited.len() * edited.len()).max(1) as f64
}

fn report(arguments: &Arguments, images: usize, ops: &[Op]) -> Result<String> {
    let mut text = String::new();
    let of = |edit: Option<usize>| ops.iter().filter(move |op| op.edit == edit);
    let name = |edit: Option<usize>| edit.map_or("nothing", |number| EDITS[number].name);
    let kinds = || std::iter::once(None).chain((0..EDITS.len()).map(Some));
    let mut command = "cargo run -p credlink-harness --example alteration --".to_owned();
    if arguments.synthetic > 0 {
        write!(command, " --synthetic {}", arguments.synthetic)?;
    }
    if arguments.photos.is_some() {
        command += " --photos DIR";
    }
    write!(command, " --seed {}", arguments.seed)?;
    writeln!(text, "# Is a local edit noticed?\n")?;
    writeln!(
        text,
        "Made by `{command}`; do not edit. {images} signed images, {} ops. Each image was signed with all carriers,",
        ops.len()
    )?;
    writeln!(
        text,
        "edited, saved without metadata, sent through {} and verified. Pixels alone lead to the proof. Intervals are",
        PIPELINES
            .map(|(id, what)| format!("`{id}` ({what})"))
            .join(", ")
    )?;
    writeln!(
        text,
        "95 %, over images. What follows a recovered proof never says that an image is unaltered.\n"
    )?;
    let wrong = ops.iter().filter(|op| matches!(op.end, End::Wrong)).count();
    writeln!(text, "Proofs of other images accepted: {wrong}.\n")?;

    writeln!(text, "## By edit\n")?;
    writeln!(
        text,
        "Unconfirmed: a pointer led to the proof, but the pixels did not confirm it. Noticed: of the images whose proof was"
    )?;
    writeln!(
        text,
        "recovered, those that the sketch calls altered or different. The limits stand in `sign-core/src/sketch/compare.rs` and were not chosen on these images.\n"
    )?;
    writeln!(
        text,
        "| edit | proof recovered | unconfirmed | noticed |\n|---|--:|--:|--:|"
    )?;
    let noticed = |op: &Op| {
        let found = op.found()?;
        Some(matches!(
            found.verdict,
            Verdict::Altered | Verdict::Different
        ))
    };
    for edit in kinds() {
        writeln!(
            text,
            "| {} | {} | {} | {} |",
            name(edit),
            rate(of(edit), |op| Some(op.found().is_some())),
            rate(of(edit), |op| Some(matches!(op.end, End::Unconfirmed))),
            rate(of(edit), noticed)
        )?;
    }
    writeln!(text, "\n## By pipeline\n")?;
    writeln!(
        text,
        "| pipeline | edited: recovered | edited: noticed | nothing edited: false alarms |\n|---|--:|--:|--:|"
    )?;
    for (number, (id, _)) in PIPELINES.iter().enumerate() {
        let through = |edited: bool| {
            ops.iter()
                .filter(move |op| op.pipeline == number && op.edit.is_some() == edited)
        };
        writeln!(
            text,
            "| `{id}` | {} | {} | {} |",
            rate(through(true), |op| Some(op.found().is_some())),
            rate(through(true), noticed),
            rate(through(false), noticed)
        )?;
    }

    writeln!(text, "\n## Detection against false alarm\n")?;
    writeln!(
        text,
        "The limit of each row is the smallest that raises no more than that share of false alarms on these very unedited"
    )?;
    writeln!(
        text,
        "images (in-sample), over all pipelines; an image is flagged above it.\n"
    )?;
    for (title, measure, digits) in MEASURES {
        let values = |edit: Option<usize>| -> Vec<f64> {
            let found = of(edit).filter_map(Op::found);
            found.map(measure).collect()
        };
        let unedited = values(None);
        let edited: Vec<f64> = (0..EDITS.len())
            .flat_map(|number| values(Some(number)))
            .collect();
        writeln!(
            text,
            "### By the {title}\n\nArea under the curve, all edits: {:.3}.\n",
            area(&unedited, &edited)
        )?;
        write!(text, "| limit | false alarms | all edits |")?;
        for edit in &EDITS {
            write!(text, " {} |", edit.name)?;
        }
        writeln!(text, "\n|--:|--:|--:|{}", "--:|".repeat(EDITS.len()))?;
        let mut limits = FALSE_ALARMS.map(|share| limit(&unedited, share)).to_vec();
        // Few different values leave few different limits.
        limits.dedup();
        for limit in limits {
            let flagged = |op: &Op| op.found().map(|found| measure(found) > limit);
            let every = ops.iter().filter(|op| op.edit.is_some());
            write!(
                text,
                "| {limit:.digits$} | {} | {} |",
                rate(of(None), flagged),
                rate(every, flagged)
            )?;
            for number in 0..EDITS.len() {
                let hits = of(Some(number)).filter_map(flagged);
                let (k, n) = hits.fold((0, 0), |(k, n), hit| (k + u32::from(hit), n + 1));
                if n == 0 {
                    write!(text, " not measured |")?;
                } else {
                    write!(text, " {k}/{n} |")?;
                }
            }
            writeln!(text)?;
        }
        writeln!(text)?;
    }
    Ok(text.trim_end().to_owned())
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let sources = sources(&arguments)?;
    let (images, ops) = measured(&arguments, &sources)?;
    println!("{}", report(&arguments, images, &ops)?);
    Ok(())
}
