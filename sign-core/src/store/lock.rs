//! One writer at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::failed;

/// Whoever writes the store holds a lock of the operating system on this file, which ends with the process; the file stays.
const LOCK_FILE: &str = "lock";

/// How to take a lock that another process holds.
pub(super) enum Patience<'a> {
    /// Not at all.
    None,
    /// Say so, and wait.
    Wait(&'a dyn Fn()),
}

/// The store's lock, held until this is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    /// For messages.
    pub(super) path: PathBuf,
    _held: File,
}

impl Lock {
    pub(super) fn take(dir: &Path, patience: &Patience<'_>) -> Result<Self, StoreError> {
        let path = dir.join(LOCK_FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.map_err(failed("create", &path))?;
        match (file.try_lock(), patience) {
            (Ok(()), _) => {}
            (Err(TryLockError::WouldBlock), Patience::None) => return Err(StoreError::Busy(path)),
            (Err(TryLockError::WouldBlock), Patience::Wait(say)) => {
                say();
                file.lock().map_err(failed("lock", &path))?;
            }
            (Err(TryLockError::Error(error)), _) => return Err(failed("lock", &path)(error)),
        }
        Ok(Self { path, _held: file })
    }
}
