//! Formats that a run can be written in: tables one by one, or the run as one document.
//!
//! A new format is a file here and a line in [`FORMATS`] or [`DOCUMENTS`].

mod badge;
mod csv;
mod html;
mod job_summary;
mod json;
mod junit;
mod markdown;
mod metrics;
mod run_json;
mod template;

pub(crate) use csv::{quoted as csv_field, record as csv_record};
pub(crate) use markdown::{cell as cell_text, escaped as markdown_escaped};
pub use run_json::DOCUMENT_VERSION;
pub(crate) use template::{render, safe, seconds_since_1970};

use crate::report::Report;
use crate::rows::RowError;
use crate::tables::Table;

/// A way to write a [`Table`] as a text file.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name on the command line.
    pub name: &'static str,
    /// Extension of its files, without the dot.
    pub extension: &'static str,
    /// Whom it is for, in one line.
    pub about: &'static str,
    /// The file's whole text. Never fails: a table is valid by construction.
    pub render: fn(&Table) -> String,
}

/// Every format of tables, in the order in which files are written.
pub const FORMATS: &[Format] = &[markdown::FORMAT, csv::FORMAT, json::FORMAT];

/// A way to write a whole run as one file.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// Name on the command line.
    pub name: &'static str,
    /// Its file in the run directory.
    pub file: &'static str,
    /// Whom it is for, in one line.
    pub about: &'static str,
    /// The file's whole text.
    ///
    /// # Errors
    /// [`DocumentError`], which a valid run never gives.
    pub render: fn(&Report) -> Result<String, DocumentError>,
}

/// Every format of a whole run, in the order in which files are written.
pub const DOCUMENTS: &[Document] = &[
    html::DOCUMENT,
    run_json::DOCUMENT,
    junit::DOCUMENT,
    metrics::PROMETHEUS,
    metrics::OPEN_METRICS,
    badge::JSON,
    badge::SVG,
    job_summary::DOCUMENT,
];

/// A document that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// A template does not fit its data: a mistake of ours.
    #[error("fill the template {name}")]
    Template {
        /// The template.
        name: &'static str,
        /// The template engine's reason.
        #[source]
        source: minijinja::Error,
    },
    /// The rows lack a column.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// A figure that JSON cannot hold.
    #[error("write as JSON")]
    Json(#[from] serde_json::Error),
}

impl Format {
    /// The file name of a table in this format, e.g. `survival.csv`.
    pub fn file_name(&self, table: &str) -> String {
        format!("{table}.{}", self.extension)
    }
}

#[cfg(test)]
mod tests;
