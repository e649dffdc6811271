//! A file operation that failed.

use std::path::{Path, PathBuf};

/// The operating system refused a file operation.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {path}")]
pub struct FileError {
    /// What was being done, e.g. `create`.
    pub doing: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The operating system's reason.
    #[source]
    pub source: std::io::Error,
}

/// Tells an error of the operating system what was being done, and to which file.
pub(crate) fn refused(
    doing: &'static str,
    path: &Path,
) -> impl Fn(std::io::Error) -> FileError + Copy {
    move |source| FileError {
        doing,
        path: path.to_owned(),
        source,
    }
}
