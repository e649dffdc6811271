//! What single arguments may be.

use credlink_reports::documents::DOCUMENTS;
use credlink_reports::formats::FORMATS;

/// Below 30 dB a mark would be plain to see, above 60 dB rounding leaves nothing of it.
pub(super) fn decibels(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (30.0..=60.0).contains(&value) {
        Ok(value)
    } else {
        Err("give 30 to 60 dB".to_owned())
    }
}

/// The names that `--format` takes: documents of a whole run, and formats of a table.
pub(super) fn format_names() -> Vec<&'static str> {
    let documents = DOCUMENTS.iter().map(|document| document.name);
    let tables = FORMATS.iter().map(|format| format.name);
    let mut names: Vec<&str> = documents.collect();
    names.extend(tables.filter(|name| DOCUMENTS.iter().all(|document| document.name != *name)));
    names
}
