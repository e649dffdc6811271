//! What signing gives: a file and a record, or a reason.

use credlink_image_files::ContainerError;
use credlink_image_files::contents::Fate;
use credlink_trial_record::Embedded;

use crate::distortion::Distortion;
use crate::local::Points;
use crate::manifest::EngineError;
use crate::record::ProofRecord;
use crate::watermark::Marking;
use crate::xmp::XmpError;

/// Why a file could not be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Not one of the containers that manifests are embedded in.
    #[error("file is not JPEG, PNG, WebP, GIF, TIFF or AVIF")]
    Unsupported,
    /// The C2PA library (0.90) writes the manifest into the last page and into a directory of its own; C2PA 2.2, A.3.5, has
    /// it there alone, and other readers take the first for damaged.
    #[error(
        "TIFF files of several pages cannot be signed: the C2PA library would write the manifest twice, which other readers call invalid"
    )]
    Pages,
    /// The pixels are needed for the fingerprint.
    #[error("image cannot be decoded: {0}")]
    Undecodable(String),
    /// A marked image could not be written.
    #[error("marked image cannot be written: {0}")]
    Unencodable(String),
    /// A thumbnail could not be made.
    #[error("thumbnail cannot be made: {0}")]
    Thumbnail(String),
    /// The container cannot take the link.
    #[error("link cannot be written")]
    Container(#[from] ContainerError),
    /// The XMP packet cannot take the link.
    #[error("link cannot be written")]
    Xmp(#[from] XmpError),
    /// The manifest could not be made.
    #[error("manifest cannot be written")]
    Manifest(#[from] EngineError),
    /// The signer's own certificate cannot be used.
    #[error("{0}")]
    Certificate(String),
}

/// A signed file and what belongs into the store.
#[derive(Clone, Debug)]
pub struct SignedImage {
    /// The file: the original, marked and coded anew if it took the watermark and otherwise byte for byte in its
    /// coded image data, with link and manifest.
    pub bytes: Vec<u8>,
    /// The record for the store.
    pub record: ProofRecord,
    /// The manifest as embedded (a JUMBF store).
    pub manifest: Vec<u8>,
    /// The points for the store.
    pub points: Points,
    /// Whether the file is, apart from its manifest, byte for byte what it was before that was embedded.
    pub is_only_inserted: bool,
    /// How the image took the watermark; `None` if none was asked for, or the file is not written anew.
    pub watermark: Option<Marking>,
    /// Why the file was not written anew, where that is why it has no watermark; in words that follow "because".
    pub unmarked: Option<String>,
    /// What became of everything that the file held beside its pixels, found by comparing the two files.
    pub fate: Fate,
    /// How it took each carrier, in ladder order.
    pub embedded: Vec<Embedded>,
    /// What the watermark alone did to the pixels; `None` where there is none.
    pub mark: Option<Distortion>,
    /// What marking and coding did to the pixels; `None` where none changed.
    pub distortion: Option<Distortion>,
    /// Bytes by which the link made the XMP packet longer.
    pub link_bytes: usize,
    /// What its parts took.
    pub times: SigningTimes,
}

/// What the parts of signing took, in nanoseconds by the clock of the file. Decoding and coding are in none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigningTimes {
    /// The fingerprint.
    pub hashing: u64,
    /// The content sketch.
    pub sketching: u64,
    /// The points.
    pub pointing: u64,
    /// The watermark: making it, adding it, measuring what it did.
    pub marking: u64,
    /// The XMP packet with the link.
    pub linking: u64,
    /// The C2PA manifest, the hash of the file and the signature included.
    pub manifest: u64,
}
