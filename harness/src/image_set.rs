//! Opens the image set that a run was asked for.

use std::path::Path;

use anyhow::{Context, Result};
use credlink_corpus::{
    CorpusError, DirectorySet, Entry, ImageSet, SetHeader, SourceImage, SyntheticSet,
};
use credlink_sign_core::SIGNABLE;
use credlink_transforms::recipe::steps::resize::{Filter, resized};
use sha2::{Digest, Sha256};

use crate::received;
use crate::reencode::{redrawn, written_as};

/// A set whose images are drawn smaller before anything is done with them: for systems that take seconds a megapixel.
pub struct SmallSet {
    set: Box<dyn ImageSet>,
    side: u32,
    header: SetHeader,
}

impl SmallSet {
    /// No side of an image is longer than `side` pixels, at least 1; images that fit already stay as they are.
    #[must_use]
    pub fn new(set: Box<dyn ImageSet>, side: u32) -> Self {
        let of = set.header();
        let digest = Sha256::new()
            .chain_update(&of.digest)
            .chain_update(side.to_le_bytes())
            .finalize();
        let header = SetHeader {
            name: format!("{}, at most {side} px", of.name),
            digest: format!("{digest:x}"),
            ..of.clone()
        };
        Self { set, side, header }
    }

    /// The size of an image that is drawn smaller; `None` for one that fits.
    fn smaller(&self, entry: &Entry) -> Option<(u32, u32)> {
        let longest = entry.width.max(entry.height);
        let scaled = |length: u32| {
            let exact = f64::from(length) * f64::from(self.side) / f64::from(longest);
            (exact.round() as u32).max(1)
        };
        (longest > self.side).then(|| (scaled(entry.width), scaled(entry.height)))
    }
}

impl ImageSet for SmallSet {
    fn header(&self) -> &SetHeader {
        &self.header
    }

    fn entry(&self, index: usize) -> Entry {
        let entry = self.set.entry(index);
        match self.smaller(&entry) {
            None => entry,
            Some((width, height)) => Entry {
                width,
                height,
                format: written_as(Some(entry.format)),
                ..entry
            },
        }
    }

    fn load(&self, index: usize) -> Result<SourceImage, CorpusError> {
        let loaded = self.set.load(index)?;
        let Some((width, height)) = self.smaller(&loaded.entry) else {
            return Ok(loaded);
        };
        let drawn = received::decode_bytes(&loaded.bytes)
            .and_then(|pixels| resized(&pixels.image, width, height, Filter::Lanczos3))
            .and_then(|pixels| redrawn(&loaded.bytes, &pixels));
        match drawn {
            Ok(bytes) => Ok(SourceImage {
                entry: self.entry(index),
                bytes,
            }),
            Err(reason) => Err(CorpusError::Decode {
                path: loaded.entry.name,
                reason,
            }),
        }
    }

    fn distinct_sources(&self) -> Option<usize> {
        self.set.distinct_sources()
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
    let set = DirectorySet::scan_for(root, seed, |format| SIGNABLE.contains(&format));
    Ok(Box::new(set.with_context(|| {
        format!("failed to open the image set {}", root.display())
    })?))
}
