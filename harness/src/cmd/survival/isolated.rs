//! A run in processes of its own, which is begun again where one dies or hangs: for a night without a hand.

#[cfg(unix)]
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use credlink_harness::{clock, exit, journal};

use super::apart::died;
use crate::cli::SurvivalArgs;

/// How long nothing may begin or end while something is under way.
const PATIENCE: Duration = Duration::from_mins(30);
const GLANCE: Duration = Duration::from_millis(200);

/// Runs the command that was typed in a process of its own until it has ended by itself.
pub(super) fn run(args: &SurvivalArgs, out: &Path) -> Result<u8> {
    // An interruption is that process's business: whoever sends it reaches this one alone.
    let at_work = Arc::new(AtomicU32::new(0));
    let told = Arc::clone(&at_work);
    ctrlc::set_handler(move || interrupt(told.load(Ordering::Relaxed)))
        .context("failed to listen for Ctrl-C")?;
    let program = std::env::current_exe().context("failed to find this program")?;
    let mut command = Command::new(&program);
    let typed = std::env::args_os().skip(1);
    command.args(typed.filter(|argument| argument != "--isolate"));
    if args.out.is_none() && args.resume.is_none() {
        command.arg("--out").arg(out);
    }
    let mut seen = None;
    loop {
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().context("failed to start this program")?;
        at_work.store(child.id(), Ordering::Relaxed);
        let status = watched(child, out)?;
        let death = match status {
            None => "nothing began or ended for half an hour".to_owned(),
            Some(status) => match (status.code(), died(status)) {
                (Some(code), None) => return Ok(u8::try_from(code).unwrap_or(exit::FAILURE)),
                // Somebody wants it to stop.
                (_, Some(_)) if is_asked_to_stop(status) => return Ok(exit::INTERRUPTED),
                (_, death) => death.unwrap_or_default(),
            },
        };
        // What died without having begun anything since the last time will die for ever.
        let now = begun(out);
        if now.is_none() || now == seen {
            bail!(
                "the run in {} died where nothing is to blame: {death}",
                out.display()
            );
        }
        seen = now;
        super::super::complain(&format!(
            "the process died ({death}); going on with the run"
        ));
        command = Command::new(&program);
        command.args(["survival", "--resume"]).arg(out);
        command.args(args.network.typed());
        // What was typed for this run alone, which its journal knows nothing of.
        if let Some(gate) = &args.gate {
            command.arg("--gate").arg(gate);
        }
        if let Some(threads) = args.threads {
            command.arg("--threads").arg(threads.to_string());
        }
        for (is_set, flag) in [(args.quiet, "--quiet"), (args.json, "--json")] {
            if is_set {
                command.arg(flag);
            }
        }
    }
}

/// Asks a process to stop, as Ctrl-C does.
#[cfg(unix)]
fn interrupt(process: u32) {
    let process = i32::try_from(process)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(process) = process {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
    }
}

/// Where Ctrl-C reaches all processes of a console.
#[cfg(not(unix))]
fn interrupt(_: u32) {}

#[cfg(unix)]
fn is_asked_to_stop(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    const HANGUP: i32 = 1;
    const INTERRUPT: i32 = 2;
    const TERMINATE: i32 = 15;
    matches!(status.signal(), Some(HANGUP | INTERRUPT | TERMINATE))
}

#[cfg(not(unix))]
fn is_asked_to_stop(_: ExitStatus) -> bool {
    false
}

/// Waits for a process; `None` if it hung and was ended.
fn watched(mut child: Child, out: &Path) -> Result<Option<ExitStatus>> {
    let (mut known, mut since) = (None, clock::wall_nanos());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let now = begun(out);
        if now != known || now.is_none() {
            (known, since) = (now, clock::wall_nanos());
        }
        if u128::from(clock::wall_nanos() - since) > PATIENCE.as_nanos() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(GLANCE);
    }
}

/// How much was noted as begun and ended in the run, or in the runs of a contest; `None` where nothing is under way.
fn begun(out: &Path) -> Option<u64> {
    let inner = std::fs::read_dir(out).into_iter().flatten().flatten();
    let places: Vec<PathBuf> = std::iter::once(out.to_owned())
        .chain(inner.map(|entry| entry.path()))
        .collect();
    let noted = places.iter().filter_map(|place| journal::noted(place));
    noted.reduce(|a, b| a + b)
}
