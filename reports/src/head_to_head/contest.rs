//! `contest.json`: which runs stand side by side.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Side;
use crate::atomic;
use crate::file_error::{FileError, refused};
use crate::regenerate::load;
use crate::report::ReadError;
use crate::run_dir::{RunDir, RunDirError};
use crate::tables::Evidence;

/// Its name.
pub const FILE: &str = "contest.json";

/// Systems that met the same ops.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contest {
    /// The systems in the order in which they were named.
    pub systems: Vec<Entrant>,
    /// Those that were asked for and could not run.
    #[serde(default)]
    pub skipped: Vec<Skipped>,
}

/// A system and the folder of its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrant {
    /// What it was called on the command line.
    pub name: String,
    /// The folder, beside `contest.json`.
    pub folder: String,
}

/// A system that could not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// What is missing.
    pub why: String,
}

/// Runs that cannot stand side by side.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContestError {
    /// The operating system refused a file operation.
    #[error(transparent)]
    Io(#[from] FileError),
    /// The file is not what it should be.
    #[error("{path} names no runs; `credlink survival --system A,B` writes it")]
    Unsound {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The folder of a run leads elsewhere, or there are none.
    #[error("{path}: {what}")]
    Folder {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A run directory is none.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// A run cannot be read.
    #[error("the run of {name}")]
    Run {
        /// The system.
        name: String,
        /// Why.
        #[source]
        source: Box<ReadError>,
    },
    /// Two systems did not meet the same ops.
    #[error("{first} and {other} did not meet the same ops: they differ in {what}")]
    Different {
        /// The first system.
        first: String,
        /// The other.
        other: String,
        /// In what.
        what: String,
    },
}

impl Contest {
    /// Reads the file of a directory.
    ///
    /// # Errors
    /// [`ContestError`], naming the file.
    pub fn read(root: &Path) -> Result<Self, ContestError> {
        let path = root.join(FILE);
        let text = crate::input::text(&path).map_err(refused("read", &path))?;
        let contest: Self =
            serde_json::from_str(&text).map_err(|source| ContestError::Unsound {
                path: path.clone(),
                source,
            })?;
        let wrong = |what: String| ContestError::Folder {
            path: path.clone(),
            what,
        };
        if contest.systems.is_empty() {
            return Err(wrong("there is no system in it".to_owned()));
        }
        for entrant in &contest.systems {
            // A name may not lead out of the directory.
            let mut parts = Path::new(&entrant.folder).components();
            let is_plain = matches!(parts.next(), Some(std::path::Component::Normal(_)));
            if !is_plain || parts.next().is_some() {
                return Err(wrong(format!(
                    "{:?} is no folder beside it",
                    entrant.folder
                )));
            }
        }
        Ok(contest)
    }

    /// Writes it into a directory.
    ///
    /// # Errors
    /// [`ContestError::Io`].
    pub fn write(&self, root: &Path) -> Result<(), ContestError> {
        let path = root.join(FILE);
        let mut text = serde_json::to_vec_pretty(self).map_err(|source| ContestError::Unsound {
            path: path.clone(),
            source,
        })?;
        text.push(b'\n');
        Ok(atomic::write(&path, &text).map_err(|source| refused("write", &path)(source))?)
    }
}

pub(super) fn evidence(root: &Path, folder: &str) -> Result<Evidence, ContestError> {
    let run_dir = RunDir::open(&root.join(folder))?;
    load(&run_dir).map_err(|source| ContestError::Run {
        name: folder.to_owned(),
        source: Box::new(source),
    })
}

/// Systems are compared op by op, so images, seed and pipelines must be the same.
pub(super) fn same_ops(first: &Side, name: &str, other: &Evidence) -> Result<(), ContestError> {
    let (here, there) = (first.evidence.header(), other.header());
    let recipes = |header: &crate::RunHeader| -> Vec<(String, String)> {
        let pipelines = header.pipelines.iter();
        pipelines
            .map(|pipeline| (pipeline.id.clone(), pipeline.digest.clone()))
            .collect()
    };
    let what = [
        ("seed", here.seed == there.seed),
        ("images", here.image_set.digest == there.image_set.digest),
        ("pipelines", recipes(here) == recipes(there)),
    ];
    let differing: Vec<&str> = what
        .iter()
        .filter(|(_, same)| !same)
        .map(|(what, _)| *what)
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    Err(ContestError::Different {
        first: first.name.clone(),
        other: name.to_owned(),
        what: differing.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_leads_out_of_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let of = |folder: &str| Contest {
            systems: vec![Entrant {
                name: "a".to_owned(),
                folder: folder.to_owned(),
            }],
            skipped: Vec::new(),
        };
        for folder in ["", "..", "../x", "/etc", "a/b", "."] {
            of(folder).write(dir.path()).unwrap();
            assert!(Contest::read(dir.path()).is_err(), "{folder}");
        }
        let good = of("credlink-watermark");
        good.write(dir.path()).unwrap();
        assert_eq!(Contest::read(dir.path()).unwrap(), good);
        Contest::default().write(dir.path()).unwrap();
        assert!(Contest::read(dir.path()).is_err());
    }
}
