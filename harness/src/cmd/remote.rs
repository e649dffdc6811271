//! Places that may be on object storage: worked on in a folder here, and published when the work is done.

use std::path::{Path, PathBuf};

use anyhow::Result;
#[cfg(feature = "object-storage")]
use credlink_harness::object_storage::{Published, Remote};

/// Where work on object storage is done before it is published.
const FOLDER: &str = "reports/remote";
#[cfg(not(feature = "object-storage"))]
const ABSENT: &str =
    "this program was built without object storage, which the feature `object-storage` adds";

/// The address, where a path is one.
pub(crate) fn url(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    let schemes = ["s3://", "gs://", "az://"];
    schemes
        .iter()
        .any(|scheme| text.starts_with(scheme))
        .then_some(text)
}

/// The folder here for a place there.
pub(crate) fn folder(url: &str) -> PathBuf {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' || c == '.' {
            c
        } else {
            '_'
        }
    };
    PathBuf::from(FOLDER).join(
        url.trim_end_matches('/')
            .chars()
            .map(plain)
            .collect::<String>(),
    )
}

/// Whether something was published there.
#[cfg(feature = "object-storage")]
pub(crate) fn is_published(url: &str) -> Result<bool> {
    Remote::new(url)?.is_published()
}

#[cfg(not(feature = "object-storage"))]
pub(crate) fn is_published(url: &str) -> Result<bool> {
    anyhow::bail!("{url}: {ABSENT}")
}

/// Publishes a folder there.
#[cfg(feature = "object-storage")]
pub(crate) fn publish(folder: &Path, url: &str, quiet: bool) -> Result<()> {
    let published = Remote::new(url)?.publish(folder)?;
    if !quiet {
        super::say(&match published {
            Published::Now => format!("published: {url}"),
            Published::Before => {
                format!("{url} was published before, by another task with the same work")
            }
        })?;
    }
    Ok(())
}

#[cfg(not(feature = "object-storage"))]
pub(crate) fn publish(_: &Path, url: &str, _: bool) -> Result<()> {
    anyhow::bail!("{url}: {ABSENT}")
}

/// A directory here with what is in `path`: itself, or what was published there.
#[cfg(feature = "object-storage")]
pub(crate) fn fetched(path: &Path) -> Result<PathBuf> {
    let Some(url) = url(path) else {
        return Ok(path.to_owned());
    };
    let folder = folder(url);
    // What was published never changes.
    if !folder.join(WHOLE).exists() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        Remote::new(url)?.fetch(&folder)?;
        std::fs::write(folder.join(WHOLE), "")?;
    }
    Ok(folder)
}

/// Marks a folder to which everything came.
#[cfg(feature = "object-storage")]
const WHOLE: &str = ".fetched";

#[cfg(not(feature = "object-storage"))]
pub(crate) fn fetched(path: &Path) -> Result<PathBuf> {
    match url(path) {
        None => Ok(path.to_owned()),
        Some(url) => anyhow::bail!("{url}: {ABSENT}"),
    }
}
