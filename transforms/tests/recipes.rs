//! Laws that every recipe of the catalogue keeps, on probe images of every kind that it takes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::picture;
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::file::ImageFile;
use credlink_transforms::format::Format;
use credlink_transforms::metadata::{self, Kind};
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::{Contract, Grade, Recipe};
use credlink_transforms::step::Step;
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbaImage};
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::{Bytes, ImageEXIF, ImageICC};

/// Little-endian TIFF header and one IFD with the tag Orientation (0x0112, SHORT) saying 6: turn clockwise to view.
const EXIF: &[u8] = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
const XMP: &[u8] = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="https://example.org/p/1"/>
</rdf:RDF></x:xmpmeta>"#;
/// A Photoshop resource block with one IPTC record.
const IPTC: &[u8] = b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x50\0\x03Ann";

/// A manifest store that holds nothing: a JUMBF superbox whose description box says C2PA.
fn manifest_store() -> Vec<u8> {
    let uuid = [
        0x63, 0x32, 0x70, 0x61, 0, 0x11, 0, 0x10, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71,
    ];
    let mut description = vec![0, 0, 0, 30];
    description.extend(b"jumd");
    description.extend(uuid);
    description.push(3);
    description.extend(b"c2pa\0");
    let mut store = vec![0, 0, 0, 38];
    store.extend(b"jumb");
    store.extend(description);
    store
}

fn profile() -> Bytes {
    Bytes::from(moxcms::ColorProfile::new_display_p3().encode().unwrap())
}

fn encoded(pixels: &DynamicImage, format: ImageFormat) -> Bytes {
    let mut file = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner().into()
}

/// A JPEG as a camera and a signer leave it: every kind of metadata, the picture lying on its side.
fn camera_jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut jpeg =
        Jpeg::from_bytes(encoded(&picture(width, height).into(), ImageFormat::Jpeg)).unwrap();
    let jumbf = [b"JP\0\x01\0\0\0\x01".as_slice(), &manifest_store()].concat();
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0", XMP].concat();
    jpeg.set_icc_profile(Some(profile()));
    jpeg.set_exif(Some(Bytes::from_static(EXIF)));
    for (marker, contents) in [
        (markers::APP1, xmp),
        (markers::APP11, jumbf),
        (markers::APP13, IPTC.to_vec()),
    ] {
        jpeg.segments_mut()
            .insert(1, JpegSegment::new_with_contents(marker, contents.into()));
    }
    jpeg.encoder().bytes().to_vec()
}

fn signed_png(pixels: &DynamicImage) -> Vec<u8> {
    let mut png = Png::from_bytes(encoded(pixels, ImageFormat::Png)).unwrap();
    let xmp = [b"XML:com.adobe.xmp\0\0\0\0\0", XMP].concat();
    png.chunks_mut()
        .insert(1, PngChunk::new(*b"iTXt", xmp.into()));
    png.chunks_mut()
        .insert(1, PngChunk::new(*b"caBX", manifest_store().into()));
    png.set_exif(Some(Bytes::from_static(EXIF)));
    if pixels.color().has_color() {
        png.set_icc_profile(Some(profile()));
    }
    png.encoder().bytes().to_vec()
}

fn signed_webp(pixels: &DynamicImage) -> Vec<u8> {
    let mut webp = img_parts::webp::WebP::from_bytes(encoded(pixels, ImageFormat::WebP)).unwrap();
    webp.set_icc_profile(Some(profile()));
    for (id, data) in [
        (*b"XMP ", Bytes::from_static(XMP)),
        (*b"C2PA", manifest_store().into()),
    ] {
        webp.chunks_mut()
            .push(RiffChunk::new(id, RiffContent::Data(data)));
    }
    webp.set_exif(Some(Bytes::from_static(EXIF)));
    webp.encoder().bytes().to_vec()
}

/// The picture with a disc cut out: colours lie hidden under full transparency, and the rim is half transparent.
fn with_alpha(width: u32, height: u32) -> RgbaImage {
    let mut rgba = DynamicImage::ImageRgb8(picture(width, height)).to_rgba8();
    for (x, y, pixel) in rgba.enumerate_pixels_mut() {
        let radius = x.abs_diff(width / 2).pow(2) + y.abs_diff(height / 2).pow(2);
        pixel[3] = if radius < 900 {
            0
        } else if radius < 1600 {
            128
        } else {
            255
        };
    }
    rgba
}

/// Small images of every kind that pipelines meet, by name; all carry every kind of metadata their container holds.
fn probes() -> Vec<(&'static str, Arc<ImageFile>)> {
    let rgb = DynamicImage::ImageRgb8(picture(160, 120));
    let flat = image::RgbImage::from_pixel(120, 80, image::Rgb([250, 250, 250]));
    let files = [
        ("camera jpeg", camera_jpeg(160, 120)),
        ("png rgb", signed_png(&rgb)),
        ("png rgba", signed_png(&with_alpha(150, 110).into())),
        ("png 16 bit", signed_png(&rgb.to_rgb16().into())),
        ("png grey", signed_png(&rgb.to_luma8().into())),
        (
            "png grey alpha",
            signed_png(
                &DynamicImage::from(with_alpha(90, 70))
                    .to_luma_alpha8()
                    .into(),
            ),
        ),
        ("png flat", signed_png(&flat.into())),
        ("png of one pixel", signed_png(&picture(1, 1).into())),
        ("webp rgb", signed_webp(&rgb)),
        ("webp rgba", signed_webp(&with_alpha(150, 110).into())),
    ];
    files
        .map(|(name, bytes)| (name, Arc::new(ImageFile::new(bytes).unwrap())))
        .into()
}

fn apply(recipe: &Recipe, file: &Arc<ImageFile>) -> Arc<ImageFile> {
    recipe
        .apply(file, &Meter::new(&|| 0))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn pixels(file: &ImageFile) -> DynamicImage {
    let frame = file
        .frame(&Meter::new(&|| 0))
        .unwrap_or_else(|error| panic!("{error}"));
    frame.pixels.as_ref().clone()
}

fn kinds(file: &ImageFile) -> BTreeSet<&'static str> {
    metadata::read(file.format(), file.bytes())
        .kinds()
        .into_iter()
        .map(Kind::as_str)
        .collect()
}

/// Whether the bytes lie anywhere in the file: a check that does not rest on the reader under test.
fn holds(file: &ImageFile, needle: &[u8]) -> bool {
    file.bytes()
        .windows(needle.len())
        .any(|window| window == needle)
}

fn catalogue() -> Catalogue {
    Catalogue::embedded().unwrap_or_else(|error| panic!("{error}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes")
}

/// The tables of all steps in a recipe's file, in order.
fn steps(recipe: &Recipe) -> Vec<toml::Table> {
    let table: toml::Table = toml::from_str(recipe.text()).unwrap();
    let steps = table
        .get("step")
        .and_then(toml::Value::as_array)
        .cloned()
        .unwrap_or_default();
    steps
        .into_iter()
        .map(|step| step.as_table().unwrap().clone())
        .collect()
}

/// The value behind a dotted path in a step.
fn find<'a>(step: &'a toml::Table, path: &str) -> Option<&'a toml::Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let value = step.get(first)?;
    if rest.is_empty() {
        Some(value)
    } else {
        find(value.as_table()?, rest)
    }
}

/// The kinds of metadata that a recipe's file names in any `keep`, or that its steps let through by their nature.
fn may_keep(catalogue: &Catalogue, recipe: &Recipe) -> BTreeSet<String> {
    let all = || Kind::ALL.iter().map(|kind| kind.as_str().to_owned());
    let mut kept = BTreeSet::new();
    if recipe.steps.is_empty() {
        kept.extend(all());
    }
    for step in steps(recipe) {
        if let Some(id) = find(&step, "recipe.id") {
            kept.extend(may_keep(
                catalogue,
                catalogue.get(id.as_str().unwrap()).unwrap(),
            ));
        }
        if find(&step, "lossless_png.strip").is_some_and(|strip| strip.as_str() != Some("all")) {
            kept.extend(all().filter(|kind| kind != "c2pa"));
        }
        for path in [
            "jpeg",
            "webp",
            "png",
            "lossless_jpeg",
            "metadata",
            "save.jpeg",
            "save.png",
            "save.webp",
        ] {
            let kinds = find(&step, &format!("{path}.keep")).and_then(toml::Value::as_array);
            kept.extend(
                kinds
                    .into_iter()
                    .flatten()
                    .map(|kind| kind.as_str().unwrap().to_owned()),
            );
        }
    }
    kept
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
                let recipe = catalogue
                    .get(&id)
                    .unwrap_or_else(|| panic!("{id} is not in the catalogue"));
                assert_eq!(
                    (recipe.id.as_str(), recipe.family.as_str()),
                    (id.as_str(), family_name)
                );
                assert_eq!(
                    recipe.text(),
                    std::fs::read_to_string(&file).unwrap(),
                    "{id}"
                );
                found += 1;
            }
        }
    }
    assert_eq!(found, catalogue.iter().count());
    assert!(found >= 32, "{found} recipes");
    for family in [
        "optimizers",
        "social",
        "messaging",
        "cdn",
        "cms",
        "conversion",
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
fn every_recipe_runs_on_every_probe_it_takes_and_enlarges_none_unless_it_says_so() {
    let (catalogue, mut probes) = (catalogue(), probes());
    let rgb = DynamicImage::ImageRgb8(picture(60, 90));
    for (name, format) in [
        ("bmp", ImageFormat::Bmp),
        ("gif", ImageFormat::Gif),
        ("tiff", ImageFormat::Tiff),
    ] {
        probes.push((
            name,
            Arc::new(ImageFile::new(encoded(&rgb, format).to_vec()).unwrap()),
        ));
    }
    let mut ops = 0;
    for recipe in catalogue.iter() {
        for (name, probe) in probes
            .iter()
            .filter(|(_, probe)| recipe.takes(probe.format()))
        {
            let received = apply(recipe, probe);
            let (before, after) = (pixels(probe), pixels(&received));
            let case = format!("{} on {name}", recipe.id);
            let long = |pixels: &DynamicImage| pixels.width().max(pixels.height());
            let limit = if recipe.text().contains("upscale = true") {
                2340
            } else {
                long(&before)
            };
            assert!(
                long(&after) <= limit,
                "{case}: {}x{}",
                after.width(),
                after.height()
            );
            assert_eq!(
                received.bytes(),
                apply(recipe, probe).bytes(),
                "{case} is not deterministic"
            );
            ops += 1;
        }
    }
    assert!(ops > 250, "only {ops} ops were tried");
}

#[test]
fn no_metadata_survives_that_the_recipe_does_not_keep() {
    let (catalogue, probes) = (catalogue(), probes());
    for recipe in catalogue.iter() {
        let allowed = may_keep(&catalogue, recipe);
        // The only recipes that may hand back the input are too gentle for small images; the next test has a large one.
        if steps(recipe)
            .iter()
            .any(|step| step.contains_key("passthrough"))
            && recipe.family == "cms"
        {
            continue;
        }
        for (name, probe) in probes
            .iter()
            .filter(|(_, probe)| recipe.takes(probe.format()))
        {
            let given = kinds(probe);
            assert!(
                given.contains("xmp") && given.contains("c2pa") && given.contains("exif"),
                "{name}: {given:?}"
            );
            let received = apply(recipe, probe);
            let left: Vec<_> = kinds(&received)
                .into_iter()
                .filter(|kind| !allowed.contains(*kind))
                .collect();
            assert!(left.is_empty(), "{} leaves {left:?} in {name}", recipe.id);
            for (kind, trace) in [
                ("c2pa", b"jumdc2pa".as_slice()),
                ("xmp", b"dcterms:provenance"),
            ] {
                assert!(holds(probe, trace), "{name} has no {kind}");
                assert!(
                    allowed.contains(kind) || !holds(&received, trace),
                    "{} leaves {kind} in {name}",
                    recipe.id
                );
            }
        }
    }
}

#[test]
fn a_large_camera_jpeg_ends_up_in_the_box_upright_and_with_the_metadata_that_each_service_keeps() {
    let catalogue = catalogue();
    let probe = Arc::new(ImageFile::new(camera_jpeg(2200, 1500)).unwrap());
    assert_eq!(
        probe.frame(&Meter::new(&|| 0)).unwrap().orientation,
        Orientation::Rotate90
    );
    // The picture is 1500 x 2200 to its viewer: sizes are worked out by hand from each service's rule.
    for (id, size, kept) in [
        ("social/x", (2200, 1500), &[][..]),
        ("social/x-large", (1396, 2048), &[]),
        ("social/instagram", (1080, 1584), &[]),
        ("social/facebook", (1396, 2048), &[]),
        ("social/linkedin", (1047, 1536), &["c2pa"]),
        ("social/bluesky", (682, 1000), &[]),
        ("social/mastodon-vips", (1500, 2200), &["icc"]),
        ("social/mastodon-imagemagick", (1500, 2200), &["icc"]),
        ("messaging/whatsapp", (1091, 1600), &[]),
        ("messaging/telegram", (873, 1280), &[]),
        ("messaging/signal", (1091, 1600), &[]),
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
        ("chains/reshare", (1080, 1584), &[]),
    ] {
        let received = apply(
            catalogue.get(id).unwrap_or_else(|| panic!("no {id}")),
            &probe,
        );
        let frame = received.frame(&Meter::new(&|| 0)).unwrap();
        assert_eq!((frame.pixels.width(), frame.pixels.height()), size, "{id}");
        assert_eq!(
            kinds(&received),
            kept.iter().copied().collect::<BTreeSet<_>>(),
            "{id}"
        );
        // Only jpegoptim leaves both the pixels and the tag as they were.
        let tag = if id == "optimizers/jpegoptim-default" {
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
fn contracts_hold_on_every_probe_and_recipes_without_one_change_the_bytes() {
    let (catalogue, mut probes) = (catalogue(), probes());
    // Beyond WordPress's 1024 pixels, below which it shows the upload.
    probes.push((
        "wide jpeg",
        Arc::new(ImageFile::new(camera_jpeg(1100, 200)).unwrap()),
    ));
    let mut contracts = 0;
    for recipe in catalogue.iter() {
        let mut changed = 0;
        for (name, probe) in probes
            .iter()
            .filter(|(_, probe)| recipe.takes(probe.format()))
        {
            let received = apply(recipe, probe);
            let case = format!("{} on {name}", recipe.id);
            changed += usize::from(received.bytes() != probe.bytes());
            match recipe.contract {
                Some(Contract::ByteExact) => assert_eq!(received.bytes(), probe.bytes(), "{case}"),
                Some(Contract::PixelExactStripped) => {
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
                _ if recipe.family == "cms" && pixels(probe).width() <= 1024 => {
                    assert_eq!(received.bytes(), probe.bytes(), "{case}");
                }
                _ => assert_ne!(received.bytes(), probe.bytes(), "{case}"),
            }
            contracts += usize::from(recipe.contract.is_some());
        }
        let touched = changed > 0;
        assert_eq!(
            touched,
            recipe.contract != Some(Contract::ByteExact),
            "{}",
            recipe.id
        );
    }
    assert!(contracts > 25, "only {contracts} contracts were tried");
}

#[test]
fn chains_run_their_links_in_order_and_their_digest_covers_them() {
    let catalogue = catalogue();
    let probe = Arc::new(ImageFile::new(camera_jpeg(320, 200)).unwrap());
    for chain in catalogue.select("chains") {
        let mut by_hand = Arc::clone(&probe);
        for (_, step) in &chain.steps {
            assert!(
                matches!(step, Step::Recipe(_)),
                "{}: {}",
                chain.id,
                step.name()
            );
        }
        for step in steps(&chain) {
            let link = catalogue
                .get(find(&step, "recipe.id").unwrap().as_str().unwrap())
                .unwrap();
            for _ in 0..find(&step, "recipe.times").unwrap().as_integer().unwrap() {
                by_hand = apply(link, &by_hand);
            }
        }
        assert_eq!(
            apply(&chain, &probe).bytes(),
            by_hand.bytes(),
            "{}",
            chain.id
        );
    }
    let texts = |whatsapp: fn(&str) -> String| {
        let changed = catalogue.iter().map(move |recipe| {
            let text = if recipe.id == "messaging/whatsapp" {
                whatsapp(recipe.text())
            } else {
                recipe.text().to_owned()
            };
            (recipe.id.clone(), text)
        });
        Catalogue::from_texts(changed)
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
        texts(|text| text.replace("quality = 75", "quality = 74")),
        texts(str::to_owned)
    );
}
