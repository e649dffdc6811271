//! Why header and rows cannot be counted.

use std::path::PathBuf;

use credlink_trial_record::Trial;

use crate::rows::RowError;

/// Rows and header that do not belong together, or rows that contradict themselves.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The row file could not be read as the schema says.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// Header and rows name different carriers.
    #[error("{path} has carriers {rows:?} but run.json has {header:?}; they are of different runs")]
    Carriers {
        /// The row file.
        path: PathBuf,
        /// Carriers of the rows.
        rows: Vec<String>,
        /// Carriers of the header.
        header: Vec<String>,
    },
    /// The rows have a pipeline that the header does not list.
    #[error(
        "{path} has pipeline {pipeline:?}, which run.json does not list; they are of different runs"
    )]
    Pipeline {
        /// The row file.
        path: PathBuf,
        /// The pipeline.
        pipeline: String,
    },
    /// The header lists a pipeline twice.
    #[error("run.json lists pipeline {pipeline:?} twice")]
    Twice {
        /// The pipeline.
        pipeline: String,
    },
    /// An image went through a pipeline twice in one kind of trial, so that it would count twice.
    #[error(
        "{path}: image {image} went through {pipeline} twice as {trial} trial; every trial counts once"
    )]
    Repeated {
        /// The row file.
        path: PathBuf,
        /// Index of the image.
        image: u32,
        /// The pipeline.
        pipeline: String,
        /// The kind of trial.
        trial: Trial,
    },
    /// The temporary file of what was read could not be written.
    #[error(
        "keep what the rows say in a temporary file, beside the rows or where temporary files lie; when there is room, the same command goes on"
    )]
    Kept(#[source] std::io::Error),
    /// A word that the schema does not know, or a row that contradicts itself.
    #[error("{path}: op {op}: {reason}")]
    Value {
        /// The row file.
        path: PathBuf,
        /// The op.
        op: u64,
        /// What is wrong.
        reason: String,
    },
}
