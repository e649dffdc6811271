//! JPEG: metadata in APPn segments (EXIF and XMP in APP1, ICC in APP2, JUMBF in APP11, IPTC in APP13).

use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::{Bytes, ImageICC};

use super::{ManifestStore, Metadata, same_container};
use crate::format::Format;

const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const IPTC: &[u8] = b"Photoshop 3.0\0";
/// Common identifier of a JUMBF segment (ISO 19566-5, D.1).
const JUMBF: &[u8] = b"JP";
/// A segment's length field counts itself and is 16 bits wide.
const MAX_PAYLOAD: usize = 65_533;

fn payload(jpeg: &Jpeg, marker: u8, prefix: &[u8]) -> Option<Bytes> {
    let mut segments = jpeg.segments_by_marker(marker);
    segments
        .find(|segment| segment.contents().starts_with(prefix))
        .map(|segment| segment.contents().clone())
}

pub(super) fn read(bytes: &[u8]) -> Metadata {
    let header = Bytes::from([header(bytes), &[0xFF, markers::EOI]].concat());
    let Ok(jpeg) = Jpeg::from_bytes(header) else {
        return Metadata::default();
    };
    let jumbf: Vec<Bytes> = jpeg
        .segments_by_marker(markers::APP11)
        .filter(|segment| segment.contents().starts_with(JUMBF))
        .map(|segment| segment.contents().clone())
        .collect();
    Metadata {
        exif: payload(&jpeg, markers::APP1, EXIF).map(|contents| contents.slice(EXIF.len()..)),
        xmp: payload(&jpeg, markers::APP1, XMP).map(|contents| contents.slice(XMP.len()..)),
        iptc: payload(&jpeg, markers::APP13, IPTC),
        icc: jpeg.icc_profile(),
        c2pa: (!jumbf.is_empty()).then_some(ManifestStore {
            format: Format::Jpeg,
            payloads: jumbf,
        }),
    }
}

/// The segments before the first scan: metadata lies there, and the scan need not be copied.
fn header(bytes: &[u8]) -> &[u8] {
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == markers::SOS {
            return &bytes[..at];
        }
        at += if marker == 0xFF {
            1
        } else {
            2 + usize::from(u16::from_be_bytes([high, low]))
        };
    }
    bytes
}

pub(super) fn written(file: Vec<u8>, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let mut jpeg = Jpeg::from_bytes(file.into()).map_err(|error| error.to_string())?;
    // APP0 (JFIF) and APP14 (Adobe) say how to read the coded data, so they stay.
    jpeg.segments_mut().retain(|segment| {
        !matches!(
            segment.marker(),
            markers::APP1..=markers::APP13 | markers::APP15 | markers::COM
        )
    });
    let mut insert: Vec<JpegSegment> = Vec::new();
    let mut add = |marker, prefix: &[u8], body: &[u8]| {
        // A body over one segment's limit is dropped, as libjpeg-based tools drop it.
        if prefix.len() + body.len() <= MAX_PAYLOAD {
            insert.push(JpegSegment::new_with_contents(
                marker,
                Bytes::from([prefix, body].concat()),
            ));
        }
    };
    if let Some(exif) = &metadata.exif {
        add(markers::APP1, EXIF, exif);
    }
    if let Some(xmp) = &metadata.xmp {
        add(markers::APP1, XMP, xmp);
    }
    if let Some(iptc) = &metadata.iptc {
        add(markers::APP13, b"", iptc);
    }
    for jumbf in same_container(metadata, Format::Jpeg) {
        add(markers::APP11, b"", jumbf);
    }
    let after_jfif = jpeg
        .segments()
        .iter()
        .take_while(|segment| segment.marker() == markers::APP0)
        .count();
    jpeg.segments_mut().splice(after_jfif..after_jfif, insert);
    if metadata.icc.is_some() {
        jpeg.set_icc_profile(metadata.icc.clone());
    }
    Ok(jpeg.encoder().bytes().to_vec())
}
