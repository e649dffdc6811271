//! Every table and plot of a run, from `run.json` and `rows.parquet` alone.

use std::path::{Path, PathBuf};

use crate::atomic;
use crate::binding::bound_header;
use crate::documents::{DOCUMENTS, DocumentError};
use crate::formats::FORMATS;
use crate::page::row_files;
use crate::plots::{PICTURES, PlotError, scenes};
use crate::report::{ReadError, Report};
use crate::run_dir::RunDir;
use crate::summary::Summary;
use crate::tables::Evidence;

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The run could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A document could not be made.
    #[error("make the {document} document")]
    Document {
        /// Its name.
        document: &'static str,
        /// The reason.
        #[source]
        source: DocumentError,
    },
    /// A plot could not be drawn.
    #[error("plot {plot}")]
    Plot {
        /// The plot.
        plot: String,
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

/// A run's header and rows, joined and checked, without holding all rows at once.
///
/// # Errors
/// [`ReadError`] if either cannot be read, or if they do not belong together.
pub fn load(run_dir: &RunDir) -> Result<Evidence, ReadError> {
    let header = bound_header(run_dir)?;
    Ok(Evidence::read(header, &run_dir.rows())?)
}

/// Writes every table in every format, every plot as every picture, every document and the rows of each pipeline as
/// CSV, and returns the terminal's summary.
///
/// Memory does not grow with the number of rows, but with that of images and sources. Files that are there are replaced,
/// each as a whole; `run.json`, `rows.parquet` and the gallery are only read.
///
/// # Errors
/// [`ReportError`] naming the file; what was written before it stays and is complete.
pub fn regenerate(run_dir: &RunDir) -> Result<Summary, ReportError> {
    let report = Report::read(run_dir)?;
    let mut files = Vec::new();
    for table in &report.tables {
        for format in FORMATS {
            let path = run_dir.tables().join(format.file_name(&table.id));
            write(&path, (format.render)(table).as_bytes(), &mut files)?;
        }
    }
    let failed = |(plot, source)| ReportError::Plot { plot, source };
    for (name, scene) in scenes(&report.evidence).map_err(failed)? {
        for picture in PICTURES {
            let bytes = (picture.paint)(&scene).map_err(|source| failed((name.clone(), source)))?;
            let path = run_dir
                .plots()
                .join(format!("{name}.{}", picture.extension));
            write(&path, &bytes, &mut files)?;
        }
    }
    for document in DOCUMENTS {
        let failed = |source| ReportError::Document {
            document: document.name,
            source,
        };
        let text = (document.render)(&report).map_err(failed)?;
        write(
            &run_dir.root().join(document.file),
            text.as_bytes(),
            &mut files,
        )?;
    }
    let folder = run_dir.root().join(row_files::FOLDER);
    let written = row_files::write(&folder, report.evidence.header(), &report.rows);
    files.extend(written.map_err(ReadError::from)?);
    Ok(Summary::new(&report.evidence, files))
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
