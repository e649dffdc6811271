//! The fast hash against a slow, readable one, and both against the reference implementation.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, Rgb, RgbImage, Rgba, RgbaImage};

use super::*;

/// PDQ as the paper describes it: luma, two rounds of box filters over the whole image, decimation, DCT,
/// median. Returns the 64×64 samples and the hash.
fn slow(image: &RgbImage) -> ([[f32; 64]; 64], Fingerprint) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let mut luma: Vec<f32> = image
        .pixels()
        .map(|Rgb([r, g, b])| 0.299 * f32::from(*r) + 0.587 * f32::from(*g) + 0.114 * f32::from(*b))
        .collect();
    for _ in 0..2 {
        for y in 0..height {
            let row = boxed(&luma[y * width..][..width]);
            luma[y * width..][..width].copy_from_slice(&row);
        }
        for x in 0..width {
            let column: Vec<f32> = (0..height).map(|y| luma[y * width + x]).collect();
            for (y, value) in boxed(&column).into_iter().enumerate() {
                luma[y * width + x] = value;
            }
        }
    }
    let samples: [[f32; 64]; 64] = std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let (y, x) = ((2 * i + 1) * height / 128, (2 * j + 1) * width / 128);
            luma[y * width + x]
        })
    });
    let cosine = |frequency: usize, position: usize| {
        ((frequency + 1) as f64 * (2 * position + 1) as f64 * std::f64::consts::PI / 128.0).cos()
    };
    let coefficients: Vec<f64> = (0..256)
        .map(|k| {
            let mut sum = 0.0;
            for (y, row) in samples.iter().enumerate() {
                for (x, value) in row.iter().enumerate() {
                    sum += f64::from(*value) * cosine(k / 16, y) * cosine(k % 16, x);
                }
            }
            sum
        })
        .collect();
    let mut sorted = coefficients.clone();
    sorted.sort_by(f64::total_cmp);
    let mut words = [0; 4];
    for (k, value) in coefficients.iter().enumerate() {
        if *value > sorted[127] {
            words[k / 64] |= 1 << (k % 64);
        }
    }
    (samples, Fingerprint(words))
}

/// Mean over a window of `ceil(n / 128)` values, shorter at the ends, reaching one further right if even.
fn boxed(values: &[f32]) -> Vec<f32> {
    let window = values.len().div_ceil(128);
    let half = (window + 2) / 2;
    (0..values.len())
        .map(|centre| {
            let span =
                &values[centre.saturating_sub(window - half)..values.len().min(centre + half)];
            span.iter().sum::<f32>() / span.len() as f32
        })
        .collect()
}

fn rings(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let d = (x * x + 2 * y * y + x * y) / 64;
        Rgb([
            (d % 256) as u8,
            ((x * y / 32) % 256) as u8,
            ((x ^ y) % 256) as u8,
        ])
    })
}

fn hill(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let near = |cx: i64, cy: i64, scale: i64| {
            let d = (i64::from(x) - cx).pow(2) + (i64::from(y) - cy).pow(2);
            (255 - (d / scale).min(255)) as u8
        };
        Rgb([
            near(200, 150, 300),
            near(420, 300, 500),
            near(100, 400, 900),
        ])
    })
}

fn tiles(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let tile = (x / 17 * 31 + y / 13 * 57) * 97 % 256;
        Rgb([tile as u8, (tile * 3 % 256) as u8, (tile * 7 % 256) as u8])
    })
}

fn upright(image: &RgbImage) -> ContentHash {
    ContentHash::of(&image.clone().into(), Orientation::NoTransforms)
}

type Make = fn(u32, u32) -> RgbImage;

/// Name, picture, width, height, quality, hash.
///
/// Made with the C++ reference (facebook/ThreatExchange, through the Python package pdqhash 0.2.8).
const KNOWN: [(&str, Make, u32, u32, u8, &str); 5] = [
    (
        "rings 300x200",
        rings,
        300,
        200,
        100,
        "8d9a18aa35566b54d6a5ad251b6d26c94d9933334e7338e3438e1e1ee0781ff4",
    ),
    (
        "hill 640x427",
        hill,
        640,
        427,
        64,
        "b88720e3b88f33e3408f33e360cff3e3e0cfe18383ef058307e6be03b49ec00f",
    ),
    (
        "tiles 1025x333",
        tiles,
        1025,
        333,
        100,
        "f967f0bbe2e64a7dd7701015aaa0829f555f53c1029f43aae209b4cd511c3b4f",
    ),
    (
        "rings 1800x1300",
        rings,
        1800,
        1300,
        100,
        "fffcbffcfffcbff4fff0bff5ca80caa0efe0eaa0eae0e820e000c000c000c000",
    ),
    (
        "tiles 40x30",
        tiles,
        40,
        30,
        96,
        "3b9c398c39cc4e35c673398ca56a1a9cc673c673398ca56a5a95c673398c39cc",
    ),
];

#[test]
fn known_answers_of_the_reference_are_met() {
    for (name, make, width, height, quality, hash) in KNOWN {
        let ours = upright(&make(width, height));
        let distance = ours.fingerprint().distance(&hash.parse().unwrap());
        assert!(
            distance <= 2,
            "{name}: distance {distance}, {}",
            ours.fingerprint()
        );
        assert!(
            ours.quality().abs_diff(quality) <= 1,
            "{name}: quality {}",
            ours.quality()
        );
    }
}

#[test]
fn the_fast_hash_is_the_slow_hash() {
    let sizes = [
        (1, 1),
        (1, 300),
        (300, 1),
        (63, 64),
        (65, 129),
        (127, 128),
        (200, 130),
        (640, 427),
        (1025, 33),
    ];
    let mut compared = 0;
    for make in [rings, hill, tiles] {
        for (width, height) in sizes {
            let image = make(width, height);
            let (samples, expected) = slow(&image);
            let ours = super::sampling::samples(&image.clone().into()).unwrap();
            for (ours, expected) in ours.iter().flatten().zip(samples.iter().flatten()) {
                assert!(
                    (ours - expected).abs() < 0.01,
                    "{width}x{height}: {ours} {expected}"
                );
            }
            let hash = upright(&image).fingerprint();
            if !hash.is_featureless() {
                assert!(hash.distance(&expected) <= 2, "{width}x{height}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 18, "{compared}");
}

#[test]
fn a_lost_orientation_tag_leaves_one_variant_at_distance_zero() {
    let image: DynamicImage = rings(301, 200).into();
    let untagged = ContentHash::of(&image, Orientation::NoTransforms).views();
    for orientation in SYMMETRIES {
        let registered = ContentHash::of(&image, orientation).views()[0];
        let differences = untagged.iter().map(|view| view.difference(&registered));
        assert_eq!(
            differences.min(),
            Some(Difference {
                distance: 0,
                tone: 0
            })
        );
    }
}

#[test]
fn an_orientation_tag_means_what_turned_pixels_mean() {
    for make in [rings, hill, tiles] {
        // Multiples of 128 keep the window odd, so the reference's own asymmetry stays out.
        let image: DynamicImage = make(384, 384).into();
        for (k, orientation) in SYMMETRIES.into_iter().enumerate() {
            let tagged = ContentHash::of(&image, orientation);
            let mut turned = image.clone();
            turned.apply_orientation(orientation);
            let baked = ContentHash::of(&turned, Orientation::NoTransforms);
            let distance = tagged.fingerprint().distance(&baked.fingerprint());
            assert!(distance <= 16, "{orientation:?}: {distance}");
            assert!(
                tagged.tone().difference(&baked.tone()) <= 8,
                "{orientation:?}"
            );
            assert_eq!(upright(&make(384, 384)).dihedral()[k], tagged.fingerprint());
        }
    }
}

#[test]
fn the_same_picture_in_another_pixel_type_has_the_same_fingerprint() {
    let grey = GrayImage::from_fn(211, 160, |x, y| {
        image::Luma([((x * x + y * y * 3) / 64 % 256) as u8])
    });
    let image = DynamicImage::from(grey);
    let expected = ContentHash::of(&image, Orientation::NoTransforms);
    let copies = [
        DynamicImage::from(image.to_rgb8()),
        DynamicImage::from(image.to_rgba8()),
        DynamicImage::from(image.to_luma_alpha8()),
        DynamicImage::from(image.to_luma16()),
        DynamicImage::from(image.to_luma_alpha16()),
        DynamicImage::from(image.to_rgb16()),
        DynamicImage::from(image.to_rgba16()),
    ];
    for copy in copies {
        assert_eq!(
            ContentHash::of(&copy, Orientation::NoTransforms),
            expected,
            "{:?}",
            copy.color()
        );
    }
    for copy in [
        DynamicImage::from(image.to_rgb32f()),
        DynamicImage::from(image.to_rgba32f()),
    ] {
        let hash = ContentHash::of(&copy, Orientation::NoTransforms);
        assert!(hash.fingerprint().distance(&expected.fingerprint()) <= 2);
    }
}

#[test]
fn transparent_pixels_are_white_whatever_their_colour() {
    let make = |hidden: u8| {
        DynamicImage::from(RgbaImage::from_fn(200, 150, |x, y| {
            let Rgb([r, g, b]) = *rings(200, 150).get_pixel(x, y);
            if (x / 40 + y / 40) % 2 == 0 {
                Rgba([hidden, 255 - hidden, hidden / 2, 0])
            } else {
                Rgba([r, g, b, 255])
            }
        }))
    };
    let one = ContentHash::of(&make(0), Orientation::NoTransforms);
    assert_eq!(one, ContentHash::of(&make(200), Orientation::NoTransforms));
}

#[test]
fn content_without_structure_is_featureless() {
    let constant = |value| RgbImage::from_pixel(300, 200, Rgb([value, 255 - value, 9]));
    let gradient = RgbImage::from_fn(300, 200, |x, _| Rgb([(x * 255 / 299) as u8; 3]));
    for image in [
        constant(0),
        constant(100),
        constant(255),
        gradient,
        RgbImage::new(0, 0),
        RgbImage::new(1, 1),
    ] {
        let hash = upright(&image);
        assert!(
            hash.dihedral().iter().all(Fingerprint::is_featureless),
            "{hash:?}"
        );
    }
}

#[test]
fn a_single_faint_spot_is_a_feature() {
    let mut image = RgbImage::from_pixel(256, 256, Rgb([90, 90, 90]));
    for (x, y) in [(70, 70), (71, 70), (70, 71), (71, 71), (72, 72)] {
        image.put_pixel(x, y, Rgb([110, 110, 110]));
    }
    assert!(!upright(&image).fingerprint().is_featureless());
}

#[test]
fn unrelated_smooth_pictures_are_told_apart() {
    // Folded planes and soft hills, each seed another: what a fingerprint is worst at.
    let smooth = |seed: u32| {
        let (a, b, c) = (seed * 7 % 13 + 1, seed * 5 % 11 + 1, seed * 3 % 17 + 1);
        RgbImage::from_fn(256, 192, |x, y| {
            let value = (x * a + y * b) / 24 + (x * y * c) / 4096;
            Rgb([(value % 512).min(511 - value % 512).min(255) as u8; 3])
        })
    };
    let policy = MatchPolicy::default();
    let hashes: Vec<ContentHash> = (0..120).map(|seed| upright(&smooth(seed))).collect();
    let mut near = 0;
    for (k, one) in hashes.iter().enumerate() {
        for other in &hashes[..k] {
            let difference = one
                .views()
                .iter()
                .map(|view| view.difference(&other.views()[0]))
                .min_by_key(|difference| policy.score(*difference))
                .unwrap();
            near += usize::from(difference.distance <= 6);
            let quality = one.quality().min(other.quality());
            if quality < policy.min_quality {
                let verdict = policy.judge(difference, quality, None);
                assert_ne!(verdict, Match::Accepted, "{k}: {difference:?} {quality}");
            }
        }
        let own = one.views()[0].difference(&one.views()[0]);
        // An exact copy is found among smooth pictures, of which many are near.
        let runner_up = (one.quality() < policy.min_quality).then_some(1);
        assert_eq!(policy.judge(own, one.quality(), runner_up), Match::Accepted);
    }
    assert!(near > 10, "the set is not hard enough: {near}");
}

#[test]
fn the_policy_holds_at_its_borders() {
    let policy = MatchPolicy::default();
    let table = [
        ((0, 0), 100, None, Match::Accepted),
        ((31, 200), 50, None, Match::Accepted),
        ((32, 0), 100, None, Match::TooFar),
        ((31, 0), 49, None, Match::LowQuality),
        ((17, 0), 40, None, Match::LowQuality),
        ((16, 3), 40, None, Match::Accepted),
        ((16, 4), 40, None, Match::LowQuality),
        ((20, 0), 80, Some(31), Match::Ambiguous),
        ((20, 0), 80, Some(32), Match::Accepted),
        ((0, 0), 80, Some(31), Match::Ambiguous),
        ((0, 0), 80, Some(32), Match::Accepted),
        ((10, 0), 40, Some(15), Match::Ambiguous),
        ((10, 0), 40, Some(16), Match::Accepted),
        ((0, 0), 0, Some(0), Match::Ambiguous),
        ((0, 0), 0, Some(1), Match::Accepted),
    ];
    for ((distance, tone), quality, runner_up, expected) in table {
        let verdict = policy.judge(Difference { distance, tone }, quality, runner_up);
        assert_eq!(
            verdict, expected,
            "{distance} {tone} {quality} {runner_up:?}"
        );
    }
}

#[test]
fn near_duplicates_of_one_picture_name_neither() {
    // Two registered scans of one map, 4 bits apart: after a format conversion the received file was at distance 0
    // from the other one and at 4 from its own.
    let policy = MatchPolicy::default();
    let exact = Difference {
        distance: 0,
        tone: 0,
    };
    assert_eq!(policy.judge(exact, 100, Some(4)), Match::Ambiguous);
}

#[test]
fn fingerprints_are_written_as_the_reference_writes_them() {
    let fingerprint = Fingerprint([1, 0, 0, 1 << 63]);
    let text = "8000000000000000000000000000000000000000000000000000000000000001";
    assert_eq!(fingerprint.to_string(), text);
    assert_eq!(text.parse(), Ok(fingerprint));
    for wrong in [
        "",
        &text[1..],
        &text.replace('8', "G"),
        &text.replace('8', "A"),
        &"é".repeat(32),
    ] {
        assert!(wrong.parse::<Fingerprint>().is_err());
    }
}
