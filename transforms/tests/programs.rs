//! Behaviours that the comparison with real programs (`fidelity/`) brought to light, one law each.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use common::picture;
use common::probes::{TURBO, apply, camera_jpeg, file, kinds, pixels, recipe, signed_png};
use credlink_image_files::Format;
use credlink_image_files::ImageFile;
use credlink_image_files::metadata::{self, Metadata};
use credlink_transforms::codecs::png;
use image::{DynamicImage, Rgb, RgbImage, RgbaImage};

fn bare(pixels: impl Into<DynamicImage>) -> Arc<ImageFile> {
    file(png::encode(&pixels.into()).unwrap())
}

/// What a step leaves of a picture, through PNG.
fn edited(step: &str, source: impl Into<DynamicImage>) -> DynamicImage {
    pixels(&apply(
        &recipe(&[step, "png = { keep = [] }"]),
        &bare(source),
    ))
}

#[test]
fn gd_averages_the_covered_area_and_cuts_fractions_off() {
    let row = |samples: &[u8]| {
        RgbImage::from_fn(
            samples.len() as u32,
            1,
            |x, _| Rgb([samples[x as usize]; 3]),
        )
    };
    let area = |width: u32, source: RgbImage| {
        let step = format!("resize = {{ width = {width}, filter = \"area\" }}");
        let result = edited(&step, source).to_rgb8();
        result.pixels().map(|pixel| pixel[0]).collect::<Vec<u8>>()
    };
    // Each covers one pixel and half of the middle one: (30 + 45) / 1.5 and (45 + 200) / 1.5 = 163.3.
    assert_eq!(area(2, row(&[30, 90, 200])), [50, 163]);
    assert_eq!(area(1, row(&[255, 255, 254])), [254]);
    assert_eq!(area(7, row(&[199; 23])), [199; 7]);
    // What nobody sees has no colour: the mean is that of the opaque half.
    let half = RgbaImage::from_fn(2, 1, |x, _| {
        [[10, 20, 30, 255], [250, 250, 250, 0]][x as usize].into()
    });
    let step = "resize = { width = 1, filter = \"area\" }";
    assert_eq!(
        edited(step, half).to_rgba8().get_pixel(0, 0).0,
        [10, 20, 30, 127]
    );
}

/// Width and height of a JPEG file, and for each width that was asked for the height that came out.
type Sizes = (u32, u32, &'static [(u32, u32)]);

/// By sharp 0.35.5 with libvips 8.18.7.
const BY_SHARP: [Sizes; 4] = [
    (
        500,
        399,
        &[
            (400, 319),
            (250, 200),
            (249, 199),
            (240, 192),
            (126, 100),
            (125, 100),
            (124, 99),
            (100, 79),
            (63, 50),
            (62, 49),
            (30, 24),
        ],
    ),
    (
        1501,
        737,
        &[
            (640, 314),
            (498, 244),
            (300, 147),
            (100, 49),
            (64, 31),
            (33, 16),
        ],
    ),
    (
        1003,
        667,
        &[
            (640, 426),
            (498, 331),
            (300, 199),
            (100, 66),
            (64, 42),
            (33, 22),
        ],
    ),
    (
        4001,
        2999,
        &[
            (640, 479),
            (498, 373),
            (300, 224),
            (100, 75),
            (64, 48),
            (33, 25),
        ],
    ),
];

#[test]
fn sharp_shrinks_a_jpeg_while_it_is_decoded() {
    let resized = |source: &Arc<ImageFile>, width: u32, more: &str| {
        let step = format!("resize = {{ width = {width}, filter = \"lanczos3\"{more} }}");
        pixels(&apply(&recipe(&[&step, "png = { keep = [] }"]), source))
    };
    let shrinking = ", shrink_on_load = true";
    for (width, height, sizes) in BY_SHARP {
        let source = bare(picture(width, height));
        let jpeg = apply(
            &recipe(&[&format!("jpeg = {{ quality = 90, {TURBO} }}")]),
            &source,
        );
        for &(asked, expected) in sizes {
            let result = resized(&jpeg, asked, shrinking);
            let size = (result.width(), result.height());
            assert_eq!(size, (asked, expected), "{width} x {height}");
        }
    }
    let source = bare(picture(500, 399));
    assert_eq!(resized(&source, 100, shrinking).height(), 80, "no JPEG");
    // Nothing else changes: the picture is the same, a fraction of a row aside.
    let jpeg = apply(
        &recipe(&[&format!("jpeg = {{ quality = 90, {TURBO} }}")]),
        &bare(picture(512, 384)),
    );
    let (plain, shrunk) = (resized(&jpeg, 64, ""), resized(&jpeg, 64, shrinking));
    assert!(common::psnr(&plain, &shrunk) > 30.0);
}

#[test]
fn sides_are_rounded_or_cut_and_enlarging_has_its_own_filter() {
    let size = |rule: &str| {
        let result = edited(
            &format!("resize = {{ {rule}, filter = \"box\" }}"),
            picture(80, 59),
        );
        (result.width(), result.height())
    };
    assert_eq!(size("width = 40"), (40, 30));
    assert_eq!(size("width = 40, round = \"down\""), (40, 29));
    // 59 / 80 x 3 quarters is whole but for the last bits of a quotient.
    assert_eq!(size("width = 60, round = \"down\""), (60, 44));
    let rule = "resize = { width = 160, filter = \"lanczos3\", upscale = true";
    let soft = edited(
        &format!("{rule}, enlarge = \"nearest\" }}"),
        picture(80, 60),
    );
    assert_eq!(
        soft.to_rgb8().get_pixel(31, 1),
        picture(80, 60).get_pixel(15, 0)
    );
    assert_ne!(soft, edited(&format!("{rule} }}"), picture(80, 60)));
}

#[test]
fn libvips_enlarges_with_every_second_pixel_in_place() {
    let source = picture(40, 30);
    let rule = "width = 160, filter = \"lanczos3\", enlarge = \"libvips-cubic\", upscale = true";
    let large = edited(&format!("resize = {{ {rule} }}"), source.clone()).to_rgb8();
    for (x, y) in [(0, 0), (1, 7), (20, 15), (38, 28)] {
        // The new pixel 4 x + 2 is the old pixel x; where the centres lay in line there would be none.
        assert_eq!(
            large.get_pixel(4 * x + 2, 4 * y + 2),
            source.get_pixel(x, y)
        );
    }
    let flat = RgbImage::from_pixel(9, 7, Rgb([9, 99, 199]));
    let large = edited(&format!("resize = {{ {rule} }}"), flat).to_rgb8();
    assert!(large.pixels().all(|pixel| *pixel == Rgb([9, 99, 199])));
}

#[test]
fn jpegtran_copies_segments_in_their_order_and_leaves_what_is_fitted() {
    let step = |more: &str| {
        let kinds = "keep = [\"exif\", \"xmp\", \"iptc\", \"icc\", \"c2pa\"]";
        recipe(&[&format!(
            "lossless_jpeg = {{ progressive = false, optimised = true, {kinds}, {more} }}"
        )])
    };
    let source = file(camera_jpeg(64, 48));
    let copied = apply(&step("every_segment = true"), &source);
    assert_eq!(kinds(&copied), kinds(&source));
    assert_eq!(pixels(&copied), pixels(&source));
    assert_ne!(copied.bytes(), source.bytes());
    assert_eq!(
        apply(&step("every_segment = true"), &copied).bytes(),
        copied.bytes()
    );
    let progressive = format!(
        "jpeg = {{ quality = 80, {} }}",
        TURBO.replace("false", "true")
    );
    let scans = apply(&recipe(&[&progressive]), &source);
    let mode = |file: &ImageFile| {
        credlink_transforms::codecs::jpeg::traits(file.bytes())
            .unwrap()
            .progressive
    };
    assert!(!mode(&apply(&step("every_segment = true"), &scans)));
    assert!(mode(&apply(&step("scans_of_source = true"), &scans)));
}

#[test]
fn thumbor_cuts_first_and_cuts_nothing_where_the_shapes_nearly_agree() {
    let stripes = RgbImage::from_fn(100, 50, |x, _| Rgb([if x < 25 { 0 } else { 255 }; 3]));
    let cover = |width: u32, height: u32| {
        let rule = format!("cover = [{width}, {height}], filter = \"nearest\", upscale = true");
        edited(&format!("resize = {{ {rule} }}"), stripes.clone()).to_rgb8()
    };
    // The middle 50 columns start where the white does.
    assert!(cover(20, 20).pixels().all(|pixel| pixel[0] == 255));
    assert_eq!(cover(200, 100).dimensions(), (200, 100));
    // 401 / 200 is 2.00, too: the black part stays.
    assert_eq!(cover(401, 200).get_pixel(0, 0), &Rgb([0; 3]));
}

#[test]
fn nginx_hands_on_what_is_narrow_unless_its_segments_are_a_twentieth() {
    let signed = file(camera_jpeg(64, 48));
    let clean = apply(&recipe(&["metadata = { keep = [] }"]), &signed);
    let encode = format!("jpeg = {{ quality = 50, {TURBO} }}");
    let passes = |rule: &str, file: &Arc<ImageFile>| {
        let step = format!("passthrough = {{ {rule} }}");
        apply(&recipe(&[&step, &encode]), file).bytes() == file.bytes()
    };
    assert!(passes("max_width = 64", &signed) && !passes("max_width = 63", &signed));
    assert!(passes("max_width = 64, max_segments = 0.05", &clean));
    assert!(!passes("max_width = 64, max_segments = 0.05", &signed));
    assert!(passes("max_segments = 0.9", &signed));
    // Only JPEG has segments.
    let chunks = file(signed_png(&picture(64, 48).into()));
    assert!(passes("max_segments = 0.0", &chunks));
}

#[test]
fn grey_becomes_three_components_or_colour_one() {
    let grey: DynamicImage = DynamicImage::ImageRgb8(picture(40, 30)).to_luma8().into();
    let made = |more: &str, source: DynamicImage| {
        let step = format!("jpeg = {{ quality = 80{more}, {TURBO} }}");
        pixels(&apply(&recipe(&[&step]), &bare(source)))
            .color()
            .has_color()
    };
    assert!(!made("", grey.clone()));
    assert!(made(", grey_as_colour = true", grey.clone()));
    let colourless = DynamicImage::from(grey.to_rgb8());
    assert!(made("", colourless.clone()));
    assert!(!made(", like_source = true", colourless));
    assert!(made(", like_source = true", picture(40, 30).into()));
}

#[test]
fn libvips_gives_an_exif_block_to_what_has_none_and_keeps_the_turn_in_tiff() {
    let adds = recipe(&["fields = { exif_if_absent = true }"]);
    for source in [
        apply(
            &recipe(&[&format!("jpeg = {{ quality = 80, {TURBO} }}")]),
            &bare(picture(40, 30)),
        ),
        bare(picture(40, 30)),
    ] {
        let result = apply(&adds, &source);
        assert!(kinds(&result).contains("exif"));
        let block = metadata::read(result.format(), result.bytes())
            .exif
            .unwrap();
        let read = exif::Reader::new().read_raw(block.to_vec()).unwrap();
        let value = |tag| {
            let field = read.get_field(tag, exif::In::PRIMARY).unwrap();
            field.value.get_uint(0)
        };
        assert_eq!(value(exif::Tag::Orientation), Some(1));
        assert_eq!(value(exif::Tag::PixelXDimension), Some(40));
        assert_eq!(value(exif::Tag::PixelYDimension), Some(30));
    }
    let camera = file(camera_jpeg(40, 30));
    let all = |file: &ImageFile| metadata::read(file.format(), file.bytes());
    assert_eq!(all(&apply(&adds, &camera)), all(&camera));
    let turn = |step: &str| {
        let tiff = apply(&recipe(&[step]), &camera);
        assert!(!kinds(&tiff).contains("exif"));
        tiff.frame().unwrap().orientation
    };
    use image::metadata::Orientation;
    assert_eq!(
        turn("tiff = { keep = [\"xmp\"] }"),
        Orientation::NoTransforms
    );
    assert_eq!(
        turn("tiff = { keep = [\"xmp\"], orientation = true }"),
        Orientation::Rotate90
    );
}

#[test]
fn optipng_keeps_a_stale_manifest_or_the_whole_file() {
    let step = |manifest: bool| {
        let settings =
            format!("level = 1, strip = \"none\", clean_alpha = false, manifest = {manifest}");
        recipe(&[&format!("lossless_png = {{ {settings} }}")])
    };
    let source = file(signed_png(&picture(90, 60).into()));
    let store = |file: &ImageFile| metadata::read(Format::Png, file.bytes()).c2pa;
    let once = apply(&step(true), &source);
    assert!(once.bytes().len() < source.bytes().len());
    assert_eq!(store(&once), store(&source));
    assert_eq!(pixels(&once), pixels(&source));
    // What would not shrink is left as it is, its manifest with it.
    assert_eq!(apply(&step(true), &once).bytes(), once.bytes());
    let dropped = apply(&step(false), &once);
    assert_eq!(store(&dropped), None);
    let none = Metadata::default();
    let clean = file(metadata::written(Format::Png, once.bytes().to_vec(), &none).unwrap());
    assert!(!kinds(&apply(&step(true), &clean)).contains("c2pa"));
}
