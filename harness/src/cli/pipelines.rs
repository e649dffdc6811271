//! Commands on pipelines.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct PipelinesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<PipelinesCommand>,
    /// Only pipelines whose weakest source has one of these grades.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_enum,
        ignore_case = true
    )]
    pub(crate) grade: Vec<Grade>,
    /// Only pipelines that this id, family or set names.
    #[arg(long, value_name = "NAME", default_value = "all")]
    pub(crate) select: String,
    /// Take your own recipes, too: FAMILY/NAME.toml in this directory.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) recipes: Option<PathBuf>,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A grade of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Grade {
    /// Open source code that does it.
    A,
    /// Files that the platform wrote.
    O,
    /// The vendor's documentation.
    B,
    /// A published measurement.
    C,
    /// An estimate.
    D,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PipelinesCommand {
    /// Print a pipeline's manual: steps, what is known, sources, assumptions.
    Show {
        /// The pipeline's id, such as `social/bluesky`.
        id: String,
        /// Print JSON for machines.
        #[arg(long)]
        json: bool,
    },
    /// Read every recipe anew, refuse what is faulty or unsourced, and print the coverage by family and grade.
    Check {
        /// A directory of recipes, `family/name.toml`, to be checked beside those of the program.
        dir: Option<PathBuf>,
    },
    /// Write the list of all pipelines as Markdown.
    Doc {
        /// The file to write.
        #[arg(default_value = "docs/PIPELINES.md")]
        file: PathBuf,
        /// Only compare the file with what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Write what is known from files that platforms wrote, recipe by recipe, as Markdown.
    Observed {
        /// The file to write.
        #[arg(default_value = "docs/OBSERVED.md")]
        file: PathBuf,
        /// Only compare the file with what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Compare real files, as uploaded and as downloaded, with what pipelines predict.
    #[command(after_help = CALIBRATE_EXAMPLES)]
    Calibrate(CalibrateArgs),
}

const CALIBRATE_EXAMPLES: &str = "Examples:
  credlink pipelines calibrate social/bluesky uploads downloads    parameter by parameter, with what to correct
  credlink pipelines calibrate social/bluesky up.jpg down.webp     one pair
  credlink pipelines calibrate social,messaging uploads downloads  which of them explains the files best
  credlink pipelines calibrate all received.jpg                    the upload is not known: tables, scans, sampling

Details, and how results become evidence: docs/CALIBRATION.md.";

#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// A pipeline's id; also several, families and sets, separated by commas, which are ranked.
    #[arg(value_name = "LIST")]
    pub(crate) id: String,
    /// What was uploaded, if that is known, and what came back: two files, or two directories of files with the same names
    /// (extensions may differ).
    #[arg(value_name = "[BEFORE] AFTER", num_args = 1..=2, required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Write the corrected recipe as a patch to this file, which must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) patch: Option<PathBuf>,
    /// Append what came back to this file of evidence, a line each, as transforms/evidence/observed.tsv has them.
    #[arg(long, value_name = "FILE", requires_all = ["platform", "year", "source"])]
    pub(crate) record: Option<PathBuf>,
    /// For --record: the platform.
    #[arg(long, value_name = "NAME")]
    pub(crate) platform: Option<String>,
    /// For --record: the year in which the files were received.
    #[arg(long, value_name = "YYYY", value_parser = clap::value_parser!(u16).range(2000..=2100))]
    pub(crate) year: Option<u16>,
    /// For --record: where the files are, a public repository as owner/name@commit, or whose they are.
    #[arg(long, value_name = "TEXT")]
    pub(crate) source: Option<String>,
    /// How many recipes to list.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

const APPLY_EXAMPLES: &str = "Examples:
  credlink apply social/bluesky photo.jpg received.webp --trace
  credlink apply social,messaging/whatsapp photos received     every photo through each, into received/PIPELINE/";

#[derive(Debug, Args)]
#[command(after_help = APPLY_EXAMPLES)]
pub(crate) struct ApplyArgs {
    /// The pipeline's id; with a directory also several, families and sets, separated by commas.
    #[arg(value_name = "LIST")]
    pub(crate) pipelines: String,
    /// The image file to read, or a directory of them.
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The file to write, which must not exist; with a directory the one to write to, made if absent.
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Say of every step that wrote the file anew what it took from it.
    #[arg(long)]
    pub(crate) trace: bool,
    /// Take your own recipes, too: FAMILY/NAME.toml in this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) recipes: Option<PathBuf>,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}
