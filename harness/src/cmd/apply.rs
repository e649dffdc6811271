//! `credlink apply`.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result};
use credlink_harness::trace::{self, Stop};
use credlink_harness::trial::delivery;
use credlink_harness::{clock, exit};
use credlink_image_files::ImageFile;
use credlink_reports::figures::bytes;
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::meter::Meter;

use crate::cli::ApplyArgs;

pub(crate) fn run(args: &ApplyArgs) -> Result<u8> {
    let catalogue = Catalogue::embedded()?;
    let recipe = super::recipe(&catalogue, &args.id)?;
    let name = args.input.display();
    let file = ImageFile::new(super::read(&args.input)?)
        .with_context(|| format!("failed to read {name}"))?;
    if !recipe.takes(file.format()) {
        let takes: Vec<&str> = recipe
            .accepts
            .iter()
            .map(|format| format.as_str())
            .collect();
        anyhow::bail!(
            "{name} is a {} file, and {} takes only {}",
            file.format(),
            recipe.id,
            takes.join(", ")
        );
    }
    let clock = clock::thread_nanos;
    let meter = Meter::new(&clock);
    let start = clock();
    let file = Arc::new(file);
    let received = recipe
        .apply_in(&file, delivery::surroundings(&meter))
        .with_context(|| format!("failed on {name}"))?;
    let elapsed = clock() - start;
    let frame = received.frame().context("failed to decode the result")?;
    super::check_name(&args.output, Some(received.format()))?;
    super::write_new(&args.output, received.bytes())?;
    super::say(&format!(
        "{}: {} {}x{}, {} bytes, in {:.1} ms of CPU time",
        args.output.display(),
        received.format(),
        frame.pixels.width(),
        frame.pixels.height(),
        received.bytes().len(),
        elapsed as f64 / 1e6
    ))?;
    if args.trace {
        let stops = trace::trace(&recipe, &file, delivery::surroundings(&meter))
            .with_context(|| format!("failed on {name}"))?;
        super::say(traced(&stops).trim_end())?;
    }
    Ok(exit::OK)
}

/// One line for each step that wrote the file anew.
fn traced(stops: &[Stop]) -> String {
    if stops.is_empty() {
        return "no step wrote the file anew".to_owned();
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
            "  step {} {:<14} {}",
            stop.number,
            stop.step,
            parts.join("; ")
        );
    }
    text
}
