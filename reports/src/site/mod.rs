//! A static site with the history of many runs: appended to by one publish a night, made anew from the history alone.
//!
//! ```text
//! SITE/history.jsonl    one line a night, append-only: the record
//! SITE/index.html       latest night, trends, changes, every night
//! SITE/feed.xml         the nights as an Atom feed
//! SITE/badge.json, …    of the latest complete night
//! SITE/runs/<id>/       page, tables and rows of the nights that are kept
//! ```
//!
//! Publishing again what is there already changes nothing, so an interrupted publish is mended by the next one. One
//! publisher works at a time; a second one waits. A line that was torn by a crash is set aside, never guessed at.

mod changes;
mod history;
mod night;
mod pages;
mod trends;

use std::path::{Path, PathBuf};

pub use changes::{NightChange, changes};
pub use history::{History, Lock};
pub use night::{Night, NightAnswer, NightPipeline, NightService, NightShare, Status};

use crate::atomic;
use crate::documents::{DOCUMENTS, DocumentError};
use crate::file_error::{FileError, refused};
use crate::page::row_files;
use crate::report::{ReadError, Report};
use crate::run_dir::RunDir;

/// A publish that could not be done. The history is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// The run could not be read. A night that failed is published by saying so.
    #[error("the run cannot be published")]
    Run(#[from] ReadError),
    /// A line of the history is not what it should be.
    #[error("{path} line {line} is damaged; restore the file from a copy, nothing was written")]
    Damaged {
        /// The history.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The history has another run of this name.
    #[error("{path} already has another run called {id}; every night needs a name of its own")]
    Other {
        /// The history.
        path: PathBuf,
        /// The name.
        id: String,
    },
    /// A name that cannot name a folder or a page.
    #[error("run id {id:?} cannot be published; use letters, digits, '-', '_' and '.'")]
    Id {
        /// The name.
        id: String,
    },
    /// A page could not be made.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The operating system refused a file operation.
    #[error(transparent)]
    Io(#[from] FileError),
}

/// What a publish did.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The night.
    pub night: Night,
    /// Whether it was new; false if the history had it already.
    pub is_new: bool,
    /// Changes that this night brought.
    pub changes: Vec<NightChange>,
    /// Bytes of a torn line that were set aside, if there were any.
    pub set_aside: Option<PathBuf>,
    /// Nights in the history.
    pub nights: usize,
}

/// What to publish.
#[derive(Clone, Debug)]
pub enum Source<'a> {
    /// A run; one that is partial or failed a control is published as such.
    Run(&'a RunDir),
    /// A night without a usable run.
    Failed {
        /// Name of the night.
        id: &'a str,
        /// When it was, as RFC 3339.
        created: &'a str,
        /// What went wrong.
        reason: &'a str,
    },
}

/// How to publish.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the site will be, for the feed's links; empty makes them relative.
    pub url: String,
    /// How many nights keep their pages and rows; the history keeps all.
    pub keep: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            keep: 30,
        }
    }
}

/// Adds a night to the site and makes its pages anew. Waits while somebody else publishes.
///
/// # Errors
/// [`SiteError`]; the history is then as it was.
pub fn publish(
    site: &Path,
    source: &Source<'_>,
    settings: &Settings,
) -> Result<Published, SiteError> {
    std::fs::create_dir_all(site).map_err(refused("create", site))?;
    let _lock = Lock::wait(site)?;
    let (report, night) = match source {
        Source::Run(run_dir) => {
            let report = Report::read(run_dir)?;
            let night = Night::of(&report);
            (Some(report), night)
        }
        Source::Failed {
            id,
            created,
            reason,
        } => (None, Night::failed(id, created, reason)),
    };
    history::check_id(&night.id)?;
    let mut history = History::open(site)?;
    let is_new = history.check(&night)?;
    // The pages of the night come first: a line of the history must never lead to a page that is not there.
    if let Some(report) = &report {
        copy(report, &site.join("runs").join(&night.id))?;
    }
    if is_new {
        history.append(&night)?;
    }
    pages::write(site, history.nights(), settings)?;
    prune(site, history.nights(), settings.keep)?;
    let latest = changes(history.nights())
        .into_iter()
        .filter(|change| change.night == night.id)
        .collect();
    Ok(Published {
        changes: latest,
        is_new,
        set_aside: history.set_aside.clone(),
        nights: history.nights().len(),
        night,
    })
}

/// Writes a run's page, tables and rows into `folder`.
fn copy(report: &Report, folder: &Path) -> Result<(), SiteError> {
    let tables = folder.join("tables");
    std::fs::create_dir_all(&tables).map_err(refused("create", &tables))?;
    let put = |path: PathBuf, text: &str| {
        atomic::write(&path, text.as_bytes()).map_err(refused("write", &path))
    };
    for document in DOCUMENTS {
        put(folder.join(document.file), &(document.render)(report)?)?;
    }
    for table in &report.tables {
        for format in crate::formats::FORMATS {
            put(
                tables.join(format.file_name(&table.id)),
                &(format.render)(table),
            )?;
        }
    }
    let header = report.evidence.header();
    let text = serde_json::to_string_pretty(header).map_err(DocumentError::from)?;
    put(folder.join("run.json"), &text)?;
    let parquet = folder.join("rows.parquet");
    std::fs::copy(&report.rows, &parquet).map_err(refused("copy rows to", &parquet))?;
    let rows = folder.join(row_files::FOLDER);
    row_files::write(&rows, header, &report.rows).map_err(DocumentError::from)?;
    Ok(())
}

/// Removes the pages of nights that are no longer kept; their lines stay in the history.
fn prune(site: &Path, nights: &[Night], keep: usize) -> Result<(), SiteError> {
    let old = nights.len().saturating_sub(keep.max(1));
    for night in &nights[..old] {
        let folder = site.join("runs").join(&night.id);
        if folder.is_dir() {
            std::fs::remove_dir_all(&folder).map_err(refused("remove", &folder))?;
        }
    }
    Ok(())
}
