//! Calibration against files that other encoders made: what a recipe explains is called explained, and what it does
//! not is named with the line to change.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use common::picture;
use common::probes::{camera_jpeg, signed_jpeg};
use credlink_image_files::ImageFile;
use credlink_transforms::calibrate::patch::patch;
use credlink_transforms::calibrate::rank::{Ranked, rank, sort, table};
use credlink_transforms::calibrate::{Comparison, compare, report};
use credlink_transforms::codecs::jpeg::{Chroma, Encoder, Settings, encode};
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use credlink_transforms::recipe::steps::resize::{Filter, resized};
use credlink_transforms::resign::Surroundings;

fn recipe(side: u32, quality: u8) -> Recipe {
    let text = format!(
        "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\n[[source]]\ncite = \"c\"\ngrade = \"D\"\n\
         backs = [\"resize\", \"jpeg\"]\n[[step]]\nresize = {{ fit = [{side}, {side}], filter = \"lanczos3\" }}\n\
         [[step]]\njpeg = {{ encoder = \"libjpeg-turbo\", quality = {quality}, chroma = \"4:2:0\", progressive = false, \
         keep = [\"xmp\"] }}\n"
    );
    Recipe::parse("social/example", &text).unwrap()
}

/// What a service made of the upload, by an encoder that the recipe does not use: 200 pixels, quality 70, no metadata.
fn download(upload: &ImageFile) -> ImageFile {
    let frame = upload.frame().unwrap();
    let (width, height) = (frame.pixels.width(), frame.pixels.height());
    let long = width.max(height);
    let to = |length: u32| {
        if long > 200 {
            (length * 200 + long / 2) / long
        } else {
            length
        }
    };
    let small = resized(&frame.pixels, to(width), to(height), Filter::Lanczos3).unwrap();
    let settings = Settings {
        encoder: Encoder::JpegEncoder,
        quality: 70,
        chroma: Chroma::Full,
        progressive: true,
    };
    ImageFile::new(encode(&small, settings).unwrap()).unwrap()
}

fn round_trips(recipe: &Recipe) -> Vec<(String, Comparison)> {
    let uploads = [
        camera_jpeg(320, 240),
        camera_jpeg(240, 400),
        signed_jpeg(&picture(100, 80).into()),
    ];
    let pair = |(index, bytes): (usize, Vec<u8>)| {
        let upload = Arc::new(ImageFile::new(bytes).unwrap());
        let after = download(&upload);
        let meter = Meter::new(&|| 0);
        (
            index.to_string(),
            compare(recipe, &upload, &after, Surroundings::new(&meter)).unwrap(),
        )
    };
    uploads.into_iter().enumerate().map(pair).collect()
}

#[test]
fn what_does_not_fit_is_named_with_its_correction() {
    let recipe = recipe(150, 85);
    let text = report(&recipe, &round_trips(&recipe));
    for line in [
        "resize = { fit = [200, 200] }",
        "jpeg.quality = 70",
        "jpeg.chroma = \"4:4:4\"",
        "jpeg.progressive = true",
        "do not keep \"xmp\"",
    ] {
        assert!(text.contains(line), "no {line:?} in\n{text}");
    }
    assert!(
        !text.contains("encode as") && !text.contains("do not keep \"c2pa\""),
        "{text}"
    );
    // The third upload fits into both boxes.
    assert!(text.contains("1/3"), "{text}");
}

#[test]
fn a_recipe_that_is_right_is_called_so_and_its_pixels_are_compared() {
    let right = recipe(200, 70);
    let uploads = [camera_jpeg(320, 240), camera_jpeg(240, 400)];
    let mut trips = Vec::new();
    for (index, bytes) in uploads.into_iter().enumerate() {
        let upload = Arc::new(ImageFile::new(bytes).unwrap());
        let meter = Meter::new(&|| 0);
        let after = right.apply(&upload, &meter).unwrap();
        trips.push((
            index.to_string(),
            compare(&right, &upload, &after, Surroundings::new(&meter)).unwrap(),
        ));
    }
    let text = report(&right, &trips);
    assert!(
        text.contains("explains every parameter") && text.contains("identical"),
        "{text}"
    );
    assert!(
        trips
            .iter()
            .all(|(_, trip)| trip.psnr == Some(f64::INFINITY))
    );
    let wrong = recipe(200, 90);
    let upload = Arc::new(ImageFile::new(camera_jpeg(320, 240)).unwrap());
    let meter = Meter::new(&|| 0);
    let after = right.apply(&upload, &meter).unwrap();
    let trip = compare(&wrong, &upload, &after, Surroundings::new(&meter)).unwrap();
    assert!(trip.psnr.unwrap().is_finite());
}

#[test]
fn the_recipe_that_made_a_file_explains_it_best_and_a_patch_says_what_would() {
    let upload = Arc::new(ImageFile::new(camera_jpeg(320, 240)).unwrap());
    let meter = Meter::new(&|| 0);
    let surroundings = Surroundings::new(&meter);
    let own = recipe(200, 70);
    let made = own.apply(&upload, &meter).unwrap();
    let made = || ImageFile::new(made.bytes().to_vec()).unwrap();
    for pair in [(Some(Arc::clone(&upload)), made()), (None, made())] {
        let pairs = [pair];
        let mut ranked: Vec<Ranked> = [recipe(200, 75), recipe(200, 70), recipe(100, 70)]
            .iter()
            .filter_map(|recipe| rank(recipe, &pairs, surroundings))
            .collect();
        sort(&mut ranked);
        let best = &ranked[0];
        assert_eq!(best.explained.0, best.explained.1, "{ranked:?}");
        assert!(best.differences.is_empty() && !ranked[1].differences.is_empty());
        assert!(table(&ranked, 2).contains("1 more explain less"));
    }
    let wrong = recipe(200, 75);
    let comparison = compare(&wrong, &upload, &made(), surroundings).unwrap();
    let patched = patch(
        &wrong.file,
        wrong.file_text(),
        &[("a".to_owned(), comparison)],
    )
    .unwrap();
    assert!(
        patched.contains("-jpeg = {") && patched.contains("+jpeg = {"),
        "{patched}"
    );
    assert!(
        patched.contains("quality = 70")
            && patched.contains("+++ b/transforms/recipes/social/example.toml")
    );
    let same = compare(&own, &upload, &made(), surroundings).unwrap();
    assert_eq!(
        patch(&own.file, own.file_text(), &[("a".to_owned(), same)]),
        None
    );
}
