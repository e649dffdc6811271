//! Names that others choose: of images, recipes, runs, pipelines, carriers, pictures, journal files, segments and adapters. None
//! leads out of the folder that it belongs to, and programs outside get no shell.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use credlink_harness::exit;
use credlink_harness::systems::adapter::Description;
use credlink_reports::site::{Settings, Source, publish};
use credlink_reports::{RowError, RowWriter, RunDir, RunHeader};
use serde_json::{Value, json};
use support::{code, credlink, small_pictures, text};

/// What a hostile name may be, wherever a name is text.
fn hostile() -> Vec<String> {
    let long = "x".repeat(3000);
    let names = [
        "",
        ".",
        "..",
        "../escaped",
        "../../escaped",
        "a/../../escaped",
        "/tmp/escaped",
        "a/b",
        "a\\b",
        "-rf",
        "--out",
        "line\nbreak",
        "nul\0byte",
        "\u{1b}[31mred",
        &long,
    ];
    names.map(str::to_owned).to_vec()
}

/// Everything below a folder but for what lies in `but`, by its path, links not followed.
fn everything(folder: &Path, but: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path == but {
            continue;
        }
        if std::fs::symlink_metadata(&path).unwrap().is_dir() {
            all.extend(everything(&path, but));
        }
        all.insert(path);
    }
    all
}

/// A folder with a run of eight small pictures in `nested/run`, so that two steps up still lead to somewhere of ours.
fn with_run() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    small_pictures(folder.path(), 8);
    let output = ran(folder.path(), &["--out", "nested/run"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    folder
}

fn ran(at: &Path, more: &[&str]) -> Output {
    let small =
        "survival --images pictures --pipelines controls,social/x --ops 24 --no-watermark --quiet";
    let args: Vec<&str> = small.split(' ').collect();
    credlink(at, &[&args[..], more].concat())
}

/// Changes `run.json` and writes it as a run does.
fn edited(run: &Path, edit: impl FnOnce(&mut Value)) -> RunDir {
    let path = run.join("run.json");
    let mut header: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(&mut header);
    std::fs::write(&path, header.to_string()).unwrap();
    RunDir::open(run).unwrap()
}

fn copied(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").arg(from).arg(to).status();
    assert!(status.unwrap().success());
}

#[test]
fn images_may_be_called_anything_and_links_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 8);
    let pictures = at.join("pictures");
    let mut names = std::fs::read_dir(&pictures).unwrap();
    let long = format!("{}.jpg", "x".repeat(240));
    let odd = [
        "-rf.jpg",
        "line\nbreak.jpg",
        "..jpg",
        "$(touch escaped).jpg",
        "a b;c.jpg",
        &long,
    ];
    for name in odd {
        let plain = names.next().unwrap().unwrap().path();
        std::fs::rename(plain, pictures.join(name)).unwrap();
    }
    let outside = at.join("outside.jpg");
    std::fs::rename(names.next().unwrap().unwrap().path(), &outside).unwrap();
    symlink(&outside, pictures.join("link.jpg")).unwrap();
    symlink("/", pictures.join("root")).unwrap();
    symlink("..", pictures.join("up")).unwrap();
    let before = everything(at, &at.join("run"));
    let output = ran(at, &["--out", "run"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert_eq!(everything(at, &at.join("run")), before);
    let said = text(&output);
    let left_out = said.lines().find(|line| line.contains("left out")).unwrap();
    assert!(left_out.contains("3 "), "{said}");
    let header = std::fs::read_to_string(at.join("run/run.json")).unwrap();
    assert!(!header.contains("outside.jpg"), "{header}");
    for signed in std::fs::read_dir(at.join("run/signed")).unwrap() {
        let name = signed.unwrap().file_name().into_string().unwrap();
        let (number, ending) = name.split_once('.').unwrap();
        assert!(
            number.bytes().all(|byte| byte.is_ascii_digit()) && ending == "jpg",
            "{name}"
        );
    }
}

#[test]
fn a_recipe_is_called_by_words() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let recipe = "title = \"Mine\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\n\
                  [[source]]\ncite = \"c\"\ngrade = \"D\"\nbacks = [\"save\"]\n[[step]]\nsave.other = \"jpeg\"\n\
                  save.jpeg = { encoder = \"libjpeg-turbo\", quality = 61, chroma = \"4:2:0\", progressive = false, keep = [] }\n";
    for (family, name, is_good) in [
        ("mine", "good-1.x", true),
        ("mine", "-rf", false),
        ("-rf", "x", false),
        ("mine", "..x", false),
        ("mine", "line\nbreak", false),
        ("mine", "\u{1b}[31mred", false),
        ("mine", "a b", false),
        ("mi:ne", "x", false),
    ] {
        let recipes = tempfile::tempdir_in(at).unwrap();
        let family = recipes.path().join(family);
        std::fs::create_dir(&family).unwrap();
        std::fs::write(family.join(format!("{name}.toml")), recipe).unwrap();
        let recipes = recipes.path().to_str().unwrap();
        let output = credlink(at, &["pipelines", "--recipes", recipes]);
        let said = text(&output);
        assert_eq!(code(&output) == exit::OK, is_good, "{name:?}: {said}");
        assert!(is_good || said.contains("is no name of a recipe"), "{said}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
}

#[test]
fn what_a_header_names_stays_in_the_run_directory() {
    let folder = with_run();
    let at = folder.path();
    let run = at.join("nested/run");
    // Pipelines of which there is no row have files all the same.
    edited(&run, |header| {
        let pipelines = header["pipelines"].as_array_mut().unwrap();
        for name in hostile() {
            let mut pipeline = pipelines[0].clone();
            pipeline["id"] = json!(name);
            pipeline["sweep"] = json!({
                "recipe": name, "parameter": name, "value": 1.0, "unit": name,
            });
            pipelines.push(pipeline);
        }
    });
    let before = everything(at, &run);
    let files = |folder: &str| everything(&run.join(folder), Path::new("")).len();
    let had = files("rows");
    let output = credlink(at, &["report", "nested/run"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert_eq!(everything(at, &run), before);
    assert_eq!(files("rows"), had + hostile().len());
    for file in everything(&run, Path::new("")) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        let is_plain = name.chars().all(plain) && !name.starts_with(['-', '.', '~']);
        assert!(is_plain && name.len() < 128, "{file:?}");
    }
}

#[test]
fn a_site_has_no_folder_for_a_night_of_a_hostile_name() {
    let folder = with_run();
    let at = folder.path();
    let site = at.join("nested/site");
    let before = everything(at, &site);
    for name in hostile()
        .into_iter()
        .filter(|name| name != "-rf" && name != "--out")
    {
        let failed = Source::Failed {
            id: &name,
            created: "2026-01-31T00:00:00Z",
            reason: "none",
        };
        let refused = publish(&site, &failed, &Settings::default());
        assert!(refused.is_err(), "{name:?}");
        // Neither does one that stands in the history already.
        let night = json!({ "id": name, "created": "", "status": "failed", "reason": "" });
        std::fs::write(site.join("history.jsonl"), format!("{night}\n")).unwrap();
        let run = RunDir::open(&at.join("nested/run")).unwrap();
        let refused = publish(&site, &Source::Run(&run), &Settings::default());
        assert!(refused.is_err(), "{name:?}");
        std::fs::remove_file(site.join("history.jsonl")).unwrap();
    }
    assert_eq!(everything(at, &site), before);
    let run = RunDir::open(&at.join("nested/run")).unwrap();
    publish(&site, &Source::Run(&run), &Settings::default()).unwrap();
    assert!(site.join("runs/run/run.json").exists());
}

#[test]
fn a_carrier_is_called_by_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let created = |name: &str| RowWriter::create(&path, &[name.to_owned()]);
    for name in hostile() {
        let refused = created(&name);
        assert!(matches!(refused, Err(RowError::Carrier { .. })), "{name:?}");
    }
    assert!(created("word_of-2").is_ok());
}

#[test]
fn a_gallery_shows_what_lies_in_it_and_nothing_else() {
    const MARK: &[u8] = b"what nobody should see";
    let folder = with_run();
    let at = folder.path();
    let run = at.join("nested/run");
    let secret = at.join("secret.jpg");
    std::fs::write(&secret, MARK).unwrap();
    let gallery = run.join("gallery");
    symlink(&secret, gallery.join("link.jpg")).unwrap();
    let made = Command::new("mkfifo")
        .arg(gallery.join("pipe.jpg"))
        .status();
    assert!(made.unwrap().success());
    std::fs::write(gallery.join("plain.jpg"), MARK).unwrap();
    let list = run.join("gallery.json");
    let original: Value = serde_json::from_slice(&std::fs::read(&list).unwrap()).unwrap();
    // Whether a page shows the picture of any of these names.
    let shows = |files: &[String]| {
        let mut list_of = original.clone();
        let first = original["exhibits"][0].clone();
        let exhibits = files.iter().map(|file| {
            let mut exhibit = first.clone();
            exhibit["signed"]["file"] = json!(file);
            exhibit
        });
        list_of["exhibits"] = exhibits.collect();
        std::fs::write(&list, list_of.to_string()).unwrap();
        let output = credlink(at, &["report", "nested/run"]);
        assert_eq!(code(&output), exit::OK, "{}", text(&output));
        let page = std::fs::read_to_string(run.join("report.html")).unwrap();
        page.contains(&base64(MARK))
    };
    assert!(shows(&["plain.jpg".to_owned()]));
    let odd = [
        "link.jpg",
        "pipe.jpg",
        "../../../secret.jpg",
        "../gallery/plain.jpg",
    ];
    let absolute = secret.to_str().unwrap().to_owned();
    let odd = odd.map(str::to_owned).into_iter().chain([absolute]);
    assert!(!shows(&odd.chain(hostile()).collect::<Vec<_>>()));
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn a_signed_file_that_is_a_link_is_not_taken_for_one() {
    let folder = with_run();
    let at = folder.path();
    let signed = at.join("nested/run/signed");
    for file in everything(&signed, Path::new("")) {
        let elsewhere = at.join(file.file_name().unwrap());
        std::fs::rename(&file, &elsewhere).unwrap();
        symlink(elsewhere, &file).unwrap();
    }
    let output = credlink(at, &["replay", "nested/run", "0"]);
    assert_eq!(code(&output), exit::FAILURE, "{}", text(&output));
    assert!(text(&output).contains("holds no file"), "{}", text(&output));
}

#[test]
fn a_journal_names_signed_files_by_a_plain_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 8);
    let args = "survival --images pictures --pipelines controls,social/x --ops 400 --no-watermark --quiet --threads 1 --out nested/run";
    let mut child = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(args.split(' '))
        .current_dir(at)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let journal = at.join("nested/run/journal");
    let unit = || {
        let mut names = std::fs::read_dir(&journal).ok()?;
        let unit = |name: &str| name.starts_with("signed-") && !name.contains("tmp");
        names.find_map(|entry| {
            let path = entry.ok()?.path();
            unit(path.file_name()?.to_str()?).then_some(path)
        })
    };
    let start = Instant::now();
    let unit = loop {
        if let Some(unit) = unit() {
            break unit;
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "nothing was signed"
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended by itself"
        );
        std::thread::sleep(Duration::from_millis(5));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let original = std::fs::read_to_string(&unit).unwrap();
    let before = everything(at, &at.join("nested"));
    let resume = || credlink(at, &["survival", "--resume", "nested/run"]);
    for name in hostile()
        .into_iter()
        .filter(|name| !matches!(name.as_str(), "-rf" | "--out"))
    {
        let mut lines: Vec<String> = original.lines().map(str::to_owned).collect();
        let mut line: Value = serde_json::from_str(&lines[1]).unwrap();
        assert!(line["file"].is_string(), "{line}");
        line["file"] = json!(name);
        lines[1] = line.to_string();
        std::fs::write(&unit, lines.join("\n") + "\n").unwrap();
        let output = resume();
        assert_eq!(code(&output), exit::FAILURE, "{name:?}: {}", text(&output));
        assert_eq!(everything(at, &at.join("nested")), before, "{name:?}");
    }
    std::fs::write(&unit, original).unwrap();
    let output = resume();
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
}

#[test]
fn a_segment_names_its_manifests_by_a_name_of_segments() {
    let folder = with_run();
    let at = folder.path();
    let proofs = at.join("nested/run/proofs");
    let records = proofs.join("records.jsonl");
    let original = std::fs::read_to_string(&records).unwrap();
    let (first, rest) = original.split_once('\n').unwrap();
    let verified = |name: Option<&str>| {
        let mut header: Value = serde_json::from_str(first).unwrap();
        if let Some(name) = name {
            header["manifests"] = json!(name);
        }
        std::fs::write(&records, format!("{header}\n{rest}")).unwrap();
        let args = ["verify", "nested/run/signed", "--keys", "nested/run"];
        let signed = everything(&proofs.with_file_name("signed"), Path::new(""));
        let signed = signed.first().unwrap().to_str().unwrap();
        code(&credlink(
            at,
            &[args[0], signed, args[2], args[3], "--store", "nested/run"],
        ))
    };
    assert_eq!(verified(None), exit::OK);
    for name in hostile() {
        assert_eq!(verified(Some(&name)), exit::FAILURE, "{name:?}");
    }
}

/// An adapter that tells what it was started with, and ends.
const TELLS: &str = "#!/bin/sh
env > told
printf '%s\\n' \"$@\" > arguments
ls -ld \"$TMPDIR\" > temporary
touch \"$TMPDIR/left-behind\"
";

#[test]
fn an_adapter_gets_words_no_shell_a_clean_environment_and_a_private_directory() {
    let folder = tempfile::tempdir().unwrap();
    let adapters = folder.path().join("adapters");
    let tells = adapters.join("tells");
    std::fs::create_dir_all(&tells).unwrap();
    let about = |command: &str, variants: &[String]| {
        format!(
            "title = \"T\"\nabout = \"T\"\nlicence = \"MIT\"\nsource = \"here\"\ncommand = {command}\nvariants = {}\n",
            json!(variants)
        )
    };
    let described = |text: &str| {
        std::fs::write(tells.join("adapter.toml"), text).unwrap();
        Description::of_folder(&tells)
    };
    for name in hostile().into_iter().filter(|name| !name.contains('\0')) {
        let is_word = ["-rf", "--out"].contains(&name.as_str());
        assert_eq!(
            described(&about("[\"x\"]", std::slice::from_ref(&name))).is_ok(),
            is_word,
            "{name:?}"
        );
    }
    let command = "[\"./tells\", \"$(touch escaped)\", \"; touch escaped\", \"> escaped\"]";
    described(&about(command, &[])).unwrap();
    let program = tells.join("tells");
    std::fs::write(&program, TELLS).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(["systems", "check", "tells", "--adapters", "adapters"])
        .current_dir(folder.path())
        .env("TMPDIR", temporary.path())
        .env("AWS_SECRET_ACCESS_KEY", "what nobody should see")
        .env("BASH_ENV", "escaped")
        .output()
        .unwrap();
    assert_ne!(code(&output), exit::OK, "{}", text(&output));
    let arguments = std::fs::read_to_string(tells.join("arguments")).unwrap();
    assert_eq!(arguments, "$(touch escaped)\n; touch escaped\n> escaped\n");
    let told = std::fs::read_to_string(tells.join("told")).unwrap();
    assert!(
        !told.contains("nobody should see") && !told.contains("BASH_ENV"),
        "{told}"
    );
    let of = |name: &str| {
        told.lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))
    };
    let own = Path::new(of("TMPDIR").unwrap());
    assert!(
        own.starts_with(temporary.path()) && own != temporary.path(),
        "{told}"
    );
    let mode = std::fs::read_to_string(tells.join("temporary")).unwrap();
    assert!(mode.starts_with("drwx------"), "{mode}");
    assert_eq!(everything(temporary.path(), Path::new("")), BTreeSet::new());
    let all = everything(folder.path(), Path::new(""));
    assert!(!all.iter().any(|path| path.ends_with("escaped")), "{all:?}");
}

#[test]
fn a_program_of_a_recipe_gets_no_shell_a_clean_environment_and_a_private_directory() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 1);
    let recipes = at.join("recipes/mine");
    std::fs::create_dir_all(&recipes).unwrap();
    let told = at.join("told");
    let script = at.join("tells");
    let lines = format!(
        "#!/bin/sh\nenv > {0}\npwd >> {0}\nprintf '%s\\n' \"$@\" >> {0}\nls -ld \"$TMPDIR\" >> {0}\ntouch \"$TMPDIR/left-behind\"\n",
        told.display()
    );
    std::fs::write(&script, lines).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let recipe = format!(
        "title = \"Mine\"\nseverity = \"mild\"\nanalysis = \"Tells.\"\n\
         [[source]]\ncite = \"c\"\ngrade = \"D\"\nbacks = [\"exec\"]\n[[step]]\n\
         exec = {{ program = {:?}, arguments = [\"{{input}}\", \"$(touch escaped)\", \"; touch escaped\"], output = \"same\", seconds = 10 }}\n",
        script.to_str().unwrap()
    );
    std::fs::write(recipes.join("tells.toml"), recipe).unwrap();
    let picture = everything(&at.join("pictures"), Path::new(""));
    let picture = picture.first().unwrap();
    // A name that a program would take for an option.
    std::fs::copy(picture, at.join("-rf.jpg")).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args([
            "apply",
            "mine/tells",
            "--recipes",
            "recipes",
            "--",
            "-rf.jpg",
            "out.jpg",
        ])
        .current_dir(at)
        .env("TMPDIR", temporary.path())
        .env("AWS_SECRET_ACCESS_KEY", "what nobody should see")
        .output()
        .unwrap();
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let told = std::fs::read_to_string(told).unwrap();
    assert!(!told.contains("nobody should see"), "{told}");
    for argument in [
        "\n$(touch escaped)\n",
        "\n; touch escaped\n",
        "\ndrwx------",
    ] {
        assert!(told.contains(argument), "{argument:?}: {told}");
    }
    let input = told
        .lines()
        .find(|line| line.ends_with("/input.jpg"))
        .unwrap();
    let input = Path::new(input);
    assert!(input.starts_with(temporary.path()), "{told}");
    let of = |name: &str| {
        told.lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))
    };
    assert_eq!(of("TMPDIR").map(Path::new), input.parent());
    assert_eq!(everything(temporary.path(), Path::new("")), BTreeSet::new());
    let all = everything(at, Path::new(""));
    assert!(!all.iter().any(|path| path.ends_with("escaped")), "{all:?}");
}

#[test]
fn a_run_is_made_under_a_plain_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in hostile()
        .into_iter()
        .filter(|name| name != "-rf" && name != "--out")
    {
        assert!(RunDir::create(folder.path(), &name).is_err(), "{name:?}");
    }
    assert_eq!(everything(folder.path(), Path::new("")), BTreeSet::new());
    let made = RunDir::create(folder.path(), "2026-01-31_x.y").unwrap();
    made.write_header(&RunHeader::default()).unwrap();
    copied(made.root(), &folder.path().join("copy"));
    assert!(RunDir::open(&folder.path().join("copy")).is_ok());
}
