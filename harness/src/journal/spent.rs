//! What a run has cost so far, kept with every unit: a process that is killed has spent its time, too.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use credlink_reports::header::CpuShares;
use serde::{Deserialize, Serialize};

use super::{under_way, units};

const FILE: &str = "spent.json";
/// More than a process works between two units; what lies further apart was set by a clock that jumped.
const LONGEST: Duration = Duration::from_mins(30);

/// Tells what the process at work has spent until now.
pub type Meter = Box<dyn Fn() -> Spent + Send + Sync>;

/// What was spent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Wall-clock time in seconds, of all processes one after the other.
    pub elapsed_s: f64,
    /// CPU time; of a process that was killed, until its last unit.
    pub cpu: CpuShares,
    /// The most memory that one of them had, in bytes.
    pub peak_memory_bytes: u64,
    /// How many processes worked on the run, one after the other.
    pub processes: u32,
}

impl Spent {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        match path.exists() {
            // What a run has cost is no reason to stop it.
            true => Ok(serde_json::from_slice(&units::read(&path)?).unwrap_or_default()),
            false => Ok(Self::default()),
        }
    }

    /// What the journal of a run directory says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_run(run: &Path) -> Result<Self> {
        Self::read(&run.join(super::FOLDER))
    }

    /// The same before this process began. One that was killed worked on after it last wrote this: as long as it noted what it
    /// began and ended. Its CPU time of that while is not known.
    pub(super) fn before(folder: &Path) -> Result<Self> {
        let mut spent = Self::read(folder)?;
        let changed = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified());
        if let (Ok(written), Ok(noted)) = (
            changed(&folder.join(FILE)),
            changed(&under_way::path(folder)),
        ) {
            let since = noted.duration_since(written).unwrap_or_default();
            spent.elapsed_s += since.min(LONGEST).as_secs_f64();
        }
        Ok(spent)
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec(self).context("failed to write the journal")?;
        units::write(&folder.join(FILE), &text)
    }

    /// Both, one after the other.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let total_s = self.cpu.total_s + other.cpu.total_s;
        let overhead_s = |spent: &Self| spent.cpu.overhead_share * spent.cpu.total_s;
        let mut by_category = self.cpu.by_category.clone();
        for (name, seconds) in &other.cpu.by_category {
            *by_category.entry(name.clone()).or_default() += seconds;
        }
        Self {
            elapsed_s: self.elapsed_s + other.elapsed_s,
            cpu: CpuShares {
                total_s,
                by_category,
                overhead_share: if total_s > 0.0 {
                    (overhead_s(self) + overhead_s(other)) / total_s
                } else {
                    0.0
                },
            },
            peak_memory_bytes: self.peak_memory_bytes.max(other.peak_memory_bytes),
            processes: self.processes.saturating_add(other.processes),
        }
    }
}
