//! Image containers: finding and writing the XMP packet, and telling whether a C2PA manifest is there.
//!
//! One file per container, each with the same three functions. They copy bytes and never touch coded image
//! data. They read bytes from strangers: every length is checked, work is linear in the file, nothing
//! panics. The `c2pa` crate embeds manifests in all of these and writes XMP too, but always with its own
//! fixed document id and padding; writing the packet here keeps the rest of an existing packet
//! byte for byte and works the same way in every container.

mod avif;
mod gif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The containers that CredLink signs, told apart by their first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MediaType {
    /// JPEG (JFIF, Exif, MPO).
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG and APNG.
    #[serde(rename = "image/png")]
    Png,
    /// WebP, lossy, lossless or animated.
    #[serde(rename = "image/webp")]
    WebP,
    /// GIF.
    #[serde(rename = "image/gif")]
    Gif,
    /// TIFF and BigTIFF, either byte order.
    #[serde(rename = "image/tiff")]
    Tiff,
    /// AVIF (ISO BMFF with an AV1 image brand).
    #[serde(rename = "image/avif")]
    Avif,
}

/// Every container, for tests and documents that walk them.
pub const MEDIA_TYPES: &[MediaType] = &[
    MediaType::Jpeg,
    MediaType::Png,
    MediaType::WebP,
    MediaType::Gif,
    MediaType::Tiff,
    MediaType::Avif,
];

/// Why an XMP packet could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// The structure ends early or contradicts itself.
    #[error("{0} structure is damaged: {1}")]
    Damaged(MediaType, &'static str),
    /// The packet does not fit into one segment.
    #[error("XMP packet of {0} bytes does not fit into a JPEG segment (65502 bytes at most)")]
    PacketTooLong(usize),
}

impl MediaType {
    /// The container of a file, from its first bytes; the name of a file does not count.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            Some(Self::Gif)
        } else if [b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b"]
            .iter()
            .any(|magic| bytes.starts_with(*magic))
        {
            Some(Self::Tiff)
        } else if avif::is_avif(bytes) {
            Some(Self::Avif)
        } else {
            None
        }
    }

    /// The media type as written in manifests and records, such as `image/jpeg`.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Avif => "image/avif",
        }
    }

    /// The XMP packet of a file, if it has one. The main packet only: JPEG's extended XMP holds overflow
    /// and by specification never a provenance link.
    pub(crate) fn xmp(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Jpeg => jpeg::xmp(bytes),
            Self::Png => png::xmp(bytes),
            Self::WebP => webp::xmp(bytes),
            Self::Gif => gif::xmp(bytes),
            Self::Tiff => tiff::xmp(bytes),
            Self::Avif => avif::xmp(bytes),
        }
    }

    /// A copy of the file whose XMP packet is `packet`.
    pub(crate) fn with_xmp(self, bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
        match self {
            Self::Jpeg => jpeg::with_xmp(bytes, packet),
            Self::Png => png::with_xmp(bytes, packet),
            Self::WebP => webp::with_xmp(bytes, packet),
            Self::Gif => gif::with_xmp(bytes, packet),
            Self::Tiff => tiff::with_xmp(bytes, packet),
            Self::Avif => avif::with_xmp(bytes, packet),
        }
    }

    /// Makes check sums true again after bytes of a manifest were exchanged in place.
    pub(crate) fn repair_check_sums(self, bytes: &mut [u8]) {
        // Of these containers only PNG has any.
        if self == Self::Png {
            png::repair_manifest_check_sum(bytes);
        }
    }

    /// The one manifest of a file and what frames it; `None` where there is none, where there are several, or where the
    /// frame holds anything besides.
    pub(crate) fn manifest_frame(self, bytes: &[u8]) -> Option<Frame> {
        match self {
            Self::Jpeg => jpeg::manifest_frame(bytes),
            Self::Png => png::manifest_frame(bytes),
            Self::WebP => webp::manifest_frame(bytes),
            Self::Gif => gif::manifest_frame(bytes),
            Self::Tiff => tiff::manifest_frame(bytes),
            Self::Avif => avif::manifest_frame(bytes),
        }
    }

    /// Whether the place where this container keeps a C2PA manifest exists. Cheap; spares the C2PA parser
    /// every file that has none.
    pub(crate) fn has_manifest(self, bytes: &[u8]) -> bool {
        match self {
            Self::Jpeg => jpeg::has_manifest(bytes),
            Self::Png => png::has_manifest(bytes),
            Self::WebP => webp::has_manifest(bytes),
            Self::Gif => gif::has_manifest(bytes),
            Self::Tiff => tiff::has_manifest(bytes),
            Self::Avif => avif::has_manifest(bytes),
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mime())
    }
}

/// Where a manifest lies in a file: what the hard binding of C2PA leaves out of its hash, and no byte more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The manifest store (JUMBF), put together.
    pub(crate) jumbf: Vec<u8>,
    /// Ascending: the container's own framing of it (markers, lengths, check sums) and the manifest itself.
    pub(crate) ranges: Vec<Range<usize>>,
}

/// `N` bytes at `at`, if the file reaches that far.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A file assembled from slices of another with an insertion or replacement in the middle.
fn spliced(bytes: &[u8], range: std::ops::Range<usize>, insertion: &[&[u8]]) -> Vec<u8> {
    let inserted: usize = insertion.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(bytes.len() - range.len() + inserted);
    out.extend_from_slice(&bytes[..range.start]);
    for part in insertion {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&bytes[range.end..]);
    out
}
