//! The options of a run that goes on, or that builds on a registry: those it was begun with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser as _;
use credlink_harness::journal::{self, About, Part};

use crate::cli::{Cli, Command, NetworkArgs, SurvivalArgs};
use crate::cmd::remote;

/// The options that take effect: as typed; or, where nothing was typed that decides rows, as the run was begun with.
pub(super) fn options(typed: &SurvivalArgs) -> Result<SurvivalArgs> {
    let Some(earlier) = typed
        .resume
        .as_deref()
        .or(typed.registry.first().map(PathBuf::as_path))
    else {
        return Ok(typed.clone());
    };
    let is_registry = |about: &About| about.part == Part::Registry;
    ensure!(
        typed.resume.is_some() || journal::about(earlier)?.as_ref().is_some_and(is_registry),
        "{} is no registry; `credlink register --out DIR` makes one",
        earlier.display()
    );
    let begun = begun_with(earlier)?;
    let mut options = match decides_nothing(typed)? {
        true => begun,
        false => typed.clone(),
    };
    options.threads = typed.threads.or(options.threads);
    options.gate = typed.gate.clone().or(options.gate);
    options.quiet = typed.quiet;
    options.json = typed.json;
    options.isolate = false;
    // Whoever goes on says anew what may be asked: a run directory may come from elsewhere.
    options.network = typed.network.clone();
    options.dry_run = typed.dry_run;
    options.resume.clone_from(&typed.resume);
    options.alone.clone_from(&typed.alone);
    options.scratch.clone_from(&typed.scratch);
    if let Some(run) = &typed.resume {
        if !typed.registry.is_empty() {
            options.registry.clone_from(&typed.registry);
        }
        // A run that is to be published is published when it has ended, whoever ends it.
        let is_of = |out: &PathBuf| remote::url(out).is_some_and(|url| remote::folder(url) == *run);
        let published = options.out.take().filter(is_of);
        options.out = Some(published.unwrap_or_else(|| run.clone()));
    } else {
        options.out.clone_from(&typed.out);
        options.registry.clone_from(&typed.registry);
        options.shard = typed.shard;
    }
    Ok(options)
}

/// Whether nothing but what leaves the rows as they are was typed.
fn decides_nothing(typed: &SurvivalArgs) -> Result<bool> {
    let mut plain = plain()?;
    plain.resume.clone_from(&typed.resume);
    // They may have been moved: which they are is checked before anybody goes on.
    plain.registry.clone_from(&typed.registry);
    // A run that goes on has its part already.
    if typed.resume.is_none() {
        plain.shard = typed.shard;
    }
    plain.out.clone_from(&typed.out);
    plain.threads = typed.threads;
    plain.gate.clone_from(&typed.gate);
    plain.quiet = typed.quiet;
    plain.json = typed.json;
    plain.isolate = typed.isolate;
    plain.network = typed.network.clone();
    plain.dry_run = typed.dry_run;
    plain.alone.clone_from(&typed.alone);
    plain.scratch.clone_from(&typed.scratch);
    Ok(plain == *typed)
}

/// The options where nothing is typed.
fn plain() -> Result<SurvivalArgs> {
    match Cli::try_parse_from(["credlink", "survival"])?.command {
        Command::Survival(args) => Ok(args),
        _ => bail!("`credlink survival` is another command"),
    }
}

/// The file of a contest that has not ended: its options.
const UNDER_WAY: &str = "contest-under-way.json";

/// The options of a run for whoever goes on with it, wherever that is: of several systems the part that is run.
pub(super) fn kept(args: &SurvivalArgs, only: Option<&str>) -> Result<serde_json::Value> {
    let mut kept = args.clone();
    kept.network = NetworkArgs::default();
    // Whoever goes on says where that is, in whatever bytes.
    kept.resume = None;
    kept.out = kept.out.filter(|out| out.to_str().is_some());
    let paths = [
        &mut kept.images,
        &mut kept.recipes,
        &mut kept.signed,
        &mut kept.trust,
        &mut kept.keys,
        &mut kept.gate,
    ];
    let mut paths: Vec<&mut PathBuf> = paths.into_iter().flatten().collect();
    paths.push(&mut kept.adapters);
    paths.extend(&mut kept.registry);
    for path in paths {
        *path = std::path::absolute(&*path).context("failed to find the working directory")?;
        ensure!(
            path.to_str().is_some(),
            "the name {} is no Unicode, so that no journal can say it to whoever goes on; give it another",
            path.display()
        );
    }
    kept.only = only.map(str::to_owned).or(kept.only);
    Ok(serde_json::to_value(kept)?)
}

/// Says in the directory of a contest what is run there, until it has ended.
pub(super) fn contest_begins(args: &SurvivalArgs, out: &Path) -> Result<()> {
    let path = out.join(UNDER_WAY);
    let text = serde_json::to_vec_pretty(&kept(args, None)?)?;
    std::fs::create_dir_all(out)
        .and_then(|()| std::fs::write(&path, text))
        .with_context(|| format!("failed to write {}", path.display()))
}

/// Whether a contest was begun and has not ended.
pub(super) fn is_contest_under_way(out: &Path) -> bool {
    out.join(UNDER_WAY).exists()
}

/// The contest has ended.
pub(super) fn contest_ended(out: &Path) -> Result<()> {
    let path = out.join(UNDER_WAY);
    std::fs::remove_file(&path).with_context(|| format!("failed to remove {}", path.display()))
}

/// The options that a run or a contest was begun with.
fn begun_with(run: &Path) -> Result<SurvivalArgs> {
    let read = || format!("failed to read how {} was begun", run.display());
    let contest = run.join(UNDER_WAY);
    if contest.exists() {
        let text = std::fs::read(&contest).with_context(read)?;
        return serde_json::from_slice(&text).with_context(read);
    }
    if let Some(about) = journal::about(run)? {
        return serde_json::from_value(about.options).with_context(read);
    }
    if run.exists() {
        bail!(
            "{} says not what was to be run: it is no run, or was killed as it began; remove it and begin anew",
            run.display()
        );
    }
    bail!(
        "{} is not there; `credlink survival --out {0}` begins a run",
        run.display()
    )
}
