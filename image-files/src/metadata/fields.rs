//! Single fields within EXIF, XMP and IPTC: what services keep, remove or write that do not treat a kind as a whole.

use bytes::Bytes;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::{Reader, Writer};

use crate::containers::tiff::Order;

/// Says when an ICC profile was made: year, month, day, hours, minutes, seconds (ICC.1:2022, 7.2.10). Whoever encodes a profile
/// writes the time of day, so that the same picture would have other bytes every time. What is too short for a header stays.
pub fn set_profile_time(profile: &mut [u8], time: [u16; 6]) {
    let slots = profile.get_mut(24..36).unwrap_or_default();
    for (slot, value) in slots.chunks_exact_mut(2).zip(time) {
        slot.copy_from_slice(&value.to_be_bytes());
    }
}

/// An EXIF block with only these tags of its first directory, in the same byte order; `None` where none is present or
/// the block cannot be read.
pub fn exif_with_only(exif: &[u8], tags: &[u16]) -> Option<Bytes> {
    let order = Order::of(exif)?;
    let mut kept: Vec<(u16, u16, u32, Vec<u8>)> = Vec::new();
    for entry in order.entries(exif, order.u32(exif, 4)?)? {
        let (tag, kind) = (order.u16(exif, entry)?, order.u16(exif, entry + 2)?);
        let count = order.u32(exif, entry + 4)?;
        let unit = match kind {
            1 | 2 | 7 => 1,
            3 => 2,
            4 | 9 => 4,
            _ => continue,
        };
        let length = unit * usize::try_from(count).ok()?;
        let start = if length <= 4 {
            entry + 8
        } else {
            order.u32(exif, entry + 8)? as usize
        };
        let value = exif.get(start..start.checked_add(length)?);
        // A tag stands there once; of thousands of one tag each could name the whole block.
        let is_new = kept.iter().all(|(known, ..)| *known != tag);
        if let Some(value) = value.filter(|_| tags.contains(&tag) && is_new) {
            kept.push((tag, kind, count, value.to_vec()));
        }
    }
    if kept.is_empty() {
        return None;
    }
    let mut block = exif.get(..4)?.to_vec();
    block.extend(order.put32(8));
    block.extend(order.put16(kept.len() as u16));
    let mut free = 8 + 2 + 12 * kept.len() + 4;
    let mut heap = Vec::new();
    for (tag, kind, count, value) in &kept {
        block.extend(order.put16(*tag));
        block.extend(order.put16(*kind));
        block.extend(order.put32(*count));
        if value.len() <= 4 {
            let mut inline = value.clone();
            inline.resize(4, 0);
            block.extend(inline);
        } else {
            block.extend(order.put32(free as u32));
            heap.extend(value);
            // Offsets are even (TIFF 6.0, section 2).
            heap.resize(heap.len().next_multiple_of(2), 0);
            free = 8 + 2 + 12 * kept.len() + 4 + heap.len();
        }
    }
    block.extend([0; 4]);
    block.extend(heap);
    Some(block.into())
}

/// The tag that points to the GPS directory.
const GPS: u16 = 0x8825;

/// An EXIF block whose GPS directory is gone, its values overwritten; the same block where it has none.
pub fn exif_without_location(exif: &Bytes) -> Bytes {
    let edited = || -> Option<Vec<u8>> {
        let order = Order::of(exif)?;
        let first = order.u32(exif, 4)?;
        let entries = order.entries(exif, first)?;
        let at = *entries
            .iter()
            .find(|at| order.u16(exif, **at) == Some(GPS))?;
        let mut block = exif.to_vec();
        let gps = order.u32(exif, at + 8)?;
        for entry in order.entries(exif, gps).unwrap_or_default() {
            let (count, value) = (order.u32(exif, entry + 4)?, order.u32(exif, entry + 8)?);
            // Eight bytes are the largest unit (a fraction); more is never a position.
            let length = (count as usize).min(64) * 8;
            let start = (value as usize).min(block.len());
            if length > 4 && start > entry {
                let end = start.saturating_add(length).min(block.len());
                block[start..end].fill(0);
            }
            block[entry..entry + 12].fill(0);
        }
        // The entries behind move up by one, the link to the next directory with them.
        let end = first as usize + 2 + 12 * entries.len() + 4;
        block.copy_within(at + 12..end, at);
        block[end - 12..end].fill(0);
        let count = order.put16(entries.len() as u16 - 1);
        block[first as usize..first as usize + 2].copy_from_slice(&count);
        Some(block)
    };
    edited().map_or_else(|| exif.clone(), Bytes::from)
}

/// Attributes of one element; no writer comes near.
const MAX_ATTRIBUTES: usize = 4096;

/// An XMP packet with only the properties that `keep` names by `prefix:name` or, for all of a namespace, `prefix:`.
/// Prefixes are taken at their usual meaning. `None` where nothing is left or the packet is not XML.
pub fn xmp_with_only(xmp: &[u8], keep: &[String]) -> Option<Bytes> {
    let kept = |name: &[u8]| {
        let name = String::from_utf8_lossy(name);
        keep.iter()
            .any(|wanted| *name == *wanted || (wanted.ends_with(':') && name.starts_with(wanted)))
    };
    let mut reader = Reader::from_reader(xmp);
    let mut writer = Writer::new(Vec::new());
    // How deep in a Description, and how deep in a property that goes.
    let (mut inside, mut dropped, mut left) = (0_usize, 0_usize, 0_usize);
    let filtered = |start: &BytesStart<'_>| -> Option<(BytesStart<'static>, usize)> {
        let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
        let mut filtered = BytesStart::new(name);
        let mut count = 0;
        // Each is compared with all before it.
        for (number, attribute) in start.attributes().enumerate() {
            let attribute = attribute.ok().filter(|_| number < MAX_ATTRIBUTES)?;
            let key = attribute.key.as_ref();
            if key.starts_with(b"xmlns") || key.starts_with(b"rdf:") {
                filtered.push_attribute(attribute);
            } else if kept(key) {
                count += 1;
                filtered.push_attribute(attribute);
            }
        }
        Some((filtered, count))
    };
    loop {
        let event = reader.read_event().ok()?;
        match event {
            Event::Eof => break,
            Event::Start(start) => {
                let description = start.local_name().as_ref() == b"Description";
                if dropped > 0 {
                    dropped += 1;
                } else if inside == 0 && description {
                    let (start, count) = filtered(&start)?;
                    left += count;
                    inside = 1;
                    writer.write_event(Event::Start(start)).ok()?;
                } else if inside == 1 && !kept(start.name().as_ref()) {
                    dropped = 1;
                } else {
                    left += usize::from(inside == 1);
                    inside += usize::from(inside > 0);
                    writer.write_event(Event::Start(start)).ok()?;
                }
            }
            Event::Empty(start) => {
                if dropped > 0 {
                    continue;
                }
                if inside == 0 && start.local_name().as_ref() == b"Description" {
                    let (start, count) = filtered(&start)?;
                    left += count;
                    writer.write_event(Event::Empty(start)).ok()?;
                } else if inside != 1 || kept(start.name().as_ref()) {
                    left += usize::from(inside == 1);
                    writer.write_event(Event::Empty(start)).ok()?;
                }
            }
            Event::End(end) => {
                if dropped > 0 {
                    dropped -= 1;
                    continue;
                }
                inside = inside.saturating_sub(1);
                let name = String::from_utf8_lossy(end.name().as_ref()).into_owned();
                writer.write_event(Event::End(BytesEnd::new(name))).ok()?;
            }
            other if dropped == 0 => writer.write_event(other).ok()?,
            _ => {}
        }
    }
    (left > 0).then(|| writer.into_inner().into())
}

/// The packet with a `dc:description` of these words in a Description of its own, as a caption editor leaves it; a new
/// packet where there is none or none that can be edited.
pub fn xmp_with_caption(xmp: Option<&Bytes>, words: &str) -> Bytes {
    let words = quick_xml::escape::escape(words);
    let added = format!(
        "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:description><rdf:Alt>\
         <rdf:li xml:lang=\"x-default\">{words}</rdf:li></rdf:Alt></dc:description></rdf:Description>"
    );
    let old = xmp.and_then(|xmp| std::str::from_utf8(xmp).ok());
    let packet = match old.and_then(|old| old.rfind("</rdf:RDF>").map(|at| old.split_at(at))) {
        Some((before, after)) => format!("{before}{added}{after}"),
        None => format!(
            "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             {added}</rdf:RDF></x:xmpmeta>"
        ),
    };
    packet.into()
}

/// A Photoshop resource block with these IPTC application records (dataset number, value).
pub fn iptc(records: &[(u8, String)]) -> Bytes {
    let mut data = Vec::new();
    for (dataset, value) in records {
        data.extend([0x1C, 2, *dataset]);
        let length = value.len().min(0x7FFF);
        data.extend((length as u16).to_be_bytes());
        data.extend(&value.as_bytes()[..length]);
    }
    let mut block = b"Photoshop 3.0\08BIM\x04\x04\0\0".to_vec();
    block.extend((data.len() as u32).to_be_bytes());
    block.extend(&data);
    block.resize(block.len() + data.len() % 2, 0);
    block.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_stands_there_thousands_of_times_is_kept_once() {
        const COUNT: u16 = 5000;
        let length = 8 + 2 + 12 * u32::from(COUNT) + 4;
        let mut exif = b"II\x2a\0\x08\0\0\0".to_vec();
        exif.extend(COUNT.to_le_bytes());
        for _ in 0..COUNT {
            // A description as long as the whole block.
            exif.extend([0x0e, 0x01, 2, 0]);
            exif.extend(length.to_le_bytes());
            exif.extend([0; 4]);
        }
        exif.extend([0; 4]);
        let kept = exif_with_only(&exif, &[0x010e]).unwrap();
        assert_eq!(kept.len(), 8 + 2 + 12 + 4 + exif.len());
    }

    #[test]
    fn an_element_of_more_attributes_than_anybody_writes_is_no_packet() {
        let attributes: String = (0..300_000).map(|k| format!(" a{k}=''")).collect();
        let packet = format!("<Description{attributes}/>");
        assert_eq!(xmp_with_only(packet.as_bytes(), &["a:".to_owned()]), None);
    }
}
