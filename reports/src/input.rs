//! Small text files that people name: regular files of bounded size, since a pipe or a device might never end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Far more than any gate, header or document has.
const MAX_BYTES: u64 = 64 << 20;

/// The text of a regular file of at most 64 MiB.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    let refused = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    // Asked before opening, since opening a pipe waits for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(refused("it is no regular file"));
    }
    let mut text = String::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(refused("it has more than 64 MiB"));
    }
    Ok(text)
}
