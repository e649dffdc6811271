//! PNG chunks (PNG specification, third edition, clauses 5 and 11.3.3; XMP specification part 3, 1.1.5;
//! C2PA, chunk `caBX`).

use std::ops::Range;

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::tiff::Order;
use super::{ManifestPlace, array, bmff, spliced};
use crate::error::ContainerError;
use crate::format::Format;

pub(crate) const XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp\0";

/// One chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its type, four letters.
    pub kind: [u8; 4],
    /// Length, type, data and check sum.
    pub whole: Range<usize>,
    /// The data alone.
    pub data: Range<usize>,
}

/// Complete chunks in file order, to the one that ends the image; stops where the structure breaks.
pub fn chunks(bytes: &[u8]) -> impl Iterator<Item = Chunk> {
    let mut at = 8;
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let length = u32::from_be_bytes(array(bytes, at)?) as usize;
        let kind = array(bytes, at + 4)?;
        let data = at + 8..(at + 8).checked_add(length)?;
        let end = data.end.checked_add(4)?;
        if end > bytes.len() {
            return None;
        }
        let whole = at..end;
        at = end;
        is_over = &kind == b"IEND";
        Some(Chunk { kind, whole, data })
    })
}

/// Behind the chunk that ends the image, or behind the last whole chunk.
#[must_use]
pub fn end(bytes: &[u8]) -> usize {
    chunks(bytes)
        .last()
        .map_or(bytes.len().min(8), |chunk| chunk.whole.end)
}

pub(crate) fn is_xmp(bytes: &[u8], chunk: &Chunk) -> bool {
    chunk.kind == *b"iTXt" && bytes[chunk.data.clone()].starts_with(XMP_KEYWORD)
}

pub(crate) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
    let chunk = chunks(bytes).find(|chunk| is_xmp(bytes, chunk))?;
    let data = &bytes[chunk.data];
    let rest = &data[XMP_KEYWORD.len()..];
    match rest {
        // Compression flag, compression method, language, translated keyword, text.
        [0, _, rest @ ..] => {
            let text = rest.splitn(3, |&b| b == 0).nth(2)?;
            Some(text.to_vec())
        }
        [1, 0, rest @ ..] => inflated(rest.splitn(3, |&b| b == 0).nth(2)?),
        _ => None,
    }
}

pub(super) fn with_xmp(bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let header = chunks(bytes)
        .next()
        .filter(|chunk| chunk.kind == *b"IHDR")
        .ok_or_else(|| ContainerError::damaged(Format::Png, "no header chunk"))?;
    let place = chunks(bytes)
        .find(|chunk| is_xmp(bytes, chunk))
        .map_or(header.whole.end..header.whole.end, |chunk| chunk.whole);

    let new = chunk(*b"iTXt", &[XMP_KEYWORD, &[0; 4], packet])
        .map_err(|reason| ContainerError::damaged(Format::Png, reason))?;
    Ok(spliced(bytes, place, &[&new]))
}

/// The file with the first directory of its EXIF block moved behind everything in the block; no offset in it changes. `None`
/// where there is nothing to move.
///
/// exiftool (12.57, 13.59) reads no EXIF from a PNG file whose manifest and whose EXIF directory begin at the same place of
/// their chunks, the eighth byte, where writers put them: it takes them for one ("IFD0 pointer references previous JUMBFBox
/// directory"). The same befalls one that meets any other box of the manifest, which only shows once that is made
/// ([`is_exif_hidden`]): then it goes `farther` by so many steps of two bytes.
pub(super) fn with_exif_apart(bytes: &[u8], farther: usize) -> Option<Vec<u8>> {
    const USUAL: u32 = 8;
    let found = chunks(bytes).find(|chunk| &chunk.kind == b"eXIf")?;
    let exif = &bytes[found.data];
    let order = Order::of(exif)?;
    let start = order.u32(exif, 4);
    let start = start.filter(|start| *start == USUAL || farther > 0)?;
    let count = order.entries(exif, start)?.len();
    let start = usize::try_from(start).ok()?;
    let directory = &exif[start..start + 2 + 12 * count + 4];
    // On an even byte (TIFF 6.0, section 2).
    let filled = &vec![0; exif.len() % 2 + 2 * farther][..];
    let place = u32::try_from(exif.len() + filled.len()).ok()?;
    let parts = [
        &exif[..4],
        &order.put32(place),
        &exif[8..],
        filled,
        directory,
    ];
    let moved = chunk(*b"eXIf", &parts).ok()?;
    Some(spliced(bytes, found.whole, &[&moved]))
}

/// Whether the EXIF directory begins at the same place of its chunk as some box of the manifest does in its own.
pub(super) fn is_exif_hidden(bytes: &[u8]) -> bool {
    let data = |kind: &[u8; 4]| {
        let found = chunks(bytes).find(|chunk| &chunk.kind == kind);
        found.map(|chunk| &bytes[chunk.data])
    };
    let start = data(b"eXIf").and_then(|exif| Order::of(exif)?.u32(exif, 4));
    let (Some(start), Some(manifest)) = (start, data(b"caBX")) else {
        return false;
    };
    let start = start as usize;
    let whole = 0..manifest.len();
    let mut within = vec![whole];
    while let Some(range) = within.pop() {
        for found in bmff::boxes(&manifest[range.clone()]) {
            let body = range.start + found.body.start;
            if [range.start + found.whole.start, body].contains(&start) {
                return true;
            }
            if &found.kind == b"jumb" {
                within.push(body..range.start + found.body.end);
            }
        }
    }
    false
}

/// A chunk with its length and check sum.
pub(crate) fn chunk(kind: [u8; 4], parts: &[&[u8]]) -> Result<Vec<u8>, &'static str> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    // Lengths stay below 2^31 (PNG 3rd edition, 5.3).
    let length = i32::try_from(length).map_err(|_| "a chunk over 2 GiB")?;
    let mut out = length.to_be_bytes().to_vec();
    out.extend(kind);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    let check = crc32fast::hash(&out[4..]);
    out.extend(check.to_be_bytes());
    Ok(out)
}

/// The most bytes that packed text or a packed profile may unfold to; a few kilobytes may promise gigabytes.
pub(crate) const MAX_INFLATED: usize = 16 << 20;

/// What a zlib stream holds; `None` where it is damaged or holds more than [`MAX_INFLATED`].
pub(crate) fn inflated(packed: &[u8]) -> Option<Vec<u8>> {
    inflated_to(packed, MAX_INFLATED)
}

/// The same, where it may hold only so much.
pub(crate) fn inflated_to(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    decompress_to_vec_zlib_with_limit(packed, most).ok()
}

/// The manifest's only chunk, if its check sum is right.
pub(super) fn manifest_place(bytes: &[u8]) -> Option<ManifestPlace> {
    let mut found = chunks(bytes).filter(|chunk| chunk.kind == *b"caBX");
    let chunk = found.next().filter(|_| found.next().is_none())?;
    let check = u32::from_be_bytes(array(bytes, chunk.data.end)?);
    let is_sound = check == crc32fast::hash(&bytes[chunk.whole.start + 4..chunk.data.end]);
    is_sound.then(|| ManifestPlace {
        jumbf: bytes[chunk.data].to_vec(),
        ranges: vec![chunk.whole],
    })
}

pub(super) fn has_manifest(bytes: &[u8]) -> bool {
    manifest(bytes).is_some()
}

fn manifest(bytes: &[u8]) -> Option<Chunk> {
    chunks(bytes).find(|chunk| chunk.kind == *b"caBX")
}

pub(super) fn repair_manifest_check_sum(bytes: &mut [u8]) {
    if let Some(chunk) = manifest(bytes) {
        let check = crc32fast::hash(&bytes[chunk.whole.start + 4..chunk.data.end]);
        bytes[chunk.data.end..chunk.whole.end].copy_from_slice(&check.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG file of one white pixel.
    fn pixel() -> Vec<u8> {
        let mut out = std::io::Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(1, 1)
            .write_to(&mut out, image::ImageFormat::Png)
            .unwrap();
        out.into_inner()
    }

    /// A zlib stream that holds `data` uncompressed.
    fn stored(data: &[u8]) -> Vec<u8> {
        let length = (data.len() as u16).to_le_bytes();
        let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), &byte| {
            let a = (a + u32::from(byte)) % 65521;
            (a, (b + a) % 65521)
        });
        let inverse = length.map(|byte| !byte);
        [
            &[0x78, 1, 1][..],
            &length,
            &inverse,
            data,
            &(b << 16 | a).to_be_bytes(),
        ]
        .concat()
    }

    #[test]
    fn an_exif_directory_moves_behind_its_block_and_says_the_same() {
        // One entry, orientation 6, at the usual place, and an odd byte behind it.
        let entry = b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        let exif = [&b"II\x2a\0\x08\0\0\0\x01\0"[..], entry, b"\0\0\0\0!"].concat();
        let mut file = pixel();
        let header_end = chunks(&file).next().unwrap().whole.end;
        let block = chunk(*b"eXIf", &[&exif]).unwrap();
        file.splice(header_end..header_end, block);
        let moved = with_exif_apart(&file, 0).unwrap();
        let found = chunks(&moved).find(|chunk| &chunk.kind == b"eXIf").unwrap();
        let now = &moved[found.data];
        assert_eq!(
            now[8..exif.len()],
            exif[8..],
            "what was there stays where it was"
        );
        assert_eq!(now[4..8], 28_u32.to_le_bytes());
        assert_eq!(now[28..], exif[8..26]);
        assert_eq!(with_exif_apart(&moved, 0), None, "once is enough");
        assert_eq!(with_exif_apart(&pixel(), 0), None);
        // A manifest whose second box begins just there hides it; two bytes farther it does not.
        let inner = [bmff::boxed(b"jumd", &[0; 4]), bmff::boxed(b"cbor", b"text")].concat();
        let manifest = chunk(*b"caBX", &[&bmff::boxed(b"jumb", &inner)]).unwrap();
        let with_manifest = |mut file: Vec<u8>| {
            file.splice(header_end..header_end, manifest.clone());
            file
        };
        assert!(is_exif_hidden(&with_manifest(moved.clone())));
        let farther = with_exif_apart(&file, 1).unwrap();
        assert!(!is_exif_hidden(&with_manifest(farther)));
        assert!(!is_exif_hidden(&moved), "no manifest");
        // A directory that reaches beyond its block is left alone.
        let mut broken = file.clone();
        broken[header_end + 8 + 8] = 200;
        assert_eq!(with_exif_apart(&broken, 0), None);
    }

    #[test]
    fn a_compressed_packet_is_read_and_replaced() {
        let mut chunk = b"\0\0\0\0iTXtXML:com.adobe.xmp\0\x01\0\0\0".to_vec();
        chunk.extend(stored(b"<old/>"));
        let length = (chunk.len() - 8) as u32;
        chunk[..4].copy_from_slice(&length.to_be_bytes());
        let check = crc32fast::hash(&chunk[4..]);
        chunk.extend(check.to_be_bytes());
        let file = spliced(&pixel(), 33..33, &[&chunk]);
        assert_eq!(xmp(&file).unwrap(), b"<old/>");
        let new = with_xmp(&file, b"<new/>").unwrap();
        assert_eq!(xmp(&new).unwrap(), b"<new/>");
        assert_eq!(chunks(&new).filter(|chunk| is_xmp(&new, chunk)).count(), 1);
        assert_eq!(with_xmp(&pixel(), b"<new/>").unwrap(), new);
    }

    #[test]
    fn the_check_sum_is_the_one_of_the_end_chunk() {
        // Every PNG file ends with this check sum.
        assert_eq!(crc32fast::hash(b"IEND"), 0xae42_6082);
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }
}
