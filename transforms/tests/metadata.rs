//! Laws of metadata: what is put in comes out, what is dropped is gone, and coded pixels never change.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{corpus, picture};
use credlink_image_files::Format;
use credlink_image_files::decode;
use credlink_image_files::metadata::{Kind, Metadata, read, written};
use credlink_transforms::codecs::jpeg::{self, Chroma, Encoder, Settings};
use credlink_transforms::codecs::{png, webp};
use image::DynamicImage;
use image::metadata::Orientation;

fn file(format: Format, alpha: bool) -> Vec<u8> {
    let rgb = DynamicImage::ImageRgb8(picture(50, 40));
    let pixels = if alpha {
        DynamicImage::ImageRgba8(rgb.to_rgba8())
    } else {
        rgb
    };
    match format {
        Format::Png => png::encode(&pixels).unwrap(),
        Format::WebP => webp::encode(
            &pixels,
            webp::Settings {
                quality: 70,
                method: 1,
                lossless: alpha,
            },
        )
        .unwrap(),
        _ => {
            let settings = Settings {
                encoder: Encoder::JpegEncoder,
                quality: 80,
                chroma: Chroma::Full,
                progressive: false,
            };
            jpeg::encode(&pixels, settings).unwrap()
        }
    }
}

/// A little-endian TIFF structure with the orientation tag alone.
fn exif(orientation: u8) -> Bytes {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    Bytes::from(exif)
}

fn rich(format: Format) -> Metadata {
    Metadata {
        exif: Some(exif(6)),
        xmp: Some(Bytes::from_static(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")),
        iptc: (format == Format::Jpeg)
            .then(|| Bytes::from_static(b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\0")),
        icc: Some(Bytes::from(vec![7; 3000])),
        c2pa: None,
    }
}

const CONTAINERS: [(Format, bool); 5] = [
    (Format::Jpeg, false),
    (Format::Png, false),
    (Format::Png, true),
    (Format::WebP, false),
    (Format::WebP, true),
];

#[test]
fn every_kind_that_is_written_is_read_back_and_pixels_stay() {
    for (format, alpha) in CONTAINERS {
        let bare = file(format, alpha);
        assert!(
            read(format, &bare).is_empty(),
            "{format}: encoders write no metadata"
        );
        let metadata = rich(format);
        let full = written(format, bare.clone(), &metadata).unwrap();
        assert_eq!(read(format, &full), metadata, "{format} alpha {alpha}");
        let (before, after) = (
            decode::decode(&bare).unwrap(),
            decode::decode(&full).unwrap(),
        );
        assert_eq!(before.pixels, after.pixels, "{format}");
        assert_eq!(
            after.orientation,
            Orientation::Rotate90,
            "{format}: the decoder sees the EXIF orientation"
        );
    }
}

#[test]
fn webp_with_an_alpha_chunk_decodes_after_its_xmp_is_gone() {
    let mut pixels = DynamicImage::ImageRgb8(picture(50, 40)).to_rgba8();
    for (x, _, pixel) in pixels.enumerate_pixels_mut() {
        pixel.0[3] = (x * 5) as u8;
    }
    let settings = webp::Settings {
        quality: 70,
        method: 1,
        lossless: false,
    };
    let bare = webp::encode(&DynamicImage::ImageRgba8(pixels), settings).unwrap();
    let xmp = rich(Format::WebP).filtered(&[Kind::Xmp]);
    let full = written(Format::WebP, bare.clone(), &xmp).unwrap();
    let stripped = written(Format::WebP, full.clone(), &Metadata::default()).unwrap();
    let decoded = [&bare, &full, &stripped].map(|file| decode::decode(file).unwrap().pixels);
    assert_eq!(decoded[0], decoded[1]);
    assert_eq!(decoded[0], decoded[2]);
}

#[test]
fn each_kind_is_kept_alone_when_it_alone_is_asked_for() {
    for (format, alpha) in CONTAINERS {
        let metadata = rich(format);
        let full = written(format, file(format, alpha), &metadata).unwrap();
        for kind in metadata.kinds() {
            let kept = written(format, full.clone(), &metadata.filtered(&[kind])).unwrap();
            assert_eq!(read(format, &kept).kinds(), [kind], "{format}");
        }
        let stripped = written(format, full, &Metadata::default()).unwrap();
        assert_eq!(read(format, &stripped).kinds(), [], "{format}");
        assert!(decode::decode(&stripped).is_ok(), "{format}");
    }
}

#[test]
fn stripping_what_was_added_gives_the_file_back_byte_for_byte() {
    for (format, alpha) in CONTAINERS {
        let bare = file(format, alpha);
        let full = written(format, bare.clone(), &rich(format)).unwrap();
        assert_eq!(
            written(format, full, &Metadata::default()).unwrap(),
            bare,
            "{format} alpha {alpha}"
        );
    }
}

#[test]
fn manifest_stores_of_real_signed_files_are_found_kept_and_dropped() {
    let Some(files) = corpus("c2pa") else { return };
    let (mut met, mut formats) = (0, std::collections::BTreeSet::new());
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let Some(format) = Format::sniff(&bytes) else {
            continue;
        };
        let metadata = read(format, &bytes);
        if metadata.c2pa.is_none() {
            continue;
        }
        formats.insert(format);
        let kept = written(format, bytes.clone(), &metadata.filtered(&[Kind::C2pa])).unwrap();
        assert_eq!(
            read(format, &kept).c2pa,
            metadata.c2pa,
            "{}",
            path.display()
        );
        let dropped = written(
            format,
            bytes,
            &metadata.filtered(&[Kind::Exif, Kind::Xmp, Kind::Iptc, Kind::Icc]),
        )
        .unwrap();
        assert!(read(format, &dropped).c2pa.is_none(), "{}", path.display());
        if [Format::Avif, Format::Gif, Format::Tiff].contains(&format) {
            // These are laid out anew or edited in place; the pictures must stay.
            let after = decode::decode(&dropped).unwrap().pixels;
            let before = std::fs::read(&path).unwrap();
            assert_eq!(after, decode::decode(&before).unwrap().pixels);
        }
        met += 1;
    }
    assert!(met >= 20, "only {met} signed files were met");
    assert!(formats.contains(&Format::Avif), "no signed AVIF was met");
}

#[test]
fn what_the_manifest_says_of_real_photos_is_what_is_read() {
    let Some(files) = corpus("photos") else {
        return;
    };
    let folder = files[0].parent().unwrap();
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    let mut checked = 0;
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (name, note) = (fields[0], *fields.last().unwrap());
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let Some(format @ (Format::Jpeg | Format::Png | Format::WebP)) = Format::sniff(&bytes)
        else {
            continue;
        };
        let metadata = read(format, &bytes);
        for (kind, word) in [(Kind::Exif, "EXIF"), (Kind::Icc, "ICC=")] {
            // The list was made with a reader that reports the orientation in the XMP of a PNG file as EXIF.
            if format == Format::Png && kind == Kind::Exif {
                continue;
            }
            assert_eq!(
                metadata.has(kind),
                note.contains(word),
                "{name}: {word} in \"{note}\""
            );
            checked += 1;
        }
    }
    assert!(checked > 80, "only {checked} facts were checked");
}

#[test]
fn hostile_containers_are_read_without_panic() {
    let Some(files) = corpus("hostile") else {
        return;
    };
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        if let Some(format) = Format::sniff(&bytes) {
            let metadata = read(format, &bytes);
            // Rewriting may be refused; it must not panic or lose the format.
            if let Ok(rewritten) = written(format, bytes, &metadata.filtered(&[Kind::Icc])) {
                assert_eq!(
                    Format::sniff(&rewritten),
                    Some(format),
                    "{}",
                    path.display()
                );
            }
        }
    }
}
