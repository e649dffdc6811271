//! WebP: metadata in RIFF chunks (EXIF, `XMP `, ICCP, and C2PA for the manifest store).

use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::WebP;
use img_parts::{Bytes, ImageEXIF, ImageICC};

use super::{ManifestStore, Metadata, same_container};
use crate::format::Format;

const XMP: [u8; 4] = *b"XMP ";
const C2PA: [u8; 4] = *b"C2PA";
/// The extended header, whose first byte says what the file holds (RFC 9649, section 2.7).
const VP8X: [u8; 4] = *b"VP8X";
const XMP_FLAG: u8 = 0b100;

fn chunk(webp: &WebP, id: [u8; 4]) -> Option<Bytes> {
    webp.chunk_by_id(id)?.content().data().cloned()
}

pub(super) fn read(bytes: &[u8]) -> Metadata {
    let Ok(webp) = WebP::from_bytes(Bytes::copy_from_slice(bytes)) else {
        return Metadata::default();
    };
    Metadata {
        exif: webp.exif(),
        xmp: chunk(&webp, XMP),
        iptc: None,
        icc: webp.icc_profile(),
        c2pa: chunk(&webp, C2PA).map(|store| ManifestStore {
            format: Format::WebP,
            payloads: vec![store],
        }),
    }
}

pub(super) fn written(file: Vec<u8>, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let mut webp = WebP::from_bytes(file.into()).map_err(|error| error.to_string())?;
    let has_image =
        webp.has_chunk(*b"VP8 ") || webp.has_chunk(*b"VP8L") || webp.has_chunk(*b"ANMF");
    if !has_image {
        return Err("no image chunk".to_owned());
    }
    webp.chunks_mut()
        .retain(|chunk| !matches!(&chunk.id(), b"EXIF" | b"XMP " | b"ICCP" | b"C2PA"));
    // The extended header's flags follow from the chunks; setting the profile and EXIF last brings them up to date.
    webp.set_icc_profile(metadata.icc.clone());
    let mut append = |id, data: &Bytes| {
        webp.chunks_mut()
            .push(RiffChunk::new(id, RiffContent::Data(data.clone())))
    };
    if let Some(xmp) = &metadata.xmp {
        append(XMP, xmp);
    }
    for store in same_container(metadata, Format::WebP) {
        append(C2PA, store);
    }
    webp.set_exif(metadata.exif.clone());
    // The library leaves the bit of XMP as it was; decoders refuse a file that promises a chunk and has none.
    let has_xmp = metadata.xmp.is_some();
    let extended = webp
        .chunks_mut()
        .iter_mut()
        .find(|chunk| chunk.id() == VP8X);
    if let Some(RiffContent::Data(data)) = extended.map(RiffChunk::content_mut) {
        let mut header = data.to_vec();
        if let Some(flags) = header.first_mut() {
            *flags = (*flags & !XMP_FLAG) | if has_xmp { XMP_FLAG } else { 0 };
        }
        *data = header.into();
    }
    Ok(webp.encoder().bytes().to_vec())
}
