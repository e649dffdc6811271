//! Files that are complete under their final name: written beside it, flushed to disk, then renamed.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// `rows.parquet` becomes `rows.parquet.tmp`, in the same folder so that the rename stays on one file system.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Writes `bytes` so that `path` holds either its old content or all of the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let tmp = unfinished(path);
    let written = File::create(&tmp).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let moved = written.and_then(|()| std::fs::rename(&tmp, path));
    if moved.is_err() {
        // What is left is a torn copy of nothing new; the error that matters is the first one.
        let _ = std::fs::remove_file(&tmp);
    }
    moved
}
