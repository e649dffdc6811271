//! Probe images of every kind that pipelines meet, and what recipes promise about them.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeSet;
use std::sync::Arc;

use credlink_image_files::Format;
use credlink_image_files::ImageFile;
use credlink_image_files::metadata::fields::set_profile_time;
use credlink_image_files::metadata::{self, Kind, Metadata};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::codecs::{avif, jxl, png};
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::Recipe;
use credlink_transforms::resign::{Resign, Surroundings};
use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::{Bytes, ImageEXIF, ImageICC};

use super::picture;

/// Little-endian TIFF header and one IFD with the tag Orientation (0x0112, SHORT) saying 6: turn clockwise to view.
pub(crate) const EXIF: &[u8] =
    b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
pub(crate) const XMP: &[u8] = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="https://example.org/p/1"/>
</rdf:RDF></x:xmpmeta>"#;
/// A Photoshop resource block with one IPTC record.
pub(crate) const IPTC: &[u8] = b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x50\0\x03Ann";

/// A manifest store that holds nothing: a JUMBF superbox whose description box says C2PA.
pub(crate) fn manifest_store() -> Vec<u8> {
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

pub(crate) fn profile() -> Bytes {
    let mut profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    // Two probes are compared byte for byte.
    set_profile_time(&mut profile, [0; 6]);
    Bytes::from(profile)
}

pub(crate) fn encoded(pixels: &DynamicImage, format: ImageFormat) -> Bytes {
    let mut file = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner().into()
}

/// A JPEG as a camera and a signer leave it: every kind of metadata, the picture lying on its side.
pub(crate) fn camera_jpeg(width: u32, height: u32) -> Vec<u8> {
    signed_jpeg(&picture(width, height).into())
}

pub(crate) fn signed_jpeg(pixels: &DynamicImage) -> Vec<u8> {
    let mut jpeg = Jpeg::from_bytes(encoded(pixels, ImageFormat::Jpeg)).unwrap();
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

pub(crate) fn signed_png(pixels: &DynamicImage) -> Vec<u8> {
    signed(
        encoded(pixels, ImageFormat::Png).to_vec(),
        pixels.color().has_color(),
    )
}

fn signed(png: Vec<u8>, colour: bool) -> Vec<u8> {
    let mut png = Png::from_bytes(png.into()).unwrap();
    let xmp = [b"XML:com.adobe.xmp\0\0\0\0\0", XMP].concat();
    png.chunks_mut()
        .insert(1, PngChunk::new(*b"iTXt", xmp.into()));
    png.chunks_mut()
        .insert(1, PngChunk::new(*b"caBX", manifest_store().into()));
    png.set_exif(Some(Bytes::from_static(EXIF)));
    if colour {
        png.set_icc_profile(Some(profile()));
    }
    png.encoder().bytes().to_vec()
}

pub(crate) fn signed_webp(pixels: &DynamicImage) -> Vec<u8> {
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
pub(crate) fn with_alpha(width: u32, height: u32) -> RgbaImage {
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

/// Small images of every pixel type and size that pipelines meet, by name; all carry every kind of metadata that their
/// container holds.
pub(crate) fn probes() -> Vec<(&'static str, Arc<ImageFile>)> {
    let rgb = DynamicImage::ImageRgb8(picture(64, 48));
    let alpha = DynamicImage::from(with_alpha(60, 44));
    let files = [
        ("camera jpeg", camera_jpeg(64, 48)),
        ("grey jpeg", signed_jpeg(&rgb.to_luma8().into())),
        ("jpeg of one pixel", camera_jpeg(1, 1)),
        ("png rgb", signed_png(&rgb)),
        ("png rgba", signed_png(&alpha)),
        ("png 16 bit", signed_png(&rgb.to_rgb16().into())),
        ("png 16 bit alpha", signed_png(&alpha.to_rgba16().into())),
        ("png grey", signed_png(&rgb.to_luma8().into())),
        ("png grey 16 bit", signed_png(&rgb.to_luma16().into())),
        ("png grey alpha", signed_png(&alpha.to_luma_alpha8().into())),
        (
            "png palette",
            signed(png::encode_palette(&alpha, 16, 1.0, None).unwrap(), true),
        ),
        ("png of one pixel", signed_png(&picture(1, 1).into())),
        ("png of one row", signed_png(&picture(40, 1).into())),
        ("webp rgb", signed_webp(&rgb)),
        ("webp rgba", signed_webp(&alpha)),
        ("webp of one column", signed_webp(&picture(1, 30).into())),
    ];
    files
        .map(|(name, bytes)| (name, Arc::new(ImageFile::new(bytes).unwrap())))
        .into()
}

/// The same picture in the rarer formats, with what metadata they hold (a manifest store aside, which their readers are
/// tested with by themselves).
pub(crate) fn bare_probes() -> Vec<(&'static str, Arc<ImageFile>)> {
    let rgb = DynamicImage::ImageRgb8(picture(60, 90));
    let everything = Metadata {
        exif: Some(Bytes::from_static(EXIF)),
        xmp: Some(Bytes::from_static(XMP)),
        iptc: Some(Bytes::from_static(IPTC)),
        icc: Some(profile()),
        c2pa: None,
    };
    let file = |bytes: Vec<u8>| {
        let format = Format::sniff(&bytes).unwrap();
        let held = everything.filtered(metadata::held(format));
        let full = metadata::written(format, bytes, &held).unwrap();
        Arc::new(ImageFile::new(full).unwrap())
    };
    vec![
        ("bmp", file(encoded(&rgb, ImageFormat::Bmp).to_vec())),
        ("gif", file(encoded(&rgb, ImageFormat::Gif).to_vec())),
        ("tiff", file(encoded(&rgb, ImageFormat::Tiff).to_vec())),
        ("avif", file(avif::encode(&rgb, 80, 10).unwrap())),
        ("jxl", file(jxl::encode(&rgb).unwrap())),
    ]
}

/// A service that signs, for tests of what recipes do around it: it puts the store of the file that came in onto the
/// result where both are of one format, and else leaves the result as it is. Real signatures are tested where they are
/// made.
#[derive(Debug)]
pub(crate) struct Clerk;

impl Resign for Clerk {
    fn resigned(
        &self,
        original: &ImageFile,
        result: &ImageFile,
        actions: &[&str],
    ) -> Result<Vec<u8>, String> {
        if !actions.iter().all(|action| action.starts_with("c2pa.")) {
            return Err(format!("{actions:?}"));
        }
        let mut metadata = metadata::read(result.format(), result.bytes());
        metadata.c2pa = metadata::read(original.format(), original.bytes()).c2pa;
        metadata::written(result.format(), result.bytes().to_vec(), &metadata)
            .map_err(|error| error.to_string())
    }
}

pub(crate) fn apply(recipe: &Recipe, file: &Arc<ImageFile>) -> Arc<ImageFile> {
    recipe
        .apply_in(
            file,
            Surroundings::new(&Meter::new(&|| 0)).with_resigner(&Clerk),
        )
        .unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn pixels(file: &ImageFile) -> DynamicImage {
    let frame = file.frame().unwrap_or_else(|error| panic!("{error}"));
    frame.pixels.as_ref().clone()
}

pub(crate) fn kinds(file: &ImageFile) -> BTreeSet<&'static str> {
    metadata::read(file.format(), file.bytes())
        .kinds()
        .into_iter()
        .map(Kind::as_str)
        .collect()
}

/// Whether the bytes lie anywhere in the file: a check that does not rest on the reader under test.
pub(crate) fn holds(file: &ImageFile, needle: &[u8]) -> bool {
    file.bytes()
        .windows(needle.len())
        .any(|window| window == needle)
}

pub(crate) fn catalogue() -> Catalogue {
    Catalogue::embedded().unwrap_or_else(|error| panic!("{error}"))
}

/// The tables of all steps in a recipe's file, in order.
pub(crate) fn steps(recipe: &Recipe) -> Vec<toml::Table> {
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
pub(crate) fn find<'a>(step: &'a toml::Table, path: &str) -> Option<&'a toml::Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let value = step.get(first)?;
    if rest.is_empty() {
        Some(value)
    } else {
        find(value.as_table()?, rest)
    }
}

/// The kinds of metadata that a recipe's file names in any `keep`, or that its steps let through by their nature.
pub(crate) fn may_keep(catalogue: &Catalogue, recipe: &Recipe) -> BTreeSet<String> {
    let all = || Kind::ALL.iter().map(|kind| kind.as_str().to_owned());
    let mut kept = BTreeSet::new();
    // What hands the file on as it came keeps everything; `fields` edits what is there.
    let steps = steps(recipe);
    if steps.is_empty() {
        kept.extend(all());
    }
    for step in &steps {
        if step.contains_key("resign") {
            kept.insert("c2pa".to_owned());
        }
        // This one adds a kind and lets no other by.
        if step
            .get("fields")
            .and_then(toml::Value::as_table)
            .is_some_and(|fields| fields.len() == 1 && fields.contains_key("exif_if_absent"))
        {
            kept.insert("exif".to_owned());
            continue;
        }
        for name in ["passthrough", "keep_smaller", "fields", "exec"] {
            if step.contains_key(name) && !strips_first(recipe) {
                kept.extend(all());
            }
        }
        let mut linked: Vec<&str> = Vec::new();
        linked.extend(find(step, "recipe.id").and_then(toml::Value::as_str));
        let through = find(step, "relay.through").and_then(toml::Value::as_array);
        linked.extend(
            through
                .into_iter()
                .flatten()
                .filter_map(toml::Value::as_str),
        );
        for id in linked {
            kept.extend(may_keep(catalogue, catalogue.get(id).unwrap()));
        }
        if step.contains_key("journey") {
            kept.extend(all());
        }
        if find(step, "lossless_png.strip").is_some_and(|strip| strip.as_str() != Some("all")) {
            let manifest = find(step, "lossless_png.manifest").and_then(toml::Value::as_bool);
            kept.extend(all().filter(|kind| kind != "c2pa" || manifest == Some(true)));
        }
        collect_keeps(&toml::Value::Table(step.clone()), &mut kept);
    }
    kept
}

/// Whether the recipe begins by removing metadata, so that nothing is left to be handed on.
fn strips_first(recipe: &Recipe) -> bool {
    steps(recipe).first().is_some_and(|step| {
        ["metadata", "lossless_jpeg"].iter().any(|name| {
            find(step, &format!("{name}.keep"))
                .and_then(toml::Value::as_array)
                .is_some_and(Vec::is_empty)
        }) && !step.contains_key("when")
    })
}

/// Adds what any `keep` list below a value names.
fn collect_keeps(value: &toml::Value, kept: &mut BTreeSet<String>) {
    for (key, value) in value.as_table().into_iter().flatten() {
        if key == "keep" {
            let kinds = value.as_array().into_iter().flatten();
            kept.extend(kinds.map(|kind| kind.as_str().unwrap().to_owned()));
        } else {
            collect_keeps(value, kept);
        }
    }
}

/// A recipe of these steps, each a line of TOML.
pub(crate) fn recipe(steps: &[&str]) -> Recipe {
    let mut names: Vec<&str> = Vec::new();
    let mut text = String::new();
    for step in steps {
        text += &format!("[[step]]\n{step}\n");
        for line in step.lines() {
            names.push(line.split([' ', '.']).next().unwrap());
        }
    }
    let backs: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    let head = format!(
        "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\n[[source]]\ncite = \"c\"\n\
         grade = \"D\"\nbacks = [{}]\n",
        backs.join(", ")
    );
    Recipe::parse("edits/example", &(head + &text)).unwrap_or_else(|error| panic!("{error}"))
}

/// A file of these bytes.
pub(crate) fn file(bytes: Vec<u8>) -> Arc<ImageFile> {
    Arc::new(ImageFile::new(bytes).unwrap())
}

/// A signed PNG of a picture.
pub(crate) fn png_file(picture: impl Into<DynamicImage>) -> Arc<ImageFile> {
    file(signed_png(&picture.into()))
}

/// What a step leaves of an RGB picture, through PNG.
pub(crate) fn edited(step: &str, source: RgbImage) -> RgbImage {
    pixels(&apply(
        &recipe(&[step, "png = { keep = [] }"]),
        &png_file(source),
    ))
    .to_rgb8()
}

/// Settings of a `jpeg` step.
pub(crate) const TURBO: &str =
    "encoder = \"libjpeg-turbo\", chroma = \"4:2:0\", progressive = false, keep = []";
