//! Files beside the rows that a page shows and nothing is computed from: pictures, recipes, another run's figures.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::file_error::{FileError, refused};

/// Such a file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompanionError {
    /// It is not what it should be.
    #[error("{path} is damaged; delete it to make the report without what it holds")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The operating system refused a file operation.
    #[error(transparent)]
    Io(#[from] FileError),
}

/// What the file of a run directory holds; `None` if there is no such file.
///
/// # Errors
/// [`CompanionError::Damaged`] with line and column, [`CompanionError::Io`].
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, CompanionError> {
    let text = match crate::input::text(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(refused("read", path)(source).into()),
    };
    let held = serde_json::from_str(&text).map_err(|source| damaged(path, source))?;
    Ok(Some(held))
}

/// Writes the file.
///
/// # Errors
/// [`CompanionError::Io`] if the disk is full.
pub(crate) fn write<T: Serialize>(path: &Path, holds: &T) -> Result<(), CompanionError> {
    let text = serde_json::to_string_pretty(holds).map_err(|source| damaged(path, source))?;
    crate::atomic::write(path, text.as_bytes()).map_err(refused("write", path))?;
    Ok(())
}

fn damaged(path: &Path, source: serde_json::Error) -> CompanionError {
    CompanionError::Damaged {
        path: path.to_owned(),
        source,
    }
}
