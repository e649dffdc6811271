//! `rows.parquet`: its schema, a streaming writer and a reader with typed access.
//!
//! Everything that touches polars is in this folder and in the columns of [`crate::tables`].

mod error;
mod frame;
mod ops;
mod pages;
mod reader;
pub mod schema;
mod writer;

pub use error::RowError;
pub use frame::Rows;
pub(crate) use reader::read_slices;
pub use reader::{read_columns, read_ops, read_rows, run_of};
pub use writer::RowWriter;
