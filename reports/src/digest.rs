//! The digest of a file.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::file_error::{FileError, refused};

/// SHA-256 of bytes, in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// SHA-256 of a file, in hex.
pub(crate) fn sha256(path: &Path) -> Result<String, FileError> {
    let io = refused("read", path);
    let mut file = crate::input::open(path).map_err(io)?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher).map_err(io)?;
    Ok(format!("{:x}", hasher.finalize()))
}
