//! Points of pictures that a formula makes, beside those of the reference in C.

use super::*;
use image::{GrayImage, Luma};
use sha2::{Digest, Sha256};

/// A picture like no other: noise at three scales, in integers.
fn picture(seed: u32, width: u32, height: u32) -> DynamicImage {
    let noise = |x: u32, y: u32| {
        let mixed = (x ^ y.rotate_left(13) ^ seed.rotate_left(22)).wrapping_mul(0x9e37_79b1);
        (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca77) >> 24
    };
    let at = |x: u32, y: u32, cell: u32| {
        let (u, v) = (x % cell, y % cell);
        let corner = |dx: u32, dy: u32| noise(x / cell + dx + 1000 * cell, y / cell + dy);
        let above = corner(0, 0) * (cell - u) + corner(1, 0) * u;
        let below = corner(0, 1) * (cell - u) + corner(1, 1) * u;
        (above * (cell - v) + below * v) / (cell * cell)
    };
    let mixed = |x, y| (2 * at(x, y, 64) + at(x, y, 24) + at(x, y, 9)) / 4;
    GrayImage::from_fn(width, height, |x, y| Luma([mixed(x, y) as u8])).into()
}

fn points(image: &DynamicImage) -> Points {
    Points::of(image, Orientation::NoTransforms)
}

/// The reference (`kp_extract` of the design note's prototype, with 200 points, floor 110, half width 6.5, a quarter of it within
/// the border), in the bytes that are registered.
#[test]
fn points_are_those_of_the_reference_bit_by_bit() {
    let expected = [
        (
            1,
            512,
            384,
            "72427c416c65532f872e5515cae67bb746458c0785446270f644cd573fcc5181",
        ),
        (
            2,
            341,
            512,
            "02345f1c4a0646ac7fe70c0242be48aed9f9a6d06458b638576fabd87498f87a",
        ),
        (
            3,
            512,
            200,
            "185b21b6680b40477f9255ff79a94986e0204045c3816849688dcf814b75ac27",
        ),
    ];
    for (seed, width, height, digest) in expected {
        let points = points(&picture(seed, width, height));
        assert_eq!(points.len(), 200, "picture {seed}");
        let bytes = points.to_bytes();
        assert_eq!(
            hex::encode(Sha256::digest(&bytes)),
            digest,
            "picture {seed}"
        );
    }
}

#[test]
fn what_is_written_is_read_and_nothing_else() {
    let displayed = (512, 200);
    let bytes = points(&picture(3, 512, 200)).to_bytes();
    let read = Points::from_bytes(&bytes, displayed).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    assert!(Points::from_bytes(&[1, 0], displayed).unwrap().is_empty());
    let cut = &bytes[..bytes.len() - 1];
    let mut of_another_version = bytes.clone();
    of_another_version[0] = 2;
    let mut too_many = vec![1, 201];
    too_many.resize(2 + 36 * 201, 0);
    for other in [&[][..], &[1], cut, &of_another_version, &too_many] {
        assert_eq!(Points::from_bytes(other, displayed), Err(PointsError));
    }
    // The same points lie outside of a lower picture.
    assert!(Points::from_bytes(&bytes, (512, 100)).is_err());
}

#[test]
fn pictures_without_points_are_none() {
    let flat = |width, height| GrayImage::from_pixel(width, height, Luma([77])).into();
    for (width, height) in [(0, 0), (1, 1), (640, 480), (4000, 10), (10, 4000)] {
        assert!(points(&flat(width, height)).is_empty(), "{width}×{height}");
    }
    assert!(Sought::of(&flat(63, 63), Orientation::NoTransforms).is_none());
}

/// A mirrored picture's points are the mirrored view's, but for what decimation to even samples does.
#[test]
fn a_view_is_what_the_turned_picture_gives() {
    // Sides of 2^k + 1 samples stay so in every octave.
    let picture =
        picture(5, 513, 385).resize_exact(512, 384, image::imageops::FilterType::Triangle);
    let original = Sought::of(&picture, Orientation::NoTransforms).unwrap();
    for (number, orientation) in ORIENTATIONS.iter().enumerate() {
        let turned = Sought::of(&picture, *orientation).unwrap();
        let view = original.view(number);
        assert_eq!(view.size, turned.size, "{orientation:?}");
        let turned = turned.view(0);
        let fit = fitted(&turned.points, &view.points).unwrap();
        assert!(fit.independent > 60, "{orientation:?}: {fit:?}");
        let (x, y) = fit.map.apply(200.0, 150.0);
        assert!(
            (x - 200.0).abs() < 2.0 && (y - 150.0).abs() < 2.0,
            "{orientation:?}"
        );
    }
}

#[test]
fn faint_pictures_have_points_too() {
    let strong = picture(7, 512, 384).to_luma8();
    let faint = GrayImage::from_fn(512, 384, |x, y| {
        Luma([120 + strong.get_pixel(x, y)[0] / 32])
    });
    assert!(points(&faint.into()).len() > LEAST_POINTS);
}
