//! Opens the image set that a run was asked for.

use std::path::Path;

use anyhow::{Context, Result};
use credlink_corpus::{DirectorySet, ImageSet, SyntheticSet};
use credlink_sign_core::SIGNABLE;

/// The synthetic set, or the directory of images if one is given.
///
/// # Errors
/// When the directory cannot be read or holds no usable image.
pub fn open(directory: Option<&Path>, seed: u64) -> Result<Box<dyn ImageSet>> {
    let Some(root) = directory else {
        return Ok(Box::new(SyntheticSet::new(seed)));
    };
    let set = DirectorySet::scan_for(root, seed, |format| SIGNABLE.contains(&format));
    Ok(Box::new(set.with_context(|| {
        format!("failed to open the image set {}", root.display())
    })?))
}
