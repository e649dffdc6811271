//! AVIF boxes (ISO/IEC 14496-12 clause 4.2; C2PA, `uuid` box).

use std::ops::Range;

use super::{ManifestPlace, array};

pub(crate) const XMP_UUID: [u8; 16] = [
    0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac,
];
pub(crate) const C2PA_UUID: [u8; 16] = [
    0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81,
];

/// A box (ISO/IEC 14496-12, clause 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileBox {
    /// Its type, four letters.
    pub kind: [u8; 4],
    /// Header and body.
    pub whole: Range<usize>,
    /// What is behind the header.
    pub body: Range<usize>,
    /// Whether the size field says "to the end of the file".
    pub open: bool,
}

/// The boxes of a file, or of the body of another box, that do not lie within others; stops where the structure ends or
/// breaks.
pub fn boxes(bytes: &[u8]) -> impl Iterator<Item = FileBox> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let size = u32::from_be_bytes(array(bytes, at)?);
        let kind = array(bytes, at + 4)?;
        let (header, length) = match size {
            0 => (8, bytes.len() - at),
            1 => (
                16,
                usize::try_from(u64::from_be_bytes(array(bytes, at + 8)?)).ok()?,
            ),
            _ => (8, size as usize),
        };
        let end = at.checked_add(length)?;
        if length < header || end > bytes.len() {
            return None;
        }
        let found = FileBox {
            kind,
            whole: at..end,
            body: at + header..end,
            open: size == 0,
        };
        at = end;
        Some(found)
    })
}

/// Whether a HEIF file has a movie, or says that it is a sequence by any of its brands.
pub(crate) fn is_sequence(bytes: &[u8]) -> bool {
    boxes(bytes).any(|found| {
        let mut brands = bytes[found.body].chunks_exact(4);
        &found.kind == b"moov"
            || &found.kind == b"ftyp" && brands.any(|brand| brand == b"avis" || brand == b"msf1")
    })
}

pub(super) fn uuid_box(bytes: &[u8], uuid: &[u8; 16]) -> Option<FileBox> {
    boxes(bytes).find(|found| is_uuid(bytes, found, uuid))
}

/// Whether a box has this identifier.
pub(super) fn is_uuid(bytes: &[u8], found: &FileBox, uuid: &[u8; 16]) -> bool {
    found.kind == *b"uuid" && bytes[found.body.clone()].starts_with(uuid)
}

/// The manifest's only box: purpose, no auxiliary boxes, and the store to the end of the box (C2PA 2.2, "Embedding
/// manifests into BMFF-based assets"). The hash leaves out `ftyp`, whose brands say which of two pictures is shown: none
/// where the file has a track beside the still picture.
pub(super) fn manifest_place(bytes: &[u8]) -> Option<ManifestPlace> {
    let is_manifest = |found: &FileBox| is_uuid(bytes, found, &C2PA_UUID);
    if boxes(bytes).any(|found| found.kind == *b"moov") {
        return None;
    }
    let mut found = boxes(bytes).filter(is_manifest);
    let only = found.next().filter(|_| found.next().is_none())?;
    // Behind the identifier: version and flags, then "manifest" and its terminator, then eight bytes of offset.
    let body = &bytes[only.body];
    let jumbf = body
        .get(16..)?
        .strip_prefix(b"\0\0\0\0manifest\0\0\0\0\0\0\0\0\0")?;
    Some(ManifestPlace {
        jumbf: jumbf.to_vec(),
        ranges: vec![only.whole],
    })
}

pub(super) fn has_manifest(bytes: &[u8]) -> bool {
    uuid_box(bytes, &C2PA_UUID).is_some()
}

/// A box, for tests.
#[cfg(test)]
pub(super) fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = (8 + body.len() as u32).to_be_bytes();
    [&length, &kind[..], body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_known_by_its_movie_or_any_of_its_brands() {
        let still = boxed(b"ftyp", b"avif\0\0\0\0mif1miaf");
        assert!(!is_sequence(&still));
        assert!(is_sequence(&boxed(b"ftyp", b"mif1\0\0\0\0avifavis")));
        assert!(is_sequence(&boxed(b"ftyp", b"avif\0\0\0\0msf1mif1")));
        assert!(is_sequence(&[still, boxed(b"moov", b"")].concat()));
    }
}
