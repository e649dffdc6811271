//! The page of a run: one HTML file that works from the file system, without network and without scripts.
//!
//! All figures are in the page's markup, from the same tables as the other formats. The script only sorts and
//! filters the matrix; it sums the counts of [`Strata`] and forms rates and intervals as [`crate::stats`] does.

mod cards;
mod context;
mod exhibits;
mod found;
mod matrix;
pub mod row_files;
mod strata;

pub(crate) use context::themed;
pub use found::{FoundOp, found_ops};
pub use strata::{BANDS, Strata};

use crate::formats::{DocumentError, render};
use crate::report::Report;

/// The style of every page.
pub(crate) const STYLE: &str = include_str!("templates/style.css");
/// Sorts and filters the matrix.
const SCRIPT: &str = include_str!("templates/matrix.js");

/// The whole page.
///
/// # Errors
/// [`DocumentError::Template`] if a template of ours does not fit.
pub fn html(report: &Report) -> Result<String, DocumentError> {
    render("report.html", context::of(report, STYLE, SCRIPT)?)
}
