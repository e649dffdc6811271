//! The history file: one JSON line a night.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Night, SiteError};
use crate::atomic;
use crate::file_error::refused;

/// The history's file name.
const FILE: &str = "history.jsonl";

/// Held while a site is written; given back when dropped, also by a process that dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until nobody else publishes to the site.
    ///
    /// # Errors
    /// [`SiteError::Io`] if the lock file cannot be made.
    pub fn wait(site: &Path) -> Result<Self, SiteError> {
        let path = site.join(".lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(refused("open", &path))?;
        file.lock().map_err(refused("lock", &path))?;
        Ok(Self { _file: file })
    }
}

/// The nights of a site.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    text: String,
    nights: Vec<Night>,
    /// Where the bytes of a torn last line are, if there was one.
    pub set_aside: Option<PathBuf>,
}

impl History {
    /// Reads the history of a site; a site without one has an empty one. Bytes behind the last line break are of an
    /// append that never ended: they are moved to a file beside it.
    ///
    /// # Errors
    /// [`SiteError::Damaged`] with the number of a line that cannot be read, [`SiteError::Id`] for a night of no plain name.
    pub fn open(site: &Path) -> Result<Self, SiteError> {
        let path = site.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(refused("read", &path)(error).into()),
        };
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let (whole, torn) = bytes.split_at(whole);
        let text = String::from_utf8_lossy(whole).into_owned();
        let mut nights = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let night: Night = serde_json::from_str(line).map_err(|source| SiteError::Damaged {
                path: path.clone(),
                line: index + 1,
                source,
            })?;
            check_id(&night.id)?;
            nights.push(night);
        }
        let set_aside = if torn.is_empty() {
            None
        } else {
            let aside = free(site)?;
            atomic::write(&aside, torn).map_err(refused("write", &aside))?;
            atomic::write(&path, text.as_bytes()).map_err(refused("write", &path))?;
            Some(aside)
        };
        Ok(Self {
            path,
            text,
            nights,
            set_aside,
        })
    }

    /// The nights, in the order in which they were published.
    pub fn nights(&self) -> &[Night] {
        &self.nights
    }

    /// Whether the night is new; false if it is there already.
    ///
    /// # Errors
    /// [`SiteError::Other`] if the history has another run of the same name.
    pub fn check(&self, night: &Night) -> Result<bool, SiteError> {
        match self.nights.iter().find(|known| known.id == night.id) {
            None => Ok(true),
            Some(known) if night.is_same(known) => Ok(false),
            Some(_) => Err(SiteError::Other {
                path: self.path.clone(),
                id: night.id.clone(),
            }),
        }
    }

    /// Adds a line. The file holds either the old lines or all of the new ones, whatever happens meanwhile.
    ///
    /// # Errors
    /// [`SiteError::Io`] if the disk is full.
    pub fn append(&mut self, night: &Night) -> Result<(), SiteError> {
        let line = serde_json::to_string(night).map_err(crate::templates::DocumentError::from)?;
        let text = format!("{}{line}\n", self.text);
        atomic::write(&self.path, text.as_bytes()).map_err(refused("write", &self.path))?;
        self.text = text;
        self.nights.push(night.clone());
        Ok(())
    }
}

/// Refuses a night whose name could not name its folder, which is made and removed by it.
pub(super) fn check_id(id: &str) -> Result<(), SiteError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.len() > 128 || id.starts_with('.') || !id.chars().all(plain) {
        return Err(SiteError::Id { id: id.to_owned() });
    }
    Ok(())
}

/// A name that is not taken, for what was torn off.
fn free(site: &Path) -> Result<PathBuf, SiteError> {
    for number in 1..10_000 {
        let path = site.join(format!("{FILE}.torn-{number}"));
        if !path.exists() {
            return Ok(path);
        }
    }
    let taken = std::io::Error::from(ErrorKind::AlreadyExists);
    Err(refused("find a free name in", site)(taken).into())
}
