//! Photographs of a folder, as the examples take them.

use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Names of the files in a folder, in order; its manifest is none of them.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("failed to read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".tsv") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The bytes of one of them.
pub(crate) fn read(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
}

/// A number that follows from what it is for.
pub(crate) fn number(purpose: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(purpose).into();
    digest
        .first_chunk()
        .map_or(0, |first| u64::from_be_bytes(*first))
}
