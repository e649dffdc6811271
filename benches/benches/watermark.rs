//! The watermark at two megapixels on one core: marking, reading, and searching in vain, which is the longest.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion_group! writes an undocumented function; benchmarks may"
)]

use std::hint::black_box;
use std::time::Duration;

use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_sign_core::ProofId;
use credlink_sign_core::watermark::{Effort, EmbedSettings, WatermarkKey, detect, embed};
use criterion::{Criterion, criterion_group, criterion_main};
use image::DynamicImage;
use image::imageops::FilterType;
use image::metadata::Orientation::NoTransforms;

/// The first synthetic image that carries a mark, at 1632×1224, before and after.
fn images(key: &WatermarkKey) -> (DynamicImage, DynamicImage) {
    let set = SyntheticSet::new(7);
    (0..20)
        .find_map(|index| {
            let image = set.load(index).ok()?;
            let image = image::load_from_memory(&image.bytes).ok()?.to_rgb8();
            let image = DynamicImage::from(image).resize_exact(1632, 1224, FilterType::CatmullRom);
            let marked = marked(&image, key)?;
            Some((image, marked))
        })
        .unwrap()
}

fn marked(image: &DynamicImage, key: &WatermarkKey) -> Option<DynamicImage> {
    let settings = EmbedSettings::default();
    embed(image, NoTransforms, ProofId::new(42), key, &settings).image
}

fn watermark(criterion: &mut Criterion) {
    let key = WatermarkKey::derive(b"watermark benchmark key").unwrap();
    let (image, with_mark) = images(&key);
    let mut group = criterion.benchmark_group("watermark 2 MP");
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));
    group.bench_function("embed", |b| b.iter(|| marked(black_box(&image), &key)));
    let mut read = |name: &str, image: &DynamicImage, effort: Effort| {
        group.bench_function(name, |b| {
            b.iter(|| detect(black_box(image), NoTransforms, &key, effort));
        });
    };
    read("detect, stage 0", &with_mark, Effort::Direct);
    read("search in vain", &image, Effort::Search);
    group.sample_size(10);
    group.measurement_time(Duration::from_secs(10));
    group.bench_function("search in vain, rotated", |b| {
        b.iter(|| detect(black_box(&image), NoTransforms, &key, Effort::SearchRotated));
    });
    group.finish();
}

criterion_group!(benches, watermark);
criterion_main!(benches);
