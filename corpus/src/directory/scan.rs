//! Walks a folder and decides for each file whether it is evidence.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use credlink_image_files::Format;
use credlink_image_files::decode::Decoded;
use image::metadata::Orientation;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::look::{self, Look};
use super::{MAX_FILE_BYTES, Usable, read};
use crate::{CorpusError, Rejected, Why};

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
    /// What it looks like.
    pub(super) look: Look,
    /// The file that stands for its source: itself, or the first in order that shows the same picture.
    pub(super) source: String,
}

/// The result of a walk, sorted by path.
pub(super) struct Scanned {
    pub(super) files: Vec<Found>,
    pub(super) rejected: Vec<Rejected>,
    pub(super) ignored: usize,
}

/// What became of one file.
enum Sorted {
    Usable(Box<Found>),
    Rejected { why: Why, sha256: Option<[u8; 32]> },
    Ignored,
}

/// `usable` says which formats the files may have.
pub(super) fn scan(root: &Path, usable: Usable) -> Result<Scanned, CorpusError> {
    let unlisted = |source| CorpusError::Root {
        path: root.to_owned(),
        source,
    };
    let mut walk = Walk {
        root,
        canonical: fs::canonicalize(root).map_err(unlisted)?,
        seen: HashSet::new(),
        found: BTreeMap::new(),
        rejected: Vec::new(),
    };
    walk.enter(Path::new("")).map_err(unlisted)?;
    let mut rejected = walk.rejected;
    let paths: Vec<(String, PathBuf)> = walk.found.into_iter().collect();
    let verdicts: Vec<Sorted> = paths
        .par_iter()
        .map(|(path, native)| examine(root, path, native, usable))
        .collect();

    let mut files: Vec<Found> = Vec::new();
    let mut ignored = 0;
    let mut first_with = BTreeMap::new();
    for ((path, _), verdict) in paths.iter().zip(verdicts) {
        let sha256 = match &verdict {
            Sorted::Usable(file) => Some(file.sha256),
            Sorted::Rejected { sha256, .. } => *sha256,
            Sorted::Ignored => None,
        };
        let earlier = sha256.and_then(|hash| match first_with.entry(hash) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(place) => {
                place.insert(path);
                None
            }
        });
        let reject = |why| Rejected {
            path: path.clone(),
            why,
        };
        match (verdict, earlier) {
            (Sorted::Ignored, _) => ignored += 1,
            (_, Some(first)) => rejected.push(reject(Why::Copy(first.clone()))),
            (Sorted::Usable(file), None) => files.push(*file),
            (Sorted::Rejected { why, .. }, None) => rejected.push(reject(why)),
        }
    }
    rejected.sort_by(|a, b| a.path.cmp(&b.path));
    let looks: Vec<(&str, &Look)> = files.iter().map(|file| (&*file.path, &file.look)).collect();
    let sources = look::sources(&looks);
    for (file, source) in files.iter_mut().zip(sources) {
        file.source = source;
    }
    Ok(Scanned {
        files,
        rejected,
        ignored,
    })
}

/// A walk over the files below a folder.
struct Walk<'a> {
    root: &'a Path,
    /// The root without links, which nothing that is taken may lie outside of.
    canonical: PathBuf,
    seen: HashSet<PathBuf>,
    found: BTreeMap<String, PathBuf>,
    rejected: Vec<Rejected>,
}

impl Walk<'_> {
    /// Lists a folder and those below it. Folders are known by their canonical path and entered once, so a link back up the
    /// tree ends there; a link out of the tree is not followed. Only the root's own failure is an error.
    fn enter(&mut self, below: &Path) -> io::Result<()> {
        let folder = self.root.join(below);
        if !self.seen.insert(fs::canonicalize(&folder)?) {
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
            if let Err(reason) = self.take(&path, native) {
                let why = Why::Inaccessible(reason);
                self.rejected.push(Rejected { path, why });
            }
        }
        Ok(())
    }

    /// Takes a file, or enters a folder.
    fn take(&mut self, path: &str, native: PathBuf) -> Result<(), String> {
        let full = self.root.join(&native);
        let unreadable = |error: io::Error| format!("cannot read: {error}");
        let is_link = fs::symlink_metadata(&full)
            .map_err(unreadable)?
            .is_symlink();
        let about = fs::metadata(&full).map_err(unreadable)?;
        if is_link
            && !fs::canonicalize(&full)
                .map_err(unreadable)?
                .starts_with(&self.canonical)
        {
            return Err("a link that leads out of the folder".to_owned());
        }
        if about.is_dir() {
            let entered = self.enter(&native);
            return entered.map_err(|error| format!("cannot list folder: {error}"));
        }
        // A pipe or device could keep the reader waiting for ever.
        if !about.is_file() {
            return Err("no regular file".to_owned());
        }
        match self.found.entry(path.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(native);
                Ok(())
            }
            // Two names that differ only where they are not Unicode are shown alike.
            Entry::Occupied(_) => Err("another file is shown by the same name".to_owned()),
        }
    }
}

/// Whether somebody who made the file meant it to be an image, by its ending.
fn is_named_as_image(path: &Path) -> bool {
    let ending = path
        .extension()
        .map(|end| end.to_string_lossy().to_lowercase());
    ending.is_some_and(|end| {
        Format::of_extension(&end).is_some() || Format::UNREAD_EXTENSIONS.contains(&&*end)
    })
}

fn shown(path: &Path) -> String {
    path.components()
        .map(|c| c.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn examine(root: &Path, path: &str, native: &Path, usable: Usable) -> Sorted {
    match try_examine(root, path, native, usable) {
        Ok(verdict) => verdict,
        Err(error) => Sorted::Rejected {
            why: Why::Inaccessible(format!("cannot read: {error}")),
            sha256: None,
        },
    }
}

fn try_examine(root: &Path, path: &str, native: &Path, usable: Usable) -> io::Result<Sorted> {
    let full = root.join(native);
    let data = fs::metadata(&full)?;
    let mut file = fs::File::open(&full)?;
    let mut head = Vec::with_capacity(256);
    file.by_ref().take(256).read_to_end(&mut head)?;
    let unread = |why| Ok(Sorted::Rejected { why, sha256: None });
    let Some(format) = Format::sniff(&head) else {
        return match Format::unread(&head) {
            Some(kind) => unread(Why::NoDecoder(kind)),
            None if !is_named_as_image(native) => Ok(Sorted::Ignored),
            None if head.is_empty() => unread(Why::Empty),
            None => unread(Why::Misnamed),
        };
    };
    if data.len() > MAX_FILE_BYTES {
        return unread(Why::TooLarge {
            bytes: data.len(),
            limit: MAX_FILE_BYTES,
        });
    }
    let mut bytes = head;
    // The file may have grown since its size was asked for.
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    let rejected = |why| {
        Ok(Sorted::Rejected {
            why,
            sha256: Some(sha256),
        })
    };
    if !usable(format) {
        return rejected(Why::Unsignable(format));
    }
    let Decoded {
        pixels,
        orientation,
    } = match read::decoded(&bytes) {
        Ok(decoded) => decoded,
        Err(reason) => return rejected(Why::Broken(reason)),
    };
    let class = path.split_once('/').map_or("file", |(first, _)| first);
    let lossless = matches!(format, Format::Png | Format::Gif | Format::Bmp);
    Ok(Sorted::Usable(Box::new(Found {
        path: path.to_owned(),
        native: native.to_owned(),
        class: class.to_owned(),
        format,
        width: pixels.width(),
        height: pixels.height(),
        orientation,
        look: Look::of(&pixels, orientation),
        source: path.to_owned(),
        as_png: lossless || pixels.color().has_alpha(),
        sha256,
    })))
}
