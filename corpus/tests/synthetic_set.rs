//! Laws of the synthetic set, over its first images.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::print_stderr, reason = "tests say what they skipped")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::sync::OnceLock;

use credlink_corpus::synthetic::CLASSES;
use credlink_corpus::{ImageSet, SourceImage, SyntheticSet};
use credlink_image_files::{Format, Held, metadata};
use credlink_trial_record::Beside;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader};
use img_parts::{DynImage, ImageICC};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use support::{cosine_hash, distance, on_white};

const SEED: u64 = 11;
const SAMPLE: usize = 100;

/// One whole deck, made once for all tests.
fn sample() -> &'static [SourceImage] {
    static IMAGES: OnceLock<Vec<SourceImage>> = OnceLock::new();
    IMAGES.get_or_init(|| {
        let set = SyntheticSet::new(SEED);
        (0..SAMPLE)
            .into_par_iter()
            .map(|i| set.load(i).unwrap())
            .collect()
    })
}

fn upright(bytes: &[u8]) -> DynamicImage {
    let mut decoder = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .unwrap()
        .into_decoder()
        .unwrap();
    let orientation = decoder.orientation().unwrap();
    let mut pixels = DynamicImage::from_decoder(decoder).unwrap();
    pixels.apply_orientation(orientation);
    pixels
}

fn orientation(image: &SourceImage) -> Orientation {
    let reader = ImageReader::new(Cursor::new(&image.bytes))
        .with_guessed_format()
        .unwrap();
    reader.into_decoder().unwrap().orientation().unwrap()
}

#[test]
fn every_file_decodes_to_what_its_entry_says() {
    let set = SyntheticSet::new(SEED);
    for (index, image) in sample().iter().enumerate() {
        let entry = set.entry(index);
        assert_eq!(entry, image.entry);
        assert_eq!(
            Format::sniff(&image.bytes),
            Some(entry.format),
            "{}",
            entry.name
        );
        let pixels = image::load_from_memory(&image.bytes).unwrap();
        assert_eq!(
            (pixels.width(), pixels.height()),
            (entry.width, entry.height),
            "{}",
            entry.name
        );
        assert!(entry.name.ends_with(entry.format.extension()));
        assert!(entry.view.is_none() && entry.index == index);
    }
}

#[test]
fn the_same_index_gives_the_same_bytes_on_any_thread() {
    let again: Vec<Vec<u8>> = [3usize, 17, 28, 41, 55, 66, 79, 90]
        .map(|i| std::thread::spawn(move || SyntheticSet::new(SEED).load(i).unwrap().bytes))
        .map(|t| t.join().unwrap())
        .into();
    for (bytes, i) in again.iter().zip([3usize, 17, 28, 41, 55, 66, 79, 90]) {
        assert_eq!(*bytes, sample()[i].bytes, "image {i}");
    }
}

#[test]
fn another_seed_gives_other_images_and_another_digest() {
    let (a, b) = (SyntheticSet::new(1), SyntheticSet::new(2));
    assert_ne!(a.header().digest, b.header().digest);
    assert_ne!(a.load(0).unwrap().bytes, b.load(0).unwrap().bytes);
    assert_eq!(a.header().digest, SyntheticSet::new(1).header().digest);
}

#[test]
fn no_two_images_look_alike() {
    let hashes: Vec<_> = sample()
        .par_iter()
        .map(|i| cosine_hash(&upright(&i.bytes)))
        .collect();
    let mut distances = Vec::new();
    for i in 0..hashes.len() {
        for j in 0..i {
            distances.push((
                distance(&hashes[i], &hashes[j]),
                &sample()[i].entry.name,
                &sample()[j].entry.name,
            ));
        }
    }
    distances.sort();
    // Fingerprint systems call 256-bit hashes equal up to about 31 bits; unrelated images differ in 128.
    assert!(distances[0].0 > 60, "nearest: {:?}", &distances[..8]);
    let near = distances.iter().filter(|d| d.0 < 90).count();
    assert!(
        near * 200 < distances.len(),
        "{near} of {} pairs are near: {:?}",
        distances.len(),
        &distances[..8]
    );
}

#[test]
fn formats_come_in_web_like_shares() {
    let set = SyntheticSet::new(SEED);
    let mut counts: HashMap<Format, usize> = HashMap::new();
    let n = 4000;
    for i in 0..n {
        *counts.entry(set.entry(i).format).or_default() += 1;
    }
    let share = |f| *counts.get(&f).unwrap_or(&0) as f64 / n as f64;
    assert!((share(Format::Jpeg) - 0.72).abs() < 0.025, "{counts:?}");
    assert!((share(Format::Png) - 0.19).abs() < 0.025, "{counts:?}");
    assert!((share(Format::WebP) - 0.09).abs() < 0.025, "{counts:?}");
}

#[test]
fn a_hundred_images_hold_every_class_by_its_weight() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for image in sample() {
        *counts.entry(&image.entry.class).or_default() += 1;
    }
    for class in CLASSES {
        assert_eq!(
            counts.get(class.name),
            Some(&class.weight),
            "{}",
            class.name
        );
    }
}

#[test]
fn photographs_carry_what_cameras_write() {
    let jpegs: Vec<&SourceImage> = sample()
        .iter()
        .filter(|i| i.entry.format == Format::Jpeg)
        .collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for image in &jpegs {
        let mut count =
            |name, present: bool| *seen.entry(name).or_default() += usize::from(present);
        let exif = exif::Reader::new()
            .read_from_container(&mut Cursor::new(&image.bytes))
            .ok();
        let has = |tag| {
            exif.as_ref()
                .is_some_and(|e| e.get_field(tag, exif::In::PRIMARY).is_some())
        };
        count("make", has(exif::Tag::Make));
        count("gps", has(exif::Tag::GPSLatitude));
        count("turned", orientation(image) != Orientation::NoTransforms);
        let icc = DynImage::from_bytes(image.bytes.clone().into())
            .unwrap()
            .unwrap()
            .icc_profile();
        count("icc", icc.is_some());
        count(
            "xmp",
            image
                .bytes
                .windows(28)
                .take(30_000)
                .any(|w| w == b"http://ns.adobe.com/xap/1.0/"),
        );
        let held = Held::of(image.entry.format, &image.bytes);
        let words = [Beside::Caption, Beside::Credit, Beside::Copyright];
        let has = |what: &Beside| held.kinds().contains(what);
        count("iptc", has(&Beside::Iptc));
        assert!(words.iter().all(|what| has(what) == has(&Beside::Iptc)));
        let frame = image
            .bytes
            .windows(2)
            .find(|w| matches!(w, [0xFF, 0xC0 | 0xC2]))
            .unwrap();
        count("progressive", frame[1] == 0xC2);
        assert!(
            !image.bytes.windows(4).any(|w| w == b"c2pa"),
            "{}",
            image.entry.name
        );
    }
    let share = |name| seen[name] as f64 / jpegs.len() as f64;
    assert!(share("make") > 0.95, "{seen:?}");
    assert!((0.12..0.45).contains(&share("gps")), "{seen:?}");
    assert!((0.03..0.25).contains(&share("turned")), "{seen:?}");
    assert!((0.45..0.85).contains(&share("icc")), "{seen:?}");
    assert!((0.25..0.75).contains(&share("xmp")), "{seen:?}");
    assert!((0.25..0.55).contains(&share("iptc")), "{seen:?}");
    assert!((0.01..0.2).contains(&share("progressive")), "{seen:?}");
}

#[test]
fn a_turned_file_displays_upright() {
    let set = SyntheticSet::new(SEED);
    let mut kinds = BTreeMap::new();
    for image in sample()
        .iter()
        .filter(|i| orientation(i) != Orientation::NoTransforms)
    {
        *kinds.entry(orientation(image).to_exif()).or_insert(0) += 1;
        let intent = set.picture(image.entry.index).to_rgb8();
        let shown = upright(&image.bytes).to_rgb8();
        assert_eq!(
            intent.dimensions(),
            shown.dimensions(),
            "{}",
            image.entry.name
        );
        let error: f64 = intent
            .as_raw()
            .iter()
            .zip(shown.as_raw())
            .map(|(a, b)| f64::from(a.abs_diff(*b)))
            .sum::<f64>()
            / intent.as_raw().len() as f64;
        assert!(
            error < 9.0,
            "{} differs by {error} on average",
            image.entry.name
        );
    }
    assert!(
        kinds.len() >= 2,
        "too few kinds of orientation in the sample: {kinds:?}"
    );
}

#[test]
fn transparency_and_palettes_and_greys_occur() {
    let pngs = sample().iter().filter(|i| i.entry.format == Format::Png);
    let kinds: Vec<u8> = pngs.map(|i| i.bytes[25]).collect();
    for (colour_type, name) in [
        (0, "grey"),
        (2, "colour"),
        (3, "palette"),
        (6, "transparent"),
    ] {
        assert!(
            kinds.contains(&colour_type),
            "no {name} PNG among {kinds:?}"
        );
    }
}

#[test]
fn no_picture_is_constant_or_mostly_clipped() {
    for image in sample() {
        let luma = on_white(&upright(&image.bytes));
        let mut histogram = [0usize; 256];
        luma.pixels()
            .for_each(|p| histogram[usize::from(p[0])] += 1);
        let most = histogram.iter().max().unwrap();
        let levels = histogram.iter().filter(|&&n| n > 0).count();
        let n = luma.as_raw().len();
        assert!(levels >= 4, "{} has {levels} grey levels", image.entry.name);
        let photograph = !matches!(
            &*image.entry.class,
            "document" | "screenshot" | "chart" | "logo" | "line-art"
        );
        assert!(
            !photograph || most * 5 < n * 2,
            "{}: {most} of {n} pixels are one grey",
            image.entry.name
        );
    }
}

/// Images whose metadata the digest of this version covers.
const BESIDE: usize = 24;

#[test]
fn images_are_those_of_this_generator_version() {
    // A change of the generator changes old results' images: then raise `GENERATOR` and these together.
    let expected = include_str!("generator.sha256");
    let set = SyntheticSet::new(1);
    let mut first = BTreeMap::new();
    for i in 0.. {
        first.entry(set.entry(i).class).or_insert(i);
        if first.len() == CLASSES.len() {
            break;
        }
    }
    let lines: Vec<String> = first
        .par_iter()
        .map(|(class, &i)| {
            format!(
                "{}  {class} {i}",
                hex::encode(Sha256::digest(set.picture(i).as_bytes()))
            )
        })
        .collect();
    // What lies beside the pixels belongs to an image as well; coded pixels are the encoders' business.
    let beside: Vec<Vec<u8>> = (0..BESIDE)
        .into_par_iter()
        .map(|index| {
            let image = set.load(index).unwrap();
            let held = metadata::read(image.entry.format, &image.bytes);
            let blocks = [held.exif, held.xmp, held.iptc, held.icc];
            blocks.into_iter().flatten().flatten().collect()
        })
        .collect();
    let found = format!(
        "{}\n{}\n{}  beside the pixels of the first {BESIDE}\n",
        credlink_corpus::synthetic::GENERATOR,
        lines.join("\n"),
        hex::encode(Sha256::digest(beside.concat())),
    );
    assert_eq!(found, expected, "the generator's images changed");
}
