//! Runs that are killed, interrupted, ended by what they run, or tampered with.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use credlink_harness::exit;
use credlink_harness::journal::{Begun, Stage};
use credlink_trial_record::{Outcome, Row};

mod changed;
#[path = "../support/mod.rs"]
mod support;

use support::{code, credlink, rows_without_times, small_pictures, text};

const SMALL: [&str; 10] = [
    "survival",
    "--pipelines",
    "controls/identity,controls/blank,edits/resize-half,social/x",
    "--ops",
    "300",
    "--images",
    "pictures",
    "--no-watermark",
    "--quiet",
    "--out",
];

fn started(at: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(args)
        .current_dir(at)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn begun(out: &str) -> Vec<&str> {
    SMALL.into_iter().chain([out]).collect()
}

#[test]
fn a_run_that_was_killed_goes_on_and_ends_with_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    assert_eq!(code(&credlink(at, &begun("whole"))), exit::OK);
    let mut args = begun("killed");
    // Moments that meet start-up, signing and verifying on machines of any speed; the harness example `kills` tries a hundred.
    let mut kills = 0;
    for millis in [150, 250, 400, 600, 900, 1300] {
        let mut child = started(at, &args);
        std::thread::sleep(Duration::from_millis(millis));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        kills += 1;
        child.kill().unwrap();
        child.wait().unwrap();
        if at.join("killed/journal/about.json").exists() {
            args = vec!["survival", "--resume", "killed", "--quiet"];
        } else if at.join("killed").exists() {
            std::fs::remove_dir_all(at.join("killed")).unwrap();
        }
    }
    assert!(kills >= 2, "the run was killed {kills} times");
    if at.join("killed/journal").exists() && !at.join("killed/rows.parquet").exists() {
        // Nothing is told of a run that has not ended.
        let output = credlink(at, &["report", "killed"]);
        assert_eq!(code(&output), exit::FAILURE);
        assert!(
            text(&output).contains("--resume killed"),
            "{}",
            text(&output)
        );
    }
    let output = credlink(at, &args);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert!(rows_without_times(at, "whole") == rows_without_times(at, "killed"));
    assert!(!at.join("killed/journal").exists());
    let output = credlink(at, &["survival", "--resume", "killed"]);
    assert_eq!(code(&output), exit::OK);
    assert!(text(&output).contains("has ended; nothing is left to do"));
}

#[test]
fn a_run_that_was_interrupted_is_partial_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    assert_eq!(code(&credlink(at, &begun("whole"))), exit::OK);
    let mut child = started(at, &begun("stopped"));
    let noted = at.join("stopped/journal/under-way");
    let verifies = || std::fs::read_to_string(&noted).is_ok_and(|text| text.contains("verify"));
    while !verifies() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(exit::INTERRUPTED.into()));
    let partial = rows_without_times(at, "stopped");
    let whole = rows_without_times(at, "whole");
    assert!(partial.len() < whole.len());
    let output = credlink(at, &["report", "stopped"]);
    assert_eq!(code(&output), exit::INTERRUPTED, "{}", text(&output));
    let output = credlink(at, &["survival", "--resume", "stopped", "--quiet"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert!(whole == rows_without_times(at, "stopped"));
}

/// A run directory that was begun and left.
fn left(at: &Path, out: &str) {
    left_by(at, out, &begun(out));
}

fn left_by(at: &Path, out: &str, args: &[&str]) {
    let mut child = at_work(at, out, args);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// One that was interrupted: what it had done is durable.
fn stopped(at: &Path, out: &str) {
    let mut child = at_work(at, out, &begun(out));
    let pid = child.id().to_string();
    let told = Command::new("kill").args(["-INT", &pid]).status();
    assert!(told.unwrap().success());
    child.wait().unwrap();
    let durable = at.join(out).join("journal/rows-000000.json");
    assert!(
        durable.exists(),
        "nothing was durable when it was interrupted"
    );
}

/// A process that has begun to verify.
fn at_work(at: &Path, out: &str, args: &[&str]) -> Child {
    let mut child = started(at, args);
    let rows = at.join(out).join("journal/under-way");
    while !std::fs::read_to_string(&rows).is_ok_and(|text| text.contains("ended verify 3\n")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn two_processes_do_not_work_on_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    let mut child = started(at, &begun("run"));
    while !at.join("run/journal/under-way").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = credlink(at, &["survival", "--resume", "run", "--quiet"]);
    let is_early = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_early, "the run ended before another could be tried");
    assert_eq!(code(&output), exit::FAILURE);
    assert!(
        text(&output).contains("another credlink is at work"),
        "{}",
        text(&output)
    );
}

#[test]
fn of_several_systems_those_that_have_not_ended_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    let contest = |out: &'static str| -> Vec<&str> {
        let systems = ["--system", "credlink,credlink/manifest"];
        begun(out).into_iter().chain(systems).collect()
    };
    assert_eq!(code(&credlink(at, &contest("whole"))), exit::OK);
    left_by(at, "killed/credlink", &contest("killed"));
    // What ended the process is tried apart, within the contest.
    let noted = at.join("killed/credlink/journal/under-way");
    let mut text_of = std::fs::read_to_string(&noted).unwrap();
    text_of.push_str("\nbegun-alone verify 9\n");
    std::fs::write(&noted, text_of).unwrap();
    // One of them by itself, then the others.
    let output = credlink(at, &["survival", "--resume", "killed/credlink", "--quiet"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert!(!at.join("killed/credlink/journal").exists());
    let output = credlink(at, &["survival", "--resume", "killed", "--quiet"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    for system in ["credlink", "credlink-manifest"] {
        let rows = |run: &str| rows_without_times(at, &format!("{run}/{system}"));
        assert!(rows("whole") == rows("killed"), "{system}");
    }
    assert!(at.join("killed/head-to-head.html").exists());
    // One that was killed as it began: it says what it is of, and has done nothing.
    std::fs::remove_file(at.join("killed/credlink-manifest/rows.parquet")).unwrap();
    for folder in ["signed", "proofs", "tables", "plots", "gallery"] {
        let folder = at.join("killed/credlink-manifest").join(folder);
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let mut args = contest("under-way");
    left_by(at, "under-way/credlink", &args);
    std::fs::copy(
        at.join("under-way/contest-under-way.json"),
        at.join("killed/contest-under-way.json"),
    )
    .unwrap();
    args = vec!["survival", "--resume", "killed", "--quiet"];
    let output = credlink(at, &args);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert!(
        rows_without_times(at, "whole/credlink-manifest")
            == rows_without_times(at, "killed/credlink-manifest")
    );
    let output = credlink(at, &["survival", "--resume", "killed"]);
    assert!(text(&output).contains("have ended"), "{}", text(&output));
}

/// A recipe of one's own that calls a program of one's own, as `program` names it.
fn with_recipe(at: &Path, name: &str, program: &str, script: &str) {
    written_program(&at.join("bin").join(name), script);
    std::fs::create_dir_all(at.join("mine/edits")).unwrap();
    std::fs::write(
        at.join(format!("mine/edits/{name}.toml")),
        format!(
            "title = \"Own\"\nseverity = \"none\"\nanalysis = \"Calls a program.\"\n\
             [[source]]\ncite = \"this test\"\ngrade = \"B\"\nbacks = [\"exec\"]\n\
             [[step]]\nexec = {{ program = {program:?}, arguments = [\"{{input}}\", \"{{output}}\"], output = \"same\", seconds = 60 }}\n"
        ),
    )
    .unwrap();
}

fn written_program(path: &Path, script: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// One whose program ends the process that runs the op, for some files, by their length: as a codec does that aborts.
fn with_crashing_recipe(at: &Path) -> String {
    with_recipe(
        at,
        "may-crash",
        "may-crash",
        "[ $(($(wc -c < \"$1\") % 4)) = 0 ] && [ ! -e \"${0%/*}/spared\" ] && kill -ABRT $PPID\ncp \"$1\" \"$2\"",
    );
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}", at.join("bin").display())
}

#[test]
fn what_ends_a_process_becomes_an_error_of_its_op_and_costs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    let path = with_crashing_recipe(at);
    let run = |out: &str, more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_credlink"))
            .args([
                "survival",
                "--recipes",
                "mine",
                "--longest-side",
                "160",
                "--ops",
                "60",
            ])
            .args([
                "--pipelines",
                "edits/may-crash,controls/identity,edits/resize-half",
            ])
            .args(["--quiet", "--out", out])
            .args(more)
            .env("PATH", &path)
            .current_dir(at)
            .output();
        output.unwrap()
    };
    // A program sees nothing of our environment, so that a file tells it to let the process live.
    let spared = at.join("bin/spared");
    std::fs::write(&spared, "").unwrap();
    let output = run("well", &[]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    std::fs::remove_file(spared).unwrap();
    let output = run("ill", &["--isolate"]);
    // Errors stay in the denominator, and say so.
    let well = rows_without_times(at, "well");
    let ill = rows_without_times(at, "ill");
    assert_eq!(well.len(), ill.len(), "{}", text(&output));
    let died: Vec<&Row> = ill.iter().filter(|row| row.error_cause.is_some()).collect();
    assert!(!died.is_empty(), "no file was met that ends the process");
    for row in &died {
        assert_eq!(row.pipeline, "edits/may-crash");
        assert_eq!(row.error_cause.as_deref(), Some("crash"));
        assert_eq!(row.outcome, Outcome::Error);
        assert!(
            row.error.as_ref().unwrap().contains("signal 6"),
            "{:?}",
            row.error
        );
    }
    let same = well
        .iter()
        .zip(&ill)
        .filter(|(well, ill)| well == ill)
        .count();
    assert_eq!(same, well.len() - died.len(), "other rows changed");
    assert!(
        text(&output).contains("going on with the run"),
        "{}",
        text(&output)
    );
}

#[test]
fn stages_have_words() {
    for stage in Stage::ALL {
        assert_eq!(Stage::parse(stage.as_str()), Some(stage));
    }
    assert_ne!(Begun::Among, Begun::Alone);
}
