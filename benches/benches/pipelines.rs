//! Every recipe of the core set on one decoded JPEG file of 0.4 megapixels.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion_group! writes undocumented items; a benchmark stops at the first error"
)]

use std::sync::Arc;

use credlink_benches::{SIZES, jpeg_file};
use credlink_image_files::ImageFile;
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::meter::Meter;
use criterion::{Criterion, criterion_group, criterion_main};

fn core(c: &mut Criterion) {
    let clock = || 0;
    let (size, width, height) = SIZES[0];
    let file = Arc::new(ImageFile::new(jpeg_file(width, height).unwrap()).unwrap());
    let meter = Meter::new(&clock);
    file.frame().unwrap();
    let mut group = c.benchmark_group(format!("pipeline/{size}"));
    group.sample_size(10);
    for recipe in Catalogue::embedded().unwrap().select("core") {
        if recipe.takes(file.format()) {
            group.bench_function(recipe.id.replace('/', "-"), |b| {
                b.iter(|| recipe.apply(&file, &meter).unwrap())
            });
        }
    }
    group.finish();
}

criterion_group!(benches, core);
criterion_main!(benches);
