//! Opens the image set that a run was asked for.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use credlink_corpus::{DirectorySet, Format, ImageSet, SyntheticSet};
use credlink_transforms::codecs::decode;

/// Whether a manifest can be put into files of this format.
fn can_be_signed(format: Format) -> bool {
    match format {
        Format::Jpeg | Format::Png | Format::WebP | Format::Avif | Format::Gif | Format::Tiff => {
            true
        }
        Format::Bmp => false,
    }
}

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
    let set = DirectorySet::scan_for(root, seed, Arc::new(decode), can_be_signed);
    Ok(Box::new(set.with_context(|| {
        format!("failed to open the image set {}", root.display())
    })?))
}
