//! Kits for posting by hand.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct TrialArgs {
    #[command(subcommand)]
    pub(crate) command: TrialCommand,
}

const MAKE_EXAMPLES: &str = "Example:
  credlink trial make kit --pipelines social/x,social/instagram --images 20";

const COLLECT_EXAMPLES: &str = "Example:
  credlink trial collect kit returned --out reports/runs/by-hand";

#[derive(Debug, Subcommand)]
pub(crate) enum TrialCommand {
    /// Make signed files to post, a sheet to fill in, and instructions.
    #[command(after_help = MAKE_EXAMPLES)]
    Make(MakeArgs),
    /// Tell apart what came back, verify it, and say how far simulation and observation differ.
    #[command(after_help = COLLECT_EXAMPLES)]
    Collect(CollectArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MakeArgs {
    /// The folder to make.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The recipes that simulate the services to post on, separated by commas: pictures are chosen around their limits.
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    pub(crate) pipelines: Vec<String>,
    /// How many pictures.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) images: u16,
    /// Seed of the pictures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// The folder of the kit.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// What came back: a folder for each service, called as the instructions say; of one service alone its files.
    #[arg(value_name = "RETURNED")]
    pub(crate) returned: PathBuf,
    /// The sheet that was filled in [default: the one in DIR].
    #[arg(long, value_name = "FILE")]
    pub(crate) sheet: Option<PathBuf>,
    /// The run directory to make [default: reports/runs/TIME-by-hand].
    #[arg(long, value_name = "RUN")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}
