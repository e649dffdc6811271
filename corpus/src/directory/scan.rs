//! Walks a folder and decides for each file whether it is evidence.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{Decoder, MAX_FILE_BYTES, read};
use crate::{CorpusError, Format, Rejected};

/// An image file that can be used.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Relative path with `/`, as reports show it.
    pub(super) path: String,
    /// The same, as the operating system spells it.
    pub(super) native: PathBuf,
    pub(super) class: String,
    pub(super) format: Format,
    /// Stored size in pixels.
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) orientation: Orientation,
    /// Whether views of it are PNG: it is lossless or transparent itself.
    pub(super) as_png: bool,
    pub(super) sha256: [u8; 32],
}

/// The result of a walk, sorted by path.
pub(super) struct Scanned {
    pub(super) files: Vec<Found>,
    pub(super) rejected: Vec<Rejected>,
    pub(super) ignored: usize,
}

/// What became of one file.
enum Verdict {
    Usable(Box<Found>),
    Rejected {
        reason: String,
        sha256: Option<[u8; 32]>,
    },
    Ignored,
}

pub(super) fn scan(root: &Path, decode: &Decoder) -> Result<Scanned, CorpusError> {
    let mut found = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut rejected = Vec::new();
    walk(root, Path::new(""), &mut seen, &mut found, &mut rejected).map_err(|source| {
        CorpusError::Root {
            path: root.to_owned(),
            source,
        }
    })?;
    let paths: Vec<(String, PathBuf)> = found.into_iter().collect();
    let verdicts: Vec<Verdict> = paths
        .par_iter()
        .map(|(path, native)| examine(root, path, native, decode))
        .collect();

    let mut files: Vec<Found> = Vec::new();
    let mut ignored = 0;
    let mut first_with = BTreeMap::new();
    for ((path, _), verdict) in paths.iter().zip(verdicts) {
        let sha256 = match &verdict {
            Verdict::Usable(file) => Some(file.sha256),
            Verdict::Rejected { sha256, .. } => *sha256,
            Verdict::Ignored => None,
        };
        let earlier = sha256.and_then(|hash| match first_with.entry(hash) {
            std::collections::btree_map::Entry::Occupied(first) => Some(*first.get()),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(path);
                None
            }
        });
        let reject = |reason| Rejected {
            path: path.clone(),
            reason,
        };
        match (verdict, earlier) {
            (Verdict::Ignored, _) => ignored += 1,
            (_, Some(first)) => rejected.push(reject(format!("same bytes as {first}"))),
            (Verdict::Usable(file), None) => files.push(*file),
            (Verdict::Rejected { reason, .. }, None) => rejected.push(reject(reason)),
        }
    }
    rejected.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Scanned {
        files,
        rejected,
        ignored,
    })
}

/// Lists the files below a folder. Folders are known by their canonical path and entered once, so a link
/// back up the tree ends there. Only the root's own failure is an error.
fn walk(
    root: &Path,
    below: &Path,
    seen: &mut HashSet<PathBuf>,
    found: &mut BTreeMap<String, PathBuf>,
    rejected: &mut Vec<Rejected>,
) -> io::Result<()> {
    let folder = root.join(below);
    if !seen.insert(fs::canonicalize(&folder)?) {
        return Ok(());
    }
    let mut names: Vec<_> = fs::read_dir(&folder)?
        .map(|entry| entry.map(|e| e.file_name()))
        .collect::<Result<_, _>>()?;
    // Which of two links to a folder is entered must not depend on the file system's order.
    names.sort();
    for name in names {
        let native = below.join(&name);
        let path = shown(&native);
        match fs::metadata(root.join(&native)) {
            Ok(data) if data.is_dir() => {
                if let Err(error) = walk(root, &native, seen, found, rejected) {
                    rejected.push(Rejected {
                        path,
                        reason: format!("cannot list folder: {error}"),
                    });
                }
            }
            // Two names that differ only where they are not Unicode are shown alike; the first stays.
            Ok(_) => {
                found.entry(path).or_insert(native);
            }
            Err(error) => rejected.push(Rejected {
                path,
                reason: format!("cannot read: {error}"),
            }),
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.components()
        .map(|c| c.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn examine(root: &Path, path: &str, native: &Path, decode: &Decoder) -> Verdict {
    match try_examine(root, path, native, decode) {
        Ok(verdict) => verdict,
        Err(error) => Verdict::Rejected {
            reason: format!("cannot read: {error}"),
            sha256: None,
        },
    }
}

fn try_examine(root: &Path, path: &str, native: &Path, decode: &Decoder) -> io::Result<Verdict> {
    let full = root.join(native);
    let data = fs::metadata(&full)?;
    // A pipe or device could keep the reader waiting for ever.
    if !data.is_file() {
        return Ok(Verdict::Ignored);
    }
    let mut file = fs::File::open(&full)?;
    let mut head = Vec::with_capacity(256);
    file.by_ref().take(256).read_to_end(&mut head)?;
    let Some(format) = Format::sniff(&head) else {
        return Ok(Verdict::Ignored);
    };
    if data.len() > MAX_FILE_BYTES {
        let reason = format!(
            "{} bytes are more than {} MiB",
            data.len(),
            MAX_FILE_BYTES >> 20
        );
        return Ok(Verdict::Rejected {
            reason,
            sha256: None,
        });
    }
    let mut bytes = head;
    // The file may have grown since its size was asked for.
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    let pixels = match read::decoded(decode, &bytes) {
        Ok(pixels) => pixels,
        Err(reason) => {
            return Ok(Verdict::Rejected {
                reason: format!("does not decode: {reason}"),
                sha256: Some(sha256),
            });
        }
    };
    let class = path.split_once('/').map_or("file", |(first, _)| first);
    let lossless = matches!(format, Format::Png | Format::Gif | Format::Bmp);
    Ok(Verdict::Usable(Box::new(Found {
        path: path.to_owned(),
        native: native.to_owned(),
        class: class.to_owned(),
        format,
        width: pixels.width(),
        height: pixels.height(),
        orientation: read::orientation(format, &bytes),
        as_png: lossless || pixels.color().has_alpha(),
        sha256,
    })))
}
