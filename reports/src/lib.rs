//! The record of a survival run and everything that is computed from it: rows, statistics, tables, plots.
//!
//! # How to use
//!
//! A runner writes one [`Row`](credlink_trial_record::Row) per op and one [`RunHeader`] per run into a [`RunDir`]; [`regenerate`]
//! then writes every table and plot and returns the [`Summary`] that a terminal shows.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use credlink_reports::{RowWriter, RunDir, RunHeader, regenerate};
//!
//! # let base = tempfile::tempdir()?;
//! # let base = base.path();
//! let dir = RunDir::create(base, "2026-01-31-demo")?;
//! let carriers = vec!["manifest".to_owned(), "link".to_owned()];
//! let writer = RowWriter::create(&dir.rows(), &carriers)?;
//! // … writer.push(row)? for every op …
//! writer.finish()?;
//! dir.write_header(&RunHeader { id: "2026-01-31-demo".to_owned(), carriers, ..RunHeader::default() })?;
//! let summary = regenerate(&dir)?;
//! assert!(summary.to_string().contains("2026-01-31-demo"));
//! # Ok(())
//! # }
//! ```
//!
//! # Why it is so
//!
//! The row, not the aggregate, is the record: every figure can be computed again from `run.json` and
//! `rows.parquet` alone, years later and by somebody who distrusts our tables. Plug-ins live in one visible
//! list each: [`tables::TABLES`], [`formats::FORMATS`], [`documents::DOCUMENTS`], [`plots::PLOTS`] and [`plots::PICTURES`].
//!
//! # Guarantees
//!
//! - The same header and rows give the same bytes in every table and plot, whatever the order in which the
//!   rows were written and however many threads wrote them.
//! - A rate never appears without its n, and a cell without evidence says "not measured", never 0 or 100 %.
//! - Errors stay in the denominator of survival and out of the denominator of false accepts: both choices
//!   make the figure worse for the system under test.
//! - A file under its final name is complete: everything is written beside it first and then renamed.
//! - Nothing here runs a trial, prints, or reads a clock or a random source.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod atomic;
pub mod availability;
pub mod beside;
mod binding;
mod carrier;
pub mod catalogue;
mod companion;
pub mod compare;
pub mod controls;
mod digest;
pub mod docs;
pub mod documents;
pub mod durability;
pub mod figures;
mod file_error;
pub mod filter_counts;
pub mod formats;
pub mod gallery;
pub mod gate;
pub mod head_to_head;
pub mod header;
mod input;
pub mod losses;
pub mod page;
pub mod plots;
mod printable;
pub mod reasons;
pub mod recipes;
mod regenerate;
pub mod report;
pub mod robustness;
pub mod rows;
pub mod run_dir;
mod settings;
pub mod site;
pub mod stats;
pub mod summary;
pub mod table;
pub mod tables;
mod templates;
mod usable;

pub use binding::{BindingError, bound_header};
pub use companion::CompanionError;
pub use file_error::FileError;
pub use header::RunHeader;
pub use printable::printable;
pub use regenerate::{ReportError, load, regenerate};
pub use report::{ReadError, Report};
pub use rows::{RowError, RowWriter, Rows, read_rows};
pub use run_dir::{RunDir, RunDirError};
pub use summary::Summary;
pub use usable::{Unusable, unusable};
