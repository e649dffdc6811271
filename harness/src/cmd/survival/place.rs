//! Where a run lies: a new directory, or one that was begun.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use credlink_harness::journal::{self, About, Journal, Meter, Spent};
use credlink_harness::ledger::Ledger;
use credlink_harness::{clock, machine};
use credlink_reports::{RunDir, RunHeader};

/// A run directory with its journal, and what the run says of itself.
pub(super) struct Place {
    pub(super) run_dir: RunDir,
    pub(super) journal: Journal,
    pub(super) header: RunHeader,
}

/// What a directory turned out to be.
pub(super) enum Found {
    Place(Box<Place>),
    /// A run that has ended.
    Whole(RunDir),
}

/// The directory `out` for the run that `about` describes: made, or gone on with. `keep` puts the run's own key there before the
/// directory says that there is something to go on with.
pub(super) fn place(
    out: &Path,
    about: &About,
    goes_on: bool,
    keep: &dyn Fn(&Path) -> Result<()>,
    meter: Meter,
) -> Result<Found> {
    if !goes_on || !out.exists() {
        return made(out, about, keep, meter).map(Found::Place);
    }
    let Some(begun) = journal::about(out)? else {
        if let Ok(run_dir) = RunDir::open(out)
            && run_dir.rows().exists()
        {
            return Ok(Found::Whole(run_dir));
        }
        // Of a contest, one that was killed as it began: nothing was done there yet, and its key signed nothing.
        remove_begun(out)?;
        return made(out, about, keep, meter).map(Found::Place);
    };
    same(out, about, &begun)?;
    let run_dir = RunDir::open(out)?;
    for folder in [
        run_dir.signed(),
        run_dir.negatives(),
        run_dir.tables(),
        run_dir.plots(),
    ] {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
    }
    let journal = Journal::reopen(out, &begun, meter)?;
    // Of an interrupted run: they are written anew from the journal, which holds them.
    remove(&run_dir.rows(), |path| std::fs::remove_file(path))?;
    let header = RunHeader {
        // It may have been renamed, and rows name the folder that they are written in.
        id: about.header.id.clone(),
        threads: about.header.threads,
        machine: about.header.machine.clone(),
        ..begun.header
    };
    Ok(Found::Place(Box::new(Place {
        run_dir,
        journal,
        header,
    })))
}

/// Removes the directory of a run that was killed as it began, and nothing else: one that holds a file that was not there yet at
/// that moment is somebody's.
fn remove_begun(out: &Path) -> Result<()> {
    let run_dir = RunDir::at(out);
    for folder in [
        run_dir.signed(),
        run_dir.proofs(),
        run_dir.tables(),
        run_dir.plots(),
    ] {
        let is_empty = std::fs::read_dir(&folder).map_or(true, |mut held| held.next().is_none());
        ensure!(
            is_empty,
            "{} says not what is run there, and {} holds files; take it away and begin anew",
            out.display(),
            folder.display()
        );
    }
    remove(out, |out| std::fs::remove_dir_all(out))
}

/// Refuses to go on with something else: `about` is what this process would do, `begun` what was begun in `out`.
pub(super) fn same(out: &Path, about: &About, begun: &About) -> Result<()> {
    let fits = about.same_run(begun).and_then(|()| {
        ensure!(
            begun.part == about.part && begun.shard == about.shard,
            "another part of the run: {} there, {} here",
            begun.which(),
            about.which()
        );
        Ok(())
    });
    fits.with_context(|| format!("cannot go on with the run in {}", out.display()))
}

/// Makes a run directory, and the folders above it.
pub(crate) fn directory(out: &Path) -> Result<RunDir> {
    let name = out.file_name().and_then(|name| name.to_str());
    let name =
        name.with_context(|| format!("{} names no directory that could be made", out.display()))?;
    let base = out
        .parent()
        .filter(|base| !base.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    RunDir::create(base, name)
        .with_context(|| format!("failed to make the run directory {}", out.display()))
}

fn made(
    out: &Path,
    about: &About,
    keep: &dyn Fn(&Path) -> Result<()>,
    meter: Meter,
) -> Result<Box<Place>> {
    let run_dir = directory(out)?;
    // Written before the work and again behind it: a run that is killed says what it was, and that it is partial.
    run_dir.write_header(&about.header)?;
    keep(&Journal::keys(out))?;
    let journal = Journal::create(out, about, meter)?;
    Ok(Box::new(Place {
        run_dir,
        journal,
        header: about.header.clone(),
    }))
}

/// Removes what may be there.
pub(super) fn remove(path: &Path, how: impl Fn(&Path) -> std::io::Result<()>) -> Result<()> {
    match how(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Tells what this process has spent since `start`.
pub(super) fn meter(start: u64, ledger: &Arc<Ledger>) -> Meter {
    let ledger = Arc::clone(ledger);
    Box::new(move || Spent {
        elapsed_s: (clock::wall_nanos() - start) as f64 / 1e9,
        cpu: ledger.shares(),
        peak_memory_bytes: machine::peak_memory_bytes(),
        processes: 1,
    })
}
