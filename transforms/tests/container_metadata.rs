//! One law for every container: what is written is read again, goes when it is not kept, and no pixel changes.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use image::{DynamicImage, RgbaImage};

use credlink_image_files::metadata::{ManifestStore, Metadata, fields, held, read, written};
use credlink_image_files::{Format, decode};
use credlink_transforms::codecs::{avif, bmp, gif, jpeg, jxl, png, tiff, webp};

/// Eight bytes of TIFF header, one directory with a copyright and, within it, an EXIF directory with an exposure.
fn exif(big: bool) -> Bytes {
    let u16s = |value: u16| {
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let u32s = |value: u32| {
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let mut block = if big { b"MM\0\x2a" } else { b"II\x2a\0" }.to_vec();
    block.extend(u32s(8));
    block.extend(u16s(2));
    let mut entry = |tag: u16, kind: u16, count: u32, value: u32| {
        block.extend(u16s(tag));
        block.extend(u16s(kind));
        block.extend(u32s(count));
        block.extend(u32s(value));
    };
    entry(33_432, 2, 12, 38);
    entry(34_665, 4, 1, 50);
    block.extend(u32s(0));
    block.extend(b"Ann Example\0");
    block.extend(u16s(1));
    block.extend(u16s(33_434));
    block.extend(u16s(5));
    block.extend(u32s(1));
    block.extend(u32s(68));
    block.extend(u32s(0));
    block.extend(u32s(1));
    block.extend(u32s(125));
    block.into()
}

fn encoded(format: Format, pixels: &DynamicImage) -> Vec<u8> {
    let settings = jpeg::Settings {
        encoder: jpeg::Encoder::LibjpegTurbo,
        quality: 90,
        chroma: jpeg::Chroma::Quarter,
        progressive: false,
    };
    match format {
        Format::Jpeg => jpeg::encode(&pixels.to_rgb8().into(), settings),
        Format::Png => png::encode(pixels),
        Format::WebP => webp::encode(
            pixels,
            webp::Settings {
                quality: 80,
                method: 0,
                lossless: true,
            },
        ),
        Format::Avif => avif::encode(pixels, 80, 10),
        Format::Gif => gif::encode(pixels, 64, 0.0),
        Format::Tiff => tiff::encode(pixels),
        Format::Bmp => bmp::encode(pixels),
        Format::Jxl => jxl::encode(pixels),
    }
    .unwrap()
}

/// A store in the form in which the container holds it.
fn store(format: Format) -> ManifestStore {
    // A superbox whose description names the label.
    let jumbf = b"\0\0\0\x26jumb\0\0\0\x1ejumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0";
    let payload = match format {
        Format::Jpeg => [b"JP\0\x01\0\0\0\x01".as_slice(), jumbf].concat(),
        Format::Gif => {
            let length = [jumbf.len() as u8];
            [b"\x21\xff\x0bC2PA_GIF\x01\0\0", &length[..], jumbf, &[0]].concat()
        }
        Format::Jxl => jumbf[8..].to_vec(),
        _ => jumbf.to_vec(),
    };
    ManifestStore::new(format, vec![payload.into()])
}

fn pixels(file: &[u8]) -> DynamicImage {
    decode::decode(file).unwrap().pixels
}

#[test]
fn every_container_gives_back_what_it_holds_and_loses_what_is_not_kept() {
    let picture = DynamicImage::from(RgbaImage::from_fn(40, 24, |x, y| {
        image::Rgba([x as u8 * 6, y as u8 * 9, 70, if x < 20 { 255 } else { 130 }])
    }));
    for format in Format::ALL.iter().copied() {
        let file = encoded(format, &picture);
        assert!(read(format, &file).is_empty(), "{format}");
        let everything = Metadata {
            exif: Some(exif(false)),
            xmp: Some(Bytes::from_static(
                b"<x:xmpmeta>words, and more words</x:xmpmeta>",
            )),
            iptc: Some(Bytes::from_static(
                b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x50\0\x03Ann",
            )),
            icc: Some(
                moxcms::ColorProfile::new_display_p3()
                    .encode()
                    .unwrap()
                    .into(),
            ),
            c2pa: Some(store(format)),
        };
        let all = everything.filtered(held(format));
        let full = written(format, file.clone(), &all).unwrap();
        let found = read(format, &full);
        assert_eq!(found.kinds(), held(format), "{format}");
        if format != Format::Tiff {
            assert_eq!(found, all, "{format}");
        }
        assert_eq!(pixels(&full), pixels(&file), "{format}");
        for kind in held(format).iter().copied() {
            let one = written(format, full.clone(), &all.filtered(&[kind])).unwrap();
            assert_eq!(read(format, &one).kinds(), [kind], "{format}");
            assert_eq!(pixels(&one), pixels(&file), "{format}");
        }
        let bare = written(format, full, &Metadata::default()).unwrap();
        assert!(read(format, &bare).is_empty(), "{format}");
        assert_eq!(pixels(&bare), pixels(&file), "{format}");
        for trace in [b"xmpmeta".as_slice(), b"Ann", b"c2pa", b"acspMSFT"] {
            let left = bare.windows(trace.len()).any(|window| window == trace);
            assert!(!left, "{format} still holds {trace:?}");
        }
    }
}

#[test]
fn exif_goes_into_tiff_and_out_again_in_both_byte_orders() {
    let file = encoded(Format::Tiff, &DynamicImage::new_rgb8(9, 5));
    for big in [false, true] {
        let given = Metadata {
            exif: Some(exif(big)),
            ..Metadata::default()
        };
        let full = written(Format::Tiff, file.clone(), &given).unwrap();
        // What comes out is the same directory, little-endian and laid out by us.
        let found = read(Format::Tiff, &full).exif.unwrap();
        let twice = written(
            Format::Tiff,
            full,
            &read(
                Format::Tiff,
                &written(Format::Tiff, file.clone(), &given).unwrap(),
            ),
        )
        .unwrap();
        assert_eq!(read(Format::Tiff, &twice).exif.unwrap(), found);
        assert_eq!(
            fields::exif_with_only(&found, &[33_432])
                .unwrap()
                .last_chunk(),
            Some(b"ple\0")
        );
        // 1/125 s, in the directory below.
        assert!(
            found
                .windows(8)
                .any(|window| window == [1, 0, 0, 0, 125, 0, 0, 0])
        );
    }
}

#[test]
fn damaged_containers_give_no_metadata_and_no_panic() {
    let picture = DynamicImage::new_rgba8(12, 10);
    for format in Format::ALL.iter().copied() {
        let everything = Metadata {
            exif: Some(exif(true)),
            xmp: Some(Bytes::from_static(b"<x:xmpmeta/>")),
            c2pa: Some(store(format)),
            ..Metadata::default()
        };
        let full = written(
            format,
            encoded(format, &picture),
            &everything.filtered(held(format)),
        );
        let full = full.unwrap();
        for length in 0..full.len().min(1200) {
            let cut = &full[..length];
            let _ = read(format, cut);
            let _ = written(format, cut.to_vec(), &Metadata::default());
        }
        for at in 0..full.len().min(1200) {
            let mut changed = full.clone();
            changed[at] ^= 0xFF;
            let _ = read(format, &changed);
            let _ = written(format, changed, &everything);
        }
    }
}

#[test]
fn an_exif_block_begins_where_its_box_says() {
    let picture = DynamicImage::new_rgb8(16, 16);
    let with = |exif: Bytes| {
        let metadata = Metadata {
            exif: Some(exif),
            ..Metadata::default()
        };
        let file = encoded(Format::Jxl, &picture);
        written(Format::Jxl, file, &metadata).unwrap()
    };
    // The box begins with how far behind these four bytes the block does.
    let mut file = with([b"Exif\0\0", &exif(false)[..]].concat().into());
    let body = file.windows(4).position(|word| word == b"Exif").unwrap() + 4;
    file[body..body + 4].copy_from_slice(&6_u32.to_be_bytes());
    assert_eq!(read(Format::Jxl, &file).exif, Some(exif(false)));
    assert_eq!(
        read(Format::Jxl, &with(exif(false))).exif,
        Some(exif(false))
    );
}

#[test]
fn a_packet_with_a_zero_byte_does_not_end_a_gif_file() {
    let picture = DynamicImage::new_rgb8(16, 16);
    let file = encoded(Format::Gif, &picture);
    let metadata = Metadata {
        xmp: Some(Bytes::from_static(b"<x>\0</x>")),
        ..Metadata::default()
    };
    let new = written(Format::Gif, file.clone(), &metadata).unwrap();
    assert_eq!(pixels(&new), pixels(&file));
    assert_eq!(read(Format::Gif, &new).xmp, None);
    let refused = credlink_image_files::containers::with_xmp(Format::Gif, &file, b"<x>\0</x>");
    assert!(refused.is_err());
}

#[test]
fn tags_of_a_tiff_file_ascend_in_the_block_that_is_made_of_them() {
    // One strip of one pixel, and three tags that EXIF knows, the wrong way round.
    let entry = |tag: u16, kind: u16, value: u32| {
        let (tag, kind) = (tag.to_le_bytes(), kind.to_le_bytes());
        [&tag[..], &kind, &1_u32.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let entries = [entry(33_432, 2, 67), entry(315, 2, 66), entry(271, 2, 65)];
    let file = [&b"II\x2a\0\x08\0\0\0\x03\0"[..], &entries.concat(), &[0; 4]].concat();
    let block = read(Format::Tiff, &file).exif.unwrap();
    let tags: Vec<u16> = (0..3)
        .map(|at| u16::from_le_bytes([block[10 + 12 * at], block[11 + 12 * at]]))
        .collect();
    assert_eq!(tags, [271, 315, 33_432]);
}
