//! The rows of each pipeline as CSV files beside the page, so that every figure leads to what it was counted from.

use std::collections::HashMap;
use std::fmt::{Display, Write as _};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::atomic;
use crate::file_error::refused;
use crate::formats::{csv_field, csv_record};
use crate::header::RunHeader;
use crate::rows::{RowError, Rows, read_slices};

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
        // Hidden, or taken for an option by whoever names all files of the folder.
        let plain = match plain.trim_start_matches(['.', '-']) {
            "" => "pipeline",
            plain => plain,
        };
        let name = format!("{plain}.csv");
        names.push(if names.contains(&name) {
            format!("{plain}~{index}.csv")
        } else {
            name
        });
    }
    names
}

/// The columns of the files, besides the op.
const COLUMNS: &[&str] = &[
    "trial",
    "pipeline",
    "image",
    "name",
    "source",
    "class",
    "image_format",
    "width",
    "height",
    "issued",
    "outcome",
    "survived",
    "recovered_by",
    "error_cause",
    "error",
    "signed_bytes",
    "received_bytes",
    "received_format",
    "received_width",
    "received_height",
    "content_distance",
    "sign_ns",
    "transform_ns",
    "verify_ns",
    "retrieve_ns",
];

/// The same of every carrier.
const CELLS: &[&str] = &["state", "accepted", "distance", "codes", "ns"];

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

/// Writes every pipeline's rows into `folder`, in the header's order of pipelines, slice by slice.
///
/// # Errors
/// [`RowError`]: the row file cannot be read, or a file not be written.
pub(crate) fn write(
    folder: &Path,
    header: &RunHeader,
    rows: &Path,
) -> Result<Vec<PathBuf>, RowError> {
    std::fs::create_dir_all(folder).map_err(refused("create", folder))?;
    let mut files = Vec::new();
    for name in names(header) {
        let path = folder.join(name);
        let file = atomic::beside(&path).map_err(refused("create", &path))?;
        files.push((path, BufWriter::new(file)));
    }
    let places: HashMap<&str, usize> = (0..)
        .zip(&header.pipelines)
        .map(|(index, pipeline)| (pipeline.id.as_str(), index))
        .collect();
    let mut is_first = true;
    let mut line = String::new();
    read_slices(rows, COLUMNS, CELLS, |rows| {
        let fields = fields(rows)?;
        if std::mem::take(&mut is_first) {
            csv_record(&mut line, fields.iter().map(|(name, _)| name.clone()));
            for (path, file) in &mut files {
                file.write_all(line.as_bytes())
                    .map_err(refused("write", path))?;
            }
        }
        for (row, id) in rows.texts("pipeline")?.iter().enumerate() {
            let place = id.and_then(|id| places.get(id));
            let Some((path, file)) = place.and_then(|place| files.get_mut(*place)) else {
                continue;
            };
            line.clear();
            for (index, (_, put)) in fields.iter().enumerate() {
                if index > 0 {
                    line.push(',');
                }
                put(row, &mut line);
            }
            line.push('\n');
            file.write_all(line.as_bytes())
                .map_err(refused("write", path))?;
        }
        Ok::<_, RowError>(())
    })?;
    let mut written = Vec::new();
    for (path, file) in files {
        let file = file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error);
        let whole = file.and_then(|file| {
            file.as_file().sync_all()?;
            Ok(file.persist(&path)?)
        });
        whole.map_err(refused("write", &path))?;
        written.push(path);
    }
    Ok(written)
}
