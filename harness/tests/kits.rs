//! Kits for posting by hand: what is made, and what becomes of what comes back. The service is a recipe of the test's own, which the
//! recipe of the kit does not know.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use credlink_harness::exit;
use credlink_harness::kit::{Kit, sheet};
use credlink_reports::{RunDir, read_rows};
use credlink_sign_core::carriers::CARRIERS;
use credlink_trial_record::{Outcome, Provenance, Row, Trial};
use support::{code, credlink, text};

const IMAGES: usize = 9;
const RECIPE: &str = "messaging/viber";

fn ok(at: &Path, args: &[&str]) -> String {
    let output = credlink(at, args);
    assert_eq!(code(&output), exit::OK, "{args:?}: {}", text(&output));
    text(&output)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// A service that is like the recipe but for quality and scans.
fn service(at: &Path) {
    let folder = at.join("mine/real");
    std::fs::create_dir_all(&folder).unwrap();
    let recipe = "title = \"The service\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\n\
         assumed = [\"orient\", \"convert_to_srgb\", \"resize\", \"jpeg\"]\n\
         [[source]]\ncite = \"c\"\ngrade = \"D\"\nbacks = []\n\
         [[step]]\norient = {}\n[[step]]\nconvert_to_srgb = {}\n\
         [[step]]\nresize = { fit = [1280, 1280], filter = \"lanczos3\", upscale = false }\n\
         [[step]]\njpeg = { encoder = \"libjpeg-turbo\", quality = 71, chroma = \"4:2:0\", progressive = true, \
         background = [255, 255, 255], keep = [] }\n";
    std::fs::write(folder.join("service.toml"), recipe).unwrap();
}

fn rows(at: &Path) -> Vec<Row> {
    let rows = read_rows(&RunDir::open(&at.join("run")).unwrap().rows()).unwrap();
    (0..rows.len()).map(|row| rows.row(row).unwrap()).collect()
}

#[test]
fn what_a_person_brings_back_is_told_apart_verified_and_set_beside_the_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let said = ok(
        at,
        &[
            "trial",
            "make",
            "kit",
            "--pipelines",
            RECIPE,
            "--images",
            "9",
        ],
    );
    assert!(said.contains("9 signed files to post"), "{said}");
    let kit = Kit::read(&at.join("kit")).unwrap();
    let posts = files(&at.join("kit/post"));
    assert_eq!((kit.images.len(), posts.len()), (IMAGES, IMAGES));
    // They tell formats, extras and the limit apart, and each shows a scene of its own.
    let purposes: Vec<&str> = kit
        .images
        .iter()
        .map(|image| image.purpose.as_str())
        .collect();
    for purpose in [
        "must be turned",
        "ICC profile",
        "transparency",
        "above the limit of 1280 px",
        "at the limit of 1280 px",
    ] {
        assert!(
            purposes.iter().any(|known| known.contains(purpose)),
            "{purposes:?}"
        );
    }
    let mut sources: Vec<&str> = kit
        .images
        .iter()
        .map(|image| image.source.as_str())
        .collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources.len(), IMAGES);
    let sheet = std::fs::read_to_string(at.join("kit/sheet.tsv")).unwrap();
    assert_eq!(sheet.lines().count(), IMAGES + 1);
    assert!(sheet.starts_with(&sheet::COLUMNS.join("\t")));
    let told = std::fs::read_to_string(at.join("kit/README.md")).unwrap();
    assert!(
        told.contains("returned/messaging-viber/") && told.contains("Not a screenshot"),
        "{told}"
    );
    for key in files(&at.join("kit/keys")) {
        let mode = std::fs::metadata(&key).unwrap().permissions().mode() & 0o777;
        let is_secret = !key.to_string_lossy().ends_with(".pem") || key.ends_with("key.pem");
        assert!(!is_secret || mode == 0o600, "{key:?} {mode:o}");
    }

    // A person posts and fetches: some names stay, some are the service's own; one file is lost on the way.
    service(at);
    ok(
        at,
        &[
            "apply",
            "real/service",
            "kit/post",
            "came",
            "--recipes",
            "mine",
        ],
    );
    let back = at.join("returned/messaging-viber");
    std::fs::create_dir_all(&back).unwrap();
    for (place, file) in files(&at.join("came/real/service")).iter().enumerate() {
        let name = match place {
            0 => continue,
            1 => "IMG-20260131-WA0001.jpg".to_owned(),
            2 => "written-down.jpg".to_owned(),
            // It says that it is another one.
            3 => "credlink-009 (1).jpg".to_owned(),
            _ => format!(
                "{} copy.jpg",
                file.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .split('.')
                    .next()
                    .unwrap()
            ),
        };
        std::fs::copy(file, back.join(name)).unwrap();
    }
    std::fs::copy(
        at.join("kit/post").join(&kit.images[0].file),
        at.join("elsewhere.jpg"),
    )
    .unwrap();
    std::os::unix::fs::symlink(at.join("elsewhere.jpg"), back.join("link.jpg")).unwrap();
    std::fs::write(back.join("notes.txt"), "no picture").unwrap();
    let filled: Vec<String> = sheet
        .lines()
        .enumerate()
        .map(|(number, line)| {
            let mut fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
            match number {
                1 => {
                    (fields[3], fields[4]) =
                        ("2026-01-31".to_owned(), "Viber 25.1, Android".to_owned())
                }
                3 => fields[6] = "written-down.jpg".to_owned(),
                _ => {}
            }
            fields.join("\t")
        })
        .collect();
    std::fs::write(at.join("kit/sheet.tsv"), filled.join("\r\n")).unwrap();
    let said = ok(at, &["trial", "collect", "kit", "returned", "--out", "run"]);
    assert!(
        said.contains("named as credlink-009.png and looks like credlink-004.jpg"),
        "{said}"
    );
    assert!(said.contains("notes.txt"), "{said}");
    assert!(
        said.contains("jpeg.progressive = true") && said.contains("jpeg.quality = 71"),
        "{said}"
    );

    let rows = rows(at);
    let of = |pipeline: &str, trial| -> Vec<&Row> {
        rows.iter()
            .filter(|row| row.pipeline == pipeline && row.trial == trial)
            .collect()
    };
    let observed = of("observed/messaging-viber", Trial::Signed);
    assert_eq!(
        observed.len(),
        IMAGES - 2,
        "one was lost, one contradicts itself"
    );
    for row in &observed {
        assert_eq!(
            (row.provenance, row.grade, row.family.as_str()),
            (Provenance::Observed, 'O', "observed")
        );
        assert!(
            row.answered
                .as_ref()
                .unwrap()
                .starts_with("2026-01-31; app: Viber 25.1, Android"),
            "{row:?}"
        );
        assert_eq!(row.carriers.len(), CARRIERS.len());
        assert_eq!(row.outcome, Outcome::Recovered, "{row:?}");
    }
    let how = |file: &str| {
        observed
            .iter()
            .find(|row| row.name == file)
            .unwrap()
            .answered
            .clone()
            .unwrap()
    };
    assert!(how(&kit.images[1].file).ends_with("by its picture"));
    assert!(how(&kit.images[2].file).ends_with("by the sheet"));
    assert!(how(&kit.images[4].file).ends_with("by its name"));
    let simulated = of(RECIPE, Trial::Signed);
    assert_eq!(simulated.len(), observed.len());
    assert!(
        simulated
            .iter()
            .all(|row| row.provenance == Provenance::Simulated)
    );
    assert_eq!(of("controls/identity", Trial::Signed).len(), IMAGES);
    assert!(of(RECIPE, Trial::Unsigned).len() > 3);

    let header = RunDir::open(&at.join("run"))
        .unwrap()
        .read_header()
        .unwrap();
    assert_eq!(header.ops_left_out, 2);
    let table = std::fs::read_to_string(at.join("run/tables/observed.csv")).unwrap();
    assert_eq!(
        table
            .lines()
            .filter(|line| line.starts_with("observed/messaging-viber"))
            .count(),
        1 + CARRIERS.len()
    );
    let families = std::fs::read_to_string(at.join("run/tables/families.csv")).unwrap();
    let all = families
        .lines()
        .find(|line| line.contains("all families"))
        .unwrap();
    assert!(
        all.split(',').nth(1) == Some(&simulated.len().to_string()),
        "{families}"
    );
    let patch = std::fs::read_to_string(at.join("run/calibration/messaging-viber.patch")).unwrap();
    assert!(
        patch.contains("+jpeg = {")
            && patch.contains("quality = 71")
            && patch.contains("progressive = true"),
        "{patch}"
    );
    let replayed = credlink(at, &["replay", "run", &observed[0].op.to_string()]);
    assert_eq!(code(&replayed), exit::FAILURE);
    assert!(
        text(&replayed).contains("a person posted the file"),
        "{}",
        text(&replayed)
    );
}

#[test]
fn a_kit_that_is_none_and_a_sheet_that_says_what_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let refused = |args: &[&str], says: &str| {
        let output = credlink(at, args);
        assert_eq!(code(&output), exit::FAILURE, "{args:?}: {}", text(&output));
        assert!(text(&output).contains(says), "{args:?}: {}", text(&output));
    };
    refused(
        &["trial", "make", "kit", "--pipelines", "social/nowhere"],
        "social/nowhere",
    );
    refused(
        &["trial", "make", "kit", "--pipelines", "controls/identity"],
        "is no service",
    );
    assert!(!at.join("kit").exists());
    ok(
        at,
        &[
            "trial",
            "make",
            "kit",
            "--pipelines",
            RECIPE,
            "--images",
            "1",
        ],
    );
    refused(
        &["trial", "make", "kit", "--pipelines", RECIPE],
        "is there already",
    );
    std::fs::create_dir(at.join("returned")).unwrap();
    refused(&["trial", "collect", "elsewhere", "returned"], "is no kit");
    refused(&["trial", "collect", "kit", "nowhere"], "is no folder");
    refused(
        &["trial", "collect", "kit", "returned", "--out", "run"],
        "nothing in returned is a file of the kit",
    );
    assert!(!at.join("run").exists());
    let sheet = std::fs::read_to_string(at.join("kit/sheet.tsv")).unwrap();
    let (head, line) = sheet.split_once('\n').unwrap();
    let with = |column: usize, word: &str| {
        let mut fields: Vec<&str> = line.trim_end().split('\t').collect();
        fields.resize(sheet::COLUMNS.len(), "");
        fields[column] = word;
        format!("{head}\n{}\n", fields.join("\t"))
    };
    for (text, says) in [
        (
            with(0, "other.jpg"),
            "line 2: \"other.jpg\" is no file of the kit",
        ),
        (with(1, "social/x"), "is no service of the kit"),
        (with(3, "yesterday"), "is no date; write 2026-01-31"),
        (with(3, "2026-13-01"), "is no date"),
        (with(6, "../../etc/passwd"), "leads out of the folder"),
        (with(6, "/etc/passwd"), "leads out of the folder"),
        (with(8, "a\tb"), "line 2 has 10 columns"),
        (
            sheet.replacen("service", "place", 1),
            "its first line must be",
        ),
    ] {
        std::fs::write(at.join("filled.tsv"), text).unwrap();
        refused(
            &[
                "trial",
                "collect",
                "kit",
                "returned",
                "--sheet",
                "filled.tsv",
            ],
            says,
        );
    }
    // What was posted must be what was signed.
    std::fs::write(at.join("kit/sheet.tsv"), &sheet).unwrap();
    let post = files(&at.join("kit/post")).remove(0);
    let bytes = std::fs::read(&post).unwrap();
    std::fs::write(at.join("returned").join(post.file_name().unwrap()), &bytes).unwrap();
    std::fs::write(&post, [&bytes[..], b"x"].concat()).unwrap();
    refused(
        &["trial", "collect", "kit", "returned"],
        "is not the file that was signed",
    );
    // A kit is data of others, too.
    let path = at.join("kit/kit.json");
    let json = std::fs::read_to_string(&path).unwrap();
    for (from, to, says) in [
        ("\"format\": 1", "\"format\": 2", "is of format 2"),
        (
            "\"file\": \"credlink-001",
            "\"file\": \"../credlink-001",
            "is no name of a file to post",
        ),
    ] {
        assert!(json.contains(from), "{json}");
        std::fs::write(&path, json.replace(from, to)).unwrap();
        refused(&["trial", "collect", "kit", "returned"], says);
    }
}
