//! Runs in parts: however a run is cut, its rows and figures are those of one machine.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use credlink_harness::exit;
use credlink_harness::shard::Shard;

mod support;

use support::{code, credlink, rows_without_times, small_pictures, text};

const SMALL: [&str; 11] = [
    "--pipelines",
    "controls/identity,controls/blank,edits/resize-half,social/x",
    "--ops",
    "120",
    "--images",
    "pictures",
    "--no-watermark",
    "--keys",
    "keys",
    "--quiet",
    "--out",
];

fn told(at: &Path, command: &str, out: &str, more: &[&str]) {
    let args: Vec<&str> = [command].into_iter().chain(SMALL).chain([out]).collect();
    let output = credlink(at, &[&args[..], more].concat());
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
}

/// What a report says, without what is of the machine and the day.
fn figures(at: &Path, run: &str) -> Vec<String> {
    let tables = [
        "answer",
        "overall",
        "carriers",
        "false-accepts",
        "families",
        "roc",
        "doses",
    ];
    let read = |table: &str| {
        std::fs::read_to_string(at.join(run).join(format!("tables/{table}.csv"))).unwrap()
    };
    tables.map(read).into()
}

#[test]
fn any_cut_gives_the_rows_and_figures_of_one_machine() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 24);
    assert_eq!(code(&credlink(at, &["keys", "generate", "keys"])), exit::OK);
    told(at, "survival", "whole", &[]);
    let whole = rows_without_times(at, "whole");
    for of in [1_usize, 2, 3, 7] {
        let name = |kind: &str, k: usize| format!("{kind}-{k}-of-{of}");
        let registries: Vec<String> = (1..=of).map(|k| name("registry", k)).collect();
        let parts: Vec<String> = (1..=of).map(|k| name("part", k)).collect();
        for (k, registry) in registries.iter().enumerate() {
            told(
                at,
                "register",
                registry,
                &["--shard", &format!("{}/{of}", k + 1)],
            );
        }
        let registry = registries
            .iter()
            .flat_map(|registry| ["--registry", registry]);
        let registry: Vec<&str> = registry.collect();
        for (k, part) in parts.iter().enumerate() {
            let shard = format!("{}/{of}", k + 1);
            // What decides rows is taken from the registry.
            let own = ["survival", "--quiet", "--shard", &shard, "--out", part];
            let begin = [&own[..], &registry].concat();
            let output = if of == 2 && killed(at, &begin, part) {
                credlink(at, &["survival", "--quiet", "--resume", part])
            } else {
                credlink(at, &begin)
            };
            assert_eq!(code(&output), exit::OK, "{}", text(&output));
        }
        let merged = format!("merged-{of}");
        let parts: Vec<&str> = parts.iter().rev().map(String::as_str).collect();
        let merge = [
            &["merge", "--quiet", "--out", &merged],
            &parts[..],
            &registry,
        ]
        .concat();
        let output = credlink(at, &merge);
        assert_eq!(code(&output), exit::OK, "{}", text(&output));
        assert!(
            rows_without_times(at, &merged) == whole,
            "{of} parts gave other rows"
        );
        assert_eq!(figures(at, &merged), figures(at, "whole"));
        if of == 3 {
            refusals(at, &parts);
        }
    }
}

/// Begins a part and kills it at work; whether it was caught there. One that was not is removed.
fn killed(at: &Path, begin: &[&str], part: &str) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(begin)
        .current_dir(at)
        .spawn()
        .unwrap();
    let noted = at.join(part).join("journal/under-way");
    let works = || std::fs::read_to_string(&noted).is_ok_and(|text| text.contains("ended verify"));
    while !works() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let is_caught = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    if !is_caught {
        std::fs::remove_dir_all(at.join(part)).unwrap();
    }
    is_caught
}

/// Three parts, of which one is missing, there twice, or not finished.
fn refusals(at: &Path, parts: &[&str]) {
    let merged = |parts: &[&str], more: &[&str]| {
        credlink(
            at,
            &[&["merge", "--quiet", "--out", "no"], parts, more].concat(),
        )
    };
    let refused = |parts: &[&str], more: &[&str], words: &str| {
        let output = merged(parts, more);
        assert_eq!(code(&output), exit::FAILURE, "{}", text(&output));
        assert!(text(&output).contains(words), "{words}: {}", text(&output));
        assert!(
            !at.join("no").exists(),
            "a refused merge leaves nothing behind"
        );
    };
    refused(&[parts[0], parts[1]], &[], "part 1/3 is missing");
    refused(&[parts[0]], &[], "are missing");
    refused(
        &[parts[0], parts[1], parts[2], parts[2]],
        &[],
        "part 1/3 is there twice",
    );
    refused(
        &[parts[0], parts[1], parts[2], parts[2]],
        &["--partial"],
        "there twice",
    );
    refused(&[parts[0], "part-1-of-2"], &[], "in two cuts");
    refused(&["registry-1-of-3"], &[], "is a registry");
    refused(&["whole"], &[], "holds no part of a run");
    // Whose jobs are not all done is no part, either.
    let unit = at.join(parts[0]).join("journal/rows-000000.json");
    let hidden = unit.with_extension("hidden");
    std::fs::rename(&unit, &hidden).unwrap();
    refused(parts, &[], "was not finished: it holds");
    std::fs::rename(&hidden, &unit).unwrap();
    let output = merged(&[parts[0], parts[1]], &["--partial"]);
    assert_eq!(code(&output), exit::INTERRUPTED, "{}", text(&output));
    let report = std::fs::read_to_string(at.join("no/report.json")).unwrap();
    assert!(report.contains("part 1/3 is missing"));
    std::fs::remove_dir_all(at.join("no")).unwrap();
    // A share is of registries, all of them, of this run.
    let survival = |more: &[&str], words: &str| {
        let output = credlink(
            at,
            &[&["survival", "--quiet", "--out", "no"], more].concat(),
        );
        assert_eq!(code(&output), exit::FAILURE, "{}", text(&output));
        assert!(text(&output).contains(words), "{words}: {}", text(&output));
    };
    survival(&["--shard", "1/2"], "credlink register --shard 1/2");
    survival(
        &["--registry", "registry-1-of-3"],
        "parts 2/3, 3/3 are missing",
    );
    survival(&["--registry", "whole"], "is no registry");
    survival(
        &[
            "--registry",
            "registry-1-of-1",
            "--seed",
            "2",
            "--keys",
            "keys",
        ],
        "is not of this run",
    );
    let output = credlink(
        at,
        &["register", "--shard", "1/2", "--ops", "8", "--out", "no"],
    );
    assert!(text(&output).contains("--keys DIR"), "{}", text(&output));
}

#[test]
fn engines_name_parts_by_their_environment() {
    let shard = |set: &[(&str, &str)]| {
        let get = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Shard::from_environment(get)
    };
    let part = |index, of| Ok(Shard::new(index, of));
    assert_eq!(shard(&[]), Ok(None));
    assert_eq!(
        shard(&[("JOB_COMPLETION_INDEX", "0"), ("CREDLINK_SHARDS", "3")]),
        part(0, 3)
    );
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "4"),
        ("SLURM_ARRAY_TASK_MIN", "1"),
        ("SLURM_ARRAY_TASK_COUNT", "4"),
    ];
    assert_eq!(shard(&slurm), part(3, 4));
    let batch = [
        ("AWS_BATCH_JOB_ARRAY_INDEX", "1"),
        ("AWS_BATCH_JOB_ARRAY_SIZE", "2"),
    ];
    assert_eq!(shard(&batch), part(1, 2));
    assert_eq!(
        shard(&[("CREDLINK_SHARD", "6"), ("CREDLINK_SHARDS", "7")]),
        part(6, 7)
    );
    for wrong in [
        &[("JOB_COMPLETION_INDEX", "0")][..],
        &[("CREDLINK_SHARD", "7"), ("CREDLINK_SHARDS", "7")],
        &[("CREDLINK_SHARD", "x"), ("CREDLINK_SHARDS", "7")],
        &[("CREDLINK_SHARD", "-1"), ("CREDLINK_SHARDS", "7")],
    ] {
        assert!(shard(wrong).is_err(), "{wrong:?}");
    }
}
