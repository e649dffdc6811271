//! TIFF directories (TIFF 6.0 section 2; BigTIFF; XMP specification part 3, 3.3.3: tag 700; C2PA: tag
//! 0xcd41).
//!
//! Writing appends the packet and a new copy of the first directory to the file and points the header at
//! that copy, so no offset in the file moves.

use std::ops::Range;

use super::{ManifestPlace, array};
use crate::error::ContainerError;
use crate::format::Format;

const XMP_TAG: u16 = 700;
const C2PA_TAG: u16 = 0xcd41;
const BYTE: u16 = 1;

/// Byte order of a TIFF structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn of(exif: &[u8]) -> Option<Self> {
        match exif.get(..4)? {
            [b'I', b'I', 42, 0] => Some(Self::Little),
            [b'M', b'M', 0, 42] => Some(Self::Big),
            _ => None,
        }
    }

    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    pub(crate) fn put16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn put32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn is_big(self) -> bool {
        matches!(self, Self::Big)
    }

    /// Where the 12-byte entries of a directory lie; `None` where it reaches beyond the block, or lies on its header.
    pub(crate) fn entries(self, bytes: &[u8], directory: u32) -> Option<Vec<usize>> {
        let start = usize::try_from(directory).ok().filter(|at| *at >= 8)?;
        let count = usize::from(self.u16(bytes, start)?);
        bytes.get(start..start + 2 + 12 * count + 4)?;
        Some((0..count).map(|index| start + 2 + 12 * index).collect())
    }
}

/// Byte order and offset width of a file.
#[derive(Clone, Copy)]
struct Layout {
    order: Order,
    big: bool,
}

impl Layout {
    fn of(bytes: &[u8]) -> Option<Self> {
        let order = if bytes.starts_with(b"II") {
            Order::Little
        } else {
            Order::Big
        };
        match order.u16(bytes, 2)? {
            42 => Some(Self { order, big: false }),
            43 => Some(Self { order, big: true }),
            _ => None,
        }
    }

    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        self.order.u16(bytes, at)
    }

    /// A number of as many bytes as there are.
    fn number(self, bytes: &[u8]) -> u64 {
        let sum = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        match self.order {
            Order::Little => bytes.iter().rev().fold(0, sum),
            Order::Big => bytes.iter().fold(0, sum),
        }
    }

    /// An offset or count: four bytes, eight in BigTIFF.
    fn offset(self, bytes: &[u8], at: usize) -> Option<usize> {
        let value = match (self.big, self.order) {
            (false, order) => order.u32(bytes, at)?.into(),
            (true, Order::Little) => u64::from_le_bytes(array(bytes, at)?),
            (true, Order::Big) => u64::from_be_bytes(array(bytes, at)?),
        };
        usize::try_from(value).ok()
    }

    fn put_u16(self, value: u16) -> [u8; 2] {
        self.order.put16(value)
    }

    fn put_offset(self, value: usize) -> Option<Vec<u8>> {
        let value = value as u64;
        Some(match (self.big, self.order) {
            (false, order) => order.put32(u32::try_from(value).ok()?).to_vec(),
            (true, Order::Little) => value.to_le_bytes().to_vec(),
            (true, Order::Big) => value.to_be_bytes().to_vec(),
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
        let directory = directory_at(layout, bytes, start)?;
        next = Some((layout, layout.offset(bytes, directory.entries.end)?));
        // A directory costs something even without entries.
        let count = directory.entries.len() / layout.entry_length();
        left = left.checked_sub(count + 1)?;
        Some(directory)
    })
}

fn directory_at(layout: Layout, bytes: &[u8], start: usize) -> Option<Directory> {
    let (count, header) = if layout.big {
        (layout.offset(bytes, start)?, 8)
    } else {
        (usize::from(layout.u16(bytes, start)?), 2)
    };
    let first = start.checked_add(header)?;
    let entries = first..first.checked_add(count.checked_mul(layout.entry_length())?)?;
    // Behind the entries stands where the next directory lies.
    bytes.get(entries.end..entries.end.checked_add(layout.width())?)?;
    Some(Directory { layout, entries })
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

pub(crate) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
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
    let directory = directories(bytes)
        .next()
        .ok_or_else(|| ContainerError::damaged(Format::Tiff, "first directory out of bounds"))?;
    appended(bytes, &directory, packet)
        .ok_or_else(|| ContainerError::damaged(Format::Tiff, "file over 4 GiB"))
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

/// Whether a file is BigTIFF, with offsets of 64 bits.
#[must_use]
pub fn is_big(bytes: &[u8]) -> bool {
    let is_tiff = bytes.starts_with(b"II") || bytes.starts_with(b"MM");
    is_tiff && Layout::of(bytes).is_some_and(|layout| layout.big)
}

/// Bytes of one value of each type, by its number (TIFF 6.0, section 2; BigTIFF adds 16 to 18).
pub(crate) const SIZES: [usize; 19] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/// Where the value of an entry lies; `None` where it reaches beyond the file or its type is unknown.
fn value_place(layout: Layout, bytes: &[u8], entry: usize) -> Option<Range<usize>> {
    let size = *SIZES.get(usize::from(layout.u16(bytes, entry + 2)?))?;
    let length = layout.offset(bytes, entry + 4)?.checked_mul(size)?;
    let field = entry + 4 + layout.width();
    let start = if length <= layout.width() {
        field
    } else {
        layout.offset(bytes, field)?
    };
    let place = start..start.checked_add(length)?;
    // What lies on the header, which every writer changes, is nobody's value.
    let is_apart = start >= layout.header_field() + layout.width();
    bytes
        .get(place.clone())
        .filter(|_| length > 0 && is_apart)
        .map(|_| place)
}

/// The numbers of the entry that begins there; none where its value reaches beyond the file.
fn numbers_at(bytes: &[u8], layout: Layout, entry: usize) -> Vec<u64> {
    let values = || {
        let size = *SIZES.get(usize::from(layout.u16(bytes, entry + 2)?))?;
        let values = bytes[value_place(layout, bytes, entry)?].chunks_exact(size.max(1));
        Some(values.map(|number| layout.number(number)).collect())
    };
    values().unwrap_or_default()
}

/// The numbers of the first entry of that tag; none where there is none.
fn numbers(bytes: &[u8], directory: &Directory, wanted: u16) -> Vec<u64> {
    let entries = directory.entries(bytes).into_iter();
    let entry = entries
        .filter(|(tag, _)| *tag == wanted)
        .map(|(_, entry)| entry.start)
        .next();
    entry.map_or_else(Vec::new, |entry| numbers_at(bytes, directory.layout, entry))
}

/// Where the pieces of a directory's picture lie: strips, tiles, an old JPEG stream.
fn pieces_of(bytes: &[u8], directory: &Directory) -> impl Iterator<Item = Range<u64>> {
    // Places and sizes.
    [(273, 279), (324, 325), (513, 514)]
        .into_iter()
        .flat_map(|(places, sizes)| {
            let places = numbers(bytes, directory, places);
            places.into_iter().zip(numbers(bytes, directory, sizes))
        })
        .map(|(at, size)| at..at.saturating_add(size))
}

/// Where the pieces of the pictures of all pages lie, those that lie in the file.
pub(crate) fn pieces(bytes: &[u8]) -> Vec<Range<usize>> {
    let in_file = |piece: Range<u64>| {
        let [start, end] = [piece.start, piece.end].map(|at| usize::try_from(at).ok());
        Some(start?..end?.min(bytes.len())).filter(|piece| piece.start < piece.end)
    };
    directories(bytes)
        .flat_map(|directory| {
            let pieces = pieces_of(bytes, &directory).filter_map(in_file);
            pieces.collect::<Vec<_>>()
        })
        .collect()
}

/// Whether every strip and tile lies within the file.
pub(crate) fn has_all_strips(bytes: &[u8]) -> bool {
    directories(bytes)
        .all(|directory| pieces_of(bytes, &directory).all(|it| it.end <= bytes.len() as u64))
}

/// Where all ends that a directory leads to: entries, values, pieces of pictures, directories below.
pub(crate) fn end(bytes: &[u8]) -> usize {
    let mut left = MAX_ENTRIES;
    let ends = directories(bytes).map(|directory| directory_end(bytes, &directory, 0, &mut left));
    ends.max().unwrap_or(0).min(bytes.len())
}

/// The same of one directory and of those below it; `left` entries are looked at in all.
fn directory_end(bytes: &[u8], directory: &Directory, depth: usize, left: &mut usize) -> usize {
    /// The tag of directories of further pictures (TIFF Technical Note 1).
    const PICTURES: u16 = 330;
    let layout = directory.layout;
    let mut end = directory.entries.end + layout.width();
    // A directory costs something even without entries.
    let count = directory.entries.len() / layout.entry_length() + 1;
    let Some(rest) = left.checked_sub(count) else {
        return end;
    };
    *left = rest;
    let pieces = pieces_of(bytes, directory).filter_map(|it| usize::try_from(it.end).ok());
    end = pieces.fold(end, usize::max);
    for (tag, entry) in directory.entries(bytes) {
        let value = value_place(layout, bytes, entry.start);
        end = value.map_or(end, |value| end.max(value.end));
        if depth < DEEPEST && (tag == PICTURES || METADATA.contains(&tag)) {
            for place in numbers_at(bytes, layout, entry.start) {
                let below = usize::try_from(place).ok();
                let below = below.and_then(|place| directory_at(layout, bytes, place));
                end = below.map_or(end, |below| {
                    end.max(directory_end(bytes, &below, depth + 1, left))
                });
            }
        }
    }
    end
}

/// How far directories below others are followed.
const DEEPEST: usize = 3;

/// Tags that say where something lies: strips and tiles, their tables, an old JPEG stream, further directories.
const POINTERS: [u16; 9] = [273, 288, 289, 324, 330, 513, 519, 520, 521];
/// Tags whose value is the place of a directory of metadata.
const METADATA: [u16; 3] = [34_665, 34_853, 40_965];

/// Tag and value of every entry of every page, in the file's byte order, without those that only point, and the manifest.
/// A directory of metadata is one value: its entries with theirs. No more bytes than the file has.
pub(crate) fn values(bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut left = bytes.len();
    let mut found = Vec::new();
    for directory in directories(bytes) {
        let layout = directory.layout;
        for (tag, entry) in directory.entries(bytes) {
            if tag == C2PA_TAG || POINTERS.contains(&tag) {
                continue;
            }
            let value = if METADATA.contains(&tag) {
                let field = entry.start + 4 + layout.width();
                let place = layout.offset(bytes, field);
                place
                    .map(|place| below(layout, bytes, place, 0))
                    .unwrap_or_default()
            } else {
                let place = value_place(layout, bytes, entry.start);
                place.map_or_else(Vec::new, |place| bytes[place].to_vec())
            };
            let Some(rest) = left.checked_sub(value.len()) else {
                return found;
            };
            left = rest;
            found.push((tag, value));
        }
    }
    found
}

/// Tags and values of a directory of metadata and of those within it, one behind the other.
fn below(layout: Layout, bytes: &[u8], start: usize, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (tag, entry) in
        directory_at(layout, bytes, start).map_or_else(Vec::new, |d| d.entries(bytes))
    {
        if out.len() > bytes.len() {
            break;
        }
        out.extend(layout.put_u16(tag));
        if METADATA.contains(&tag) && depth < DEEPEST {
            if let Some(place) = layout.offset(bytes, entry.start + 4 + layout.width()) {
                out.extend(below(layout, bytes, place, depth + 1));
            }
        } else if let Some(place) = value_place(layout, bytes, entry.start) {
            out.extend_from_slice(&bytes[place]);
        }
    }
    out
}

/// The value of the manifest's only entry, and the entry's count field.
pub(super) fn manifest_place(bytes: &[u8]) -> Option<ManifestPlace> {
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
    // A value that lies on its own length is nobody's.
    let is_apart = ranges[0].end <= ranges[1].start;
    is_apart.then_some(ManifestPlace { jumbf, ranges })
}

/// Directories that are a page: those that say how wide it is.
#[must_use]
pub fn pages(bytes: &[u8]) -> usize {
    const WIDTH: u16 = 256;
    let is_page = |directory: &Directory| {
        let entries = directory.entries(bytes);
        entries.iter().any(|(tag, _)| *tag == WIDTH)
    };
    directories(bytes).filter(is_page).count()
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
        let mut out = if layout.order == Order::Little {
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
    fn a_value_on_the_header_is_nobodys() {
        for big in [false, true] {
            let layout = Layout {
                order: Order::Little,
                big,
            };
            let held = |start: usize| {
                let mut bytes = file(layout);
                bytes.extend([7; 20]);
                let entry = directories(&bytes).next().unwrap().entries(&bytes)[1]
                    .1
                    .start;
                bytes[entry + 2] = BYTE as u8;
                let place = [layout.put_offset(20), layout.put_offset(start)];
                let place = place.map(Option::unwrap).concat();
                bytes[entry + 4..][..place.len()].copy_from_slice(&place);
                let found = values(&bytes).into_iter().find(|(tag, _)| *tag == 1000);
                found.unwrap().1.len()
            };
            assert_eq!(held(file(layout).len()), 20);
            assert_eq!(held(0), 0, "writing a packet changes it");
        }
    }

    #[test]
    fn a_packet_goes_into_every_layout_and_nothing_moves() {
        let orders = [Order::Little, Order::Big];
        let layouts = orders.map(|order| [false, true].map(|big| Layout { order, big }));
        for layout in layouts.concat() {
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
    fn pages_are_directories_with_a_width() {
        let order = Order::Little;
        assert_eq!(pages(&file(Layout { order, big: false })), 2);
        assert_eq!(pages(b"II\x2a\0"), 0);
    }

    #[test]
    fn the_end_is_behind_everything_that_a_directory_leads_to() {
        let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
        let entry = |tag: u16, kind: u16, count: u32, value: u32| {
            let (tag, kind) = (tag.to_le_bytes(), kind.to_le_bytes());
            [&tag[..], &kind, &count.to_le_bytes(), &value.to_le_bytes()].concat()
        };
        // A strip of 7 bytes at 100, a date of 20 bytes at 200, a directory below at 300 with a strip of 9 bytes at 400.
        bytes.extend([4, 0]);
        for entry in [
            entry(273, 4, 1, 100),
            entry(279, 4, 1, 7),
            entry(306, 2, 20, 200),
            entry(330, 4, 1, 300),
        ] {
            bytes.extend(entry);
        }
        bytes.resize(300, 0);
        bytes.extend([2, 0]);
        bytes.extend([entry(273, 4, 1, 400), entry(279, 4, 1, 9)].concat());
        bytes.resize(500, 0);
        assert_eq!(end(&bytes), 409);
        // Without the one below, the date is last.
        bytes[8 + 2 + 3 * 12] = 0;
        assert_eq!(end(&bytes), 220);
        assert_eq!(end(b"II\x2a\0"), 0);
    }

    #[test]
    fn directories_below_each_other_cost_no_more_than_their_bytes() {
        // One directory of 20,000 entries, each of which lists it a thousand times as one below.
        let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
        bytes.extend(20_000_u16.to_le_bytes());
        let list = 8 + 2 + 20_000 * 12 + 4;
        for _ in 0..20_000 {
            bytes.extend([330_u16.to_le_bytes(), 4_u16.to_le_bytes()].concat());
            bytes.extend([1000_u32.to_le_bytes(), (list as u32).to_le_bytes()].concat());
        }
        bytes.extend([0; 4]);
        bytes.extend(8_u32.to_le_bytes().repeat(1000));
        assert_eq!(end(&bytes), bytes.len());
    }

    #[test]
    fn a_chain_that_loops_ends() {
        let mut file = file(Layout {
            order: Order::Little,
            big: false,
        });
        let last = file.len() - 4;
        file[last..].copy_from_slice(&8_u32.to_le_bytes());
        assert!(!has_manifest(&file));
    }
}
