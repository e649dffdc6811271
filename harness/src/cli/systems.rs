//! Commands on systems.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Where adapters are looked for.
pub(crate) const DEFAULT_ADAPTERS: &str = "adapters";

const SYSTEMS_EXAMPLES: &str = "Examples:
  credlink systems                              which systems there are, and which can run here
  credlink systems show blind-watermark         what it is, and what it says of itself
  credlink systems check my-watermark --adapters ../mine";

#[derive(Debug, Args)]
#[command(after_help = SYSTEMS_EXAMPLES)]
pub(crate) struct SystemsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SystemsCommand>,
    /// The directory with adapters.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_ADAPTERS, global = true)]
    pub(crate) adapters: PathBuf,
    /// Print JSON for machines.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SystemsCommand {
    /// Print what a system is, where it comes from, what it can, and whether it runs here.
    Show {
        /// Its name.
        name: String,
    },
    /// Find out whether an adapter does what docs/ADAPTERS.md asks; exit code 5 if it does not.
    Check {
        /// Its name.
        name: String,
        /// A directory of images to check it on, instead of synthetic ones.
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        images: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct HeadToHeadArgs {
    /// The directory that `survival --system A,B` made.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Add a line for each system to this file of JSON lines, made if absent. `publish SITE` shows SITE/leaderboard.jsonl.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) leaderboard: Option<PathBuf>,
    /// Print the tables as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
