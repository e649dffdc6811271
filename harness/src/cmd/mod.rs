//! One file a command.

pub(crate) mod apply;
pub(crate) mod keys;
pub(crate) mod pipelines;
pub(crate) mod report;
pub(crate) mod sign;
pub(crate) mod survival;
pub(crate) mod verify;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;

/// Writes text to standard output.
///
/// # Errors
/// When nobody reads it.
pub(crate) fn say(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// Writes text to standard error; if that is closed there is nobody to tell.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Reads a file.
///
/// # Errors
/// Names the file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

/// Writes a new file; an existing one is never overwritten.
///
/// # Errors
/// Names the file.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes));
    written.with_context(|| {
        format!(
            "failed to write {} (existing files are never overwritten)",
            path.display()
        )
    })
}

/// The recipe of an id, or an error that suggests what may have been meant.
///
/// # Errors
/// When there is none.
pub(crate) fn recipe(catalogue: &Catalogue, id: &str) -> Result<Arc<Recipe>> {
    catalogue
        .get(id)
        .cloned()
        .ok_or_else(|| unknown(catalogue, id))
}

pub(crate) fn unknown(catalogue: &Catalogue, id: &str) -> anyhow::Error {
    let near = catalogue.suggestions(id);
    let hint = if near.is_empty() {
        "`credlink pipelines` lists them all".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    anyhow!("no pipeline or family is called `{id}`; {hint}")
}
