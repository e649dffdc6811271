//! The options of a run that goes on, or that builds on a registry: those it was begun with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser as _;
use credlink_harness::journal;

use crate::cli::{Cli, Command, SurvivalArgs};
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
    options.dry_run = typed.dry_run;
    options.resume.clone_from(&typed.resume);
    options.alone.clone_from(&typed.alone);
    options.scratch.clone_from(&typed.scratch);
    if let Some(run) = &typed.resume {
        // A run that is to be published is published when it has ended, whoever ends it.
        let is_of = |out: &PathBuf| remote::url(out).is_some_and(|url| remote::folder(url) == *run);
        let published = options.out.take().filter(is_of);
        options.out = Some(published.unwrap_or_else(|| run.clone()));
        if !typed.registry.is_empty() {
            options.registry.clone_from(&typed.registry);
        }
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
    plain.registry.clone_from(&typed.registry);
    plain.shard = typed.shard;
    plain.out.clone_from(&typed.out);
    plain.threads = typed.threads;
    plain.gate.clone_from(&typed.gate);
    plain.quiet = typed.quiet;
    plain.json = typed.json;
    plain.isolate = typed.isolate;
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

/// The options that a run was begun with, or one of the runs of a contest.
fn begun_with(run: &Path) -> Result<SurvivalArgs> {
    let mut places = vec![run.to_owned()];
    if let Ok(entries) = std::fs::read_dir(run) {
        let folders = entries.flatten().map(|entry| entry.path());
        let mut folders: Vec<_> = folders.filter(|path| path.is_dir()).collect();
        folders.sort();
        places.extend(folders);
    }
    for place in &places {
        if let Some(about) = journal::about(place)? {
            return serde_json::from_value(about.options)
                .with_context(|| format!("failed to read how {} was begun", place.display()));
        }
    }
    bail!(
        "{} holds no run that was begun; `credlink survival --out {0}` begins one",
        run.display()
    )
}
