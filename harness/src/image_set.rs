//! Opens the image set that a run was asked for.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use credlink_corpus::{DirectorySet, ImageSet, SyntheticSet};
use credlink_transforms::codecs::decode;

/// The synthetic set, or the directory of images if one is given.
///
/// # Errors
/// When the directory cannot be read or holds no usable image.
pub fn open(directory: Option<&Path>, seed: u64) -> Result<Box<dyn ImageSet>> {
    let Some(root) = directory else {
        return Ok(Box::new(SyntheticSet::new(seed)));
    };
    let decode = |bytes: &[u8]| {
        decode::decode(bytes)
            .map(|decoded| decoded.pixels)
            .map_err(|error| error.to_string())
    };
    let set = DirectorySet::scan(root, seed, Arc::new(decode));
    Ok(Box::new(set.with_context(|| {
        format!("failed to open the image set {}", root.display())
    })?))
}
