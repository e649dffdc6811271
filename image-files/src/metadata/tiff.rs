//! TIFF 6.0: metadata as tags of the first directory. XMP is tag 700, IPTC lies in the Photoshop resources (34377) or alone
//! (33723), the profile is 34675, the manifest store 0xCD41; EXIF is the descriptive tags themselves with the two
//! directories that they lead to. Nothing that is coded moves: tags are taken out in place, their values overwritten, and
//! new ones go into a copy of the first directory at the end.

use std::ops::Range;

use bytes::Bytes;

use super::{ManifestStore, Metadata, same_container};
use crate::containers::tiff::{Order, pieces, values};
use crate::format::Format;

const XMP: u16 = 700;
const IPTC: u16 = 33_723;
const PHOTOSHOP: u16 = 34_377;
const ICC: u16 = 34_675;
const C2PA: u16 = 0xCD41;
const EXIF_DIRECTORY: u16 = 34_665;
const GPS_DIRECTORY: u16 = 34_853;
const INTEROPERABILITY_DIRECTORY: u16 = 40_965;
const ORIENTATION: u16 = 274;
/// What EXIF says in the first directory (CIPA DC-008, 4.6.4): description, make, model, software, date, artist,
/// copyright, and where its own directories lie.
const ABOUT: [u16; 9] = [
    270,
    271,
    272,
    305,
    306,
    315,
    33_432,
    EXIF_DIRECTORY,
    GPS_DIRECTORY,
];
const APP13: &[u8] = b"Photoshop 3.0\0";
/// Types of four bytes and of bytes without meaning to TIFF.
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;
/// Directories in a chain, and within each other, that are followed.
const MAX_PAGES: usize = 4096;
const MAX_DEPTH: usize = 3;
/// Entries of all directories whose values are overwritten.
const MAX_ENTRIES: usize = 1 << 20;
/// Tags of a directory that are taken.
const MAX_TAGS: usize = 1024;

/// A tag with its value in little-endian order.
struct Entry {
    tag: u16,
    kind: u16,
    value: Value,
}

enum Value {
    Plain(Vec<u8>),
    Directory(Vec<Entry>),
}

/// Bytes of one value of a type, and of the numbers that it consists of.
fn unit(kind: u16) -> Option<(usize, usize)> {
    Some(match kind {
        1 | 2 | 6 | UNDEFINED => (1, 1),
        3 | 8 => (2, 2),
        LONG | 9 | 11 | 13 => (4, 4),
        5 | 10 => (8, 4),
        12 => (8, 8),
        _ => return None,
    })
}

fn is_directory(tag: u16) -> bool {
    [EXIF_DIRECTORY, GPS_DIRECTORY, INTEROPERABILITY_DIRECTORY].contains(&tag)
}

/// Where the value of the entry at `at` lies.
fn place(order: Order, file: &[u8], at: usize) -> Option<Range<usize>> {
    let (size, _) = unit(order.u16(file, at + 2)?)?;
    let length = size.checked_mul(order.u32(file, at + 4)? as usize)?;
    let start = if length <= 4 {
        at + 8
    } else {
        order.u32(file, at + 8)? as usize
    };
    let range = start..start.checked_add(length)?;
    file.get(range.clone()).map(|_| range)
}

/// Values in the other byte order: little-endian to `order` and back.
fn turned(order: Order, kind: u16, value: &mut [u8]) {
    let width = unit(kind).map_or(1, |(_, width)| width);
    if order.is_big() && width > 1 {
        value.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
}

/// The entries of the directory at `directory` that are wanted, sub-directories in full.
fn entries(
    order: Order,
    file: &[u8],
    directory: u32,
    depth: usize,
    wanted: &dyn Fn(u16) -> bool,
) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    // Values may overlap; a small file must not grow without bound, nor may its directories.
    let mut left = file.len();
    let list = order.entries(file, directory).unwrap_or_default();
    for at in list {
        if found.len() == MAX_TAGS {
            break;
        }
        let (Some(tag), Some(kind)) = (order.u16(file, at), order.u16(file, at + 2)) else {
            continue;
        };
        if !wanted(tag) || found.iter().any(|known| known.tag == tag) {
            continue;
        }
        let value = if is_directory(tag) {
            let Some(below) = order.u32(file, at + 8).filter(|_| depth < MAX_DEPTH) else {
                continue;
            };
            Value::Directory(entries(order, file, below, depth + 1, &|_| true))
        } else {
            let Some(range) = place(order, file, at).filter(|range| range.len() <= left) else {
                continue;
            };
            left -= range.len();
            let mut value = file[range].to_vec();
            turned(order, kind, &mut value);
            Value::Plain(value)
        };
        found.push(Entry { tag, kind, value });
    }
    found
}

/// Twelve bytes for each entry of a directory whose values lie at `heap_at`, and those values.
fn serialised(order: Order, list: &[Entry], heap_at: usize) -> (Vec<[u8; 12]>, Vec<u8>) {
    let (mut heads, mut heap) = (Vec::new(), Vec::new());
    for entry in list {
        let mut head = [0; 12];
        head[..2].copy_from_slice(&order.put16(entry.tag));
        let (kind, count, value) = match &entry.value {
            Value::Plain(value) => {
                let (size, _) = unit(entry.kind).unwrap_or((1, 1));
                let mut value = value.clone();
                turned(order, entry.kind, &mut value);
                (entry.kind, value.len() / size, value)
            }
            Value::Directory(below) => {
                let at = heap_at + heap.len();
                (LONG, 0, directory(order, below, at, 0))
            }
        };
        head[2..4].copy_from_slice(&order.put16(kind));
        let is_directory = matches!(entry.value, Value::Directory(_));
        let count = if is_directory { 1 } else { count as u32 };
        head[4..8].copy_from_slice(&order.put32(count));
        if value.len() <= 4 && !is_directory {
            head[8..8 + value.len()].copy_from_slice(&value);
        } else {
            head[8..].copy_from_slice(&order.put32((heap_at + heap.len()) as u32));
            heap.extend(value);
            // Offsets are even (TIFF 6.0, section 2).
            heap.resize(heap.len().next_multiple_of(2), 0);
        }
        heads.push(head);
    }
    (heads, heap)
}

/// A directory as it stands at `at`, its values behind it.
fn directory(order: Order, list: &[Entry], at: usize, next: u32) -> Vec<u8> {
    let (heads, heap) = serialised(order, list, at + 2 + 12 * list.len() + 4);
    let mut out = order.put16(heads.len() as u16).to_vec();
    out.extend(heads.concat());
    out.extend(order.put32(next));
    out.extend(heap);
    out
}

/// The EXIF block that libexif completes an empty one to (exif_data_fix): what CIPA DC-008 requires of a picture of this
/// many pixels.
pub fn bare_exif(width: u32, height: u32) -> Bytes {
    const SHORT: u16 = 3;
    const RATIONAL: u16 = 5;
    let plain = |tag, kind, value: &[u8]| Entry {
        tag,
        kind,
        value: Value::Plain(value.to_vec()),
    };
    let short = |tag, value: u16| plain(tag, SHORT, &value.to_le_bytes());
    // 72 pixels an inch.
    let resolution = [72u32.to_le_bytes(), 1u32.to_le_bytes()].concat();
    let below = vec![
        plain(0x9000, UNDEFINED, b"0210"),
        plain(0x9101, UNDEFINED, &[1, 2, 3, 0]),
        plain(0xA000, UNDEFINED, b"0100"),
        short(0xA001, 0xFFFF),
        plain(0xA002, LONG, &width.to_le_bytes()),
        plain(0xA003, LONG, &height.to_le_bytes()),
    ];
    let first = [
        short(ORIENTATION, 1),
        plain(0x011A, RATIONAL, &resolution),
        plain(0x011B, RATIONAL, &resolution),
        short(0x0128, 2),
        short(0x0213, 1),
        Entry {
            tag: EXIF_DIRECTORY,
            kind: LONG,
            value: Value::Directory(below),
        },
    ];
    let mut block = b"II\x2a\0\x08\0\0\0".to_vec();
    block.extend(directory(Order::Little, &first, 8, 0));
    block.into()
}

/// Where the directories of a file's pages lie.
fn pages(order: Order, file: &[u8]) -> Vec<u32> {
    let mut found = Vec::new();
    let mut next = order.u32(file, 4);
    while let Some(at) = next.filter(|at| *at != 0 && found.len() < MAX_PAGES) {
        if found.contains(&at) {
            break;
        }
        let Some(list) = order.entries(file, at) else {
            break;
        };
        found.push(at);
        next = order.u32(file, at as usize + 2 + 12 * list.len());
    }
    found
}

pub(super) fn read(file: &[u8]) -> Metadata {
    let Some(order) = Order::of(file) else {
        return of_big(file);
    };
    let pages = pages(order, file);
    let Some(first) = pages.first() else {
        return Metadata::default();
    };
    let plain = |page: u32, tag: u16| -> Option<Vec<u8>> {
        let found = entries(order, file, page, 0, &|found| found == tag);
        found.into_iter().find_map(|entry| match entry.value {
            Value::Plain(value) => Some(value),
            Value::Directory(_) => None,
        })
    };
    let mut about = entries(order, file, *first, 0, &|tag| {
        ABOUT.contains(&tag) || tag == ORIENTATION
    });
    // Readers search by binary search, whatever order the file had.
    about.sort_by_key(|entry| entry.tag);
    let says = about.iter().any(|entry| entry.tag != ORIENTATION);
    let exif = says.then(|| {
        let mut block = b"II\x2a\0\x08\0\0\0".to_vec();
        block.extend(directory(Order::Little, &about, 8, 0));
        Bytes::from(block)
    });
    let resources = plain(*first, PHOTOSHOP).or_else(|| {
        // A bare IPTC record becomes the resource 0x0404 that Photoshop would put it in.
        let record = plain(*first, IPTC)?;
        let length = u32::try_from(record.len()).ok()?.to_be_bytes();
        let mut resource = [b"8BIM\x04\x04\0\0".as_slice(), &length, &record].concat();
        resource.resize(resource.len().next_multiple_of(2), 0);
        Some(resource)
    });
    Metadata {
        exif,
        xmp: plain(*first, XMP).map(Bytes::from),
        iptc: resources.map(|resources| Bytes::from([APP13, &resources].concat())),
        icc: plain(*first, ICC).map(Bytes::from),
        c2pa: pages
            .iter()
            .find_map(|page| plain(*page, C2PA))
            .map(|store| ManifestStore {
                format: Format::Tiff,
                payloads: vec![store.into()],
            }),
    }
}

/// What BigTIFF files hold in whole tags; their descriptive ones and EXIF directories are not turned into a block.
fn of_big(file: &[u8]) -> Metadata {
    let all = values(file);
    let find = |wanted: u16| {
        let found = all.iter().find(|(tag, _)| *tag == wanted)?;
        Some(Bytes::copy_from_slice(&found.1))
    };
    Metadata {
        xmp: find(XMP),
        iptc: find(PHOTOSHOP).map(|resources| [APP13, &resources].concat().into()),
        icc: find(ICC),
        ..Metadata::default()
    }
}

/// Ranges of a file, ascending and apart.
struct Ranges(Vec<Range<usize>>);

impl Ranges {
    fn of(mut all: Vec<Range<usize>>) -> Self {
        all.retain(|range| !range.is_empty());
        all.sort_unstable_by_key(|range| range.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for range in all {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        Self(apart)
    }

    fn meets(&self, range: &Range<usize>) -> bool {
        let after = self.0.partition_point(|one| one.end <= range.start);
        let next = self.0.get(after);
        next.is_some_and(|next| next.start < range.end)
    }
}

/// What is no unwanted tag's value whatever a tag says: the header, the directories of the pages, the values of the tags that
/// stay, and the picture.
fn skeleton(order: Order, file: &[u8], pages: &[u32], unwanted: &dyn Fn(u16) -> bool) -> Ranges {
    let header = 0..8;
    let mut all = Vec::from([header]);
    for page in pages {
        all.extend(directory_place(order, file, *page));
        for at in order.entries(file, *page).unwrap_or_default() {
            let stays = order.u16(file, at).is_some_and(|tag| !unwanted(tag));
            all.extend(place(order, file, at).filter(|_| stays));
        }
    }
    all.extend(pieces(file));
    Ranges::of(all)
}

/// Where a directory lies, with the field that points to the next.
fn directory_place(order: Order, file: &[u8], at: u32) -> Option<Range<usize>> {
    let count = order.entries(file, at)?.len();
    let start = at as usize;
    Some(start..start + 2 + 12 * count + 4)
}

/// Overwrites what the unwanted tags of a file lead to, and takes them out of the directories of its pages.
fn clear(order: Order, file: &mut [u8], pages: &[u32], unwanted: &dyn Fn(u16) -> bool) {
    let skeleton = skeleton(order, file, pages, unwanted);
    let mut led_to = Vec::new();
    let mut left = MAX_ENTRIES;
    for page in pages {
        values_of(order, file, *page, unwanted, 0, &mut left, &mut led_to);
    }
    led_to.retain(|range| !skeleton.meets(range));
    for range in Ranges::of(led_to).0 {
        file[range].fill(0);
    }
    for page in pages {
        without(order, file, *page, unwanted);
    }
}

/// Where the values of unwanted entries lie, and directories of metadata with all that is in them; `left` entries are looked at.
fn values_of(
    order: Order,
    file: &[u8],
    directory: u32,
    unwanted: &dyn Fn(u16) -> bool,
    depth: usize,
    left: &mut usize,
    found: &mut Vec<Range<usize>>,
) {
    for at in order.entries(file, directory).unwrap_or_default() {
        let Some(rest) = left.checked_sub(1) else {
            return;
        };
        *left = rest;
        let tag = order.u16(file, at).unwrap_or_default();
        if !unwanted(tag) {
            continue;
        }
        if !is_directory(tag) {
            found.extend(place(order, file, at));
        } else if let Some(below) = order.u32(file, at + 8).filter(|_| depth < MAX_DEPTH) {
            found.extend(directory_place(order, file, below));
            values_of(order, file, below, &|_| true, depth + 1, left, found);
        }
    }
}

/// Takes entries out of a directory.
fn without(order: Order, file: &mut [u8], directory: u32, unwanted: &dyn Fn(u16) -> bool) {
    let Some(list) = order.entries(file, directory) else {
        return;
    };
    let (start, count) = (directory as usize, list.len());
    let mut kept = Vec::new();
    for at in list {
        if !unwanted(order.u16(file, at).unwrap_or_default()) {
            kept.extend_from_slice(&file[at..at + 12]);
        }
    }
    let end = start + 2 + 12 * count;
    let next = file[end..end + 4].to_vec();
    let left = order.put16((kept.len() / 12) as u16);
    let block = [&left[..], &kept, &next].concat();
    file[start..end + 4].fill(0);
    file[start..start + block.len()].copy_from_slice(&block);
}

pub(super) fn written(mut file: Vec<u8>, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let order = Order::of(&file).ok_or("BigTIFF files are not written anew")?;
    let pages = pages(order, &file);
    let first = *pages.first().ok_or("no directory")?;
    let mut new = Vec::new();
    let mut add = |tag, kind, value: &[u8]| {
        new.push(Entry {
            tag,
            kind,
            value: Value::Plain(value.to_vec()),
        });
    };
    if let Some(xmp) = &metadata.xmp {
        add(XMP, 1, xmp);
    }
    if let Some(iptc) = metadata
        .iptc
        .as_ref()
        .and_then(|iptc| iptc.strip_prefix(APP13))
    {
        add(PHOTOSHOP, UNDEFINED, iptc);
    }
    if let Some(icc) = &metadata.icc {
        add(ICC, UNDEFINED, icc);
    }
    for store in same_container(metadata, Format::Tiff) {
        add(C2PA, UNDEFINED, store);
    }
    if let Some(exif) = &metadata.exif
        && let (Some(theirs), Some(at)) = (Order::of(exif), exif_directory(exif))
    {
        new.extend(entries(theirs, exif, at, 0, &|tag| {
            ABOUT.contains(&tag) || tag == ORIENTATION
        }));
    }
    let replaced: Vec<u16> = new.iter().map(|entry| entry.tag).collect();
    let known = [XMP, IPTC, PHOTOSHOP, ICC, C2PA];
    let unwanted =
        |tag: u16| known.contains(&tag) || ABOUT.contains(&tag) || replaced.contains(&tag);
    clear(order, &mut file, &pages, &unwanted);
    if new.is_empty() {
        return Ok(file);
    }
    let old = order.entries(&file, first).unwrap_or_default();
    let next_at = first as usize + 2 + 12 * old.len();
    let next = file
        .get(next_at..next_at + 4)
        .ok_or("no directory")?
        .to_vec();
    file.resize(file.len().next_multiple_of(2), 0);
    let at = file.len();
    let count = old.len() + new.len();
    let (heads, heap) = serialised(order, &new, at + 2 + 12 * count + 4);
    let mut all: Vec<[u8; 12]> = heads;
    for place in old {
        let mut head = [0; 12];
        head.copy_from_slice(&file[place..place + 12]);
        all.push(head);
    }
    // Readers search by binary search.
    all.sort_by_key(|head| order.u16(head, 0));
    let too_many = |_| "a file over 4 GiB".to_owned();
    file.extend(order.put16(u16::try_from(count).map_err(|_| "too many tags".to_owned())?));
    file.extend(all.concat());
    file.extend(next);
    file.extend(heap);
    u32::try_from(file.len()).map_err(too_many)?;
    file[4..8].copy_from_slice(&order.put32(at as u32));
    Ok(file)
}

fn exif_directory(exif: &[u8]) -> Option<u32> {
    Order::of(exif)?.u32(exif, 4)
}

/// A file of palette colours as one of grey values, which are the indices, with the 256 colours that they stand for;
/// `None` for all others, and for indices of other than 8 bits.
pub fn indexed(file: &[u8]) -> Option<(Vec<u8>, Vec<[u8; 3]>)> {
    const BITS: u16 = 258;
    const INTERPRETATION: u16 = 262;
    const COLOUR_MAP: u16 = 320;
    let order = Order::of(file)?;
    let list = order.entries(file, order.u32(file, 4)?)?;
    let find = |tag: u16| {
        let at = list.iter().find(|at| order.u16(file, **at) == Some(tag))?;
        place(order, file, *at)
    };
    let interpretation = find(INTERPRETATION)?.start;
    let is_palette = order.u16(file, interpretation)? == 3;
    if !is_palette || order.u16(file, find(BITS)?.start)? != 8 {
        return None;
    }
    // Reds, greens, blues, 16 bits each (TIFF 6.0, section 5).
    let map = find(COLOUR_MAP).filter(|map| map.len() == 6 * 256)?.start;
    let sample = |at: usize| Some((order.u16(file, map + 2 * at)? >> 8) as u8);
    let colours = (0..256)
        .map(|index| Some([sample(index)?, sample(256 + index)?, sample(512 + index)?]))
        .collect::<Option<Vec<_>>>()?;
    let mut grey = file.to_vec();
    // Black is zero.
    grey[interpretation..interpretation + 2].copy_from_slice(&order.put16(1));
    Some((grey, colours))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written behind the thousandth tag was not read: the manifest's is the last of all.
    #[test]
    fn what_is_written_among_many_tags_is_read() {
        let tags = 2000_u16;
        let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
        file.extend(tags.to_le_bytes());
        for tag in 0..tags {
            file.extend([(40_000 + tag).to_le_bytes(), 3_u16.to_le_bytes()].concat());
            file.extend([1_u32.to_le_bytes(), 7_u32.to_le_bytes()].concat());
        }
        file.extend([0; 4]);
        let metadata = Metadata {
            xmp: Some(Bytes::from_static(b"<packet/>")),
            c2pa: Some(ManifestStore {
                format: Format::Tiff,
                payloads: vec![Bytes::from_static(b"manifest")],
            }),
            ..Metadata::default()
        };
        let dressed = written(file, &metadata).unwrap();
        assert_eq!(read(&dressed), metadata);
    }

    /// What a tag leads to is overwritten, and these said that it was the header, or the directory that they stand in.
    #[test]
    fn a_tag_that_leads_to_the_header_or_to_a_directory_takes_neither() {
        let metadata = Metadata {
            xmp: Some(Bytes::from_static(b"<packet/>")),
            ..Metadata::default()
        };
        for (tag, place) in [
            (XMP, 0),
            (XMP, 6),
            (XMP, 8),
            (ICC, 30),
            (EXIF_DIRECTORY, 8),
            (EXIF_DIRECTORY, 2),
        ] {
            let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
            file.extend(2_u16.to_le_bytes());
            for (tag, place) in [(256, 7_u32), (tag, place)] {
                file.extend([tag.to_le_bytes(), 1_u16.to_le_bytes()].concat());
                file.extend([12_u32.to_le_bytes(), place.to_le_bytes()].concat());
            }
            file.extend([0; 64]);
            let dressed = written(file, &metadata).unwrap();
            assert_eq!(Format::sniff(&dressed), Some(Format::Tiff), "{tag} {place}");
            assert_eq!(read(&dressed), metadata, "{tag} {place}");
            let first = order_of(&dressed).u32(&dressed, 4).unwrap();
            let list = order_of(&dressed).entries(&dressed, first).unwrap();
            assert_eq!(list.len(), 2, "{tag} {place}");
        }
    }

    /// The same of the picture, and of what says how it is coded.
    #[test]
    fn a_tag_that_leads_to_the_picture_takes_nothing_of_it() {
        const PICTURE: [u8; 16] = [0xAB; 16];
        let metadata = Metadata {
            xmp: Some(Bytes::from_static(b"<packet/>")),
            ..Metadata::default()
        };
        // Behind four entries: three numbers of bits, and the picture.
        let (bits, picture) = (62_u32, 68_u32);
        for place in [bits, picture, bits - 2, picture + 15] {
            let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
            file.extend(4_u16.to_le_bytes());
            for (tag, kind, count, value) in [
                (258_u16, 3_u16, 3_u32, bits),
                (273, 4, 1, picture),
                (279, 4, 1, 16),
                (XMP, 1, 8, place),
            ] {
                file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
                file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
            }
            file.extend([0; 4]);
            file.extend([8, 0, 8, 0, 8, 0]);
            file.extend(PICTURE);
            let dressed = written(file, &metadata).unwrap();
            let at = |place: u32, length: usize| &dressed[place as usize..][..length];
            assert_eq!(at(bits, 6), [8, 0, 8, 0, 8, 0], "{place}");
            assert_eq!(at(picture, 16), PICTURE, "{place}");
            assert_eq!(read(&dressed), metadata);
        }
    }

    /// Each of them overwrote the same megabytes anew.
    #[test]
    fn ranges_that_lie_on_each_other_are_one() {
        let ranges = Ranges::of(vec![4..9, 0..0, 20..22, 4..9, 5..12, 12..13]);
        assert_eq!(ranges.0, [4..13, 20..22]);
        for (range, meets) in [(0..4, false), (3..5, true), (13..20, false), (21..90, true)] {
            assert_eq!(ranges.meets(&range), meets, "{range:?}");
        }
    }

    fn order_of(file: &[u8]) -> Order {
        Order::of(file).unwrap()
    }
}
