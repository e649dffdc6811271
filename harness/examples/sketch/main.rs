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

mod edit;
mod led;
mod report;
mod source;
mod trial;

#[path = "../common/photographs.rs"]
mod photographs;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::source::Split;

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
    /// Only synthetic images of this class.
    #[arg(long)]
    class: Option<String>,
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

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum What {
    /// Images that went through pipelines and edits.
    True,
    /// Pairs of different images.
    Pairs,
    /// Crops beside their originals, where the grid of a mark leaves a few places.
    Crops,
    /// Pairs of different images, where the grid of a mark leaves a few places.
    Led,
    /// Images whose subject was replaced.
    Replaced,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let sources = source::sources(&arguments)?;
    let trials = match arguments.what {
        What::True => trial::true_pairs(&arguments, &sources)?,
        What::Pairs | What::Led => trial::different_pairs(&arguments, &sources)?,
        What::Crops => led::crops(&sources)?,
        What::Replaced => trial::replaced(&sources)?,
    };
    if let Some(path) = &arguments.tsv {
        report::written(path, &trials)?;
    }
    report::report(&trials);
    Ok(())
}
