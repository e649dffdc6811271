//! Files that are whole under their name, and numbered.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// How the name of a file begins that is not finished.
const UNFINISHED: &str = ".unfinished-";

/// A place beside `path` to write to; [`publish`] gives it its name.
pub(super) fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{UNFINISHED}{name}"))
}

/// The bytes of a regular file; a pipe might never end.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let attempt = || match std::fs::metadata(path)?.is_file() {
        true => std::fs::read(path),
        false => Err(std::io::Error::other("it is no regular file")),
    };
    attempt().with_context(|| format!("failed to read {}", path.display()))
}

/// Writes a file so that it is whole under its name, or not there.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let attempt = || -> Result<()> {
        let beside = beside(path);
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        publish(&beside, path)
    };
    attempt().with_context(|| format!("failed to write {}", path.display()))
}

/// Gives a synced file its name, durably.
pub(super) fn publish(beside: &Path, path: &Path) -> Result<()> {
    std::fs::rename(beside, path)?;
    synced_folder(path)
}

/// A rename is durable once the folder is.
pub(super) fn synced_folder(path: &Path) -> Result<()> {
    if let (true, Some(folder)) = (cfg!(unix), path.parent()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Whether the name is of a file that is not finished.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.starts_with(UNFINISHED) || name.ends_with(".tmp")
}

/// Removes what a process that was killed left half written.
pub(super) fn remove_unfinished(folder: &Path) -> Result<()> {
    for name in names(folder)? {
        let path = folder.join(&name);
        if is_unfinished(&name) && path.is_file() {
            std::fs::remove_file(&path)
                .with_context(|| format!("failed to remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// The units of a kind with this ending, in the order of their numbers.
pub(super) fn all(folder: &Path, kind: &str, ending: &str) -> Result<Vec<PathBuf>> {
    let mut names = names(folder)?;
    names.retain(|name| number(name, kind, ending).is_some());
    names.sort();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// The name of the next unit of a kind, after all that were begun.
pub(super) fn next(folder: &Path, kind: &str, ending: &str) -> Result<PathBuf> {
    let names = names(folder)?;
    let taken = names.iter().filter_map(|name| {
        let plain = name.strip_prefix(UNFINISHED).unwrap_or(name);
        number(plain, kind, ending)
    });
    let next = taken.max().map_or(0, |last| last.saturating_add(1));
    Ok(folder.join(format!("{kind}-{next:06}.{ending}")))
}

fn number(name: &str, kind: &str, ending: &str) -> Option<u64> {
    let number = name.strip_prefix(kind)?.strip_prefix('-')?;
    let number = number.strip_suffix(ending)?.strip_suffix('.')?;
    let is_number = number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let listed = || format!("failed to list {}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(listed)? {
        names.extend(entry.with_context(listed)?.file_name().into_string().ok());
    }
    Ok(names)
}
