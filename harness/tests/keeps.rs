//! The law of signing: what a file holds beside its pixels is there in the signed file, byte for byte, or named.
//!
//! The files are made here, block by block and after the formats' own documents, and looked through for the very bytes that
//! were put in: whoever lists blocks by the code that copies them would see no fault in both.
#![allow(clippy::unwrap_used)]

use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::reencode::Rewriter;
use credlink_harness::{identity, received};
use credlink_image_files::containers::mpf;
use credlink_image_files::metadata::{self, Metadata};
use credlink_image_files::{Format, decode};
use credlink_sign_core::watermark::WatermarkKey;
use credlink_sign_core::{Asset, Marker, ProofId, SignedImage, Signer};
use credlink_transforms::codecs::{avif, gif, jpeg, png, tiff, webp};
use image::DynamicImage;
use zeroize::Zeroizing;

/// A block as it stands in the file: by which name it may be missed, and its bytes.
struct Put {
    name: &'static str,
    bytes: Vec<u8>,
}

fn put(name: &'static str, bytes: impl Into<Vec<u8>>) -> Put {
    Put {
        name,
        bytes: bytes.into(),
    }
}

fn picture() -> DynamicImage {
    let set = SyntheticSet::new(5);
    let entry = (0..500)
        .map(|index| set.entry(index))
        .find(|entry| entry.class == "landscape" && (640..960).contains(&entry.width))
        .unwrap();
    let decoded = decode::decode(&set.load(entry.index).unwrap().bytes).unwrap();
    DynamicImage::ImageRgb8(decoded.pixels.to_rgb8())
}

const PACKET: &[u8] = b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" dc:rights=\"all mine\"/></rdf:RDF></x:xmpmeta>";

/// An EXIF block of one tag, the copyright.
fn exif() -> Vec<u8> {
    let mut block = b"II\x2a\0\x08\0\0\0\x01\0\x98\x82\x02\0".to_vec();
    block.extend(12_u32.to_le_bytes());
    block.extend(26_u32.to_le_bytes());
    block.extend([0; 4]);
    block.extend(b"Ann Example\0");
    block
}

fn profile() -> Vec<u8> {
    moxcms::ColorProfile::new_display_p3().encode().unwrap()
}

fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], &length[..], payload].concat()
}

/// Every kind of segment, an index with a second picture, and a film behind it.
fn jpeg_file() -> (Vec<u8>, Vec<Put>) {
    let settings = |chroma| jpeg::Settings {
        encoder: jpeg::Encoder::JpegEncoder,
        quality: 85,
        chroma,
        progressive: true,
    };
    let bare = jpeg::encode(&picture(), settings(jpeg::Chroma::Quarter)).unwrap();
    let small = picture().thumbnail(64, 64);
    let second = jpeg::encode(&small, settings(jpeg::Chroma::Full)).unwrap();
    let profile = profile();
    let (one, two) = profile.split_at(profile.len() / 2);
    let part = |number: u8, part: &[u8]| [b"ICC_PROFILE\0", &[number, 2][..], part].concat();
    let extended = |at: u8| {
        let guid = b"http://ns.adobe.com/xmp/extension/\x000123456789ABCDEF0123456789ABCDEF";
        [&guid[..], &[0, 0, 2, 0, 0, 0, at, 0], &[b'x'; 256]].concat()
    };
    let jumbf = b"JP\0\x02\0\0\0\x01\0\0\0\x30jumb\0\0\0\x1ejumdjson\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03mine\0\0\0\0\x0ajson{}";
    let mut puts = vec![
        put(
            "JFIF density",
            b"JFIF\0\x01\x01\x01\x01\x2c\x01\x2c\0\0".to_vec(),
        ),
        put("EXIF", [b"Exif\0\0", &exif()[..]].concat()),
        put("XMP", [b"http://ns.adobe.com/xap/1.0/\0", PACKET].concat()),
        put("extended XMP", extended(0)),
        put("extended XMP", extended(1)),
        put("colour profile", part(1, one)),
        put("colour profile", part(2, two)),
        put(
            "gain map metadata",
            b"urn:iso:std:iso:ts:21496:-1\0abcdef".to_vec(),
        ),
        put("JUMBF", jumbf.to_vec()),
        put(
            "Photoshop resources",
            b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x04abcd".to_vec(),
        ),
        put(
            "Photoshop resources",
            b"Photoshop 3.0\x008BIM\x04\x05\0\0\0\0\0\x04efgh".to_vec(),
        ),
        put("APP5 \"Vendor\"", b"Vendor\0what a camera says".to_vec()),
        put("Adobe segment", b"Adobe\0\x64\0\0\0\0\x01".to_vec()),
        put("APP14 \"Other\"", b"Other\0in the same place".to_vec()),
        put("comment", b"a first remark".to_vec()),
        put("comment", b"and a second".to_vec()),
    ];
    let markers = [
        0xe0, 0xe1, 0xe1, 0xe1, 0xe1, 0xe2, 0xe2, 0xe2, 0xeb, 0xed, 0xed, 0xe5, 0xee, 0xee, 0xfe,
        0xfe,
    ];
    let mut file = bare[..2].to_vec();
    for (marker, put) in markers.iter().zip(&puts) {
        file.extend(segment(*marker, &put.bytes));
    }
    // An index of two pictures: header, one directory with the list of entries, and the entries.
    let mut index =
        b"MPF\0II\x2a\0\x08\0\0\0\x01\0\x02\xb0\x07\0\x20\0\0\0\x1a\0\0\0\0\0\0\0".to_vec();
    let jfif = 20;
    let header = file.len() + 4 + 4;
    let end = file.len() + 4 + index.len() + 32 + bare.len() - jfif;
    for (size, offset) in [(end, 0), (second.len(), end - header)] {
        index.extend([0; 4]);
        index.extend((size as u32).to_le_bytes());
        index.extend((offset as u32).to_le_bytes());
        index.extend([0; 4]);
    }
    file.extend(segment(0xe2, &index));
    assert_eq!(
        bare[2..6],
        [0xff, 0xe0, 0, 16],
        "the encoder's own JFIF segment"
    );
    file.extend(&bare[jfif..]);
    assert_eq!(file.len(), end);
    file.extend(&second);
    let film = b"\0\0\0\x18ftypmp42 and then a film".repeat(40);
    file.extend(&film);
    puts.push(put("data behind the image", [second, film].concat()));
    (file, puts)
}

fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = (data.len() as u32).to_be_bytes().to_vec();
    out.extend(kind);
    out.extend(data);
    out.extend(crc32fast::hash(&out[4..]).to_be_bytes());
    out
}

fn png_file() -> (Vec<u8>, Vec<Put>) {
    let bare = png::encode(&picture()).unwrap();
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(b"a long text", 6);
    let before: Vec<(&'static str, &[u8; 4], Vec<u8>)> = vec![
        ("gAMA chunk", b"gAMA", 55_000_u32.to_be_bytes().to_vec()),
        (
            "cHRM chunk",
            b"cHRM",
            [31_270_u32; 8].map(u32::to_be_bytes).concat(),
        ),
        ("sBIT chunk", b"sBIT", vec![8, 8, 8]),
        ("cICP chunk", b"cICP", vec![9, 16, 0, 1]),
        ("bKGD chunk", b"bKGD", vec![0, 1, 0, 2, 0, 3]),
        (
            "pHYs chunk",
            b"pHYs",
            b"\0\0\x2e\x23\0\0\x2e\x23\x01".to_vec(),
        ),
        ("tIME chunk", b"tIME", vec![7, 228, 1, 2, 3, 4, 5]),
        ("text \"Author\"", b"tEXt", b"Author\0Ann Example".to_vec()),
        (
            "text \"parameters\"",
            b"zTXt",
            [b"parameters\0\0", &packed[..]].concat(),
        ),
        (
            "text \"Title\"",
            b"iTXt",
            b"Title\0\0\0de\0Titel\0Ein Titel".to_vec(),
        ),
        (
            "XMP",
            b"iTXt",
            [b"XML:com.adobe.xmp\0\0\0\0\0", PACKET].concat(),
        ),
        ("EXIF", b"eXIf", exif()),
        (
            "prVt chunk",
            b"prVt",
            b"whose meaning nobody knows".to_vec(),
        ),
    ];
    let after: Vec<(&'static str, &[u8; 4], Vec<u8>)> = vec![
        (
            "text \"Comment\"",
            b"tEXt",
            b"Comment\0behind the pixels".to_vec(),
        ),
        (
            "afTr chunk",
            b"afTr",
            b"unknown, behind the pixels".to_vec(),
        ),
    ];
    let header = 8 + 25;
    let end = bare.len() - 12;
    let mut file = bare[..header].to_vec();
    before
        .iter()
        .for_each(|(_, kind, data)| file.extend(png_chunk(kind, data)));
    file.extend(&bare[header..end]);
    after
        .iter()
        .for_each(|(_, kind, data)| file.extend(png_chunk(kind, data)));
    file.extend(&bare[end..]);
    let behind = b"behind the end".to_vec();
    file.extend(&behind);
    let all = before.into_iter().chain(after);
    let mut puts: Vec<Put> = all.map(|(name, _, data)| put(name, data)).collect();
    puts.push(put("data behind the image", behind));
    (file, puts)
}

fn webp_file() -> (Vec<u8>, Vec<Put>) {
    let settings = webp::Settings {
        quality: 80,
        method: 0,
        lossless: false,
    };
    let bare = webp::encode(&picture(), settings).unwrap();
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut out = [&kind[..], &(data.len() as u32).to_le_bytes(), data].concat();
        out.resize(out.len().next_multiple_of(2), 0);
        out
    };
    let size = |at: u32| (at - 1).to_le_bytes();
    let (width, height) = (size(picture().width()), size(picture().height()));
    let extended = [&[0x2c, 0, 0, 0][..], &width[..3], &height[..3]].concat();
    let prefixed = [b"Exif\0\0", &exif()[..]].concat();
    let parts = [
        chunk(b"VP8X", &extended),
        chunk(b"ICCP", &profile()),
        bare[12..].to_vec(),
        chunk(b"EXIF", &prefixed),
        chunk(b"XMP ", PACKET),
        chunk(b"miNe", b"nobody knows"),
    ]
    .concat();
    let total = (parts.len() as u32 + 4).to_le_bytes();
    let behind = b"behind the end".to_vec();
    let file = [b"RIFF", &total[..], b"WEBP", &parts, &behind].concat();
    let puts = vec![
        put("colour profile", profile()),
        put("EXIF", prefixed),
        put("XMP", PACKET),
        put("miNe chunk", b"nobody knows".to_vec()),
        put("data behind the image", behind),
    ];
    (file, puts)
}

fn gif_file() -> (Vec<u8>, Vec<Put>) {
    let bare = gif::encode(&picture(), 64, 0.0).unwrap();
    let mut file = bare[..bare.len() - 1].to_vec();
    let blocks: [(&'static str, &[u8]); 3] = [
        ("comment", b"\x21\xfe\x08a remark\0"),
        (
            "application \"NETSCAPE2.0\"",
            b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0",
        ),
        (
            "application \"SOMEBODY1.0\"",
            b"\x21\xff\x0bSOMEBODY1.0\x04abcd\0",
        ),
    ];
    blocks.iter().for_each(|(_, block)| file.extend(*block));
    file.push(0x3b);
    let puts = blocks.map(|(name, block)| put(name, block));
    (file, puts.into())
}

/// Through the writer of metadata, whose own law stands beside it.
fn by_kinds(format: Format, bare: Vec<u8>) -> (Vec<u8>, Vec<Put>) {
    let metadata = Metadata {
        exif: Some(exif().into()),
        xmp: Some(PACKET.into()),
        icc: Some(profile().into()),
        ..Metadata::default()
    };
    let file = metadata::written(format, bare, &metadata).unwrap();
    let puts = vec![
        // In TIFF, what EXIF says of the picture are tags of the file itself.
        put(
            if format == Format::Tiff {
                "copyright"
            } else {
                "EXIF"
            },
            b"Ann Example\0".to_vec(),
        ),
        put("XMP", PACKET),
        put("colour profile", profile()),
    ];
    (file, puts)
}

fn files() -> Vec<(Format, Vec<u8>, Vec<Put>)> {
    let with = |format, (file, puts)| (format, file, puts);
    let small = picture().thumbnail(320, 320);
    vec![
        with(Format::Jpeg, jpeg_file()),
        with(Format::Png, png_file()),
        with(Format::WebP, webp_file()),
        with(Format::Gif, gif_file()),
        with(
            Format::Tiff,
            by_kinds(Format::Tiff, tiff::encode(&picture()).unwrap()),
        ),
        with(
            Format::Avif,
            by_kinds(Format::Avif, avif::encode(&small, 80, 10).unwrap()),
        ),
    ]
}

fn signed(bytes: &[u8], is_marked: bool) -> SignedImage {
    let mut signer = Signer::new(identity::of_run(None, Zeroizing::new([7; 32])).unwrap()).unwrap();
    if is_marked {
        signer = signer.with_marker(Marker::new(WatermarkKey::derive(&[7; 32]).unwrap()));
    }
    let rewriter = Rewriter::of(bytes);
    let file = Asset::new(bytes, &received::decode_bytes).with_encoder(&rewriter);
    signer.sign(&file, ProofId::new(0x1234)).unwrap()
}

fn holds(file: &[u8], bytes: &[u8]) -> bool {
    file.windows(bytes.len()).any(|window| window == bytes)
}

/// What lies behind the RIFF container, which the C2PA library writes anew.
const LOST: (Format, &str) = (Format::WebP, "data behind the image");

#[test]
fn what_a_file_holds_is_there_when_it_is_signed_or_named() {
    for (format, file, puts) in files() {
        let rewritten = matches!(format, Format::Jpeg | Format::Png | Format::WebP);
        for is_marked in [false, true] {
            let signed = signed(&file, is_marked);
            assert_eq!(
                signed.mark.is_some(),
                is_marked && rewritten,
                "{format}: {:?}",
                signed.unmarked
            );
            for put in &puts {
                assert!(
                    holds(&file, &put.bytes),
                    "{format}: {} was never there",
                    put.name
                );
                // The link goes into the packet, and nothing else changes.
                if put.name == "XMP" {
                    assert!(
                        signed.fate.changed.contains(&put.name.to_owned()),
                        "{format}: {:?}",
                        signed.fate
                    );
                    assert!(holds(&signed.bytes, b"all mine"), "{format}");
                    continue;
                }
                // Its directory is there once more, behind all that was there, and the pointer leads to that one.
                if (format, put.name) == (Format::Png, "EXIF") {
                    assert!(holds(&signed.bytes, &put.bytes[8..]), "{format}");
                    assert!(signed.fate.changed.contains(&put.name.to_owned()));
                    continue;
                }
                if (format, put.name) == LOST {
                    let names = signed.fate.missed();
                    assert!(
                        names.contains(&put.name),
                        "{format}: {} is not named",
                        put.name
                    );
                    continue;
                }
                assert!(
                    holds(&signed.bytes, &put.bytes),
                    "{format}: {} is gone, marked {is_marked}",
                    put.name
                );
                assert!(
                    signed.fate.kept.contains(&put.name.to_owned()),
                    "{format}: {:?} without {}",
                    signed.fate,
                    put.name
                );
            }
            let lost = usize::from(format == LOST.0);
            assert_eq!(
                signed.fate.missed().len(),
                lost,
                "{format}: {:?}",
                signed.fate.dropped
            );
        }
    }
}

#[test]
fn further_pictures_lie_where_the_index_says() {
    let (file, _) = jpeg_file();
    let second = |file: &[u8]| {
        let places = mpf::pictures(file);
        assert_eq!(places.len(), 1);
        file[places[0].clone()].to_vec()
    };
    assert!(second(&file).starts_with(&[0xff, 0xd8, 0xff]));
    for is_marked in [false, true] {
        assert_eq!(
            second(&signed(&file, is_marked).bytes),
            second(&file),
            "marked {is_marked}"
        );
    }
}
