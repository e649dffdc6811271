//! PNG: metadata in chunks (eXIf, iCCP, XMP in iTXt, the manifest store in caBX).

use img_parts::png::{Png, PngChunk};
use img_parts::{Bytes, ImageEXIF, ImageICC};

use super::{ManifestStore, Metadata, same_container};
use crate::format::Format;

/// Keyword, no compression, empty language tag and translated keyword (PNG 3rd edition, 11.3.3.4).
const XMP: &[u8] = b"XML:com.adobe.xmp\0\0\0\0\0";
const C2PA: [u8; 4] = *b"caBX";
const ITXT: [u8; 4] = *b"iTXt";

fn is_xmp(chunk: &PngChunk) -> bool {
    chunk.kind() == ITXT && chunk.contents().starts_with(XMP)
}

pub(super) fn read(bytes: &[u8]) -> Metadata {
    let Ok(png) = Png::from_bytes(Bytes::copy_from_slice(bytes)) else {
        return Metadata::default();
    };
    let store = png
        .chunk_by_type(C2PA)
        .map(|chunk| chunk.contents().clone());
    Metadata {
        exif: png.exif(),
        xmp: png
            .chunks()
            .iter()
            .find(|chunk| is_xmp(chunk))
            .map(|chunk| chunk.contents().slice(XMP.len()..)),
        iptc: None,
        icc: png.icc_profile(),
        c2pa: store.map(|store| ManifestStore {
            format: Format::Png,
            payloads: vec![store],
        }),
    }
}

pub(super) fn written(file: Vec<u8>, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let mut png = Png::from_bytes(file.into()).map_err(|error| error.to_string())?;
    png.chunks_mut().retain(|chunk| {
        !matches!(
            &chunk.kind(),
            b"eXIf" | b"iCCP" | b"caBX" | b"iTXt" | b"tEXt" | b"zTXt" | b"tIME"
        )
    });
    // Ancillary chunks that must precede PLTE or IDAT all go right behind IHDR.
    let mut insert = Vec::new();
    insert.extend(
        same_container(metadata, Format::Png)
            .iter()
            .map(|store| PngChunk::new(C2PA, store.clone())),
    );
    insert.extend(
        metadata
            .exif
            .iter()
            .map(|exif| PngChunk::new(*b"eXIf", exif.clone())),
    );
    insert.extend(
        metadata
            .xmp
            .iter()
            .map(|xmp| PngChunk::new(ITXT, Bytes::from([XMP, xmp].concat()))),
    );
    let after_header = png.chunks().len().min(1);
    png.chunks_mut().splice(after_header..after_header, insert);
    if metadata.icc.is_some() {
        png.set_icc_profile(metadata.icc.clone());
    }
    Ok(png.encoder().bytes().to_vec())
}
