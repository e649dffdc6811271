//! Units of rows: a row file, and beside it which jobs it holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use anyhow::{Context, Result, bail, ensure};
use credlink_reports::rows::read_rows;
use credlink_reports::{RowWriter, Rows};
use credlink_trial_record::Row;
use serde::{Deserialize, Serialize};

use super::signed::OLDEST_NANOS;
use super::{FOLDER, Journal, units};
use crate::{clock, signed_file};

const KIND: &str = "rows";
const ROWS: &str = "parquet";
const JOBS: &str = "json";

/// A unit is written once it holds so many rows, or is so old: few enough that one unit of every part of a run fits into memory.
const MOST: usize = 2048;

/// What a job left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobRows {
    /// The job's number in the plan.
    pub job: usize,
    /// Its rows, ascending by op; none where it was left out.
    pub rows: Vec<Row>,
    /// Why it was left out.
    pub left_out: Option<LeftOut>,
}

/// A negative trial that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// What, and why, in a sentence.
    pub what: String,
    /// The ops that it would have had.
    pub ops: u64,
}

/// What stands beside a row file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unit {
    /// What the jobs are of.
    work: String,
    /// SHA-256 of the row file in hex.
    rows_sha256: String,
    /// SHA-256 of the list of jobs as it stands here, in hex.
    jobs_sha256: String,
    jobs: Vec<Done>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    job: usize,
    rows: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

/// Rows that are not durable yet.
#[derive(Debug)]
pub(super) struct Batch {
    carriers: Vec<String>,
    jobs: Vec<JobRows>,
    rows: usize,
    since: u64,
}

impl Batch {
    pub(super) fn new(carriers: &[String]) -> Self {
        Self {
            carriers: carriers.to_vec(),
            jobs: Vec::new(),
            rows: 0,
            since: 0,
        }
    }
}

impl Journal {
    /// Takes the rows of a finished job. They are durable after some seconds.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finished(&self, job: JobRows) -> Result<()> {
        let mut batch = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.jobs.is_empty() {
            batch.since = clock::wall_nanos();
        }
        batch.rows += job.rows.len();
        batch.jobs.push(job);
        let age = clock::wall_nanos().saturating_sub(batch.since);
        if batch.rows >= MOST || age >= OLDEST_NANOS {
            self.write_rows(&mut batch)?;
        }
        Ok(())
    }

    pub(super) fn flush_rows(&self) -> Result<()> {
        let mut batch = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_rows(&mut batch)
    }

    fn write_rows(&self, batch: &mut Batch) -> Result<()> {
        if batch.jobs.is_empty() {
            return Ok(());
        }
        let jobs_path = units::next(&self.folder, KIND, JOBS)?;
        let rows_path = jobs_path.with_extension(ROWS);
        // Rows without their jobs are of a process that ended in between, and count for nothing.
        let beside = units::beside(&rows_path);
        for path in [&rows_path, &beside] {
            if path.exists() {
                std::fs::remove_file(path)
                    .with_context(|| format!("failed to remove {}", path.display()))?;
            }
        }
        let mut writer = RowWriter::create(&rows_path, &batch.carriers)?;
        // Rows are read in the order of their ops, which is that of jobs.
        batch.jobs.sort_by_key(|job| job.job);
        let mut jobs = Vec::with_capacity(batch.jobs.len());
        for job in batch.jobs.drain(..) {
            jobs.push(Done {
                job: job.job,
                rows: job.rows.len(),
                left_out: job.left_out,
            });
            for row in job.rows {
                writer.push(row)?;
            }
        }
        batch.rows = 0;
        writer.finish()?;
        let unit = Unit {
            work: self.work.clone(),
            rows_sha256: digest(&rows_path)?,
            jobs_sha256: list_digest(&jobs)?,
            jobs,
        };
        let text = serde_json::to_vec(&unit).context("failed to write the journal")?;
        units::write(&jobs_path, &text)?;
        self.write_spent()
    }
}

fn again(jobs: &Path) -> String {
    format!("without {} its ops are done again", jobs.display())
}

fn digest(path: &Path) -> Result<String> {
    Ok(signed_file::digest(&units::read(path)?))
}

fn list_digest(jobs: &[Done]) -> Result<String> {
    let text = serde_json::to_vec(jobs).context("failed to write the journal")?;
    Ok(signed_file::digest(&text))
}

/// Where the rows of every finished job are, over one journal or several.
#[derive(Debug, Default)]
pub struct Assembly {
    /// Row files, and how many rows they are said to have.
    units: Vec<(PathBuf, usize)>,
    /// By job: the unit, the place of its first row there, and the job.
    jobs: BTreeMap<usize, (usize, usize, Done)>,
}

impl Assembly {
    /// Adds what the journal of a run directory holds, each file of which must be the one that was written.
    ///
    /// # Errors
    /// When a unit cannot be read, is of another run or another file, or a job is there twice.
    pub fn add(&mut self, run: &Path) -> Result<()> {
        let work = super::work(run)?;
        for path in units::all(&run.join(FOLDER), KIND, JOBS)? {
            let unit: Unit = serde_json::from_slice(&units::read(&path)?)
                .with_context(|| format!("{} is no unit of a journal", path.display()))?;
            ensure!(
                unit.work == work,
                "{} is of another run; take it away",
                path.display()
            );
            ensure!(
                list_digest(&unit.jobs)? == unit.jobs_sha256,
                "{} is not the file that was written; {}",
                path.display(),
                again(&path)
            );
            let rows = path.with_extension(ROWS);
            let found = digest(&rows).with_context(|| again(&path))?;
            ensure!(
                found == unit.rows_sha256,
                "{} is not the file that was written: its digest is {found} and was {}; {}",
                rows.display(),
                unit.rows_sha256,
                again(&path)
            );
            let number = self.units.len();
            self.units.push((rows, 0));
            let mut at: usize = 0;
            for done in unit.jobs {
                let (job, rows) = (done.job, done.rows);
                if let Some((earlier, ..)) = self.jobs.insert(job, (number, at, done)) {
                    bail!(
                        "job {job} is there twice: in {} and in {}",
                        self.units[earlier].0.display(),
                        self.units[number].0.display()
                    );
                }
                at = at.saturating_add(rows);
            }
            self.units[number].1 = at;
        }
        Ok(())
    }

    /// Whether a job is finished.
    #[must_use]
    pub fn holds(&self, job: usize) -> bool {
        self.jobs.contains_key(&job)
    }

    /// Ops of finished jobs, those left out included.
    #[must_use]
    pub fn ops(&self) -> u64 {
        // These numbers stood in a file.
        self.jobs.values().fold(0, |sum: u64, (.., done)| {
            let left_out = done.left_out.as_ref().map_or(0, |left| left.ops);
            sum.saturating_add(done.rows as u64)
                .saturating_add(left_out)
        })
    }
}

/// Row files that are held in memory at a time: those of every part come in turn.
const OPEN: usize = 24;

/// Hands out all finished jobs in the order of the plan.
///
/// # Errors
/// When a row file does not hold the rows that it should; those of `each`.
pub fn assemble(assembly: &Assembly, mut each: impl FnMut(JobRows) -> Result<()>) -> Result<()> {
    // The one used last comes last.
    let mut open: Vec<(usize, Rows)> = Vec::new();
    let mut last = None;
    for (unit, at, done) in assembly.jobs.values() {
        let mut rows = Vec::new();
        if done.rows > 0 {
            let held = match open.iter().position(|(number, _)| number == unit) {
                Some(place) => open.remove(place),
                None => (*unit, opened(&assembly.units[*unit])?),
            };
            for index in *at..at + done.rows {
                let row = held.1.row(index)?;
                ensure!(
                    last < Some(row.op),
                    "{} holds op {} of job {} out of its order",
                    assembly.units[*unit].0.display(),
                    row.op,
                    done.job
                );
                last = Some(row.op);
                rows.push(row);
            }
            open.push(held);
            if open.len() > OPEN {
                open.remove(0);
            }
        }
        each(JobRows {
            job: done.job,
            rows,
            left_out: done.left_out.clone(),
        })?;
    }
    Ok(())
}

fn opened((path, said): &(PathBuf, usize)) -> Result<Rows> {
    let rows = read_rows(path)?;
    ensure!(
        rows.len() == *said,
        "{} holds {} rows, and the file beside it says {said}",
        path.display(),
        rows.len()
    );
    Ok(rows)
}
