//! Every pixel step, at 0.4 and 2 megapixels, each written losslessly by the same fast encoder beforehand decoded.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion_group! writes undocumented items; a benchmark stops at the first error"
)]

use std::sync::Arc;

use credlink_benches::{SIZES, jpeg_file};
use credlink_image_files::ImageFile;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use criterion::{Criterion, criterion_group, criterion_main};

/// The steps as recipes write them. Each runs alone in front of a crop to 16 x 16 and a JPEG, whose cost is that of
/// the row `none`.
const STEPS: [(&str, &str); 10] = [
    ("none", ""),
    ("orient", "[[step]]\norient = {}"),
    (
        "resize-half-lanczos3",
        "[[step]]\nresize = { scale = 0.5, filter = \"lanczos3\" }",
    ),
    (
        "resize-1080-bilinear",
        "[[step]]\nresize = { long_side = 1080, filter = \"bilinear\", upscale = true }",
    ),
    ("crop", "[[step]]\ncrop = { edges = [0.1, 0.1, 0.1, 0.1] }"),
    ("rotate-90", "[[step]]\nrotate = { degrees = 90 }"),
    ("flip", "[[step]]\nflip = { axis = \"horizontal\" }"),
    (
        "adjust",
        "[[step]]\nadjust = { brightness = 1.1, contrast = 1.2, saturation = 1.3, gamma = 0.9 }",
    ),
    (
        "sharpen",
        "[[step]]\nsharpen = { sigma = 0.25, amount = 8.0, threshold = 0.065 }",
    ),
    (
        "pad",
        "[[step]]\npad = { canvas = [2000, 2000], colour = [0, 0, 0] }",
    ),
];

fn recipe(step: &str) -> Recipe {
    let kinds = "\"orient\", \"resize\", \"crop\", \"rotate\", \"flip\", \"adjust\", \"sharpen\", \"pad\", \"jpeg\"";
    let name = step
        .lines()
        .nth(1)
        .and_then(|line| line.split(' ').next())
        .unwrap_or("");
    let backs: Vec<&str> = kinds
        .split(", ")
        .filter(|kind| ["\"resize\"", "\"jpeg\""].contains(kind) || kind.trim_matches('"') == name)
        .collect();
    let text = format!(
        "title = \"t\"\nseverity = \"mild\"\nanalysis = \"a\"\nassumed = [{}]\n\
         [[source]]\ncite = \"this benchmark\"\ngrade = \"D\"\nbacks = []\n{step}\n\
         [[step]]\nresize = {{ fill = [16, 16], filter = \"nearest\", upscale = false }}\n\
         [[step]]\njpeg = {{ encoder = \"jpeg-encoder\", quality = 80, chroma = \"4:2:0\", progressive = false, keep = [] }}\n",
        backs.join(", ")
    );
    Recipe::parse("benchmarks/step", &text).unwrap()
}

fn steps(c: &mut Criterion) {
    let clock = || 0;
    for (size, width, height) in SIZES {
        let file = Arc::new(ImageFile::new(jpeg_file(width, height).unwrap()).unwrap());
        let meter = Meter::new(&clock);
        file.frame().unwrap();
        let mut group = c.benchmark_group(format!("step/{size}"));
        group.sample_size(10);
        for (name, step) in STEPS {
            let recipe = recipe(step);
            group.bench_function(name, |b| b.iter(|| recipe.apply(&file, &meter).unwrap()));
        }
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
