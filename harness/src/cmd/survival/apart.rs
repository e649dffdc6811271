//! Work in a process of its own: what may end a process shall end one that nobody misses.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use credlink_harness::journal::{self, About, Assembly, JobRows, Journal, Kept, Stage};
use credlink_harness::ledger::Ledger;
use credlink_harness::plan::Plan;
use credlink_harness::stages::setting::Setting;
use credlink_harness::stages::{self, setting, sign};
use credlink_harness::{clock, exit};
use credlink_reports::RunDir;
use tempfile::TempDir;

use super::Shared;
use super::place::{meter, same};
use super::systems::Ready;
use crate::cli::NetworkArgs;

/// The longest that one image may take: far more than any that ends.
const PATIENCE: Duration = Duration::from_mins(20);
/// How often a process is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Starts processes that go on with a run, each with one image or job.
pub(super) struct Apart<'a> {
    run_dir: &'a RunDir,
    network: &'a NetworkArgs,
}

impl<'a> Apart<'a> {
    pub(super) fn new(run_dir: &'a RunDir, network: &'a NetworkArgs) -> Self {
        Self { run_dir, network }
    }

    pub(super) fn sign(&self, position: usize) -> Result<Result<Kept, String>> {
        let (scratch, death) = self.process(Stage::Sign, position, 0)?;
        if let Some(death) = death {
            return Ok(Err(death));
        }
        let mut found = None;
        journal::read_signed(scratch.path(), |kept| {
            found = Some(kept);
            Ok(())
        })?;
        let mut kept = found.context("the process that signed left nothing")?;
        if let Ok(file) = &mut kept.result {
            let name = file
                .path
                .file_name()
                .context("a signed file without a name")?;
            let place = self.run_dir.signed().join(name);
            copied(&file.path, &place)?;
            file.path = place;
        }
        Ok(Ok(kept))
    }

    pub(super) fn verify(&self, job: usize, from: usize) -> Result<(JobRows, Option<String>)> {
        let (scratch, death) = self.process(Stage::Verify, job, from)?;
        let mut finished = Assembly::default();
        finished.add(scratch.path())?;
        let mut all = JobRows {
            job,
            ..JobRows::default()
        };
        journal::assemble(&finished, |of_op| {
            all.rows.extend(of_op.rows);
            all.left_out = of_op.left_out;
            Ok(())
        })?;
        let made = scratch.path().join("negatives");
        for entry in std::fs::read_dir(&made).into_iter().flatten().flatten() {
            copied(
                &entry.path(),
                &self.run_dir.negatives().join(entry.file_name()),
            )?;
        }
        Ok((all, death))
    }

    /// The process, its scratch folder, and how it died if it did.
    fn process(
        &self,
        stage: Stage,
        number: usize,
        from: usize,
    ) -> Result<(TempDir, Option<String>)> {
        let scratch = tempfile::tempdir().context("failed to make a folder")?;
        let program = std::env::current_exe().context("failed to find this program")?;
        let errors = scratch.path().join("stderr");
        let mut child = Command::new(program)
            .args(["survival", "--threads", "1", "--quiet", "--resume"])
            .arg(self.run_dir.root())
            .arg("--alone")
            .arg(format!("{}:{number}:{from}", stage.as_str()))
            .arg("--scratch")
            .arg(scratch.path())
            .args(self.network.beside().typed())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&errors)?)
            .spawn()
            .context("failed to start this program")?;
        let start = clock::wall_nanos();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if u128::from(clock::wall_nanos() - start) > PATIENCE.as_nanos() {
                child.kill()?;
                child.wait()?;
                break None;
            }
            std::thread::sleep(GLANCE);
        };
        let death = match status {
            None => Some(format!("it did not end within {} s", PATIENCE.as_secs())),
            Some(status) if status.code() == Some(exit::OK.into()) => None,
            Some(status) => match died(status) {
                Some(death) => Some(format!("it ended the process: {death}")),
                None => {
                    let said = std::fs::read_to_string(&errors).unwrap_or_default();
                    bail!("a process for one image could not work: {}", said.trim())
                }
            },
        };
        Ok((scratch, death))
    }
}

/// The signal that ended a process, in words; `None` if it ended by itself.
#[cfg(unix)]
pub(super) fn died(status: ExitStatus) -> Option<String> {
    use std::os::unix::process::ExitStatusExt as _;
    let signal = status.signal()?;
    let name = match signal {
        4 => " (illegal instruction)",
        6 => " (abort)",
        7 => " (bus error)",
        8 => " (arithmetic error)",
        9 => " (killed, perhaps for want of memory)",
        11 => " (memory that is not there, or no stack left)",
        _ => "",
    };
    Some(format!("signal {signal}{name}"))
}

/// An exit code that this program does not have, in words.
#[cfg(not(unix))]
pub(super) fn died(status: ExitStatus) -> Option<String> {
    let code = status.code()?;
    (!(0..=0xff).contains(&code)).then(|| format!("code {code:#x}"))
}

fn copied(from: &Path, to: &Path) -> Result<()> {
    let copied = std::fs::copy(from, to).and_then(|_| std::fs::File::open(to)?.sync_all());
    copied.with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))
}

/// What such a process is told to do: `sign:POSITION:0`, or `verify:JOB:FIRST_OP`.
fn told(text: &str) -> Result<(Stage, usize, usize)> {
    let parts = text.split(':').collect::<Vec<_>>();
    let read = |parts: &[&str]| {
        let [stage, number, from] = parts else {
            return None;
        };
        Some((
            Stage::parse(stage)?,
            number.parse().ok()?,
            from.parse().ok()?,
        ))
    };
    read(&parts).with_context(|| format!("--alone {text} says nothing to do"))
}

impl Shared<'_> {
    /// In such a process: one image or job of the run in `run`, into a journal of its own.
    pub(super) fn alone(
        &self,
        what: &str,
        run: &Path,
        about: &About,
        plan: &Plan,
        ready: Ready,
        ledger: &Arc<Ledger>,
    ) -> Result<u8> {
        let (stage, number, from) = told(what)?;
        let begun = journal::about(run)?.context("the run was not begun")?;
        same(run, about, &begun)?;
        let scratch = self.args.scratch.as_deref();
        let scratch = scratch.context("--alone needs --scratch")?;
        for folder in ["signed", "negatives"] {
            std::fs::create_dir(scratch.join(folder))?;
        }
        let journal = Journal::create(scratch, about, meter(clock::wall_nanos(), ledger))?;
        let share = about.shard.share(plan);
        let nobody = |_| bail!("nothing is done apart here");
        let signer_name = ready.signer_name();
        let setting = Setting {
            set: &*self.set,
            seed: self.args.seed,
            signer_name: &signer_name,
            looks_closely: self.looks_closely,
            signed_folder: &scratch.join("signed"),
            negative_folder: &scratch.join("negatives"),
            stop: &self.stop,
            listener: &|_| {},
            ledger,
            journal: &journal,
            share: &share,
            live: self.live.as_ref(),
            apart: setting::Apart {
                sign: &nobody,
                verify: &|_, _| bail!("nothing is done apart here"),
            },
        };
        let system = ready.tried(self.args.distractors)?;
        match stage {
            Stage::Sign => {
                let image = plan
                    .signed
                    .get(number)
                    .context("the plan has no such image")?;
                journal.signed(&sign::signed_here(&*system, number, image, &setting)?)?;
                journal.flush()?;
            }
            Stage::Verify => {
                let jobs = plan.signed.len() + plan.negatives.len();
                ensure!(number < jobs, "the plan has no such job");
                let sources = self.sources(run);
                let signed = sign::recall(&*system, &sources, plan.signed.len())?;
                stages::one_by_one(plan, &signed, system, (number, from), &setting, |rows| {
                    journal.finished(rows)?;
                    journal.flush()
                })?;
            }
        }
        Ok(exit::OK)
    }

    /// Where the signed images lie that a run verifies.
    pub(super) fn sources(&self, run: &Path) -> Vec<PathBuf> {
        match &self.args.registry[..] {
            [] => vec![run.to_owned()],
            registries => registries.to_vec(),
        }
    }
}
