//! What an AVIF file holds beside its picture: EXIF, XMP, a colour profile (HEIF, ISO 23008-12; XMP specification part 3,
//! 1.2.7.1).
//!
//! HEIF keeps XMP as an item. A packet that is one is written anew at the end of the file, where nothing moves, and the
//! item led there, since that is where readers of HEIF look. A file without gets the `uuid` box of the XMP specification.
//! Both are read.

use bytes::Bytes;

use super::bmff::{XMP_UUID, boxes, is_uuid, uuid_box};
use super::heif::{Meta, Reader};
use super::spliced;
use crate::error::ContainerError;
use crate::format::Format;
use crate::metadata::Metadata;

/// EXIF, XMP and ICC of an AVIF file.
pub(crate) fn metadata(file: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    let Some(meta) = Meta::of(file) else {
        return metadata;
    };
    for item in meta.items() {
        if item.kind == b"Exif" && metadata.exif.is_none() {
            // The block starts with the offset of the TIFF header behind these four bytes (ISO 23008-12, A.2.1).
            metadata.exif = meta.data(item.id).and_then(|data| {
                let mut reader = Reader(&data);
                let skip = reader.small(4)?;
                reader.0.get(skip..).map(Bytes::copy_from_slice)
            });
        }
    }
    metadata.xmp = xmp(file).map(Bytes::from);
    let properties = meta
        .primary()
        .map(|id| meta.properties().of(id))
        .unwrap_or_default();
    metadata.icc = properties
        .iter()
        .filter(|(kind, _)| *kind == b"colr")
        .find_map(|(_, contents)| {
            let profile = contents
                .0
                .strip_prefix(b"prof")
                .or_else(|| contents.0.strip_prefix(b"rICC"))?;
            Some(Bytes::copy_from_slice(profile))
        });
    metadata
}

pub(crate) fn xmp(bytes: &[u8]) -> Option<Vec<u8>> {
    if let Some(found) = uuid_box(bytes, &XMP_UUID) {
        return Some(bytes[found.body.start + 16..found.body.end].to_vec());
    }
    Meta::of(bytes).and_then(|meta| meta.data(meta.xmp()?))
}

/// Free space. Behind our box, since exiv2 0.27 reads as many bytes behind the head of a `uuid` box as the whole box has, and
/// refuses the file where there are fewer.
const NOTHING: &[u8] = b"\0\0\0\x20free\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

pub(super) fn with_xmp(bytes: &[u8], packet: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let damaged = |what| ContainerError::damaged(Format::Avif, what);
    let too_long = || damaged("XMP packet over 4 GiB");
    let size = u32::try_from(24 + packet.len()).map_err(|_| too_long())?;
    let olds = || boxes(bytes).filter(|found| is_uuid(bytes, found, &XMP_UUID));
    let place = match olds().last() {
        Some(last) if [&[], NOTHING].contains(&&bytes[last.whole.end..]) => {
            last.whole.start..bytes.len()
        }
        _ => bytes.len()..bytes.len(),
    };
    let last = boxes(bytes).last().ok_or_else(|| damaged("no boxes"))?;
    if last.whole.end != bytes.len() {
        return Err(damaged("box out of bounds"));
    }
    let item = Meta::of(bytes).and_then(|meta| meta.place(meta.xmp()?));
    let mut out = match item {
        Some(item) => {
            let offset = u32::try_from(place.start + 8).map_err(|_| too_long())?;
            let (size, length) = (size - 16, size - 24);
            let mut out = spliced(
                bytes,
                place.clone(),
                &[&size.to_be_bytes(), b"mdat", packet],
            );
            item.led_to(&mut out, offset, length);
            out
        }
        None => {
            let size = size.to_be_bytes();
            let parts: [&[u8]; 5] = [&size, b"uuid", &XMP_UUID, packet, NOTHING];
            spliced(bytes, place.clone(), &parts)
        }
    };
    // Removing old boxes would move what follows, and with it every recorded offset, so they become free space.
    for old in olds().filter(|old| old.whole.start < place.start) {
        out[old.whole.start + 4..old.whole.start + 8].copy_from_slice(b"free");
    }
    if last.open && place.is_empty() {
        // The last box reached to the end of the file; now it needs its size.
        let closed = u32::try_from(last.whole.len())
            .map_err(|_| damaged("open box over 4 GiB"))?
            .to_be_bytes();
        out[last.whole.start..last.whole.start + 4].copy_from_slice(&closed);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::bmff::boxed;

    #[test]
    fn a_packet_goes_to_the_end_and_nothing_moves() {
        let head = boxed(b"ftyp", b"avif\0\0\0\0mif1");
        let data = boxed(b"mdat", b"coded image");
        let file = [&head[..], &data].concat();
        assert_eq!(Format::sniff(&file), Some(Format::Avif));
        let once = with_xmp(&file, b"<one/>").unwrap();
        assert_eq!(once[..file.len()], file);
        assert!(once.ends_with(NOTHING), "no box with an identifier is last");
        assert_eq!(xmp(&once).unwrap(), b"<one/>");
        let twice = with_xmp(&once, b"<number two/>").unwrap();
        assert_eq!(twice, with_xmp(&file, b"<number two/>").unwrap());

        // An old packet in the middle becomes free space.
        let old = boxed(b"uuid", &[&XMP_UUID[..], b"<old/>"].concat());
        let middle = [&head[..], &old, &data].concat();
        let new = with_xmp(&middle, b"<new/>").unwrap();
        assert_eq!(xmp(&new).unwrap(), b"<new/>");
        assert_eq!(new[head.len() + old.len()..][..data.len()], data);

        // So do several, of which readers take the first.
        let several = [&head[..], &old, &old, &data, &old].concat();
        let new = with_xmp(&several, b"<new/>").unwrap();
        assert_eq!(xmp(&new).unwrap(), b"<new/>");
        assert_eq!(new.windows(4).filter(|name| name == b"uuid").count(), 1);

        // A last box that runs to the end of the file is closed first.
        let mut open = file.clone();
        open[head.len()..head.len() + 4].copy_from_slice(&[0; 4]);
        assert_eq!(with_xmp(&open, b"<one/>").unwrap(), once);
    }

    /// A file with an XMP item of one extent, its fields of four bytes, and a base where one is given.
    fn with_item(packet: &[u8], base: Option<u32>) -> Vec<u8> {
        let head = boxed(b"ftyp", b"avif\0\0\0\0mif1");
        let entry = [&b"\x02\0\0\0\0\x07\0\0mime\0application/rdf+xml\0"[..]].concat();
        let items = boxed(
            b"iinf",
            &[b"\0\0\0\0\0\x01", &boxed(b"infe", &entry)[..]].concat(),
        );
        let places = |at: u32| {
            let sizes: &[u8] = if base.is_some() {
                b"\x44\x40"
            } else {
                b"\x44\0"
            };
            let based = base.map_or_else(Vec::new, |base| base.to_be_bytes().to_vec());
            let offset = at.saturating_sub(base.unwrap_or(0)).to_be_bytes();
            let parts: [&[u8]; 6] = [
                b"\0\0\0\0",
                sizes,
                b"\0\x01\0\x07\0\0",
                &based,
                b"\0\x01",
                &offset,
            ];
            let field = parts.concat();
            boxed(
                b"iloc",
                &[&field[..], &(packet.len() as u32).to_be_bytes()].concat(),
            )
        };
        let meta = |at| boxed(b"meta", &[b"\0\0\0\0", &items[..], &places(at)].concat());
        let at = head.len() + meta(0).len() + 8;
        [&head[..], &meta(at as u32), &boxed(b"mdat", packet)].concat()
    }

    #[test]
    fn a_packet_that_is_an_item_stays_one() {
        // Whoever moves data may move a base, for all items at once: it stays.
        let based = with_xmp(&with_item(b"<old/>", Some(20)), b"<new/>").unwrap();
        assert_eq!(xmp(&based).unwrap(), b"<new/>");
        assert_eq!(
            based
                .windows(8)
                .filter(|part| part == b"\0\x07\0\0\0\0\0\x14")
                .count(),
            1
        );
        let file = with_item(b"<old/>", None);
        assert_eq!(xmp(&file).unwrap(), b"<old/>");
        let new = with_xmp(&file, b"<packet number two/>").unwrap();
        assert_eq!(xmp(&new).unwrap(), b"<packet number two/>");
        assert!(uuid_box(&new, &XMP_UUID).is_none());
        assert_eq!(
            new.len(),
            file.len() + 8 + 20,
            "at the end, and nothing moved"
        );
        // A file that has both, as we wrote them before: the item becomes the only one.
        let both = [
            &file[..],
            &boxed(b"uuid", &[&XMP_UUID[..], b"<ours/>"].concat()),
        ]
        .concat();
        assert_eq!(xmp(&both).unwrap(), b"<ours/>");
        let one = with_xmp(&both, b"<new/>").unwrap();
        assert_eq!(xmp(&one).unwrap(), b"<new/>");
        assert!(uuid_box(&one, &XMP_UUID).is_none());
    }

    #[test]
    fn what_looks_like_a_packet_among_the_data_is_none() {
        let head = boxed(b"ftyp", b"avif\0\0\0\0mif1");
        let data = boxed(
            b"mdat",
            b"..<x:xmpmeta xmlns:x='adobe:ns:meta/'>x</x:xmpmeta>..",
        );
        let file = [&head[..], &data].concat();
        assert!(xmp(&file).is_none());
    }
}
