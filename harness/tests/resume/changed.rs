//! Nobody goes on with something else than what was begun.

use std::path::Path;
use std::process::Command;

use credlink_harness::exit;
use credlink_trial_record::Outcome;

use super::support::{code, credlink, rows_without_times, small_pictures, text};
use super::{SMALL, begun, left, left_by, stopped, with_recipe, written_program};

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

/// What decides rows and is no option: the anchors of a trust list, a program that a recipe calls.
#[test]
fn nobody_goes_on_with_another_trust_list_or_program() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    for keys in ["one", "two"] {
        assert_eq!(code(&credlink(at, &["keys", "generate", keys])), exit::OK);
    }
    let anchors = |keys: &str| std::fs::read(at.join(keys).join("anchor.pem")).unwrap();
    std::fs::create_dir(at.join("signed")).unwrap();
    for picture in std::fs::read_dir(at.join("pictures")).unwrap() {
        let name = picture.unwrap().file_name().into_string().unwrap();
        let (from, to) = (format!("pictures/{name}"), format!("signed/{name}"));
        let signed = credlink(at, &["sign", &from, &to, "--keys", "one", "--no-watermark"]);
        assert_eq!(code(&signed), exit::OK, "{}", text(&signed));
    }
    let files = "survival --signed signed --trust trust.pem --pipelines controls/identity,edits/resize-half --ops 60 \
                 --threads 1 --quiet --out files";
    std::fs::write(at.join("trust.pem"), anchors("one")).unwrap();
    left_by(at, "files", &files.split_whitespace().collect::<Vec<_>>());
    let refused = |run: &str, words: &str| {
        let output = credlink(at, &["survival", "--resume", run, "--quiet"]);
        assert_eq!(code(&output), exit::FAILURE, "{}", text(&output));
        assert!(text(&output).contains(words), "{}", text(&output));
    };
    std::fs::write(at.join("trust.pem"), anchors("two")).unwrap();
    refused("files", "another value of trust");
    std::fs::write(at.join("trust.pem"), anchors("one")).unwrap();
    let resumed = credlink(at, &["survival", "--resume", "files", "--quiet"]);
    assert_eq!(code(&resumed), exit::OK, "{}", text(&resumed));

    let program = at.join("bin/copies");
    let copies = "cp \"$1\" \"$2\"";
    with_recipe(at, "copies", &program.display().to_string(), copies);
    let run = "survival --images pictures --recipes mine --pipelines edits/copies,controls/identity --ops 120 --no-watermark \
               --threads 1 --quiet --out run";
    left_by(at, "run", &run.split_whitespace().collect::<Vec<_>>());
    written_program(&program, "exec cp \"$1\" \"$2\"");
    refused("run", "another version of program copies");
    written_program(&program, copies);
    // Where there is no room for a temporary file there is no answer, and no error of the picture.
    let nowhere = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(["survival", "--resume", "run", "--quiet"])
        .env("TMPDIR", at.join("nowhere"))
        .current_dir(at)
        .output()
        .unwrap();
    assert_eq!(code(&nowhere), exit::FAILURE, "{}", text(&nowhere));
    assert!(
        text(&nowhere).contains("cannot use a temporary file"),
        "{}",
        text(&nowhere)
    );
    let resumed = credlink(at, &["survival", "--resume", "run", "--quiet"]);
    assert_eq!(code(&resumed), exit::OK, "{}", text(&resumed));
    assert!(
        rows_without_times(at, "run")
            .iter()
            .all(|row| row.outcome != Outcome::Error)
    );
}

/// A folder may be called what is no Unicode, and a run may be named by where one stands.
#[test]
fn a_run_goes_on_under_any_name() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    left(at, "run");
    let odd = at.join(std::ffi::OsStr::from_bytes(b"odd-\xff"));
    std::fs::create_dir(&odd).unwrap();
    std::fs::rename(at.join("run"), odd.join("run")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(["survival", "--quiet", "--resume"])
        .arg(odd.join("run"))
        .current_dir(at)
        .output()
        .unwrap();
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let whole = rows_without_times(&odd, "run");
    left(at, "here");
    let output = credlink(&at.join("here"), &["survival", "--resume", ".", "--quiet"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let header = std::fs::read_to_string(at.join("here/run.json")).unwrap();
    assert!(header.contains("\"id\": \"here\""), "{header}");
    assert!(whole.len() == rows_without_times(at, "here").len());
    // A pipe instead of a file is refused, and not waited for.
    let rows = at.join("here/rows.parquet");
    std::fs::remove_file(&rows).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&rows)
            .status()
            .unwrap()
            .success()
    );
    let output = credlink(at, &["report", "here"]);
    assert_eq!(code(&output), exit::FAILURE, "{}", text(&output));
    assert!(
        text(&output).contains("no regular file"),
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
    // Another length shows at once; another content when a forgery is made of it, which is not left out for that.
    copied(at, "run", "changed");
    for file in std::fs::read_dir(at.join("changed/signed")).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    refused("changed", "is not the file that was signed");
    // A word of what is known of a signed image.
    copied(at, "run", "reworded");
    let said = at.join("reworded/journal/signed-000000.jsonl");
    let lines = std::fs::read_to_string(&said).unwrap();
    let other = lines.replacen("\"carried\"", "\"refused\"", 1);
    assert_ne!(other, lines);
    std::fs::write(&said, other).unwrap();
    refused(
        "reworded",
        "signed-000000.jsonl is not the file that was written",
    );
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
        refused(
            "miscounted",
            "rows-000000.json is not the file that was written",
        );
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
