//! Containers and their metadata: read, taken apart, and written anew.

use credlink_image_files::containers::{self, bmff, gif, jpeg, mpf, png, tiff, webp};
use credlink_image_files::contents::{self, fate};
use credlink_image_files::metadata::{self, Kind, Metadata, fields};
use credlink_image_files::{Format, Held, decode, recoded};

use super::made;

/// What surely fits into a segment of a JPEG file.
const SEGMENT: usize = 65_000;

/// A packet that is put into files.
const PACKET: &[u8] = b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>";

/// What is read lies within the file; what is written can be read again.
pub(crate) fn of(format: Format, bytes: &[u8]) {
    if Format::sniff(bytes) != Some(format) {
        return;
    }
    walked(format, bytes);
    let found = metadata::read(format, bytes);
    fields_of(&found);
    blocks(format, bytes);
    manifest(format, bytes);
    linked(format, bytes);
    rewritten(format, bytes, &found);
}

/// Every walker, and every question that is asked of a file before it is decoded.
fn walked(format: Format, bytes: &[u8]) {
    let whole = match format {
        Format::Jpeg => {
            let segments = jpeg::segments(bytes).chain(jpeg::segments_between_scans(bytes));
            let _ = (jpeg::components(bytes), decode::scans(bytes));
            let mut ranges: Vec<_> = segments.map(|segment| segment.whole).collect();
            ranges.extend(mpf::pictures(bytes));
            ranges.extend(jpeg::image_end(bytes).map(|end| 0..end));
            ranges
        }
        Format::Png => png::chunks(bytes).map(|chunk| chunk.whole).collect(),
        Format::WebP => {
            let _ = (webp::is_of_one_mind(bytes), webp::has_alpha(bytes));
            webp::chunks(bytes).map(|chunk| chunk.data).collect()
        }
        Format::Gif => gif::blocks(bytes).map(|block| block.whole).collect(),
        Format::Tiff => {
            let _ = (tiff::is_big(bytes), tiff::pages(bytes));
            if let Some((grey, _)) = metadata::tiff::indexed(bytes) {
                assert_eq!(Format::sniff(&grey), Some(Format::Tiff));
            }
            Vec::new()
        }
        Format::Avif | Format::Jxl => {
            let _ = containers::av1_stream(bytes);
            bmff::boxes(bytes).map(|found| found.whole).collect()
        }
        Format::Bmp => Vec::new(),
    };
    for range in whole {
        assert!(range.start <= range.end && range.end <= bytes.len());
    }
    let _ = (
        containers::is_animation(format, bytes),
        containers::is_cut_off(format, bytes),
        containers::has_unreadable_xmp(format, bytes),
        containers::hides_from_readers(format, bytes),
        decode::check_structure(format, bytes),
        containers::beside_manifest(format, bytes, 0),
        containers::beside_manifest(format, bytes, 3),
    );
}

/// Fields are taken out of blocks that strangers wrote.
fn fields_of(found: &Metadata) {
    if let Some(exif) = &found.exif {
        let _ = fields::exif_with_only(exif, &[0x010e, 0x8298, 0x8769]);
        assert_eq!(fields::exif_without_location(exif).len(), exif.len());
    }
    if let Some(xmp) = &found.xmp {
        let _ = fields::xmp_with_only(xmp, &["dc:rights".to_owned(), "dc:creator".to_owned()]);
        let _ = fields::xmp_with_caption(Some(xmp), "a <caption> & more");
    }
}

/// A file beside itself has kept everything.
fn blocks(format: Format, bytes: &[u8]) {
    let itself = fate(format, bytes, bytes);
    assert!(itself.changed.is_empty() && itself.dropped.is_empty());
    let names = contents::blocks(format, bytes).into_iter();
    assert!(
        names
            .map(|block| block.name)
            .all(|name| itself.kept.contains(&name))
    );
    let held = Held::of(format, bytes);
    assert_eq!(held.still_in(&held), held.kinds());
}

/// A manifest lies in the file where it is said to lie, and can be taken out.
fn manifest(format: Format, bytes: &[u8]) {
    if let Some(place) = containers::manifest_place(format, bytes) {
        assert!(containers::has_manifest(format, bytes));
        let mut last = 0;
        for range in &place.ranges {
            assert!(last <= range.start && range.start <= range.end && range.end <= bytes.len());
            last = range.end;
        }
        let mut edited = bytes.to_vec();
        containers::repair_check_sums(format, &mut edited);
        assert_eq!(edited.len(), bytes.len());
    }
    if let Ok(without) = containers::without_manifest(format, bytes) {
        assert_eq!(Format::sniff(&without), Some(format));
        assert!(!containers::has_manifest(format, &without));
    }
}

/// A packet that was put in can be read, and nothing else is lost.
fn linked(format: Format, bytes: &[u8]) {
    let Ok(linked) = containers::with_xmp(format, bytes, PACKET) else {
        return;
    };
    assert_eq!(Format::sniff(&linked), Some(format));
    let read = containers::xmp(format, &linked);
    assert_eq!(read.as_deref(), Some(PACKET), "{format} after with_xmp");
    // One that is cut off may be closed.
    let is_cut_off = containers::is_cut_off(format, &linked);
    assert!(!is_cut_off || containers::is_cut_off(format, bytes));
    let lost = fate(format, bytes, &linked);
    // What was behind everything in a TIFF file now lies before the new directory.
    let moves = |name: &str| format == Format::Tiff && name == "data behind the image";
    let mut missed = lost.missed();
    missed.retain(|name| *name != "XMP" && !moves(name));
    assert!(missed.is_empty(), "{format} lost {missed:?}");
}

/// Metadata of a stranger's file goes into one of ours, and ours into the stranger's; both can be read again. So can a
/// stranger's file around new pixels.
fn rewritten(format: Format, bytes: &[u8], found: &Metadata) {
    for to in Format::ALL {
        moved(found, format, *to);
    }
    let kinds = metadata::held(format);
    let ours = made::bare(format);
    let dressing = made::metadata(format);
    if let Ok(dressed) = metadata::written(format, bytes.to_vec(), &dressing) {
        assert_eq!(Format::sniff(&dressed), Some(format));
        let (mut read, mut expected) = (metadata::read(format, &dressed), dressing.filtered(kinds));
        if format == Format::Tiff {
            (read.exif, expected.exif) = (None, None);
        }
        // The boxes of a JPEG XL file are read with its headers.
        if format != Format::Jxl || decode::decode(&dressed).is_ok() {
            same(format, &read, &expected);
        }
    }
    let _ = metadata::undescribed(format, bytes);
    if let Ok(anew) = recoded(format, bytes, ours) {
        assert_eq!(Format::sniff(&anew), Some(format));
        assert!(!containers::has_manifest(format, &anew));
        assert_eq!(
            metadata::read(format, &anew).xmp,
            found.xmp,
            "{format} coded anew"
        );
    }
}

/// What was found in a file goes into one of ours of another format, or of the same.
fn moved(found: &Metadata, from: Format, to: Format) {
    let ours = made::bare(to);
    let written = metadata::written(to, ours.to_vec(), found);
    let written = written.unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
    // Manifests stay in their container.
    let mut expected = found.filtered(metadata::held(to));
    expected.c2pa = expected.c2pa.filter(|_| from == to);
    let mut read = metadata::read(to, &written);
    match to {
        // What is longer than a segment is dropped.
        Format::Jpeg => {
            for block in [&mut expected.exif, &mut expected.xmp, &mut expected.iptc] {
                *block = block.take().filter(|block| block.len() <= SEGMENT);
            }
        }
        // A block of no bytes is none.
        Format::Jxl => expected.exif = expected.exif.filter(|exif| !exif.is_empty()),
        // A packet ends at a zero byte.
        Format::Gif => expected.xmp = expected.xmp.filter(|xmp| !xmp.contains(&0)),
        // A block goes into tags, those that there are.
        Format::Tiff if from != Format::Tiff => (expected.exif, read.exif) = (None, None),
        _ => {}
    }
    same(to, &read, &expected);
    if matches!(to, Format::Jpeg | Format::Png | Format::WebP | Format::Gif) {
        let (before, after) = (decode::decode(ours), decode::decode(&written));
        let after = after.unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
        assert_eq!(before.map(|file| file.pixels), Ok(after.pixels));
    }
}

fn same(format: Format, read: &Metadata, written: &Metadata) {
    for kind in Kind::ALL {
        assert_eq!(read.has(*kind), written.has(*kind), "{format}: {kind:?}");
    }
    assert!(read == written, "{format}: {read:?} is not {written:?}");
}
