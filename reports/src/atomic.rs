//! Files that are complete under their final name: written beside it under a name that nobody can guess, flushed to disk,
//! then renamed. A link that lies under the final name is replaced and never followed.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// A new file in the folder of `path`, so that renaming it stays on one file system; gone when dropped.
pub(crate) fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What the user's mask leaves of it, as with any new file; a temporary file would be private.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Writes `bytes` so that `path` holds either its old content or all of the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn no_link_is_followed_and_modes_are_the_users() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        std::fs::write(&outside, "precious").unwrap();
        let inside = folder.path().join("run");
        std::fs::create_dir(&inside).unwrap();
        let report = inside.join("report.html");
        symlink(&outside, &report).unwrap();
        symlink(&outside, inside.join("report.html.tmp")).unwrap();
        write(&report, b"new").unwrap();
        assert_eq!(std::fs::read(&report).unwrap(), b"new");
        assert_eq!(std::fs::read(&outside).unwrap(), b"precious");
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&report), mode(&plain));
        let left = std::fs::read_dir(&inside).unwrap().count();
        assert_eq!(left, 2, "the report and the link that was there");
    }
}
