//! `credlink survival`: the main job.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use credlink_corpus::ImageSet;
use credlink_harness::event::Event;
use credlink_harness::plan::{self, Plan, Size};
use credlink_harness::runner;
use credlink_harness::setting::Setting;
use credlink_harness::{
    clock, cost, distractors, estimate, exit, gallery, identity, image_set, machine, versions,
};
use credlink_reports::gate::Gate;
use credlink_reports::header::ImageSetHeader;
use credlink_reports::{RowWriter, RunDir, RunHeader};
use credlink_sign_core::carriers::CARRIERS;
use credlink_sign_core::store::ProofStoreBuilder;
use credlink_sign_core::system::CredLink;
use credlink_sign_core::{Marker, Signer};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;

use crate::cli::SurvivalArgs;
use crate::progress::Progress;

/// Ops of a run that was not told how many.
const DEFAULT_OPS: u64 = 10_000;

pub(crate) fn run(args: &SurvivalArgs) -> Result<u8> {
    let start = clock::wall_nanos();
    let ledger = cost::Ledger::new();
    let created = clock::utc_now();
    let pipelines = chosen(&args.pipelines)?;
    let gate = gate(args, &pipelines)?;
    let identity = identity::of_run(args.keys.as_deref(), identity::fresh_seed()?)?;
    let watermark = (!args.no_watermark)
        .then(|| identity::watermark_of_run(args.keys.as_deref(), args.seed))
        .transpose()?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(
            args.threads
                .map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX)),
        )
        .build()
        .context("failed to start the worker threads")?;
    let progress = Progress::new(args.quiet || args.json);
    let listener = |event: Event| progress.show(event);
    let set = pool.install(|| image_set::open(args.images.as_deref(), args.seed))?;
    for rejected in &set.header().rejected {
        listener(Event::Warning(format!(
            "left out {}: {}",
            rejected.path, rejected.reason
        )));
    }
    if let (Some(files), Some(sources)) = (set.header().files, set.distinct_sources())
        && sources < files
    {
        listener(Event::Warning(format!(
            "{files} files show {sources} pictures; copies of one picture count as one source"
        )));
    }
    let size = args.per_pipeline.map_or_else(
        || Size::Total(args.ops.unwrap_or(DEFAULT_OPS)),
        Size::PerPipeline,
    );
    let (pipelines, missing) = with_programs(pipelines);
    let mut plan = plan::plan(&*set, pipelines, size);
    plan.shortfalls.extend(missing);
    if plan.pipelines.is_empty() {
        anyhow::bail!("nothing to run: {}", plan.shortfalls.join("; "));
    }
    let mut signer = Signer::new(identity)?;
    if let Some(secret) = &watermark {
        let settings = super::watermark::settings(args.watermark_psnr);
        signer = signer.with_marker(Marker::new(secret.key()?).with_settings(settings));
    }
    let effort = super::watermark::effort(args.search_rotation);
    if args.dry_run {
        let estimate = estimate::estimate(&plan, &*set, args.seed, signer, effort)?;
        super::dry_run::print(&plan, &estimate, pool.current_num_threads())?;
        return Ok(exit::OK);
    }
    for shortfall in &plan.shortfalls {
        listener(Event::Warning(shortfall.clone()));
    }
    // Made only now, so that a mistyped option leaves no empty directory behind, and before any image is signed.
    let run_dir = make_run_dir(args, &created)?;

    let carriers: Vec<String> = CARRIERS
        .iter()
        .map(|carrier| carrier.name().to_owned())
        .collect();
    // So that the signed files can be verified by anybody afterwards: `credlink verify --keys RUN --store RUN`.
    signer.identity().save_certificates(run_dir.root())?;
    let signer_name = signer.identity().name().to_owned();
    if let Some(secret) = watermark.filter(|_| args.keys.is_none()) {
        secret.save(run_dir.root())?;
    }
    let distractors = pool.install(|| {
        let cache = distractors::cache_file(distractors::CACHE.as_ref());
        match args.distractors as usize {
            0 => Ok(Vec::new()),
            count => distractors::first(count, &cache, &listener),
        }
    })?;
    let store = ProofStoreBuilder::create(run_dir.root())?.with_distractors(distractors);
    let system = Box::new(CredLink::new(signer, store).with_effort(effort));
    let writer = RowWriter::create(&run_dir.rows(), &carriers)?;
    let mut header = described(args, &plan, &*set, carriers);
    header.id = run_dir
        .root()
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    header.created = created;
    header.threads = u32::try_from(pool.current_num_threads()).unwrap_or(u32::MAX);
    // Written before the work and again behind it: a run that is killed says what it was, and that it is partial.
    run_dir.write_header(&header)?;
    let stop = stop_on_interrupt()?;
    // Panics inside codecs are caught and become error rows; their backtraces would only tear the progress bar.
    std::panic::set_hook(Box::new(|_| {}));
    let (signed_folder, negative_folder) = (run_dir.signed(), run_dir.negatives());
    let setting = Setting {
        set: &*set,
        seed: args.seed,
        signer_name: &signer_name,
        signed_folder: &signed_folder,
        negative_folder: &negative_folder,
        stop: &stop,
        listener: &listener,
        ledger: &ledger,
    };
    let ending = pool.install(|| runner::run(&plan, system, writer, &header, &setting));
    progress.finish();
    drop(std::panic::take_hook());
    let ending =
        ending.with_context(|| format!("the run in {} is incomplete", run_dir.root().display()))?;

    header.ops_done = ending.ops_done;

    header.partial = ending.partial;
    header.ops_planned -= ending.ops_not_made;
    header.skipped.extend(ending.not_made);

    header.controls = ending.controls;
    header.elapsed_s = (clock::wall_nanos() - start) as f64 / 1e9;
    header.peak_memory_bytes = machine::peak_memory_bytes();
    header.cpu = ledger.shares();
    run_dir.write_header(&header)?;
    // After the header, whose times it must not change; a run without pictures is still a run.
    if let Err(error) = pool.install(|| gallery::make(&run_dir, &header, &stop)) {
        super::complain(&format!("warning: no gallery: {error:#}"));
    }
    if let Some(gate) = &args.gate {
        super::report::keep_gate(gate, &run_dir)?;
    }
    let summary = credlink_reports::regenerate(&run_dir)?;
    if args.json {
        super::say(std::fs::read_to_string(run_dir.root().join("report.json"))?.trim_end())?;
    } else if !args.quiet {
        super::say(&summary.to_string())?;
        super::say(&format!(
            "report: {}",
            run_dir.root().join("report.html").display()
        ))?;
    }
    let verdict = super::verdict(&header);
    let Some(gate) = &gate else {
        return Ok(verdict);
    };
    let report = super::gate::judged(gate, &run_dir)?;
    // Standard output may be for machines.
    super::complain(&report.to_string());
    // Interrupted or control failed: the gate cannot pass, and the exit code says why.
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
    let carriers: Vec<String> = CARRIERS
        .iter()
        .map(|carrier| carrier.name().to_owned())
        .collect();
    gate.check_names(&named, &carriers)?;
    Ok(Some(gate))
}

/// The recipes that the patterns name, each once, in the order of the patterns.
fn chosen(patterns: &[String]) -> Result<Vec<Arc<Recipe>>> {
    let catalogue = Catalogue::embedded()?;
    let mut chosen: Vec<Arc<Recipe>> = Vec::new();
    for pattern in patterns {
        let named = catalogue.select(pattern);
        if named.is_empty() {
            return Err(super::unknown(&catalogue, pattern));
        }
        for recipe in named {
            if !chosen.iter().any(|earlier| earlier.id == recipe.id) {
                chosen.push(recipe);
            }
        }
    }
    Ok(chosen)
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

fn described(
    args: &SurvivalArgs,
    plan: &Plan,
    set: &dyn ImageSet,
    carriers: Vec<String>,
) -> RunHeader {
    let header = set.header();
    RunHeader {
        seed: args.seed,
        distractors: args.distractors.into(),
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
                .map(|file| format!("{}: {}", file.path, file.reason))
                .collect(),
        },
        pipelines: plan.described(),
        carriers,
        ops_planned: plan.signed_ops + plan.negative_ops,
        partial: true,
        skipped: plan.shortfalls.clone(),
        ..RunHeader::default()
    }
}
