//! JPEG marker segments (ITU-T T.81 annex B; XMP specification part 3, 1.1.3; C2PA, JUMBF in APP11).

use std::ops::Range;

use super::{ContainerError, Frame, MediaType, spliced};

const XMP_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP11: u8 = 0xeb;
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// One segment before the first scan.
struct Segment {
    marker: u8,
    /// Marker, length and payload.
    whole: Range<usize>,
    payload: Range<usize>,
}

/// The segments before the first scan. Stops without error where the structure ends or breaks.
fn segments(bytes: &[u8]) -> impl Iterator<Item = Segment> {
    let mut at = 2;
    std::iter::from_fn(move || {
        // A marker may be preceded by any number of fill bytes (B.1.1.2).
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let marker = *bytes.get(at + 1)?;
        if bytes.get(at) != Some(&0xff) || matches!(marker, 0 | START_OF_SCAN | END_OF_IMAGE) {
            return None;
        }
        let length = match marker {
            // TEM and the restart markers stand alone.
            0x01 | 0xd0..=0xd8 => 0,
            _ => usize::from(u16::from_be_bytes(super::array(bytes, at + 2)?)).max(2),
        };
        let end = at + 2 + length;
        if end > bytes.len() {
            return None;
        }
        let segment = Segment {
            marker,
            whole: at..end,
            payload: (at + 4).min(end)..end,
        };
        at = end;
        Some(segment)
    })
}

fn is_xmp(bytes: &[u8], segment: &Segment) -> bool {
    segment.marker == APP1 && bytes[segment.payload.clone()].starts_with(XMP_HEADER)
}

pub(super) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
    segments(bytes)
        .find(|segment| is_xmp(bytes, segment))
        .map(|segment| {
            bytes[segment.payload.start + XMP_HEADER.len()..segment.payload.end].to_vec()
        })
}

pub(super) fn with_xmp(bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let length = u16::try_from(2 + XMP_HEADER.len() + packet.len())
        .map_err(|_| ContainerError::PacketTooLong(packet.len()))?;
    let place = match segments(bytes).find(|segment| is_xmp(bytes, segment)) {
        Some(segment) => segment.whole,
        None => {
            // JFIF and Exif readers expect their segment first, so XMP follows them.
            let end = segments(bytes)
                .take_while(|segment| {
                    segment.marker == APP0
                        || segment.marker == APP1
                            && bytes[segment.payload.clone()].starts_with(b"Exif\0")
                })
                .last()
                .map_or(2, |segment| segment.whole.end);
            if bytes.get(end) != Some(&0xff) {
                return Err(ContainerError::Damaged(
                    MediaType::Jpeg,
                    "no marker where a segment should begin",
                ));
            }
            end..end
        }
    };
    let marker = [0xff, APP1];
    Ok(spliced(
        bytes,
        place,
        &[&marker, &length.to_be_bytes(), XMP_HEADER, packet],
    ))
}

/// The manifest in one unbroken run of APP11 segments that belong together (ISO/IEC 19566-5, annex D: common identifier,
/// box instance number, packet sequence number, and the length and type of the box in each). `None` where segments lie
/// apart, where another box lies among them, or where there is a second manifest: decoders would read what lies between.
pub(super) fn manifest_frame(bytes: &[u8]) -> Option<Frame> {
    let mut found: Option<(Frame, [u8; 2])> = None;
    for segment in segments(bytes).filter(|s| s.marker == APP11) {
        let payload = &bytes[segment.payload.clone()];
        if !payload.starts_with(b"JP") {
            continue;
        }
        let instance: [u8; 2] = super::array(payload, 2)?;
        let number = u32::from_be_bytes(super::array(payload, 4)?);
        let header = payload.get(8..16)?;
        let data = payload.get(16..)?;
        match &mut found {
            None if number == 1 => {
                let frame = Frame {
                    jumbf: payload[8..].to_vec(),
                    ranges: vec![segment.whole],
                };
                found = Some((frame, instance));
            }
            Some((frame, of_first))
                if instance == *of_first
                    && number as usize == frame.ranges.len() + 1
                    && header == &frame.jumbf[..8]
                    && segment.whole.start == frame.ranges[frame.ranges.len() - 1].end =>
            {
                frame.jumbf.extend_from_slice(data);
                frame.ranges.push(segment.whole);
            }
            _ => return None,
        }
    }
    found.map(|(frame, _)| frame)
}

pub(super) fn has_manifest(bytes: &[u8]) -> bool {
    segments(bytes)
        .any(|segment| segment.marker == APP11 && bytes[segment.payload.clone()].starts_with(b"JP"))
}
