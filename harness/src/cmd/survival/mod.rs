//! `credlink survival`: the main job, for one system or for several on the same ops.

mod apart;
pub(crate) mod ending;
mod header;
mod images;
mod isolated;
mod part;
pub(crate) mod place;
mod resumed;
mod systems;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use credlink_corpus::ImageSet;
use credlink_harness::image_set::SmallSet;
use credlink_harness::journal::{self, Journal};
use credlink_harness::plan::{self, Negatives, Plan, Size};
use credlink_harness::shard::Shard;
use credlink_harness::stages::event::Event;
use credlink_harness::systems::About;
use credlink_harness::systems::credlink;
use credlink_harness::systems::named::Choice;
use credlink_harness::{clock, estimate, exit, image_set, live, programs, recipes};
use credlink_reports::gate::Gate;
use credlink_reports::head_to_head::{self, Contest, Entrant, Skipped};
use credlink_reports::{RunDir, RunHeader};
use credlink_sign_core::keys::ANCHOR_FILE;
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
    /// Asks real servers, where a pipeline does.
    live: Option<live::Client>,
    /// Which part of a run this makes.
    part: journal::Part,
    gate: Option<Gate>,
    progress: &'a Progress,
    stop: Arc<AtomicBool>,
    /// Whether signed pictures are compared as the eye does: where systems stand side by side, or one is a guest.
    looks_closely: bool,
}

pub(crate) fn run(typed: &SurvivalArgs) -> Result<u8> {
    started(typed, journal::Part::Run)
}

/// `credlink register`.
pub(crate) fn register(typed: &SurvivalArgs) -> Result<u8> {
    ensure!(
        typed.registry.is_empty(),
        "register makes a registry and reads none"
    );
    started(typed, journal::Part::Registry)
}

fn started(typed: &SurvivalArgs, part: journal::Part) -> Result<u8> {
    let created = clock::utc_now();
    let mut typed = typed.clone();
    // A run is known by the name of its folder: `.` has none.
    if let Some(run) = &mut typed.resume
        && run.file_name().is_none()
    {
        *run = std::fs::canonicalize(&*run)
            .with_context(|| format!("failed to find {}", run.display()))?;
    }
    if typed.isolate {
        let out = typed.resume.clone();
        let out = out.unwrap_or_else(|| place_of(&typed, &created));
        let here = super::remote::url(&out).map(super::remote::folder);
        return isolated::run(&typed, &here.unwrap_or(out));
    }
    if let Some(run) = &typed.resume
        && let Some(code) = ended(run, &typed)?
    {
        return Ok(code);
    }
    // Here, wherever they were published; what a run remembers of them is where they lie here.
    for registry in &mut typed.registry {
        *registry = super::remote::fetched(registry)?;
    }
    let mut args = resumed::options(&typed)?;
    let url = args
        .out
        .as_deref()
        .and_then(super::remote::url)
        .map(str::to_owned);
    if let Some(url) = &url {
        let folder = super::remote::folder(url);
        if super::remote::is_published(url)? {
            super::complain(&format!(
                "{url} was published before; nothing is left to do"
            ));
            return Ok(exit::OK);
        }
        // A task that was started again on the same machine goes on.
        if journal::about(&folder)?.is_some() {
            args.resume = Some(folder.clone());
        }
        args.out = Some(folder);
    }
    let code = carried_out(&args, part, created)?;
    match (url, &args.out) {
        (Some(url), Some(folder)) if matches!(code, exit::OK | exit::CONTROL_FAILED) => {
            super::remote::publish(folder, &url, args.quiet)?;
        }
        _ => {}
    }
    Ok(code)
}

/// The exit code of a run or a contest that has ended; `None` if it has not.
fn ended(run: &Path, typed: &SurvivalArgs) -> Result<Option<u8>> {
    if let Ok(run_dir) = RunDir::open(run)
        && !run_dir.is_unfinished()
    {
        ensure!(
            run_dir.rows().exists(),
            "{} holds no rows: what made it was stopped, and cannot go on; remove it",
            run.display()
        );
        let gate = typed.gate.as_deref().map(Gate::read).transpose()?;
        return ended_before(&run_dir, gate.as_ref()).map(Some);
    }
    if run.join(head_to_head::FILE).exists() && !resumed::is_contest_under_way(run) {
        super::complain(&format!(
            "all runs in {} have ended; nothing is left to do",
            run.display()
        ));
        return Ok(Some(exit::OK));
    }
    Ok(None)
}

fn carried_out(args: &SurvivalArgs, part: journal::Part, created: String) -> Result<u8> {
    let begun = args.resume.as_deref().map(journal::about).transpose()?;
    let part = match (begun.flatten(), &args.registry[..]) {
        (Some(begun), _) => begun.part,
        (None, []) => part,
        (None, _) => journal::Part::Verified,
    };
    ensure!(
        args.shard.is_none() || part != journal::Part::Run,
        "a share of a run is verified against registries: `credlink register --shard {0}` makes its part of them, then \
         say --registry DIR for each",
        args.shard.unwrap_or(Shard::WHOLE)
    );
    let catalogue = recipes::catalogue(args.recipes.as_deref())?;
    let names = args.pipelines.iter().map(String::as_str);
    let pipelines = part_of(super::selected(&catalogue, names)?, args.part);
    let live = match part {
        // Signs, and sends nothing anywhere.
        journal::Part::Registry => None,
        _ => live::Client::of(&pipelines, &args.network.permission())?,
    };
    let gate = args.gate.as_deref().map(Gate::read).transpose()?;
    let mut asked = systems::asked(args)?;
    let plain = Part::native(Choice::CredLink(credlink::carriers()));
    let looks_closely = args.signed.is_none() && asked.parts != [plain];
    if let Some(only) = &args.only {
        asked.parts.retain(|part| part.name() == *only);
        asked.skipped.clear();
    }
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
        live,
        part,
        gate,
        progress: &progress,
        stop: stop_on_interrupt()?,
        looks_closely,
    };
    let out = place_of(args, &shared.created);
    if args.signed.is_some() {
        let ready = systems::signed_files(args.trust.as_deref(), args.resolve.as_deref())?;
        return shared.one(ready, &out, None);
    }
    match &asked.parts[..] {
        [only] if asked.skipped.is_empty() => {
            let ready = shared.ready(only, &out)?;
            shared.one(ready, &out, None)
        }
        _ => shared.several(&asked, &out),
    }
}

impl Shared<'_> {
    /// A system that can begin; with the key of the run in `out` if that was begun.
    fn ready(&self, part: &Part, out: &Path) -> Result<Ready> {
        let threads = self.pool.current_num_threads();
        let begun = Journal::keys(out);
        let keys = match &self.args.keys {
            Some(keys) => Some(keys.as_path()),
            None => begun.join(ANCHOR_FILE).exists().then_some(begun.as_path()),
        };
        systems::ready(self.args, part, keys, &*self.set, threads)
    }

    /// One system after the other, each in a run of its own, on the same ops; and what they did side by side.
    fn several(&self, asked: &Asked, out: &Path) -> Result<u8> {
        for (name, why) in &asked.skipped {
            super::complain(&format!("warning: {name} is left out: {why}"));
        }
        // A system that cannot start is told before hours of the others.
        for part in asked.parts.iter().filter(|part| part.is_native()) {
            drop(self.ready(part, &out.join(part.folder()))?);
        }
        if !self.args.dry_run {
            resumed::contest_begins(self.args, out)?;
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
            let out = out.join(part.folder());
            let of_run = self.one(self.ready(part, &out)?, &out, Some(&part.name()))?;
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
        resumed::contest_ended(out)?;
        if !self.args.quiet && !self.args.json {
            super::say(&text)?;
        }
        Ok(code)
    }

    /// One system through its run.
    fn one(&self, ready: Ready, out: &Path, only: Option<&str>) -> Result<u8> {
        let start = clock::wall_nanos();
        let args = self.args;
        let progress = self.progress;
        let listener = |event: Event| progress.show(event);
        let system = ready.about();
        self.check_gate(&system)?;
        ensure!(
            self.part == journal::Part::Run || !ready.has_fresh_key(),
            "the parts of a run sign with one key: say --keys DIR; `credlink keys generate DIR` makes one"
        );
        let plan = planned(args, &*self.set, self.pipelines.clone(), &system)?;
        if args.dry_run {
            let estimate = estimate::estimate(&plan, &*self.set, args.seed, ready.tried(0)?)?;
            let threads = self.pool.current_num_threads();
            super::dry_run::print(&plan, &estimate, threads, args.json)?;
            return Ok(exit::OK);
        }
        let warnings = plan.shortfalls.iter().cloned();
        let warnings = warnings.chain(images::unused(&plan, &*self.set));
        warnings.for_each(|line| listener(Event::Warning(line)));
        let about = self.described(&plan, &system, &ready, out, only)?;
        if self.part == journal::Part::Verified {
            journal::check_registries(&self.args.registry, &about)?;
        }
        self.part_of_run(ready, &plan, &about, out, start)
    }

    /// What is run, for the journal and the header.
    fn described(
        &self,
        plan: &Plan,
        system: &About,
        ready: &Ready,
        out: &Path,
        only: Option<&str>,
    ) -> Result<journal::About> {
        let args = self.args;
        let name = out.file_name();
        let header = RunHeader {
            id: name
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            created: self.created.clone(),
            threads: u32::try_from(self.pool.current_num_threads()).unwrap_or(u32::MAX),
            ..header::described(self, plan, system)
        };
        let shard = args.shard.unwrap_or(Shard::WHOLE);
        Ok(journal::About {
            part: self.part,
            shard,
            key: ready.key()?,
            ops: shard.share(plan).ops(plan),
            options: resumed::kept(args, only)?,
            ..journal::About::new(plan.digest(), header)
        })
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

/// Where the run goes.
fn place_of(args: &SurvivalArgs, created: &str) -> PathBuf {
    args.out.clone().unwrap_or_else(|| {
        let time: String = created
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect();
        PathBuf::from("reports/runs").join(format!("{time}-seed{}", args.seed))
    })
}

/// Says that a run has ended, and how.
fn ended_before(run_dir: &RunDir, gate: Option<&Gate>) -> Result<u8> {
    journal::tidy(run_dir.root())?;
    super::complain(&format!(
        "the run in {} has ended; nothing is left to do",
        run_dir.root().display()
    ));
    ending::judged(&run_dir.read_header()?, gate, run_dir)
}

/// The recipes whose programs are installed, and a sentence about each of the others.
fn with_programs(recipes: Vec<Arc<Recipe>>) -> (Vec<Arc<Recipe>>, Vec<String>) {
    let mut missing = Vec::new();
    let usable = recipes.into_iter().filter(|recipe| {
        let absent: Vec<&str> = recipe
            .programs()
            .into_iter()
            .filter(|program| programs::installed(program).is_none())
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
