//! Commands on finished runs and on directories, as people and scripts meet them.
#![allow(clippy::unwrap_used, missing_docs)]

use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::exit;

mod support;

use support::{code, credlink, folder, text};

#[test]
fn a_directory_goes_through_several_pipelines_and_what_is_left_out_is_named() {
    let folder = folder();
    let at = folder.path();
    std::fs::create_dir(at.join("photos")).unwrap();
    std::fs::copy(at.join("photo.jpg"), at.join("photos/one.jpg")).unwrap();
    std::fs::copy(at.join("photo.jpg"), at.join("photos/two.jpg")).unwrap();
    let list = "social/bluesky,controls/identity";
    let output = credlink(at, &["apply", list, "photos", "out"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    for made in ["social/bluesky/one.jpg.webp", "controls/identity/two.jpg"] {
        assert!(at.join("out").join(made).is_file(), "{made}");
    }
    // Existing files are never overwritten, and that is a failure.
    let again = credlink(at, &["apply", list, "photos", "out"]);
    assert_eq!(code(&again), exit::FAILURE, "{}", text(&again));
    assert!(
        text(&again).contains("0 files made, 0 not taken by the pipeline, 4 failed"),
        "{}",
        text(&again)
    );
    std::fs::write(at.join("photos/note.txt"), "no picture").unwrap();
    let output = credlink(
        at,
        &["apply", "controls/identity", "photos", "new", "--json"],
    );
    assert_eq!(code(&output), exit::FAILURE);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let count = |key: &str| json[key].as_array().unwrap().len();
    assert_eq!((count("made"), count("failed")), (2, 1));
    let one = credlink(at, &["apply", list, "photo.jpg", "x.jpg"]);
    assert!(
        text(&one).contains("one pipeline is wanted"),
        "{}",
        text(&one)
    );
}

#[test]
fn runs_are_compared_held_against_gates_and_written_as_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let says = |args: &[&str], exit: u8, words: &str| {
        let output = credlink(at, args);
        assert_eq!(code(&output), exit, "{args:?}: {}", text(&output));
        assert!(text(&output).contains(words), "{args:?}: {}", text(&output));
    };
    let gate = |name: &str, text: &str| std::fs::write(at.join(name), text).unwrap();
    gate(
        "typo.toml",
        "[[survival]]\npipeline = \"controls/identiti\"\nmin = 0.1",
    );
    gate(
        "mild.toml",
        "[run]\ncontrols = [\"controls/identity\"]\n[[survival]]\nmin = 0.1",
    );
    gate("strict.toml", "[[survival]]\nmin = 0.999");
    let survival = |out: &'static str, seed: &'static str, gate: &'static str| {
        let mut args = vec!["survival", "--ops", "8", "--threads", "2", "--seed", seed];
        args.extend([
            "--pipelines",
            "controls/identity,controls/stripped,edits/resize-half",
            "--out",
            out,
            "--gate",
            gate,
        ]);
        args
    };
    says(
        &survival("a", "1", "typo.toml"),
        exit::FAILURE,
        "no pipeline \"controls/identiti\"",
    );
    assert!(!at.join("a").exists(), "refused before anything ran");
    says(&survival("a", "1", "mild.toml"), exit::OK, "gate passed");
    says(
        &survival("b", "1", "strict.toml"),
        exit::GATE_FAILED,
        "GATE FAILED",
    );
    says(
        &["gate", "strict.toml", "a"],
        exit::GATE_FAILED,
        "lower bound",
    );
    says(&["gate", "mild.toml", "nowhere"], exit::FAILURE, "nowhere");
    // A signature over the header is one over the rows, for its signer alone.
    for dir in ["ours", "theirs"] {
        says(&["keys", "generate", dir], exit::OK, "");
    }
    let sign = ["sign-run", "a", "--keys", "ours"];
    let check = |keys| ["sign-run", "a", "--check", "--keys", keys];
    says(&check("ours"), exit::FAILURE, "is not signed");
    says(&sign, exit::OK, "signed by CredLink");
    says(&sign, exit::FAILURE, "never overwritten");
    says(&check("ours"), exit::OK, "are as CredLink");
    says(&check("theirs"), exit::DIFFERS, "is no signature of");
    let header = at.join("a/run.json");
    let written = std::fs::read_to_string(&header).unwrap();
    std::fs::write(&header, written.replacen("\"seed\": 1", "\"seed\": 2", 1)).unwrap();
    says(&check("ours"), exit::DIFFERS, "over this header");
    std::fs::write(&header, written).unwrap();
    // Which is which is plain in either order, unless both are directories.
    says(&["gate", "a", "mild.toml"], exit::OK, "gate passed");
    says(
        &["gate", "a", "b"],
        exit::FAILURE,
        "one of them has to be a gate",
    );
    let json = |args: &[&str]| -> serde_json::Value {
        let output = credlink(at, args);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{args:?}: {}", text(&output)))
    };
    assert_eq!(
        json(&["gate", "strict.toml", "a", "--json"])["passed"],
        false
    );
    assert_eq!(json(&["compare", "a", "b", "--json"])["paired"], true);
    let equal = json(&["compare", "--equivalence", "0.01", "a", "b", "--json"]);
    assert_eq!(equal["lines"][0]["verdict"], "undecided");
    let again = json(&["replay", "a", "0", "--out", "again", "--json"]);
    assert_eq!((&again["same"], &again["op"]), (&true.into(), &0.into()));
    assert!(at.join("again").is_dir() && !at.join("a/replay").exists());
    let plan = json(&[
        "survival",
        "--ops",
        "2",
        "--pipelines",
        "core",
        "--dry-run",
        "--json",
    ]);
    assert_eq!(plan["signed_ops"], 2);
    let notes = plan["notes"][0].as_str().unwrap();
    assert!(
        notes.contains("pipelines get no op") && notes.contains("social/x"),
        "{notes}"
    );
    says(
        &["report", "a", "--format", "svg", "--plot", "roc"],
        exit::OK,
        "<svg",
    );
    says(
        &["report", "a", "--format", "svg"],
        exit::FAILURE,
        "survival, latency, roc",
    );

    says(&["compare", "a", "b"], exit::OK, "0 of ");
    says(
        &["compare", "--equivalence", "0.01", "a", "b"],
        exit::NOT_EQUIVALENT,
        "undecided",
    );
    says(
        &["compare", "--equivalence", "1", "a", "b"],
        exit::FAILURE,
        "margin",
    );
    let header = std::fs::read_to_string(at.join("b/run.json")).unwrap();
    let other = header.replacen("\"seed\": 1", "\"seed\": 2", 1);
    assert_ne!(header, other);
    std::fs::write(at.join("b/run.json"), other).unwrap();
    says(&["compare", "a", "b"], exit::FAILURE, "--allow-different");
    says(
        &["compare", "a", "b", "--allow-different"],
        exit::OK,
        "NOT paired",
    );

    says(
        &["evidence", "a", "--out", "evidence"],
        exit::OK,
        "manifest.json",
    );
    let document = std::fs::read_to_string(at.join("evidence/manifest.json")).unwrap();
    assert!(document.contains("robustnessEvidence"));
    says(
        &["evidence", "a", "--out", "evidence"],
        exit::FAILURE,
        "never overwritten",
    );
    let partial = header.replacen("\"partial\": false", "\"partial\": true", 1);
    std::fs::write(at.join("b/run.json"), partial).unwrap();
    says(&["gate", "mild.toml", "b"], exit::GATE_FAILED, "is partial");
    says(&["compare", "a", "b"], exit::FAILURE, "is partial");
    says(
        &["evidence", "b", "--out", "more"],
        exit::FAILURE,
        "is partial",
    );
}

#[test]
fn every_image_of_a_directory_is_used_where_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("images")).unwrap();
    let set = SyntheticSet::new(5);
    let mut sources = std::collections::BTreeSet::new();
    for index in 0.. {
        let entry = set.entry(index);
        if sources.insert(entry.source.clone()) {
            let name = format!("{index}.{}", entry.format.extension());
            std::fs::write(at.join("images").join(name), set.load(index).unwrap().bytes).unwrap();
        }
        if sources.len() == 8 {
            break;
        }
    }
    let survival = |out: &str, more: &[&str]| {
        let fixed = [
            "survival",
            "--images",
            "images",
            "--pipelines",
            "controls/identity,edits/crop-10",
            "--no-watermark",
        ];
        let output = credlink(at, &[&fixed[..], &["--out", out], more].concat());
        assert_eq!(code(&output), exit::OK, "{more:?}: {}", text(&output));
        let header = std::fs::read_to_string(at.join(out).join("run.json")).unwrap();
        let header: serde_json::Value = serde_json::from_str(&header).unwrap();
        (text(&output), header["ops_planned"].as_u64().unwrap())
    };
    let (said, _) = survival("few", &["--ops", "4"]);
    assert!(said.contains("of 8 images; more ops use more"), "{said}");
    let (said, ops) = survival("all", &["--every-image"]);
    assert!(!said.contains("of 8 images"), "{said}");
    // One is held out; the other seven go through both pipelines, and negative trials come on top.
    assert!(ops > 14, "{ops}");
    assert!(said.contains("of 7 ops from 7 source files"), "{said}");
}
