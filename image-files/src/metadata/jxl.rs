//! JPEG XL (ISO/IEC 18181-2): metadata in boxes around the codestream. A colour profile is part of the codestream.

use bytes::Bytes;

use super::{ManifestStore, Metadata, same_container};
use crate::containers::heif;
use crate::decode::jxl;
use crate::format::Format;

/// The signature box and the file type box (clauses 9.1 and 9.2).
const START: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ";

pub(super) fn read(bytes: &[u8]) -> Metadata {
    let beside = jxl::beside(bytes);
    let store = heif::top_boxes(bytes).find(|(kind, body)| is_store(kind, body));
    Metadata {
        exif: beside.exif.map(Bytes::from),
        xmp: beside.xmp.map(Bytes::from),
        iptc: None,
        icc: beside.icc.map(Bytes::from),
        c2pa: store.map(|(_, body)| ManifestStore {
            format: Format::Jxl,
            payloads: vec![Bytes::copy_from_slice(body)],
        }),
    }
}

/// Whether a box holds a C2PA manifest store: the label stands in its description.
fn is_store(kind: &[u8], body: &[u8]) -> bool {
    kind == b"jumb"
        && body
            .get(..64)
            .unwrap_or(body)
            .windows(4)
            .any(|w| w == b"c2pa")
}

pub(super) fn written(file: Vec<u8>, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let mut out = START.to_vec();
    let mut put = |kind: &[u8; 4], parts: &[&[u8]]| -> Result<(), String> {
        let length = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
        let length = u32::try_from(length).map_err(|_| "a box over 4 GiB".to_owned())?;
        out.extend(length.to_be_bytes());
        out.extend(kind);
        parts.iter().for_each(|part| out.extend(*part));
        Ok(())
    };
    if let Some(exif) = &metadata.exif {
        // The offset of the TIFF header behind these four bytes.
        put(b"Exif", &[&[0; 4], exif])?;
    }
    if let Some(xmp) = &metadata.xmp {
        put(b"xml ", &[xmp])?;
    }
    for store in same_container(metadata, Format::Jxl) {
        put(b"jumb", &[store])?;
    }
    if file.starts_with(&[0xFF, 0x0A]) {
        put(b"jxlc", &[&file])?;
        return Ok(out);
    }
    // The data for giving back a JPEG refer to the boxes that go, so they go as well.
    let mut pictures = 0;
    for (kind, body) in heif::top_boxes(&file) {
        let Ok(kind) = <&[u8; 4]>::try_from(kind) else {
            continue;
        };
        if [b"jxll", b"jxlc", b"jxlp"].contains(&kind) {
            put(kind, &[body])?;
            pictures += usize::from(kind != b"jxll");
        }
    }
    if pictures == 0 {
        return Err("no codestream".to_owned());
    }
    Ok(out)
}
