//! The rows of each pipeline as CSV files beside the page, so that every figure leads to what it was counted from.

use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};

use crate::atomic;
use crate::formats::{csv_field, csv_record};
use crate::header::RunHeader;
use crate::rows::{RowError, Rows};

/// Folder of the row files in the run directory.
pub const FOLDER: &str = "rows";

/// File names of the pipelines' row files in the header's order, each its own: the id with what a file system or a
/// link might take amiss replaced.
pub fn names(header: &RunHeader) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.pipelines.len());
    for (index, pipeline) in header.pipelines.iter().enumerate() {
        let plain: String = pipeline
            .id
            .replace('/', "--")
            .chars()
            .map(|c| {
                let is_plain = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                if is_plain { c } else { '_' }
            })
            .take(100)
            .collect();
        let plain = plain.trim_start_matches('.');
        let name = format!("{plain}.csv");
        names.push(if plain.is_empty() || names.contains(&name) {
            format!("{plain}~{index}.csv")
        } else {
            name
        });
    }
    names
}

/// A column's name, and what appends the value of a row to a line.
type Field<'a> = (String, Box<dyn Fn(usize, &mut String) + 'a>);

fn fields(rows: &Rows) -> Result<Vec<Field<'_>>, RowError> {
    let mut fields: Vec<Field<'_>> = Vec::new();
    fn text<'a>(rows: &'a Rows, name: &str) -> Result<Field<'a>, RowError> {
        let column = rows.texts(name)?;
        let put = move |row, line: &mut String| {
            csv_field(line, column.get(row).unwrap_or_default());
        };
        Ok((name.to_owned(), Box::new(put)))
    }
    fn shown<'a, T: Display>(
        name: &str,
        value: impl Fn(usize) -> Option<T> + 'a,
    ) -> Result<Field<'a>, RowError> {
        let put = move |row, line: &mut String| {
            if let Some(value) = value(row) {
                // Writing to a string cannot fail.
                let _ = write!(line, "{value}");
            }
        };
        Ok((name.to_owned(), Box::new(put)))
    }
    fn small<'a>(rows: &'a Rows, name: &str) -> Result<Field<'a>, RowError> {
        let column = rows.small(name)?;
        shown(name, move |row| column.get(row))
    }
    fn big<'a>(rows: &'a Rows, name: &str) -> Result<Field<'a>, RowError> {
        let column = rows.big(name)?;
        shown(name, move |row| column.get(row))
    }
    fn flag<'a>(rows: &'a Rows, name: &str) -> Result<Field<'a>, RowError> {
        let column = rows.flags(name)?;
        shown(name, move |row| column.get(row))
    }
    fields.push(big(rows, "op")?);
    fields.push(text(rows, "trial")?);
    fields.push(small(rows, "image")?);
    for name in ["name", "source", "class", "image_format"] {
        fields.push(text(rows, name)?);
    }
    for name in ["width", "height"] {
        fields.push(small(rows, name)?);
    }
    for name in ["issued", "outcome"] {
        fields.push(text(rows, name)?);
    }
    fields.push(flag(rows, "survived")?);
    for name in ["recovered_by", "error_cause", "error"] {
        fields.push(text(rows, name)?);
    }
    for name in ["signed_bytes", "received_bytes"] {
        fields.push(big(rows, name)?);
    }
    fields.push(text(rows, "received_format")?);
    for name in ["received_width", "received_height", "content_distance"] {
        fields.push(small(rows, name)?);
    }
    for name in ["sign_ns", "transform_ns", "verify_ns", "retrieve_ns"] {
        fields.push(big(rows, name)?);
    }
    for carrier in rows.carriers() {
        fields.push(text(rows, &format!("{carrier}_state"))?);
        fields.push(flag(rows, &format!("{carrier}_accepted"))?);
        fields.push(small(rows, &format!("{carrier}_distance"))?);
        fields.push(text(rows, &format!("{carrier}_codes"))?);
        fields.push(big(rows, &format!("{carrier}_ns"))?);
    }
    Ok(fields)
}

/// The CSV text of each pipeline's rows, in the header's order; made one by one, as a large run has much of it.
///
/// # Errors
/// [`RowError::MissingColumn`] if a column was not read.
pub fn texts<'a>(
    header: &RunHeader,
    rows: &'a Rows,
) -> Result<impl Iterator<Item = String> + 'a, RowError> {
    let fields = fields(rows)?;
    let places: std::collections::HashMap<&str, usize> = (0..)
        .zip(&header.pipelines)
        .map(|(index, pipeline)| (pipeline.id.as_str(), index))
        .collect();
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); header.pipelines.len()];
    for (row, id) in rows.texts("pipeline")?.iter().enumerate() {
        let place = id.and_then(|id| places.get(id));
        if let Some(members) = place.and_then(|place| members.get_mut(*place)) {
            members.push(row);
        }
    }
    Ok(members.into_iter().map(move |members| {
        let mut text = String::new();
        csv_record(&mut text, fields.iter().map(|(name, _)| name.clone()));
        for row in members {
            for (index, (_, put)) in fields.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                put(row, &mut text);
            }
            text.push('\n');
        }
        text
    }))
}

/// Writes every pipeline's rows into `folder`.
///
/// # Errors
/// The file and the operating system's reason.
pub(crate) fn write(
    folder: &Path,
    names: &[String],
    texts: impl Iterator<Item = String>,
) -> Result<Vec<PathBuf>, (PathBuf, std::io::Error)> {
    std::fs::create_dir_all(folder).map_err(|error| (folder.to_path_buf(), error))?;
    let mut files = Vec::new();
    for (name, text) in names.iter().zip(texts) {
        let path = folder.join(name);
        atomic::write(&path, text.as_bytes()).map_err(|error| (path.clone(), error))?;
        files.push(path);
    }
    Ok(files)
}
