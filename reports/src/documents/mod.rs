//! Documents that a whole run can be written as.
//!
//! A new document is a file here and a line in [`DOCUMENTS`].

mod badge;
mod html;
mod job_summary;
mod junit;
mod metrics;
mod run_json;

pub use run_json::DOCUMENT_VERSION;

pub use crate::templates::DocumentError;

use crate::report::Report;

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
