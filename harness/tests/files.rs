//! Files as people have them: signed before, damaged, misnamed, of strangers, in folders.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use credlink_harness::exit;
use serde_json::Value;
use support::{code, credlink, folder, text};

fn json(folder: &Path, args: &[&str]) -> (u8, Value) {
    let output = credlink(folder, args);
    let told = serde_json::from_slice(&output.stdout);
    (
        code(&output),
        told.unwrap_or_else(|_| panic!("{}", text(&output))),
    )
}

fn with_keys() -> tempfile::TempDir {
    let folder = folder();
    assert_eq!(
        code(&credlink(folder.path(), &["keys", "generate"])),
        exit::OK
    );
    folder
}

fn signed(folder: &Path, from: &str, to: &str) -> Value {
    let (code, told) = json(folder, &["sign", from, to, "--json"]);
    assert_eq!(code, exit::OK, "{told}");
    told
}

/// Changes a byte of the coded pixels, so that the manifest does not hold any more.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.len() - 200;
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_picture_signed_twice_leads_to_the_later_proof_and_tells_the_earlier_one() {
    let folder = with_keys();
    let at = folder.path();
    let first = signed(at, "photo.jpg", "one.jpg");
    let second = signed(at, "one.jpg", "two.jpg");
    let warnings = second["warnings"].to_string();
    assert!(
        warnings.contains(first["proof"].as_str().unwrap()),
        "{warnings}"
    );
    let (found, told) = json(at, &["verify", "two.jpg", "--json"]);
    assert_eq!(
        (found, &told["conclusion"]["accepted"]["proof"]),
        (exit::OK, &second["proof"])
    );
    assert_eq!(told["conclusion"]["chain"][0], first["proof"]);
    assert!(
        told["record"]["signed_at"]
            .as_u64()
            .is_some_and(|at| at > 1_700_000_000)
    );
    // A copy that lost its manifest and its link carries the first mark and shows the same picture.
    let sent = credlink(at, &["apply", "messaging/whatsapp", "two.jpg", "sent.jpg"]);
    assert_eq!(code(&sent), exit::OK, "{}", text(&sent));
    let (found, told) = json(at, &["verify", "sent.jpg", "--json"]);
    assert_eq!(
        (found, &told["conclusion"]["accepted"]["proof"]),
        (exit::OK, &second["proof"])
    );
    // Signed from the same original: two proofs, of which neither knows the other, and both are told.
    let third = signed(at, "photo.jpg", "three.jpg");
    let (found, told) = json(at, &["verify", "three.jpg", "--json"]);
    assert_eq!(
        (found, &told["conclusion"]["accepted"]["proof"]),
        (exit::OK, &third["proof"])
    );
}

#[test]
fn nothing_is_signed_over_an_invalid_manifest_without_being_told_to() {
    let folder = with_keys();
    let at = folder.path();
    signed(at, "photo.jpg", "one.jpg");
    damage(&at.join("one.jpg"));
    let refused = credlink(at, &["sign", "one.jpg", "two.jpg"]);
    assert_eq!(code(&refused), exit::FAILURE);
    assert!(
        text(&refused).contains("--drop-invalid-manifest"),
        "{}",
        text(&refused)
    );
    assert!(!at.join("two.jpg").exists());
    let told = credlink(
        at,
        &["sign", "one.jpg", "two.jpg", "--drop-invalid-manifest"],
    );
    assert_eq!(code(&told), exit::OK, "{}", text(&told));
    assert_eq!(code(&credlink(at, &["verify", "two.jpg"])), exit::OK);
}

#[test]
fn a_name_that_promises_another_format_is_refused() {
    let folder = with_keys();
    let at = folder.path();
    for args in [
        &["sign", "photo.jpg", "out.png"][..],
        &["apply", "social/x", "photo.jpg", "out.webp"],
    ] {
        let output = credlink(at, args);
        assert_eq!(code(&output), exit::FAILURE, "{args:?}");
        assert!(text(&output).contains("name it .jpg"), "{}", text(&output));
    }
    assert!(!at.join("out.png").exists() && !at.join("out.webp").exists());
}

#[test]
fn a_file_that_ends_early_is_signed_as_it_is_with_a_word() {
    let folder = with_keys();
    let at = folder.path();
    let whole = std::fs::read(at.join("photo.jpg")).unwrap();
    std::fs::write(at.join("cut.jpg"), &whole[..whole.len() * 2 / 3]).unwrap();
    let told = signed(at, "cut.jpg", "signed.jpg");
    assert!(
        told["warnings"].to_string().contains("ends before"),
        "{told}"
    );
    assert!(
        told["watermark"].to_string().contains("ends before"),
        "{told}"
    );
}

#[test]
fn a_lowest_psnr_is_held_in_the_file_or_the_mark_refused() {
    let folder = with_keys();
    let at = folder.path();
    for (floor, name) in [("46", "46.jpg"), ("60", "60.jpg")] {
        let args = [
            "sign",
            "photo.jpg",
            name,
            "--watermark-psnr",
            floor,
            "--json",
        ];
        let (code, told) = json(at, &args);
        assert_eq!(code, exit::OK);
        let floor: f64 = floor.parse().unwrap();
        match told["psnr"].as_f64() {
            Some(psnr) => assert!(psnr >= floor, "{psnr} for {floor}"),
            None => assert!(
                told["watermark"].to_string().contains("so little"),
                "{told}"
            ),
        }
    }
}

#[test]
fn a_stranger_is_told_what_a_manifest_says_without_any_keys() {
    let folder = with_keys();
    let at = folder.path();
    signed(at, "photo.jpg", "one.jpg");
    let elsewhere = tempfile::tempdir().unwrap();
    let file = at.join("one.jpg");
    let file = file.to_str().unwrap();
    let (found, told) = json(elsewhere.path(), &["verify", file, "--json"]);
    assert_eq!(
        (found, &told["manifest"]["standing"]),
        (exit::FOREIGN, &"unknown-signer".into())
    );
    assert_eq!(told["manifest"]["actions"][0]["action"], "c2pa.opened");
    let anchor = at.join("credlink-keys/anchor.pem");
    let args = [
        "verify",
        file,
        "--json",
        "--trust",
        anchor.to_str().unwrap(),
    ];
    let (found, told) = json(elsewhere.path(), &args);
    assert_eq!(
        (found, &told["manifest"]["standing"]),
        (exit::FOREIGN, &"trusted".into())
    );
}

#[test]
fn several_files_and_standard_input_are_answered_and_the_highest_code_is_given() {
    let folder = with_keys();
    let at = folder.path();
    signed(at, "photo.jpg", "one.jpg");
    std::fs::write(at.join("empty.jpg"), b"").unwrap();
    let (found, told) = json(
        at,
        &["verify", "one.jpg", "empty.jpg", "absent.jpg", "--json"],
    );
    assert_eq!(found, exit::UNREADABLE);
    let verdicts: Vec<&Value> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["verdict"])
        .collect();
    assert_eq!(verdicts, ["found", "unreadable", "unreadable"]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(["verify", "-"])
        .current_dir(at)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let bytes = std::fs::read(at.join("one.jpg")).unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(exit::OK.into()));
}

#[test]
fn what_a_run_leaves_out_is_told_in_one_line_by_reason() {
    let folder = folder();
    let at = folder.path();
    let images = at.join("images");
    std::fs::create_dir(&images).unwrap();
    let photo = std::fs::read(at.join("photo.jpg")).unwrap();
    std::fs::write(images.join("a.jpg"), &photo).unwrap();
    for number in 0..5 {
        std::fs::write(images.join(format!("copy{number}.jpg")), &photo).unwrap();
    }
    std::fs::write(images.join("b.heic"), b"\0\0\0\x18ftypheic\0\0\0\0heicmif1").unwrap();
    std::fs::write(images.join("c.jpg"), b"").unwrap();
    let output = credlink(
        at,
        &[
            "survival", "--ops", "4", "--images", "images", "--out", "run", "--quiet",
        ],
    );
    let told = text(&output);
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("left out"))
        .collect();
    assert_eq!(lines.len(), 1, "{told}");
    for part in ["5 a copy", "1 HEIC", "1 empty"] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
}
