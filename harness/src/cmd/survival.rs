//! `credlink survival`: the main job.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use credlink_corpus::{ImageSet, Rejected};
use credlink_harness::ledger::Ledger;
use credlink_harness::plan::{self, Plan, Size};
use credlink_harness::stages::event::{Event, Listener};
use credlink_harness::stages::setting::Setting;
use credlink_harness::stages::{self, Ending};
use credlink_harness::systems::credlink::{self, CredLink};
use credlink_harness::{
    clock, distractors, estimate, exhibits, exit, identity, image_set, machine, recipes, versions,
};
use credlink_reports::figures::plural;
use credlink_reports::gate::Gate;
use credlink_reports::header::ImageSetHeader;
use credlink_reports::{RowWriter, RunDir, RunHeader};
use credlink_sign_core::Signer;
use credlink_sign_core::keys::{Identity, WatermarkSecret};
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::watermark::Effort;
use credlink_transforms::recipe::Recipe;

use crate::cli::SurvivalArgs;
use crate::progress::Progress;

/// Ops of a run that was not told how many.
const DEFAULT_OPS: u64 = 10_000;

/// One of several parts of the pipelines, each Nth in their order; controls stay in every part.
fn part_of(pipelines: Vec<Arc<Recipe>>, part: Option<(usize, usize)>) -> Vec<Arc<Recipe>> {
    let Some((which, of)) = part else {
        return pipelines;
    };
    let (controls, others): (Vec<_>, Vec<_>) = pipelines
        .into_iter()
        .partition(|recipe| recipe.family == "controls");
    let chosen = others.into_iter().skip(which - 1).step_by(of);
    controls.into_iter().chain(chosen).collect()
}

pub(crate) fn run(args: &SurvivalArgs) -> Result<u8> {
    let start = clock::wall_nanos();
    let created = clock::utc_now();
    let named = super::selected(args.pipelines.iter().map(String::as_str))?;
    let pipelines = part_of(named, args.part);
    let gate = gate(args, &pipelines)?;
    let identity = identity::of_run(args.keys.as_deref(), identity::fresh_seed()?)?;
    let watermark = (!args.mark.no_watermark)
        .then(|| identity::watermark_of_run(args.keys.as_deref(), args.seed))
        .transpose()?;
    let pool = workers(args)?;
    let progress = Progress::new(args.quiet || args.json);
    let listener = |event: Event| progress.show(event);
    let set = pool.install(|| image_set::open(args.images.as_deref(), args.seed))?;
    warn_of_images(&*set, &listener);
    let plan = planned(args, &*set, pipelines)?;
    let signer = signer(args, identity, watermark.as_ref())?;
    let effort = super::watermark::effort(args.search_rotation);
    if args.dry_run {
        let estimate = estimate::estimate(&plan, &*set, args.seed, signer, effort)?;
        let threads = pool.current_num_threads();
        super::dry_run::print(&plan, &estimate, threads, args.json)?;
        return Ok(exit::OK);
    }
    let warnings = plan.shortfalls.iter().cloned();
    let warnings = warnings.chain(unused(&plan, &*set));
    warnings.for_each(|line| listener(Event::Warning(line)));
    // Made only now, so that a mistyped option leaves no empty directory behind, and before any image is signed.
    let run_dir = make_run_dir(args, &created)?;
    // So that the signed files can be verified by anybody afterwards: `credlink verify --keys RUN --store RUN`.
    signer.identity().save_certificates(run_dir.root())?;
    if let Some(secret) = watermark.filter(|_| args.keys.is_none()) {
        secret.save(run_dir.root())?;
    }
    let mut header = RunHeader {
        id: run_dir
            .root()
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        created,
        threads: u32::try_from(pool.current_num_threads()).unwrap_or(u32::MAX),
        ..described(args, &plan, &*set)
    };
    let stop = stop_on_interrupt()?;
    let ledger = Ledger::new();
    let signer_name = signer.identity().name().to_owned();
    let setting = Setting {
        set: &*set,
        seed: args.seed,
        signer_name: &signer_name,
        signed_folder: &run_dir.signed(),
        negative_folder: &run_dir.negatives(),
        stop: &stop,
        listener: &listener,
        ledger: &ledger,
    };
    let ending = pool.install(|| {
        let signing = Signing {
            signer,
            effort,
            distractors: args.distractors,
        };
        measured(&plan, signing, &run_dir, &header, &setting)
    });
    progress.finish();
    let ending =
        ending.with_context(|| format!("the run in {} is incomplete", run_dir.root().display()))?;
    complete(&mut header, ending);
    header.elapsed_s = (clock::wall_nanos() - start) as f64 / 1e9;
    header.cpu = ledger.shares();
    run_dir.write_header(&header)?;
    // After the header, whose times it must not change; a run without pictures is still a run.
    if let Err(error) = pool.install(|| exhibits::make(&run_dir, &header, &stop)) {
        super::complain(&format!("warning: no gallery: {error:#}"));
    }
    recipes::keep(&run_dir, &header)?;
    report(args, &run_dir)?;
    judged(&header, gate.as_ref(), &run_dir)
}

/// The threads that work.
fn workers(args: &SurvivalArgs) -> Result<rayon::ThreadPool> {
    let count = args
        .threads
        .map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX));
    rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .build()
        .context("failed to start the worker threads")
}

/// Names the files that were left out, and says where files show the same picture.
fn warn_of_images(set: &dyn ImageSet, listener: Listener<'_>) {
    if let Some(line) = left_out(&set.header().rejected) {
        listener(Event::Warning(line));
    }
    if let (Some(files), Some(sources)) = (set.header().files, set.distinct_sources())
        && sources < files
    {
        listener(Event::Warning(format!(
            "{files} files show {sources} pictures; copies of one picture count as one source"
        )));
    }
}

/// How many files of a directory the plan uses, unless it uses all of them.
fn unused(plan: &Plan, set: &dyn ImageSet) -> Option<String> {
    let files = set.header().files?;
    let signed = plan.signed.iter().map(|image| &image.entry.source);
    let held_out = plan
        .negatives
        .iter()
        .map(|negative| &negative.image.entry.source);
    let used: BTreeSet<&String> = signed.chain(held_out).collect();
    (used.len() < files).then(|| {
        format!(
            "uses {} of {}; more ops use more of them, and --every-image takes each",
            used.len(),
            plural(files as u64, "image")
        )
    })
}

/// One line about all files that were left out, by reason; run.json names them all.
fn left_out(rejected: &[Rejected]) -> Option<String> {
    const NAMED: usize = 3;
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for file in rejected {
        kinds.entry(file.why.kind()).or_default().push(&file.path);
    }
    let told: Vec<String> = kinds
        .iter()
        .map(|(kind, paths)| {
            let names = paths
                .iter()
                .take(NAMED)
                .copied()
                .collect::<Vec<_>>()
                .join(", ");
            let more = if paths.len() > NAMED { ", ..." } else { "" };
            format!("{} {kind} ({names}{more})", paths.len())
        })
        .collect();
    (!told.is_empty()).then(|| format!("left out: {}; run.json names them all", told.join("; ")))
}

/// The plan, without pipelines whose programs are not installed.
fn planned(args: &SurvivalArgs, set: &dyn ImageSet, pipelines: Vec<Arc<Recipe>>) -> Result<Plan> {
    let size = match args.per_pipeline {
        _ if args.every_image => Size::EveryImage,
        Some(each) => Size::PerPipeline(each),
        None => Size::Total(args.ops.unwrap_or(DEFAULT_OPS)),
    };
    let (pipelines, missing) = with_programs(pipelines);
    let mut plan = plan::plan(set, pipelines, size);
    plan.shortfalls.extend(missing);
    if plan.pipelines.is_empty() {
        anyhow::bail!("nothing to run: {}", plan.shortfalls.join("; "));
    }
    Ok(plan)
}

/// Whoever signs, with a mark in the pixels if there is a key for it.
fn signer(
    args: &SurvivalArgs,
    identity: Identity,
    watermark: Option<&WatermarkSecret>,
) -> Result<Signer> {
    let signer = Signer::new(identity)?;
    Ok(match watermark {
        Some(secret) => signer.with_marker(super::watermark::marker(
            secret.key()?,
            args.mark.watermark_psnr,
        )),
        None => signer,
    })
}

/// Who signs, and among how many other proofs.
struct Signing {
    signer: Signer,
    effort: Effort,
    distractors: u64,
}

/// The run itself, on the threads of the current pool.
fn measured(
    plan: &Plan,
    signing: Signing,
    run_dir: &RunDir,
    header: &RunHeader,
    setting: &Setting<'_>,
) -> Result<Ending> {
    let distractors = match usize::try_from(signing.distractors)? {
        0 => Vec::new(),
        count => {
            let cache = distractors::cache_file(distractors::CACHE.as_ref());
            distractors::first(count, &cache, setting.listener)?
        }
    };
    let store = ProofStoreBuilder::create(run_dir.root())?.with_distractors(distractors);
    let system = Box::new(CredLink::new(signing.signer, store).with_effort(signing.effort));
    let writer = RowWriter::create(&run_dir.rows(), &header.carriers)?;
    // Written before the work and again behind it: a run that is killed says what it was, and that it is partial.
    run_dir.write_header(header)?;
    // Panics inside codecs are caught and become error rows; their backtraces would only tear the progress bar.
    std::panic::set_hook(Box::new(|_| {}));
    let ending = stages::run(plan, system, writer, header, setting);
    drop(std::panic::take_hook());
    ending
}

/// Enters how the run ended.
fn complete(header: &mut RunHeader, ending: Ending) {
    header.ops_done = ending.ops_done;
    header.partial = ending.partial;
    header.ops_left_out = ending.ops_not_made;
    header.skipped.extend(ending.not_made);
    header.controls = ending.controls;
    header.peak_memory_bytes = machine::peak_memory_bytes();
}

/// Writes the report and shows what was asked for.
fn report(args: &SurvivalArgs, run_dir: &RunDir) -> Result<()> {
    if let Some(gate) = &args.gate {
        super::report::keep_gate(gate, run_dir)?;
    }
    let summary = credlink_reports::regenerate(run_dir)?;
    if args.json {
        super::say(std::fs::read_to_string(run_dir.root().join("report.json"))?.trim_end())?;
    } else if !args.quiet {
        super::say(&summary.to_string())?;
        super::say(&format!(
            "report: {}",
            run_dir.root().join("report.html").display()
        ))?;
    }
    Ok(())
}

/// The exit code. Interrupted, or a control failed: the gate cannot pass, and the code says why.
fn judged(header: &RunHeader, gate: Option<&Gate>, run_dir: &RunDir) -> Result<u8> {
    let verdict = super::verdict(header, run_dir)?;
    let Some(gate) = gate else {
        return Ok(verdict);
    };
    let report = super::gate::judged(gate, run_dir)?;
    // Standard output may be for machines.
    super::complain(&report.to_string());
    Ok(match verdict {
        exit::OK => super::gate::code(&report),
        worse => worse,
    })
}

/// The gate, refused before anything runs if it names what the run will not have.
fn gate(args: &SurvivalArgs, pipelines: &[Arc<Recipe>]) -> Result<Option<Gate>> {
    let Some(path) = &args.gate else {
        return Ok(None);
    };
    let gate = Gate::read(path)?;
    let named: Vec<(String, String)> = pipelines
        .iter()
        .map(|recipe| (recipe.id.clone(), recipe.family.clone()))
        .collect();
    gate.check_names(&named, &credlink::about().names())?;
    Ok(Some(gate))
}

/// Every setting that decides results, with the value that takes effect.
fn settings(args: &SurvivalArgs) -> BTreeMap<String, String> {
    let watermark = match (args.mark.no_watermark, args.mark.watermark_psnr) {
        (true, _) => "none".to_owned(),
        (false, Some(floor)) => format!("PSNR of the file at least {floor} dB"),
        (false, None) => "default strength".to_owned(),
    };
    let effort = if args.search_rotation {
        "turned, too"
    } else {
        "default"
    };
    let keys = if args.keys.is_some() {
        "given"
    } else {
        "of the run"
    };
    [
        ("system", credlink::about().name),
        ("watermark", watermark),
        ("watermark search", effort.to_owned()),
        ("keys", keys.to_owned()),
        ("distractors", args.distractors.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The recipes whose programs are installed, and a sentence about each of the others.
fn with_programs(recipes: Vec<Arc<Recipe>>) -> (Vec<Arc<Recipe>>, Vec<String>) {
    let folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    let installed = |program: &str| folders.iter().any(|folder| folder.join(program).is_file());
    let mut missing = Vec::new();
    let usable = recipes.into_iter().filter(|recipe| {
        let absent: Vec<&str> = recipe
            .programs()
            .into_iter()
            .filter(|program| !installed(program))
            .collect();
        if !absent.is_empty() {
            missing.push(format!(
                "{}: skipped, because {} is not installed",
                recipe.id,
                absent.join(" and ")
            ));
        }
        absent.is_empty()
    });
    (usable.collect(), missing)
}

fn make_run_dir(args: &SurvivalArgs, created: &str) -> Result<RunDir> {
    let path = args.out.clone().unwrap_or_else(|| {
        let time: String = created
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect();
        PathBuf::from("reports/runs").join(format!("{time}-seed{}", args.seed))
    });
    let name = path.file_name().and_then(|name| name.to_str());
    let name =
        name.with_context(|| format!("{} names no directory that could be made", path.display()))?;
    let base = path
        .parent()
        .map_or_else(PathBuf::new, std::path::Path::to_path_buf);
    let base = if base.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        base
    };
    RunDir::create(&base, name)
        .with_context(|| format!("failed to make the run directory {}", path.display()))
}

/// A flag that the first Ctrl-C raises; the second one ends the process at once.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(exit::INTERRUPTED.into());
        }
        super::complain("\ninterrupted: finishing the ops under way (Ctrl-C again to end at once)");
    };
    ctrlc::set_handler(handler).context("failed to listen for Ctrl-C")?;
    Ok(stop)
}

fn described(args: &SurvivalArgs, plan: &Plan, set: &dyn ImageSet) -> RunHeader {
    let header = set.header();
    let system = credlink::about();
    RunHeader {
        seed: args.seed,
        distractors: args.distractors,
        command_line: std::env::args().collect(),
        versions: versions::all(),
        machine: machine::describe(),
        image_set: ImageSetHeader {
            name: header.name.clone(),
            kind: header.kind.to_owned(),
            digest: header.digest.clone(),
            seed: header.seed,
            files: header
                .files
                .unwrap_or(plan.signed.len() + plan.negatives.len()) as u64,
            rejected: header
                .rejected
                .iter()
                .map(|file| format!("{}: {}", file.path, file.why))
                .collect(),
        },
        settings: settings(args),
        pipelines: plan.described(),
        carriers: system.names(),
        carrier_facts: system.facts(),
        ops_planned: plan.signed_ops + plan.negative_ops,
        partial: true,
        skipped: plan.shortfalls.clone(),
        ..RunHeader::default()
    }
}
