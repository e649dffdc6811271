#![allow(clippy::unwrap_used)]
//! Content sketches through the public interface: what is confirmed, what is refused, and what strangers' bytes do.

use credlink_sign_core::sketch::{Comparison, Likeness, Path, Received, Registered, Sketch};
use credlink_sign_core::watermark::Geometry;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, Rgb, RgbImage};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Structure at every scale: noise of 3, 6, 12 … samples along the width, each half as strong.
fn picture(seed: u64, width: u32, height: u32) -> DynamicImage {
    let mut random = Random(seed);
    let mut sum = vec![110.0_f32; (width * height) as usize];
    for octave in 0..7 {
        let side = 3 << octave;
        let noise =
            image::GrayImage::from_fn(side, side, |_, _| image::Luma([random.next() as u8]));
        let noise = imageops::resize(&noise, width, height, FilterType::CatmullRom);
        let strength = 0.8 / 1.4_f32.powi(octave);
        for (sum, noise) in sum.iter_mut().zip(noise.iter()) {
            *sum += strength * (f32::from(*noise) - 128.0);
        }
    }
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([sum[(y * width + x) as usize].clamp(0.0, 255.0) as u8; 3])
    })
    .into()
}

fn compared(registered: &DynamicImage, received: &DynamicImage) -> Comparison {
    let sketch = Sketch::of(registered, Orientation::NoTransforms);
    Registered::new(&sketch, (registered.width(), registered.height()))
        .compare(&Received::of(received, Orientation::NoTransforms))
}

fn toned(image: &DynamicImage, change: impl Fn(f32) -> f32) -> DynamicImage {
    let mut image = image.to_rgb8();
    for sample in image.iter_mut() {
        *sample = change(f32::from(*sample)) as u8;
    }
    image.into()
}

fn on_canvas(image: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    let mut canvas = RgbImage::new(width, height);
    let (x, y) = ((width - image.width()) / 2, (height - image.height()) / 2);
    imageops::replace(&mut canvas, &image.to_rgb8(), i64::from(x), i64::from(y));
    canvas.into()
}

#[test]
fn everyday_changes_are_the_same_image() {
    for (seed, (width, height)) in (1..).zip([(900, 600), (600, 900), (640, 640), (1280, 720)]) {
        let image = picture(seed, width, height);
        let changes: [(&str, DynamicImage); 12] = [
            ("nothing", image.clone()),
            (
                "size",
                image.resize_exact(width / 3, height / 3, FilterType::Triangle),
            ),
            (
                "proportions",
                image.resize_exact(500, 400, FilterType::Triangle),
            ),
            ("flip", image.fliph()),
            ("quarter turn", image.rotate90()),
            ("half turn", image.rotate180()),
            ("gamma", toned(&image, |v| 255.0 * (v / 255.0).powf(0.6))),
            ("contrast", toned(&image, |v| 0.5 * v + 20.0)),
            ("blur", image.blur(3.0)),
            ("letterbox", on_canvas(&image, width + 10, height * 2)),
            ("frame", on_canvas(&image, width + 120, height + 120)),
            ("grey", DynamicImage::from(image.to_luma8())),
        ];
        for (name, changed) in changes {
            let found = compared(&image, &changed);
            assert_eq!(
                found.verdict,
                Likeness::Same,
                "{name} {seed}: {}",
                found.similarity
            );
            assert!(found.coverage > 0.95, "{name} {seed}: {}", found.coverage);
        }
    }
}

#[test]
fn parts_down_to_a_quarter_of_the_area_are_the_same_image_and_are_located() {
    let (width, height) = (900, 600);
    for seed in 10..16 {
        let image = picture(seed, width, height);
        for (x, y, share) in [(0, 0, 0.5), (300, 200, 0.5), (130, 50, 0.7), (60, 30, 0.85)] {
            let (w, h) = (f64::from(width) * share, f64::from(height) * share);
            let part = image.crop_imm(x, y, w as u32, h as u32);
            let found = compared(&image, &part);
            assert_eq!(
                found.verdict,
                Likeness::Same,
                "{seed} {share}: {}",
                found.similarity
            );
            let seen = f64::from(found.coverage);
            assert!(
                (seen - share * share).abs() < 0.12,
                "{seed} {share}: {seen}"
            );
            // The corner of the registered image lies up and left of the part.
            let [[a, _, left], [_, e, top]] = found.alignment.rows;
            assert!((a - 1.0 / share).abs() < 0.05 && (e - 1.0 / share).abs() < 0.05);
            assert!(
                (left + f64::from(x) / w).abs() < 0.04,
                "{seed} {share}: {left}"
            );
            assert!(
                (top + f64::from(y) / h).abs() < 0.04,
                "{seed} {share}: {top}"
            );
        }
    }
}

/// Layers of cloud: lines along the width, with little that fixes a place across.
fn evening(seed: u64) -> DynamicImage {
    let layers = picture(seed, 2, 400).resize_exact(600, 400, FilterType::CatmullRom);
    let few = picture(seed + 1, 12, 12).resize_exact(600, 400, FilterType::CatmullRom);
    let (layers, few) = (layers.to_luma8(), few.to_luma8());
    RgbImage::from_fn(600, 400, |x, y| {
        let of = |image: &image::GrayImage| u16::from(image.get_pixel(x, y)[0]);
        Rgb([((7 * of(&layers) + of(&few)) / 8) as u8; 3])
    })
    .into()
}

#[test]
fn where_the_grid_of_a_mark_says_the_place_fewer_corners_will_do() {
    let (registered, other) = (evening(1), evening(3));
    let part = registered.crop_imm(60, 20, 480, 340);
    let per_pixel = 384.0 / 600.0;
    let geometry = Geometry::upright(
        (480, 340),
        480.0 / 600.0,
        false,
        (-60.0 * per_pixel, -20.0 * per_pixel),
    );
    let places = geometry.placements((600, 400));
    let at = |registered: &DynamicImage| {
        let sketch = Sketch::of(registered, Orientation::NoTransforms);
        Registered::new(&sketch, (600, 400))
            .compare_at(&Received::of(&part, Orientation::NoTransforms), &places)
            .unwrap()
    };
    let searched = compared(&registered, &part);
    let (verdict, corners) = (searched.verdict, searched.corners);
    assert_eq!(verdict, Likeness::Different, "{corners} corners");
    let led = at(&registered);
    assert_eq!((led.verdict, led.path), (Likeness::Same, Path::Led));
    assert_eq!(at(&other).verdict, Likeness::Different);
    let sketch = Sketch::of(&registered, Orientation::NoTransforms);
    let received = Received::of(&part, Orientation::NoTransforms);
    let nowhere = Registered::new(&sketch, (600, 400)).compare_at(&received, &[]);
    assert!(nowhere.is_none());
}

#[test]
fn other_images_are_different() {
    let images: Vec<DynamicImage> = (30..50).map(|seed| picture(seed, 600, 400)).collect();
    for (a, one) in images.iter().enumerate() {
        for (b, other) in images.iter().enumerate() {
            if a != b {
                let found = compared(one, other);
                assert_eq!(
                    found.verdict,
                    Likeness::Different,
                    "{a} {b}: {}",
                    found.similarity
                );
            }
        }
    }
}

/// A window: four panes in one layout, with a small picture in each, beside a bar of words.
/// What is large of one picture, and the detail of another, faintly, over it: people see the first.
fn laid_over(large: &DynamicImage, detail: &DynamicImage, share: f32) -> DynamicImage {
    let wide = 30.0;
    let (large, mean) = (large.blur(wide).to_rgb8(), detail.blur(wide).to_rgb8());
    let mut mixed = detail.to_rgb8();
    for ((sample, mean), large) in mixed.iter_mut().zip(mean.iter()).zip(large.iter()) {
        let detail = f32::from(*sample) - f32::from(*mean);
        let large = 0.8 * (f32::from(*large) - 128.0) + 128.0;
        *sample = (large + share * detail).round().clamp(0.0, 255.0) as u8;
    }
    mixed.into()
}

#[test]
fn another_picture_with_this_ones_detail_over_it_is_different() {
    for seed in 40..46 {
        let image = picture(seed, 900, 600);
        let other = picture(seed + 100, 900, 600);
        for share in [0.3, 0.5] {
            let found = compared(&image, &laid_over(&other, &image, share));
            assert_eq!(
                found.verdict,
                Likeness::Different,
                "{seed} {share}: {} {:?}",
                found.similarity,
                found.shading
            );
        }
        // The same on the picture itself is less contrast, and a vignette is light.
        let found = compared(&image, &laid_over(&image, &image, 0.5));
        assert_eq!(found.verdict, Likeness::Same, "{seed}: {:?}", found.shading);
        let mut lit = image.to_rgb8();
        for (x, y, pixel) in lit.enumerate_pixels_mut() {
            let (u, v) = (x as f32 / 450.0 - 1.0, y as f32 / 300.0 - 1.0);
            let light = 1.0 - 0.35 * (u * u + v * v);
            pixel.0 = pixel.0.map(|value| (f32::from(value) * light) as u8);
        }
        let found = compared(&image, &lit.into());
        assert_eq!(found.verdict, Likeness::Same, "{seed}: {:?}", found.shading);
    }
}

/// A bar inside the picture shows something else, and what is beside it agrees.
#[test]
fn what_a_bar_covers_is_not_seen_and_is_told() {
    let image = picture(50, 900, 600);
    let mut covered = image.to_rgb8();
    let other = picture(51, 220, 600).to_rgb8();
    imageops::replace(&mut covered, &other, 0, 0);
    let found = compared(&image, &covered.into());
    assert!(found.covered > 0.12 && found.coverage < 0.88, "{found:?}");
    assert!(found.verdict != Likeness::Same || found.is_change_noticed());
    assert!(compared(&image, &image).covered < 0.01);
}

fn window(seed: u64) -> DynamicImage {
    let mut random = Random(seed);
    let words: Vec<u64> = (0..24 * 16).map(|_| random.next()).collect();
    RgbImage::from_fn(800, 600, |x, y| {
        let word = words[(y / 25 * 16 + x / 12) as usize % words.len()];
        let pane = (x > 240 && x % 280 < 230) && (y % 300 > 40 && y % 300 < 250);
        let picture = pane && (x % 280).abs_diff(150) < 50 && (y % 300).abs_diff(150) < 50;
        let value = match () {
            () if x < 190 || picture => [30, 140, 235][word as usize % 3],
            () if pane => 60,
            () => 230,
        };
        Rgb([value; 3])
    })
    .into()
}

#[test]
fn windows_of_one_layout_with_other_words_are_different() {
    for (a, b) in [(1, 2), (3, 4), (5, 6)] {
        let found = compared(&window(a), &window(b));
        assert_ne!(found.verdict, Likeness::Same, "{}", found.similarity);
        let itself = compared(
            &window(a),
            &window(a).resize(500, 500, FilterType::Triangle),
        );
        assert_eq!(itself.verdict, Likeness::Same, "{}", itself.similarity);
    }
}

#[test]
fn a_replaced_subject_is_an_alteration() {
    for seed in 60..66 {
        let image = picture(seed, 900, 600);
        let subject = picture(seed + 100, 300, 260);
        let mut altered = image.to_rgb8();
        imageops::replace(&mut altered, &subject.to_rgb8(), 300, 170);
        let found = compared(&image, &altered.into());
        assert_eq!(
            found.verdict,
            Likeness::Altered,
            "{seed}: {}",
            found.similarity
        );
        assert!(
            found.largest_difference > 0.1,
            "{seed}: {}",
            found.largest_difference
        );
        let unedited = compared(&image, &image.resize(500, 500, FilterType::Triangle));
        assert!(found.local_difference > 0.4 && unedited.local_difference < 0.15);
        assert!(found.is_change_noticed() && !unedited.is_change_noticed());
    }
}

#[test]
fn a_small_thing_pasted_is_noticed_though_most_such_pictures_count_as_the_same() {
    let mut same = 0;
    for seed in 60..66 {
        let image = picture(seed, 900, 600);
        let thing = picture(seed + 100, 80, 64);
        let mut altered = image.to_rgb8();
        imageops::replace(&mut altered, &thing.to_rgb8(), 420, 250);
        let found = compared(&image, &altered.into());
        same += usize::from(found.verdict == Likeness::Same);
        assert!(
            found.is_change_noticed(),
            "{seed}: {}",
            found.local_difference
        );
        // Where it was pasted, to within two cells.
        let [x, y] = found.local_difference_at;
        let (dx, dy) = (x - 460.0 / 900.0, y - 282.0 / 600.0);
        assert!(dx.abs() < 0.13 && dy.abs() < 0.13, "{seed}: {x} {y}");
    }
    assert!(same >= 4, "{same} of 6");
}

#[test]
fn content_without_features_confirms_nothing() {
    let flat = DynamicImage::from(RgbImage::from_pixel(300, 200, Rgb([90, 120, 60])));
    let slope = DynamicImage::from(RgbImage::from_fn(300, 200, |x, y| {
        Rgb([(x / 2) as u8, (y / 2) as u8, 100])
    }));
    for (image, other) in [(&flat, &flat), (&flat, &slope), (&slope, &flat)] {
        assert_ne!(compared(image, other).verdict, Likeness::Same);
    }
}

#[test]
fn plain_pictures_are_told_apart_by_their_shades() {
    // Of sixty grey levels, with `more` added in a disc of an eighth of the width.
    let slope = |from: f32, more: f32| {
        DynamicImage::from(RgbImage::from_fn(300, 200, |x, y| {
            let (dx, dy) = (x as f32 - 200.0, y as f32 - 90.0);
            let inside = if dx * dx + dy * dy < 38.0 * 38.0 {
                more
            } else {
                0.0
            };
            Rgb([(from + 0.2 * x as f32 + inside) as u8; 3])
        }))
    };
    let registered = slope(80.0, 0.0);
    let smaller = registered.thumbnail_exact(150, 100).fliph();
    for copy in [&registered, &smaller] {
        assert_eq!(compared(&registered, copy).verdict, Likeness::Plain);
    }
    for other in [slope(84.0, 0.0), slope(80.0, 5.0), slope(80.0, -5.0)] {
        assert_ne!(compared(&registered, &other).verdict, Likeness::Plain);
    }
}

#[test]
fn every_size_is_compared_without_a_panic() {
    let image = picture(70, 300, 200);
    for (width, height) in [(0, 0), (1, 1), (1, 5000), (5000, 1), (7, 9), (128, 3)] {
        let odd = if width * height == 0 {
            DynamicImage::new_rgb8(width, height)
        } else {
            image.resize_exact(width, height, FilterType::Nearest)
        };
        for (registered, received) in [(&image, &odd), (&odd, &image), (&odd, &odd)] {
            let found = compared(registered, received);
            assert!(
                (0.0..=1.0).contains(&found.similarity) && (0.0..=1.0).contains(&found.coverage)
            );
        }
    }
}

#[test]
fn any_bytes_of_the_right_length_are_compared_without_a_panic() {
    let mut random = Random(3);
    let received = Received::of(&picture(71, 300, 200), Orientation::NoTransforms);
    for (columns, rows) in [(2, 2), (16, 10), (85, 2), (2, 85), (13, 13)] {
        let mut bytes = vec![columns, rows];
        let length = usize::from(columns) * usize::from(rows) * 9;
        bytes.extend((0..length).map(|_| random.next() as u8));
        let sketch = Sketch::from_bytes(bytes).unwrap();
        for size in [(300, 200), (0, 0), (1, u32::MAX), (u32::MAX, 1)] {
            let found = Registered::new(&sketch, size).compare(&received);
            assert_ne!(found.verdict, Likeness::Same);
        }
    }
}

#[test]
fn a_sketch_is_small_and_reads_back_from_json() {
    for (width, height) in [(640, 480), (4000, 30), (1, 1), (768, 512)] {
        let sketch = Sketch::of(&picture(72, width, height), Orientation::NoTransforms);
        let text = serde_json::to_string(&sketch).unwrap();
        assert!(text.len() <= 2048, "{}", text.len());
        assert_eq!(serde_json::from_str::<Sketch>(&text).unwrap(), sketch);
        for wrong in [
            "\"\"",
            "\"????\"",
            "\"AAAA\"",
            &text.replacen("\"", "\"A", 1),
        ] {
            assert!(serde_json::from_str::<Sketch>(wrong).is_err(), "{wrong}");
        }
    }
}

#[test]
fn orientation_tags_are_followed() {
    let image = picture(73, 300, 200);
    for exif in 1..=8 {
        let orientation = Orientation::from_exif(exif).unwrap();
        let mut displayed = image.clone();
        displayed.apply_orientation(orientation);
        let sketch = Sketch::of(&image, orientation);
        let upright = Registered::new(&sketch, (displayed.width(), displayed.height()));
        let found = upright.compare(&Received::of(&image, orientation));
        assert_eq!(found.symmetry, Orientation::NoTransforms, "{orientation:?}");
        assert!(found.similarity > 0.95, "{orientation:?}");
    }
}
