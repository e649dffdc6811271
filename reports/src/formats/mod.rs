//! Formats that tables can be written in.
//!
//! A new format is a file here and a line in [`FORMATS`].

mod csv;
mod json;
mod markdown;

pub(crate) use csv::{quoted as csv_field, record as csv_record};
pub(crate) use json::render as table_json;
pub(crate) use markdown::{cell as cell_text, escaped as markdown_escaped};

use crate::table::Table;

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

impl Format {
    /// The file name of a table in this format, e.g. `survival.csv`.
    pub fn file_name(&self, table: &str) -> String {
        format!("{table}.{}", self.extension)
    }
}

#[cfg(test)]
mod tests;
