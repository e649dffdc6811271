//! Rows and header of one run belong together: checked wherever a run is read.
//!
//! The header holds the digest of the row file, and the row file the name of its run. Both stop mix-ups, such as a row
//! file that was copied beside another header, restored in part or edited. They stop no forger, who would change both.

use std::path::PathBuf;

use crate::digest::sha256;
use crate::file_error::FileError;
use crate::header::RunHeader;
use crate::rows::{RowError, run_of};
use crate::run_dir::{RunDir, RunDirError};

/// A header and rows that do not belong together, or that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindingError {
    /// The header could not be read.
    #[error(transparent)]
    Header(#[from] RunDirError),
    /// The row file could not be read.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// The operating system refused a file operation.
    #[error(transparent)]
    Io(#[from] FileError),
    /// The rows are not those that the header was written over.
    #[error(
        "{path} is not the file that run.json was written over: its digest is {found}, run.json says {expected}; restore both from one copy"
    )]
    Digest {
        /// The row file.
        path: PathBuf,
        /// Its digest.
        found: String,
        /// The header's.
        expected: String,
    },
    /// The run was killed, or is under way.
    #[error(
        "the run in {run} has not ended, or is a part of one, and nothing is told of it before it is whole; `credlink survival --resume {run}` goes on with it, `credlink merge` joins parts"
    )]
    Unfinished {
        /// The run directory.
        run: String,
    },
    /// The rows are of another run.
    #[error("{path} holds the rows of run {rows}, but run.json is of run {header}")]
    Run {
        /// The row file.
        path: PathBuf,
        /// The run it names.
        rows: String,
        /// The run that the header names.
        header: String,
    },
}

/// The header of a run whose rows are those it was written over. A header without a digest, of an earlier version, is
/// read, but no figure of it is usable ([`crate::unusable`]).
///
/// # Errors
/// [`BindingError`].
pub fn bound_header(run_dir: &RunDir) -> Result<RunHeader, BindingError> {
    let header = run_dir.read_header()?;
    let path = run_dir.rows();
    if !path.exists() && run_dir.is_unfinished() {
        return Err(BindingError::Unfinished {
            run: run_dir.root().display().to_string(),
        });
    }
    if let Some(rows) = run_of(&path)?
        && rows != header.id
    {
        return Err(BindingError::Run {
            path,
            rows,
            header: header.id,
        });
    }
    if let Some(expected) = &header.rows_digest {
        let found = sha256(&path)?;
        if found != *expected {
            return Err(BindingError::Digest {
                path,
                found,
                expected: expected.clone(),
            });
        }
    }
    Ok(header)
}
