//! Laws that every recipe of the catalogue keeps, on probe images of every kind that it takes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::probes::*;
use credlink_image_files::Format;
use credlink_image_files::ImageFile;
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::{Contract, Grade};
use image::DynamicImage;
use image::metadata::Orientation;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes")
}

#[test]
fn every_file_in_the_recipe_folder_is_in_the_catalogue_under_its_path() {
    let catalogue = catalogue();
    let mut found = 0;
    for family in std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
    {
        let family_name = family.file_name().unwrap().to_str().unwrap();
        assert!(
            family.join("README.md").is_file(),
            "{family_name} has no README.md"
        );
        for file in std::fs::read_dir(&family)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if file
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let id = format!(
                    "{family_name}/{}",
                    file.file_stem().unwrap().to_str().unwrap()
                );
                let mut pipelines = catalogue.select(&format!("{id}@all"));
                pipelines.extend(catalogue.get(&id).cloned());
                assert!(!pipelines.is_empty(), "{id} is not in the catalogue");
                for recipe in pipelines {
                    assert!(recipe.id.starts_with(&id), "{} of {id}", recipe.id);
                    assert_eq!(
                        (recipe.file.as_str(), recipe.family.as_str()),
                        (id.as_str(), family_name)
                    );
                    let text = std::fs::read_to_string(&file).unwrap();
                    assert_eq!(recipe.file_text(), text, "{id}");
                }
                found += 1;
            }
        }
    }
    let files: BTreeSet<&str> = catalogue
        .iter()
        .map(|recipe| recipe.file.as_str())
        .collect();
    assert_eq!(found, files.len());
    for family in [
        "optimizers",
        "social",
        "messaging",
        "cdn",
        "cms",
        "conversion",
        "export",
        "edits",
        "chains",
        "controls",
    ] {
        assert!(!catalogue.select(family).is_empty(), "{family} is empty");
    }
}

#[test]
fn twenty_recipes_are_core_and_all_of_them_take_jpeg_and_png() {
    let core = catalogue().select("core");
    assert_eq!(
        core.len(),
        20,
        "{:?}",
        core.iter().map(|recipe| &recipe.id).collect::<Vec<_>>()
    );
    for recipe in core {
        assert!(
            recipe.takes(Format::Jpeg) && recipe.takes(Format::Png),
            "{}",
            recipe.id
        );
    }
}

#[test]
fn every_recipe_says_what_is_known_and_nothing_is_both_backed_and_assumed() {
    let mut titles = BTreeSet::new();
    for recipe in catalogue().iter() {
        let id = &recipe.id;
        assert!(
            titles.insert(recipe.title.clone()),
            "{id} has another recipe's title"
        );
        assert!(
            (5..=72).contains(&recipe.title.chars().count()),
            "{id}: the title has an odd length"
        );
        let sentences = recipe.analysis.matches(['.', '?']).count();
        assert!(
            sentences >= 2 && recipe.analysis.len() > 150,
            "{id}: the analysis says too little"
        );
        assert!(!recipe.sources.is_empty(), "{id} has no source");
        for source in &recipe.sources {
            assert!(
                source.cite.len() > 9,
                "{id}: {:?} cites nothing",
                source.cite
            );
            // Source code moves: a grade A citation of a repository names the commit or the release.
            let pinned = source.cite.contains(" @")
                || source.cite.contains('#')
                || source.cite.starts_with("definition");
            assert!(
                source.grade != Grade::A || pinned,
                "{id}: {:?} names no commit",
                source.cite
            );
            for name in &source.backs {
                let assumed = recipe
                    .assumed
                    .iter()
                    .any(|other| other == name || other.starts_with(&format!("{name}.")));
                assert!(!assumed, "{id}: {name} is backed and assumed");
            }
        }
    }
}

#[test]
fn a_large_camera_jpeg_ends_up_in_the_box_upright_and_with_the_metadata_that_each_service_keeps() {
    let catalogue = catalogue();
    let probe = Arc::new(ImageFile::new(camera_jpeg(2200, 1500)).unwrap());
    assert_eq!(probe.frame().unwrap().orientation, Orientation::Rotate90);
    // The picture is 1500 x 2200 to its viewer: sizes are worked out by hand from each service's rule.
    for (id, size, kept) in [
        ("social/x", (2200, 1500), &["icc"][..]),
        ("social/x-large", (1396, 2048), &["icc"]),
        ("social/instagram", (1080, 1584), &["iptc"]),
        ("social/facebook", (1396, 2048), &["icc"]),
        ("social/linkedin", (1047, 1536), &["c2pa"]),
        ("social/bluesky", (682, 1000), &[]),
        ("social/mastodon-vips", (1500, 2200), &["icc"]),
        ("social/mastodon-imagemagick", (1500, 2200), &["icc"]),
        ("messaging/whatsapp", (1091, 1600), &[]),
        ("messaging/telegram", (873, 1280), &["icc"]),
        ("messaging/signal", (1091, 1600), &["icc"]),
        ("messaging/discord", (239, 350), &["icc"]),
        ("cdn/imgproxy", (736, 1080), &[]),
        ("cdn/nextjs-jpeg", (1080, 1584), &[]),
        (
            "cms/wordpress-imagick",
            (698, 1024),
            &["exif", "icc", "iptc", "xmp"],
        ),
        ("cms/wordpress-gd", (698, 1024), &[]),
        ("optimizers/imageoptim", (2200, 1500), &[]),
        (
            "optimizers/jpegoptim-default",
            (2200, 1500),
            &["exif", "icc", "iptc", "xmp"],
        ),
        ("edits/crop-10", (1350, 1980), &[]),
        ("edits/crop-25", (1124, 1650), &[]),
        ("edits/resize-half", (750, 1100), &[]),
        ("edits/rotate-90", (2200, 1500), &[]),
        ("edits/screenshot-phone", (1080, 2340), &[]),
        ("chains/reshare", (1080, 1584), &["iptc"]),
        ("social/mastodon-2020", (1057, 1550), &[]),
        ("social/pixelfed", (920, 1350), &[]),
        ("social/x-large@name=small", (464, 680), &["icc"]),
        ("social/instagram-cropped", (1080, 1350), &["iptc"]),
        ("social/misskey", (1396, 2048), &[]),
        ("social/facebook-record", (1396, 2048), &["iptc"]),
        ("messaging/matrix-thumbnail@box=640x480", (327, 480), &[]),
        (
            "messaging/slack",
            (2200, 1500),
            &["c2pa", "exif", "icc", "iptc", "xmp"],
        ),
        ("cdn/thumbor-fill", (1080, 810), &["icc"]),
        (
            "cms/rails-minimagick-old",
            (736, 1080),
            &["c2pa", "exif", "icc", "iptc", "xmp"],
        ),
        (
            "cms/rails-vips",
            (736, 1080),
            &["exif", "icc", "iptc", "xmp"],
        ),
        (
            "conversion/libvips-webp",
            (2200, 1500),
            &["exif", "icc", "xmp"],
        ),
        (
            "conversion/imagemagick-old",
            (1100, 750),
            &["c2pa", "exif", "icc", "iptc", "xmp"],
        ),
        (
            "optimizers/jpegoptim-strip-none",
            (2200, 1500),
            &["c2pa", "exif", "icc", "iptc", "xmp"],
        ),
        ("edits/crop-aspect@aspect=1x1", (1500, 1500), &[]),
        ("edits/rotate@degrees=5", (1500, 2200), &[]),
        ("edits/meme", (1500, 2450), &[]),
    ] {
        let received = apply(
            catalogue.get(id).unwrap_or_else(|| panic!("no {id}")),
            &probe,
        );
        let frame = received.frame().unwrap();
        assert_eq!((frame.pixels.width(), frame.pixels.height()), size, "{id}");
        assert_eq!(
            kinds(&received),
            kept.iter().copied().collect::<BTreeSet<_>>(),
            "{id}"
        );
        // What keeps EXIF and does not turn the pixels leaves the tag as it was.
        let untouched = [
            "optimizers/jpegoptim-default",
            "optimizers/jpegoptim-strip-none",
            "messaging/slack",
            "conversion/libvips-webp",
            "conversion/imagemagick-old",
        ];
        let tag = if untouched.contains(&id) {
            Orientation::Rotate90
        } else {
            Orientation::NoTransforms
        };
        assert_eq!(frame.orientation, tag, "{id}");
    }
}

/// RGBA at 16 bits with the colours under full transparency blackened, as an optimiser may leave them.
fn displayed(pixels: &DynamicImage) -> Vec<[u16; 4]> {
    let shown = |pixel: &image::Rgba<u16>| if pixel[3] == 0 { [0; 4] } else { pixel.0 };
    pixels.to_rgba16().pixels().map(shown).collect()
}

#[test]
fn contracts_hold_on_every_probe() {
    let catalogue = catalogue();
    let probes = probes();
    let mut contracts = 0;
    for recipe in catalogue.iter() {
        let Some(contract) = recipe.contract.filter(|_| recipe.programs().is_empty()) else {
            continue;
        };
        for (name, probe) in probes
            .iter()
            .filter(|(_, probe)| recipe.takes(probe.format()))
        {
            let received = apply(recipe, probe);
            let case = format!("{} on {name}", recipe.id);
            match contract {
                Contract::ByteExact => assert_eq!(received.bytes(), probe.bytes(), "{case}"),
                Contract::NothingLeft => {
                    assert_eq!(kinds(&received), BTreeSet::new(), "{case}");
                    let shown = pixels(&received).to_rgb8();
                    assert!(shown.pixels().all(|p| *p == shown[(0, 0)]), "{case}");
                }
                _ => {
                    assert_eq!(kinds(&received), BTreeSet::new(), "{case}");
                    assert!(
                        !holds(&received, b"jumdc2pa") && !holds(&received, b"dcterms:"),
                        "{case}: metadata"
                    );
                    assert!(
                        displayed(&pixels(&received)) == displayed(&pixels(probe)),
                        "{case}: other pixels"
                    );
                }
            }
            contracts += 1;
        }
    }
    assert!(contracts > 100, "only {contracts} contracts were tried");
}

#[test]
fn chains_run_their_links_in_order_and_their_digest_covers_them() {
    let catalogue = catalogue();
    let probe = Arc::new(ImageFile::new(camera_jpeg(320, 200)).unwrap());
    let mut tried = 0;
    for chain in catalogue.select("chains") {
        let [step] = &steps(&chain)[..] else {
            assert_eq!(chain.id, "chains/reshare", "a chain is one step");
            continue;
        };
        let mut links: Vec<String> = Vec::new();
        if let Some(id) = find(step, "recipe.id") {
            let times = find(step, "recipe.times").unwrap().as_integer().unwrap();
            links.extend((0..times).map(|_| id.as_str().unwrap().to_owned()));
        } else if let Some(through) = find(step, "relay.through") {
            let circle = through.as_array().unwrap().iter().cycle();
            let hops = find(step, "relay.hops").unwrap().as_integer().unwrap();
            let ids = circle
                .take(hops as usize)
                .map(|id| id.as_str().unwrap().to_owned());
            links.extend(ids);
        } else {
            continue;
        }
        if links.len() > 6 {
            continue;
        }
        let mut by_hand = Arc::clone(&probe);
        for id in &links {
            by_hand = apply(catalogue.get(id).unwrap(), &by_hand);
        }
        assert_eq!(
            apply(&chain, &probe).bytes(),
            by_hand.bytes(),
            "{}",
            chain.id
        );
        tried += 1;
    }
    assert!(tried > 20, "only {tried} chains were tried");
    let texts = |whatsapp: fn(&str) -> String| {
        let changed = catalogue.iter().map(move |recipe| {
            let text = if recipe.file == "messaging/whatsapp" {
                whatsapp(recipe.file_text())
            } else {
                recipe.file_text().to_owned()
            };
            (recipe.file.clone(), text)
        });
        let files: std::collections::BTreeMap<String, String> = changed.collect();
        Catalogue::from_texts(files)
            .unwrap()
            .get("chains/reshare")
            .unwrap()
            .digest()
    };
    assert_eq!(
        texts(str::to_owned),
        catalogue.get("chains/reshare").unwrap().digest()
    );
    assert_ne!(
        texts(|text| text.replace("bilinear", "bicubic")),
        texts(str::to_owned)
    );
}
