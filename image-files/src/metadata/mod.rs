//! Metadata that travels beside the pixels: what kinds there are, how each container stores them, and how a
//! recipe says which of them stay.
//!
//! The pixel codecs write bare files; [`written`] then inserts what the recipe keeps. So one rule holds for every
//! format: metadata is absent unless a recipe keeps it. Coded image data is never touched here.

mod avif;
pub mod fields;
mod gif;
mod jpeg;
mod jxl;
mod png;
pub mod tiff;
mod webp;

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;

use crate::containers;
use crate::error::ContainerError;
use crate::format::Format;

/// A kind of metadata that a pipeline keeps or drops as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// EXIF (CIPA DC-008): camera data, orientation, GPS.
    Exif,
    /// XMP (ISO 16684): an XML packet; the provenance link lives here.
    Xmp,
    /// IPTC-IIM in a Photoshop image resource block.
    Iptc,
    /// ICC colour profile.
    Icc,
    /// The C2PA manifest store (JUMBF), byte for byte; on changed pixels it is stale.
    C2pa,
}

impl Kind {
    /// Every kind, in the order in which tables list them.
    pub const ALL: &'static [Self] = &[Self::Exif, Self::Xmp, Self::Iptc, Self::Icc, Self::C2pa];

    /// The name used in recipes and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exif => "exif",
            Self::Xmp => "xmp",
            Self::Iptc => "iptc",
            Self::Icc => "icc",
            Self::C2pa => "c2pa",
        }
    }
}

/// A manifest store in the form its container holds it. It is copied only between files of one format, as the
/// tools that copy it do; no known tool carries it from one format to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestStore {
    format: Format,
    /// JPEG: the APP11 payloads in order; other containers: one chunk, box, tag or extension.
    payloads: Vec<Bytes>,
}

impl ManifestStore {
    /// A store as files of `format` hold it: for JPEG the payloads of its APP11 segments in order, else one block.
    #[must_use]
    pub fn new(format: Format, payloads: Vec<Bytes>) -> Self {
        Self { format, payloads }
    }

    /// The store with every payload changed: what a forger makes of it. The lengths should stay.
    #[must_use]
    pub fn edited(&self, mut change: impl FnMut(&[u8]) -> Vec<u8>) -> Self {
        Self {
            format: self.format,
            payloads: self
                .payloads
                .iter()
                .map(|payload| change(payload).into())
                .collect(),
        }
    }
}

/// The metadata of one image file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The TIFF structure of the EXIF block, without any container prefix.
    pub exif: Option<Bytes>,
    /// The XMP packet, UTF-8 XML.
    pub xmp: Option<Bytes>,
    /// The APP13 payload of a JPEG, `Photoshop 3.0` prefix included; in TIFF what stands behind that prefix.
    pub iptc: Option<Bytes>,
    /// The ICC profile.
    pub icc: Option<Bytes>,
    /// The C2PA manifest store.
    pub c2pa: Option<ManifestStore>,
}

impl Metadata {
    /// Whether this kind is present.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::Exif => self.exif.is_some(),
            Kind::Xmp => self.xmp.is_some(),
            Kind::Iptc => self.iptc.is_some(),
            Kind::Icc => self.icc.is_some(),
            Kind::C2pa => self.c2pa.is_some(),
        }
    }

    /// The kinds present, in the order of [`Kind::ALL`].
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        Kind::ALL
            .iter()
            .copied()
            .filter(|kind| self.has(*kind))
            .collect()
    }

    /// The same metadata with only the kinds that `keep` names.
    #[must_use]
    pub fn filtered(&self, keep: &[Kind]) -> Self {
        let kept = |kind| keep.contains(&kind);
        Self {
            exif: self.exif.clone().filter(|_| kept(Kind::Exif)),
            xmp: self.xmp.clone().filter(|_| kept(Kind::Xmp)),
            iptc: self.iptc.clone().filter(|_| kept(Kind::Iptc)),
            icc: self.icc.clone().filter(|_| kept(Kind::Icc)),
            c2pa: self.c2pa.clone().filter(|_| kept(Kind::C2pa)),
        }
    }

    /// Whether nothing is present.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads the metadata of a file. A container that cannot be parsed yields none: whether its pixels can be read is
/// the decoder's verdict, and tools treat broken metadata as absent.
#[must_use]
pub fn read(format: Format, bytes: &[u8]) -> Metadata {
    match format {
        Format::Jpeg => jpeg::read(bytes),
        Format::Png => png::read(bytes),
        Format::WebP => webp::read(bytes),
        Format::Avif => avif::read(bytes),
        Format::Gif => gif::read(bytes),
        Format::Tiff => tiff::read(bytes),
        Format::Jxl => jxl::read(bytes),
        Format::Bmp => Metadata::default(),
    }
}

/// The EXIF block of a JPEG, PNG or WebP file, without any prefix; in other containers the orientation is not told by one.
pub(crate) fn exif(format: Format, bytes: &[u8]) -> Option<Bytes> {
    match format {
        Format::Jpeg => jpeg::read(bytes).exif,
        Format::Png => png::exif(bytes),
        Format::WebP => webp::exif(bytes),
        Format::Avif | Format::Gif | Format::Tiff | Format::Bmp | Format::Jxl => None,
    }
}

/// The file with exactly this metadata in place of what it had; the coded image data stays byte for byte.
///
/// Kinds that the format does not hold ([`held`]) are left out; recipes that ask for them are refused when they are read.
///
/// # Errors
/// When the container of `file` cannot be parsed.
pub fn written(
    format: Format,
    file: Vec<u8>,
    metadata: &Metadata,
) -> Result<Vec<u8>, ContainerError> {
    let result = match format {
        Format::Jpeg => jpeg::written(&file, metadata),
        Format::Png => png::written(&file, metadata),
        Format::WebP => webp::written(&file, metadata),
        Format::Jxl => jxl::written(file, metadata),
        Format::Avif => avif::written(file, metadata),
        Format::Gif => gif::written(&file, metadata),
        Format::Tiff => tiff::written(file, metadata),
        Format::Bmp => return Ok(file),
    };
    result.map_err(|reason| ContainerError::Structure { format, reason })
}

/// The file without what describes its picture and is metadata of no [`Kind`]: the JFIF segment of a JPEG; density, gamma,
/// the word sRGB and the time of a PNG. Pixels stay what they are, as does everything of other formats.
#[must_use]
pub fn undescribed(format: Format, file: &[u8]) -> Vec<u8> {
    let dropped: Vec<Range<usize>> = match format {
        Format::Jpeg => containers::jpeg::segments(file)
            .filter(|segment| segment.marker == 0xe0)
            .filter(|segment| {
                let payload = &file[segment.payload.clone()];
                payload.starts_with(b"JFIF\0") || payload.starts_with(b"JFXX\0")
            })
            .map(|segment| segment.whole)
            .collect(),
        Format::Png => containers::png::chunks(file)
            .filter(|chunk| matches!(&chunk.kind, b"pHYs" | b"gAMA" | b"sRGB" | b"tIME"))
            .map(|chunk| chunk.whole)
            .collect(),
        Format::WebP | Format::Avif | Format::Gif | Format::Tiff | Format::Bmp | Format::Jxl => {
            Vec::new()
        }
    };
    let mut rest = Vec::with_capacity(file.len());
    let mut at = 0;
    for part in dropped {
        rest.extend_from_slice(&file[at..part.start]);
        at = part.end;
    }
    rest.extend_from_slice(&file[at..]);
    rest
}

/// The kinds that files of a format hold, as we write them. PNG and WebP define no place for IPTC; a profile is part of
/// JPEG XL's codestream, and the encoder here writes sRGB alone; GIF has no place for EXIF or IPTC, and BMP for none.
#[must_use]
pub const fn held(format: Format) -> &'static [Kind] {
    match format {
        Format::Jpeg | Format::Tiff => Kind::ALL,
        Format::Png | Format::WebP | Format::Avif => {
            &[Kind::Exif, Kind::Xmp, Kind::Icc, Kind::C2pa]
        }
        Format::Jxl => &[Kind::Exif, Kind::Xmp, Kind::C2pa],
        Format::Gif => &[Kind::Xmp, Kind::Icc, Kind::C2pa],
        Format::Bmp => &[],
    }
}

/// The store of `metadata` if it came from `format`.
fn same_container(metadata: &Metadata, format: Format) -> &[Bytes] {
    metadata
        .c2pa
        .as_ref()
        .filter(|store| store.format == format)
        .map_or(&[], |store| &store.payloads)
}
