//! The page of a run: one HTML file that works from the file system, without network and without scripts.
//!
//! All figures are in the page's markup, from the same tables as the other formats. The script only sorts and
//! filters the matrix; it sums the counts of [`crate::filter_counts`] and forms rates and intervals as [`crate::stats`] does.

mod cards;
mod context;
mod exhibits;
mod lost;
mod matrix;
mod metadata;
pub mod row_files;

pub(crate) use context::{Sheet, sheet, themed};

use crate::report::Report;
use crate::templates::{DocumentError, render};

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
