//! What an image set is: a header, and as many entries as one asks for.

use crate::CorpusError;
use credlink_image_files::Format;

/// The part of a source file that an entry shows.
///
/// Positions and sizes are fractions (0 to 1) of the displayed source image, that is, after its EXIF
/// orientation has been applied; they name whole pixels exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
    /// Longer side of the produced image in pixels; never more than the window has.
    pub long_side: u32,
}

/// What is known of an image without producing it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Position in the set.
    pub index: usize,
    /// What people call it, unique in the set: a file's relative path, or a name with class and number.
    pub name: String,
    /// Kind of content: the synthetic class, or the first folder of a file's path.
    pub class: String,
    /// Format of the bytes.
    pub format: Format,
    /// Width in pixels as stored, before EXIF orientation.
    pub width: u32,
    /// Height in pixels as stored, before EXIF orientation.
    pub height: u32,
    /// Identity of the scene or file that this is evidence from. Entries that share it are not
    /// independent, and statistics must cluster by it.
    pub source: String,
    /// The part of the file that is shown, or `None` where the whole file is used untouched.
    pub view: Option<View>,
}

/// An image of a set: its entry and the bytes of an image file.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceImage {
    /// The same value that [`ImageSet::entry`] gives.
    pub entry: Entry,
    /// A complete file in `entry.format`.
    pub bytes: Vec<u8>,
}

/// A file that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Path relative to the set's folder, with `/` between its parts.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why a file was left out. Its text is a lowercase fragment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Images of a kind that nothing here decodes.
    #[error("{0}, for which there is no decoder here")]
    NoDecoder(&'static str),
    /// No bytes.
    #[error("empty")]
    Empty,
    /// Named as an image, and none by its bytes.
    #[error("no image, though it is named as one")]
    Misnamed,
    /// Announced as an image, and not decodable: the decoder's words.
    #[error("does not decode: {0}")]
    Broken(String),
    /// The bytes of another file, which is named.
    #[error("same bytes as {0}")]
    Copy(String),
    /// Of a format that cannot be used.
    #[error("{0} files cannot be signed")]
    Unsignable(Format),
    /// Too many bytes.
    #[error("{bytes} bytes are more than {} MiB", limit >> 20)]
    TooLarge {
        /// Size of the file.
        bytes: u64,
        /// The most, bytes.
        limit: u64,
    },
    /// Not to be followed, or not to be read: in words.
    #[error("{0}")]
    Inaccessible(String),
}

impl Why {
    /// What all files that are left out for this reason have in common, for one line about many of them.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Broken(_) => "broken".to_owned(),
            Self::Copy(_) => "a copy, byte for byte".to_owned(),
            Self::TooLarge { .. } => "too large".to_owned(),
            Self::Inaccessible(_) => "not readable".to_owned(),
            Self::Misnamed => "named as an image, but none".to_owned(),
            Self::NoDecoder(_) | Self::Empty | Self::Unsignable(_) => self.to_string(),
        }
    }
}

/// What a run records about its set, enough to tell later whether two runs used the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetHeader {
    /// A short name for people.
    pub name: String,
    /// `"synthetic"` or `"directory"`.
    pub kind: &'static str,
    /// The seed that order, views and synthetic content come from.
    pub seed: u64,
    /// SHA-256 in lowercase hex over everything that decides the set's bytes.
    pub digest: String,
    /// Number of whole files, or `None` for a set without end of its own.
    pub files: Option<usize>,
    /// Image files that were left out.
    pub rejected: Vec<Rejected>,
    /// Files that do not look like images at all.
    pub ignored: usize,
}

/// A deterministic, endless list of source images.
///
/// # Guarantees
///
/// Implementors must answer every index; `load(i)` must carry the same entry as `entry(i)` and bytes in
/// that format with those dimensions; both must depend on nothing but the set and the index, so callers may
/// ask from any number of threads, in any order.
pub trait ImageSet: Send + Sync {
    /// What a run records about the set.
    fn header(&self) -> &SetHeader;

    /// Describes image `index` without decoding or drawing: microseconds, no input or output.
    fn entry(&self, index: usize) -> Entry;

    /// Produces image `index`.
    ///
    /// # Errors
    ///
    /// [`CorpusError`] when a file was moved or changed, or a codec refuses; the message names the file.
    fn load(&self, index: usize) -> Result<SourceImage, CorpusError>;

    /// How many independent sources there are, or `None` where every index is its own.
    fn distinct_sources(&self) -> Option<usize>;
}
