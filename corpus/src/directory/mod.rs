//! A folder of anybody's images as a set.

mod look;
mod read;
mod scan;
mod view;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use credlink_image_files::Format;
use sha2::{Digest, Sha256};

use crate::draws::Draws;
use crate::{CorpusError, Entry, ImageSet, SetHeader, SourceImage};
use scan::Found;

/// Which formats the files of a set may have.
pub type Usable = fn(Format) -> bool;

/// Larger files are rejected unread: 512 MiB.
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// Files whose shorter side is less give no views, in pixels: a window of it would be a thumbnail, and a set of few files
/// would hold more of them the more images are asked for.
const LEAST_FOR_VIEW: u32 = 640;

/// A folder of image files, endless by views.
///
/// Indices below the number of files are the files themselves, bytes untouched, in an order drawn from the
/// seed. Each further index is a view of a file: a window of 45 to 62 % of each edge, away from the centre,
/// upright, scaled to a web-like size and encoded anew. Views go round the files in the same order; the k-th
/// view of a file lies a golden-section step around the picture from the one before, so that few overlap.
/// Files with a side under 640 pixels are passed over for views, unless all files are that small.
///
/// # Guarantees
///
/// The same folder content and seed give the same entries and bytes, whatever the order in which
/// the file system lists them. Two files with the same bytes count once. Views of one file have distinct
/// windows for as long as it has pixels to tell them apart.
pub struct DirectorySet {
    root: PathBuf,
    header: SetHeader,
    /// Files in seeded order.
    files: Vec<Found>,
    /// Positions in `files` that give views; never empty.
    viewable: Vec<usize>,
}

impl DirectorySet {
    /// Scans a folder, with all its subfolders, and decodes each image once, in parallel on rayon's pool.
    ///
    /// Files are told by content. What does not look like an image is counted as ignored; what does but
    /// cannot be used is listed as rejected, with the reason. Links are
    /// followed within the folder, each folder once; links out of it and what is no regular file are rejected. Files that
    /// show the same picture share one source.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Root`] when the folder cannot be listed, [`CorpusError::Empty`] when no image is left.
    pub fn scan(root: &Path, seed: u64) -> Result<DirectorySet, CorpusError> {
        Self::scan_for(root, seed, |_| true)
    }

    /// The same for files of some formats only.
    ///
    /// # Errors
    ///
    /// As [`DirectorySet::scan`].
    pub fn scan_for(root: &Path, seed: u64, usable: Usable) -> Result<DirectorySet, CorpusError> {
        let scanned = scan::scan(root, usable)?;
        if scanned.files.is_empty() {
            let first = scanned
                .rejected
                .first()
                .map(|r| format!(", first {}: {}", r.path, r.why));
            return Err(CorpusError::Empty {
                path: root.to_owned(),
                found: format!(
                    "{} files are not images, {} images rejected{}",
                    scanned.ignored,
                    scanned.rejected.len(),
                    first.unwrap_or_default()
                ),
            });
        }
        let mut digest = Sha256::new()
            .chain_update(b"credlink-directory/2\0")
            .chain_update(seed.to_be_bytes());
        for file in &scanned.files {
            digest.update((file.path.len() as u64).to_be_bytes());
            digest.update(file.path.as_bytes());
            digest.update(file.sha256);
        }
        let mut files = scanned.files;
        Draws::new(seed, u64::MAX).shuffle(&mut files);
        let side = |f: &Found| f.width.min(f.height);
        let mut viewable: Vec<usize> = (0..files.len())
            .filter(|&i| side(&files[i]) >= LEAST_FOR_VIEW)
            .collect();
        if viewable.is_empty() {
            viewable = (0..files.len()).collect();
        }
        let name = root.file_name().map_or_else(
            || "directory".to_owned(),
            |n| n.to_string_lossy().into_owned(),
        );
        let header = SetHeader {
            name,
            kind: "directory",
            seed,
            digest: hex::encode(digest.finalize()),
            files: Some(files.len()),
            rejected: scanned.rejected,
            ignored: scanned.ignored,
        };
        Ok(DirectorySet {
            root: root.to_owned(),
            header,
            files,
            viewable,
        })
    }

    /// The file behind an index, and the number of its view.
    fn locate(&self, index: usize) -> (&Found, Option<usize>) {
        match self.files.get(index) {
            Some(file) => (file, None),
            None => {
                let n = index - self.files.len();
                (
                    &self.files[self.viewable[n % self.viewable.len()]],
                    Some(n / self.viewable.len()),
                )
            }
        }
    }

    fn describe(&self, index: usize) -> (&Found, Entry, Option<view::Window>) {
        let (file, number) = self.locate(index);
        let window = number.map(|k| view::Window::of(self.header.seed, file, k));
        let format = match &window {
            None => file.format,
            Some(_) if file.as_png => Format::Png,
            Some(_) => Format::Jpeg,
        };
        let (width, height) = window
            .as_ref()
            .map_or((file.width, file.height), view::Window::size);
        let name = match number {
            None => file.path.clone(),
            Some(k) => format!("{} view {k}", file.path),
        };
        let entry = Entry {
            index,
            name,
            class: file.class.clone(),
            format,
            width,
            height,
            source: file.source.clone(),
            view: window.as_ref().map(view::Window::view),
        };
        (file, entry, window)
    }
}

impl ImageSet for DirectorySet {
    fn header(&self) -> &SetHeader {
        &self.header
    }

    fn entry(&self, index: usize) -> Entry {
        self.describe(index).1
    }

    fn load(&self, index: usize) -> Result<SourceImage, CorpusError> {
        let (file, entry, window) = self.describe(index);
        let path = || file.path.clone();
        let bytes =
            std::fs::read(self.root.join(&file.native)).map_err(|source| CorpusError::Read {
                path: path(),
                source,
            })?;
        if Sha256::digest(&bytes)[..] != file.sha256 {
            return Err(CorpusError::Changed { path: path() });
        }
        let Some(window) = window else {
            return Ok(SourceImage { entry, bytes });
        };
        let decoded = read::decoded(&bytes).map_err(|reason| CorpusError::Decode {
            path: path(),
            reason,
        })?;
        let bytes =
            window
                .cut(decoded.pixels, file, &bytes)
                .map_err(|reason| CorpusError::Encode {
                    name: entry.name.clone(),
                    reason,
                })?;
        Ok(SourceImage { entry, bytes })
    }

    fn distinct_sources(&self) -> Option<usize> {
        let sources: BTreeSet<&str> = self.files.iter().map(|file| file.source.as_str()).collect();
        Some(sources.len())
    }
}
