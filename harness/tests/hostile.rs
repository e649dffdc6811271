//! The command line under people who kill it, crowd it, and hand it what has no end, odd names or the same picture twice.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::process::Command;

use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_harness::exit;
use credlink_sign_core::store::ProofStore;
use support::{code, credlink, folder, text};

#[cfg(unix)]
#[test]
fn four_signers_at_once_all_keep_their_proof() {
    let folder = folder();
    let at = folder.path();
    assert_eq!(code(&credlink(at, &["keys", "generate"])), exit::OK);
    std::thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || {
                let out = format!("signed{number}.jpg");
                let output = credlink(at, &["sign", "--no-watermark", "photo.jpg", &out]);
                assert_eq!(code(&output), exit::OK, "{}", text(&output));
            });
        }
    });
    let proofs = || ProofStore::open(&at.join("credlink-store")).unwrap().len();
    assert_eq!(proofs(), 4);
    // A name that is taken is refused before anything is kept.
    let taken = credlink(at, &["sign", "--no-watermark", "photo.jpg", "signed0.jpg"]);
    assert_eq!(code(&taken), exit::FAILURE);
    assert!(
        text(&taken).contains("never overwritten"),
        "{}",
        text(&taken)
    );
    assert_eq!(proofs(), 4);
}

#[cfg(unix)]
#[test]
fn a_signer_that_is_killed_at_any_moment_leaves_no_signed_file_without_its_proof() {
    let folder = folder();
    let at = folder.path();
    assert_eq!(code(&credlink(at, &["keys", "generate"])), exit::OK);
    let mut killed = 0;
    for number in 0..24 {
        let out = format!("signed{number}.jpg");
        let mut child = Command::new(env!("CARGO_BIN_EXE_credlink"))
            .args(["sign", "--no-watermark", "photo.jpg", &out])
            .current_dir(at)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(4 * number));
        killed += u32::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
        if at.join(&out).exists() {
            let json = credlink(at, &["verify", "--json", &out]);
            let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
            let content = &json["conclusion"]["accepted"];
            assert_eq!(content["state"], "intact", "{json}");
            assert_eq!(
                json["verification"]["carriers"][1]["finding"]["state"],
                "recovered"
            );
        }
    }
    assert!(killed > 0, "every signer was faster than the killer");
    // Nobody is left locked out.
    let last = credlink(at, &["sign", "--no-watermark", "photo.jpg", "last.jpg"]);
    assert_eq!(code(&last), exit::OK, "{}", text(&last));
}

#[cfg(unix)]
#[test]
fn what_has_no_end_is_not_read() {
    let folder = folder();
    let at = folder.path();
    assert_eq!(code(&credlink(at, &["keys", "generate"])), exit::OK);
    let made = Command::new("mkfifo").arg(at.join("pipe.jpg")).status();
    assert!(made.unwrap().success());
    for file in ["/dev/zero", "pipe.jpg", "."] {
        for args in [
            &["verify", file][..],
            &["sign", file, "out.jpg"],
            &["apply", "social/x", file, "out.jpg"],
            &["gate", file, "."],
            &["watermark", "detect", file, "--key", file],
        ] {
            let output = credlink(at, args);
            let expected = match args[0] {
                "verify" => exit::UNREADABLE,
                _ => exit::FAILURE,
            };
            assert_eq!(code(&output), expected, "{args:?}: {}", text(&output));
            assert!(text(&output).contains(file), "{args:?}: {}", text(&output));
        }
    }
}

#[test]
fn names_of_files_cannot_write_on_the_terminal() {
    let folder = folder();
    let at = folder.path();
    assert_eq!(code(&credlink(at, &["keys", "generate"])), exit::OK);
    let name = "\u{1b}[31mred\u{202e}gpj.jpg";
    std::fs::write(at.join(name), b"no image").unwrap();
    for args in [
        &["apply", "social/x", name, "out.jpg"][..],
        &["sign", name, "out.jpg"],
    ] {
        let said = text(&credlink(at, args));
        assert!(said.contains(r"\u001b[31mred\u202egpj.jpg"), "{said:?}");
        assert!(
            !said.contains('\u{1b}') && !said.contains('\u{202e}'),
            "{said:?}"
        );
    }
}

#[test]
fn a_bmp_file_is_left_out_and_a_picture_in_two_formats_is_one_source() {
    let folder = folder();
    let at = folder.path();
    let set = SyntheticSet::new(5);
    let pictures = at.join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    let mut count = 0;
    for index in 0..40 {
        let image = set.load(index).unwrap();
        if image.entry.class == "landscape" || image.entry.class == "architecture" {
            let picture = image::load_from_memory(&image.bytes).unwrap();
            picture.save(pictures.join(format!("{index}.png"))).unwrap();
            picture
                .to_rgb8()
                .save(pictures.join(format!("{index}.jpg")))
                .unwrap();
            let small = picture.thumbnail(640, 640).to_rgb8();
            small
                .save(pictures.join(format!("{index}-small.jpg")))
                .unwrap();
            if count == 0 {
                picture.to_rgb8().save(pictures.join("odd.bmp")).unwrap();
            }
            count += 1;
        }
    }
    assert!(count >= 4, "{count}");
    let run = credlink(
        at,
        &[
            "survival",
            "--images",
            "pictures",
            "--pipelines",
            "controls,messaging/whatsapp",
            "--per-pipeline",
            "12",
            "--out",
            "run",
            "--no-watermark",
            "--threads",
            "2",
        ],
    );
    let said = text(&run);
    assert!(
        said.contains("odd.bmp") && said.contains("cannot be signed"),
        "{said}"
    );
    let copies = format!("{} files show {count} pictures", 3 * count);
    assert!(said.contains(&copies), "{copies}: {said}");
    assert_eq!(code(&run), exit::OK, "{said}");
}
