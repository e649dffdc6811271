//! `rows.parquet`: its schema, a streaming writer and a reader with typed access.
//!
//! Everything that touches polars is in this folder and in the grouping of [`crate::tables`].

mod error;
mod frame;
mod ops;
mod reader;
pub mod schema;
mod writer;

pub use error::RowError;
pub use frame::Rows;
pub use reader::{read_columns, read_rows};
pub use writer::RowWriter;
