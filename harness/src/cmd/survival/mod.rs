//! `credlink survival`: the main job, for one system or for several on the same ops.

mod apart;
pub(crate) mod ending;
mod header;
mod images;
mod isolated;
mod place;
mod resumed;
mod systems;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail, ensure};
use credlink_corpus::ImageSet;
use credlink_harness::image_set::SmallSet;
use credlink_harness::journal::{self, Assembly, Journal, Meter, Spent};
use credlink_harness::ledger::Ledger;
use credlink_harness::plan::{self, Negatives, Plan, Size};
use credlink_harness::shard::{self, Shard};
use credlink_harness::stages::event::Event;
use credlink_harness::stages::setting::{self, Setting};
use credlink_harness::stages::{self, sign};
use credlink_harness::systems::About;
use credlink_harness::systems::credlink;
use credlink_harness::systems::named::Choice;
use credlink_harness::{clock, estimate, exit, image_set, machine, recipes};
use credlink_reports::gate::Gate;
use credlink_reports::head_to_head::{Contest, Entrant, Skipped};
use credlink_reports::{RunDir, RunHeader};
use credlink_sign_core::keys::ANCHOR_FILE;
use credlink_transforms::recipe::Recipe;

use self::ending::{Output, Whole};
use self::place::{Found, Place};
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
    if typed.isolate {
        let out = place_of(typed, &created);
        let here = super::remote::url(&out).map(super::remote::folder);
        return isolated::run(typed, &here.unwrap_or(out));
    }
    // Here, wherever they were published; what a run remembers of them is where they lie here.
    if let Some(run) = &typed.resume
        && let Ok(run_dir) = RunDir::open(run)
        && !run_dir.is_unfinished()
    {
        let gate = typed.gate.as_deref().map(Gate::read).transpose()?;
        return ended_before(&run_dir, gate.as_ref());
    }
    let mut typed = typed.clone();
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
        part,
        gate,
        progress: &progress,
        stop: stop_on_interrupt()?,
        looks_closely: args.signed.is_none() && asked.parts != [plain],
    };
    let out = place_of(args, &shared.created);
    if args.signed.is_some() {
        let ready = systems::signed_files(args.trust.as_deref(), args.resolve.as_deref())?;
        return shared.one(ready, &out);
    }
    match &asked.parts[..] {
        [only] if asked.skipped.is_empty() => {
            let ready = shared.ready(only, &out)?;
            shared.one(ready, &out)
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
            let of_run = self.one(self.ready(part, &out)?, &out)?;
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
        let description = RunHeader {
            id: out
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            created: self.created.clone(),
            threads: u32::try_from(self.pool.current_num_threads()).unwrap_or(u32::MAX),
            ..header::described(args, &plan, &*self.set, &system, &self.own_recipes)
        };
        let about = journal::About {
            part: self.part,
            shard: args.shard.unwrap_or(Shard::WHOLE),
            key: ready.key_given()?,
            options: serde_json::to_value(args)?,
            ..journal::About::new(plan.digest(), description)
        };
        if self.part == journal::Part::Verified {
            self.check_registries(&about)?;
        }
        let ledger = Arc::new(Ledger::new());
        let share = about.shard.share(&plan);
        let signer_name = ready.signer_name();
        if let Some(alone) = &args.alone {
            return self.alone(alone, out, &about, &plan, ready, &ledger);
        }
        // Made only now, so that a mistyped option leaves no empty directory behind, and before any image is signed.
        let meter = meter(start, &ledger);
        let goes_on = args.resume.is_some();
        let Place {
            run_dir,
            journal,
            header,
        } = match place::place(out, &about, goes_on, meter)? {
            Found::Place(place) => *place,
            // Of several systems, one that came to its end.
            Found::Whole(run_dir) => return ended_before(&run_dir, self.gate.as_ref()),
        };
        if let Some(own) = &args.recipes {
            recipes::copy(own, &run_dir)?;
        }
        let apart = apart::Apart::new(&run_dir);
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
            journal: &journal,
            share: &share,
            apart: setting::Apart {
                sign: &|position| apart.sign(position),
                verify: &|job, from| apart.verify(job, from),
            },
        };
        let work = Work {
            plan: &plan,
            run_dir: &run_dir,
            setting: &setting,
        };
        // Panics inside codecs are caught and become error rows; their backtraces would only tear the progress bar.
        std::panic::set_hook(Box::new(|_| {}));
        let worked = self.pool.install(|| self.worked(ready, &work));
        drop(std::panic::take_hook());
        progress.finish();
        let notes = worked.with_context(|| {
            format!(
                "the run in {0} is incomplete; `credlink survival --resume {0}` goes on with it",
                run_dir.root().display()
            )
        })?;
        if self.part != journal::Part::Run {
            return self.part_ended(&run_dir, about.shard, &notes);
        }
        let mut finished = Assembly::default();
        finished.add(run_dir.root())?;
        let whole = Whole {
            header,
            finished: &finished,
            notes,
            spent: &|| journal.spent(),
        };
        let output = Output {
            gate: args.gate.as_deref().zip(self.gate.as_ref()),
            quiet: args.quiet,
            json: args.json,
        };
        let code = self
            .pool
            .install(|| ending::end(whole, &run_dir, &self.stop, &output))?;
        if code != exit::INTERRUPTED {
            journal.remove()?;
        }
        Ok(code)
    }

    /// The work of this part, on the threads of the current pool. Gives what there is to say of it.
    fn worked(&self, ready: Ready, work: &Work<'_>) -> Result<Vec<String>> {
        let Work {
            plan,
            run_dir,
            setting,
        } = work;
        let run = run_dir.root();
        let system = ready.begun(run_dir, self.args.distractors, setting.listener)?;
        let signed = match self.part {
            journal::Part::Run => stages::signed(plan, &*system, run, setting)?,
            journal::Part::Registry => {
                stages::signed(plan, &*system, run, setting)?;
                return Ok(Vec::new());
            }
            journal::Part::Verified => {
                let signed = sign::recall(&*system, &self.args.registry, plan.signed.len())?;
                if let Some(missing) = signed.iter().position(Option::is_none) {
                    bail!(
                        "image {missing} ({}) is in none of the registries; the `credlink register` that was to sign it has \
                         not ended: go on with it by --resume",
                        plan.signed[missing].entry.name
                    );
                }
                signed
            }
        };
        stages::verified(plan, &signed, system, run, setting)
    }

    /// What a part says when it has ended.
    fn part_ended(&self, run_dir: &RunDir, shard: Shard, notes: &[String]) -> Result<u8> {
        let run = run_dir.root();
        for note in notes {
            super::complain(&format!("note: {note}"));
        }
        if self.stop.load(Ordering::Relaxed) {
            super::complain(&format!(
                "interrupted; `credlink survival --resume {}` goes on",
                run.display()
            ));
            return Ok(exit::INTERRUPTED);
        }
        if !self.args.quiet {
            super::say(&match self.part {
                journal::Part::Registry => {
                    format!("registered part {shard} of the images: {}", run.display())
                }
                _ => format!(
                    "verified part {shard}: {}; `credlink merge` joins all parts",
                    run.display()
                ),
            })?;
        }
        Ok(exit::OK)
    }

    /// Registries belong to the run that is described, and are all there.
    fn check_registries(&self, about: &journal::About) -> Result<()> {
        let mut shards = Vec::new();
        for registry in &self.args.registry {
            let begun = journal::about(registry)?
                .filter(|begun| begun.part == journal::Part::Registry)
                .with_context(|| {
                    format!(
                        "{} is no registry; `credlink register --out DIR` makes one",
                        registry.display()
                    )
                })?;
            begun.same_run(about).with_context(|| {
                format!("the registry in {} is not of this run", registry.display())
            })?;
            shards.push((begun.shard, registry.clone()));
        }
        Ok(shard::complete(&shards)?)
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
    super::complain(&format!(
        "the run in {} has ended; nothing is left to do",
        run_dir.root().display()
    ));
    ending::judged(&run_dir.read_header()?, gate, run_dir)
}

/// What the stages of this part work on.
struct Work<'a> {
    plan: &'a Plan,
    run_dir: &'a RunDir,
    setting: &'a Setting<'a>,
}

/// Tells what this process has spent since `start`.
fn meter(start: u64, ledger: &Arc<Ledger>) -> Meter {
    let ledger = Arc::clone(ledger);
    Box::new(move || Spent {
        elapsed_s: (clock::wall_nanos() - start) as f64 / 1e9,
        cpu: ledger.shares(),
        peak_memory_bytes: machine::peak_memory_bytes(),
        processes: 1,
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
