//! TIFF directories (TIFF 6.0 section 2; BigTIFF; XMP specification part 3, 3.3.3: tag 700; C2PA: tag
//! 0xcd41).
//!
//! Writing appends the packet and a new copy of the first directory to the file and points the header at
//! that copy, so no offset in the file moves.

use std::ops::Range;

use super::{ContainerError, Frame, MediaType, array};

const XMP_TAG: u16 = 700;
const C2PA_TAG: u16 = 0xcd41;
const BYTE: u16 = 1;

/// Byte order and offset width of a file.
#[derive(Clone, Copy)]
struct Layout {
    little: bool,
    big: bool,
}

impl Layout {
    fn of(bytes: &[u8]) -> Option<Self> {
        let little = bytes.starts_with(b"II");
        match (Self { little, big: false }).u16(bytes, 2)? {
            42 => Some(Self { little, big: false }),
            43 => Some(Self { little, big: true }),
            _ => None,
        }
    }

    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        array(bytes, at).map(if self.little {
            u16::from_le_bytes
        } else {
            u16::from_be_bytes
        })
    }

    /// An offset or count: four bytes, eight in BigTIFF.
    fn offset(self, bytes: &[u8], at: usize) -> Option<usize> {
        let value = match (self.big, self.little) {
            (false, true) => u32::from_le_bytes(array(bytes, at)?).into(),
            (false, false) => u32::from_be_bytes(array(bytes, at)?).into(),
            (true, true) => u64::from_le_bytes(array(bytes, at)?),
            (true, false) => u64::from_be_bytes(array(bytes, at)?),
        };
        usize::try_from(value).ok()
    }

    fn put_u16(self, value: u16) -> [u8; 2] {
        if self.little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    }

    fn put_offset(self, value: usize) -> Option<Vec<u8>> {
        let value = value as u64;
        Some(match (self.big, self.little) {
            (false, true) => u32::try_from(value).ok()?.to_le_bytes().to_vec(),
            (false, false) => u32::try_from(value).ok()?.to_be_bytes().to_vec(),
            (true, true) => value.to_le_bytes().to_vec(),
            (true, false) => value.to_be_bytes().to_vec(),
        })
    }

    fn width(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// Where the header keeps the offset of the first directory.
    fn header_field(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    fn entry_length(self) -> usize {
        4 + 2 * self.width()
    }
}

/// A directory: its entries, and behind them the field that points to the next.
struct Directory {
    layout: Layout,
    entries: Range<usize>,
}

/// Entries that are read at most, over all directories: a chain may loop. Ten thousand pages have fewer.
const MAX_ENTRIES: usize = 1 << 20;

/// The directories in the order of their chain; stops where it ends or breaks.
fn directories(bytes: &[u8]) -> impl Iterator<Item = Directory> {
    let mut left = MAX_ENTRIES;
    let mut next = Layout::of(bytes)
        .and_then(|layout| Some((layout, layout.offset(bytes, layout.header_field())?)));
    std::iter::from_fn(move || {
        let (layout, start) = next.take().filter(|(_, start)| *start != 0)?;
        let (count, header) = if layout.big {
            (layout.offset(bytes, start)?, 8)
        } else {
            (usize::from(layout.u16(bytes, start)?), 2)
        };
        let first = start.checked_add(header)?;
        let end = first.checked_add(count.checked_mul(layout.entry_length())?)?;
        next = Some((layout, layout.offset(bytes, end)?));
        // A directory costs something even without entries.
        left = left.checked_sub(count.checked_add(1)?)?;
        Some(Directory {
            layout,
            entries: first..end,
        })
    })
}

impl Directory {
    /// Tag and place of each entry.
    fn entries(&self, bytes: &[u8]) -> Vec<(u16, Range<usize>)> {
        let length = self.layout.entry_length();
        self.entries
            .clone()
            .step_by(length)
            .filter_map(|at| Some((self.layout.u16(bytes, at)?, at..at + length)))
            .collect()
    }
}

pub(super) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
    let directory = directories(bytes).next()?;
    let (_, entry) = directory
        .entries(bytes)
        .into_iter()
        .find(|(tag, _)| *tag == XMP_TAG)?;
    let layout = directory.layout;
    let length = layout.offset(bytes, entry.start + 4)?;
    let value = entry.start + 4 + layout.width();
    // A value that fits into the offset field stands in it; no packet is that short.
    let at = layout.offset(bytes, value)?;
    bytes.get(at..at.checked_add(length)?).map(<[u8]>::to_vec)
}

pub(super) fn with_xmp(bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let directory = directories(bytes).next().ok_or(ContainerError::Damaged(
        MediaType::Tiff,
        "first directory out of bounds",
    ))?;
    appended(bytes, &directory, packet)
        .ok_or(ContainerError::Damaged(MediaType::Tiff, "file over 4 GiB"))
}

fn appended(bytes: &[u8], directory: &Directory, packet: &[u8]) -> Option<Vec<u8>> {
    let layout = directory.layout;
    let mut out = Vec::with_capacity(bytes.len() + packet.len() + directory.entries.len() + 64);
    out.extend_from_slice(bytes);
    // Offsets are even (TIFF 6.0, section 2).
    out.resize(out.len().next_multiple_of(2), 0);
    let at = out.len();
    out.extend_from_slice(packet);
    out.resize(out.len().next_multiple_of(2), 0);

    let mut entry = Vec::with_capacity(layout.entry_length());
    entry.extend_from_slice(&layout.put_u16(XMP_TAG));
    entry.extend_from_slice(&layout.put_u16(BYTE));
    entry.extend(layout.put_offset(packet.len())?);
    entry.extend(layout.put_offset(at)?);

    let mut entries: Vec<(u16, &[u8])> = directory
        .entries(bytes)
        .into_iter()
        .filter(|(tag, _)| *tag != XMP_TAG)
        .map(|(tag, place)| (tag, &bytes[place]))
        .collect();
    // Readers search by binary search, so entries stay ascending; a file that breaks the rule keeps its order.
    let place = entries
        .iter()
        .position(|(tag, _)| *tag > XMP_TAG)
        .unwrap_or(entries.len());
    entries.insert(place, (XMP_TAG, &entry));

    let start = out.len();
    if layout.big {
        out.extend(layout.put_offset(entries.len())?);
    } else {
        out.extend_from_slice(&layout.put_u16(u16::try_from(entries.len()).ok()?));
    }
    for (_, entry) in entries {
        out.extend_from_slice(entry);
    }
    out.extend_from_slice(&bytes[directory.entries.end..][..layout.width()]);
    let start = layout.put_offset(start)?;
    out[layout.header_field()..][..start.len()].copy_from_slice(&start);
    Some(out)
}

/// The value of the manifest's only entry, and the entry's count field.
pub(super) fn manifest_frame(bytes: &[u8]) -> Option<Frame> {
    let mut found = Vec::new();
    for directory in directories(bytes) {
        let layout = directory.layout;
        let of_manifest = directory.entries(bytes).into_iter();
        found.extend(
            of_manifest
                .filter(|(tag, _)| *tag == C2PA_TAG)
                .map(|(_, at)| (layout, at)),
        );
    }
    let [(layout, entry)] = &found[..] else {
        return None;
    };
    let count = entry.start + 4..entry.start + 4 + layout.width();
    let length = layout.offset(bytes, count.start)?;
    let at = layout.offset(bytes, count.end)?;
    let value = at..at.checked_add(length)?;
    let jumbf = bytes.get(value.clone())?.to_vec();
    let mut ranges = vec![count, value];
    ranges.sort_by_key(|range| range.start);
    Some(Frame { jumbf, ranges })
}

pub(super) fn has_manifest(bytes: &[u8]) -> bool {
    // In the last directory, in older files in the first.
    directories(bytes).any(|directory| {
        directory
            .entries(bytes)
            .iter()
            .any(|(tag, _)| *tag == C2PA_TAG)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two directories of two entries each, in any of the four layouts.
    fn file(layout: Layout) -> Vec<u8> {
        let mut out = if layout.little {
            b"II".to_vec()
        } else {
            b"MM".to_vec()
        };
        out.extend(layout.put_u16(if layout.big { 43 } else { 42 }));
        if layout.big {
            out.extend(layout.put_u16(8));
            out.extend(layout.put_u16(0));
        }
        let first = out.len() + layout.width();
        out.extend(layout.put_offset(first).unwrap());
        let count = if layout.big { 8 } else { 2 };
        let second = first + count + 2 * layout.entry_length() + layout.width();
        for (tags, next) in [([256, 1000], second), ([256, 257], 0)] {
            if layout.big {
                out.extend(layout.put_offset(2).unwrap());
            } else {
                out.extend(layout.put_u16(2));
            }
            for tag in tags {
                out.extend(layout.put_u16(tag));
                out.extend(layout.put_u16(3));
                out.extend(layout.put_offset(1).unwrap());
                out.extend(layout.put_offset(tag.into()).unwrap());
            }
            out.extend(layout.put_offset(next).unwrap());
        }
        out
    }

    #[test]
    fn a_packet_goes_into_every_layout_and_nothing_moves() {
        for (little, big) in [(true, false), (false, false), (true, true), (false, true)] {
            let layout = Layout { little, big };
            let file = file(layout);
            assert_eq!(xmp(&file), None);
            let mut linked = with_xmp(&file, b"<packet one/>").unwrap();
            assert_eq!(xmp(&linked).unwrap(), b"<packet one/>");
            linked = with_xmp(&linked, b"<two/>").unwrap();
            assert_eq!(xmp(&linked).unwrap(), b"<two/>");
            let tags: Vec<Vec<u16>> = directories(&linked)
                .map(|d| d.entries(&linked).into_iter().map(|(tag, _)| tag).collect())
                .collect();
            assert_eq!(tags, [vec![256, 700, 1000], vec![256, 257]]);
            let header = layout.header_field() + layout.width();
            assert_eq!(linked[header..file.len()], file[header..]);
        }
    }

    #[test]
    fn a_chain_that_loops_ends() {
        let mut file = file(Layout {
            little: true,
            big: false,
        });
        let last = file.len() - 4;
        file[last..].copy_from_slice(&8_u32.to_le_bytes());
        assert!(!has_manifest(&file));
    }
}
