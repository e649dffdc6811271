//! What can be typed. Nothing here does anything.

mod kits;
mod pipelines;
mod runs;
mod service;
mod survival;
mod systems;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use credlink_harness::exit;

pub(crate) use kits::{CollectArgs, MakeArgs, TrialArgs, TrialCommand};
pub(crate) use pipelines::{ApplyArgs, CalibrateArgs, Grade, PipelinesArgs, PipelinesCommand};
pub(crate) use runs::{
    CompareArgs, EvidenceArgs, GateArgs, MergeArgs, ReplayArgs, ReportArgs, SignRunArgs,
};
pub(crate) use service::{ServeArgs, StoreArgs, StoreCommand};
pub(crate) use survival::SurvivalArgs;
pub(crate) use systems::{HeadToHeadArgs, SystemsArgs, SystemsCommand};
pub(crate) use values::NetworkArgs;
use values::{MarkArgs, counted, decibels};

/// Measures whether signed provenance proofs survive what happens to images on the web.
#[derive(Debug, Parser)]
#[command(name = "credlink", version, after_help = exit::HELP, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign images, push them through pipelines, verify what comes out, write rows and reports.
    Survival(SurvivalArgs),
    /// Sign and register images alone, for `survival --registry` to verify: the first half of a run, or a part of it.
    Register(SurvivalArgs),
    /// Join the parts of a run into one.
    Merge(MergeArgs),
    /// Write the page, tables and plots of a run anew from its rows, or print it in one format.
    Report(ReportArgs),
    /// Compare two runs: what got better or worse, by how much, and whether it is more than noise.
    Compare(CompareArgs),
    /// List the systems that can be measured, show one, or check an adapter.
    Systems(SystemsArgs),
    /// Set systems side by side again, from the runs that `survival --system A,B` left.
    HeadToHead(HeadToHeadArgs),
    /// Hold a run against a gate.
    Gate(GateArgs),
    /// Write a run's evidence of robustness, one JSON document per carrier.
    Evidence(EvidenceArgs),
    /// Sign a run for those who publish it, or check such a signature.
    SignRun(SignRunArgs),
    /// Run one op of a finished run again, and say whether its row is right.
    Replay(ReplayArgs),
    /// List the pipelines, or show one with its sources.
    Pipelines(PipelinesArgs),
    /// Run one pipeline on one file.
    Apply(ApplyArgs),
    /// Make signed files that a person posts, and judge what comes back.
    Trial(TrialArgs),
    /// Make or show signing keys.
    Keys(KeysArgs),
    /// Sign an image file.
    Sign(SignArgs),
    /// Look for a proof of ours in an image file.
    Verify(VerifyArgs),
    /// Put a 64-bit id invisibly into the pixels, or read it.
    Watermark(WatermarkArgs),
    /// Write the figures in README.md and docs/SURVIVAL-RATE.md from the committed summary of a run.
    Docs(DocsArgs),
    /// Add a run to a static site with history, trends and changes.
    Publish(PublishArgs),
    /// Sign and verify over HTTP, with proofs in a store that grows.
    Serve(ServeArgs),
    /// Make, copy or check the store of a service.
    Store(StoreArgs),
    /// Measure a deployment command, or latencies under load.
    Measure(MeasureArgs),
    /// Say what proofs cost, from a run and a list of prices.
    Cost(CostArgs),
    /// Compare benchmarks with a saved baseline, and measure again what looks changed.
    BenchReport(BenchReportArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Write man pages.
    Man(ManArgs),
}

const DOCS_EXAMPLES: &str = "Examples:
  credlink docs --from reports/runs/today     take this run's figures into the documentation
  credlink docs --check                       exit code 5 if a generated file is not what the summary says";

#[derive(Debug, Args)]
#[command(after_help = DOCS_EXAMPLES)]
pub(crate) struct DocsArgs {
    /// Make docs/results/summary.json anew from this run directory first.
    #[arg(long, value_name = "RUN", conflicts_with = "check")]
    pub(crate) from: Option<PathBuf>,
    /// Make docs/results/catalogue.json anew from this run, of every pipeline, first.
    #[arg(long, value_name = "RUN", conflicts_with = "check")]
    pub(crate) catalogue: Option<PathBuf>,
    /// Make docs/results/durability.json anew from these runs, one for each set of images, separated by commas, first.
    #[arg(
        long,
        value_name = "RUNS",
        value_delimiter = ',',
        conflicts_with = "check"
    )]
    pub(crate) durability: Vec<PathBuf>,
    /// Make docs/results/systems.json anew from these directories of `survival --system A,B`, separated by commas, first.
    #[arg(
        long,
        value_name = "DIRS",
        value_delimiter = ',',
        conflicts_with = "check"
    )]
    pub(crate) systems: Vec<PathBuf>,
    /// Write nothing; say what differs.
    #[arg(long)]
    pub(crate) check: bool,
    /// The repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repository: PathBuf,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

const PUBLISH_EXAMPLES: &str = "Examples:
  credlink publish site reports/runs/today
  credlink publish site nightly-2026-01-31 --failed-night --url https://example.org/credlink";

#[derive(Debug, Args)]
#[command(after_help = PUBLISH_EXAMPLES)]
pub(crate) struct PublishArgs {
    /// The directory of the site, made if absent.
    #[arg(value_name = "SITE_DIR")]
    pub(crate) site: PathBuf,
    /// The run directory; its name is the night's.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// If the run is missing or unreadable, publish the night as failed instead of stopping.
    #[arg(long)]
    pub(crate) failed_night: bool,
    /// Where the site will be, for the links in its feed.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// How many nights keep their pages and rows; the history keeps every night.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keep: u64,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MeasureArgs {
    #[command(subcommand)]
    pub(crate) command: MeasureCommand,
}

const LOAD_EXAMPLES: &str = "Examples:
  credlink measure load verify --rate 20
  credlink measure load --url http://127.0.0.1:8088 --rate 16.67 --seconds 600 --connections 1000";

const DEPLOY_EXAMPLES: &str = "Example:
  credlink measure deploy --runs 10 -- ./deploy.sh staging";

#[derive(Debug, Subcommand)]
pub(crate) enum MeasureCommand {
    /// Time a command, several times; every run must succeed.
    #[command(after_help = DEPLOY_EXAMPLES)]
    Deploy {
        /// How many times.
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
        runs: u32,
        /// Print JSON for machines.
        #[arg(long)]
        json: bool,
        /// The command and its arguments.
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Latency of a service under an open-loop load, from the planned time of each request: in this process, or at a URL.
    #[command(after_help = LOAD_EXAMPLES)]
    Load(LoadArgs),
    /// Try everything that a deployed service is for, once; for deploy scripts.
    Smoke(SmokeArgs),
    /// Ask a service again and again, and keep a row of each answer; or sum up such rows.
    Probe(ProbeArgs),
}

/// A service of CredLink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// Signing a file.
    Sign,
    /// Verifying a signed file, every carrier.
    Verify,
    /// Fetching a proof by its id.
    Retrieve,
}

#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// The service, measured in this process.
    #[arg(value_enum, required_unless_present = "url")]
    pub(crate) service: Option<Service>,
    /// The address of a running service, which is measured over HTTP instead.
    #[arg(long, value_name = "URL", conflicts_with_all = ["service", "threads"])]
    pub(crate) url: Option<String>,
    /// Open connections, each of which asks at random.
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "url", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) connections: u32,
    /// What is asked how often.
    #[arg(
        long,
        value_name = "MIX",
        default_value = "sign=20,verify=80",
        requires = "url"
    )]
    pub(crate) mix: String,
    /// Distinct pictures [default: one for each signature that is due, 500 at most].
    #[arg(long, value_name = "N", requires = "url", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) images: Option<u32>,
    /// The API key of the service; better given in the environment, where nobody sees it.
    #[arg(
        long,
        value_name = "KEY",
        env = "CREDLINK_API_KEY",
        hide_env_values = true,
        requires = "url"
    )]
    pub(crate) key: Option<String>,
    /// Requests a second.
    #[arg(long, value_name = "N", default_value_t = 20.0)]
    pub(crate) rate: f64,
    /// How long requests are due.
    #[arg(long, value_name = "S", default_value_t = 30.0)]
    pub(crate) seconds: f64,
    /// Threads that answer [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) threads: Option<u64>,
    /// Seed of the synthetic images.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SmokeArgs {
    /// The address of the service.
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The API key of the service; better given in the environment, where nobody sees it.
    #[arg(
        long,
        value_name = "KEY",
        env = "CREDLINK_API_KEY",
        hide_env_values = true
    )]
    pub(crate) key: Option<String>,
    /// Do not try whether requests are turned away in good manner, which for a moment turns away those of others, too.
    #[arg(long)]
    pub(crate) no_overload: bool,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// The address of the service; without it, the rows that are there are summed up.
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Where rows are added, one JSON object a line.
    #[arg(long, value_name = "FILE", default_value = "probe.jsonl")]
    pub(crate) rows: PathBuf,
    /// From one look to the next.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(crate) every: std::time::Duration,
    /// How many looks [default: until it is ended].
    #[arg(long, value_name = "N")]
    pub(crate) looks: Option<u64>,
    /// Write what the rows say as OpenMetrics text, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
    /// Write what the rows say for a published site: `publish SITE` shows SITE/availability.json.
    #[arg(long, value_name = "FILE")]
    pub(crate) availability: Option<PathBuf>,
    /// The API key of the service; better given in the environment, where nobody sees it.
    #[arg(
        long,
        value_name = "KEY",
        env = "CREDLINK_API_KEY",
        hide_env_values = true
    )]
    pub(crate) key: Option<String>,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CostArgs {
    /// The run directory.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// A dated price file with sources; docs/prices.example.toml shows its form.
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: PathBuf,
    /// Proofs made in a month.
    #[arg(long, value_name = "N", default_value = "100k", value_parser = counted(0..=u64::MAX))]
    pub(crate) proofs_a_month: u64,
    /// Verifications of each proof.
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    pub(crate) verifications: f64,
    /// Months that a proof is kept.
    #[arg(long, value_name = "N", default_value_t = 60.0)]
    pub(crate) months_kept: f64,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

const BENCH_EXAMPLES: &str = "Example:
  cargo bench -- --save-baseline main     before the change
  cargo bench -- --baseline main          after it
  credlink bench-report --baseline main   exit code 5 if something is slower, confirmed
Where valgrind is installed:
  cargo build --release -p credlink-benches --example instructions
  credlink bench-report --instructions target/release/examples/instructions --counts counts.json";

#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchReportArgs {
    /// Name of the saved baseline.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) baseline: String,
    /// Criterion's folder.
    #[arg(long, value_name = "DIR", default_value = "target/criterion")]
    pub(crate) criterion: PathBuf,
    /// Count instructions of this program under callgrind instead of comparing times.
    #[arg(long, value_name = "PROGRAM", requires = "counts")]
    pub(crate) instructions: Option<PathBuf>,
    /// The file with the counts to compare with; made if absent.
    #[arg(long, value_name = "FILE", requires = "instructions")]
    pub(crate) counts: Option<PathBuf>,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory to write to, made if absent.
    #[arg(value_name = "DIR", default_value = "man")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a new Ed25519 key with a certificate chain of its own test authority, and a watermark secret.
    Generate {
        /// The directory to make.
        #[arg(value_name = "DIR", default_value = DEFAULT_KEYS)]
        dir: PathBuf,
        /// The organisation named in the certificates.
        #[arg(long, default_value = "CredLink")]
        name: String,
        /// How long the certificates are valid from today. A signature without a time stamp ends with them.
        #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=7300))]
        days: u16,
    },
    /// Show whose keys a directory holds; private keys are never printed.
    Show {
        /// The directory.
        #[arg(value_name = "DIR", default_value = DEFAULT_KEYS)]
        dir: PathBuf,
    },
}

/// Where `keys`, `sign` and `verify` look for keys unless told otherwise.
pub(crate) const DEFAULT_KEYS: &str = "credlink-keys";
/// Where `sign` and `verify` keep proofs unless told otherwise.
pub(crate) const DEFAULT_STORE: &str = "credlink-store";

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The image file to sign.
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The signed file to write; it must not exist.
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// The directory with the keys.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_KEYS)]
    pub(crate) keys: PathBuf,
    /// The directory of the proof store, made if absent.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_STORE)]
    pub(crate) store: PathBuf,
    #[command(flatten)]
    pub(crate) mark: MarkArgs,
    /// Sign the manifest with this private key (PEM, PKCS#8: Ed25519, ES256, ES384, ES512 or PS256) instead of the one in
    /// --keys, which still signs the proof's record.
    #[arg(long, value_name = "FILE", requires = "chain")]
    pub(crate) key: Option<PathBuf>,
    /// The certificates of --key (PEM), that of the key first, the root left out.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) chain: Option<PathBuf>,
    /// Have the signature stamped by this time authority (RFC 3161), so that it outlives its certificate.
    #[arg(long, value_name = "URL")]
    pub(crate) time_authority: Option<String>,
    /// The picture's title in the manifest [default: the name of OUT].
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Put a thumbnail of the signed picture into the manifest.
    #[arg(long)]
    pub(crate) thumbnail: bool,
    /// Put a new XMP packet in the place of one that takes no link: no XML, or not in UTF-8. What it held is lost.
    #[arg(long)]
    pub(crate) replace_xmp: bool,
    /// Sign a file whose manifest is invalid without that manifest, instead of refusing it.
    #[arg(long)]
    pub(crate) drop_invalid_manifest: bool,
    /// Print JSON for machines: the proof, and what was kept, changed and dropped of the file.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct VerifyArgs {
    /// The image files to look at; - is standard input. Of several, the highest exit code is given.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The directory with the certificates of the signer that counts as ours [default: credlink-keys, if it is there].
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// Certificates (PEM) of authorities whose signers are to be told as trusted; they are ours no more than before.
    #[arg(long, value_name = "FILE", conflicts_with = "any_key_of_root")]
    pub(crate) trust: Option<PathBuf>,
    /// The directory of the proof store; a run directory is one, too [default: credlink-store, if it is there].
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Take every manifest for ours whose certificate our root issued, whatever its key: colleagues under one authority.
    #[arg(long)]
    pub(crate) any_key_of_root: bool,
    /// Search for watermarks in images turned by up to 2.4°, too (about a second more for each image without one).
    #[arg(long)]
    pub(crate) search_rotation: bool,
    /// Print JSON for machines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WatermarkArgs {
    #[command(subcommand)]
    pub(crate) command: WatermarkCommand,
    /// Print JSON for machines.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WatermarkCommand {
    /// Mark a picture and write it anew in its own format.
    Embed {
        /// The image file to read.
        #[arg(value_name = "IN")]
        input: PathBuf,
        /// The marked file to write; it must not exist.
        #[arg(value_name = "OUT")]
        output: PathBuf,
        /// The id, 16 hexadecimal digits [default: random].
        #[arg(long, value_name = "HEX")]
        id: Option<String>,
        /// A file with a secret of at least 16 bytes.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The lowest PSNR to aim at, dB [default: 42.3].
        #[arg(long, value_name = "DB", value_parser = decibels)]
        psnr: Option<f64>,
    },
    /// Read the id from a picture.
    Detect {
        /// The image file to look at.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A file with the secret that the mark was made with.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Search small rotations, too (about a second more).
        #[arg(long)]
        rotated: bool,
    },
    /// Show how a mark was found or missed, and how well the picture would carry one.
    Inspect {
        /// The image file to look at.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A file with the secret.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Search small rotations, too.
        #[arg(long)]
        rotated: bool,
        /// Write the amplified residual of a new mark as PNG.
        #[arg(long, value_name = "PNG")]
        residual: Option<PathBuf>,
    },
}
