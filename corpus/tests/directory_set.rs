//! Laws of directory sets, over folders made here and over the real corpora where they are present.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::print_stderr, reason = "tests say what they skipped")]

mod support;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use credlink_corpus::{CorpusError, DirectorySet, ImageSet, SyntheticSet};
use credlink_image_files::Format;
use image::{DynamicImage, RgbImage, RgbaImage};
use rayon::prelude::*;
use support::{cosine_hash, distance};
use tempfile::TempDir;

fn real(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus")).join(name);
    if !path.is_dir() {
        assert!(
            std::env::var_os("CREDLINK_REQUIRE_CORPORA").is_none(),
            "{} is absent",
            path.display()
        );
        eprintln!("SKIPPED: no folder {}", path.display());
        return None;
    }
    Some(path)
}

/// A picture with a mark in its top left corner, so that turning it can be told.
fn marked(width: u32, height: u32, hue: u8) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        if x < width / 4 && y < height / 4 {
            image::Rgb([250, 250, 250])
        } else {
            image::Rgb([(x * 120 / width) as u8, (y * 120 / height) as u8, hue])
        }
    })
}

/// Three folders deep, five images, one copy, one broken file, two others.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    let at = |p: &str| dir.path().join(p);
    fs::create_dir_all(at("street/deep")).unwrap();
    fs::create_dir_all(at("animals")).unwrap();
    for (path, hue) in [
        ("a.png", 10),
        ("street/b.png", 90),
        ("street/deep/c.bmp", 160),
        ("animals/d.gif", 250),
    ] {
        DynamicImage::from(marked(400, 300, hue))
            .save(at(path))
            .unwrap();
    }
    fs::rename(at("street/b.png"), at("street/b.wrong")).unwrap();
    let set = SyntheticSet::new(3);
    let photograph = (0..).find(|&i| {
        set.entry(i).format == Format::Jpeg && set.entry(i).width != set.entry(i).height
    });
    fs::write(
        at("animals/e.jpeg"),
        set.load(photograph.unwrap()).unwrap().bytes,
    )
    .unwrap();
    fs::copy(at("a.png"), at("street/copy of a.png")).unwrap();
    fs::write(
        at("broken.png"),
        b"\x89PNG\r\n\x1a\n and then nothing of the kind",
    )
    .unwrap();
    fs::write(at("notes.txt"), b"not an image").unwrap();
    fs::write(at("empty.jpg"), b"").unwrap();
    dir
}

#[test]
fn a_scan_finds_images_by_content_and_says_what_became_of_the_rest() {
    let dir = folder();
    let set = DirectorySet::scan(dir.path(), 1).unwrap();
    let header = set.header();
    assert_eq!(
        (header.kind, header.files, header.ignored),
        ("directory", Some(5), 1)
    );
    assert_eq!(set.distinct_sources(), Some(5));
    let mut sources: Vec<_> = (0..5)
        .map(|i| (set.entry(i).source, set.entry(i).class))
        .collect();
    sources.sort();
    let expected = [
        ("a.png", "file"),
        ("animals/d.gif", "animals"),
        ("animals/e.jpeg", "animals"),
        ("street/b.wrong", "street"),
        ("street/deep/c.bmp", "street"),
    ];
    assert_eq!(sources, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    let rejected: BTreeMap<_, _> = header
        .rejected
        .iter()
        .map(|r| (&*r.path, r.why.to_string()))
        .collect();
    assert_eq!(rejected["street/copy of a.png"], "same bytes as a.png");
    assert!(
        rejected["broken.png"].starts_with("does not decode: "),
        "{rejected:?}"
    );
    assert_eq!(rejected["empty.jpg"], "empty");
    assert_eq!(rejected.len(), 3);
}

#[test]
fn whole_files_are_untouched_and_each_comes_once() {
    let dir = folder();
    let set = DirectorySet::scan(dir.path(), 1).unwrap();
    let mut seen = HashSet::new();
    for i in 0..5 {
        let image = set.load(i).unwrap();
        assert_eq!(
            image.bytes,
            fs::read(dir.path().join(&image.entry.source)).unwrap()
        );
        assert_eq!(image.entry.view, None);
        assert!(seen.insert(image.entry.source));
    }
}

#[test]
fn the_seed_decides_order_and_digest() {
    let dir = folder();
    let order = |seed| -> Vec<String> {
        let set = DirectorySet::scan(dir.path(), seed).unwrap();
        (0..5).map(|i| set.entry(i).source).collect()
    };
    assert_eq!(order(1), order(1));
    assert!((2..12).any(|seed| order(seed) != order(1)));
    let digest = |seed| {
        DirectorySet::scan(dir.path(), seed)
            .unwrap()
            .header()
            .digest
            .clone()
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
    fs::write(dir.path().join("notes.txt"), b"another note").unwrap();
    let before = digest(1);
    DynamicImage::from(marked(400, 300, 11))
        .save(dir.path().join("a.png"))
        .unwrap();
    assert_ne!(digest(1), before, "another image, another digest");
}

#[test]
fn views_keep_the_rules_agree_with_their_entries_and_never_repeat() {
    let dir = folder();
    let set = DirectorySet::scan(dir.path(), 9).unwrap();
    let mut windows: HashSet<String> = HashSet::new();
    let mut contents = HashSet::new();
    for i in 5..65 {
        let image = set.load(i).unwrap();
        assert_eq!(image.entry, set.entry(i));
        let view = image.entry.view.unwrap();
        for share in [view.w, view.h] {
            assert!((0.44..=0.63).contains(&share), "{view:?}");
        }
        assert!(
            view.x >= 0.0
                && view.y >= 0.0
                && view.x + view.w <= 1.0 + 1e-9
                && view.y + view.h <= 1.0 + 1e-9
        );
        let off = (view.x + 0.5 * view.w - 0.5)
            .abs()
            .max((view.y + 0.5 * view.h - 0.5).abs());
        assert!(off > 0.165, "{view:?}");
        let pixels = image::load_from_memory(&image.bytes).unwrap();
        assert_eq!(
            (pixels.width(), pixels.height()),
            (image.entry.width, image.entry.height)
        );
        assert_eq!(view.long_side, pixels.width().max(pixels.height()));
        assert_eq!(Format::sniff(&image.bytes), Some(image.entry.format));
        let expected = if image.entry.source.ends_with("jpeg") {
            Format::Jpeg
        } else {
            Format::Png
        };
        assert_eq!(image.entry.format, expected);
        assert!(
            windows.insert(format!("{} {view:?}", image.entry.source)),
            "{view:?} twice"
        );
        assert!(contents.insert(image.bytes), "two equal views");
        assert_eq!(
            image.entry.source,
            set.entry(i + 5).source,
            "files come round in the same order"
        );
    }
}

#[test]
fn a_view_shows_the_part_of_the_upright_picture_that_it_names() {
    let dir = TempDir::new().unwrap();
    let set = SyntheticSet::new(3);
    let turned = (0..400).filter(|&i| {
        let (entry, shown) = (set.entry(i), set.entry(i).format == Format::Jpeg);
        shown && entry.class != "flat" && entry.width.max(entry.height) < 900
    });
    let mut kinds = HashSet::new();
    for i in turned {
        let image = set.load(i).unwrap();
        let upright = set.picture(i);
        if (upright.width(), upright.height()) == (image.entry.width, image.entry.height)
            || !kinds.insert(image.entry.class)
        {
            continue;
        }
        fs::write(dir.path().join(format!("{i}.jpg")), image.bytes).unwrap();
    }
    let views = DirectorySet::scan(dir.path(), 1).unwrap();
    let n = views.distinct_sources().unwrap();
    assert!(n >= 2, "too few turned photographs");
    for k in n..3 * n {
        let image = views.load(k).unwrap();
        let view = image.entry.view.unwrap();
        let index: usize = image.entry.source.trim_end_matches(".jpg").parse().unwrap();
        let full = set.picture(index);
        let at = |share: f64, edge: u32| (share * f64::from(edge)).round() as u32;
        let (w, h) = (full.width(), full.height());
        let part = full.crop_imm(at(view.x, w), at(view.y, h), at(view.w, w), at(view.h, h));
        // Reduced, so that noise and JPEG error average out and only place and orientation are left.
        let small = |image: &DynamicImage| {
            image
                .resize_exact(40, 40, image::imageops::FilterType::Triangle)
                .to_rgb8()
        };
        let (part, shown) = (
            small(&part),
            small(&image::load_from_memory(&image.bytes).unwrap()),
        );
        let error: f64 = part
            .as_raw()
            .iter()
            .zip(shown.as_raw())
            .map(|(a, b)| f64::from(a.abs_diff(*b)))
            .sum::<f64>()
            / part.as_raw().len() as f64;
        assert!(error < 3.0, "{}: {error}", image.entry.name);
    }
}

#[test]
fn transparency_survives_in_views() {
    let dir = TempDir::new().unwrap();
    let image = RgbaImage::from_fn(300, 300, |x, y| {
        image::Rgba([
            x as u8,
            y as u8,
            0,
            if (x + y) % 100 < 50 { 255 } else { 40 },
        ])
    });
    image.save(dir.path().join("clear.png")).unwrap();
    let set = DirectorySet::scan(dir.path(), 1).unwrap();
    let view = image::load_from_memory(&set.load(1).unwrap().bytes).unwrap();
    assert!(view.color().has_alpha());
    assert!(view.to_rgba8().pixels().any(|p| p[3] < 60));
}

#[test]
fn files_too_small_for_views_are_passed_over_until_there_are_no_others() {
    let dir = TempDir::new().unwrap();
    DynamicImage::from(marked(100, 90, 1))
        .save(dir.path().join("small.png"))
        .unwrap();
    let only = DirectorySet::scan(dir.path(), 1).unwrap();
    assert_eq!(only.load(7).unwrap().entry.source, "small.png");
    DynamicImage::from(marked(900, 700, 2))
        .save(dir.path().join("large.png"))
        .unwrap();
    let both = DirectorySet::scan(dir.path(), 1).unwrap();
    assert!((2..20).all(|i| both.entry(i).source == "large.png"));
}

#[test]
fn a_changed_or_missing_file_is_an_error_that_names_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("one.png");
    DynamicImage::from(marked(200, 200, 1)).save(&path).unwrap();
    let set = DirectorySet::scan(dir.path(), 1).unwrap();
    DynamicImage::from(marked(200, 200, 2)).save(&path).unwrap();
    assert!(matches!(set.load(0), Err(CorpusError::Changed { path }) if path == "one.png"));
    fs::remove_file(&path).unwrap();
    let error = set.load(1).unwrap_err();
    assert!(matches!(error, CorpusError::Read { .. }) && error.to_string().contains("one.png"));
}

#[test]
fn a_folder_without_images_is_an_error_that_says_what_was_there() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("readme.md"), b"# nothing").unwrap();
    fs::write(dir.path().join("x.gif"), b"GIF89a").unwrap();
    let error = DirectorySet::scan(dir.path(), 1).err().unwrap();
    let text = error.to_string();
    assert!(matches!(error, CorpusError::Empty { .. }), "{text}");
    assert!(
        text.contains("1 files are not images") && text.contains("x.gif"),
        "{text}"
    );
    assert!(matches!(
        DirectorySet::scan(&dir.path().join("absent"), 1),
        Err(CorpusError::Root { .. })
    ));
    assert!(matches!(
        DirectorySet::scan(&dir.path().join("readme.md"), 1),
        Err(CorpusError::Root { .. })
    ));
}

#[cfg(unix)]
#[test]
fn of_two_names_that_are_shown_alike_one_is_told_as_left_out() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = TempDir::new().unwrap();
    for (number, name) in [b"n\xfe.png", b"n\xff.png"].into_iter().enumerate() {
        let path = dir.path().join(std::ffi::OsStr::from_bytes(name));
        DynamicImage::from(marked(200, 200, 40 * number as u8))
            .save(path)
            .unwrap();
    }
    let set = DirectorySet::scan(dir.path(), 1).unwrap();
    assert_eq!(set.header().files, Some(1));
    let [left_out] = &set.header().rejected[..] else {
        panic!("{:?}", set.header().rejected);
    };
    assert!(
        left_out.why.to_string().contains("the same name"),
        "{}",
        left_out.why
    );
}

#[cfg(unix)]
#[test]
fn links_back_up_the_tree_end_and_a_huge_or_odd_file_is_not_read() {
    use std::os::unix::fs::symlink;
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    DynamicImage::from(marked(200, 200, 1))
        .save(dir.path().join("sub/one.png"))
        .unwrap();
    symlink(dir.path(), dir.path().join("sub/loop")).unwrap();
    symlink("nowhere", dir.path().join("sub/dangling")).unwrap();
    let huge = fs::File::create(dir.path().join("huge.jpg")).unwrap();
    std::io::Write::write_all(&mut &huge, b"\xFF\xD8\xFF\xE0").unwrap();
    huge.set_len(600 << 20).unwrap();
    let set = DirectorySet::scan(dir.path(), 1).unwrap();
    assert_eq!(set.header().files, Some(1));
    let reasons: Vec<String> = set
        .header()
        .rejected
        .iter()
        .map(|r| format!("{}: {}", r.path, r.why))
        .collect();
    assert!(
        reasons
            .iter()
            .any(|r| r.contains("huge.jpg") && r.contains("512 MiB")),
        "{reasons:?}"
    );
    assert!(
        reasons.iter().any(|r| r.contains("dangling")),
        "{reasons:?}"
    );
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_and_what_is_no_file_are_left_out_and_named() {
    use std::os::unix::fs::symlink;
    let outside = TempDir::new().unwrap();
    fs::create_dir(outside.path().join("private")).unwrap();
    let picture = DynamicImage::from(marked(200, 200, 1));
    picture
        .save(outside.path().join("private/secret.png"))
        .unwrap();
    let dir = TempDir::new().unwrap();
    picture.save(dir.path().join("one.png")).unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    symlink(
        outside.path().join("private"),
        dir.path().join("sub/folder"),
    )
    .unwrap();
    symlink(
        outside.path().join("private/secret.png"),
        dir.path().join("file.png"),
    )
    .unwrap();
    symlink("/proc/self", dir.path().join("proc")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(dir.path().join("pipe.png"))
        .status();
    assert!(made.unwrap().success());
    let set = DirectorySet::scan(dir.path(), 1).unwrap();
    assert_eq!(set.header().files, Some(1));
    let rejected = &set.header().rejected;
    let reason = |path: &str| {
        rejected
            .iter()
            .find(|r| r.path == path)
            .map(|r| r.why.to_string())
    };
    for path in ["sub/folder", "file.png", "proc"] {
        assert_eq!(
            reason(path),
            Some("a link that leads out of the folder".to_owned()),
            "{path}"
        );
    }
    assert_eq!(reason("pipe.png"), Some("no regular file".to_owned()));
}

#[test]
fn malformed_files_are_rejected_or_used_but_never_fatal() {
    let Some(path) = real("hostile") else { return };
    match DirectorySet::scan(&path, 1) {
        Ok(set) => {
            let header = set.header();
            let files = header.files.unwrap();
            assert!(
                header.rejected.len() > 40,
                "{} rejected",
                header.rejected.len()
            );
            assert!(header.ignored >= 1 && files + header.rejected.len() + header.ignored >= 130);
            for i in 0..3 * files {
                let image = set.load(i).unwrap();
                assert_eq!(image.entry, set.entry(i));
            }
        }
        Err(error) => assert!(matches!(error, CorpusError::Empty { .. }), "{error}"),
    }
}

#[test]
fn real_photographs_are_used_whole_and_in_distinct_views() {
    let Some(path) = real("photos") else { return };
    let set = DirectorySet::scan(&path, 5).unwrap();
    let n = set.header().files.unwrap();
    assert!(
        n >= 55,
        "{n} files of the photographs are usable: {:?}",
        set.header().rejected
    );
    let hashes: Vec<_> = (n..n + 40)
        .into_par_iter()
        .map(|i| {
            let image = set.load(i).unwrap();
            assert_eq!(image.entry, set.entry(i));
            cosine_hash(&image::load_from_memory(&image.bytes).unwrap())
        })
        .collect();
    let pairs = (0..40).flat_map(|i| (0..i).map(move |j| (i, j)));
    let nearest = pairs
        .map(|(i, j)| {
            (
                distance(&hashes[i], &hashes[j]),
                set.entry(n + i).source,
                set.entry(n + j).source,
            )
        })
        .min();
    assert!(
        nearest.as_ref().is_some_and(|n| n.0 > 31),
        "views of different files look alike: {nearest:?}"
    );
}
