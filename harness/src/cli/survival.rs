//! The options of the main job.

use std::path::PathBuf;

use clap::Args;
use credlink_harness::shard::Shard;
use serde::{Deserialize, Serialize};

use super::systems::DEFAULT_ADAPTERS;
use super::values::{MarkArgs, NetworkArgs, counted, decibels, part, shard};

/// The most ops that a run may be asked for: a plan is held in memory, and this many fill about ten gigabytes.
const MAX_OPS: u64 = 100_000_000;

const SURVIVAL_EXAMPLES: &str = "Examples:
  credlink survival --ops 10k
  credlink survival --ops 2000 --images ~/Pictures --pipelines social,messaging
  credlink survival --per-pipeline 3000 --pipelines core --seed 7 --out nightly
  credlink survival --pipelines all --dry-run
  credlink survival --resume reports/runs/20260131T120000Z-seed1";

#[derive(Clone, Debug, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_help = SURVIVAL_EXAMPLES)]
pub(crate) struct SurvivalArgs {
    /// Number of ops in all (signed image through pipeline), spread evenly over the pipelines [default: 10000].
    #[arg(long, value_name = "N", conflicts_with = "per_pipeline", value_parser = counted(1..=MAX_OPS))]
    pub(crate) ops: Option<u64>,
    /// Number of ops for each pipeline instead.
    #[arg(long, value_name = "N", value_parser = counted(1..=MAX_OPS))]
    pub(crate) per_pipeline: Option<u64>,
    /// Pipelines by id or family, separated by commas; `core` and `all` name sets.
    #[arg(
        long,
        value_name = "LIST",
        default_value = "core",
        value_delimiter = ','
    )]
    pub(crate) pipelines: Vec<String>,
    /// Only the Kth of N parts of these pipelines, which a different one of N nights may take; controls are in every part.
    #[arg(long, value_name = "K/N", value_parser = part)]
    pub(crate) part: Option<(usize, usize)>,
    /// Take your own recipes, too: FAMILY/NAME.toml in this directory, as transforms/recipes/README.md says.
    #[arg(long, value_name = "DIR")]
    pub(crate) recipes: Option<PathBuf>,
    /// Systems to measure, separated by commas: `credlink`, `credlink/watermark` or another of its carriers alone, names of
    /// adapters, or `all` that can run here. Several meet the same ops, each in a run of its own, and are set side by side.
    #[arg(
        long,
        value_name = "LIST",
        default_value = "credlink",
        value_delimiter = ','
    )]
    pub(crate) system: Vec<String>,
    /// Only these carriers of credlink: it signs with them and looks at no other.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) carriers: Option<Vec<String>>,
    /// The directory with adapters.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_ADAPTERS)]
    pub(crate) adapters: PathBuf,
    /// Measure every system that has a strength twice: as it is, and set so that its signed files have this PSNR, dB.
    #[arg(long, value_name = "DB", value_parser = decibels, conflicts_with = "watermark_psnr")]
    pub(crate) match_psnr: Option<f64>,
    /// Sign nothing: the files of this directory are signed already, and what becomes of their own C2PA manifests is measured.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["images", "system", "carriers", "match_psnr"])]
    pub(crate) signed: Option<PathBuf>,
    /// With --signed: only signers that these certificates (PEM) vouch for [default: whoever signed].
    #[arg(long, value_name = "PEM", requires = "signed")]
    pub(crate) trust: Option<PathBuf>,
    /// With --signed: also ask this C2PA soft-binding resolution server, by content and, where it knows ours or the ISCC, by fingerprint, e.g.
    /// http://localhost:8080/v1. It must hold the manifests of the files.
    #[arg(long, value_name = "URL", requires = "signed")]
    pub(crate) resolve: Option<String>,
    /// One unsigned op for so many signed ones. Fewer unsigned ops say less about false accepts.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) unsigned_share: u64,
    /// A directory of images, searched recursively, instead of the synthetic set.
    #[arg(long, value_name = "DIR")]
    pub(crate) images: Option<PathBuf>,
    /// Draw larger images smaller first, so that no side has more pixels: for systems that take seconds a megapixel.
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(16..=65535), conflicts_with = "signed")]
    pub(crate) longest_side: Option<u32>,
    /// Send every image of the directory through every pipeline that takes it, however many ops that makes; those held out
    /// for negative trials aside.
    #[arg(long, conflicts_with_all = ["ops", "per_pipeline"])]
    pub(crate) every_image: bool,
    /// Seed of images, ids and keys: the same seed gives the same rows.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Number of worker threads [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) threads: Option<u64>,
    /// The run directory to make [default: reports/runs/TIME-seedSEED].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Sign with the keys in this directory instead of keys made from the seed.
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// A gate that the run must pass; exit code 22 if it does not.
    #[arg(long, value_name = "FILE")]
    pub(crate) gate: Option<PathBuf>,
    /// Fill the proof store with so many other proofs, to see what its size does to false accepts. The first time they
    /// are made, at about a second of CPU time for a thousand; later they come from reports/cache.
    #[arg(long, value_name = "N", default_value = "0", value_parser = counted(0..=10_000_000))]
    pub(crate) distractors: u64,
    #[command(flatten)]
    pub(crate) mark: MarkArgs,
    /// Search for watermarks in images turned by up to 2.4°, too (about a second more for each image without one).
    #[arg(long)]
    pub(crate) search_rotation: bool,
    /// Go on with a run that was interrupted or killed: what is finished is not done again. Without other options it takes those
    /// it was begun with; with others it refuses to go on with something else.
    #[arg(long, value_name = "RUN", conflicts_with = "out")]
    pub(crate) resume: Option<PathBuf>,
    /// Work in a process of its own, which is begun again where a codec ends it or it hangs: for a run without a hand.
    #[arg(long)]
    pub(crate) isolate: bool,
    /// Do the Kth of N parts: of signing with `register`, of verifying with --registry. `env` takes K and N from the environment
    /// of Kubernetes, Slurm, AWS Batch, or from CREDLINK_SHARD (from 0) and CREDLINK_SHARDS.
    #[arg(long, value_name = "K/N", value_parser = shard)]
    pub(crate) shard: Option<Shard>,
    /// Verify what `credlink register` signed, in this directory and those of further --registry options. Without other options
    /// it takes those that were registered with.
    #[arg(long, value_name = "DIR")]
    pub(crate) registry: Vec<PathBuf>,
    /// Of several systems, this part alone, in the run directory that is named.
    #[arg(long, hide = true, requires = "resume")]
    pub(crate) only: Option<String>,
    /// In a process apart: the image or job.
    #[arg(long, hide = true, requires = "resume")]
    pub(crate) alone: Option<String>,
    /// In a process apart: where it leaves what it finished.
    #[arg(long, hide = true, requires = "alone")]
    pub(crate) scratch: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Print the plan with an estimate of its time and disk, and run nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print nothing but warnings and errors.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print the whole report as JSON instead of a table; with --dry-run the plan.
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,
}
