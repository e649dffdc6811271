//! What lies in a file beside its coded pixels, block by block, and what became of it in another file.
//!
//! This is measured on the two files, never told by whoever wrote the second: signing, an optimiser, a platform.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::containers::{bmff, gif, heif, jpeg, mpf, png, tiff, webp};
use crate::format::Format;

/// What losing a block would mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It says how the pixels were coded, or can be made anew from them; viewers and people miss nothing.
    Technical,
    /// Somebody put it there.
    Data,
    /// The picture looks different without it.
    Look,
}

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is, in the words of its format, such as `EXIF` or `text "Author"`.
    pub name: String,
    /// What losing it would mean.
    pub weight: Weight,
    /// Its bytes, without the container's framing.
    pub data: Vec<u8>,
}

/// The blocks of a file in file order, the C2PA manifest excepted; it speaks of one file only.
#[must_use]
pub fn blocks(format: Format, bytes: &[u8]) -> Vec<Block> {
    match format {
        Format::Jpeg => of_jpeg(bytes),
        Format::Png => of_png(bytes),
        Format::WebP => of_webp(bytes),
        Format::Gif => of_gif(bytes),
        Format::Tiff => of_tiff(bytes),
        Format::Avif => of_avif(bytes),
        Format::Bmp | Format::Jxl => Vec::new(),
    }
}

/// What became of the blocks of one file in another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// Names of what is there, byte for byte.
    pub kept: Vec<String>,
    /// Names of what is there with other bytes.
    pub changed: Vec<String>,
    /// Names of what is gone, with its weight.
    pub dropped: Vec<(String, Weight)>,
}

impl Fate {
    /// Names of what is gone.
    #[must_use]
    pub fn dropped_names(&self) -> Vec<&str> {
        self.dropped.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// What is gone and would be missed.
    #[must_use]
    pub fn missed(&self) -> Vec<&str> {
        let dropped = self.dropped.iter();
        let missed = dropped.filter(|(_, weight)| *weight > Weight::Technical);
        missed.map(|(name, _)| name.as_str()).collect()
    }
}

/// Follows the blocks of `before` into `after`, both of one format. Of several blocks of one name each has to be there.
#[must_use]
pub fn fate(format: Format, before: &[u8], after: &[u8]) -> Fate {
    let mut fate = Fate::default();
    // How often each block is there, by name and bytes; and by name alone what nothing has claimed yet.
    let (before, after) = (blocks(format, before), blocks(format, after));
    let mut same: BTreeMap<(&str, &[u8]), usize> = BTreeMap::new();
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for block in &after {
        *same.entry((&block.name, &block.data)).or_default() += 1;
        *left.entry(&block.name).or_default() += 1;
    }
    let take = |count: Option<&mut usize>| match count {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    let mut rest = Vec::new();
    for block in &before {
        if take(same.get_mut(&(&*block.name, &*block.data))) {
            take(left.get_mut(&*block.name));
            fate.kept.push(block.name.clone());
        } else {
            rest.push(block);
        }
    }
    for block in rest {
        // Another block of that name, which nothing of the first file claimed.
        if take(left.get_mut(&*block.name)) {
            fate.changed.push(block.name.clone());
        } else {
            fate.dropped.push((block.name.clone(), block.weight));
        }
    }
    for names in [&mut fate.kept, &mut fate.changed] {
        names.sort();
        names.dedup();
    }
    fate.dropped.sort();
    fate.dropped.dedup();
    fate
}

fn block(name: impl Into<String>, weight: Weight, data: &[u8]) -> Block {
    Block {
        name: name.into(),
        weight,
        data: data.to_vec(),
    }
}

/// The printable start of a segment, by which such segments are told apart.
fn identifier(payload: &[u8]) -> String {
    let end = payload
        .iter()
        .take(40)
        .position(|byte| !(0x20..0x7f).contains(byte));
    String::from_utf8_lossy(&payload[..end.unwrap_or(payload.len().min(40))]).into_owned()
}

fn of_jpeg(bytes: &[u8]) -> Vec<Block> {
    let manifest = jpeg::manifest_segments(bytes);
    let mut found: Vec<Block> = jpeg::segments(bytes)
        .chain(jpeg::segments_between_scans(bytes))
        .filter(|segment| !jpeg::is_among(segment, &manifest))
        .filter_map(|segment| jpeg_block(bytes, &segment))
        .collect();
    let components = jpeg::components(bytes);
    if components == Some(4) {
        found.push(block("colours in CMYK", Weight::Look, b""));
    }
    if let Some(behind) = jpeg::image_end(bytes).and_then(|end| bytes.get(end..))
        && !behind.is_empty()
    {
        found.push(block("data behind the image", Weight::Data, behind));
    }
    found
}

fn jpeg_block(bytes: &[u8], segment: &jpeg::Segment) -> Option<Block> {
    let payload = &bytes[segment.payload.clone()];
    let (name, weight) = match segment.marker {
        0xe0 if payload.starts_with(b"JFIF\0") => {
            // Version, units and the two densities; whether a file has the segment at all says nothing.
            return Some(block("JFIF density", Weight::Data, payload.get(7..12)?));
        }
        0xe1 if payload.starts_with(b"Exif\0") => ("EXIF".to_owned(), Weight::Data),
        0xe1 if payload.starts_with(jpeg::XMP_HEADER) => ("XMP".to_owned(), Weight::Data),
        0xe1 if payload.starts_with(b"http://ns.adobe.com/xmp/extension/\0") => {
            ("extended XMP".to_owned(), Weight::Data)
        }
        0xe2 if payload.starts_with(b"ICC_PROFILE\0") => {
            ("colour profile".to_owned(), Weight::Look)
        }
        0xe2 if mpf::is_index(bytes, segment) => {
            ("index of further pictures".to_owned(), Weight::Look)
        }
        0xe2 if payload.starts_with(b"urn:iso:std:iso:ts:21496") => {
            ("gain map metadata".to_owned(), Weight::Look)
        }
        0xeb if payload.starts_with(b"JP") => ("JUMBF".to_owned(), Weight::Data),
        0xed if payload.starts_with(b"Photoshop 3.0\0") => {
            ("Photoshop resources".to_owned(), Weight::Data)
        }
        // Adobe's segment says how the colours are coded: as everywhere, or in another way, which coding anew ends.
        0xee if payload.starts_with(b"Adobe") && payload.get(11) == Some(&1) => {
            ("Adobe segment".to_owned(), Weight::Data)
        }
        0xee if payload.starts_with(b"Adobe") => return None,
        marker @ 0xe0..=0xef => {
            let name = format!("APP{} {:?}", marker & 15, identifier(payload));
            (name, Weight::Data)
        }
        0xfe => ("comment".to_owned(), Weight::Data),
        _ => return None,
    };
    Some(block(name, weight, payload))
}

fn of_png(bytes: &[u8]) -> Vec<Block> {
    let mut found = Vec::new();
    let mut frames = Vec::new();
    for chunk in png::chunks(bytes) {
        let data = &bytes[chunk.data];
        let keyword = || {
            String::from_utf8_lossy(data.split(|byte| *byte == 0).next().unwrap_or_default())
                .into_owned()
        };
        let (name, weight) = match &chunk.kind {
            b"IHDR" | b"IDAT" | b"IEND" | b"caBX" => continue,
            b"acTL" | b"fcTL" | b"fdAT" => {
                frames.extend_from_slice(data);
                continue;
            }
            b"iTXt" if data.starts_with(png::XMP_KEYWORD) => ("XMP".to_owned(), Weight::Data),
            b"tEXt" | b"zTXt" | b"iTXt" => (format!("text {:?}", keyword()), Weight::Data),
            b"eXIf" => ("EXIF".to_owned(), Weight::Data),
            b"iCCP" => ("colour profile".to_owned(), Weight::Look),
            b"gAMA" | b"cHRM" | b"sRGB" | b"cICP" | b"mDCV" | b"cLLI" => {
                (name_of(&chunk.kind), Weight::Look)
            }
            b"PLTE" => ("palette".to_owned(), Weight::Technical),
            b"tRNS" | b"sBIT" | b"bKGD" | b"hIST" => (name_of(&chunk.kind), Weight::Technical),
            kind => (name_of(kind), Weight::Data),
        };
        found.push(block(name, weight, data));
    }
    if !frames.is_empty() {
        found.push(block("animation", Weight::Look, &frames));
    }
    let behind = &bytes[png::end(bytes)..];
    if !behind.is_empty() {
        found.push(block("data behind the image", Weight::Data, behind));
    }
    found
}

fn name_of(kind: &[u8; 4]) -> String {
    format!("{} chunk", kind.escape_ascii())
}

fn of_webp(bytes: &[u8]) -> Vec<Block> {
    let mut found = Vec::new();
    let mut frames = Vec::new();
    for chunk in webp::chunks(bytes) {
        let data = &bytes[chunk.data];
        let (name, weight) = match &chunk.kind {
            b"VP8X" | b"ALPH" | b"VP8 " | b"VP8L" | b"C2PA" => continue,
            b"ANIM" | b"ANMF" => {
                frames.extend_from_slice(data);
                continue;
            }
            b"EXIF" => ("EXIF".to_owned(), Weight::Data),
            b"XMP " => ("XMP".to_owned(), Weight::Data),
            b"ICCP" => ("colour profile".to_owned(), Weight::Look),
            kind => (name_of(kind), Weight::Data),
        };
        found.push(block(name, weight, data));
    }
    if !frames.is_empty() {
        found.push(block("animation", Weight::Look, &frames));
    }
    let behind = &bytes[webp::end(bytes)..];
    if !behind.is_empty() {
        found.push(block("data behind the image", Weight::Data, behind));
    }
    found
}

fn of_gif(bytes: &[u8]) -> Vec<Block> {
    let mut found = Vec::new();
    for extension in gif::blocks(bytes) {
        let whole = &bytes[extension.whole];
        let (name, weight) = match extension.kind {
            gif::BlockKind::Image => ("picture".to_owned(), Weight::Look),
            gif::BlockKind::Application(name) if name.starts_with(gif::C2PA_APPLICATION) => {
                continue;
            }
            gif::BlockKind::Application(name) if name == *gif::XMP_APPLICATION => {
                ("XMP".to_owned(), Weight::Data)
            }
            gif::BlockKind::Application(name) => {
                (format!("application {:?}", identifier(&name)), Weight::Data)
            }
            gif::BlockKind::Extension(gif::COMMENT) => ("comment".to_owned(), Weight::Data),
            gif::BlockKind::Extension(0xf9) => ("frame timing".to_owned(), Weight::Look),
            gif::BlockKind::Extension(label) => (format!("extension {label:#04x}"), Weight::Data),
        };
        found.push(block(name, weight, whole));
    }
    let behind = &bytes[gif::end(bytes)..];
    if !behind.is_empty() {
        found.push(block("data behind the image", Weight::Data, behind));
    }
    found
}

/// Tags that say how the pixels are coded, or how many there are (TIFF 6.0, part 1).
const TIFF_CODING: [u16; 26] = [
    254, 255, 256, 257, 258, 259, 262, 266, 277, 278, 279, 280, 281, 284, 292, 293, 317, 320, 322,
    323, 325, 338, 339, 529, 530, 532,
];

fn of_tiff(bytes: &[u8]) -> Vec<Block> {
    let named = |tag: u16| match tag {
        270 => "description".to_owned(),
        282 | 283 | 296 => "resolution".to_owned(),
        305 => "software".to_owned(),
        306 => "date".to_owned(),
        315 => "artist".to_owned(),
        33_432 => "copyright".to_owned(),
        700 => "XMP".to_owned(),
        33_723 => "IPTC".to_owned(),
        34_377 => "Photoshop resources".to_owned(),
        34_675 => "colour profile".to_owned(),
        34_665 => "EXIF".to_owned(),
        34_853 => "GPS".to_owned(),
        tag => format!("tag {tag}"),
    };
    let behind = &bytes[tiff::end(bytes)..];
    // A byte fills up to an even place.
    let behind = (behind.len() > 1).then(|| block("data behind the image", Weight::Data, behind));
    tiff::values(bytes)
        .into_iter()
        // A value that lies outside the file is none; one day something else may lie there.
        .filter(|(tag, value)| !TIFF_CODING.contains(tag) && !value.is_empty())
        .map(|(tag, value)| {
            let weight = if tag == 34_675 {
                Weight::Look
            } else {
                Weight::Data
            };
            block(named(tag), weight, &value)
        })
        .chain(behind)
        .collect()
}

fn of_avif(bytes: &[u8]) -> Vec<Block> {
    let mut found = Vec::new();
    for top in bmff::boxes(bytes) {
        let body = &bytes[top.body];
        let (name, weight) = match &top.kind {
            b"ftyp" | b"meta" | b"mdat" | b"free" | b"skip" => continue,
            b"uuid" if body.starts_with(&bmff::C2PA_UUID) => continue,
            b"uuid" if body.starts_with(&bmff::XMP_UUID) => ("XMP".to_owned(), Weight::Data),
            b"moov" => ("image sequence".to_owned(), Weight::Look),
            kind => (format!("{} box", kind.escape_ascii()), Weight::Data),
        };
        found.push(block(name, weight, body));
    }
    if let Some(meta) = heif::Meta::of(bytes) {
        let mut data_of = meta.data_of_many();
        for item in meta.items() {
            let (name, weight) = match item.kind {
                b"Exif" => ("EXIF".to_owned(), Weight::Data),
                b"mime" if item.content_type == b"application/rdf+xml" => {
                    ("XMP".to_owned(), Weight::Data)
                }
                kind => (format!("{} item", kind.escape_ascii()), Weight::Look),
            };
            found.push(block(name, weight, &data_of(item.id).unwrap_or_default()));
        }
        for (kind, contents) in meta.all_properties() {
            let is_profile = kind == b"colr"
                && [b"prof", b"rICC"]
                    .iter()
                    .any(|kind| contents.starts_with(*kind));
            let name = match is_profile {
                true => "colour profile".to_owned(),
                false => format!("{} property", kind.escape_ascii()),
            };
            found.push(block(name, Weight::Look, contents));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_in_one_place_are_no_longer_than_twice_the_file() {
        const COUNT: u16 = 500;
        let boxed = |kind: &[u8; 4], body: &[u8]| {
            let length = (8 + body.len() as u32).to_be_bytes();
            [&length, &kind[..], body].concat()
        };
        let (mut entries, mut places) = (Vec::new(), Vec::new());
        for id in 1..=COUNT {
            let head = [&[2, 0, 0, 0][..], &id.to_be_bytes(), b"\0\0av01\0"].concat();
            entries.extend(boxed(b"infe", &head));
            // One extent of four bytes of offset and length: from the first byte to the end.
            places.extend([&id.to_be_bytes()[..], &[0, 0, 0, 1], &[0; 8]].concat());
        }
        let count = COUNT.to_be_bytes();
        let iinf = boxed(b"iinf", &[&[0; 4][..], &count, &entries].concat());
        let iloc = boxed(
            b"iloc",
            &[&[0, 0, 0, 0, 0x44, 0][..], &count, &places].concat(),
        );
        let meta = boxed(b"meta", &[&[0; 4][..], &iinf, &iloc].concat());
        let file = [boxed(b"ftyp", b"avif\0\0\0\0mif1"), meta].concat();
        let found = blocks(Format::Avif, &file);
        assert_eq!(found.len(), usize::from(COUNT));
        assert_eq!(found[0].data, file);
        let all: usize = found.iter().map(|block| block.data.len()).sum();
        assert_eq!(all, 2 * file.len());
    }
}
