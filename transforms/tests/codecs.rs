//! Laws that every codec room keeps, on made-up and on real images.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Instant;

use common::{corpus, picture, psnr};
use credlink_image_files::DecodeError;
use credlink_image_files::Format;
use credlink_image_files::decode;
use credlink_transforms::codecs::jpeg::{self, Chroma, Encoder, Settings};
use credlink_transforms::codecs::libjpeg::transcode;
use credlink_transforms::codecs::quantisers::quantiser;
use credlink_transforms::codecs::{avif, lossless_png, png, webp};
use image::DynamicImage;

const ENCODERS: [Encoder; 3] = [
    Encoder::LibjpegTurbo,
    Encoder::Mozjpeg,
    Encoder::JpegEncoder,
];
const CHROMA: [Chroma; 3] = [Chroma::Full, Chroma::HalfWidth, Chroma::Quarter];
/// Sides at which blocks, subsampling and filters have their edges.
const SIZES: [(u32, u32); 7] = [
    (1, 1),
    (1, 9),
    (8, 8),
    (17, 1),
    (33, 31),
    (64, 48),
    (255, 130),
];

#[test]
fn every_jpeg_encoder_writes_what_it_was_asked_for_at_every_size() {
    for (width, height) in SIZES {
        let pixels = DynamicImage::ImageRgb8(picture(width, height));
        for encoder in ENCODERS {
            for chroma in CHROMA {
                for progressive in [false, true] {
                    let settings = Settings {
                        encoder,
                        quality: 90,
                        chroma,
                        progressive,
                    };
                    let file = jpeg::encode(&pixels, settings).unwrap();
                    let decoded = decode::decode(&file).unwrap().pixels;
                    let case = format!("{settings:?} at {width}x{height}");
                    assert_eq!(
                        (decoded.width(), decoded.height()),
                        (width, height),
                        "{case}"
                    );
                    let traits = jpeg::traits(&file).unwrap();
                    assert_eq!(traits.progressive, progressive, "{case}");
                    let sampling = match chroma {
                        Chroma::Full => (1, 1),
                        Chroma::HalfWidth => (2, 1),
                        _ => (2, 2),
                    };
                    assert_eq!(traits.luma_sampling, sampling, "{case}");
                    if width >= 64 {
                        assert!(
                            psnr(&pixels, &decoded) > 26.0,
                            "{case}: {} dB",
                            psnr(&pixels, &decoded)
                        );
                    }
                }
            }
        }
    }
}

/// A decoder that read the second component's rows out of the third's made green stripes of such files, without a word.
#[test]
fn components_that_are_coded_one_after_the_other_make_the_same_picture() {
    for (width, height) in [(64, 48), (65, 33), (88, 88), (255, 130)] {
        let pixels = DynamicImage::ImageRgb8(picture(width, height));
        for chroma in CHROMA {
            let settings = Settings {
                encoder: Encoder::JpegEncoder,
                quality: 90,
                chroma,
                progressive: false,
            };
            let in_turn = jpeg::encode(&pixels, settings).unwrap();
            // This encoder writes a scan for each component where it fits Huffman tables.
            let fitted = jpeg::Extras {
                optimised: true,
                tables: None,
            };
            let apart = jpeg::encode_with(&pixels, settings, &fitted).unwrap();
            assert_eq!((decode::scans(&in_turn), decode::scans(&apart)), (1, 3));
            let decoded = |file: &[u8]| decode::decode(file).unwrap().pixels;
            let difference = psnr(&decoded(&in_turn), &decoded(&apart));
            assert!(
                difference > 38.0,
                "{chroma:?} at {width}x{height}: {difference} dB"
            );
        }
    }
}

#[test]
fn a_jpeg_that_is_coded_like_another_loses_next_to_nothing_again() {
    let colour = DynamicImage::ImageRgb8(picture(255, 130));
    let grey = DynamicImage::ImageLuma8(colour.to_luma8());
    for (pixels, quality) in [(&colour, 90), (&colour, 60), (&grey, 75)] {
        for chroma in CHROMA {
            let settings = Settings {
                encoder: Encoder::Mozjpeg,
                quality,
                chroma,
                progressive: true,
            };
            let first = jpeg::encode(pixels, settings).unwrap();
            let tables = jpeg::own_tables(&first).unwrap();
            let decoded = decode::decode(&first).unwrap().pixels;
            let again = jpeg::encode_like(&decoded, &tables, chroma, true).unwrap();
            assert_eq!(jpeg::own_tables(&again), Some(tables));
            assert_eq!(jpeg::traits(&again), jpeg::traits(&first));
            let difference = psnr(&decoded, &decode::decode(&again).unwrap().pixels);
            assert!(difference > 40.0, "{settings:?}: {difference} dB");
            let growth = again.len() as f64 / first.len() as f64;
            assert!(growth < 1.1, "{settings:?}: {growth}");
        }
    }
    assert_eq!(jpeg::own_tables(b"\xff\xd8\xff\xd9"), None);
}

#[test]
fn a_webp_quality_is_found_that_quantises_as_finely_as_a_file() {
    let pixels = DynamicImage::ImageRgb8(picture(255, 130));
    let index_of = |quality| {
        let settings = webp::Settings {
            quality,
            method: 2,
            lossless: false,
        };
        quantiser(Format::WebP, &webp::encode(&pixels, settings).unwrap()).unwrap()
    };
    for quality in (0..=100).step_by(5) {
        let index = index_of(quality);
        let found = webp::quality_with(index);
        let again = index_of(found);
        // An encoder quantises parts of a picture more or less finely than its quality says.
        assert!(
            again <= index + index / 10 + 1,
            "{quality} has {index}; {found} has {again}"
        );
        assert!(found <= quality + 5, "{quality}: {found}");
    }
}

#[test]
fn grey_jpegs_have_one_component() {
    for encoder in ENCODERS {
        let grey = DynamicImage::ImageLuma8(DynamicImage::ImageRgb8(picture(40, 30)).to_luma8());
        let settings = Settings {
            encoder,
            quality: 80,
            chroma: Chroma::Quarter,
            progressive: false,
        };
        let decoded = decode::decode(&jpeg::encode(&grey, settings).unwrap())
            .unwrap()
            .pixels;
        assert!(!decoded.color().has_color(), "{encoder:?}");
    }
}

#[test]
fn quality_is_read_back_from_the_tables_of_ijg_encoders() {
    let pixels = DynamicImage::ImageRgb8(picture(32, 32));
    for encoder in [Encoder::LibjpegTurbo, Encoder::JpegEncoder] {
        for quality in (30..=95).step_by(5) {
            let settings = Settings {
                encoder,
                quality,
                chroma: Chroma::Full,
                progressive: false,
            };
            let file = jpeg::encode(&pixels, settings).unwrap();
            assert_eq!(
                jpeg::traits(&file).unwrap().quality,
                Some(quality),
                "{encoder:?}"
            );
        }
    }
}

#[test]
fn lossless_transcoding_keeps_every_pixel_of_every_kind_of_jpeg() {
    for (width, height) in SIZES {
        let pixels = DynamicImage::ImageRgb8(picture(width, height));
        for chroma in CHROMA {
            for from in [false, true] {
                let settings = Settings {
                    encoder: Encoder::JpegEncoder,
                    quality: 85,
                    chroma,
                    progressive: from,
                };
                let file = jpeg::encode(&pixels, settings).unwrap();
                for to in [false, true] {
                    let settings = transcode::Settings {
                        progressive: to,
                        optimised: true,
                    };
                    let rewritten = transcode::transcode(&file, settings).unwrap();
                    assert_eq!(jpeg::traits(&rewritten).unwrap().progressive, to);
                    let (before, after) = (
                        decode::decode(&file).unwrap(),
                        decode::decode(&rewritten).unwrap(),
                    );
                    assert_eq!(
                        before.pixels, after.pixels,
                        "{chroma:?} {from} to {to} at {width}x{height}"
                    );
                }
            }
        }
    }
}

#[test]
fn lossless_transcoding_keeps_every_pixel_of_real_jpegs() {
    let Some(files) = corpus("photos") else {
        return;
    };
    let mut walked = 0;
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "jpg"))
    {
        let file = std::fs::read(path).unwrap();
        if file.len() > 1_200_000 {
            continue; // The large ones add minutes and no new kind of file.
        }
        let settings = transcode::Settings {
            progressive: true,
            optimised: true,
        };
        let rewritten = transcode::transcode(&file, settings).unwrap();
        let (before, after) = (
            decode::decode(&file).unwrap(),
            decode::decode(&rewritten).unwrap(),
        );
        assert_eq!(before.pixels, after.pixels, "{}", path.display());
        walked += 1;
    }
    assert!(walked >= 10, "only {walked} real JPEG files were walked");
}

#[test]
fn a_file_that_is_no_jpeg_is_refused_by_the_transcoder_in_words() {
    let settings = transcode::Settings {
        progressive: true,
        optimised: true,
    };
    for bytes in [&b""[..], b"no jpeg", &[0xFF, 0xD8, 0xFF, 0xD9]] {
        assert!(
            transcode::transcode(bytes, settings)
                .unwrap_err()
                .to_string()
                .contains("jpeg")
        );
    }
}

/// An error behind the first written bytes used to free the output buffer twice, which ended the whole process.
#[test]
fn an_error_in_the_middle_of_writing_frees_the_output_once() {
    let pixels = DynamicImage::ImageRgb8(picture(900, 700));
    let settings = Settings {
        encoder: Encoder::JpegEncoder,
        quality: 95,
        chroma: Chroma::Full,
        progressive: false,
    };
    let file = jpeg::encode(&pixels, settings).unwrap();
    let settings = transcode::Settings {
        progressive: true,
        optimised: true,
    };
    let tables: Vec<usize> = (0..file.len() - 4)
        .filter(|at| file[*at..].starts_with(&[0xFF, 0xC4]) && file[at + 4] >> 4 == 1)
        .collect();
    assert!(
        !tables.is_empty(),
        "no Huffman table for AC coefficients was found"
    );
    let mut refused = 0;
    for table in tables {
        for symbol in [0, 1, 2, 5, 9] {
            // A coefficient of fifteen bits can be read but not written.
            let mut damaged = file.clone();
            damaged[table + 5 + 16 + symbol] = 0x0F;
            refused += usize::from(transcode::transcode(&damaged, settings).is_err());
        }
    }
    assert!(refused > 0, "no damage reached the writer");
}

#[test]
fn lossless_steps_check_the_pixel_limit_before_they_decode() {
    // A header that promises 65,000 x 65,000 pixels.
    let mut jpeg_bomb = jpeg::encode(
        &DynamicImage::ImageRgb8(picture(16, 16)),
        Settings {
            encoder: Encoder::JpegEncoder,
            quality: 90,
            chroma: Chroma::Full,
            progressive: false,
        },
    )
    .unwrap();
    let frame = jpeg_bomb
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    jpeg_bomb[frame + 5..frame + 9].copy_from_slice(&[0xFD, 0xE8, 0xFD, 0xE8]);
    let settings = transcode::Settings {
        progressive: true,
        optimised: true,
    };
    let error = transcode::transcode(&jpeg_bomb, settings)
        .unwrap_err()
        .to_string();
    assert!(error.contains("exceed the limit"), "{error}");
    let mut png_bomb = png::encode(&DynamicImage::ImageRgb8(picture(16, 16))).unwrap();
    png_bomb[16..24].copy_from_slice(&[0, 0, 0xFD, 0xE8, 0, 0, 0xFD, 0xE8]);
    let error = lossless_png::optimise(&png_bomb, 1, lossless_png::Strip::Safe, true)
        .unwrap_err()
        .to_string();
    assert!(error.contains("exceed the limit"), "{error}");
}

#[test]
fn lossless_webp_and_png_return_the_same_pixels() {
    for (width, height) in SIZES {
        let rgb = DynamicImage::ImageRgb8(picture(width, height));
        let mut rgba = rgb.to_rgba8();
        rgba.pixels_mut()
            .enumerate()
            .for_each(|(index, pixel)| pixel[3] = 1 + (index % 255) as u8);
        for pixels in [rgb, DynamicImage::ImageRgba8(rgba)] {
            let settings = webp::Settings {
                quality: 50,
                method: 1,
                lossless: true,
            };
            let decoded = decode::decode(&webp::encode(&pixels, settings).unwrap())
                .unwrap()
                .pixels;
            assert_eq!(
                decoded.to_rgba8(),
                pixels.to_rgba8(),
                "webp at {width}x{height}"
            );
            let file = png::encode(&pixels).unwrap();
            assert_eq!(
                decode::decode(&file).unwrap().pixels,
                pixels,
                "png at {width}x{height}"
            );
            let optimised =
                lossless_png::optimise(&file, 1, lossless_png::Strip::Safe, true).unwrap();
            let decoded = decode::decode(&optimised).unwrap().pixels;
            assert_eq!(
                decoded.to_rgba8(),
                pixels.to_rgba8(),
                "oxipng at {width}x{height}"
            );
        }
    }
}

#[test]
fn sixteen_bit_and_grey_pngs_keep_their_type() {
    let rgb = DynamicImage::ImageRgb8(picture(20, 10));
    for pixels in [
        DynamicImage::ImageRgb16(rgb.to_rgb16()),
        DynamicImage::ImageRgba16(rgb.to_rgba16()),
        DynamicImage::ImageLuma8(rgb.to_luma8()),
        DynamicImage::ImageLumaA8(rgb.to_luma_alpha8()),
        DynamicImage::ImageLuma16(rgb.to_luma16()),
    ] {
        assert_eq!(
            decode::decode(&png::encode(&pixels).unwrap())
                .unwrap()
                .pixels,
            pixels
        );
    }
}

#[test]
fn palettes_hold_no_more_colours_than_asked_for() {
    let pixels = DynamicImage::ImageRgb8(picture(120, 90));
    for (colours, dither) in [(2, 0.0), (16, 1.0), (256, 0.5)] {
        let decoded = decode::decode(&png::encode_palette(&pixels, colours, dither, None).unwrap())
            .unwrap()
            .pixels
            .to_rgba8();
        let distinct: std::collections::BTreeSet<_> =
            decoded.pixels().map(|pixel| pixel.0).collect();
        assert!(
            distinct.len() <= usize::from(colours),
            "{} colours for {colours}",
            distinct.len()
        );
        assert!(
            distinct.len() > usize::from(colours) / 4,
            "the quantiser left most of the palette unused"
        );
    }
}

#[test]
fn avif_returns_nearly_the_same_pixels_with_and_without_alpha() {
    for (width, height) in [(1, 1), (33, 31), (96, 64)] {
        let rgb = DynamicImage::ImageRgb8(picture(width, height));
        let decoded = decode::decode(&avif::encode(&rgb, 90, 10).unwrap())
            .unwrap()
            .pixels;
        assert!(
            psnr(&rgb, &decoded) > 30.0,
            "{} dB at {width}x{height}",
            psnr(&rgb, &decoded)
        );
        let mut rgba = rgb.to_rgba8();
        rgba.enumerate_pixels_mut()
            .for_each(|(x, _, pixel)| pixel[3] = 255 - (x * 2).min(200) as u8);
        let decoded =
            decode::decode(&avif::encode(&DynamicImage::ImageRgba8(rgba.clone()), 90, 10).unwrap())
                .unwrap();
        let decoded = decoded.pixels.to_rgba8();
        let worst = rgba
            .pixels()
            .zip(decoded.pixels())
            .map(|(a, b)| a[3].abs_diff(b[3]))
            .max()
            .unwrap();
        assert!(worst < 12, "alpha differs by {worst} at {width}x{height}");
    }
}

#[test]
fn avif_colours_come_back_unshifted() {
    // Flat colours leave the encoder no excuse: what is off here is the matrix, the range or the plane order.
    for colour in [
        [200, 30, 40],
        [20, 180, 60],
        [30, 60, 220],
        [128, 128, 128],
        [250, 250, 5],
    ] {
        let pixels =
            DynamicImage::ImageRgb8(image::RgbImage::from_pixel(64, 64, image::Rgb(colour)));
        let decoded = decode::decode(&avif::encode(&pixels, 95, 10).unwrap())
            .unwrap()
            .pixels
            .to_rgb8();
        let found = decoded.get_pixel(30, 30).0;
        assert!(
            found.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 3),
            "{colour:?} came back as {found:?}"
        );
    }
}

#[test]
fn real_photos_of_every_format_decode() {
    let Some(files) = corpus("photos") else {
        return;
    };
    let mut formats = std::collections::BTreeSet::new();
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let Some(format) = Format::sniff(&bytes) else {
            continue;
        };
        // The layered AVIF probe is the one file that one frame of one layer does not describe.
        match decode::decode(&bytes) {
            Ok(decoded) => assert!(decoded.pixels.width() > 100, "{}", path.display()),
            Err(error) => assert_eq!(format, Format::Avif, "{}: {error}", path.display()),
        }
        formats.insert(format.as_str());
    }
    assert!(formats.len() >= 4, "{formats:?}");
}

#[test]
fn hostile_files_are_decoded_or_refused_but_never_panic_or_hang() {
    let Some(files) = corpus("hostile") else {
        return;
    };
    let (mut decoded, mut refused) = (0, 0);
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let start = Instant::now();
        match decode::decode(&bytes) {
            Ok(_) => decoded += 1,
            Err(_) => refused += 1,
        }
        assert!(
            start.elapsed().as_secs() < 20,
            "{} took {:?}",
            path.display(),
            start.elapsed()
        );
    }
    assert!(
        refused > 30 && decoded > 10,
        "{decoded} decoded, {refused} refused"
    );
}

#[test]
fn a_header_that_promises_too_many_pixels_is_refused_before_decoding() {
    let Some(files) = corpus("hostile") else {
        return;
    };
    let bombs = [
        "pil_decompression_bomb.gif",
        "derived_png_bomb_30000x30000_1bit.png",
        "derived_png_maxdim.png",
    ];
    let mut met = 0;
    for path in files
        .iter()
        .filter(|path| bombs.iter().any(|bomb| path.ends_with(bomb)))
    {
        let error = decode::decode(&std::fs::read(path).unwrap()).unwrap_err();
        let refused = matches!(
            error,
            DecodeError::TooManyPixels { .. } | DecodeError::Codec { .. }
        );
        assert!(refused, "{}: {error}", path.display());
        met += 1;
    }
    assert_eq!(met, bombs.len());
}

/// A little-endian TIFF of 2 x 2 palette indices with a colour map, as Pillow and ImageMagick write for palette pictures.
fn palette_tiff() -> Vec<u8> {
    let mut file = b"II\x2a\0\x0c\0\0\0\x00\x01\x01\xff".to_vec();
    let entries: [(u16, u16, u32, u32); 9] = [
        (256, 3, 1, 2),
        (257, 3, 1, 2),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 3),
        (273, 4, 1, 8),
        (278, 3, 1, 2),
        (279, 4, 1, 4),
        (320, 3, 768, 126),
    ];
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    for channel in 0..3_u16 {
        for index in 0..256_u16 {
            let value = if index == 1 {
                [9, 99, 199][channel as usize]
            } else {
                index
            };
            file.extend((value << 8 | value).to_le_bytes());
        }
    }
    file
}

#[test]
fn palettes_in_tiff_are_read() {
    let rgb = decode::decode(&palette_tiff()).unwrap().pixels.to_rgb8();
    assert_eq!(rgb.dimensions(), (2, 2));
    assert_eq!(rgb.as_raw()[..6], [0, 0, 0, 9, 99, 199]);
    assert_eq!(rgb.as_raw()[6..], [9, 99, 199, 255, 255, 255]);
}

#[test]
fn avif_is_written_no_longer_than_browsers_show_it() {
    let strip = |height| DynamicImage::new_rgb8(1, height);
    assert!(avif::encode(&strip(16_384), 50, 10).is_ok());
    let error = avif::encode(&strip(16_385), 50, 10).unwrap_err();
    assert!(error.to_string().contains("16385"), "{error}");
}
