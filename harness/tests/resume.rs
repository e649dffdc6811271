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
fn nobody_goes_on_with_another_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    left(at, "run");
    let resumed = |args: &[&str]| {
        let small = SMALL.iter().filter(|arg| **arg != "--out").copied();
        let args: Vec<&str> = small
            .chain(["--resume", "run"])
            .chain(args.iter().copied())
            .collect();
        credlink(at, &args)
    };
    for (args, words) in [
        (&["--seed", "2"][..], "another seed"),
        (&["--search-rotation"], "another value of watermark search"),
        (&["--distractors", "3"], "another value of distractors"),
        (&["--longest-side", "100"], "another image set"),
        (&["--carriers", "manifest"], "another system"),
    ] {
        let output = resumed(args);
        assert_eq!(code(&output), exit::FAILURE, "{args:?}: {}", text(&output));
        let said = text(&output);
        assert!(
            said.contains(words) && said.contains("cannot go on"),
            "{args:?}: {said}"
        );
    }
    // The same options, typed again, are the same run; a number of threads decides nothing.
    assert_eq!(code(&resumed(&["--threads", "1"])), exit::OK);
    let output = credlink(at, &["survival", "--resume", "nothing"]);
    assert!(
        text(&output).contains("is not there; `credlink survival --out nothing`"),
        "{}",
        text(&output)
    );
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
fn a_journal_that_was_changed_is_refused_or_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    assert_eq!(code(&credlink(at, &begun("whole"))), exit::OK);
    let unit = |ending: &str| at.join(format!("run/journal/rows-000000.{ending}"));
    let resumed = || credlink(at, &["survival", "--resume", "run", "--quiet"]);
    stopped(at, "run");
    let good = std::fs::read(unit("parquet")).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(unit("parquet"), &bad).unwrap();
    let output = resumed();
    assert_eq!(code(&output), exit::FAILURE);
    let said = text(&output);
    assert!(
        said.contains("rows-000000.parquet is not the file that was written"),
        "{said}"
    );
    // Taken away as a whole, its jobs are done again.
    std::fs::remove_file(unit("parquet")).unwrap();
    std::fs::remove_file(unit("json")).unwrap();
    assert_eq!(code(&resumed()), exit::OK);
    assert!(rows_without_times(at, "whole") == rows_without_times(at, "run"));
}

fn copied(at: &Path, from: &str, to: &str) {
    let status = Command::new("cp")
        .args(["-r", from, to])
        .current_dir(at)
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_run_is_gone_on_with_only_if_all_of_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    assert_eq!(code(&credlink(at, &begun("whole"))), exit::OK);
    stopped(at, "run");
    let resumed = |run: &str| credlink(at, &["survival", "--resume", run, "--quiet"]);
    let refused = |run: &str, words: &str| {
        let output = resumed(run);
        assert_eq!(code(&output), exit::FAILURE, "{run}: {}", text(&output));
        assert!(text(&output).contains(words), "{run}: {}", text(&output));
    };
    // With another key the files that are signed would be another signer's.
    copied(at, "run", "no-key");
    std::fs::remove_dir_all(at.join("no-key/journal/keys")).unwrap();
    refused("no-key", "another signing key");
    copied(at, "run", "no-files");
    std::fs::remove_dir_all(at.join("no-files/signed")).unwrap();
    refused("no-files", "no-files/signed/");
    copied(at, "run", "cut-file");
    let signed = std::fs::read_dir(at.join("cut-file/signed")).unwrap();
    let signed = signed.map(|file| file.unwrap().path()).min().unwrap();
    std::fs::write(&signed, "no image").unwrap();
    refused("cut-file", "is not the file that was signed");
    // A unit of another run.
    let mut args = begun("other");
    args.extend(["--seed", "7"]);
    left_by(at, "other", &args);
    copied(at, "run", "mixed");
    let unit = |run: &str| {
        let units = std::fs::read_dir(at.join(run).join("journal")).unwrap();
        let mut units: Vec<_> = units
            .map(|unit| unit.unwrap().path())
            .filter(|unit| {
                unit.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with("signed-")
            })
            .collect();
        units.sort();
        units.first().cloned()
    };
    if let Some(foreign) = unit("other") {
        std::fs::copy(foreign, at.join("mixed/journal/signed-000099.jsonl")).unwrap();
        refused("mixed", "is of another run");
    }
    // What is said of a row file must be true of it.
    copied(at, "run", "miscounted");
    let jobs = at.join("miscounted/journal/rows-000000.json");
    let said = std::fs::read_to_string(&jobs).unwrap();
    for rows in ["17", "18446744073709551615"] {
        let wrong = said.replacen("\"rows\":4", &format!("\"rows\":{rows}"), 1);
        assert_ne!(wrong, said);
        std::fs::write(&jobs, wrong).unwrap();
        refused("miscounted", "the file beside it says");
    }
    // Elsewhere, under another name, without an empty folder, seen from another place.
    std::fs::rename(at.join("run"), at.join("renamed")).unwrap();
    std::fs::remove_dir_all(at.join("renamed/negatives")).unwrap();
    std::fs::create_dir(at.join("elsewhere")).unwrap();
    let output = credlink(
        &at.join("elsewhere"),
        &["survival", "--resume", "../renamed", "--quiet"],
    );
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert!(rows_without_times(at, "whole") == rows_without_times(at, "renamed"));
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
    let output = credlink(at, &["survival", "--resume", "killed"]);
    assert!(text(&output).contains("have ended"), "{}", text(&output));
}

/// A recipe whose program ends the process that runs the op, for some files, by their length: as a codec does that aborts.
fn with_crashing_recipe(at: &Path) -> String {
    let program = at.join("bin/may-crash");
    std::fs::create_dir_all(at.join("bin")).unwrap();
    std::fs::write(
        &program,
        "#!/bin/sh\n[ $(($(wc -c < \"$1\") % 4)) = 0 ] && [ ! -e \"${0%/*}/spared\" ] && kill -ABRT $PPID\ncp \"$1\" \"$2\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir_all(at.join("mine/edits")).unwrap();
    std::fs::write(
        at.join("mine/edits/may-crash.toml"),
        "title = \"May crash\"\nseverity = \"none\"\nanalysis = \"Ends the process for some files.\"\n\
         [[source]]\ncite = \"this test\"\ngrade = \"B\"\nbacks = [\"exec\"]\n\
         [[step]]\nexec = { program = \"may-crash\", arguments = [\"{input}\", \"{output}\"], output = \"same\", seconds = 60 }\n",
    )
    .unwrap();
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
