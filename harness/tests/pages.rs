//! Commands around reports: page, gallery, replay, documentation, publishing, cost, help.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use credlink_harness::exit;

fn credlink(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn code(output: &Output) -> u8 {
    u8::try_from(output.status.code().expect("ended by a signal")).unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

/// A folder with a small run in `run`, made once.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let args = [
            "survival",
            "--ops",
            "24",
            "--out",
            "run",
            "--quiet",
            // So that a crop to a twentieth loses every proof and the gallery has losses to show.
            "--no-watermark",
            "--pipelines",
        ];
        let pipelines = ["controls/identity,messaging/whatsapp,edits/crop-area@area=0.05"];
        let output = credlink(folder.path(), &[&args[..], &pipelines].concat());
        assert_eq!(code(&output), exit::OK, "{}", text(&output));
        assert_eq!(
            text(&output),
            "",
            "--quiet, and no progress bar where there is no terminal"
        );
        folder
    });
    folder.path()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn a_run_leaves_a_page_with_pictures_and_every_op_can_run_again() {
    let page = read("run/report.html");
    assert!(
        page.matches("src=\"data:image/jpeg;base64,").count() >= 9,
        "examples and losses"
    );
    assert!(page.len() < 5 << 20);
    let gallery: serde_json::Value = serde_json::from_str(&read("run/gallery.json")).unwrap();
    assert_eq!(gallery["left_out"], 0);
    let exhibits = gallery["exhibits"].as_array().unwrap();
    let losses = exhibits
        .iter()
        .filter(|e| e["shows"] == "loss" && e["pipeline"] == "edits/crop-area@area=0.05");
    let mut outcomes: Vec<&str> = losses.map(|e| e["outcome"].as_str().unwrap()).collect();
    let shown = outcomes.len();
    outcomes.dedup();
    assert!(
        shown > 0 && outcomes.len() == shown,
        "one of each outcome: {outcomes:?}"
    );
    // Which step took what, and the recipe with its sources, are on the page.
    let crop = exhibits
        .iter()
        .find(|e| e["pipeline"] == "edits/crop-area@area=0.05");
    assert_eq!(crop.unwrap()["stripped"][0]["step"], "save");
    assert!(page.contains("takes ") && page.contains("<code>crop = { area ="));
    // A loss, an example, and an unsigned control behind the signed ops.
    for op in ["0", "7", "25"] {
        let output = credlink(folder(), &["replay", "run", op]);
        assert_eq!(code(&output), exit::OK, "{}", text(&output));
        assert!(
            text(&output).contains("the same as the recorded row"),
            "{}",
            text(&output)
        );
        assert!(folder().join(format!("run/replay/op-{op}")).is_dir());
    }
    let missing = credlink(folder(), &["replay", "run", "9999"]);
    assert_eq!(code(&missing), exit::FAILURE);
    assert!(text(&missing).contains("has no op 9999"));
}

#[test]
fn every_kind_of_deception_can_run_again() {
    let rows = read("run/rows/controls--identity.csv");
    let mut kinds = std::collections::BTreeMap::new();
    for line in rows.lines().skip(1) {
        let mut fields = line.split(',');
        let (op, trial) = (fields.next().unwrap(), fields.next().unwrap());
        if !["signed", "unsigned"].contains(&trial) {
            kinds.insert(trial, op);
        }
    }
    assert!(kinds.len() >= 2, "{kinds:?}");
    for (trial, op) in kinds {
        let output = credlink(folder(), &["replay", "run", op]);
        assert_eq!(code(&output), exit::OK, "{trial}: {}", text(&output));
        assert!(text(&output).contains("outcome   rejected"), "{trial}");
    }
}

/// Bytes below a folder.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    let sizes = entries.map(|entry| {
        let data = entry.metadata().unwrap();
        if data.is_dir() {
            size(&entry.path())
        } else {
            data.len()
        }
    });
    sizes.sum()
}

#[test]
fn a_dry_run_is_within_a_factor_of_four_of_the_run() {
    let base = tempfile::tempdir().unwrap();
    let pipelines = "controls/identity,messaging/whatsapp,edits/crop-area@area=0.05";
    let plan = [
        "survival",
        "--ops",
        "90",
        "--threads",
        "2",
        "--pipelines",
        pipelines,
    ];
    let dry = credlink(base.path(), &[&plan[..], &["--dry-run"]].concat());
    assert_eq!(code(&dry), exit::OK, "{}", text(&dry));
    let run = credlink(
        base.path(),
        &[&plan[..], &["--out", "run", "--quiet"]].concat(),
    );
    assert_eq!(code(&run), exit::OK, "{}", text(&run));
    let header = std::fs::read_to_string(base.path().join("run/run.json")).unwrap();
    let header: serde_json::Value = serde_json::from_str(&header).unwrap();
    let dry = text(&dry);
    // A number and its unit behind the words.
    let figure = |before: &str| -> f64 {
        let rest = dry.split_once(before).unwrap().1;
        let mut words = rest.split([' ', '\n', ')']);
        let number: f64 = words.next().unwrap().parse().unwrap();
        number
            * match words.next().unwrap() {
                "ms" => 1e-3,
                "s" => 1.0,
                "KiB" => 1024.0,
                "MiB" => 1_048_576.0,
                other => panic!("unit {other} in {dry}"),
            }
    };
    let disk = figure("disk: about ") / size(&base.path().join("run")) as f64;
    let cpu = figure("2 threads (") / header["cpu"]["total_s"].as_f64().unwrap();
    assert!((0.25..4.0).contains(&disk), "disk {disk}: {dry}");
    assert!((0.25..4.0).contains(&cpu), "CPU {cpu}: {dry}");
}

#[test]
fn a_replay_that_gives_something_else_says_what() {
    let base = tempfile::tempdir().unwrap();
    copy(&folder().join("run"), &base.path().join("run"));
    // Another signed file than the row was made of.
    let signed = base.path().join("run/signed");
    let mut files: Vec<_> = std::fs::read_dir(&signed)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let other = std::fs::read(&files[1]).unwrap();
    std::fs::write(&files[0], other).unwrap();
    let output = credlink(base.path(), &["replay", "run", "0"]);
    assert_eq!(code(&output), exit::DIFFERS, "{}", text(&output));
    assert!(text(&output).contains("NOT the same") && text(&output).contains("recorded"));
    std::fs::remove_dir_all(&signed).unwrap();
    let output = credlink(base.path(), &["replay", "run", "0"]);
    assert_eq!(code(&output), exit::FAILURE);
    assert!(text(&output).contains("signed"), "{}", text(&output));
}

#[test]
fn one_format_or_table_is_printed_alone() {
    let print = |args: &[&str]| {
        let output = credlink(folder(), &[&["report", "run", "--format"], args].concat());
        (code(&output), text(&output))
    };
    for format in [
        "html",
        "json",
        "junit",
        "prometheus",
        "openmetrics",
        "badge-json",
        "badge-svg",
        "job-summary",
        "markdown",
    ] {
        let (code, text) = print(&[format]);
        assert_eq!(code, exit::OK, "{format}: {text}");
        assert!(text.len() > 50, "{format}");
    }
    assert!(
        print(&["csv", "--table", "survival"])
            .1
            .starts_with("pipeline,family,grade,n,")
    );
    let (code, text) = print(&["csv"]);
    assert!(code == exit::FAILURE && text.contains("--table"), "{text}");
    let (code, text) = print(&["csv", "--table", "survivl"]);
    assert!(code == exit::FAILURE && text.contains("survival"), "{text}");
    let (code, text) = print(&["jnit"]);
    assert!(code == exit::USAGE && text.contains("'junit'"), "{text}");
}

#[test]
fn documentation_and_publishing_work_from_the_command_line() {
    let base = tempfile::tempdir().unwrap();
    let run = folder().join("run");
    let run = run.to_str().unwrap();
    std::fs::create_dir(base.path().join("docs")).unwrap();
    std::fs::write(
        base.path().join("README.md"),
        "<!-- result:begin -->\n<!-- result:end -->\n",
    )
    .unwrap();
    let at = |args: &[&str]| code(&credlink(base.path(), args));
    assert_eq!(at(&["docs", "--from", run]), exit::OK);
    assert_eq!(at(&["docs", "--check"]), exit::OK);
    std::fs::write(base.path().join("docs/SURVIVAL-RATE.md"), "100 %").unwrap();
    assert_eq!(at(&["docs", "--check"]), exit::DIFFERS);

    assert_eq!(at(&["publish", "site", run]), exit::OK);
    assert_eq!(
        at(&["publish", "site", run]),
        exit::OK,
        "again changes nothing"
    );
    assert_eq!(at(&["publish", "site", "no-such-night"]), exit::FAILURE);
    assert_eq!(
        at(&["publish", "site", "no-such-night", "--failed-night"]),
        exit::OK
    );
    let history = std::fs::read_to_string(base.path().join("site/history.jsonl")).unwrap();
    assert_eq!(history.lines().count(), 2);
    let page = std::fs::read_to_string(base.path().join("site/index.html")).unwrap();
    assert!(page.contains("no-such-night") && page.contains("is failed"));
}

#[test]
fn a_cost_needs_a_currency_and_says_what_it_assumes() {
    let base = tempfile::tempdir().unwrap();
    let example = include_str!("../../docs/prices.example.toml");
    let run = folder().join("run");
    let cost = |text: &str| {
        std::fs::write(base.path().join("prices.toml"), text).unwrap();
        credlink(
            base.path(),
            &["cost", run.to_str().unwrap(), "--prices", "prices.toml"],
        )
    };
    let output = cost(example);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    for word in [
        "Assumed",
        "EUR",
        "1,000 proofs",
        "a month",
        "prices of 2026-01-31",
    ] {
        assert!(text(&output).contains(word), "{word}: {}", text(&output));
    }
    let output = cost(&example.replace("currency = \"EUR\"", ""));
    assert_eq!(code(&output), exit::FAILURE);
    assert!(text(&output).contains("currency"), "{}", text(&output));
}

#[test]
fn a_dry_run_writes_nothing_and_help_is_complete() {
    let base = tempfile::tempdir().unwrap();
    let output = credlink(
        base.path(),
        &[
            "survival",
            "--ops",
            "40",
            "--pipelines",
            "social",
            "--dry-run",
        ],
    );
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    for word in ["time: about", "disk: about", "ops through", "simulated"] {
        assert!(text(&output).contains(word), "{word}: {}", text(&output));
    }
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = credlink(base.path(), &["completions", shell]);
        assert!(
            code(&output) == exit::OK && text(&output).contains("survival"),
            "{shell}"
        );
        // Elvish and PowerShell scripts complete no values.
        let with_values = matches!(shell, "bash" | "zsh" | "fish");
        assert!(
            !with_values || text(&output).contains("messaging/whatsapp"),
            "{shell}"
        );
    }
    assert_eq!(code(&credlink(base.path(), &["man", "man"])), exit::OK);
    assert!(base.path().join("man/credlink-survival.1").is_file());
    let help = text(&credlink(base.path(), &["--help"]));
    assert!(help.contains("Exit codes") && !help.contains('\u{1b}'));
    let output = credlink(
        base.path(),
        &["measure", "deploy", "--runs", "3", "--", "true"],
    );
    assert!(
        code(&output) == exit::OK && text(&output).contains("95 % interval"),
        "{}",
        text(&output)
    );
    let output = credlink(base.path(), &["measure", "deploy", "--", "false"]);
    assert!(code(&output) == exit::FAILURE && text(&output).contains("run 1 of 5 failed"));
}
