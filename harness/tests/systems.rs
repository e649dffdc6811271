//! Systems by name, as people type them: carriers alone, adapters, signed files, several side by side.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::{exit, received};
use credlink_image_files::Format;
use credlink_image_files::metadata::{self, Kind};
use credlink_reports::rows::read_rows;
use credlink_reports::{RunDir, tables::Evidence};
use credlink_sign_core::fingerprint::{ContentHash, Fingerprint};
use credlink_sign_core::iscc::ImageCode;
use credlink_sign_core::manifest::{Observed, Observer};
use credlink_trial_record::{Embedded, Outcome, Row, State, Trial};

mod support;

use support::{code, credlink, text};

/// Finds nothing, ever, and changes nothing.
const NOTHING: &str = include_str!("../../benches/adapters/nothing/adapter.sh");

fn with_nothing(folder: &Path) {
    let adapter = folder.join("adapters/nothing");
    std::fs::create_dir_all(&adapter).unwrap();
    let program = adapter.join("adapter.sh");
    std::fs::write(&program, NOTHING).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = "title = \"nothing\"\nabout = \"finds nothing\"\nlicence = \"MIT\"\nsource = \"here\"\n\
                command = [\"./adapter.sh\"]\n";
    std::fs::write(adapter.join("adapter.toml"), file).unwrap();
}

fn rows(folder: &Path, run: &str) -> Vec<Row> {
    let run_dir = RunDir::open(&folder.join(run)).unwrap();
    let rows = read_rows(&run_dir.rows()).unwrap();
    (0..rows.len())
        .map(|index| rows.row(index).unwrap())
        .collect()
}

/// The signed files of a run.
fn signed(folder: &Path, run: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder.join(run).join("signed")).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

#[test]
fn several_systems_meet_the_same_ops_and_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    with_nothing(at);
    let systems = "credlink,credlink/watermark,credlink/fingerprint,credlink/link,nothing";
    let output = credlink(
        at,
        &[
            "survival",
            "--system",
            systems,
            "--per-pipeline",
            "8",
            "--longest-side",
            "400",
            "--pipelines",
            "controls/identity,edits/resize-half",
            "--unsigned-share",
            "2",
            "--out",
            "contest",
        ],
    );
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let ops = |run: &str| -> Vec<(u64, String, String)> {
        let rows = rows(at, &format!("contest/{run}"));
        let shared = rows.into_iter().filter(|row| row.trial == Trial::Signed);
        shared.map(|row| (row.op, row.pipeline, row.name)).collect()
    };
    for run in [
        "credlink-watermark",
        "credlink-fingerprint",
        "credlink-link",
        "nothing",
    ] {
        assert_eq!(ops(run), ops("credlink"), "{run}");
    }
    assert!(rows(at, "contest/nothing").iter().all(|row| !row.survived));
    // A carrier alone is alone in the file, too.
    let kinds = |bytes: &[u8]| {
        let format = Format::sniff(bytes).unwrap();
        metadata::read(format, bytes).has(Kind::C2pa)
    };
    assert!(
        signed(at, "contest/credlink")
            .iter()
            .all(|bytes| kinds(bytes))
    );
    for run in [
        "credlink-watermark",
        "credlink-fingerprint",
        "credlink-link",
    ] {
        let files = signed(at, &format!("contest/{run}"));
        assert!(!files.iter().any(|bytes| kinds(bytes)), "{run}");
    }
    assert_eq!(
        signed(at, "contest/credlink-fingerprint"),
        signed(at, "contest/nothing")
    );
    let found = |run: &str| {
        let rows = rows(at, &format!("contest/{run}"));
        let found = rows
            .iter()
            .filter(|row| row.survived && row.pipeline == "edits/resize-half");
        found.count()
    };
    assert!(found("credlink-fingerprint") >= 7);
    assert!(found("credlink-watermark") >= 1);
    // The way that the pixels changed is the same whoever looks at them.
    let psnr = |run: &str| -> Vec<Option<f32>> {
        let rows = rows(at, &format!("contest/{run}"));
        rows.iter().map(|row| row.sign_psnr).collect()
    };
    assert!(psnr("credlink-watermark").iter().any(Option::is_some));
    assert!(psnr("nothing").iter().all(Option::is_none));
    let page = std::fs::read_to_string(at.join("contest/head-to-head.html")).unwrap();
    for word in [
        "credlink/watermark",
        "nothing",
        "Saved by one, lost by another",
        "<svg",
    ] {
        assert!(page.contains(word), "{word}");
    }
    let matrix = std::fs::read_to_string(at.join("contest/head-to-head/matrix.csv")).unwrap();
    assert_eq!(
        matrix.lines().filter(|line| !line.starts_with('#')).count(),
        3
    );

    let again = credlink(
        at,
        &["head-to-head", "contest", "--leaderboard", "board.jsonl"],
    );
    assert_eq!(code(&again), exit::OK, "{}", text(&again));
    credlink(
        at,
        &["head-to-head", "contest", "--leaderboard", "board.jsonl"],
    );
    let board = std::fs::read_to_string(at.join("board.jsonl")).unwrap();
    assert_eq!(board.lines().count(), 5, "no line twice");
    // Runs of other ops do not stand beside them.
    let other = credlink(
        at,
        &[
            "survival",
            "--system",
            "nothing",
            "--per-pipeline",
            "8",
            "--longest-side",
            "400",
            "--seed",
            "2",
            "--pipelines",
            "controls/identity,edits/resize-half",
            "--out",
            "other",
            "--quiet",
        ],
    );
    assert_eq!(code(&other), exit::OK, "{}", text(&other));
    std::fs::remove_dir_all(at.join("contest/nothing")).unwrap();
    std::fs::rename(at.join("other"), at.join("contest/nothing")).unwrap();
    let mixed = credlink(at, &["head-to-head", "contest"]);
    assert_eq!(code(&mixed), exit::FAILURE);
    assert!(
        text(&mixed).contains("did not meet the same ops: they differ in seed"),
        "{}",
        text(&mixed)
    );
}

#[test]
fn files_that_are_signed_already_are_measured_by_their_own_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("pictures")).unwrap();
    assert_eq!(code(&credlink(at, &["keys", "generate"])), exit::OK);
    let set = SyntheticSet::new(4);
    for index in 0..12 {
        let entry = set.entry(index);
        let bytes = set.load(index).unwrap().bytes;
        let name = format!("pictures/{}", entry.name);
        if index % 4 == 3 {
            std::fs::write(at.join(&name), bytes).unwrap();
            continue;
        }
        std::fs::write(at.join("in"), bytes).unwrap();
        let output = credlink(at, &["sign", "--no-watermark", "in", &name]);
        assert_eq!(code(&output), exit::OK, "{}", text(&output));
    }
    let run = |name: &str, more: &[&str]| {
        let mut args = vec![
            "survival",
            "--signed",
            "pictures",
            "--every-image",
            "--out",
            name,
            "--pipelines",
            "controls/identity,edits/resize-half,optimizers/jpegtran-copy-all",
        ];
        args.extend(more);
        let output = credlink(at, &args);
        assert_eq!(code(&output), exit::OK, "{}", text(&output));
        text(&output)
    };
    let said = run("anybody", &[]);
    assert!(
        said.contains("images were refused and went out as they came: the file has no manifest"),
        "{said}"
    );
    let rows = rows(at, "anybody");
    for row in rows.iter().filter(|row| row.trial == Trial::Signed) {
        let has = row.carriers[0].embedded == Some(Embedded::Carried);
        let expected = match (has, row.pipeline.as_str()) {
            (true, "controls/identity") => Outcome::Intact,
            _ => Outcome::Lost,
        };
        if row.pipeline != "optimizers/jpegtran-copy-all" {
            assert_eq!(row.outcome, expected, "{} {}", row.name, row.pipeline);
        } else if has {
            assert!(
                matches!(row.outcome, Outcome::Broken | Outcome::Intact),
                "{row:?}"
            );
        }
    }
    // Under an anchor that vouches for the signer nothing changes; under another one nothing is signed.
    run("ours", &["--trust", "credlink-keys/anchor.pem"]);
    let evidence = |name: &str| -> Evidence {
        credlink_reports::load(&RunDir::open(&at.join(name)).unwrap()).unwrap()
    };
    assert_eq!(
        evidence("ours").answer().in_file,
        evidence("anybody").answer().in_file
    );
    assert_eq!(
        code(&credlink(at, &["keys", "generate", "strange"])),
        exit::OK
    );
    run("strangers", &["--trust", "strange/anchor.pem"]);
    assert_eq!(evidence("strangers").answer().in_file.rate.k, 0);
}

/// A resolution server that holds the manifests of a folder and knows pictures by their fingerprint.
fn resolution_server(pictures: &Path) -> String {
    let observer = Observer::new(None).unwrap();
    let content = |bytes: &[u8]| {
        let pixels = received::decode_bytes(bytes).ok()?;
        Some(ContentHash::of(&pixels.image, pixels.orientation).fingerprint())
    };
    let code = |bytes: &[u8]| {
        let pixels = received::decode_bytes(bytes).ok()?;
        ImageCode::of(&pixels.image, pixels.orientation)
    };
    let files = std::fs::read_dir(pictures).unwrap();
    let files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let held: Vec<(Fingerprint, ImageCode, String)> = files
        .filter_map(
            |bytes| match observer.observe(Format::sniff(&bytes)?, &bytes) {
                Observed::Holds(held) => Some((content(&bytes)?, code(&bytes)?, held.label)),
                _ => None,
            },
        )
        .collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let (mut length, mut line, mut path) = (0, String::new(), String::new());
            while lines.read_line(&mut line).unwrap() > 2 {
                let lower = line.to_lowercase();
                if path.is_empty() {
                    path = lower.split(' ').nth(1).unwrap_or_default().to_owned();
                }
                if let Some(text) = lower.strip_prefix("content-length:") {
                    length = text.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            lines.read_exact(&mut body).unwrap();
            let mut by_code = None;
            let of = match path.split('?').next().unwrap() {
                "/v1/services/supportedalgorithms" => None,
                "/v1/matches/bycontent" => content(&body),
                "/v1/matches/bybinding" => {
                    let asked: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    let value = STANDARD.decode(asked["value"].as_str().unwrap()).unwrap();
                    if asked["alg"] == "io.iscc.v0" {
                        by_code = ImageCode::all_in(&value).unwrap().pop();
                        None
                    } else {
                        assert_eq!(asked["alg"], "com.credlink.pdq256.v1");
                        let words = value.as_chunks().0.iter().copied().map(u64::from_be_bytes);
                        Some(Fingerprint(words.collect::<Vec<_>>().try_into().unwrap()))
                    }
                }
                other => panic!("{other}"),
            };
            let near = held.iter().filter_map(|(known, code, label)| {
                let by_code = by_code.as_ref().map(|asked| asked.distance(code));
                let distance = of.map(|asked| asked.distance(known)).or(by_code)?;
                Some((distance, label))
            });
            let nearest = near.min().filter(|(distance, _)| *distance <= 31);
            let matches: Vec<_> = nearest
                .map(|(_, label)| serde_json::json!({ "manifestId": label, "similarityScore": null }))
                .into_iter()
                .collect();
            let algorithms = ["com.credlink.pdq256.v1", "io.iscc.v0"]
                .map(|name| serde_json::json!({ "alg": name }));
            let body = match path.contains("/matches/") {
                true => serde_json::json!({ "matches": matches }),
                false => serde_json::json!({ "watermarks": [], "fingerprints": algorithms }),
            };
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes());
        }
    });
    url
}

#[test]
fn a_resolution_server_is_asked_by_content_where_the_manifest_is_gone() {
    let folder = support::folder();
    let at = folder.path();
    std::fs::create_dir(at.join("pictures")).unwrap();
    assert_eq!(code(&credlink(at, &["keys", "generate"])), exit::OK);
    let set = SyntheticSet::new(6);
    let mut written = 0;
    for index in 0.. {
        let entry = set.entry(index);
        // What has no fingerprint of its own cannot be found by one.
        if written == 8
            || !matches!(
                entry.class.as_str(),
                "landscape" | "portrait" | "architecture"
            )
        {
            if written == 8 {
                break;
            }
            continue;
        }
        std::fs::write(at.join("in"), set.load(index).unwrap().bytes).unwrap();
        let name = format!("pictures/{}", entry.name);
        assert_eq!(
            code(&credlink(at, &["sign", "--no-watermark", "in", &name])),
            exit::OK
        );
        written += 1;
    }
    let url = resolution_server(&at.join("pictures"));
    let output = credlink(
        at,
        &[
            "survival",
            "--signed",
            "pictures",
            "--resolve",
            &url,
            "--every-image",
            "--out",
            "run",
            "--quiet",
            "--pipelines",
            "controls/identity,edits/resize-half,edits/crop-25",
        ],
    );
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let rows = rows(at, "run");
    let found = |pipeline: &str, outcome: Outcome| {
        let signed = rows
            .iter()
            .filter(|row| row.trial == Trial::Signed && row.pipeline == pipeline);
        let signed: Vec<_> = signed.collect();
        let found = signed.iter().filter(|row| row.outcome == outcome);
        (found.count(), signed.len())
    };
    let (intact, all) = found("controls/identity", Outcome::Intact);
    assert!(intact == all && all >= 4, "{intact} of {all}");
    let (recovered, all) = found("edits/resize-half", Outcome::Recovered);
    assert_eq!(recovered, all, "half the size is the same picture");
    let (lost, all) = found("edits/crop-25", Outcome::Lost);
    assert!(
        lost >= all - 1,
        "a fingerprint does not survive a quarter cut off"
    );
    let header = std::fs::read_to_string(at.join("run/run.json")).unwrap();
    assert!(header.contains("\"resolution\": \"127.0.0.1\""), "{header}");
    // The fingerprint alone leads to the same manifests as the picture, and the ISCC to those of whole pictures.
    for row in rows.iter().filter(|row| row.trial == Trial::Signed) {
        let [_, resolution, binding, iscc] = &row.carriers[..] else {
            panic!("{} carriers", row.carriers.len());
        };
        assert_eq!(resolution.state, binding.state, "op {}", row.op);
        if row.pipeline != "edits/crop-25" {
            assert_eq!(iscc.state, State::Recovered, "op {}", row.op);
        }
    }
    // A server that is not there is no answer.
    let output = credlink(
        at,
        &[
            "survival",
            "--signed",
            "pictures",
            "--resolve",
            "http://127.0.0.1:9/v1",
            "--every-image",
            "--out",
            "nobody",
            "--quiet",
            "--pipelines",
            "edits/resize-half",
        ],
    );
    assert_eq!(code(&output), exit::FAILURE, "{}", text(&output));
}

#[test]
fn recipes_of_the_users_own_run_like_ours_and_stay_with_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir_all(at.join("mine/edits")).unwrap();
    let recipe = |quality: u8| {
        format!(
            "title = \"Mine\"\nseverity = \"mild\"\nanalysis = \"As our server does.\"\n\
             [[source]]\ncite = \"our server's configuration\"\ngrade = \"B\"\nbacks = [\"save\"]\n\
             [[step]]\nsave.jpeg = {{ encoder = \"libjpeg-turbo\", quality = {quality}, chroma = \"4:2:0\", progressive = false, keep = [] }}\n\
             save.other = \"jpeg\"\n"
        )
    };
    std::fs::write(at.join("mine/edits/our-server.toml"), recipe(61)).unwrap();
    let run = |out: &str, recipes: &str| {
        credlink(
            at,
            &[
                "survival",
                "--ops",
                "8",
                "--pipelines",
                "edits/our-server,controls/identity",
                "--recipes",
                recipes,
                "--out",
                out,
                "--quiet",
            ],
        )
    };
    let output = run("run", "mine");
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let replayed = credlink(at, &["replay", "run", "0"]);
    assert_eq!(code(&replayed), exit::OK, "{}", text(&replayed));
    let header = std::fs::read_to_string(at.join("run/run.json")).unwrap();
    assert!(header.contains("Mine (your recipe)"), "{header}");
    let listed = credlink(
        at,
        &["pipelines", "show", "edits/our-server", "--recipes", "mine"],
    );
    assert!(
        text(&listed).contains("our server's configuration"),
        "{}",
        text(&listed)
    );
    // Refused like ours: for a name that is taken, for what nobody backs, for a folder of nothing.
    for (path, text_of, words) in [
        (
            "taken/edits/crop-10.toml",
            recipe(61),
            "give yours another name",
        ),
        (
            "unfounded/edits/x.toml",
            recipe(61).replace("\"save\"", "\"orient\""),
            "save",
        ),
    ] {
        std::fs::create_dir_all(at.join(path).parent().unwrap()).unwrap();
        std::fs::write(at.join(path), text_of).unwrap();
        let output = run("refused", path.split('/').next().unwrap());
        assert_eq!(code(&output), exit::FAILURE);
        assert!(text(&output).contains(words), "{}", text(&output));
    }
    assert!(
        text(&run("refused", "run")).contains("no family/name.toml")
            || !at.join("refused").exists()
    );
}

#[test]
fn names_that_stand_for_no_system_are_told_with_those_that_do() {
    let folder = support::folder();
    let at = folder.path();
    with_nothing(at);
    let run = |system: &str, more: &[&str]| {
        let mut args = vec!["survival", "--ops", "2", "--system", system, "--out", "run"];
        args.extend(more);
        let output = credlink(at, &args);
        assert_ne!(code(&output), exit::OK);
        assert!(!at.join("run").exists());
        text(&output)
    };
    assert!(run("nothin", &[]).contains("there are credlink, nothing"));
    assert!(run("credlink/pdq", &[]).contains("it has manifest, link, fingerprint, watermark"));
    assert!(run("nothing", &["--carriers", "link"]).contains("not among the systems"));
    std::fs::create_dir(at.join("adapters/broken")).unwrap();
    std::fs::write(at.join("adapters/broken/adapter.toml"), "title = 1").unwrap();
    assert!(run("broken", &[]).contains("broken/adapter.toml"));
    std::fs::remove_dir_all(at.join("adapters/broken")).unwrap();
    let dry = [
        "survival",
        "--ops",
        "4",
        "--system",
        "credlink,nothing",
        "--dry-run",
        "--out",
        "run",
    ];
    let dry = credlink(
        at,
        &[&dry[..], &["--pipelines", "controls/identity"]].concat(),
    );
    assert_eq!(code(&dry), exit::OK, "{}", text(&dry));
    assert!(!at.join("run").exists());
    let listed = credlink(at, &["systems"]);
    assert_eq!(code(&listed), exit::OK);
    assert!(text(&listed).contains("nothing   1"), "{}", text(&listed));
    let shown = text(&credlink(at, &["systems", "show", "nothing"]));
    assert!(shown.contains("Runs here: version 1"), "{shown}");
}
