//! WebP: metadata in RIFF chunks (EXIF, `XMP `, ICCP, and C2PA for the manifest store).

use bytes::Bytes;

use super::{ManifestStore, Metadata, same_container};
use crate::containers::webp::{Chunk, Flag, assembled, chunks};
use crate::format::Format;

const C2PA: [u8; 4] = *b"C2PA";
/// What stands before the TIFF structure in files of some writers, as in JPEG; libwebp's tools and exiftool pass over it.
const EXIF_PREFIX: &[u8] = b"Exif\0\0";

fn find(bytes: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    let found = chunks(bytes).find(|chunk| chunk.kind == kind)?;
    Some(&bytes[found.data])
}

pub(super) fn exif(bytes: &[u8]) -> Option<Bytes> {
    let exif = find(bytes, *b"EXIF")?;
    let block = exif.strip_prefix(EXIF_PREFIX).unwrap_or(exif);
    Some(Bytes::copy_from_slice(block))
}

pub(super) fn read(bytes: &[u8]) -> Metadata {
    Metadata {
        exif: exif(bytes),
        xmp: find(bytes, *b"XMP ").map(Bytes::copy_from_slice),
        iptc: None,
        icc: find(bytes, *b"ICCP").map(Bytes::copy_from_slice),
        c2pa: find(bytes, C2PA).map(|store| ManifestStore {
            format: Format::WebP,
            payloads: vec![Bytes::copy_from_slice(store)],
        }),
    }
}

pub(super) fn written(file: &[u8], metadata: &Metadata) -> Result<Vec<u8>, String> {
    let old: Vec<Chunk> = chunks(file).collect();
    let is_image = |chunk: &Chunk| matches!(&chunk.kind, b"VP8 " | b"VP8L" | b"ANMF");
    if !old.iter().any(is_image) {
        return Err("no image chunk".to_owned());
    }
    let mut parts: Vec<([u8; 4], &[u8])> = Vec::new();
    if let Some(icc) = &metadata.icc {
        parts.push((*b"ICCP", icc));
    }
    for chunk in &old {
        if !matches!(&chunk.kind, b"EXIF" | b"XMP " | b"ICCP" | b"C2PA" | b"VP8X") {
            parts.push((chunk.kind, &file[chunk.data.clone()]));
        }
    }
    if let Some(exif) = &metadata.exif {
        parts.push((*b"EXIF", exif));
    }
    if let Some(xmp) = &metadata.xmp {
        parts.push((*b"XMP ", xmp));
    }
    for store in same_container(metadata, Format::WebP) {
        parts.push((C2PA, store));
    }
    let flags = [
        (Flag::Icc, metadata.icc.is_some()),
        (Flag::Exif, metadata.exif.is_some()),
        (Flag::Xmp, metadata.xmp.is_some()),
    ];
    assembled(file, &parts, &flags).map_err(|error| error.to_string())
}
