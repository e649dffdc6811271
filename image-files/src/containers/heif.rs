//! The few boxes of a HEIF file (ISO 23008-12 over ISO 14496-12) that a still AVIF image needs: where the coded
//! items lie, which of them is the picture, its alpha plane, EXIF and XMP, and how it is turned. Every length is
//! checked against the bytes at hand; unknown boxes are passed over.

use std::collections::BTreeSet;
use std::ops::Range;

use image::metadata::Orientation;

use super::bmff;
use crate::limits::{MAX_EXTENTS, MAX_ITEMS};

/// The primary picture of an AVIF file.
pub(crate) struct PrimaryItem {
    /// AV1 data of the colour planes.
    pub(crate) colour: Vec<u8>,
    /// AV1 data of the alpha plane, if any.
    pub(crate) alpha: Option<Vec<u8>>,
    /// Width in pixels, by the `ispe` property.
    pub(crate) width: u32,
    /// Height in pixels, by the `ispe` property.
    pub(crate) height: u32,
    /// The turn that `irot` and `imir` ask for.
    pub(crate) orientation: Orientation,
}

/// Reads big-endian numbers and never past the end.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    /// An unsigned number of `size` bytes, 0 to 8; no bytes are the number 0.
    fn number(&mut self, size: usize) -> Option<u64> {
        Some(
            self.take(size)?
                .iter()
                .fold(0, |sum, &byte| (sum << 8) | u64::from(byte)),
        )
    }

    pub(super) fn small(&mut self, size: usize) -> Option<usize> {
        usize::try_from(self.number(size)?).ok()
    }

    /// The boxes, one behind the other: their types and contents.
    fn boxes(self) -> impl Iterator<Item = (&'a [u8], Reader<'a>)> {
        let bytes = self.0;
        bmff::boxes(bytes).map(|found| {
            let kind = &bytes[found.whole.start + 4..found.whole.start + 8];
            (kind, Reader(&bytes[found.body]))
        })
    }

    pub(crate) fn find(self, kind: &[u8; 4]) -> Option<Reader<'a>> {
        self.boxes()
            .find(|(found, _)| found == kind)
            .map(|(_, contents)| contents)
    }
}

/// The boxes of a file that do not lie within others: their types and contents.
pub(crate) fn top_boxes(file: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    Reader(file)
        .boxes()
        .map(|(kind, contents)| (kind, contents.0))
}

pub(crate) struct Item<'a> {
    pub(crate) id: u64,
    pub(crate) kind: &'a [u8],
    /// For `mime` items: the content type.
    pub(crate) content_type: &'a [u8],
    /// Whether it is not meant to be shown by itself.
    pub(crate) hidden: bool,
    /// Everything from the kind on, as the entry holds it.
    pub(crate) rest: &'a [u8],
}

/// Fields of an item, as places in the file (ISO/IEC 14496-12, "Item location box").
struct Location {
    method: Range<usize>,
    base: Range<usize>,
    /// Offset and length of each extent.
    extents: Vec<(Range<usize>, Range<usize>)>,
}

/// Fields of an item's only extent, as places in the file (ISO/IEC 14496-12, "Item location box").
pub(crate) struct Place {
    method: Range<usize>,
    base: Range<usize>,
    offset: Range<usize>,
    length: Range<usize>,
}

impl Place {
    /// Leads to data at this offset of the file, of this length. The base stays what it is, unless it lies beyond: whoever
    /// moves data may move it for all items at once.
    pub(crate) fn led_to(&self, file: &mut [u8], offset: u32, length: u32) {
        let base = Reader(&file[self.base.clone()]).number(self.base.len());
        let base = base.and_then(|base| u32::try_from(base).ok()).unwrap_or(0);
        let mut fields = vec![(&self.method, 0), (&self.length, length)];
        match offset.checked_sub(base) {
            Some(offset) => fields.push((&self.offset, offset)),
            None => fields.extend([(&self.base, 0), (&self.offset, offset)]),
        }
        for (field, value) in fields {
            let field = &mut file[field.clone()];
            field.fill(0);
            for (to, from) in field.iter_mut().rev().zip(value.to_be_bytes().iter().rev()) {
                *to = *from;
            }
        }
    }
}

pub(crate) struct Meta<'a> {
    file: &'a [u8],
    boxes: Reader<'a>,
}

impl<'a> Meta<'a> {
    pub(crate) fn of(file: &'a [u8]) -> Option<Self> {
        let mut boxes = Reader(file).find(b"meta")?;
        boxes.take(4)?;
        Some(Self { file, boxes })
    }

    pub(crate) fn primary(&self) -> Option<u64> {
        let mut pitm = self.boxes.find(b"pitm")?;
        let version = pitm.take(4)?[0];
        pitm.number(if version == 0 { 2 } else { 4 })
    }

    pub(crate) fn items(&self) -> Vec<Item<'a>> {
        let parse = || {
            let mut iinf = self.boxes.find(b"iinf")?;
            let version = iinf.take(4)?[0];
            iinf.take(if version == 0 { 2 } else { 4 })?;
            Some(
                iinf.boxes()
                    .filter(|(kind, _)| *kind == b"infe")
                    .filter_map(|(_, entry)| item(entry))
                    .take(MAX_ITEMS)
                    .collect(),
            )
        };
        parse().unwrap_or_default()
    }

    /// The item that holds the XMP packet (ISO 23008-12, A.3).
    pub(crate) fn xmp(&self) -> Option<u64> {
        let is_xmp =
            |item: &Item<'_>| item.kind == b"mime" && item.content_type == b"application/rdf+xml";
        self.items().into_iter().find(is_xmp).map(|item| item.id)
    }

    /// Where the fields of an item lie that lead to its data (`iloc`).
    fn location(&self, wanted: u64) -> Option<Location> {
        let mut iloc = self.boxes.find(b"iloc")?;
        let version = iloc.take(4)?[0];
        let sizes = iloc.small(2)?;
        let (offset_size, length_size, base_size) =
            (sizes >> 12, (sizes >> 8) & 15, (sizes >> 4) & 15);
        let index_size = if version == 0 { 0 } else { sizes & 15 };
        let id_size = if version < 2 { 2 } else { 4 };
        // The fields are parts of the file.
        let field = |reader: &mut Reader<'a>, size: usize| {
            let start = reader.0.as_ptr() as usize - self.file.as_ptr() as usize;
            reader.take(size)?;
            Some(start..start + size)
        };
        let count = iloc.small(id_size)?;
        // Extents without any field take no byte of the file, so their number says nothing of its size.
        let mut left = MAX_EXTENTS;
        for _ in 0..count.min(MAX_ITEMS) {
            let id = iloc.number(id_size)?;
            let method = field(&mut iloc, if version == 0 { 0 } else { 2 })?;
            iloc.take(2)?;
            let base = field(&mut iloc, base_size)?;
            let extents = iloc.small(2)?;
            left = left.checked_sub(extents)?;
            if id != wanted {
                let length = index_size + offset_size + length_size;
                iloc.take(length.checked_mul(extents)?)?;
                continue;
            }
            let extent = |_| {
                iloc.take(index_size)?;
                let offset = field(&mut iloc, offset_size)?;
                Some((offset, field(&mut iloc, length_size)?))
            };
            let extents = (0..extents).map(extent).collect::<Option<_>>()?;
            return Some(Location {
                method,
                base,
                extents,
            });
        }
        None
    }

    /// The bytes of an item, its extents joined (`iloc`, construction methods 0 and 1).
    pub(crate) fn data(&self, wanted: u64) -> Option<Vec<u8>> {
        let location = self.location(wanted)?;
        let number = |field: &Range<usize>| Reader(&self.file[field.clone()]).small(field.len());
        let source = match number(&location.method)? & 15 {
            0 => self.file,
            1 => self.boxes.find(b"idat")?.0,
            _ => return None,
        };
        let base = number(&location.base)?;
        let mut data = Vec::new();
        for (offset, length) in &location.extents {
            let offset = number(offset)?.checked_add(base)?;
            let end = match number(length)? {
                0 => source.len(),
                length => offset.checked_add(length)?,
            };
            data.extend_from_slice(source.get(offset..end)?);
            // Extents may overlap; a small file must not grow without bound.
            if data.len() > self.file.len() {
                return None;
            }
        }
        Some(data)
    }

    /// The bytes of items, as [`Meta::data`] gives them, as long as all together are no more than twice the file: many may
    /// lie in the same place.
    pub(crate) fn data_of_many(&self) -> impl FnMut(u64) -> Option<Vec<u8>> + use<'_, 'a> {
        let mut left = self.file.len().saturating_mul(2);
        move |wanted| {
            let data = self.data(wanted).filter(|_| left > 0)?;
            let rest = left.checked_sub(data.len());
            left = rest.unwrap_or(0);
            rest.map(|_| data)
        }
    }

    /// Where an item of one extent says where its data lie; `None` where it has several, or its fields are too
    /// narrow to lead anywhere else.
    pub(crate) fn place(&self, wanted: u64) -> Option<Place> {
        let Location {
            method,
            base,
            extents,
        } = self.location(wanted)?;
        let [(offset, length)] = <[_; 1]>::try_from(extents).ok()?;
        let is_wide = offset.len() >= 4 && length.len() >= 4;
        is_wide.then_some(Place {
            method,
            base,
            offset,
            length,
        })
    }

    /// The contents of a box within the meta box.
    pub(crate) fn contents(&self, kind: &[u8; 4]) -> Option<&'a [u8]> {
        self.boxes.find(kind).map(|found| found.0)
    }

    /// All properties in the order of their numbers, which begin at 1.
    pub(crate) fn all_properties(&self) -> Vec<(&'a [u8], &'a [u8])> {
        let ipco = self.boxes.find(b"iprp").and_then(|iprp| iprp.find(b"ipco"));
        let boxes = ipco.into_iter().flat_map(Reader::boxes);
        boxes.map(|(kind, contents)| (kind, contents.0)).collect()
    }

    /// The items' properties by number, the highest of sixteen bits saying that a reader must know it.
    pub(crate) fn associations(&self) -> Vec<(u64, Vec<u16>)> {
        let parse = || {
            let mut ipma = self.boxes.find(b"iprp")?.find(b"ipma")?;
            let header = ipma.take(4)?;
            let (version, wide) = (header[0], header[3] & 1 == 1);
            let count = ipma.number(4)?;
            let mut found = Vec::new();
            for _ in 0..count.min(MAX_ITEMS as u64) {
                let id = ipma.number(if version < 1 { 2 } else { 4 })?;
                let mut numbers = Vec::new();
                for _ in 0..ipma.small(1)? {
                    let entry = ipma.number(if wide { 2 } else { 1 })? as u16;
                    numbers.push(if wide {
                        entry
                    } else {
                        (entry & 0x80) << 8 | (entry & 0x7F)
                    });
                }
                found.push((id, numbers));
            }
            Some(found)
        };
        parse().unwrap_or_default()
    }

    /// All references between items: their type, whence, and whither.
    pub(crate) fn references(&self) -> Vec<(&'a [u8], u64, Vec<u64>)> {
        let parse = || {
            let mut iref = self.boxes.find(b"iref")?;
            let size = if iref.take(4)?[0] == 0 { 2 } else { 4 };
            let mut found = Vec::new();
            let mut left = MAX_ITEMS;
            for (kind, mut contents) in iref.boxes() {
                let from = contents.number(size)?;
                let count = contents.small(2)?;
                left = left.checked_sub(count.max(1))?;
                let mut to = Vec::with_capacity(count);
                for _ in 0..count {
                    to.push(contents.number(size)?);
                }
                found.push((kind, from, to));
            }
            Some(found)
        };
        parse().unwrap_or_default()
    }

    /// The properties of every item, read once.
    pub(super) fn properties(&self) -> Properties<'a> {
        Properties {
            all: self.all_properties(),
            associations: self.associations(),
        }
    }

    /// Items that reference `target` with a reference of this type (`iref`).
    fn referrers(&self, wanted: &[u8; 4], target: u64) -> Vec<u64> {
        let references = self.references().into_iter();
        references
            .filter(|(kind, ..)| kind == wanted)
            .flat_map(|(_, from, to)| to.into_iter().map(move |to| (from, to)))
            .filter(|(_, to)| *to == target)
            .map(|(from, _)| from)
            .collect()
    }
}

/// Which properties which item has.
pub(super) struct Properties<'a> {
    all: Vec<(&'a [u8], &'a [u8])>,
    associations: Vec<(u64, Vec<u16>)>,
}

impl<'a> Properties<'a> {
    /// The items that have a property of which `is` holds. Each property is looked at once, however many items have it, and
    /// however often.
    fn items_with(&self, is: impl Fn(&[u8], &[u8]) -> bool) -> BTreeSet<u64> {
        let wanted: Vec<bool> = self
            .all
            .iter()
            .map(|(kind, contents)| is(kind, contents))
            .collect();
        let has = |numbers: &[u16]| {
            let mut places = numbers
                .iter()
                .filter_map(|number| usize::from(number & 0x7FFF).checked_sub(1));
            places.any(|place| wanted.get(place) == Some(&true))
        };
        let items = self.associations.iter().filter(|(_, numbers)| has(numbers));
        items.map(|(id, _)| *id).collect()
    }

    /// Those of one item, in order.
    pub(super) fn of(&self, wanted: u64) -> Vec<(&'a [u8], Reader<'a>)> {
        let of_item = self.associations.iter().filter(|(id, _)| *id == wanted);
        of_item
            .flat_map(|(_, numbers)| numbers)
            .filter_map(|number| {
                let place = usize::from(number & 0x7FFF).checked_sub(1)?;
                let (kind, contents) = self.all.get(place)?;
                Some((*kind, Reader(contents)))
            })
            .collect()
    }
}

fn item(mut entry: Reader<'_>) -> Option<Item<'_>> {
    let header = entry.take(4)?;
    let (version, hidden) = (header[0], header[3] & 1 == 1);
    let id = entry.number(if version < 3 { 2 } else { 4 })?;
    entry.take(2)?;
    let rest = entry.0;
    let kind = entry.take(4)?;
    // Behind the type: the item's name and, for mime items, the content type, each ended by a zero byte.
    let content_type = entry.0.split(|byte| *byte == 0).nth(1).unwrap_or_default();
    Some(Item {
        id,
        kind,
        content_type,
        hidden,
        rest,
    })
}

/// Finds the primary picture of an AVIF file.
///
/// # Errors
/// In words, when the boxes do not lead to an AV1 picture.
pub(crate) fn primary_item(file: &[u8]) -> Result<PrimaryItem, String> {
    let meta = Meta::of(file).ok_or("no meta box")?;
    let id = meta.primary().ok_or("no primary item")?;
    let item = meta
        .items()
        .into_iter()
        .find(|item| item.id == id)
        .ok_or("the primary item is not listed")?;
    if item.kind != b"av01" {
        return Err(format!(
            "the primary item is `{}`, not a single AV1 picture",
            String::from_utf8_lossy(item.kind)
        ));
    }
    let colour = meta
        .data(id)
        .ok_or("the primary item's data lies outside the file")?;
    let all_properties = meta.properties();
    let properties = all_properties.of(id);
    let property = |kind: &[u8; 4]| {
        properties
            .iter()
            .find(|(found, _)| found == kind)
            .map(|(_, contents)| *contents)
    };
    let size = property(b"ispe").and_then(|mut ispe| {
        ispe.take(4)?;
        Some((ispe.number(4)?, ispe.number(4)?))
    });
    let (width, height) = size.ok_or("the primary item has no size")?;
    let alphas = all_properties.items_with(|kind, contents| kind == b"auxC" && is_alpha(contents));
    let mut beside = meta.referrers(b"auxl", id).into_iter();
    let alpha = beside.find(|aux| alphas.contains(aux));
    let quarter_turns =
        property(b"irot").map_or(0, |irot| irot.0.first().map_or(0, |angle| angle & 3));
    let mirror = property(b"imir").and_then(|imir| imir.0.first().map(|axis| axis & 1));
    Ok(PrimaryItem {
        colour,
        alpha: alpha.and_then(|alpha| meta.data(alpha)),
        width: u32::try_from(width).unwrap_or(u32::MAX),
        height: u32::try_from(height).unwrap_or(u32::MAX),
        orientation: orientation(quarter_turns, mirror),
    })
}

fn is_alpha(aux: &[u8]) -> bool {
    let needle = b"auxiliary:alpha";
    aux.windows(needle.len()).any(|window| window == needle)
}

/// `irot` turns anticlockwise by quarters, then `imir` mirrors: axis 0 swaps top and bottom, 1 left and right.
fn orientation(quarter_turns: u8, mirror: Option<u8>) -> Orientation {
    match (quarter_turns, mirror) {
        (0, None) => Orientation::NoTransforms,
        (1, None) => Orientation::Rotate270,
        (2, None) => Orientation::Rotate180,
        (_, None) => Orientation::Rotate90,
        (0, Some(0)) | (2, Some(1)) => Orientation::FlipVertical,
        (0, Some(_)) | (2, Some(_)) => Orientation::FlipHorizontal,
        (1, Some(0)) | (3, Some(1)) => Orientation::Rotate90FlipH,
        (_, Some(_)) => Orientation::Rotate270FlipH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::bmff::boxed;

    #[test]
    fn references_times_associations_times_properties_cost_no_more_than_their_bytes() {
        // The same item is referred to four thousand times, and has the same long property 25,500 times.
        let entry = boxed(b"infe", b"\x02\0\0\0\0\x01\0\0av01\0");
        let items = boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1][..], &entry].concat());
        let place = b"\0\0\0\0\x44\0\0\x01\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x08";
        let reference = boxed(b"auxl", &[0, 2, 0, 1, 0, 1]);
        let references = boxed(b"iref", &[&[0; 4][..], &reference.repeat(4000)].concat());
        let size = boxed(b"ispe", &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7]);
        let long = boxed(b"auxC", &vec![b'a'; 100_000]);
        let own = [
            &[0, 1, 1, 1][..],
            &[&[0, 2, 255][..], &[2; 255]].concat().repeat(100),
        ]
        .concat();
        let associations = boxed(b"ipma", &[&[0, 0, 0, 0, 0, 0, 0, 101][..], &own].concat());
        let properties = [boxed(b"ipco", &[size, long].concat()), associations].concat();
        let meta = [
            &[0; 4][..],
            &boxed(b"pitm", &[0, 0, 0, 0, 0, 1]),
            &items,
            &boxed(b"iloc", place),
            &references,
            &boxed(b"iprp", &properties),
        ];
        let file = [
            boxed(b"ftyp", b"avif\0\0\0\0mif1"),
            boxed(b"meta", &meta.concat()),
        ]
        .concat();
        let primary = primary_item(&file).unwrap();
        assert_eq!((primary.width, primary.height), (9, 7));
        assert!(primary.alpha.is_none());
    }
}
