//! `credlink merge`: the parts of a run, joined.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail, ensure};
use credlink_harness::journal::{self, About, Assembly, Part, Spent};
use credlink_harness::recipes;
use credlink_harness::shard::{self, PartsError};
use credlink_reports::gate::Gate;
use credlink_reports::header::PartHeader;
use credlink_reports::{RunDir, RunHeader};
use credlink_sign_core::keys::{ANCHOR_FILE, CHAIN_FILE, WATERMARK_FILE};

use super::remote;
use super::survival::ending::{Output, Whole, end};
use super::survival::place::directory;
use crate::cli::MergeArgs;

pub(crate) fn run(args: &MergeArgs) -> Result<u8> {
    let gate = args.gate.as_deref().map(Gate::read).transpose()?;
    let fetched = |paths: &[PathBuf]| -> Result<Vec<PathBuf>> {
        paths.iter().map(|path| remote::fetched(path)).collect()
    };
    let (runs, registries) = (fetched(&args.runs)?, fetched(&args.registry)?);
    let mut parts = Vec::new();
    for run in &runs {
        parts.push((part(run)?, run.as_path()));
    }
    // Rows come in the order of the plan whatever the order of parts; what is told of them comes in theirs.
    parts.sort_by_key(|(about, _)| about.shard.index());
    let [(first, first_run), others @ ..] = &parts[..] else {
        bail!("no part is named");
    };
    for (about, run) in others {
        about.same_run(first).with_context(|| {
            format!(
                "{} is no part of the run of {}",
                run.display(),
                first_run.display()
            )
        })?;
    }
    let shards: Vec<_> = parts
        .iter()
        .map(|(about, run)| (about.shard, run.to_path_buf()))
        .collect();
    let missing = match shard::complete(&shards) {
        Ok(()) => None,
        Err(why @ PartsError::Missing(_)) if args.partial => Some(why.to_string()),
        Err(why @ PartsError::Missing(_)) => {
            bail!("{why}; --partial joins what is there, and says so everywhere")
        }
        Err(why) => return Err(why.into()),
    };
    let mut finished = Assembly::default();
    let mut spent = Spent::default();
    let mut unfinished = Vec::new();
    for (about, run) in &parts {
        let before = finished.ops();
        finished.add(run)?;
        let (done, all) = (finished.ops() - before, about.ops);
        if done != all {
            unfinished.push(format!(
                "part {} in {} was not finished: it holds {done} of {all} ops",
                about.shard,
                run.display()
            ));
        }
        spent = beside(&spent, &Spent::of_run(run)?);
    }
    ensure!(
        args.partial || unfinished.is_empty(),
        "{}; `credlink survival --resume PART` goes on with it, or --partial joins what is there and says so everywhere",
        unfinished.join("; ")
    );
    if !registries.is_empty() {
        journal::check_registries(&registries, first)?;
    }
    let url = remote::url(&args.out);
    let out = url.map_or_else(|| args.out.clone(), remote::folder);
    let run_dir = directory(&out)?;
    let left_out = missing.into_iter().chain(unfinished);
    let header = header(&parts, left_out, &run_dir)?;
    run_dir.write_header(&header)?;
    kept(&registries, &parts, &run_dir)
        .inspect_err(|_| drop(std::fs::remove_dir_all(run_dir.root())))?;
    let whole = Whole {
        header,
        finished: &finished,
        notes: Vec::new(),
        spent: &|| spent.clone(),
    };
    let output = Output {
        gate: args.gate.as_deref().zip(gate.as_ref()),
        quiet: args.quiet,
        json: args.json,
    };
    let code = end(whole, &run_dir, &AtomicBool::new(false), &output)?;
    if let Some(url) = url {
        remote::publish(&out, url, args.quiet)?;
    }
    Ok(code)
}

/// What a directory says of the part that it is.
fn part(run: &Path) -> Result<About> {
    let about = journal::about(run)?
        .with_context(|| format!("{} holds no part of a run", run.display()))?;
    let wrong = match about.part {
        Part::Verified => return Ok(about),
        Part::Registry => "a registry; what `credlink survival --registry` made of it is merged",
        Part::Run => "a run of its own that has not ended; `credlink survival --resume` ends it",
    };
    bail!("{} is {wrong}", run.display())
}

/// Both, at the same time: work adds up, waiting does not.
fn beside(a: &Spent, b: &Spent) -> Spent {
    Spent {
        elapsed_s: a.elapsed_s.max(b.elapsed_s),
        ..a.and(b)
    }
}

/// The run as its parts describe it.
fn header(
    parts: &[(About, &Path)],
    left_out: impl Iterator<Item = String>,
    run_dir: &RunDir,
) -> Result<RunHeader> {
    let (first, _) = &parts[0];
    let name = run_dir.root().file_name().unwrap_or_default();
    let mut header = first.header.clone();
    header.id = name.to_string_lossy().into_owned();
    header.threads = parts.iter().map(|(about, _)| about.header.threads).sum();
    header.skipped.extend(left_out);
    for (about, run) in parts {
        let created = &about.header.created;
        if *created < header.created {
            header.created.clone_from(created);
        }
        header.parts.push(PartHeader {
            name: about.shard.to_string(),
            machine: about.header.machine.clone(),
            threads: about.header.threads,
            elapsed_s: Spent::of_run(run)?.elapsed_s,
        });
    }
    Ok(header)
}

/// Takes over what is needed to run an op again, and for the pictures: signed files, proofs, certificates, deceptions.
fn kept(registries: &[PathBuf], parts: &[(About, &Path)], run_dir: &RunDir) -> Result<()> {
    let copied = |from: &Path, to: &Path| -> Result<()> {
        let entries = match std::fs::read_dir(from) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(error).with_context(|| format!("failed to read {}", from.display()));
            }
        };
        for entry in entries {
            let entry = entry?;
            let place = to.join(entry.file_name());
            // A second name for the same bytes where the file system has that, for they are never written again.
            if entry.file_type()?.is_file()
                && !place.exists()
                && std::fs::hard_link(entry.path(), &place).is_err()
            {
                std::fs::copy(entry.path(), &place)
                    .with_context(|| format!("failed to copy {}", entry.path().display()))?;
            }
        }
        Ok(())
    };
    for registry in registries {
        copied(&RunDir::open(registry)?.signed(), &run_dir.signed())?;
    }
    for (_, run) in parts {
        copied(&RunDir::open(run)?.negatives(), &run_dir.negatives())?;
    }
    // Every part has all proofs and the certificates.
    let (_, first) = &parts[0];
    copied(&RunDir::open(first)?.proofs(), &run_dir.proofs())?;
    for name in [ANCHOR_FILE, CHAIN_FILE, WATERMARK_FILE] {
        let from = first.join(name);
        if from.exists() {
            std::fs::copy(&from, run_dir.root().join(name))
                .with_context(|| format!("failed to copy {}", from.display()))?;
        }
    }
    let own = first.join(recipes::OWN);
    if own.is_dir() {
        recipes::copy(&own, run_dir)?;
    }
    Ok(())
}
