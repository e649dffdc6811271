//! What single arguments may be, and the options that commands share.

use clap::Args;
use credlink_reports::documents::DOCUMENTS;
use credlink_reports::formats::FORMATS;

/// How images are marked.
#[derive(Debug, Args)]
pub(crate) struct MarkArgs {
    /// Leave the pixels as they are: no watermark.
    #[arg(long, conflicts_with = "watermark_psnr")]
    pub(crate) no_watermark: bool,
    /// The lowest PSNR of a watermark, dB: more is less visible and less robust [default: 42.3].
    #[arg(long, value_name = "DB", value_parser = decibels)]
    pub(crate) watermark_psnr: Option<f64>,
}

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
