//! Why a row file could not be written or read.

use std::path::PathBuf;

use polars::prelude::PolarsError;

use crate::file_error::FileError;

/// A row file that could not be written or read, or a row that is not evidence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// The operating system refused a file operation.
    #[error(transparent)]
    Io(#[from] FileError),
    /// There is no row file: the run was killed before it closed it, or the folder is not whole.
    #[error(
        "{path} is missing: the run did not end, or its folder was not copied whole; run it again"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The final file is already there; rows of two runs never mix.
    #[error("create {path}: it already exists; choose another run directory")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A carrier name that cannot name a column, or that the list holds twice.
    #[error("carrier {name:?}: {reason}")]
    Carrier {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The row contradicts itself.
    #[error("op {op} ({pipeline}): {reason}")]
    Inconsistent {
        /// Number of the op.
        op: u64,
        /// Id of its pipeline.
        pipeline: String,
        /// The fields that disagree.
        reason: String,
    },
    /// An op number was used twice, so one trial would count twice.
    #[error("op {op} is there twice; every trial needs a number of its own")]
    Duplicate {
        /// Number of the op.
        op: u64,
    },
    /// The file ends early or has been damaged.
    #[error(
        "{path} is not a complete Parquet file; a run that was cut off leaves its rows unfinished"
    )]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What the Parquet reader met, where it got that far.
        #[source]
        source: Option<PolarsError>,
    },
    /// A file that is Parquet, but not one of ours.
    #[error("{path} holds no {key} entry; it is not a row file of a survival run")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The missing metadata key.
        key: &'static str,
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
    /// A column of the schema is not there.
    #[error("{path}: column {column} is missing")]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column's name.
        column: String,
    },
    /// A column has another type than the schema says, or a null where the schema has none.
    #[error("{path}: column {column} should be {expected}, but is {found}")]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column's name.
        column: String,
        /// Type in the schema.
        expected: String,
        /// What the file holds.
        found: String,
    },
    /// A value that the schema does not allow.
    #[error("{path}: op {op}: {reason}")]
    Value {
        /// The file.
        path: PathBuf,
        /// Number of the op.
        op: u64,
        /// What is wrong with the value.
        reason: String,
    },
    /// The Parquet library failed on our own data.
    #[error("encode or decode {path}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The library's reason.
        #[source]
        source: PolarsError,
    },
}
