//! Files that people name, or that other files name: regular ones of bounded size, since a pipe or a device might never end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Far more than any gate, header or document has.
const MAX_BYTES: u64 = 64 << 20;

fn refused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_owned())
}

/// A regular file, of whatever size.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Asked before opening, since opening a pipe waits for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(refused("it is no regular file"));
    }
    File::open(path)
}

/// The text of a regular file of at most 64 MiB.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(refused("it has more than 64 MiB"));
    }
    Ok(text)
}

/// The bytes of a regular file of at most `most` bytes that a page will show. A link is refused: a run directory may come from
/// a stranger, and what the page shows is published.
pub(crate) fn shown(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let about = std::fs::symlink_metadata(path)?;
    if !about.is_file() {
        return Err(refused("it is no regular file"));
    }
    if about.len() > most {
        return Err(refused("it is too long"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
