//! One file a command.

pub(crate) mod apply;
pub(crate) mod compare;
pub(crate) mod docs;
pub(crate) mod dry_run;
pub(crate) mod evidence;
pub(crate) mod gate;
pub(crate) mod keys;
pub(crate) mod measure;
pub(crate) mod pipelines;
pub(crate) mod publish;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod shell;
pub(crate) mod sign;
pub(crate) mod survival;
pub(crate) mod verify;
pub(crate) mod watermark;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use credlink_harness::exit;
use credlink_reports::RunHeader;
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

/// Writes a new file; an existing one is never overwritten, and a failed attempt leaves none behind.
///
/// # Errors
/// Names the file.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = file.with_context(|| match path.exists() {
        true => format!(
            "failed to write {}: existing files are never overwritten",
            path.display()
        ),
        false => format!("failed to write {}", path.display()),
    })?;
    if let Err(error) = file.write_all(bytes) {
        drop(file);
        // What is left is a part of a file under a name that promises a whole one.
        let _ = std::fs::remove_file(path);
        return Err(error).with_context(|| format!("failed to write {}", path.display()));
    }
    Ok(())
}

/// The exit code of a run, and on standard error what speaks against it.
pub(crate) fn verdict(run: &RunHeader) -> u8 {
    if run.partial {
        complain("interrupted: the rows so far are written and marked as partial");
        return exit::INTERRUPTED;
    }
    for control in run.controls.iter().filter(|control| !control.passed) {
        complain(&format!(
            "CONTROL FAILED: {}: {}",
            control.name, control.detail
        ));
    }
    if run.controls.iter().all(|control| control.passed) {
        exit::OK
    } else {
        exit::CONTROL_FAILED
    }
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
