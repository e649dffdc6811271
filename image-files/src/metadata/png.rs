//! PNG: metadata in chunks (eXIf, iCCP, XMP in iTXt, the manifest store in caBX).

use bytes::Bytes;
use miniz_oxide::deflate::compress_to_vec_zlib;

use super::{ManifestStore, Metadata, same_container};
use crate::containers::png::{XMP_KEYWORD, chunk, chunks, inflated, xmp};
use crate::format::Format;

/// What stands behind the keyword of an international text: no compression, its method, an empty language tag and an empty
/// translated keyword (PNG 3rd edition, 11.3.3.4).
const PLAIN: &[u8] = &[0; 4];
const C2PA: [u8; 4] = *b"caBX";
/// The name that a profile goes by; readers ignore it.
const PROFILE_NAME: &[u8] = b"icc\0";
/// zlib's hardest.
const EFFORT: u8 = 10;

fn find(bytes: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    let found = chunks(bytes).find(|chunk| chunk.kind == kind)?;
    Some(&bytes[found.data])
}

pub(super) fn exif(bytes: &[u8]) -> Option<Bytes> {
    find(bytes, *b"eXIf").map(Bytes::copy_from_slice)
}

pub(super) fn read(bytes: &[u8]) -> Metadata {
    Metadata {
        exif: exif(bytes),
        xmp: xmp(bytes).map(Bytes::from),
        iptc: None,
        icc: find(bytes, *b"iCCP").and_then(profile).map(Bytes::from),
        c2pa: find(bytes, C2PA).map(|store| ManifestStore {
            format: Format::Png,
            payloads: vec![Bytes::copy_from_slice(store)],
        }),
    }
}

/// The profile in an iCCP chunk: behind its name stand the method of compression and the packed profile.
fn profile(data: &[u8]) -> Option<Vec<u8>> {
    let end = data.iter().position(|byte| *byte == 0)?;
    match data.get(end + 1..)? {
        [0, packed @ ..] => inflated(packed),
        _ => None,
    }
}

pub(super) fn written(file: &[u8], metadata: &Metadata) -> Result<Vec<u8>, String> {
    let mut rest = chunks(file);
    let header = rest
        .next()
        .filter(|header| header.kind == *b"IHDR")
        .ok_or("no header chunk")?;
    // Ancillary chunks that must precede PLTE or IDAT all go right behind IHDR.
    let mut out = file[..header.whole.end].to_vec();
    if let Some(icc) = &metadata.icc {
        let packed = compress_to_vec_zlib(icc, EFFORT);
        out.extend(chunk(*b"iCCP", &[PROFILE_NAME, &[0], &packed])?);
    }
    for store in same_container(metadata, Format::Png) {
        out.extend(chunk(C2PA, &[store])?);
    }
    if let Some(exif) = &metadata.exif {
        out.extend(chunk(*b"eXIf", &[exif])?);
    }
    if let Some(xmp) = &metadata.xmp {
        out.extend(chunk(*b"iTXt", &[XMP_KEYWORD, PLAIN, xmp])?);
    }
    for chunk in rest {
        let goes = matches!(
            &chunk.kind,
            b"eXIf" | b"iCCP" | b"caBX" | b"iTXt" | b"tEXt" | b"zTXt" | b"tIME"
        );
        if !goes {
            out.extend_from_slice(&file[chunk.whole]);
        }
    }
    Ok(out)
}
