//! `credlink survival`: the main job, for one system or for several on the same ops.

mod header;
mod images;
mod systems;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use credlink_corpus::ImageSet;
use credlink_harness::image_set::SmallSet;
use credlink_harness::ledger::Ledger;
use credlink_harness::plan::{self, Negatives, Plan, Size};
use credlink_harness::stages::event::Event;
use credlink_harness::stages::setting::Setting;
use credlink_harness::stages::{self, Ending};
use credlink_harness::systems::About;
use credlink_harness::systems::credlink;
use credlink_harness::systems::named::Choice;
use credlink_harness::{clock, estimate, exhibits, exit, image_set, machine, recipes};
use credlink_reports::gate::Gate;
use credlink_reports::head_to_head::{Contest, Entrant, Skipped};
use credlink_reports::{RowWriter, RunDir, RunHeader};
use credlink_transforms::recipe::Recipe;

use self::systems::{Asked, Part, Ready};
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

/// What all systems of a call share.
struct Shared<'a> {
    args: &'a SurvivalArgs,
    created: String,
    pool: rayon::ThreadPool,
    set: Box<dyn ImageSet>,
    pipelines: Vec<Arc<Recipe>>,
    /// The ids of the user's recipe files.
    own_recipes: Vec<String>,
    gate: Option<Gate>,
    progress: &'a Progress,
    stop: Arc<AtomicBool>,
    /// Whether signed pictures are compared as the eye does: where systems stand side by side, or one is a guest.
    looks_closely: bool,
}

pub(crate) fn run(args: &SurvivalArgs) -> Result<u8> {
    let created = clock::utc_now();
    let catalogue = recipes::catalogue(args.recipes.as_deref())?;
    let names = args.pipelines.iter().map(String::as_str);
    let pipelines = part_of(super::selected(&catalogue, names)?, args.part);
    let gate = args.gate.as_deref().map(Gate::read).transpose()?;
    let asked = systems::asked(args)?;
    let pool = workers(args)?;
    let progress = Progress::new(args.quiet || args.json);
    let images = args.signed.as_deref().or(args.images.as_deref());
    ensure!(
        !args.every_image || images.is_some(),
        "--every-image is for a directory: say which with --images or --signed"
    );
    let set = pool.install(|| image_set::open(images, args.seed))?;
    let set = match args.longest_side {
        None => set,
        Some(side) => Box::new(SmallSet::new(set, side)),
    };
    images::warn(&*set, &|event| progress.show(event));
    let plain = Part::native(Choice::CredLink(credlink::carriers()));
    let shared = Shared {
        args,
        created,
        pool,
        set,
        pipelines,
        own_recipes: match &args.recipes {
            None => Vec::new(),
            Some(dir) => recipes::files(dir)?.into_iter().map(|(id, _)| id).collect(),
        },
        gate,
        progress: &progress,
        stop: stop_on_interrupt()?,
        looks_closely: args.signed.is_none() && asked.parts != [plain],
    };
    let out = place(args, &shared.created);
    if args.signed.is_some() {
        let ready = systems::signed_files(args.trust.as_deref(), args.resolve.as_deref())?;
        return shared.one(ready, &out);
    }
    match &asked.parts[..] {
        [only] if asked.skipped.is_empty() => {
            let ready = shared.ready(only)?;
            shared.one(ready, &out)
        }
        _ => shared.several(&asked, &out),
    }
}

impl Shared<'_> {
    fn ready(&self, part: &Part) -> Result<Ready> {
        let threads = self.pool.current_num_threads();
        systems::ready(self.args, part, &*self.set, threads)
    }

    /// One system after the other, each in a run of its own, on the same ops; and what they did side by side.
    fn several(&self, asked: &Asked, out: &Path) -> Result<u8> {
        for (name, why) in &asked.skipped {
            super::complain(&format!("warning: {name} is left out: {why}"));
        }
        // A system that cannot start is told before hours of the others.
        for part in asked.parts.iter().filter(|part| part.is_native()) {
            drop(self.ready(part)?);
        }
        let mut code = exit::OK;
        let mut entrants = Vec::new();
        for part in &asked.parts {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(exit::INTERRUPTED);
            }
            if !self.args.quiet {
                super::complain(&format!("system: {}", part.name()));
            }
            let of_run = self.one(self.ready(part)?, &out.join(part.folder()))?;
            // The first that is not well speaks for all.
            code = if code == exit::OK { of_run } else { code };
            entrants.push(Entrant {
                name: part.name(),
                folder: part.folder(),
            });
        }
        if self.args.dry_run {
            return Ok(code);
        }
        let skipped = asked.skipped.iter();
        let contest = Contest {
            systems: entrants,
            skipped: skipped
                .map(|(name, why)| Skipped {
                    name: name.clone(),
                    why: why.clone(),
                })
                .collect(),
        };
        let text = super::head_to_head::written(&contest, out)?;
        if !self.args.quiet && !self.args.json {
            super::say(&text)?;
        }
        Ok(code)
    }

    /// One system through its run.
    fn one(&self, ready: Ready, out: &Path) -> Result<u8> {
        let start = clock::wall_nanos();
        let args = self.args;
        let progress = self.progress;
        let listener = |event: Event| progress.show(event);
        let about = ready.about();
        self.check_gate(&about)?;
        let plan = planned(args, &*self.set, self.pipelines.clone(), &about)?;
        if args.dry_run {
            let estimate = estimate::estimate(&plan, &*self.set, args.seed, ready.tried())?;
            let threads = self.pool.current_num_threads();
            super::dry_run::print(&plan, &estimate, threads, args.json)?;
            return Ok(exit::OK);
        }
        let warnings = plan.shortfalls.iter().cloned();
        let warnings = warnings.chain(images::unused(&plan, &*self.set));
        warnings.for_each(|line| listener(Event::Warning(line)));
        // Made only now, so that a mistyped option leaves no empty directory behind, and before any image is signed.
        let run_dir = make_run_dir(out)?;
        if let Some(own) = &args.recipes {
            recipes::copy(own, &run_dir)?;
        }
        let name = run_dir.root().file_name();
        let mut header = RunHeader {
            id: name
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            created: self.created.clone(),
            threads: u32::try_from(self.pool.current_num_threads()).unwrap_or(u32::MAX),
            ..header::described(args, &plan, &*self.set, &about, &self.own_recipes)
        };
        let ledger = Ledger::new();
        let signer_name = ready.signer_name();
        let setting = Setting {
            set: &*self.set,
            seed: args.seed,
            signer_name: &signer_name,
            looks_closely: self.looks_closely,
            signed_folder: &run_dir.signed(),
            negative_folder: &run_dir.negatives(),
            stop: &self.stop,
            listener: &listener,
            ledger: &ledger,
        };
        let ending = self
            .pool
            .install(|| measured(&plan, ready, args.distractors, &run_dir, &header, &setting));
        progress.finish();
        let ending = ending
            .with_context(|| format!("the run in {} is incomplete", run_dir.root().display()))?;
        for note in &ending.notes {
            super::complain(&format!("note: {note}"));
        }
        complete(&mut header, ending);
        header.elapsed_s = (clock::wall_nanos() - start) as f64 / 1e9;
        header.cpu = ledger.shares();
        run_dir.write_header(&header)?;
        // After the header, whose times it must not change; a run without pictures is still a run.
        let made = self
            .pool
            .install(|| exhibits::make(&run_dir, &header, &self.stop));
        if let Err(error) = made {
            super::complain(&format!("warning: no gallery: {error:#}"));
        }
        recipes::keep(&run_dir, &header)?;
        report(args, &run_dir)?;
        judged(&header, self.gate.as_ref(), &run_dir)
    }

    /// A gate is refused before anything runs if it names what the run will not have.
    fn check_gate(&self, system: &About) -> Result<()> {
        let Some(gate) = &self.gate else {
            return Ok(());
        };
        let named: Vec<(String, String)> = self
            .pipelines
            .iter()
            .map(|recipe| (recipe.id.clone(), recipe.family.clone()))
            .collect();
        Ok(gate.check_names(&named, &system.names())?)
    }
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

/// The plan, without pipelines whose programs are not installed.
fn planned(
    args: &SurvivalArgs,
    set: &dyn ImageSet,
    pipelines: Vec<Arc<Recipe>>,
    system: &About,
) -> Result<Plan> {
    let size = match args.per_pipeline {
        _ if args.every_image => Size::EveryImage,
        Some(each) => Size::PerPipeline(each),
        None => Size::Total(args.ops.unwrap_or(DEFAULT_OPS)),
    };
    let (pipelines, missing) = with_programs(pipelines);
    let negatives = Negatives {
        unsigned_share: args.unsigned_share,
        deceptions: &system.deceptions,
    };
    let mut plan = plan::plan(set, pipelines, size, negatives);
    plan.shortfalls.extend(missing);
    if plan.pipelines.is_empty() {
        anyhow::bail!("nothing to run: {}", plan.shortfalls.join("; "));
    }
    Ok(plan)
}

/// The run itself, on the threads of the current pool.
fn measured(
    plan: &Plan,
    ready: Ready,
    distractors: u64,
    run_dir: &RunDir,
    header: &RunHeader,
    setting: &Setting<'_>,
) -> Result<Ending> {
    let system = ready.begun(run_dir, distractors, setting.listener)?;
    let writer = RowWriter::create(&run_dir.rows(), &header.carriers)?;
    // Written before the work and again behind it: a run that is killed says what it was, and that it is partial.
    run_dir.write_header(header)?;
    // Panics inside codecs are caught and become error rows; their backtraces would only tear the progress bar.
    std::panic::set_hook(Box::new(|_| {}));
    let ending = stages::run(plan, system, writer, header, setting);
    drop(std::panic::take_hook());
    ending
}

/// Where the run goes.
fn place(args: &SurvivalArgs, created: &str) -> PathBuf {
    args.out.clone().unwrap_or_else(|| {
        let time: String = created
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect();
        PathBuf::from("reports/runs").join(format!("{time}-seed{}", args.seed))
    })
}

fn make_run_dir(path: &Path) -> Result<RunDir> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name =
        name.with_context(|| format!("{} names no directory that could be made", path.display()))?;
    let base = path
        .parent()
        .filter(|base| !base.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    RunDir::create(base, name)
        .with_context(|| format!("failed to make the run directory {}", path.display()))
}

/// Enters how the run ended.
fn complete(header: &mut RunHeader, ending: Ending) {
    header.ops_done = ending.ops_done;
    header.partial = ending.partial;
    header.ops_left_out = ending.ops_not_made;
    header.skipped.extend(ending.not_made);
    header.skipped.extend(ending.notes);
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
