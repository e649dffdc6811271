//! `credlink apply`.

use std::sync::Arc;

use anyhow::{Context, Result};
use credlink_harness::trial::delivery;
use credlink_harness::{clock, exit};
use credlink_image_files::ImageFile;
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
    let received = recipe
        .apply_in(&Arc::new(file), delivery::surroundings(&meter))
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
    Ok(exit::OK)
}
