//! The directory of one run: where each file of it is.
//!
//! ```text
//! <id>/run.json         what was run                        RunHeader
//! <id>/rows.parquet     one row per op                      RowWriter, read_rows
//! <id>/tables/*         every table in every format         regenerate
//! <id>/plots/*          every plot as SVG and PNG           regenerate
//! <id>/signed/          the signed images                   written by the runner
//! <id>/proofs/          the proof store                     written by the runner
//! <id>/journal/         until the run has ended             written by the runner
//! ```

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::atomic;
use crate::digest::sha256;
use crate::file_error::{FileError, refused};
use crate::header::{HEADER_VERSION, RunHeader};

/// A run directory that could not be made, written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunDirError {
    /// A run id that is not a plain folder name.
    #[error("run id {id:?} cannot name a folder; use letters, digits, '-', '_' and '.'")]
    Id {
        /// The id.
        id: String,
    },
    /// The directory is there already.
    #[error("create {path}: it already exists; choose another run id or output directory")]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// The path is no directory.
    #[error("{path} is not a run directory; give the folder that holds run.json")]
    NotARun {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refused a file operation.
    #[error(transparent)]
    Io(#[from] FileError),
    /// `run.json` is not what it should be, or cannot be written as JSON.
    #[error("{path} is not a complete run header")]
    Header {
        /// The file.
        path: PathBuf,
        /// Where and why, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A figure that JSON cannot hold, such as a ratio with a zero denominator.
    #[error("field {field} of the run header is {value}, not a finite number")]
    NotFinite {
        /// The field.
        field: String,
        /// Its value.
        value: f64,
    },
    /// Written by a later version.
    #[error("{path} has schema {found}, this program reads up to {known}; use a newer credlink")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u64,
        /// Newest version that this program knows.
        known: u32,
    },
}

/// The folder in which a run that has not ended keeps what is finished; whoever runs trials knows what lies there.
pub const JOURNAL: &str = "journal";

/// The directory of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
}

const FOLDERS: [&str; 5] = ["tables", "plots", "signed", "proofs", "negatives"];

impl RunDir {
    /// Makes the directory `base/id` and its folders; `base` is made where it is missing.
    ///
    /// # Errors
    /// [`RunDirError::Id`] for an id that is no folder name (empty, more than 128 bytes, with a separator or
    /// a leading dot), [`RunDirError::Exists`] if it is there, even empty, [`RunDirError::Io`] if `base` is not writable.
    pub fn create(base: &Path, id: &str) -> Result<Self, RunDirError> {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.len() > 128 || id.starts_with('.') || !id.chars().all(plain) {
            return Err(RunDirError::Id { id: id.to_owned() });
        }
        let root = base.join(id);
        std::fs::create_dir_all(base).map_err(refused("create", base))?;
        std::fs::create_dir(&root).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => RunDirError::Exists { path: root.clone() },
            _ => refused("create", &root)(source).into(),
        })?;
        for folder in FOLDERS {
            let path = root.join(folder);
            std::fs::create_dir(&path).map_err(refused("create", &path))?;
        }
        Ok(Self { root })
    }

    /// Opens the directory of a run that has ended.
    ///
    /// # Errors
    /// [`RunDirError::NotARun`] if there is no `run.json` in it.
    pub fn open(root: &Path) -> Result<Self, RunDirError> {
        let dir = Self::at(root);
        if dir.header().is_file() {
            Ok(dir)
        } else {
            Err(RunDirError::NotARun { path: dir.root })
        }
    }

    /// A directory that need not be one of a run: to say where its files would be.
    pub fn at(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `run.json`.
    pub fn header(&self) -> PathBuf {
        self.root.join("run.json")
    }

    /// Whether it was begun and has not ended.
    pub fn is_unfinished(&self) -> bool {
        self.root.join(JOURNAL).exists()
    }

    /// `rows.parquet`.
    pub fn rows(&self) -> PathBuf {
        self.root.join("rows.parquet")
    }

    /// Folder of the tables.
    pub fn tables(&self) -> PathBuf {
        self.root.join(FOLDERS[0])
    }

    /// Folder of the plots.
    pub fn plots(&self) -> PathBuf {
        self.root.join(FOLDERS[1])
    }

    /// Folder of the signed images.
    pub fn signed(&self) -> PathBuf {
        self.root.join(FOLDERS[2])
    }

    /// Folder of the files that were made to deceive.
    pub fn negatives(&self) -> PathBuf {
        self.root.join(FOLDERS[4])
    }

    /// Folder of the proof store.
    pub fn proofs(&self) -> PathBuf {
        self.root.join(FOLDERS[3])
    }

    /// Writes `run.json`, replacing it as a whole. It is bound to the rows that are there by then: the header of a run that
    /// has ended is written after its rows.
    ///
    /// # Errors
    /// [`RunDirError::NotFinite`] for a figure that JSON cannot hold, [`RunDirError::Io`] if the disk is full.
    pub fn write_header(&self, header: &RunHeader) -> Result<(), RunDirError> {
        let figures = [
            ("elapsed_s", header.elapsed_s),
            ("cpu.total_s", header.cpu.total_s),
        ]
        .into_iter()
        .chain([("cpu.overhead_share", header.cpu.overhead_share)])
        .map(|(field, value)| (field.to_owned(), value));
        let categories = header
            .cpu
            .by_category
            .iter()
            .map(|(name, value)| (format!("cpu.by_category.{name}"), *value));
        for (field, value) in figures.chain(categories) {
            if !value.is_finite() {
                return Err(RunDirError::NotFinite { field, value });
            }
        }
        let rows = self.rows();
        let bound = RunHeader {
            rows_digest: match rows.exists() {
                true => Some(sha256(&rows)?),
                false => None,
            },
            ..header.clone()
        };
        let path = self.header();
        let mut text =
            serde_json::to_string_pretty(&bound).map_err(|source| RunDirError::Header {
                path: path.clone(),
                source,
            })?;
        text.push('\n');
        atomic::write(&path, text.as_bytes()).map_err(refused("write", &path))?;
        Ok(())
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// [`RunDirError::Io`] if it cannot be read, [`RunDirError::Newer`] if a later version wrote it,
    /// [`RunDirError::Header`] with line and column if it is torn or a field has the wrong type.
    pub fn read_header(&self) -> Result<RunHeader, RunDirError> {
        let path = self.header();
        let text = crate::input::text(&path).map_err(refused("read", &path))?;
        let damaged = |source| RunDirError::Header {
            path: path.clone(),
            source,
        };
        // The version first: a later version may have changed the very fields that would fail below.
        let any: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
        match any.get("schema").and_then(serde_json::Value::as_u64) {
            Some(found) if found > u64::from(HEADER_VERSION) => Err(RunDirError::Newer {
                path,
                found,
                known: HEADER_VERSION,
            }),
            _ => serde_json::from_str(&text).map_err(damaged),
        }
    }
}
