//! Fills the proof store with other proofs, so that false accepts are known as a function of its size.
//!
//! The fingerprints are those of real pictures: windows of synthetic images of a seed that no run uses. Making them takes
//! about two seconds of CPU time for a thousand, so they are kept in a cache file, and a longer file serves a shorter
//! wish.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_sign_core::ProofId;
use credlink_sign_core::fingerprint::{ContentHash, Fingerprint, Tone, View};
use credlink_sign_core::store::Distractor;
use image::metadata::Orientation;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::received;
use crate::stages::event::{Event, Listener};

/// The seed of the images, far from what people type.
const SEED: u64 = 0xd157_7ac7_0225_5eed;
/// Distractors made of one image.
const WINDOWS: usize = 32;
/// Where the command keeps its cache, below the working directory.
pub const CACHE: &str = "reports/cache";
/// Bytes of one entry: four words of fingerprint, tone, quality.
const ENTRY: usize = 32 + 16 + 1;
/// First bytes of a cache file. The number grows when images, windows or hashes change.
const MAGIC: &[u8; 8] = b"CLDIST02";
/// Images between two writes of the cache.
const BATCH: usize = 256;

/// The cache file in a directory.
#[must_use]
pub fn cache_file(directory: &Path) -> PathBuf {
    directory.join("distractors.bin")
}

/// The first `count` distractors, from the cache file as far as it goes; what is missing is made and added to it.
/// They do not depend on the run.
///
/// # Errors
/// When the file cannot be read or written, or is none of ours; when an image cannot be made.
pub fn first(count: usize, cache: &Path, listener: Listener<'_>) -> Result<Vec<Distractor>> {
    let mut entries = read(cache)?;
    let images = count.div_ceil(WINDOWS);
    let mut next = entries.len() / (WINDOWS * ENTRY);
    if next < images {
        listener(Event::Stage {
            name: "distractors",
            total: (images - next) as u64,
            of: String::new(),
        });
        entries.truncate(next * WINDOWS * ENTRY);
    }
    let set = SyntheticSet::new(SEED);
    while next < images {
        let batch = next..images.min(next + BATCH);
        let made: Vec<Vec<u8>> = batch
            .clone()
            .into_par_iter()
            .map(|index| {
                let made = windows(&set, index);
                listener(Event::Advanced(1));
                made
            })
            .collect::<Result<_>>()?;
        entries.extend(made.into_iter().flatten());
        next = batch.end;
        write(cache, &entries)?;
    }
    let distractor = |(number, entry): (usize, &[u8; ENTRY])| {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|k| entry[8 * at + k]));
        Distractor {
            id: id(number),
            view: View {
                fingerprint: Fingerprint(std::array::from_fn(word)),
                tone: Tone(std::array::from_fn(|k| entry[32 + k])),
            },
            quality: entry[48],
            image_code: None,
        }
    };
    let (chunks, _) = entries.as_chunks::<ENTRY>();
    Ok(chunks
        .iter()
        .take(count)
        .enumerate()
        .map(distractor)
        .collect())
}

/// Ids that no run issues, as far as a hash can promise.
fn id(number: usize) -> ProofId {
    let hash = Sha256::new()
        .chain_update(b"credlink distractor")
        .chain_update((number as u64).to_le_bytes())
        .finalize();
    ProofId::new(u64::from_le_bytes(std::array::from_fn(|at| hash[at])))
}

/// The entries of one image: the whole of it, then windows of 30 to 70 % of each side, by a hash of their number.
fn windows(set: &SyntheticSet, index: usize) -> Result<Vec<u8>> {
    let source = set.load(index)?;
    let pixels = received::decode_bytes(&source.bytes).map_err(anyhow::Error::msg)?;
    let (width, height) = (pixels.image.width(), pixels.image.height());
    let mut out = Vec::with_capacity(WINDOWS * ENTRY);
    for window in 0..WINDOWS {
        let hash = Sha256::new()
            .chain_update((index as u64).to_le_bytes())
            .chain_update((window as u64).to_le_bytes())
            .finalize();
        let share = |at: usize| f64::from(u16::from_le_bytes([hash[at], hash[at + 1]])) / 65_536.0;
        let part = |side: u32, at: usize| {
            let length = ((0.3 + 0.4 * share(at)) * f64::from(side)).max(1.0);
            let start = share(at + 2) * (f64::from(side) - length);
            (start as u32, length as u32)
        };
        let content = if window == 0 {
            ContentHash::of(&pixels.image, Orientation::NoTransforms)
        } else {
            let ((x, w), (y, h)) = (part(width, 0), part(height, 4));
            let view = pixels.image.crop_imm(x, y, w, h);
            ContentHash::of(&view, Orientation::NoTransforms)
        };
        let [view, ..] = content.views();
        for word in view.fingerprint.0 {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&view.tone.0);
        out.push(content.quality());
    }
    Ok(out)
}

/// The entries of a cache file; none if there is no file.
fn read(cache: &Path) -> Result<Vec<u8>> {
    let bytes = match std::fs::read(cache) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("failed to read {}", cache.display()));
        }
    };
    // Magic, digest of the entries, entries: a file that was damaged is not evidence.
    let usable = bytes.len() >= 40
        && bytes.starts_with(MAGIC)
        && Sha256::digest(&bytes[40..])[..] == bytes[8..40]
        && (bytes.len() - 40).is_multiple_of(ENTRY);
    ensure!(
        usable,
        "{} is not a cache of distractors of this version; delete it and it is made anew",
        cache.display()
    );
    Ok(bytes[40..].to_vec())
}

fn write(cache: &Path, entries: &[u8]) -> Result<()> {
    let bytes = [&MAGIC[..], &Sha256::digest(entries)[..], entries].concat();
    let unfinished = cache.with_extension("new");
    let folder = cache.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&unfinished, bytes))
        .and_then(|()| std::fs::rename(&unfinished, cache))
        .with_context(|| format!("failed to write {}", cache.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_cache_serves_a_shorter_wish_and_damage_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache_file(folder.path());
        let none = |_: Event| {};
        let made = first(40, &cache, &none).unwrap();
        assert_eq!(made.len(), 40);
        let again = first(33, &cache, &none).unwrap();
        assert_eq!(again, made[..33]);
        let mut bytes = std::fs::read(&cache).unwrap();
        assert_eq!(bytes.len(), 40 + 64 * ENTRY, "two images");
        bytes[50] ^= 1;
        std::fs::write(&cache, bytes).unwrap();
        let refused = first(1, &cache, &none).unwrap_err().to_string();
        assert!(refused.contains("delete it"), "{refused}");
    }
}
