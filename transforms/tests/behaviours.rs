//! The behaviours of services that decide what survives, one law each.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use common::picture;
use common::probes::{
    TURBO, apply, camera_jpeg, edited, file, holds, kinds, pixels, png_file, recipe, signed_png,
    signed_webp,
};
use credlink_image_files::Format;
use credlink_image_files::ImageFile;
use credlink_image_files::metadata;
use credlink_transforms::codecs::jpeg::{self, tables, traits};
use credlink_transforms::recipe::Recipe;
use image::{DynamicImage, Rgb, RgbImage};

#[test]
fn nothing_is_enlarged_unless_the_recipe_says_so_and_areas_are_limits() {
    let size = |rule: &str| {
        let result = edited(
            &format!("resize = {{ {rule}, filter = \"box\" }}"),
            picture(80, 60),
        );
        result.dimensions()
    };
    assert_eq!(size("fit = [200, 200]"), (80, 60));
    assert_eq!(size("width = 160, upscale = true"), (160, 120));
    assert_eq!(size("max_pixels = 1200"), (40, 30));
    assert_eq!(size("max_pixels = 4800"), (80, 60));
}

#[test]
fn light_is_averaged_in_linear_light_only_where_asked() {
    let checker = RgbImage::from_fn(64, 64, |x, y| {
        Rgb([if (x + y) % 2 == 0 { 255 } else { 0 }; 3])
    });
    let middle = |linear: &str| {
        let step = format!("resize = {{ width = 16, filter = \"box\"{linear} }}");
        edited(&step, checker.clone()).get_pixel(8, 8)[0]
    };
    assert_eq!(middle(""), 128);
    // Half of the light is 188 in sRGB (IEC 61966-2-1).
    assert_eq!(middle(", linear_light = true"), 188);
}

#[test]
fn a_ladder_goes_down_until_the_bytes_fit_and_no_further() {
    let source = png_file(picture(300, 200));
    let ladder = |limit: u32, more: &str| {
        let step = format!(
            "until_bytes = {{ limit = {limit}, long_sides = [300, 150, 75], filter = \"box\"{more}, \
             save = {{ jpeg = {{ quality = 90, {TURBO} }}, other = \"jpeg\" }} }}"
        );
        apply(&recipe(&[&step]), &source)
    };
    let width = |file: &ImageFile| pixels(file).width();
    let (large, middle, small) = (ladder(1_000_000, ""), ladder(18_000, ""), ladder(1, ""));
    assert_eq!(
        (width(&large), width(&middle), width(&small)),
        (300, 150, 75)
    );
    assert!(large.bytes().len() > 18_000 && middle.bytes().len() <= 18_000);
    // With a search for the quality the size stays, and the next better quality would not have fitted.
    let searched = ladder(18_000, ", lowest_quality = 10");
    let quality = traits(searched.bytes()).unwrap().quality.unwrap();
    assert_eq!(width(&searched), 300);
    assert!(
        searched.bytes().len() <= 18_000 && (10..90).contains(&quality),
        "{quality}"
    );
    let better = format!("jpeg = {{ quality = {}, {TURBO} }}", quality + 1);
    assert!(apply(&recipe(&[&better]), &source).bytes().len() > 18_000);
}

#[test]
fn small_and_clean_files_pass_and_others_do_not() {
    let signed = file(camera_jpeg(64, 48));
    let bare = apply(&recipe(&["metadata = { keep = [\"c2pa\"] }"]), &signed);
    let encode = format!("jpeg = {{ quality = 50, {TURBO} }}");
    let passes = |rule: &str, file: &Arc<ImageFile>| {
        let step = format!("passthrough = {{ {rule} }}");
        apply(&recipe(&[&step, &encode]), file).bytes() == file.bytes()
    };
    assert!(passes("without = [\"exif\", \"xmp\", \"iptc\"]", &bare));
    assert!(!passes("without = [\"exif\", \"xmp\", \"iptc\"]", &signed));
    let bits = bare.bytes().len() as f64 * 8.0 / (64.0 * 48.0);
    assert!(passes(
        &format!("max_bits_per_pixel = {:.2}", bits + 0.01),
        &bare
    ));
    assert!(!passes(
        &format!("max_bits_per_pixel = {:.2}", bits - 0.01),
        &bare
    ));
    assert!(passes(
        &format!("max_bytes = {}", bare.bytes().len()),
        &bare
    ));
    assert!(!passes(
        &format!("max_bytes = {}", bare.bytes().len() - 1),
        &bare
    ));
    assert!(!passes("max_long_side = 63", &bare));
    assert!(!passes("formats = [\"png\"]", &bare));
}

#[test]
fn the_smaller_of_original_and_result_is_served() {
    let rough = format!("jpeg = {{ quality = 20, {TURBO} }}");
    let fine = format!("jpeg = {{ quality = 100, {TURBO} }}");
    let source = apply(&recipe(&[&rough]), &png_file(picture(90, 60)));
    let smaller = "keep_smaller = { min_saving = 0.0 }";
    assert_eq!(
        apply(&recipe(&[&fine, smaller]), &source).bytes(),
        source.bytes()
    );
    let large = apply(&recipe(&[&fine]), &png_file(picture(90, 60)));
    assert_ne!(
        apply(&recipe(&[&rough, smaller]), &large).bytes(),
        large.bytes()
    );
}

#[test]
fn quality_is_that_of_the_source_where_the_service_takes_it_from_there() {
    let made = |quality: u8, chroma: &str, progressive: bool| {
        let step = format!(
            "jpeg = {{ encoder = \"libjpeg-turbo\", quality = {quality}, chroma = \"{chroma}\", \
             progressive = {progressive}, keep = [] }}"
        );
        apply(&recipe(&[&step]), &png_file(picture(90, 60)))
    };
    let (low, high) = (made(60, "4:4:4", true), made(95, "4:2:2", false));
    let capped = recipe(&[&format!(
        "jpeg = {{ quality = 80, capped_at_source = true, {TURBO} }}"
    )]);
    let quality = |file: &ImageFile| traits(file.bytes()).unwrap().quality;
    assert_eq!(quality(&apply(&capped, &low)), Some(60));
    assert_eq!(quality(&apply(&capped, &high)), Some(80));
    let like = recipe(&[&format!(
        "jpeg = {{ quality = 80, like_source = true, {TURBO} }}"
    )]);
    for source in [&low, &high] {
        assert_eq!(traits(apply(&like, source).bytes()), traits(source.bytes()));
    }
    // A source that is no JPEG has no quality to take.
    assert_eq!(quality(&apply(&like, &png_file(picture(90, 60)))), Some(80));
}

#[test]
fn stale_manifests_lie_on_changed_pixels_and_optimisers_drop_them_alone() {
    let source = file(camera_jpeg(64, 48));
    let stale = recipe(&[
        "resize = { scale = 0.5, filter = \"lanczos3\" }",
        &format!(
            "jpeg = {{ quality = 80, {} }}",
            TURBO.replace("[]", "[\"c2pa\"]")
        ),
    ]);
    let received = apply(&stale, &source);
    assert_eq!(kinds(&received).into_iter().collect::<Vec<_>>(), ["c2pa"]);
    let store = |file: &ImageFile| metadata::read(file.format(), file.bytes()).c2pa;
    assert_eq!(store(&received), store(&source));
    assert_ne!(pixels(&received).width(), pixels(&source).width());
    let optimised = recipe(&[
        "lossless_jpeg = { progressive = false, optimised = true, keep = [\"exif\", \"xmp\", \"iptc\", \"icc\"] }",
    ]);
    let received = apply(&optimised, &source);
    assert!(!kinds(&received).contains("c2pa") && kinds(&received).len() == 4);
    assert_eq!(pixels(&received), pixels(&source));
}

#[test]
fn profiles_are_converted_kept_or_dropped() {
    let source = file(camera_jpeg(64, 48));
    let (convert, keep) = ("convert_to_srgb = {}", "png = { keep = [\"icc\"] }");
    let kept = apply(&recipe(&[keep]), &source);
    assert!(kinds(&kept).contains("icc") && pixels(&kept) == pixels(&source));
    let dropped = apply(&recipe(&["png = { keep = [] }"]), &source);
    assert!(!kinds(&dropped).contains("icc") && pixels(&dropped) == pixels(&source));
    let converted = apply(&recipe(&[convert, keep]), &source);
    assert!(!kinds(&converted).contains("icc"));
    assert_ne!(
        pixels(&converted),
        pixels(&source),
        "Display P3 is not sRGB"
    );
}

/// Big-endian EXIF with orientation, artist (5 bytes, on the heap), copyright (4, inline) and a GPS directory.
fn exif() -> Vec<u8> {
    let mut block = b"MM\0\x2a\0\0\0\x08\0\x04".to_vec();
    let mut entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        block.extend(tag.to_be_bytes());
        block.extend(kind.to_be_bytes());
        block.extend(count.to_be_bytes());
        block.extend(value);
    };
    entry(0x0112, 3, 1, [0, 1, 0, 0]);
    entry(0x013B, 2, 5, [0, 0, 0, 62]);
    entry(0x8298, 2, 4, *b"(c)\0");
    entry(0x8825, 4, 1, [0, 0, 0, 68]);
    block.extend([0; 4]);
    block.extend(b"Anna\0\0");
    // One GPS entry: latitude, three fractions at 86.
    block.extend([0, 1, 0, 2, 0, 5, 0, 0, 0, 3, 0, 0, 0, 86, 0, 0, 0, 0]);
    block.extend([
        0, 0, 0, 59, 0, 0, 0, 1, 0, 0, 0, 19, 0, 0, 0, 1, 0, 0, 0, 55, 0, 0, 0, 1,
    ]);
    block
}

#[test]
fn single_fields_of_exif_stay_or_go() {
    let metadata = metadata::Metadata {
        exif: Some(exif().into()),
        ..metadata::Metadata::default()
    };
    for bytes in [
        camera_jpeg(32, 24),
        signed_png(&picture(32, 24).into()),
        signed_webp(&picture(32, 24).into()),
    ] {
        let format = Format::sniff(&bytes).unwrap();
        let source = file(metadata::written(format, bytes, &metadata).unwrap());
        let tags = |file: &ImageFile| {
            let exif = metadata::read(file.format(), file.bytes()).exif.unwrap();
            let exif = exif::Reader::new().read_raw(exif.to_vec()).unwrap();
            let mut tags: Vec<u16> = exif.fields().map(|field| field.tag.number()).collect();
            tags.sort_unstable();
            tags
        };
        assert_eq!(tags(&source), [0x0002, 0x0112, 0x013B, 0x8298]);
        let fields = |rule: &str| apply(&recipe(&[&format!("fields = {{ {rule} }}")]), &source);
        let kept = fields("exif_keep = [\"artist\", \"copyright\"]");
        assert_eq!(tags(&kept), [0x013B, 0x8298]);
        assert!(holds(&kept, b"Anna") && holds(&kept, b"(c)"));
        let nowhere = fields("location = false");
        assert_eq!(tags(&nowhere), [0x0112, 0x013B, 0x8298]);
        assert!(
            !holds(&nowhere, &[0, 0, 0, 59, 0, 0, 0, 1]),
            "the position's bytes are still there"
        );
        assert_eq!(pixels(&nowhere), pixels(&source));
    }
}

#[test]
fn xmp_is_filtered_by_property_and_captions_are_added() {
    let xmp = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r"><rdf:Description rdf:about=""
        xmlns:dcterms="t" xmlns:dc="d" xmlns:xmpRights="x" dcterms:provenance="https://example.org/1"
        xmpRights:Marked="True"><dc:rights><rdf:Alt><rdf:li>mine</rdf:li></rdf:Alt></dc:rights><dc:subject>s</dc:subject>
        </rdf:Description></rdf:RDF></x:xmpmeta>"#;
    let metadata = metadata::Metadata {
        xmp: Some(xmp.to_vec().into()),
        ..metadata::Metadata::default()
    };
    let source = file(metadata::written(Format::Jpeg, camera_jpeg(32, 24), &metadata).unwrap());
    let filtered = apply(
        &recipe(&["fields = { xmp_keep = [\"dc:rights\", \"xmpRights:\"] }"]),
        &source,
    );
    for (words, stays) in [
        ("mine", true),
        ("xmpRights:Marked", true),
        ("dcterms:provenance", false),
        ("dc:subject", false),
    ] {
        assert_eq!(holds(&filtered, words.as_bytes()), stays, "{words}");
    }
    let none = apply(&recipe(&["fields = { xmp_keep = [\"cc:\"] }"]), &source);
    assert!(!kinds(&none).contains("xmp"));
    let caption = apply(&recipe(&["fields = { caption = \"a < b\" }"]), &source);
    assert!(holds(&caption, b"a &lt; b") && holds(&caption, b"dcterms:provenance"));
    let iptc = apply(
        &recipe(&["fields = { iptc = [[40, \"FBMD01\"]] }"]),
        &source,
    );
    assert!(kinds(&iptc).contains("iptc") && holds(&iptc, b"\x1c\x02\x28\0\x06FBMD01"));
}

#[test]
fn quantisation_tables_are_written_as_given_and_only_by_their_encoder() {
    let luma: Vec<u16> = (1..=64).collect();
    let chroma: Vec<u16> = (64..128).collect();
    let step = |encoder: &str, luma: &[u16]| {
        format!(
            "jpeg = {{ encoder = \"{encoder}\", quality = 50, chroma = \"4:4:4\", progressive = false, keep = [], \
             tables = {{ luma = {luma:?}, chroma = {chroma:?} }} }}"
        )
    };
    let received = apply(
        &recipe(&[&step("jpeg-encoder", &luma)]),
        &png_file(picture(40, 30)),
    );
    assert_eq!(
        tables(received.bytes()),
        [(0, luma.clone()), (1, chroma.clone())]
    );
    for (encoder, table, said) in [
        ("mozjpeg", &luma[..], "jpeg-encoder"),
        ("jpeg-encoder", &luma[1..], "64"),
    ] {
        let text = format!(
            "title = \"E\"\nseverity = \"mild\"\nanalysis = \"N\"\n[[source]]\ncite = \"c\"\ngrade = \"D\"\n\
             backs = [\"jpeg\"]\n[[step]]\n{}\n",
            step(encoder, table)
        );
        let error = Recipe::parse("edits/example", &text)
            .expect_err("accepted")
            .to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn fitted_huffman_tables_change_bytes_and_no_pixel() {
    let source = png_file(picture(200, 150));
    let made = |more: &str| {
        apply(
            &recipe(&[&format!("jpeg = {{ quality = 80{more}, {TURBO} }}")]),
            &source,
        )
    };
    let (plain, fitted) = (made(""), made(", optimised = true"));
    assert!(fitted.bytes().len() < plain.bytes().len());
    assert_eq!(pixels(&fitted), pixels(&plain));
    assert_eq!(jpeg::tables(fitted.bytes()), jpeg::tables(plain.bytes()));
}

#[test]
fn trellis_and_its_tables_make_smaller_files_at_the_same_number() {
    let source = png_file(picture(200, 150));
    let made = |encoder: &str| {
        let step = format!("jpeg = {{ quality = 75, {TURBO} }}").replace("libjpeg-turbo", encoder);
        apply(&recipe(&[&step]), &source)
    };
    let (turbo, moz) = (made("libjpeg-turbo"), made("mozjpeg"));
    assert!(moz.bytes().len() < turbo.bytes().len());
    assert_ne!(tables(moz.bytes()), tables(turbo.bytes()));
}

#[test]
fn palettes_dither_only_where_asked_in_png_and_gif() {
    let ramp = RgbImage::from_fn(256, 32, |x, _| Rgb([x as u8, x as u8, x as u8]));
    // Dithering makes many changes between neighbours where bands make few.
    let changes = |step: &str| {
        let image = pixels(&apply(&recipe(&[step]), &png_file(ramp.clone()))).to_rgb8();
        let row: Vec<u8> = (0..256).map(|x| image.get_pixel(x, 16)[0]).collect();
        row.windows(2).filter(|pair| pair[0] != pair[1]).count()
    };
    for step in [
        "png = { colours = 8, dither = 0.0, keep = [] }",
        "gif = { colours = 8, dither = 0.0 }",
    ] {
        let flat = changes(step);
        let dithered = changes(&step.replace("dither = 0.0", "dither = 1.0"));
        assert!(
            flat <= 8 && dithered > 4 * flat,
            "{step}: {flat} and {dithered}"
        );
    }
}

#[test]
fn bare_formats_and_depths_give_the_pixels_back() {
    let wide = DynamicImage::ImageRgb8(picture(40, 30)).to_rgb16();
    let source = png_file(wide.clone());
    for (step, format, sixteen) in [
        ("tiff = {}", Format::Tiff, true),
        ("bmp = {}", Format::Bmp, false),
        ("jxl = { keep = [] }", Format::Jxl, true),
        ("png = { keep = [] }", Format::Png, true),
        ("png = { depth = 8, keep = [] }", Format::Png, false),
        ("png = { depth = 16, keep = [] }", Format::Png, true),
    ] {
        let received = apply(&recipe(&[step]), &source);
        assert_eq!(received.format(), format, "{step}");
        let result = pixels(&received);
        assert_eq!(result.to_rgb8(), picture(40, 30), "{step}");
        assert_eq!(result.color().bytes_per_pixel() == 6, sixteen, "{step}");
    }
    let gif = apply(
        &recipe(&["gif = { colours = 256, dither = 0.0 }"]),
        &png_file(RgbImage::from_pixel(9, 7, Rgb([9, 99, 199]))),
    );
    assert_eq!(pixels(&gif).to_rgb8().get_pixel(4, 3), &Rgb([9, 99, 199]));
}

#[test]
fn turning_fills_or_covers_the_corners_and_quarters_are_exact() {
    let white = RgbImage::from_pixel(90, 60, Rgb([255; 3]));
    let corner = |corners: &str| {
        let turned = edited(
            &format!("rotate = {{ degrees = 7, corners = \"{corners}\" }}"),
            white.clone(),
        );
        assert_eq!(turned.dimensions(), (90, 60));
        [(0, 0), (89, 0), (0, 59), (89, 59)].map(|(x, y)| turned.get_pixel(x, y)[0])
    };
    assert_eq!(corner("fill"), [0; 4]);
    assert_eq!(corner("cover"), [255; 4]);
    // A mark right of the centre comes to lie below it: clockwise.
    let mut mark = RgbImage::new(61, 61);
    mark.put_pixel(50, 30, Rgb([255; 3]));
    let turned = edited(
        "rotate = { degrees = 90, corners = \"fill\" }",
        mark.clone(),
    );
    assert!(turned.get_pixel(30, 50)[0] > 200);
    assert_eq!(edited("rotate = { degrees = 90 }", mark), turned);
}

#[test]
fn perspective_without_distortion_is_the_picture_and_with_it_shows_black() {
    let source = picture(80, 60);
    assert_eq!(
        edited(
            "perspective = { distortion = 0.0, seed = 1 }",
            source.clone()
        ),
        source
    );
    let bent = edited("perspective = { distortion = 0.5, seed = 1 }", source);
    assert_eq!(bent.get_pixel(0, 0), &Rgb([0; 3]));
}

#[test]
fn filters_do_what_their_names_say() {
    let mut dot = RgbImage::from_pixel(31, 31, Rgb([100; 3]));
    dot.put_pixel(15, 15, Rgb([255; 3]));
    assert_eq!(
        edited("median = { size = 3 }", dot.clone()),
        RgbImage::from_pixel(31, 31, Rgb([100; 3]))
    );
    let blurred = edited("blur = { sigma = 2.0 }", dot);
    // A Gaussian of that deviation leaves 1 / (2 pi 4) of a single pixel's excess in the middle.
    let excess = f64::from(blurred.get_pixel(15, 15)[0]) - 100.0;
    assert!(
        (excess - 155.0 / (8.0 * std::f64::consts::PI)).abs() < 1.0,
        "{excess}"
    );
    let grey = edited("grey = {}", picture(20, 20));
    assert!(
        grey.pixels()
            .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
    );
    let red = RgbImage::from_pixel(4, 4, Rgb([200, 0, 0]));
    let third = edited("adjust = { hue = 0.3333333333333333 }", red.clone());
    assert_eq!(third.get_pixel(1, 1), &Rgb([0, 200, 0]));
    assert_eq!(
        edited("adjust = { hue = -0.5 }", red).get_pixel(1, 1),
        &Rgb([0, 200, 200])
    );
}

#[test]
fn noise_has_its_deviation_and_no_bias_and_repeats() {
    let flat = RgbImage::from_pixel(200, 200, Rgb([128; 3]));
    let step = "noise = { deviation = 0.05, seed = 1 }";
    let noisy = edited(step, flat.clone());
    let values: Vec<f64> = noisy
        .iter()
        .map(|value| f64::from(*value) - 128.0)
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
    assert!(mean.abs() < 0.2, "{mean}");
    assert!((variance.sqrt() - 12.75).abs() < 0.2, "{}", variance.sqrt());
    assert_eq!(noisy, edited(step, flat.clone()));
    assert_ne!(noisy, edited(&step.replace("seed = 1", "seed = 2"), flat));
}

#[test]
fn crops_keep_the_share_or_the_shape_that_they_name() {
    let size = |rule: &str| edited(&format!("crop = {{ {rule} }}"), picture(200, 100)).dimensions();
    assert_eq!(size("area = 0.25"), (100, 50));
    assert_eq!(size("area = 0.25, restore = \"bilinear\""), (200, 100));
    assert_eq!(size("pixels = [10, 20, 30, 40]"), (160, 40));
    assert_eq!(size("between = [[4, 5], [191, 100]]"), (191, 100));
    assert_eq!(size("between = [[4, 5], [3, 1]]"), (200, 100));
    assert_eq!(size("aspect = [1, 1]"), (100, 100));
}
