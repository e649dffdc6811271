//! Every codec, at 0.4 and 2 megapixels.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion_group! writes undocumented items; a benchmark stops at the first error"
)]

use credlink_benches::{SIZES, jpeg_file, picture, png_file};
use credlink_image_files::decode;
use credlink_transforms::codecs::jpeg::{self, Chroma, Encoder, Settings};
use credlink_transforms::codecs::libjpeg::transcode;
use credlink_transforms::codecs::{avif, lossless_png, png, webp};
use criterion::{Criterion, criterion_group, criterion_main};

fn encode(c: &mut Criterion) {
    for (size, width, height) in SIZES {
        let pixels = picture(width, height).unwrap();
        let mut group = c.benchmark_group(format!("encode/{size}"));
        group.sample_size(10);
        for (name, encoder, progressive) in [
            ("libjpeg-turbo-q80", Encoder::LibjpegTurbo, false),
            ("mozjpeg-q75-progressive", Encoder::Mozjpeg, true),
            ("jpeg-encoder-q80", Encoder::JpegEncoder, false),
        ] {
            let settings = Settings {
                encoder,
                quality: 80,
                chroma: Chroma::Quarter,
                progressive,
            };
            group.bench_function(name, |b| {
                b.iter(|| jpeg::encode(&pixels, settings).unwrap())
            });
        }
        for (name, lossless) in [("webp-q80-m4", false), ("webp-lossless-m4", true)] {
            let settings = webp::Settings {
                quality: 80,
                method: 4,
                lossless,
            };
            group.bench_function(name, |b| {
                b.iter(|| webp::encode(&pixels, settings).unwrap())
            });
        }
        group.bench_function("avif-q60-s10", |b| {
            b.iter(|| avif::encode(&pixels, 60, 10).unwrap())
        });
        group.bench_function("png-fast", |b| b.iter(|| png::encode(&pixels).unwrap()));
        group.bench_function("png-256-colours", |b| {
            b.iter(|| png::encode_palette(&pixels, 256, 1.0, None).unwrap())
        });
        group.finish();
    }
}

fn decoders(c: &mut Criterion) {
    for (size, width, height) in SIZES {
        let pixels = picture(width, height).unwrap();
        let lossy = webp::Settings {
            quality: 80,
            method: 2,
            lossless: false,
        };
        let mut group = c.benchmark_group(format!("decode/{size}"));
        group.sample_size(10);
        for (name, file) in [
            ("jpeg", jpeg_file(width, height).unwrap()),
            ("png", png_file(width, height).unwrap()),
            ("webp", webp::encode(&pixels, lossy).unwrap()),
            ("avif", avif::encode(&pixels, 60, 10).unwrap()),
        ] {
            group.bench_function(name, |b| b.iter(|| decode::decode(&file).unwrap()));
        }
        group.finish();
    }
}

fn lossless(c: &mut Criterion) {
    for (size, width, height) in SIZES {
        let (jpeg, png) = (
            jpeg_file(width, height).unwrap(),
            png_file(width, height).unwrap(),
        );
        let mut group = c.benchmark_group(format!("lossless/{size}"));
        group.sample_size(10);
        let settings = transcode::Settings {
            progressive: true,
            optimised: true,
        };
        group.bench_function("jpeg-progressive", |b| {
            b.iter(|| transcode::transcode(&jpeg, settings).unwrap())
        });
        group.bench_function("oxipng-1", |b| {
            b.iter(|| lossless_png::optimise(&png, 1, lossless_png::Strip::Safe, true).unwrap());
        });
        group.finish();
    }
}

criterion_group!(benches, encode, decoders, lossless);
criterion_main!(benches);
