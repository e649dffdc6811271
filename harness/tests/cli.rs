//! The command line as people and scripts meet it: output, messages, exit codes.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::exit;

mod support;

use support::{code, credlink, folder, text};

#[test]
fn a_file_is_signed_verified_transformed_and_recovered() {
    let folder = folder();
    let at = folder.path();
    let ok = |args: &[&str]| {
        let output = credlink(at, args);
        assert_eq!(code(&output), exit::OK, "{args:?}: {}", text(&output));
        text(&output)
    };
    ok(&["keys", "generate"]);
    let plain = [
        "sign",
        "--no-watermark",
        "--store",
        "other",
        "photo.jpg",
        "plain.jpg",
    ];
    let said = ok(&plain);
    assert!(said.contains("no pixel was changed"), "{said}");
    let said = ok(&["sign", "photo.jpg", "signed.jpg"]);
    assert!(said.contains("watermark (PSNR 4"), "{said}");
    assert!(ok(&["verify", "signed.jpg"]).contains("by the manifest"));
    let said = ok(&[
        "apply",
        "messaging/whatsapp",
        "signed.jpg",
        "received.jpg",
        "--trace",
    ]);
    let gone: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("C2PA manifest: gone"))
        .collect();
    assert!(gone.len() == 1 && gone[0].contains("step "), "{said}");
    let said = ok(&["verify", "received.jpg"]);
    assert!(
        said.contains("by its fingerprint") && said.contains("may have been altered"),
        "{said}"
    );

    let json: serde_json::Value =
        serde_json::from_str(&ok(&["verify", "--json", "received.jpg"])).unwrap();
    assert_eq!(json["verdict"], "found");
    assert_eq!(json["conclusion"]["accepted"]["by"], "fingerprint");
    let watermark = json["verification"]["carriers"]
        .as_array()
        .and_then(|carriers| carriers.iter().find(|one| one["carrier"] == "watermark"))
        .unwrap();
    assert_eq!(watermark["finding"]["state"], "recovered");

    // A second signature into the same store, and both are found.
    ok(&["sign", "--watermark-psnr", "44", "photo.jpg", "again.jpg"]);
    ok(&["verify", "again.jpg"]);
    ok(&["verify", "signed.jpg"]);
}

#[test]
fn a_recovered_proof_never_says_unaltered_and_a_replaced_part_is_named() {
    let folder = folder();
    let at = folder.path();
    for args in [
        &["keys", "generate"][..],
        &["sign", "photo.jpg", "signed.jpg"],
        &["apply", "messaging/whatsapp", "signed.jpg", "received.jpg"],
    ] {
        assert_eq!(code(&credlink(at, args)), exit::OK, "{args:?}");
    }
    // A tenth of the picture, from elsewhere in it and upside down.
    let mut picture = image::open(at.join("received.jpg")).unwrap().to_rgb8();
    let (width, height) = (picture.width() / 3, picture.height() / 3);
    let part = image::imageops::crop_imm(&picture, width / 8, height, width, height).to_image();
    let part = image::imageops::rotate180(&part);
    image::imageops::replace(
        &mut picture,
        &part,
        i64::from(width + width / 3),
        i64::from(height + height / 4),
    );
    picture.save(at.join("edited.jpg")).unwrap();

    for (file, expected) in [("received.jpg", "alike"), ("edited.jpg", "altered")] {
        let json = credlink(at, &["verify", "--json", file]);
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json["content"]["verdict"], expected, "{file}: {json}");
        let said = text(&credlink(at, &["verify", file]));
        if json["verdict"] == "found" {
            assert!(said.contains("may have been altered"), "{file}: {said}");
        } else {
            assert!(said.contains("do not confirm it"), "{file}: {said}");
            assert_eq!(json["verdict"], "unconfirmed", "{file}: {json}");
        }
        for word in ["unaltered", "intact", "authentic", "genuine", "unchanged"] {
            assert!(!said.to_lowercase().contains(word), "{file}: {said}");
            assert!(!json.to_string().contains(word), "{file}: {json}");
        }
    }
    // Only a valid manifest binds every byte; then there is nothing to compare.
    let json = credlink(at, &["verify", "--json", "signed.jpg"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["conclusion"]["accepted"]["state"], "intact");
    assert!(json["content"].is_null());
}

#[test]
fn verify_tells_nothing_from_broken_and_foreign_by_its_exit_code() {
    let folder = folder();
    let at = folder.path();
    for args in [
        &["keys", "generate"][..],
        &["keys", "generate", "other"],
        &["sign", "photo.jpg", "signed.jpg"],
    ] {
        assert_eq!(code(&credlink(at, args)), exit::OK);
    }
    let mut bytes = std::fs::read(at.join("signed.jpg")).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    std::fs::write(at.join("tampered.jpg"), bytes).unwrap();
    // In a folder without a store only the file itself can speak.
    let elsewhere = at.join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    for (file, keys, expected) in [
        ("../photo.jpg", "../credlink-keys", exit::NO_PROOF),
        ("../signed.jpg", "../credlink-keys", exit::OK),
        ("../signed.jpg", "../other", exit::FOREIGN),
        ("../tampered.jpg", "../credlink-keys", exit::BROKEN),
    ] {
        let output = credlink(&elsewhere, &["verify", file, "--keys", keys]);
        assert_eq!(code(&output), expected, "{file} {keys}: {}", text(&output));
    }
    // With the store the fingerprint leads to the proof, and the manifest tells that the file was changed.
    assert_eq!(
        code(&credlink(at, &["verify", "tampered.jpg"])),
        exit::ALTERED
    );
    // What cannot be read is no answer: an empty file, another kind of file, a header without a picture.
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08mdat";
    let contents: [(&str, &[u8]); 4] = [
        ("empty.jpg", b""),
        ("words.txt", b"no picture"),
        ("phone.heic", heic),
        ("torn.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
    ];
    for (name, bytes) in contents {
        std::fs::write(at.join(name), bytes).unwrap();
        let output = credlink(at, &["verify", name]);
        assert_eq!(code(&output), exit::UNREADABLE, "{}", text(&output));
        assert!(
            text(&output).contains("could not be read"),
            "{}",
            text(&output)
        );
    }
    let mistyped = credlink(at, &["verify", "signed.jpg", "--store", "sotre"]);
    assert_eq!(code(&mistyped), exit::FAILURE);
    assert!(text(&mistyped).contains("sotre"), "{}", text(&mistyped));
}

#[test]
fn a_failed_signature_leaves_the_store_as_it_was() {
    let folder = folder();
    let at = folder.path();
    assert_eq!(code(&credlink(at, &["keys", "generate"])), exit::OK);
    assert_eq!(
        code(&credlink(at, &["sign", "photo.jpg", "a.jpg"])),
        exit::OK
    );
    // The name is taken: nothing is registered, and the next attempt works.
    assert_eq!(
        code(&credlink(at, &["sign", "photo.jpg", "a.jpg"])),
        exit::FAILURE
    );
    assert_eq!(code(&credlink(at, &["verify", "a.jpg"])), exit::OK);
    let records = std::fs::read_to_string(at.join("credlink-store/proofs/records.jsonl")).unwrap();
    assert_eq!(records.lines().count(), 2, "a header and one proof");
    assert_eq!(
        code(&credlink(at, &["sign", "photo.jpg", "b.jpg"])),
        exit::OK
    );
}

#[test]
fn mistakes_are_named_with_what_to_do() {
    let folder = folder();
    let at = folder.path();
    std::fs::create_dir(at.join("there")).unwrap();
    std::fs::write(at.join("note.txt"), "no image").unwrap();
    std::fs::create_dir(at.join("badkeys")).unwrap();
    std::fs::write(at.join("badkeys/key.pem"), "no key").unwrap();
    std::fs::create_dir(at.join("nothing")).unwrap();
    for (args, expected) in [
        (
            &["pipelines", "show", "socail/bluesky"][..],
            "did you mean social/bluesky",
        ),
        (
            &["survival", "--ops", "10", "--pipelines", "mesaging"],
            "no pipeline or family is called `mesaging`",
        ),
        (&["survival", "--ops", "10", "--out", "there"], "there"),
        (
            &["survival", "--ops", "10", "--out", "/proc/nowhere/run"],
            "/proc/nowhere",
        ),
        (
            &["survival", "--ops", "10", "--images", "nothing"],
            "nothing",
        ),
        (&["survival", "--ops", "10", "--images", "absent"], "absent"),
        (&["survival", "--ops", "10", "--keys", "badkeys"], "key.pem"),
        (&["sign", "photo.jpg", "out.jpg"], "keys generate"),
        (
            &["apply", "messaging/whatsapp", "note.txt", "out.jpg"],
            "note.txt",
        ),
        (
            &["apply", "messaging/whatsapp", "photo.jpg", "note.txt"],
            "never overwritten",
        ),
        (&["report", "there"], "there"),
        (&["verify", "photo.jpg", "--keys", "nokeys"], "nokeys"),
    ] {
        let output = credlink(at, args);
        assert_eq!(code(&output), exit::FAILURE, "{args:?}: {}", text(&output));
        assert!(
            text(&output).contains(expected),
            "{args:?} should mention \"{expected}\": {}",
            text(&output)
        );
        assert!(
            !text(&output).contains("panicked"),
            "{args:?}: {}",
            text(&output)
        );
    }
    assert_eq!(
        std::fs::read_to_string(at.join("note.txt")).unwrap(),
        "no image"
    );
    for args in [
        &["survival", "--ops", "0"][..],
        &["survival", "--ops", "5", "--per-pipeline", "5"],
        &["fly"],
    ] {
        assert_eq!(code(&credlink(at, args)), exit::USAGE, "{args:?}");
    }
}

#[test]
fn a_run_writes_its_directory_and_the_report_is_the_same_when_made_again() {
    let folder = folder();
    let at = folder.path();
    let args = [
        "survival",
        "--ops",
        "8",
        "--pipelines",
        "controls/identity,controls/stripped,edits/resize-half",
        "--out",
        "run",
        "--threads",
        "2",
    ];
    let output = credlink(at, &args);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let run = at.join("run");
    let table = std::fs::read_to_string(run.join("tables/survival.md")).unwrap();
    assert!(
        table.contains("controls/identity") && table.contains("edits/resize-half"),
        "{table}"
    );
    // The run directory is all that is needed to verify its files.
    let first = std::fs::read_dir(run.join("signed"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let output = credlink(
        at,
        &[
            "verify",
            first.to_str().unwrap(),
            "--keys",
            "run",
            "--store",
            "run",
        ],
    );
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    for file in [
        "run.json",
        "rows.parquet",
        "proofs/records.jsonl",
        "tables/latency.csv",
        "tables/survival.json",
    ] {
        assert!(run.join(file).metadata().unwrap().len() > 0, "{file}");
    }
    assert!(std::fs::read_dir(run.join("plots")).unwrap().count() >= 4);
    assert_eq!(std::fs::read_dir(run.join("signed")).unwrap().count(), 3);
    std::fs::remove_dir_all(run.join("tables")).unwrap();
    let output = credlink(at, &["report", "run"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert_eq!(
        std::fs::read_to_string(run.join("tables/survival.md")).unwrap(),
        table
    );
}

#[test]
fn unreadable_images_are_reported_and_left_out() {
    let folder = folder();
    let at = folder.path();
    std::fs::create_dir(at.join("images")).unwrap();
    let set = SyntheticSet::new(9);
    for index in 0..5 {
        let image = set.load(index).unwrap();
        std::fs::write(
            at.join(format!("images/{index}.{}", image.entry.format.extension())),
            image.bytes,
        )
        .unwrap();
    }
    let photo = std::fs::read(at.join("photo.jpg")).unwrap();
    std::fs::write(
        at.join("images/cut.png"),
        [&b"\x89PNG\r\n\x1a\n"[..], &photo[..200]].concat(),
    )
    .unwrap();
    std::fs::write(at.join("images/empty.jpg"), b"").unwrap();
    let output = credlink(
        at,
        &[
            "survival",
            "--ops",
            "6",
            "--pipelines",
            "controls",
            "--images",
            "images",
            "--out",
            "run",
        ],
    );
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert!(text(&output).contains("cut.png"), "{}", text(&output));
}

#[test]
fn a_watermark_is_read_back_after_posting_and_only_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let set = SyntheticSet::new(5);
    let index = (0..500)
        .find(|index| set.entry(*index).class == "texture" && set.entry(*index).width > 900)
        .unwrap();
    std::fs::write(at.join("photo"), set.load(index).unwrap().bytes).unwrap();
    std::fs::write(at.join("key"), "a secret of more than 16 bytes").unwrap();
    std::fs::write(at.join("other"), "another secret of the same size").unwrap();
    std::fs::write(at.join("short"), "too short").unwrap();
    #[cfg(unix)]
    for key in ["key", "other", "short"] {
        use std::os::unix::fs::PermissionsExt;
        let open = credlink(at, &["watermark", "detect", "photo", "--key", key]);
        assert_eq!(code(&open), exit::FAILURE);
        assert!(text(&open).contains("chmod 600"), "{}", text(&open));
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(at.join(key), private).unwrap();
    }

    let id = "00112233aabbccdd";
    let embedded = credlink(
        at,
        &[
            "watermark",
            "embed",
            "photo",
            "marked",
            "--key",
            "key",
            "--id",
            id,
        ],
    );
    assert_eq!(code(&embedded), exit::OK, "{}", text(&embedded));
    assert!(text(&embedded).contains("PSNR 4"), "{}", text(&embedded));
    assert_eq!(
        code(&credlink(
            at,
            &["apply", "messaging/whatsapp", "marked", "received"]
        )),
        exit::OK
    );
    let found = credlink(at, &["watermark", "detect", "received", "--key", "key"]);
    assert_eq!(code(&found), exit::OK, "{}", text(&found));
    assert!(text(&found).starts_with(id), "{}", text(&found));

    for (file, key) in [("received", "other"), ("photo", "key")] {
        let nothing = credlink(at, &["watermark", "detect", file, "--key", key]);
        assert_eq!(
            code(&nothing),
            exit::NO_PROOF,
            "{file} {key}: {}",
            text(&nothing)
        );
    }
    let inspected = credlink(
        at,
        &[
            "watermark",
            "inspect",
            "photo",
            "--key",
            "key",
            "--residual",
            "residual.png",
        ],
    );
    assert!(
        text(&inspected).contains("gate") && at.join("residual.png").exists(),
        "{}",
        text(&inspected)
    );
    let short = credlink(at, &["watermark", "detect", "photo", "--key", "short"]);
    assert_eq!(code(&short), exit::FAILURE);
    assert!(text(&short).contains("16"), "{}", text(&short));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_is_written_and_marked_as_partial() {
    let folder = folder();
    let at = folder.path();
    let mut child = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args([
            "survival",
            "--ops",
            "100000",
            "--pipelines",
            "controls,edits",
            "--out",
            "run",
            "--threads",
            "1",
        ])
        .current_dir(at)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Interrupt as soon as the run signs: its files appear one by one.
    let signed = at.join("run/signed");
    for _ in 0..600 {
        if std::fs::read_dir(&signed).is_ok_and(|files| files.count() >= 2) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(i32::from(exit::INTERRUPTED)));
    let header: serde_json::Value =
        serde_json::from_slice(&std::fs::read(at.join("run/run.json")).unwrap()).unwrap();
    assert_eq!(header["partial"], true);
}

#[test]
fn files_of_a_service_are_explained_by_its_recipe_and_become_evidence() {
    let folder = folder();
    let at = folder.path();
    let says = |args: &[&str], exit: u8, words: &[&str]| {
        let output = credlink(at, args);
        assert_eq!(code(&output), exit, "{args:?}: {}", text(&output));
        for word in words {
            assert!(text(&output).contains(word), "{args:?}: {}", text(&output));
        }
        text(&output)
    };
    let calibrate = |args: &[&'static str]| {
        let mut all = vec!["pipelines", "calibrate"];
        all.extend(args);
        all
    };
    says(
        &["apply", "messaging/messenger", "photo.jpg", "down.jpg"],
        exit::OK,
        &[],
    );
    let pair = ["messaging/messenger", "photo.jpg", "down.jpg"];
    says(
        &calibrate(&pair),
        exit::OK,
        &["explains every parameter", "identical"],
    );
    let wrong = [
        "social/tumblr@side=1280",
        "photo.jpg",
        "down.jpg",
        "--patch",
        "fix.patch",
    ];
    says(&calibrate(&wrong), exit::OK, &["jpeg.quality = 45"]);
    let patch = std::fs::read_to_string(at.join("fix.patch")).unwrap();
    assert!(
        patch.contains("+++ b/transforms/recipes/social/tumblr.toml")
            && patch.contains("quality = 45")
    );
    let ranked = says(
        &calibrate(&["messaging", "photo.jpg", "down.jpg"]),
        exit::OK,
        &["explain less"],
    );
    assert!(
        ranked
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("messaging/messenger "),
        "{ranked}"
    );
    // What came back alone, by its tables and scans.
    let alone = says(
        &calibrate(&["messaging", "down.jpg"]),
        exit::OK,
        &["explain less"],
    );
    assert!(
        alone
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("messaging/messenger "),
        "{alone}"
    );
    let record = ["messaging/messenger", "down.jpg", "--record", "seen.tsv"];
    says(&calibrate(&record), exit::USAGE, &["--platform"]);
    let mut whole = calibrate(&record);
    whole.extend([
        "--platform",
        "messenger",
        "--year",
        "2026",
        "--source",
        "someone/files@abc",
    ]);
    says(&whole, exit::OK, &[]);
    says(&whole, exit::OK, &[]);
    let rows = std::fs::read_to_string(at.join("seen.tsv")).unwrap();
    assert_eq!(rows.lines().count(), 3, "{rows}");
    let fields: Vec<&str> = rows.lines().nth(1).unwrap().split('\t').collect();
    assert_eq!(fields[..3], ["messenger", "2026", "someone/files"]);
    assert_eq!(
        fields[6..11],
        ["45", "4092", "6116", "4:2:0", "base:1"],
        "{rows}"
    );
    says(
        &calibrate(&["messaging/messenger", "nothing.jpg", "down.jpg"]),
        exit::FAILURE,
        &["nothing.jpg"],
    );
    says(
        &calibrate(&["nobody", "down.jpg"]),
        exit::FAILURE,
        &["no pipeline or family"],
    );
}
