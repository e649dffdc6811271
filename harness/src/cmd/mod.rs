//! One file a command.

pub(crate) mod apply;
pub(crate) mod calibrate;
pub(crate) mod compare;
pub(crate) mod docs;
pub(crate) mod dry_run;
pub(crate) mod evidence;
pub(crate) mod gate;
pub(crate) mod head_to_head;
pub(crate) mod keys;
pub(crate) mod kits;
pub(crate) mod measure;
pub(crate) mod merge;
pub(crate) mod outside;
pub(crate) mod pipelines;
pub(crate) mod publish;
pub(crate) mod remote;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod serve;
pub(crate) mod shell;
pub(crate) mod sign;
pub(crate) mod sign_run;
pub(crate) mod store;
pub(crate) mod survival;
pub(crate) mod systems;
pub(crate) mod verify;
pub(crate) mod watermark;

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use credlink_corpus::MAX_FILE_BYTES;
use credlink_harness::exit;
use credlink_image_files::Format;
use credlink_reports::{RunDir, RunHeader, printable, unusable};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;
use tempfile::NamedTempFile;

/// Writes text to standard output.
///
/// # Errors
/// When nobody reads it.
pub(crate) fn say(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{}", printable(text))?)
}

/// The same where the answer is the exit code: a reader that closes the pipe early does not change it.
///
/// # Errors
/// When it cannot be written for another reason.
pub(crate) fn say_beside(text: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{}", printable(text)) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes text to standard error; if that is closed there is nobody to tell.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(text));
}

/// Refuses a name whose ending promises another format than the file will have.
///
/// # Errors
/// Says both.
pub(crate) fn check_name(path: &Path, format: Option<Format>) -> Result<()> {
    let ending = path
        .extension()
        .map(|end| end.to_string_lossy().to_lowercase());
    let promised = ending.as_deref().and_then(Format::of_extension);
    match (promised, format) {
        (Some(promised), Some(format)) if promised != format => Err(anyhow!(
            "{} would hold {format} and is named as {promised}; name it .{}",
            path.display(),
            format.extension()
        )),
        _ => Ok(()),
    }
}

/// What was typed, for the header of a run; a name that is no UTF-8 with marks in the places of what is not.
pub(crate) fn command_line() -> Vec<String> {
    let typed = std::env::args_os();
    typed
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect()
}

/// Reads a regular file of at most [`MAX_FILE_BYTES`]. A pipe or a device might never end.
///
/// # Errors
/// Names the file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let attempt = || -> Result<Vec<u8>> {
        // Asked before opening, since opening a pipe waits for its writer.
        let about = std::fs::metadata(path)?;
        anyhow::ensure!(about.is_file(), "it is no regular file");
        let too_long = || anyhow!("it has more than {} MiB", MAX_FILE_BYTES >> 20);
        if about.len() > MAX_FILE_BYTES {
            return Err(too_long());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len())?);
        let file = std::fs::File::open(path)?;
        // It may grow while it is read.
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(too_long());
        }
        Ok(bytes)
    };
    attempt().with_context(|| format!("failed to read {}", path.display()))
}

/// The same as text.
///
/// # Errors
/// Names the file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).with_context(|| format!("failed to read {}", path.display()))
}

/// Writes a new file; an existing one is never overwritten, and a failed attempt leaves none behind.
///
/// # Errors
/// Names the file.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    named(new_file(path, bytes)?, path)
}

/// A file that is written whole beside `path` and has no name yet; [`named`] gives it one.
///
/// # Errors
/// Names the file. A name that is taken is refused at once.
pub(crate) fn new_file(path: &Path, bytes: &[u8]) -> Result<NamedTempFile> {
    let attempt = || -> Result<NamedTempFile> {
        // A link counts, too, wherever it leads.
        anyhow::ensure!(path.symlink_metadata().is_err(), TAKEN);
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What the user's mask leaves of it, as with any new file.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    attempt().with_context(|| format!("failed to write {}", path.display()))
}

/// Gives a finished file its name, unless another has it.
///
/// # Errors
/// Names the file.
pub(crate) fn named(file: NamedTempFile, path: &Path) -> Result<()> {
    let kept = file.persist_noclobber(path);
    kept.map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => anyhow!(TAKEN),
        _ => error.error.into(),
    })
    .with_context(|| format!("failed to write {}", path.display()))?;
    Ok(())
}

const TAKEN: &str = "existing files are never overwritten";

/// The exit code of a run, and on standard error what speaks against it.
pub(crate) fn verdict(run: &RunHeader, run_dir: &RunDir) -> Result<u8> {
    if run.partial {
        complain("interrupted: the rows so far are written and marked as partial");
        return Ok(exit::INTERRUPTED);
    }
    for control in run.controls.iter().filter(|control| !control.passed) {
        complain(&format!(
            "CONTROL FAILED: {}: {}",
            control.name, control.detail
        ));
    }
    if run.controls.iter().any(|control| !control.passed) {
        return Ok(exit::CONTROL_FAILED);
    }
    // What the header says is not enough: the rows have the last word.
    Ok(match unusable(&credlink_reports::load(run_dir)?) {
        None => exit::OK,
        Some(why) => {
            complain(&format!("its figures must not be used: the run {why}"));
            exit::CONTROL_FAILED
        }
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

/// The recipes that the patterns name, each once, in the order of the patterns.
///
/// # Errors
/// When a pattern names none.
pub(crate) fn selected<'a>(
    catalogue: &Catalogue,
    patterns: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Arc<Recipe>>> {
    let mut chosen: Vec<Arc<Recipe>> = Vec::new();
    for pattern in patterns {
        let named = catalogue.select(pattern);
        if named.is_empty() {
            return Err(unknown(catalogue, pattern));
        }
        for recipe in named {
            if !chosen.iter().any(|earlier| earlier.id == recipe.id) {
                chosen.push(recipe);
            }
        }
    }
    Ok(chosen)
}

pub(crate) fn unknown(catalogue: &Catalogue, id: &str) -> anyhow::Error {
    // A family, or a file of several variants: a name, but not of one pipeline.
    let several = catalogue.select(id);
    if !several.is_empty() {
        const NAMED: usize = 6;
        let names: Vec<&str> = several
            .iter()
            .map(|recipe| &*recipe.id)
            .take(NAMED)
            .collect();
        let more = if several.len() > NAMED { ", ..." } else { "" };
        return anyhow!(
            "`{id}` stands for {} pipelines, and one is wanted here: {}{more}",
            several.len(),
            names.join(", ")
        );
    }
    let near = catalogue.suggestions(id);
    let hint = if near.is_empty() {
        "`credlink pipelines` lists them all".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    anyhow!("no pipeline or family is called `{id}`; {hint}")
}
