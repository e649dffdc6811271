//! JPEG marker segments (ITU-T T.81 annex B; XMP specification part 3, 1.1.3; C2PA, JUMBF in APP11).

use std::collections::BTreeSet;
use std::ops::Range;

use super::{ManifestPlace, array, spliced};
use crate::error::ContainerError;
use crate::format::Format;

pub(crate) const XMP_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
pub(crate) const APP0: u8 = 0xe0;
pub(crate) const APP1: u8 = 0xe1;
pub(crate) const APP11: u8 = 0xeb;
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// One segment before the first scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The second byte of its marker.
    pub marker: u8,
    /// Marker, length and payload.
    pub whole: Range<usize>,
    /// What is behind the length; empty for markers that stand alone.
    pub payload: Range<usize>,
}

/// The segments before the first scan, in file order. Stops without error where the structure ends or breaks.
pub fn segments(bytes: &[u8]) -> impl Iterator<Item = Segment> {
    let mut at = 2;
    std::iter::from_fn(move || {
        let segment = segment_at(bytes, at)?;
        at = segment.whole.end;
        Some(segment)
    })
}

/// The segment that begins at `at` or behind fill bytes there; `None` at the start of a scan, at the end of the image, and
/// where there is no whole segment.
fn segment_at(bytes: &[u8], mut at: usize) -> Option<Segment> {
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
        // A length counts its own two bytes (B.1.1.4).
        _ => usize::from(u16::from_be_bytes(array(bytes, at + 2)?)).checked_sub(2)? + 2,
    };
    let end = at + 2 + length;
    (end <= bytes.len()).then(|| Segment {
        marker,
        whole: at..end,
        payload: (at + 4).min(end)..end,
    })
}

/// The segments behind the first scan and before the end of the image: tables of further scans, as a rule.
pub fn segments_between_scans(bytes: &[u8]) -> impl Iterator<Item = Segment> {
    let mut at = header_end(bytes);
    std::iter::from_fn(move || {
        loop {
            if let Some(segment) = segment_at(bytes, at) {
                at = segment.whole.end;
                return Some(segment);
            }
            at = after_scan(bytes, at)?;
        }
    })
}

/// Behind the scan that begins at `at`: where the next marker stands that does not belong to its data.
fn after_scan(bytes: &[u8], mut at: usize) -> Option<usize> {
    while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
        at += 1;
    }
    if bytes.get(at..at + 2)? != [0xff, START_OF_SCAN] {
        return None;
    }
    at += 2 + usize::from(u16::from_be_bytes(array(bytes, at + 2)?));
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match bytes.get(at + 1)? {
            // A stuffed byte of the data, a restart, and a fill byte.
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}

/// Behind the marker that ends the first image of a file; `None` where the file is cut off before it.
#[must_use]
pub fn image_end(bytes: &[u8]) -> Option<usize> {
    let mut at = header_end(bytes);
    loop {
        if bytes.get(at..at + 2)? == [0xff, END_OF_IMAGE] {
            return Some(at + 2);
        }
        at = match segment_at(bytes, at) {
            Some(segment) => segment.whole.end,
            None => after_scan(bytes, at)?,
        };
    }
}

/// The frame header, among whose markers DHT, JPG and DAC are none (B.1.1.3).
fn frame(bytes: &[u8]) -> Option<Segment> {
    let is_frame =
        |marker: u8| matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
    segments(bytes).find(|segment| is_frame(segment.marker))
}

/// The number of colour components, by the frame header: 1, 3 or, with inks, 4.
#[must_use]
pub fn components(bytes: &[u8]) -> Option<u8> {
    bytes[frame(bytes)?.payload].get(5).copied()
}

/// Whether the first scan of a sequential file holds fewer components than the frame: they are coded one after the other, not
/// in turn (A.2.1).
pub(crate) fn has_separate_scans(bytes: &[u8]) -> bool {
    let is_sequential = frame(bytes).is_some_and(|frame| matches!(frame.marker, 0xc0 | 0xc1));
    let scan = segments(bytes).last().map(|last| last.whole.end);
    // Marker, length, and the number of components (B.2.3); fill bytes may stand before.
    let scan = scan.and_then(|at| bytes.get(at..));
    let scan = scan.map(|scan| &scan[scan.iter().take_while(|byte| **byte == 0xff).count()..]);
    let in_scan = match scan {
        Some([START_OF_SCAN, _, _, count, ..]) => Some(*count),
        _ => None,
    };
    is_sequential && in_scan.is_some() && in_scan < components(bytes)
}

/// Where the segments of a C2PA manifest lie: those of the boxes whose description says so, by their instance numbers.
#[must_use]
pub fn manifest_segments(bytes: &[u8]) -> Vec<Range<usize>> {
    let jumbf = || {
        segments(bytes).filter(|segment| {
            segment.marker == APP11 && bytes[segment.payload.clone()].starts_with(b"JP")
        })
    };
    // Behind identifier, instance, number and the box's header stands the description, which begins with the type.
    let is_manifest = |payload: &[u8]| {
        payload.get(20..24) == Some(b"jumd") && payload.get(24..28) == Some(b"c2pa")
    };
    let instances: BTreeSet<&[u8]> = jumbf()
        .map(|segment| &bytes[segment.payload])
        .filter(|payload| is_manifest(payload))
        .filter_map(|payload| payload.get(2..4))
        .collect();
    jumbf()
        .filter(|segment| {
            let instance = bytes[segment.payload.clone()].get(2..4);
            instance.is_some_and(|instance| instances.contains(&instance))
        })
        .map(|segment| segment.whole)
        .collect()
}

/// Whether a segment is one of these, in the order of the file.
pub(crate) fn is_among(segment: &Segment, places: &[Range<usize>]) -> bool {
    let start = segment.whole.start;
    places
        .binary_search_by_key(&start, |place| place.start)
        .is_ok()
}

/// Where the segments before the first scan end.
pub(crate) fn header_end(bytes: &[u8]) -> usize {
    segments(bytes)
        .last()
        .map_or(2, |segment| segment.whole.end)
}

fn is_xmp(bytes: &[u8], segment: &Segment) -> bool {
    segment.marker == APP1 && bytes[segment.payload.clone()].starts_with(XMP_HEADER)
}

pub(crate) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
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
                return Err(ContainerError::damaged(
                    Format::Jpeg,
                    "no marker where a segment should begin",
                ));
            }
            end..end
        }
    };
    let marker = [0xff, APP1];
    let parts: [&[u8]; 4] = [&marker, &length.to_be_bytes(), XMP_HEADER, packet];
    Ok(spliced(bytes, place, &parts))
}

/// The manifest in one unbroken run of APP11 segments that belong together (ISO/IEC 19566-5, annex D: common identifier,
/// box instance number, packet sequence number, and the length and type of the box in each). `None` where segments lie
/// apart, where another box lies among them, or where there is a second manifest: decoders would read what lies between.
pub(super) fn manifest_place(bytes: &[u8]) -> Option<ManifestPlace> {
    let mut found: Option<(ManifestPlace, [u8; 2])> = None;
    let manifest = manifest_segments(bytes);
    for segment in segments(bytes).filter(|segment| is_among(segment, &manifest)) {
        let payload = &bytes[segment.payload.clone()];
        let instance: [u8; 2] = array(payload, 2)?;
        let number = u32::from_be_bytes(array(payload, 4)?);
        let header = payload.get(8..16)?;
        let data = payload.get(16..)?;
        match &mut found {
            None if number == 1 => {
                let frame = ManifestPlace {
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
    !manifest_segments(bytes).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_many_instances_cost_no_more_than_their_bytes() {
        let segment = |payload: &[u8]| {
            let length = (payload.len() as u16 + 2).to_be_bytes();
            [&[0xff, APP11][..], &length, payload].concat()
        };
        let manifest = |instance: u16| {
            let head = [b"JP", &instance.to_be_bytes()[..], &[0, 0, 0, 1]].concat();
            segment(&[&head[..], b"\0\0\0\x20jumb\0\0\0\x18jumdc2pa"].concat())
        };
        let others = |instance: u16| segment(&[b"JP", &instance.to_be_bytes()[..]].concat());
        let manifests: Vec<u8> = (0..20_000).flat_map(manifest).collect();
        let rest: Vec<u8> = (20_000..u16::MAX).flat_map(others).collect();
        let file = [&[0xff, 0xd8][..], &manifests, &rest, &[0xff, END_OF_IMAGE]].concat();
        assert_eq!(manifest_segments(&file).len(), 20_000);
        assert!(manifest_place(&file).is_none());
        let first = manifest_segments(&file[..2 + 32]);
        let among = segments(&file).filter(|segment| is_among(segment, &first));
        assert!(
            among
                .map(|segment| segment.whole)
                .eq(std::iter::once(2..2 + 32))
        );
    }
}
