//! `credlink apply`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use credlink_harness::trace::{self, Stop};
use credlink_harness::trial::delivery;
use credlink_harness::{clock, exit, recipes};
use credlink_image_files::{Format, ImageFile};
use credlink_reports::figures::{bytes, plural};
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use serde_json::{Value as Json, json};

use crate::cli::ApplyArgs;

pub(crate) fn run(args: &ApplyArgs) -> Result<u8> {
    if args.input.is_dir() {
        return folder(args);
    }
    let catalogue = recipes::catalogue(args.recipes.as_deref())?;
    if args.pipelines.contains(',') {
        bail!(
            "{} is one file, and one pipeline is wanted for it; of a directory every file goes through each",
            args.input.display()
        );
    }
    let recipe = super::recipe(&catalogue, &args.pipelines)?;
    let done = applied(&recipe, &args.input, args.trace, |format| {
        super::check_name(&args.output, Some(format))?;
        Ok(args.output.clone())
    })?;
    if args.json {
        super::say(&format!("{:#}", done.as_json()))?;
    } else {
        super::say(&done.words())?;
    }
    Ok(exit::OK)
}

/// Every file of a directory through every pipeline. What a pipeline does not take, and what fails, is named; only the
/// latter is a failure.
fn folder(args: &ApplyArgs) -> Result<u8> {
    let ending = args.output.extension().and_then(|end| end.to_str());
    ensure!(
        ending.and_then(Format::of_extension).is_none(),
        "{} is a directory, and {} is named like one picture; name a directory",
        args.input.display(),
        args.output.display()
    );
    let catalogue = recipes::catalogue(args.recipes.as_deref())?;
    let recipes = super::selected(&catalogue, args.pipelines.split(','))?;
    let listed = std::fs::read_dir(&args.input)
        .with_context(|| format!("failed to list {}", args.input.display()))?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in listed {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    ensure!(
        !files.is_empty(),
        "{} holds no files; directories in it are not entered",
        args.input.display()
    );
    let (mut made, mut refused, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for recipe in &recipes {
        let folder = args.output.join(&recipe.id);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
        for file in &files {
            let named = |format: Format| -> Result<PathBuf> {
                // Two files of one stem and other endings stay apart: the old ending stands in the new name.
                let name = file.file_name().context("it has no name")?;
                let mut name = name.to_os_string();
                let ending = file
                    .extension()
                    .map(|end| end.to_string_lossy().to_lowercase());
                if ending.as_deref().and_then(Format::of_extension) != Some(format) {
                    name.push(".");
                    name.push(format.extension());
                }
                Ok(folder.join(name))
            };
            match applied(recipe, file, args.trace, named) {
                Ok(done) => {
                    if !args.json {
                        super::say(&done.words())?;
                    }
                    made.push(done.as_json());
                }
                Err(error) => {
                    let takes = error.downcast_ref::<NotTaken>().is_some();
                    let why = format!("{} through {}: {error:#}", file.display(), recipe.id);
                    super::complain(&why);
                    if takes { &mut refused } else { &mut failed }.push(why);
                }
            }
        }
    }
    if args.json {
        let document = json!({ "made": made, "not_taken": refused, "failed": failed });
        super::say(&format!("{document:#}"))?;
    } else {
        super::say(&format!(
            "{} made, {} not taken by the pipeline, {} failed",
            plural(made.len() as u64, "file"),
            refused.len(),
            failed.len()
        ))?;
    }
    let is_good = failed.is_empty() && !made.is_empty();
    Ok(if is_good { exit::OK } else { exit::FAILURE })
}

/// A file of a format that the pipeline does not take.
#[derive(Debug, thiserror::Error)]
#[error("it is a {format} file, and {recipe} takes only {takes}")]
struct NotTaken {
    format: Format,
    recipe: String,
    takes: String,
}

/// A file that went through a pipeline.
struct Done {
    input: PathBuf,
    pipeline: String,
    output: PathBuf,
    format: Format,
    size: (u32, u32),
    bytes: usize,
    nanos: u64,
    /// `None` where nobody asked.
    stops: Option<Vec<Stop>>,
}

/// Runs a pipeline on a file, and writes what comes out under the name that its format gives.
fn applied(
    recipe: &Recipe,
    input: &Path,
    with_trace: bool,
    output: impl Fn(Format) -> Result<PathBuf>,
) -> Result<Done> {
    let name = input.display();
    let file =
        ImageFile::new(super::read(input)?).with_context(|| format!("failed to read {name}"))?;
    if !recipe.takes(file.format()) {
        let takes: Vec<&str> = recipe
            .accepts
            .iter()
            .map(|format| format.as_str())
            .collect();
        return Err(NotTaken {
            format: file.format(),
            recipe: recipe.id.clone(),
            takes: takes.join(", "),
        }
        .into());
    }
    let clock = clock::thread_nanos;
    let meter = Meter::new(&clock);
    let start = clock();
    let file = Arc::new(file);
    let mut written = Vec::new();
    let received = recipe
        .apply_watched(&file, delivery::surroundings(&meter), |step| {
            written.push(step);
        })
        .with_context(|| format!("failed on {name}"))?;
    let nanos = clock() - start;
    let frame = received.frame().context("failed to decode the result")?;
    let output = output(received.format())?;
    super::write_new(&output, received.bytes())?;
    Ok(Done {
        input: input.to_path_buf(),
        pipeline: recipe.id.clone(),
        output,
        format: received.format(),
        size: (frame.pixels.width(), frame.pixels.height()),
        bytes: received.bytes().len(),
        nanos,
        stops: with_trace.then(|| written.iter().map(Stop::of).collect()),
    })
}

impl Done {
    fn words(&self) -> String {
        let mut text = format!(
            "{}: {} {}x{}, {} bytes, in {:.1} ms of CPU time",
            self.output.display(),
            self.format,
            self.size.0,
            self.size.1,
            self.bytes,
            self.nanos as f64 / 1e6
        );
        if let Some(stops) = &self.stops {
            text.push('\n');
            text.push_str(traced(stops).trim_end());
        }
        text
    }

    fn as_json(&self) -> Json {
        let stop = |stop: &Stop| {
            json!({
                "step": stop.number,
                "name": stop.step,
                "format": stop.format.as_str(),
                "bytes": stop.bytes,
                "gone": trace::names(&stop.gone),
                "new": trace::names(&stop.new),
            })
        };
        json!({
            "in": self.input,
            "pipeline": self.pipeline,
            "out": self.output,
            "format": self.format.as_str(),
            "width": self.size.0,
            "height": self.size.1,
            "bytes": self.bytes,
            "cpu_ns": self.nanos,
            "trace": self.stops.as_ref().map(|stops| stops.iter().map(stop).collect::<Vec<_>>()),
        })
    }
}

/// One line for each step that wrote the file anew.
fn traced(stops: &[Stop]) -> String {
    if stops.is_empty() {
        return "  no step wrote the file anew".to_owned();
    }
    let mut text = String::new();
    for stop in stops {
        let mut parts = vec![format!("{}, {}", stop.format, bytes(stop.bytes as u64))];
        for (kinds, word) in [(&stop.gone, "gone"), (&stop.new, "new")] {
            if !kinds.is_empty() {
                parts.push(format!("{}: {word}", trace::names(kinds).join(", ")));
            }
        }
        let _ = writeln!(
            text,
            "  step {:<2} {:<13} {}",
            stop.number,
            stop.step,
            parts.join("; ")
        );
    }
    text
}
