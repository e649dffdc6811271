//! The rows of each pipeline as CSV files beside the page, so that every figure leads to what it was counted from.

use std::path::{Path, PathBuf};

use crate::atomic;
use crate::formats::csv_record;
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

type Field<'a> = (String, Box<dyn Fn(usize) -> String + 'a>);

fn fields(rows: &Rows) -> Result<Vec<Field<'_>>, RowError> {
    let mut fields: Vec<Field<'_>> = Vec::new();
    fn text<'a>(rows: &'a Rows, name: &str) -> Result<Field<'a>, RowError> {
        let column = rows.texts(name)?;
        let take = move |row| column.get(row).unwrap_or_default().to_owned();
        Ok((name.to_owned(), Box::new(take)))
    }
    fn small<'a>(rows: &'a Rows, name: &str) -> Result<Field<'a>, RowError> {
        let column = rows.small(name)?;
        let take = move |row| column.get(row).map(|v| v.to_string()).unwrap_or_default();
        Ok((name.to_owned(), Box::new(take)))
    }
    fn big<'a>(rows: &'a Rows, name: &str) -> Result<Field<'a>, RowError> {
        let column = rows.big(name)?;
        let take = move |row| column.get(row).map(|v| v.to_string()).unwrap_or_default();
        Ok((name.to_owned(), Box::new(take)))
    }
    fn flag<'a>(rows: &'a Rows, name: &str) -> Result<Field<'a>, RowError> {
        let column = rows.flags(name)?;
        let take = move |row| column.get(row).map(|v| v.to_string()).unwrap_or_default();
        Ok((name.to_owned(), Box::new(take)))
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

/// The CSV text of each pipeline's rows, in the header's order.
///
/// # Errors
/// [`RowError::MissingColumn`] if a column was not read.
pub fn texts(header: &RunHeader, rows: &Rows) -> Result<Vec<String>, RowError> {
    let fields = fields(rows)?;
    let mut heading = String::new();
    csv_record(&mut heading, fields.iter().map(|(name, _)| name.clone()));
    let mut texts = vec![heading; header.pipelines.len()];
    let places: std::collections::HashMap<&str, usize> = (0..)
        .zip(&header.pipelines)
        .map(|(index, pipeline)| (pipeline.id.as_str(), index))
        .collect();
    let pipeline = rows.texts("pipeline")?;
    for row in 0..rows.len() {
        let place = pipeline.get(row).and_then(|id| places.get(id));
        if let Some(text) = place.and_then(|place| texts.get_mut(*place)) {
            csv_record(text, fields.iter().map(|(_, take)| take(row)));
        }
    }
    Ok(texts)
}

/// Writes every pipeline's rows into `folder`.
///
/// # Errors
/// The file and the operating system's reason.
pub(crate) fn write(
    folder: &Path,
    names: &[String],
    texts: &[String],
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
