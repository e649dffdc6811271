//! What steps do on a condition, over a picture, or in a service's name.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use common::picture;
use common::probes::{
    TURBO, apply, camera_jpeg, edited, file, holds, kinds, pixels, png_file, recipe,
};
use credlink_image_files::ImageFile;
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use image::Rgb;

#[test]
fn overlays_cover_what_they_say_and_the_rest_stays() {
    let source = picture(100, 100);
    let changed = |step: &str| {
        let result = edited(step, source.clone());
        let differ = source
            .pixels()
            .zip(result.pixels())
            .filter(|(a, b)| a != b)
            .count();
        differ as f64 / 10_000.0
    };
    let overlay = |shape: &str, size: f64| {
        changed(&format!(
            "overlay = {{ shape = \"{shape}\", size = {size}, x = 0.5, y = 0.5, colour = [255, 0, 255], opacity = 1.0 }}"
        ))
    };
    assert!((overlay("block", 0.25) - 0.25).abs() < 0.01);
    assert!((overlay("stripes", 0.5) - 0.5).abs() < 0.01);
    assert!((overlay("face", 0.4) - 0.1257).abs() < 0.01);
    let text = "text = { words = \"LOL\", size = 0.3, x = 0.1, y = 0.1, colour = [255, 0, 255], opacity = 1.0 }";
    assert!((0.01..0.2).contains(&changed(text)));
    let bar = edited(
        "status_bar = { height = 10, colour = [1, 2, 3], ink = [255, 255, 255] }",
        source.clone(),
    );
    assert_eq!(bar.get_pixel(50, 5), &Rgb([1, 2, 3]));
    assert_eq!(bar.get_pixel(50, 10), source.get_pixel(50, 10));
    let collage = edited(
        "collage = { area = 0.25, x = 0.5, y = 0.5, background = \"patches\", seed = 1 }",
        source.clone(),
    );
    assert_eq!(collage.dimensions(), (100, 100));
    assert_ne!(collage.get_pixel(2, 2), source.get_pixel(2, 2));
    let pad = |rule: &str| {
        edited(
            &format!("pad = {{ {rule}, colour = [7, 7, 7] }}"),
            picture(40, 20),
        )
        .dimensions()
    };
    assert_eq!(pad("square = true"), (40, 40));
    assert_eq!(pad("edges = [0.5, 0.0, 0.5, 1.0]"), (80, 40));
    assert_eq!(pad("pixels = [0, 250, 0, 0]"), (40, 270));
}

#[test]
fn conditions_look_at_shape_orientation_and_metadata() {
    let grey = |when: &str, file: &Arc<ImageFile>| {
        let step = format!("when = {{ {when} }}\ngrey = {{}}");
        let result = pixels(&apply(&recipe(&[&step, "png = { keep = [] }"]), file)).to_rgb8();
        result.pixels().all(|pixel| pixel[0] == pixel[1])
    };
    let (wide, high, turned) = (
        png_file(picture(30, 20)),
        png_file(picture(20, 30)),
        file(camera_jpeg(30, 20)),
    );
    assert!(grey("shape = \"landscape\"", &wide) && !grey("shape = \"landscape\"", &high));
    assert!(grey("shape = \"portrait\"", &high) && !grey("shape = \"square\"", &high));
    assert!(grey("turned = true", &turned) && !grey("turned = false", &turned));
    assert!(grey("has = [\"iptc\"]", &turned) && !grey("has = [\"iptc\"]", &wide));
}

#[test]
fn a_service_signs_what_came_signed_and_says_so_where_nobody_can() {
    let steps = |always: bool| {
        let jpeg = format!("jpeg = {{ quality = 80, {TURBO} }}");
        let resign = format!("resign = {{ actions = [\"c2pa.resized\"], always = {always} }}");
        recipe(&[&jpeg, &resign])
    };
    let signed = file(camera_jpeg(40, 30));
    assert!(steps(false).signs() && !recipe(&["bmp = {}"]).signs());
    assert!(kinds(&apply(&steps(false), &signed)).contains("c2pa"));
    // Nobody is there who signs: an error with a cause of its own, not a file without a manifest.
    let meter = Meter::new(&|| 0);
    let error = steps(false).apply(&signed, &meter).unwrap_err();
    assert_eq!((error.cause(), error.number), ("no-signer", 2), "{error}");
    // A file that came without a manifest is left alone, unless the service signs everything.
    let bare = apply(&recipe(&["bmp = {}"]), &signed);
    assert!(steps(false).apply(&bare, &meter).is_ok());
    assert_eq!(
        steps(true).apply(&bare, &meter).unwrap_err().cause(),
        "no-signer"
    );
}

#[test]
fn rarer_formats_keep_what_is_asked_for_and_refuse_what_they_cannot_hold() {
    let source = file(camera_jpeg(40, 30));
    for (step, kept) in [
        (
            "tiff = { keep = [\"exif\", \"xmp\", \"iptc\", \"icc\"] }",
            // The EXIF block holds an orientation alone, which is a plain tag in TIFF.
            vec!["icc", "iptc", "xmp"],
        ),
        (
            "avif = { quality = 80, speed = 10, keep = [\"exif\", \"xmp\", \"icc\"] }",
            vec!["exif", "icc", "xmp"],
        ),
        (
            "gif = { colours = 16, dither = 0.0, keep = [\"xmp\", \"icc\"] }",
            vec!["icc", "xmp"],
        ),
        ("jxl = { keep = [\"exif\", \"xmp\"] }", vec!["exif", "xmp"]),
        ("tiff = {}", vec![]),
        ("avif = { quality = 80, speed = 10 }", vec![]),
    ] {
        let received = apply(&recipe(&[step]), &source);
        assert_eq!(
            kinds(&received).into_iter().collect::<Vec<_>>(),
            kept,
            "{step}"
        );
        assert_eq!(
            holds(&received, b"dcterms:provenance"),
            kept.contains(&"xmp"),
            "{step}"
        );
        // And back: a link survives the detour.
        let back = recipe(&["png = { keep = [\"exif\", \"xmp\", \"icc\"] }"]);
        let kept: Vec<&str> = kept.into_iter().filter(|kind| *kind != "iptc").collect();
        let returned = kinds(&apply(&back, &received));
        assert_eq!(
            returned.into_iter().collect::<Vec<_>>(),
            kept,
            "{step} and back"
        );
    }
    let refused = |step: &str| {
        let text = format!(
            "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\n[[source]]\ncite = \"c\"\n\
             grade = \"D\"\nbacks = [\"{}\"]\n[[step]]\n{step}\n",
            step.split(' ').next().unwrap()
        );
        Recipe::parse("edits/example", &text)
            .unwrap_err()
            .to_string()
    };
    let words = refused("gif = { colours = 16, dither = 0.0, keep = [\"exif\"] }");
    assert!(words.contains("gif files hold no exif"), "{words}");
    let words = refused("jxl = { keep = [\"icc\"] }");
    assert!(words.contains("jxl files hold no icc"), "{words}");
}
