//! Recipes that rest on files which platforms wrote do what the files say, and cannot say anything else.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use credlink_image_files::metadata::{self, Kind};
use credlink_image_files::{ImageFile, decode};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::codecs::{jpeg, png};
use credlink_transforms::evidence::{self, Selection};
use credlink_transforms::meter::Meter;
use credlink_transforms::recipe::{Grade, Recipe};
use image::{DynamicImage, Rgb, RgbImage};
use sha2::{Digest, Sha256};

/// A recipe on the files of LinkedIn (one, of quality 80, 4:2:0, progressive, 1024 pixels) with these parameters.
fn on_linkedin(backs: &str, jpeg: &str, rest: &str) -> Result<Recipe, String> {
    let text = format!(
        "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"One file.\"\nassumed = [\"jpeg.background\"]\n\
         [[source]]\ncite = \"one file\"\ngrade = \"O\"\nbacks = [{backs}]\nobserved = {{ platform = \"linkedin\" }}\n\
         [[step]]\njpeg = {{ encoder = \"libjpeg-turbo\", background = [255, 255, 255], keep = [], {jpeg} }}\n{rest}"
    );
    Recipe::parse("social/example", &text).map_err(|error| error.to_string())
}

const ALL: &str =
    "\"jpeg.encoder\", \"jpeg.quality\", \"jpeg.chroma\", \"jpeg.progressive\", \"jpeg.keep\"";

#[test]
fn a_recipe_that_its_own_evidence_contradicts_does_not_load() {
    let good = "quality = 80, chroma = \"4:2:0\", progressive = true";
    let recipe = on_linkedin(ALL, good, "").unwrap();
    assert_eq!(recipe.grade(), Grade::O);
    let words = recipe.sources[0].words();
    assert_eq!(
        words,
        "one file: 1 file of 1, 1 repository, 2024, upload known"
    );
    for (fault, word) in [
        (
            "quality = 81, chroma = \"4:2:0\", progressive = true",
            "tables",
        ),
        (
            "quality = 80, chroma = \"4:4:4\", progressive = true",
            "chroma",
        ),
        (
            "quality = 80, chroma = \"4:2:0\", progressive = false",
            "scans",
        ),
    ] {
        let error = on_linkedin(ALL, fault, "").unwrap_err();
        assert!(
            error.contains("contradicted by its own evidence") && error.contains(word),
            "{error}"
        );
    }
    // What the source does not back is not held against it; it needs another source, or none.
    let error = on_linkedin("\"jpeg\"", good, "since = 2024").unwrap_err();
    assert!(
        error.contains("since"),
        "keys of the recipe stand before its steps: {error}"
    );
    let density = format!("{good}, density = \"1:96x96\"");
    let backs = format!("{ALL}, \"jpeg.density\"");
    let error = on_linkedin(&backs, &density, "").unwrap_err();
    assert!(error.contains("density"), "{error}");
    let icc = format!("{good}, icc = \"srgb\"");
    let error = on_linkedin(&format!("{ALL}, \"jpeg.icc\""), &icc, "").unwrap_err();
    assert!(error.contains("jpeg.icc"), "{error}");
}

#[test]
fn grade_o_names_files_and_no_other_grade_does() {
    let text = |grade: &str, observed: &str| {
        format!(
            "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"One file.\"\n\
             [[source]]\ncite = \"files\"\ngrade = \"{grade}\"\nbacks = [\"jpeg\"]\n{observed}\n\
             [[step]]\njpeg = {{ encoder = \"libjpeg-turbo\", quality = 80, chroma = \"4:2:0\", progressive = true, keep = [] }}\n"
        )
    };
    let refused = |text: &str| {
        Recipe::parse("social/example", text)
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&text("O", "")).contains("observed"));
    let linkedin = "observed = { platform = \"linkedin\" }";
    assert!(refused(&text("C", linkedin)).contains("grade O"));
    Recipe::parse("social/example", &text("O", linkedin)).unwrap();
    let nobody = "observed = { platform = \"nobody\" }";
    assert!(refused(&text("O", nobody)).contains("selects no file"));
    let typo = "observed = { platfrom = \"linkedin\" }";
    assert!(refused(&text("O", typo)).contains("platfrom"));
}

/// A photograph-like picture of the size that large uploads have.
fn upload() -> Arc<ImageFile> {
    let pixel = |x: u32, y: u32| {
        let wave = ((f64::from(x) / 37.0).sin() * (f64::from(y) / 23.0).cos() * 60.0) as i32;
        let shade = |base: i32| (base + wave).clamp(0, 255) as u8;
        Rgb([shade(140), shade(110), shade((x % 200) as i32)])
    };
    let pixels = DynamicImage::from(RgbImage::from_fn(2600, 1950, pixel));
    let settings = jpeg::Settings {
        encoder: jpeg::Encoder::LibjpegTurbo,
        quality: 95,
        chroma: jpeg::Chroma::Full,
        progressive: false,
    };
    Arc::new(ImageFile::new(jpeg::encode(&pixels, settings).unwrap()).unwrap())
}

/// Whole recipes, run on a large picture: what comes out has a row's tables, sampling and scans, and no larger size.
#[test]
fn what_recipes_of_grade_o_write_looks_like_the_files_that_they_rest_on() {
    let catalogue = Catalogue::embedded().unwrap();
    let upload = upload();
    let clock = || 0;
    let (mut recipes, mut compared) = (0, 0);
    for recipe in catalogue
        .iter()
        .filter(|recipe| recipe.takes(upload.format()))
    {
        let sources: Vec<&Selection> = recipe
            .sources
            .iter()
            .filter_map(|source| source.observed.as_ref())
            .collect();
        let backs = |what: &str| {
            let of_files = recipe
                .sources
                .iter()
                .filter(|source| source.observed.is_some());
            of_files.flat_map(|source| &source.backs).any(|name| {
                name.trim_start_matches("save.") == what
                    || name.trim_start_matches("save.") == "jpeg"
            })
        };
        if sources.is_empty() || !backs("jpeg.quality") {
            continue;
        }
        recipes += 1;
        let file = recipe.apply(&upload, &Meter::new(&clock)).unwrap();
        let Some(traits) = jpeg::traits(file.bytes()) else {
            continue;
        };
        let tables = jpeg::tables(file.bytes());
        // Some hand coded pictures on.
        if tables == jpeg::tables(upload.bytes()) {
            continue;
        }
        let sum = |table: &Vec<u16>| table.iter().map(|entry| u32::from(*entry)).sum::<u32>();
        let luma = tables
            .iter()
            .find(|(index, _)| *index == 0)
            .map(|(_, table)| sum(table));
        let rows: Vec<_> = sources
            .iter()
            .flat_map(|source| source.rows().unwrap())
            .collect();
        assert!(
            rows.iter().any(|seen| seen.luma_sum == luma
                && seen
                    .scans
                    .starts_with(if traits.progressive { "prog" } else { "base" })),
            "{}: {luma:?}, progressive {}",
            recipe.id,
            traits.progressive
        );
        compared += 1;
    }
    assert!(recipes >= 15 && compared >= 15, "{compared} of {recipes}");
}

#[test]
fn at_least_forty_recipes_rest_on_files_that_platforms_wrote() {
    let catalogue = Catalogue::embedded().unwrap();
    let observed = catalogue.iter().filter(|recipe| {
        recipe
            .sources
            .iter()
            .any(|source| source.observed.is_some())
    });
    let observed = observed.count();
    assert!(observed >= 40, "{observed}");
    assert_eq!(evidence::all().unwrap().len(), 471);
}

#[test]
fn what_an_encoder_adds_is_in_the_file() {
    let step = "[[step]]\njpeg = { encoder = \"jpegli\", quality = 65, chroma = \"4:2:0\", progressive = true, \
                density = \"1:96x96\", icc = \"srgb\", iptc = \"fbmd\", comment = \"zero\", keep = [] }\n";
    let text = format!(
        "title = \"Example\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\nassumed = [\"jpeg\"]\n\
         [[source]]\ncite = \"none\"\ngrade = \"D\"\nbacks = []\n{step}"
    );
    let recipe = Recipe::parse("social/example", &text).unwrap();
    let clock = || 0;
    let file = recipe.apply(&upload(), &Meter::new(&clock)).unwrap();
    assert_eq!(jpeg::density(file.bytes()).unwrap(), "1:96x96");
    let metadata = metadata::read(file.format(), file.bytes());
    assert_eq!(metadata.kinds(), [Kind::Iptc, Kind::Icc]);
    assert!(
        metadata
            .iptc
            .unwrap()
            .windows(4)
            .any(|word| word == b"FBMD")
    );
    assert!(file.bytes().ends_with(&[0xFF, 0xFE, 0, 3, 0, 0xFF, 0xD9]));
    // One entry of jpegli's chroma table at 65 is 267, more than a byte.
    let tables = jpeg::tables(file.bytes());
    assert_eq!(tables[1].1.iter().max(), Some(&267));
    // A decoder of another make reads the 16-bit table and shows the same picture.
    let decoded = decode::by_libjpeg(file.bytes()).unwrap();
    let shown = file.frame().unwrap();
    assert_eq!(
        decoded.to_rgb8().dimensions(),
        shown.pixels.to_rgb8().dimensions()
    );
    let far = decoded
        .to_rgb8()
        .iter()
        .zip(shown.pixels.to_rgb8().iter())
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(far.unwrap() <= 4, "{far:?}");
}

/// One upload through these services is public with what came back: the very bytes that Pillow writes, of which the digests
/// are here for a picture that both can make (Pillow 13.0.0 with libjpeg-turbo 3.2.0; `save(quality=…, progressive=True)`,
/// for Yelp behind `resize((1000, 1000), LANCZOS)`, for Tumblr with `subsampling=0`).
#[test]
fn what_x_linkedin_yelp_and_tumblr_wrote_is_met_byte_by_byte() {
    let pixel = |x: u32, y: u32| {
        let (x, y) = (u64::from(x), u64::from(y));
        Rgb([x * x / 97 + y * 3, x + y * y / 61, x * y / 53 + x / 32 * 17].map(|value| value as u8))
    };
    let picture = DynamicImage::from(RgbImage::from_fn(1024, 1024, pixel));
    let upload = Arc::new(ImageFile::new(png::encode(&picture).unwrap()).unwrap());
    let catalogue = Catalogue::embedded().unwrap();
    let clock = || 0;
    for (id, digest) in [
        (
            "social/x",
            "15ad9af98ad34d7b26fdc2fa84e2930222b8765c3335119044a9009fa7302589",
        ),
        (
            "social/linkedin",
            "f80a4400eec1f645e654fc82248ad53cb940302a0a6263cd7f4157c1d0f32c06",
        ),
        (
            "social/yelp",
            "d644e1fa5faef49552ca1575f121e72390b0e1c57a440909914fa991fb4a4368",
        ),
        (
            "social/tumblr@side=1280",
            "1e61113bee3a986b537c68b3374d1abb0c0f26196d6fcfe5f400ed89582148ec",
        ),
    ] {
        let file = catalogue
            .get(id)
            .unwrap()
            .apply(&upload, &Meter::new(&clock))
            .unwrap();
        assert_eq!(hex::encode(Sha256::digest(file.bytes())), digest, "{id}");
    }
}
