//! The journal of a run: what was finished is on disk, so that a run that was killed goes on where it stood, and a part of a
//! run can be joined with the others.
//!
//! ```text
//! <run>/journal/about.json            what is run: nobody goes on with something else
//! <run>/journal/lock                  held by whoever works on the run
//! <run>/journal/keys/                 the run's own signing key (0600), until the run has ended
//! <run>/journal/signed-NNNNNN.jsonl   images that were signed, and what the system registered of them
//! <run>/journal/rows-NNNNNN.parquet   rows of finished jobs
//! <run>/journal/rows-NNNNNN.json      which jobs these are; written behind the rows, and they count from then on
//! <run>/journal/under-way             what was begun and ended, as it happened
//! <run>/journal/spent.json            time that was spent until the last unit
//! ```
//!
//! A unit is written under another name, synced, and renamed; it is never written again. Units come every few seconds and say
//! for themselves which images or jobs they hold, so that neither their number nor their order matters.

mod about;
mod rows;
mod signed;
mod spent;
mod under_way;
mod units;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail, ensure};

pub use self::about::{About, Part};
pub use self::rows::{Assembly, JobRows, LeftOut, assemble};
pub use self::signed::{Kept, read_signed};
pub use self::spent::{Meter, Spent};
pub use self::under_way::{Begun, Stage};

use crate::shard;

use self::rows::Batch as RowBatch;
use self::signed::Batch as SignedBatch;
use self::under_way::UnderWay;

/// The folder of the journal in a run directory.
const FOLDER: &str = credlink_reports::run_dir::JOURNAL;
/// The folder of the run's own key.
const KEYS: &str = "keys";
const LOCK: &str = "lock";
/// What a journal is called while it is removed.
const ENDED: &str = "ended";

/// The journal of a run that somebody works on. There is one such at a time.
pub struct Journal {
    folder: PathBuf,
    /// What is worked on, by digest: in every unit.
    work: String,
    /// Where the signed files of this run lie.
    signed_folder: PathBuf,
    under_way: UnderWay,
    signed: Mutex<SignedBatch>,
    rows: Mutex<RowBatch>,
    /// What processes before this one spent.
    before: Spent,
    meter: Meter,
    _lock: File,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// A new journal in a run directory that has none.
    ///
    /// # Errors
    /// When it is there, or cannot be made.
    pub fn create(run: &Path, about: &About, meter: Meter) -> Result<Self> {
        let folder = run.join(FOLDER);
        // Keys may lie there; what is run is said last, and only then is there something to go on with.
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
        ensure!(
            !folder.join(about::FILE).exists(),
            "{} holds a journal",
            run.display()
        );
        about.write(&folder)?;
        Self::locked(run, folder, about, meter)
    }

    /// The journal of a run that was not finished, to go on with it.
    ///
    /// # Errors
    /// When there is none, or somebody is at work on the run.
    pub fn reopen(run: &Path, about: &About, meter: Meter) -> Result<Self> {
        let folder = run.join(FOLDER);
        let journal = Self::locked(run, folder, about, meter)?;
        units::remove_unfinished(&journal.folder)?;
        Ok(journal)
    }

    fn locked(run: &Path, folder: PathBuf, about: &About, meter: Meter) -> Result<Self> {
        let path = folder.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("failed to open {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another credlink is at work on the run in {}",
                    run.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("failed to lock {}", path.display()));
            }
        }
        // Before this process notes anything.
        let before = Spent::before(&folder)?;
        let journal = Self {
            under_way: UnderWay::open(&folder)?,
            signed: Mutex::default(),
            rows: Mutex::new(RowBatch::new(&about.header.carriers)),
            signed_folder: run.join("signed"),
            work: about.work(),
            before,
            meter,
            folder,
            _lock: lock,
        };
        journal.write_spent()?;
        Ok(journal)
    }

    /// Where the run's own key is kept until the run has ended.
    #[must_use]
    pub fn keys(run: &Path) -> PathBuf {
        run.join(FOLDER).join(KEYS)
    }

    /// Notes that work on an image or a job begins. What was begun and never ended may be what ended the process.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn begin(&self, stage: Stage, number: usize, begun: Begun) -> Result<()> {
        self.under_way.begin(stage, number, begun)
    }

    /// Notes that it has ended.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn end(&self, stage: Stage, number: usize) -> Result<()> {
        self.under_way.end(stage, number)
    }

    /// What was begun and not ended when the process before this one ended, and how it was begun.
    #[must_use]
    pub fn suspects(&self, stage: Stage) -> Vec<(usize, Begun)> {
        self.under_way.suspects(stage)
    }

    /// Makes everything durable that is not yet.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn flush(&self) -> Result<()> {
        self.flush_signed()?;
        self.flush_rows()?;
        self.write_spent()
    }

    /// What was spent on the run until now, by every process that worked on it.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.before.and(&(self.meter)())
    }

    fn write_spent(&self) -> Result<()> {
        self.spent().write(&self.folder)
    }

    /// Removes the journal: the run has ended, and its rows are where they belong.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(self) -> Result<()> {
        let folder = self.folder.clone();
        // The folder cannot go on every system while its lock is held.
        drop(self);
        // At once, so that a process that is killed here leaves a whole journal or none.
        let ended = folder.with_extension(ENDED);
        let removed = std::fs::rename(&folder, &ended);
        let removed = removed.and_then(|()| std::fs::remove_dir_all(ended));
        removed.with_context(|| format!("failed to remove {}", folder.display()))
    }
}

/// What a run directory's units are of.
fn work(run: &Path) -> Result<String> {
    let about = about(run)?;
    let about = about.with_context(|| format!("{} holds no journal", run.display()))?;
    Ok(about.work())
}

/// Checks that these directories are the registries of the run that `about` describes, each once and none missing.
///
/// # Errors
/// Which is none, is of another run, is missing or there twice.
pub fn check_registries(registries: &[PathBuf], about: &About) -> Result<()> {
    let mut shards = Vec::new();
    for registry in registries {
        let place = registry.display();
        let begun = self::about(registry)?.filter(|begun| begun.part == Part::Registry);
        let begun = begun.with_context(|| {
            format!("{place} is no registry; `credlink register --out DIR` makes one")
        })?;
        about
            .same_run(&begun)
            .with_context(|| format!("the registry in {place} is not of this run"))?;
        shards.push((begun.shard, registry.clone()));
    }
    shard::complete(&shards).context("the registries are not whole")
}

/// Removes what is left of a journal whose removal was interrupted.
///
/// # Errors
/// When it cannot be removed.
pub fn tidy(run: &Path) -> Result<()> {
    let ended = run.join(FOLDER).with_extension(ENDED);
    match std::fs::remove_dir_all(&ended) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", ended.display()))
        }
        _ => Ok(()),
    }
}

/// Whether a file or folder of a run directory, by its path in there, is of the process or the machine alone: the lock, the run's
/// own key, what is under way.
#[must_use]
pub fn stays_here(path: &Path) -> bool {
    let folder = Path::new(FOLDER);
    [LOCK, KEYS].iter().any(|name| path == folder.join(name))
        || path == under_way::path(folder)
        || path
            .file_name()
            .is_some_and(|name| units::is_unfinished(&name.to_string_lossy()))
}

/// How much a run directory's journal has noted as begun and ended, in bytes; `None` where nothing was begun.
#[must_use]
pub fn noted(run: &Path) -> Option<u64> {
    under_way::length(&run.join(FOLDER))
}

/// What a run directory's journal says that is run; `None` where there is no journal.
///
/// # Errors
/// When there is one that cannot be read.
pub fn about(run: &Path) -> Result<Option<About>> {
    match About::read(&run.join(FOLDER)) {
        Ok(about) => Ok(Some(about)),
        Err(error) => match error.downcast_ref::<std::io::Error>() {
            Some(io) if io.kind() == ErrorKind::NotFound => Ok(None),
            _ => Err(error),
        },
    }
}
