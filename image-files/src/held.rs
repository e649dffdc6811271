//! What a file says to people beside its picture: camera, place, profile, caption, credit, copyright and the like.
//!
//! A pipeline may drop a block, or keep it and lose a field, or write the same words elsewhere. So words are looked for in
//! every place that programs write them to, and what counts as still there is the same text, not the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use credlink_trial_record::Beside;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::containers::{png, tiff};
use crate::format::Format;
use crate::metadata;

/// Everything that was found, each with the texts that say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held(BTreeMap<Beside, BTreeSet<Vec<u8>>>);

/// Where words stand: datasets of the IPTC record 2 (IIM 4.2, section 6), XMP properties (IPTC Photo Metadata 2023.1), tags
/// of the first EXIF directory (CIPA DC-008, table 3), keywords of PNG text (PNG, third edition, table 18).
struct Places {
    what: Beside,
    iptc: &'static [u8],
    xmp: &'static [&'static str],
    exif: &'static [u16],
    png: &'static [&'static str],
}

const PLACES: [Places; 4] = [
    Places {
        what: Beside::Caption,
        iptc: &[120],
        xmp: &["dc:description"],
        exif: &[0x010E],
        png: &["Description"],
    },
    Places {
        what: Beside::Credit,
        iptc: &[80, 110],
        xmp: &["photoshop:Credit", "dc:creator"],
        exif: &[0x013B],
        png: &["Author"],
    },
    Places {
        what: Beside::Copyright,
        iptc: &[116],
        xmp: &["dc:rights"],
        exif: &[0x8298],
        png: &["Copyright"],
    },
    Places {
        what: Beside::AltText,
        iptc: &[],
        xmp: &["Iptc4xmpCore:AltTextAccessibility"],
        exif: &[],
        png: &[],
    },
];

/// Make, model and date.
const CAMERA: [u16; 3] = [0x010F, 0x0110, 0x0132];
const GPS: u16 = 0x8825;

impl Held {
    /// What a file holds; nothing where its metadata cannot be read.
    #[must_use]
    pub fn of(format: Format, bytes: &[u8]) -> Self {
        let mut held = Self::default();
        let read = metadata::read(format, bytes);
        let exif = read.exif.as_deref().map(tiff::values).unwrap_or_default();
        let iptc = read.iptc.as_deref().map(iim).unwrap_or_default();
        let xmp = read.xmp.as_deref().map(properties).unwrap_or_default();
        let texts = match format {
            Format::Png => png_texts(bytes),
            _ => Vec::new(),
        };
        for (tag, value) in &exif {
            if CAMERA.contains(tag) {
                held.add(Beside::Exif, trimmed(value));
            } else if *tag == GPS {
                held.add(Beside::Location, value);
            }
        }
        if let Some(icc) = &read.icc {
            held.add(Beside::Icc, icc);
        }
        // Services write records and packets of their own, so that one is there says nothing.
        for (dataset, value) in &iptc {
            held.add(Beside::Iptc, &[&[*dataset], value.as_slice()].concat());
        }
        for (name, value) in xmp.iter().filter(|(name, _)| says_something(name)) {
            held.add(Beside::Xmp, format!("{name}={value}").as_bytes());
        }
        for (keyword, text) in &texts {
            held.add(Beside::PngText, format!("{keyword}\n{text}").as_bytes());
        }
        for places in PLACES {
            let from_exif = exif.iter().filter(|(tag, _)| places.exif.contains(tag));
            from_exif.for_each(|(_, value)| held.add(places.what, trimmed(value)));
            let from_iptc = iptc.iter().filter(|(set, _)| places.iptc.contains(set));
            from_iptc.for_each(|(_, value)| held.add(places.what, trimmed(value)));
            for (name, text) in &xmp {
                if places.xmp.contains(&name.as_str()) {
                    held.add(places.what, trimmed(text.as_bytes()));
                }
            }
            for (keyword, text) in &texts {
                if places.png.contains(&keyword.as_str()) {
                    held.add(places.what, trimmed(text.as_bytes()));
                }
            }
        }
        held
    }

    fn add(&mut self, what: Beside, text: &[u8]) {
        if !text.is_empty() {
            self.0.entry(what).or_default().insert(text.to_vec());
        }
    }

    /// What is there, in the order of [`Beside::ALL`].
    #[must_use]
    pub fn kinds(&self) -> Vec<Beside> {
        self.0.keys().copied().collect()
    }

    /// What of this the other file still says. Of words that a file repeats in several places, and of the properties of an XMP
    /// packet, one is enough; of camera data, place, IPTC record, profile and PNG text all must be there.
    #[must_use]
    pub fn still_in(&self, other: &Self) -> Vec<Beside> {
        let still = self.0.iter().filter(|(what, texts)| {
            let Some(there) = other.0.get(what) else {
                return false;
            };
            match what {
                Beside::Xmp
                | Beside::Caption
                | Beside::Credit
                | Beside::Copyright
                | Beside::AltText => !texts.is_disjoint(there),
                _ => texts.is_subset(there),
            }
        });
        still.map(|(what, _)| *what).collect()
    }
}

/// Whether a name in an XMP packet is that of a property and not of the frame around it.
fn says_something(name: &str) -> bool {
    !["xmlns", "rdf:", "xml:", "x:"]
        .iter()
        .any(|frame| name.starts_with(frame))
}

/// Without the zero bytes and blanks around it.
fn trimmed(text: &[u8]) -> &[u8] {
    let start = text.trim_ascii_start();
    let length = start.iter().rposition(|byte| !matches!(byte, 0 | b' '));
    &start[..length.map_or(0, |last| last + 1)]
}

/// The datasets of record 2 in a Photoshop resource block, numbers and values.
fn iim(payload: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut rest = payload.strip_prefix(b"Photoshop 3.0\0").unwrap_or(payload);
    let mut found = Vec::new();
    // Resources: signature, number, Pascal string of even length, size, data of even length.
    while let Some(behind) = rest.strip_prefix(b"8BIM") {
        let parsed = || {
            let (number, behind) = behind.split_first_chunk::<2>()?;
            let name = usize::from(*behind.first()?) + 1;
            let behind = behind.get(name.next_multiple_of(2)..)?;
            let (size, behind) = behind.split_first_chunk::<4>()?;
            let size = u32::from_be_bytes(*size) as usize;
            Some((u16::from_be_bytes(*number), behind.get(..size)?, behind))
        };
        let Some((number, data, behind)) = parsed() else {
            break;
        };
        if number == 0x0404 {
            datasets(data, &mut found);
        }
        rest = behind
            .get(data.len().next_multiple_of(2)..)
            .unwrap_or_default();
    }
    found
}

fn datasets(mut data: &[u8], found: &mut Vec<(u8, Vec<u8>)>) {
    while let [0x1C, record, set, high, low, behind @ ..] = data {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((value, rest)) = behind.split_at_checked(length) else {
            return;
        };
        if *record == 2 {
            found.push((*set, value.to_vec()));
        }
        data = rest;
    }
}

/// The properties of an XMP packet with their texts, one entry for each text; prefixes are taken at their usual meaning.
/// What comes before an error in the XML counts.
fn properties(packet: &[u8]) -> Vec<(String, String)> {
    let mut reader = Reader::from_reader(packet);
    let mut found = Vec::new();
    // For each element around the current place the property that it stands in, and the text so far: a reference such as
    // `&amp;` is an event of its own.
    let mut path: Vec<Option<Rc<str>>> = Vec::new();
    let mut text = String::new();
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    while let Ok(event) = reader.read_event() {
        match &event {
            Event::Text(part) => text.push_str(&String::from_utf8_lossy(part)),
            Event::GeneralRef(part) => {
                let reference = format!("&{};", String::from_utf8_lossy(part));
                text.push_str(&quick_xml::escape::unescape(&reference).unwrap_or_default());
            }
            _ => {
                let property = path.last().cloned().flatten();
                let whole = std::mem::take(&mut text);
                if let Some(property) = property.filter(|_| !whole.trim().is_empty()) {
                    found.push((property.as_ref().to_owned(), whole));
                }
            }
        }
        match &event {
            Event::Eof => break,
            Event::Start(start) | Event::Empty(start) => {
                for attribute in start.attributes().with_checks(false).flatten() {
                    let value = String::from_utf8_lossy(&attribute.value);
                    let value = quick_xml::escape::unescape(&value);
                    let value = value.map(std::borrow::Cow::into_owned).unwrap_or_default();
                    found.push((name(attribute.key.as_ref()), value));
                }
                if matches!(event, Event::Start(_)) {
                    let name = name(start.name().as_ref());
                    let property = match name.starts_with("rdf:") {
                        true => path.last().cloned().flatten(),
                        false => Some(name.into()),
                    };
                    path.push(property);
                }
            }
            Event::End(_) => drop(path.pop()),
            _ => {}
        }
    }
    found
}

/// Keywords and texts of a PNG, XMP aside; those together unfold to no more than one may.
fn png_texts(bytes: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = png::MAX_INFLATED;
    let mut inflated = |packed: &[u8]| {
        let text = png::inflated_to(packed, left)?;
        left -= text.len();
        Some(text)
    };
    for chunk in png::chunks(bytes) {
        let data = &bytes[chunk.data];
        let Some(end) = data.iter().position(|byte| *byte == 0) else {
            continue;
        };
        let (keyword, behind) = (&data[..end], &data[end + 1..]);
        let text = match &chunk.kind {
            b"tEXt" => Some(latin(behind)),
            b"zTXt" => behind
                .get(1..)
                .and_then(&mut inflated)
                .map(|text| latin(&text)),
            b"iTXt" if !data.starts_with(png::XMP_KEYWORD) => international(behind, &mut inflated),
            _ => None,
        };
        if let Some(text) = text {
            found.push((latin(keyword), text));
        }
    }
    found
}

/// Behind the keyword: a flag, a method, language and translated keyword, each ended by a zero, and the text.
fn international(
    behind: &[u8],
    inflated: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Option<String> {
    let [is_packed, _, rest @ ..] = behind else {
        return None;
    };
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let text = parts.nth(2)?;
    match is_packed {
        0 => Some(String::from_utf8_lossy(text).into_owned()),
        _ => inflated(text).map(|text| String::from_utf8_lossy(&text).into_owned()),
    }
}

/// Latin-1, in which PNG texts are written, is the first part of Unicode.
fn latin(text: &[u8]) -> String {
    text.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_wherever_they_stand_and_compared_as_words() {
        let record = metadata::fields::iptc(&[
            (120, "A bridge".to_owned()),
            (110, "Agency".to_owned()),
            (116, "(c) 2024".to_owned()),
        ]);
        assert_eq!(
            iim(&record),
            [
                (120, b"A bridge".to_vec()),
                (110, b"Agency".to_vec()),
                (116, b"(c) 2024".to_vec())
            ]
        );
        let packet = metadata::fields::xmp_with_caption(None, "A bridge & a <river>");
        let texts: Vec<_> = properties(&packet)
            .into_iter()
            .filter(|(name, _)| name == "dc:description")
            .collect();
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert_eq!(texts[0].1, "A bridge & a <river>");

        let mut before = Held::default();
        before.add(Beside::Caption, b"A bridge");
        before.add(Beside::Caption, b"Ein Steg");
        before.add(Beside::Icc, b"profile");
        let mut after = Held::default();
        after.add(Beside::Caption, b"A bridge");
        after.add(Beside::Icc, b"another");
        assert_eq!(before.still_in(&after), [Beside::Caption]);
        assert_eq!(before.still_in(&before), before.kinds());
        assert_eq!(after.still_in(&Held::default()), []);
    }

    #[test]
    fn packed_texts_unfold_together_to_no_more_than_one_may() {
        let text = vec![b'a'; png::MAX_INFLATED / 2 + 1];
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&text, 6);
        let chunk = png::chunk(*b"zTXt", &[b"Comment\0\0", &packed]).unwrap();
        let end = png::chunk(*b"IEND", &[]).unwrap();
        let file = [&b"\x89PNG\r\n\x1a\n"[..], &chunk.repeat(3), &end].concat();
        let unfolded: usize = png_texts(&file).iter().map(|(_, text)| text.len()).sum();
        assert_eq!(unfolded, text.len());
    }

    #[test]
    fn elements_and_attributes_cost_no_more_than_their_bytes() {
        // Each was looked for among all around it, or before it.
        let (open, close) = ("<rdf:li>".repeat(300_000), "</rdf:li>".repeat(300_000));
        let attributes: String = (0..300_000).map(|k| format!(" a{k}=''")).collect();
        let packet = format!("<dc:rights>{open}mine{close}</dc:rights><b{attributes}/>");
        let found = properties(packet.as_bytes());
        assert_eq!(found[0], ("dc:rights".to_owned(), "mine".to_owned()));
        assert_eq!(found.len(), 1 + 300_000);
    }

    #[test]
    fn broken_records_end_the_reading_and_nothing_more() {
        assert_eq!(iim(b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\xff\xff"), []);
        assert_eq!(iim(b"8BIM\x04\x04\0\0\0\0\0\x05\x1c\x02\x78\0\x09"), []);
        assert_eq!(properties(b"<a><b c='d'"), []);
        assert_eq!(trimmed(b"  a b \0\0"), b"a b");
        assert_eq!(trimmed(b"\0"), b"");
    }
}
