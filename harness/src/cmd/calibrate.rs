//! `credlink pipelines calibrate`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use credlink_harness::trial::delivery;
use credlink_harness::{clock, recipes};
use credlink_image_files::ImageFile;
use credlink_transforms::calibrate::rank::{Ranked, rank, sort, table, tried};
use credlink_transforms::calibrate::{self, patch};
use credlink_transforms::evidence::Seen;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use rayon::prelude::*;
use serde_json::{Value as Json, json};

use crate::cli::CalibrateArgs;

/// An upload, if it is known, and what came back.
type Pair = (Option<Arc<ImageFile>>, ImageFile);

/// Files by name, and what was left out.
struct Files {
    pairs: BTreeMap<String, Pair>,
    notes: Vec<String>,
}

pub(crate) fn run(args: &CalibrateArgs) -> Result<()> {
    let recipes = super::selected(&recipes::catalogue(None)?, args.id.split(','))?;
    let files = files(&args.paths)?;
    ensure!(
        !files.pairs.is_empty(),
        "no file could be compared\n{}",
        files.notes.join("\n")
    );
    if let Some(record) = &args.record {
        recorded(args, record, &files)?;
    }
    match recipes.as_slice() {
        [recipe] => one(args, recipe, &files),
        several => {
            ensure!(
                args.patch.is_none(),
                "--patch needs one pipeline, and `{}` names {}",
                args.id,
                several.len()
            );
            ranked(args, several, files)
        }
    }
}

/// One recipe, parameter by parameter.
fn one(args: &CalibrateArgs, recipe: &Recipe, files: &Files) -> Result<()> {
    let clock = clock::wall_nanos;
    let meter = Meter::new(&clock);
    let (mut comparisons, mut notes) = (Vec::new(), files.notes.clone());
    for (name, (upload, download)) in &files.pairs {
        let surroundings = delivery::surroundings(&meter);
        match tried(recipe, upload.as_ref(), download, surroundings) {
            Ok(comparison) => comparisons.push((name.clone(), comparison)),
            Err(error) => notes.push(format!("{name}: {error}")),
        }
    }
    ensure!(
        !comparisons.is_empty(),
        "no file could be compared\n{}",
        notes.join("\n")
    );
    if let Some(path) = &args.patch {
        let text = patch::patch(&recipe.file, recipe.file_text(), &comparisons);
        let Some(text) = text else {
            bail!(
                "nothing to patch: the files do not agree on another value that the recipe's file states"
            );
        };
        super::write_new(path, text.as_bytes())?;
    }
    if args.json {
        let compared = comparisons.iter().map(|(name, comparison)| {
            json!({
                "file": name,
                "explained": comparison.explained().0,
                "of": comparison.explained().1,
                "psnr_db": comparison.psnr.filter(|psnr| psnr.is_finite()),
                "identical_pixels": comparison.psnr.is_some_and(f64::is_infinite),
                "differences": comparison.differences(),
            })
        });
        let document = json!({
            "pipeline": recipe.id,
            "files": compared.collect::<Vec<Json>>(),
            "left_out": notes,
        });
        return super::say(&format!("{document:#}"));
    }
    let mut text = calibrate::report(recipe, &comparisons);
    if files.pairs.values().any(|(upload, _)| upload.is_none()) {
        text.push_str(
            "\nThe uploads are not known: sizes say little, and metadata are not compared.\n",
        );
    }
    left_out(&mut text, &notes)?;
    super::say(text.trim_end())
}

/// Several recipes, best first.
fn ranked(args: &CalibrateArgs, recipes: &[Arc<Recipe>], files: Files) -> Result<()> {
    let pairs: Vec<Pair> = files.pairs.into_values().collect();
    let mut tried: Vec<Ranked> = recipes
        .par_iter()
        // Programs may be missing, and a chain explains what its last link does.
        .filter(|recipe| recipe.programs().is_empty() && recipe.family != "chains")
        .filter_map(|recipe| {
            let clock = clock::wall_nanos;
            let meter = Meter::new(&clock);
            rank(recipe, &pairs, delivery::surroundings(&meter))
        })
        .collect();
    ensure!(
        !tried.is_empty(),
        "none of {} pipelines takes these files and gives that format",
        recipes.len()
    );
    sort(&mut tried);
    if args.json {
        let listed = tried.iter().take(args.top).map(|one| {
            json!({
                "pipeline": one.id,
                "explained": one.explained.0,
                "of": one.explained.1,
                "psnr_db": one.psnr.filter(|psnr| psnr.is_finite()),
                "identical_pixels": one.psnr.is_some_and(f64::is_infinite),
                "not_comparable": one.failed,
                "differences": one.differences,
            })
        });
        let listed: Vec<Json> = listed.collect();
        return super::say(&format!("{:#}", Json::from(listed)));
    }
    let mut text = table(&tried, args.top);
    left_out(&mut text, &files.notes)?;
    super::say(text.trim_end())
}

fn left_out(text: &mut String, notes: &[String]) -> Result<()> {
    if !notes.is_empty() {
        write!(text, "\nLeft out\n  {}\n", notes.join("\n  "))?;
    }
    Ok(())
}

/// The files of two directories that have one name, two files, or what came back alone.
fn files(paths: &[PathBuf]) -> Result<Files> {
    let named = |path: &Path| -> Result<BTreeMap<String, PathBuf>> {
        if path.is_file() {
            // One pair is one pair, whatever the files are called.
            return Ok(BTreeMap::from([(
                "the file".to_owned(),
                path.to_path_buf(),
            )]));
        }
        let files = recipes::entries(path)?;
        let files = files.into_iter().filter(|path| path.is_file());
        let stem = |path: PathBuf| Some((path.file_stem()?.to_string_lossy().into_owned(), path));
        Ok(files.filter_map(stem).collect())
    };
    let read = |path: &Path| -> Result<ImageFile> { Ok(ImageFile::new(super::read(path)?)?) };
    let (mut pairs, mut notes) = (BTreeMap::new(), Vec::new());
    let (uploads, downloads) = match paths {
        [after] => (None, named(after)?),
        [before, after] => (Some(named(before)?), named(after)?),
        _ => bail!("one or two paths"),
    };
    for (name, path) in &downloads {
        let upload = match uploads.as_ref().map(|uploads| uploads.get(name)) {
            None => Ok(None),
            Some(Some(path)) => read(path).map(|file| Some(Arc::new(file))),
            Some(None) => {
                notes.push(format!("{name}: downloaded, but not among the uploads"));
                continue;
            }
        };
        match upload.and_then(|upload| Ok((upload, read(path)?))) {
            Ok(pair) => drop(pairs.insert(name.clone(), pair)),
            Err(error) => notes.push(format!("{}: {error:#}", path.display())),
        }
    }
    for name in uploads.iter().flat_map(BTreeMap::keys) {
        if !downloads.contains_key(name) {
            notes.push(format!("{name}: uploaded, but not among the downloads"));
        }
    }
    Ok(Files { pairs, notes })
}

/// Appends a line of evidence for each file that came back.
fn recorded(args: &CalibrateArgs, record: &Path, files: &Files) -> Result<()> {
    let (Some(platform), Some(year), Some(source)) = (&args.platform, args.year, &args.source)
    else {
        bail!("--record needs --platform, --year and --source");
    };
    let mut lines = String::new();
    for (upload, download) in files.pairs.values() {
        let known = upload.is_some();
        lines.push_str(&Seen::line(platform, year, source, download, known)?);
        lines.push('\n');
    }
    let failed = || format!("failed to append to {}", record.display());
    let is_new = !record.exists();
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(record)
        .with_context(failed)?;
    let head = if is_new { Seen::HEAD } else { "" };
    file.write_all(format!("{head}{lines}").as_bytes())
        .with_context(failed)
}
