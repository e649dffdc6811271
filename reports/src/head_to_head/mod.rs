//! Systems side by side: runs of the same images through the same pipelines, each by another system.
//!
//! Every system has a run directory of its own, complete in itself; beside them `contest.json` names them, and everything
//! here is made from their headers and rows.

mod contest;
pub mod document;
pub mod gallery;
pub mod leaderboard;
mod page;
mod pairs;
mod plots;
mod tables;

use std::path::{Path, PathBuf};

pub use contest::{Contest, ContestError, Entrant, FILE, Skipped};
pub use pairs::{Only, pairs};

use crate::atomic;
use crate::formats::FORMATS;
use crate::plots::{PICTURES, Scene};
use crate::regenerate::ReportError;
use crate::table::Table;
use crate::tables::Evidence;
use crate::usable::unusable;

/// The page, beside the runs.
pub const PAGE: &str = "head-to-head.html";
/// The folder of tables and plots, beside the runs.
pub const FOLDER: &str = "head-to-head";

/// One system with its run.
#[derive(Debug)]
pub struct Side {
    /// What it was called on the command line.
    pub name: String,
    /// The folder of its run.
    pub folder: String,
    /// Its run.
    pub evidence: Evidence,
    /// Why its figures must not be used; `None` if they may.
    pub unusable: Option<String>,
}

/// Everything side by side.
#[derive(Debug)]
pub struct HeadToHead {
    /// The systems in the order in which they were named; the first is what the others are compared with.
    pub sides: Vec<Side>,
    /// Those that could not run, and why.
    pub skipped: Vec<Skipped>,
}

impl HeadToHead {
    /// Reads the runs that a contest names, in its directory.
    ///
    /// # Errors
    /// [`ContestError`]: a run cannot be read, or the runs are not of the same images and pipelines.
    pub fn read(root: &Path) -> Result<Self, ContestError> {
        let contest = Contest::read(root)?;
        let mut sides: Vec<Side> = Vec::new();
        for Entrant { name, folder } in contest.systems {
            let evidence = contest::evidence(root, &folder)?;
            if let Some(first) = sides.first() {
                contest::same_ops(first, &name, &evidence)?;
            }
            sides.push(Side {
                unusable: unusable(&evidence).map(|why| why.to_string()),
                name,
                folder,
                evidence,
            });
        }
        Ok(Self {
            sides,
            skipped: contest.skipped,
        })
    }

    /// Every table.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        tables::all(self)
    }

    /// Every plot with the stem of its file name.
    ///
    /// # Errors
    /// The picture's name, and why it could not be laid out.
    pub fn scenes(&self) -> Result<Vec<(String, Scene)>, ReportError> {
        plots::all(self).map_err(|(plot, source)| ReportError::Plot { plot, source })
    }

    /// Writes tables, plots and the page beside the runs, and gives the tables.
    ///
    /// # Errors
    /// [`ReportError`], naming the file.
    pub fn write(&self, root: &Path) -> Result<Vec<Table>, ReportError> {
        let folder = root.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(|source| ReportError::Write {
            path: folder.clone(),
            source,
        })?;
        let write = |path: PathBuf, bytes: &[u8]| {
            atomic::write(&path, bytes).map_err(|source| ReportError::Write { path, source })
        };
        let (tables, scenes) = (self.tables(), self.scenes()?);
        for table in &tables {
            for format in FORMATS {
                let path = folder.join(format.file_name(&table.id));
                write(path, (format.render)(table).as_bytes())?;
            }
        }
        for (name, scene) in &scenes {
            for picture in PICTURES {
                let path = folder.join(format!("{name}.{}", picture.extension));
                let painted = (picture.paint)(scene).map_err(|source| ReportError::Plot {
                    plot: name.clone(),
                    source,
                })?;
                write(path, &painted)?;
            }
        }
        let page =
            page::html(self, &tables, &scenes, root).map_err(|source| ReportError::Document {
                document: "head-to-head",
                source,
            })?;
        write(root.join(PAGE), page.as_bytes())?;
        Ok(tables)
    }
}
