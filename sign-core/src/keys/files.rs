//! Key files on disk.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use zeroize::Zeroizing;

use super::KeyError;

/// No key or certificate file is longer; a wrong path to a photo should not be read whole.
const MAX_BYTES: u64 = 1 << 20;

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::File {
        action,
        path,
        source,
    }
}

/// The text of a file that holds no secret.
pub(crate) fn read(path: &Path) -> Result<String, KeyError> {
    let about = fs::metadata(path).map_err(failed("read", path))?;
    // A pipe would make the reader wait, a device has no end.
    if !about.is_file() {
        return Err(failed("read", path)(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "it is no regular file",
        )));
    }
    if about.len() > MAX_BYTES {
        return Err(failed("read", path)(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "file is too long for a key or certificate",
        )));
    }
    fs::read_to_string(path).map_err(failed("read", path))
}

/// The text of a private key file, in a buffer that is wiped. Refuses a file that others may read.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path)
            .map_err(failed("read", path))?
            .permissions()
            .mode()
            & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Permissions {
                path: path.to_owned(),
                mode,
            });
        }
    }
    read(path).map(Zeroizing::new)
}

/// Creates files (name, content, secret) in `dir`; none may exist.
pub(super) fn write_new(dir: &Path, contents: &[(&str, &[u8], bool)]) -> Result<(), KeyError> {
    if let Some((name, ..)) = contents.iter().find(|(name, ..)| dir.join(name).exists()) {
        return Err(KeyError::Exists(dir.join(name)));
    }
    fs::create_dir_all(dir).map_err(failed("create", dir))?;
    for (name, content, secret) in contents {
        let path = dir.join(name);
        // `create_new` is what refuses to overwrite even if another process was faster than the check.
        let mut file = created(&path, *secret).map_err(|source| match source.kind() {
            std::io::ErrorKind::AlreadyExists => KeyError::Exists(path.clone()),
            _ => failed("create", &path)(source),
        })?;
        file.write_all(content)
            .and_then(|()| file.sync_all())
            .map_err(failed("write", &path))?;
    }
    Ok(())
}

fn created(path: &Path, secret: bool) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if secret { 0o600 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = secret;
    options.open(path)
}
