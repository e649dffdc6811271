//! Every table and plot of a run, from `run.json` and `rows.parquet` alone.

use std::path::{Path, PathBuf};

use crate::atomic;
use crate::formats::FORMATS;
use crate::plots::{PICTURES, PLOTS, PlotError};
use crate::rows::{RowError, read_columns};
use crate::run_dir::{RunDir, RunDirError};
use crate::summary::Summary;
use crate::tables::{EVIDENCE_CELLS, EVIDENCE_COLUMNS, Evidence, EvidenceError, TABLES};

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The run directory or its header could not be read.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// The rows could not be read.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// Header and rows do not belong together, or a row contradicts itself.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A plot could not be drawn.
    #[error("plot {plot}")]
    Plot {
        /// The plot.
        plot: &'static str,
        /// The reason.
        #[source]
        source: PlotError,
    },
    /// A table or plot could not be written.
    #[error("write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        source: std::io::Error,
    },
}

/// A run's header and rows, joined and checked.
///
/// # Errors
/// [`ReportError`] if either cannot be read, or if they do not belong together.
pub fn load(run_dir: &RunDir) -> Result<Evidence, ReportError> {
    let header = run_dir.read_header()?;
    let rows = read_columns(&run_dir.rows(), EVIDENCE_COLUMNS, EVIDENCE_CELLS)?;
    Ok(Evidence::new(header, &rows)?)
}

/// Writes every table in every format and every plot as every picture, and returns the terminal's summary.
///
/// Needs about 200 bytes of memory per row. Files that are there are replaced, each as a whole; `run.json`
/// and `rows.parquet` are only read.
///
/// # Errors
/// [`ReportError`] naming the file; what was written before it stays and is complete.
pub fn regenerate(run_dir: &RunDir) -> Result<Summary, ReportError> {
    let evidence = load(run_dir)?;
    let mut files = Vec::new();
    for kind in TABLES {
        let table = (kind.make)(&evidence);
        for format in FORMATS {
            let path = run_dir.tables().join(format.file_name(kind.id));
            write(&path, (format.render)(&table).as_bytes(), &mut files)?;
        }
    }
    for kind in PLOTS {
        let failed = |source| ReportError::Plot {
            plot: kind.id,
            source,
        };
        let scene = (kind.make)(&evidence).map_err(failed)?;
        for picture in PICTURES {
            let bytes = (picture.paint)(&scene).map_err(failed)?;
            let path = run_dir
                .plots()
                .join(format!("{}.{}", kind.id, picture.extension));
            write(&path, &bytes, &mut files)?;
        }
    }
    Ok(Summary::new(&evidence, files))
}

fn write(path: &Path, bytes: &[u8], files: &mut Vec<PathBuf>) -> Result<(), ReportError> {
    // A run directory may have been copied without what can be made again.
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    folder
        .and_then(|()| atomic::write(path, bytes))
        .map_err(|source| ReportError::Write {
            path: path.into(),
            source,
        })?;
    files.push(path.into());
    Ok(())
}
