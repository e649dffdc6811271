//! Pictures of example ops, made after a run from the files it kept: rows say that a proof was lost, a picture says why.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use credlink_image_files::ImageFile;
use credlink_reports::gallery::{
    BUDGET, Choice, Exhibit, FOLDER, Gallery, LONGEST_SIDE, Picture, Stripped, choose,
};
use credlink_reports::rows::{Rows, read_ops};
use credlink_reports::{RunDir, RunHeader};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use credlink_transforms::recipe::steps::resize::{Filter, resized};
use credlink_transforms::resign::Surroundings;
use image::{DynamicImage, RgbImage};
use rayon::prelude::*;

use crate::recipes;
use crate::thumbnail;
use crate::trace::{self, Stop};
use crate::trial::delivery;

/// How much differences are amplified.
const AMPLIFICATION: u16 = 8;
/// JPEG quality of the pictures.
const QUALITY: u8 = 75;

const COLUMNS: &[&str] = &[
    "trial",
    "pipeline",
    "outcome",
    "class",
    "signed_bytes",
    "image",
    "error",
    "error_cause",
    "name",
];
const CELLS: &[&str] = &["state", "distance", "codes"];

/// An exhibit with its pictures, not yet written.
struct Made {
    exhibit: Exhibit,
    files: Vec<(String, Vec<u8>)>,
}

/// Chooses examples from the rows of a finished run, runs their pipelines again on the signed files, and writes small
/// pictures and `gallery.json`. What cannot be made is left out and counted; the rows are not touched.
///
/// # Errors
/// When the rows cannot be read or the pictures not written.
pub fn make(run_dir: &RunDir, header: &RunHeader, stop: &AtomicBool) -> Result<Gallery> {
    let choices = choose(header, &run_dir.rows())?;
    let chosen = choices.iter().map(|choice| choice.op).collect();
    let rows = read_ops(&run_dir.rows(), COLUMNS, CELLS, &chosen)?;
    let catalogue = recipes::catalogue_of(run_dir)?;
    let one = |choice: &Choice| -> Option<Made> {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let attempt = catch_unwind(AssertUnwindSafe(|| {
            exhibit(run_dir, &rows, choice, &catalogue)
        }));
        attempt.ok()?.ok()
    };
    let made: Vec<Option<Made>> = choices.par_iter().map(one).collect();
    let folder = run_dir.root().join(FOLDER);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("failed to make {}", folder.display()))?;
    let mut gallery = Gallery::default();
    let mut spent = 0;
    for made in made {
        let Some(made) = made else {
            gallery.left_out += 1;
            continue;
        };
        let size: u64 = made.files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        if spent + size > BUDGET {
            gallery.left_out += 1;
            continue;
        }
        spent += size;
        for (name, bytes) in &made.files {
            let path = folder.join(name);
            std::fs::write(&path, bytes)
                .with_context(|| format!("failed to write {}", path.display()))?;
        }
        gallery.exhibits.push(made.exhibit);
    }
    gallery.write(run_dir.root())?;
    Ok(gallery)
}

/// The signed file of an image in a run directory, and its name there.
///
/// # Errors
/// When it is not there, naming where it was looked for.
pub fn signed_file(run_dir: &RunDir, image: u32) -> Result<(PathBuf, String)> {
    let (path, name) = file_of(&run_dir.signed(), &format!("{image:07}."))?;
    Ok((path, format!("signed/{name}")))
}

/// The first file of a folder whose name begins with `stem`, and that name.
///
/// # Errors
/// When there is none.
pub fn file_of(folder: &Path, stem: &str) -> Result<(PathBuf, String)> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("failed to read {}", folder.display()))?;
    // A link would show what lies elsewhere.
    let files = entries.filter_map(|entry| {
        entry
            .ok()
            .filter(|it| it.file_type().is_ok_and(|it| it.is_file()))
    });
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let name = names.filter(|name| name.starts_with(stem)).min();
    let name = name.with_context(|| {
        format!(
            "{} holds no file {stem}*, which is needed to run an op again",
            folder.display()
        )
    })?;
    Ok((folder.join(&name), name))
}

fn exhibit(run_dir: &RunDir, rows: &Rows, choice: &Choice, catalogue: &Catalogue) -> Result<Made> {
    let op = choice.op;
    let row = rows.big("op")?.iter().position(|known| known == Some(op));
    let row = row.with_context(|| format!("the rows have no op {op}"))?;
    let text = |column: &str| -> Result<String> {
        Ok(rows.texts(column)?.get(row).unwrap_or_default().to_owned())
    };
    let image = rows.small("image")?.get(row).unwrap_or_default();
    let pipeline = text("pipeline")?;
    let recipe = catalogue
        .get(&pipeline)
        .with_context(|| format!("the catalogue no longer has {pipeline}"))?;
    ensure!(
        !recipe.is_live(),
        "{pipeline} asks a real server, which is asked once"
    );
    let (path, signed_file) = signed_file(run_dir, image)?;
    let signed = Arc::new(ImageFile::new(std::fs::read(&path)?)?);
    let clock = || 0;
    let meter = Meter::new(&clock);
    let frame = signed.frame()?;
    let before = thumbnail::shown(&frame.pixels, frame.orientation);
    let signed_size = (signed.bytes().len() as u64, before.width(), before.height());
    let mut files = Vec::new();
    let mut add = |what: &str, picture: &DynamicImage| -> Result<Picture> {
        let (file, bytes) = (
            format!("{op}-{what}.jpg"),
            thumbnail::encoded(picture, QUALITY)?,
        );
        files.push((file.clone(), bytes));
        Ok(Picture {
            file,
            width: picture.width(),
            height: picture.height(),
        })
    };
    let signed_picture = add("signed", &thumbnail::small(&before, LONGEST_SIDE)?)?;
    let mut exhibit = Exhibit {
        op,
        pipeline,
        shows: choice.shows,
        outcome: rows.outcome(row)?,
        cause: cause(rows, row)?,
        name: text("name")?,
        class: text("class")?,
        signed_file,
        signed_size,
        received_size: None,
        received_format: String::new(),
        signed: signed_picture,
        received: None,
        difference: None,
        difference_note: "No difference: nothing came out.".to_owned(),
        stripped: stripped(recipe, &signed, delivery::surroundings(&meter)),
    };
    if let Ok(received) = recipe.apply_in(&signed, delivery::surroundings(&meter)) {
        exhibit.received_format = received.format().as_str().to_owned();
        let frame = received.frame()?;
        let after = thumbnail::shown(&frame.pixels, frame.orientation);
        let bytes = received.bytes().len() as u64;
        exhibit.received_size = Some((bytes, after.width(), after.height()));
        exhibit.received = Some(add("received", &thumbnail::small(&after, LONGEST_SIDE)?)?);
        match difference(&before, &after)? {
            Some((picture, note)) => {
                exhibit.difference = Some(add(
                    "difference",
                    &thumbnail::small(&picture, LONGEST_SIDE)?,
                )?);
                exhibit.difference_note = note;
            }
            None => {
                exhibit.difference_note =
                    "No difference: the shape changed, so pixels do not correspond.".to_owned();
            }
        }
    }
    Ok(Made { exhibit, files })
}

/// The steps that took metadata from a file; none where the pipeline fails.
fn stripped(
    recipe: &Recipe,
    file: &Arc<ImageFile>,
    surroundings: Surroundings<'_>,
) -> Vec<Stripped> {
    let mut written = Vec::new();
    let applied = recipe.apply_watched(file, surroundings, |step| written.push(step));
    if applied.is_err() {
        return Vec::new();
    }
    let stops = written
        .iter()
        .map(Stop::of)
        .filter(|stop| !stop.gone.is_empty());
    let stops = stops.map(|stop| Stripped {
        number: u32::try_from(stop.number).unwrap_or(u32::MAX),
        step: stop.step.to_owned(),
        gone: trace::names(&stop.gone),
    });
    stops.collect()
}

/// What every carrier said, or the error, in words.
fn cause(rows: &Rows, row: usize) -> Result<String> {
    if let Some(words) = rows.texts("error")?.get(row) {
        return Ok(words.to_owned());
    }
    let mut parts = Vec::new();
    for carrier in rows.carriers() {
        let text = |column: &str| -> Result<&str> {
            let column = rows.texts(&format!("{carrier}_{column}"))?;
            Ok(column.get(row).unwrap_or_default())
        };
        let mut words = format!("{carrier} {}", text("state")?);
        if let Some(distance) = rows.small(&format!("{carrier}_distance"))?.get(row) {
            words += &format!(" at distance {distance}");
        }
        let codes = text("codes")?;
        if !codes.is_empty() {
            words += &format!(" ({})", codes.replace(',', ", "));
        }
        parts.push(words);
    }
    Ok(parts.join("; "))
}

/// The amplified difference and what it shows, or `None` where the shape changed by more than a hundredth.
fn difference(
    before: &DynamicImage,
    after: &DynamicImage,
) -> Result<Option<(DynamicImage, String)>> {
    let ratio = |picture: &DynamicImage| f64::from(picture.width()) / f64::from(picture.height());
    if (ratio(before) / ratio(after) - 1.0).abs() > 0.01 {
        return Ok(None);
    }
    let rgb = DynamicImage::ImageRgb8(after.to_rgb8());
    let is_resized = (before.width(), before.height()) != (after.width(), after.height());
    let rgb = if is_resized {
        resized(&rgb, before.width(), before.height(), Filter::Lanczos3)
            .map_err(anyhow::Error::msg)?
    } else {
        rgb
    };
    let (before, after) = (before.to_rgb8(), rgb.to_rgb8());
    let mut picture = RgbImage::new(before.width(), before.height());
    let mut differs = false;
    for (target, (a, b)) in picture.iter_mut().zip(before.iter().zip(after.iter())) {
        let amplified = u16::from(a.abs_diff(*b)) * AMPLIFICATION;
        differs |= amplified > 0;
        *target = amplified.min(255) as u8;
    }
    let scaled = if is_resized {
        ", received scaled to the same size, not aligned"
    } else {
        ""
    };
    let note = if differs {
        format!("Difference, {AMPLIFICATION} times{scaled}")
    } else {
        "Difference: none, every pixel is the same".to_owned()
    };
    Ok(Some((DynamicImage::ImageRgb8(picture), note)))
}
