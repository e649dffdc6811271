//! JPEG: metadata in APPn segments (EXIF and XMP in APP1, ICC in APP2, JUMBF in APP11, IPTC in APP13).

use bytes::Bytes;

use super::{ManifestStore, Metadata, same_container};
use crate::containers::jpeg::{APP0, APP1, APP11, XMP_HEADER, header_end, segments};
use crate::format::Format;

const EXIF: &[u8] = b"Exif\0\0";
const IPTC: &[u8] = b"Photoshop 3.0\0";
/// Common identifier of a JUMBF segment (ISO 19566-5, D.1).
const JUMBF: &[u8] = b"JP";
/// What stands before a part of a profile: this, its number, and the number of parts (ICC.1, B.4).
const ICC: &[u8] = b"ICC_PROFILE\0";
const APP2: u8 = 0xe2;
const APP13: u8 = 0xed;
const APP15: u8 = 0xef;
const COMMENT: u8 = 0xfe;
/// A segment's length field counts itself and is 16 bits wide.
const MAX_PAYLOAD: usize = 65_533;

pub(super) fn read(bytes: &[u8]) -> Metadata {
    let mut found = Metadata::default();
    let (mut jumbf, mut profile) = (Vec::new(), Vec::new());
    for segment in segments(bytes) {
        let payload = &bytes[segment.payload];
        let first = |held: &mut Option<Bytes>, data: &[u8]| {
            held.get_or_insert_with(|| Bytes::copy_from_slice(data));
        };
        match segment.marker {
            APP1 => {
                if let Some(exif) = payload.strip_prefix(EXIF) {
                    first(&mut found.exif, exif);
                } else if let Some(xmp) = payload.strip_prefix(XMP_HEADER) {
                    first(&mut found.xmp, xmp);
                }
            }
            APP2 => {
                if let Some([number, count, part @ ..]) = payload.strip_prefix(ICC) {
                    profile.push((*number, *count, part));
                }
            }
            APP11 if payload.starts_with(JUMBF) => jumbf.push(Bytes::copy_from_slice(payload)),
            APP13 if payload.starts_with(IPTC) => first(&mut found.iptc, payload),
            _ => {}
        }
    }
    found.icc = assembled(profile);
    found.c2pa = (!jumbf.is_empty()).then_some(ManifestStore {
        format: Format::Jpeg,
        payloads: jumbf,
    });
    found
}

/// A profile from its parts. As libjpeg does it: with a part missing, doubled or of another count there is none.
fn assembled(mut parts: Vec<(u8, u8, &[u8])>) -> Option<Bytes> {
    parts.sort_by_key(|(number, ..)| *number);
    let count = parts.len();
    let is_whole = parts.iter().enumerate().all(|(place, (number, of, _))| {
        usize::from(*number) == place + 1 && usize::from(*of) == count
    });
    let whole = || {
        Bytes::from(
            parts
                .iter()
                .map(|(.., part)| *part)
                .collect::<Vec<_>>()
                .concat(),
        )
    };
    (count > 0 && is_whole).then(whole)
}

pub(super) fn written(file: &[u8], metadata: &Metadata) -> Result<Vec<u8>, String> {
    let end = header_end(file);
    if file.get(end) != Some(&0xff) {
        return Err("no marker where a segment should begin".to_owned());
    }
    // APP0 (JFIF) and APP14 (Adobe) say how to read the coded data, so they stay.
    let kept: Vec<_> = segments(file)
        .filter(|segment| !matches!(segment.marker, APP1..=APP13 | APP15 | COMMENT))
        .collect();
    let jfif = kept
        .iter()
        .take_while(|segment| segment.marker == APP0)
        .count();
    let mut out = file[..2].to_vec();
    for segment in &kept[..jfif] {
        out.extend_from_slice(&file[segment.whole.clone()]);
    }
    let mut add = |marker: u8, parts: &[&[u8]]| {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        // A body over one segment's limit is dropped, as libjpeg-based tools drop it.
        if length <= MAX_PAYLOAD {
            out.extend([0xff, marker]);
            out.extend((length as u16 + 2).to_be_bytes());
            parts.iter().for_each(|part| out.extend_from_slice(part));
        }
    };
    if let Some(exif) = &metadata.exif {
        add(APP1, &[EXIF, exif]);
    }
    if let Some(xmp) = &metadata.xmp {
        add(APP1, &[XMP_HEADER, xmp]);
    }
    if let Some(iptc) = &metadata.iptc {
        add(APP13, &[iptc]);
    }
    for jumbf in same_container(metadata, Format::Jpeg) {
        add(APP11, &[jumbf]);
    }
    if let Some(icc) = &metadata.icc {
        let size = MAX_PAYLOAD - ICC.len() - 2;
        // At least one part, even of an empty profile; one of more parts than a byte counts cannot be held.
        if let Ok(count) = u8::try_from(icc.len().div_ceil(size).max(1)) {
            for number in 0..count {
                let from = size * usize::from(number);
                let part = &icc[from..icc.len().min(from + size)];
                add(APP2, &[ICC, &[number + 1, count], part]);
            }
        }
    }
    for segment in &kept[jfif..] {
        out.extend_from_slice(&file[segment.whole.clone()]);
    }
    out.extend_from_slice(&file[end..]);
    Ok(out)
}
