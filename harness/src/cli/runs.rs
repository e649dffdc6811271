//! Commands on finished runs.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};

use super::DEFAULT_KEYS;
use super::values::format_names;

const REPORT_EXAMPLES: &str = "Examples:
  credlink report reports/runs/today                       write report.html and everything else anew
  credlink report RUN --format job-summary >> \"$GITHUB_STEP_SUMMARY\"
  credlink report RUN --format csv --table survival
  credlink report RUN --format svg --plot roc --output roc.svg";

#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub(crate) struct ReportArgs {
    /// The run directory.
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub(crate) run: PathBuf,
    /// Hold the run against this gate; a copy of it stays in the run directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) gate: Option<PathBuf>,
    /// Show the first figures of this run, another directory, beside those of RUN; a copy of them stays there.
    #[arg(long, value_name = "OTHER", conflicts_with = "format")]
    pub(crate) beside: Option<PathBuf>,
    /// Print this format instead of writing all of them.
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(format_names()))]
    pub(crate) format: Option<String>,
    /// Only this table, in a format for tables.
    #[arg(long, value_name = "ID", requires = "format")]
    pub(crate) table: Option<String>,
    /// Only this plot, as svg or png: survival, latency, roc, or a curve; an unknown name lists them.
    #[arg(long, value_name = "ID", requires = "format", conflicts_with = "table")]
    pub(crate) plot: Option<String>,
    /// Write to this file instead of printing.
    #[arg(long, short, value_name = "FILE", requires = "format")]
    pub(crate) output: Option<PathBuf>,
    /// Print nothing but warnings and errors.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The run directory.
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub(crate) run: PathBuf,
    /// The number of the op, as rows and pages show it.
    #[arg(value_name = "OP")]
    pub(crate) op: u64,
    /// The directory of images of the run, for unsigned trials.
    #[arg(long, value_name = "DIR")]
    pub(crate) images: Option<PathBuf>,
    /// The directory for what went in and what came out, made if absent [default: RUN/replay/op-OP].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

const COMPARE_EXAMPLES: &str = "Examples:
  credlink compare reports/runs/yesterday reports/runs/today
  credlink compare --equivalence 0.01 reports/runs/synthetic reports/runs/photos

Exit codes: 0 nothing is worse beyond noise (or all is equivalent), 1 the runs cannot be compared,
20 something is worse, 21 equivalence is not shown.";

#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub(crate) struct CompareArgs {
    /// The run directory to compare with.
    #[arg(value_name = "BEFORE", value_hint = ValueHint::DirPath)]
    pub(crate) before: PathBuf,
    /// The run directory to judge.
    #[arg(value_name = "AFTER", value_hint = ValueHint::DirPath)]
    pub(crate) after: PathBuf,
    /// Test instead whether survival agrees within this share (0.01 is one percentage point), per family and carrier.
    #[arg(long, value_name = "MARGIN")]
    pub(crate) equivalence: Option<f64>,
    /// Compare what the runs share even though images, recipes or carriers differ.
    #[arg(long)]
    pub(crate) allow_different: bool,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// The run directory.
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub(crate) run: PathBuf,
    /// The directory to write to, made if absent; files there are never overwritten.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    /// The gate, a TOML file such as gates/default.toml; it may also stand behind the run.
    #[arg(value_name = "GATE")]
    pub(crate) gate: PathBuf,
    /// The run directory.
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub(crate) run: PathBuf,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

const SIGN_RUN_EXAMPLES: &str = "Examples:
  credlink sign-run reports/runs/today                        with the keys of `credlink keys generate`
  credlink sign-run reports/runs/today --check --keys THEIRS  certificates of the signer are enough

The signature is over run.json, which holds the digest of the rows. Exit code 5: it is not the signer's over this run.";

#[derive(Debug, Args)]
#[command(after_help = SIGN_RUN_EXAMPLES)]
pub(crate) struct SignRunArgs {
    /// The run directory.
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub(crate) run: PathBuf,
    /// Whose keys; to check, a directory with the signer's certificates.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_KEYS)]
    pub(crate) keys: PathBuf,
    /// Check the signature that is there instead of making one.
    #[arg(long)]
    pub(crate) check: bool,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

const MERGE_EXAMPLES: &str = "Examples:
  credlink register --shard 1/2 --keys keys --out registry-1        (and 2/2)
  credlink survival --registry registry-1 --registry registry-2 --shard 1/2 --out part-1
  credlink merge part-1 part-2 --registry registry-1 --registry registry-2 --out run";

#[derive(Debug, Args)]
#[command(after_help = MERGE_EXAMPLES)]
pub(crate) struct MergeArgs {
    /// The directories of all parts, in any order.
    #[arg(value_name = "PART", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// The run directory to make.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The registries, to keep the signed files with the run: for its pictures, and for `replay`.
    #[arg(long, value_name = "DIR")]
    pub(crate) registry: Vec<PathBuf>,
    /// Join what is there even where parts are missing or unfinished: the run is partial, and says so.
    #[arg(long)]
    pub(crate) partial: bool,
    /// A gate that the run must pass; exit code 22 if it does not.
    #[arg(long, value_name = "FILE")]
    pub(crate) gate: Option<PathBuf>,
    /// Print nothing but warnings and errors.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print the whole report as JSON instead of a table.
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,
}
