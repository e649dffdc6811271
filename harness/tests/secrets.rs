//! Private keys and watermark secrets, looked for in everything that commands print and leave behind.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use credlink_harness::exit;
use support::{code, credlink, folder, small_pictures, text};

/// A secret in one of the ways in which it might be written.
struct Spelling {
    how: String,
    bytes: Vec<u8>,
}

/// The ways in which a program might write bytes.
fn spellings(of: &str, secret: &[u8]) -> Vec<Spelling> {
    let decimal = |between: &str| {
        let bytes: Vec<String> = secret.iter().map(u8::to_string).collect();
        bytes.join(between)
    };
    let hexadecimal: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![
        ("as it is".to_owned(), secret.to_vec()),
        (
            "in upper case".to_owned(),
            hexadecimal.to_uppercase().into(),
        ),
        ("in hexadecimal".to_owned(), hexadecimal.into()),
        ("as a list".to_owned(), decimal(", ").into()),
        ("as a short list".to_owned(), decimal(",").into()),
    ];
    // Wherever in a text of base64 the secret begins: the digits that are its own alone. The body of a PEM file is among
    // them, which is PKCS#8 in DER, with the seed 16 bytes into it.
    for (name, engine) in [("base64", &STANDARD), ("base64 of addresses", &URL_SAFE)] {
        for before in 0..3 {
            let whole = engine.encode([&[0; 2][..before], secret].concat());
            let own = (before * 8).div_ceil(6)..(before + secret.len()) * 8 / 6;
            all.push((format!("in {name}, {before} bytes in"), whole[own].into()));
        }
    }
    let spelling = |(how, bytes)| Spelling {
        how: format!("{of} {how}"),
        bytes,
    };
    all.into_iter().map(spelling).collect()
}

/// The private key of an identity and the watermark secret beside it, in every spelling.
fn secrets(keys: &Path) -> Vec<Spelling> {
    let pem = std::fs::read_to_string(keys.join("key.pem")).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).unwrap();
    // RFC 8410, section 7: the seed is an octet string in an octet string; the public key may follow.
    let head = [0x04, 0x22, 0x04, 0x20];
    let at = der.windows(4).position(|part| part == head).unwrap() + 4;
    let mut all = spellings("the private key", &der[at..at + 32]);
    // The first line of the PEM text.
    all.extend(spellings("the private key's structure", &der[..at + 32]));
    if let Ok(secret) = std::fs::read(keys.join("watermark.key")) {
        all.extend(spellings("the watermark secret", &secret));
        let text = std::str::from_utf8(&secret).unwrap();
        let digits = (0..text.len()).step_by(2);
        let bytes: Vec<u8> = digits
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect();
        all.extend(spellings("the watermark secret's bytes", &bytes));
    }
    all
}

/// The spellings that stand in some bytes.
fn found<'a>(bytes: &[u8], secrets: &'a [Spelling]) -> Vec<&'a str> {
    let stands = |spelling: &&Spelling| {
        let [first, ..] = spelling.bytes[..] else {
            return false;
        };
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == first) {
            if rest[at..].starts_with(&spelling.bytes) {
                return true;
            }
            rest = &rest[at + 1..];
        }
        false
    };
    let standing = secrets.iter().filter(stands);
    standing.map(|spelling| spelling.how.as_str()).collect()
}

/// Every regular file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match std::fs::symlink_metadata(&path).unwrap() {
            about if about.is_dir() => all.extend(files(&path)),
            about if about.is_file() => all.push(path),
            _ => {}
        }
    }
    all
}

/// Looks through a folder. Where secrets may lie, nobody else may read.
fn look_through(folder: &Path, secrets: &[Spelling], may_hold: &dyn Fn(&Path) -> bool) {
    let files = files(folder);
    assert!(!files.is_empty());
    for file in files {
        if may_hold(&file) {
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: mode {mode:o}", file.display());
            continue;
        }
        let found = found(&std::fs::read(&file).unwrap(), secrets);
        assert!(found.is_empty(), "{} holds {found:?}", file.display());
    }
}

#[test]
fn whoever_looks_finds_every_spelling() {
    let secrets = spellings("a secret", &(100..132).collect::<Vec<u8>>());
    for spelling in &secrets {
        let text = [b"before ", &spelling.bytes[..], b" behind"].concat();
        assert!(found(&text, &secrets).contains(&spelling.how.as_str()));
        let broken = [&spelling.bytes[1..], b" behind"].concat();
        assert!(!found(&broken, &secrets).contains(&spelling.how.as_str()));
    }
    // A key file is one text that holds some of them.
    let folder = tempfile::tempdir().unwrap();
    let made = credlink(folder.path(), &["keys", "generate", "keys"]);
    assert_eq!(code(&made), exit::OK);
    let keys = folder.path().join("keys");
    let secrets = self::secrets(&keys);
    for (name, how) in [
        ("key.pem", "the private key in base64, 1 bytes in"),
        (
            "key.pem",
            "the private key's structure in base64, 0 bytes in",
        ),
        ("watermark.key", "the watermark secret as it is"),
    ] {
        let bytes = std::fs::read(keys.join(name)).unwrap();
        let found = found(&bytes, &secrets);
        assert!(found.contains(&how), "{name}: {found:?}");
    }
}

/// What is called with the keys in `keys`, one after the other, and the code that it ends with.
const COMMANDS: &[(u8, &str)] = &[
    (exit::OK, "keys show keys"),
    (exit::OK, "sign photo.jpg signed.jpg --keys keys --json"),
    (
        exit::OK,
        "sign photo.jpg plain.jpg --keys keys --no-watermark --thumbnail",
    ),
    (exit::OK, "verify signed.jpg --keys keys --json"),
    (exit::OK, "verify signed.jpg plain.jpg --keys keys"),
    (
        exit::OK,
        "watermark embed photo.jpg marked.jpg --id 1122334455667788 --key keys/watermark.key",
    ),
    (
        exit::OK,
        "watermark detect marked.jpg --key keys/watermark.key --json",
    ),
    (exit::OK, "systems --json"),
    (exit::OK, "systems show credlink"),
    (
        exit::OK,
        "survival --images pictures --ops 24 --pipelines controls,social/x --keys keys --out run",
    ),
    (
        exit::OK,
        "survival --images pictures --ops 24 --pipelines controls,social/x --keys keys --json --out other",
    ),
    (
        exit::OK,
        "register --images pictures --ops 24 --pipelines controls,social/x --keys keys --shard 1/1 --out registry",
    ),
    (
        exit::OK,
        "survival --registry registry --shard 1/1 --images pictures --ops 24 --pipelines controls,social/x --keys keys --out part",
    ),
    (exit::OK, "merge part --registry registry --out merged"),
    (exit::OK, "report run"),
    (exit::OK, "report run --format json"),
    (exit::OK, "report run --format csv --table survival"),
    (exit::OK, "compare run run --json"),
    (exit::OK, "evidence run --out evidence"),
    (exit::DIFFERS, "replay run 0 --json"),
    (exit::OK, "sign-run run --keys keys"),
    (exit::OK, "sign-run run --keys keys --check --json"),
    (exit::OK, "publish site run"),
    (exit::OK, "apply social/x signed.jpg sent.jpg"),
    // Mistakes: keys that others may read, keys in the place of something else, and of each other.
    (exit::FAILURE, "sign photo.jpg open.jpg --keys open"),
    (exit::FAILURE, "sign photo.jpg cut.jpg --keys cut"),
    (exit::FAILURE, "sign photo.jpg swapped.jpg --keys swapped"),
    (exit::FAILURE, "sign keys/key.pem key.jpg --keys keys"),
    (
        exit::FAILURE,
        "sign photo.jpg other.jpg --keys keys --key keys/key.pem --chain keys/key.pem",
    ),
    (
        exit::UNREADABLE,
        "verify keys/key.pem keys/watermark.key --keys keys --json",
    ),
    (
        exit::FAILURE,
        "watermark detect photo.jpg --key open/watermark.key",
    ),
    (
        exit::FAILURE,
        "survival --images pictures --ops 24 --keys swapped --out swapped-run",
    ),
    (
        exit::FAILURE,
        "survival --images keys --ops 24 --out no-images",
    ),
    (exit::FAILURE, "gate keys/key.pem run"),
    (exit::FAILURE, "report keys/key.pem"),
    (exit::FAILURE, "keys generate keys"),
];

#[test]
fn no_command_prints_or_leaves_a_secret_anywhere_but_in_its_file() {
    let folder = folder();
    let at = folder.path();
    small_pictures(at, 8);
    assert_eq!(code(&credlink(at, &["keys", "generate", "keys"])), exit::OK);
    let secrets = secrets(&at.join("keys"));
    // The same keys, each with something amiss.
    for (name, key, secret, mode) in [
        ("open", "key.pem", "watermark.key", 0o644),
        ("cut", "key.pem", "watermark.key", 0o600),
        ("swapped", "watermark.key", "key.pem", 0o600),
    ] {
        let wrong = at.join(name);
        std::fs::create_dir(&wrong).unwrap();
        for (from, to) in [
            (key, "key.pem"),
            (secret, "watermark.key"),
            ("chain.pem", "chain.pem"),
            ("anchor.pem", "anchor.pem"),
        ] {
            let mut bytes = std::fs::read(at.join("keys").join(from)).unwrap();
            if name == "cut" && from == "key.pem" {
                bytes.truncate(bytes.len() - 30);
            }
            std::fs::write(wrong.join(to), bytes).unwrap();
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(wrong.join(to), mode).unwrap();
        }
    }
    for (expected, command) in COMMANDS {
        let args: Vec<&str> = command.split(' ').collect();
        let output = credlink(at, &args);
        assert_eq!(code(&output), *expected, "{command}: {}", text(&output));
        for said in [&output.stdout, &output.stderr] {
            let found = found(said, &secrets);
            assert!(found.is_empty(), "{command} prints {found:?}");
        }
    }
    for made in std::fs::read_dir(at).unwrap() {
        let made = made.unwrap();
        let name = made.file_name();
        if ["keys", "open", "cut", "swapped"]
            .iter()
            .any(|ours| name == *ours)
        {
            continue;
        }
        match made.path() {
            file if file.is_file() => {
                let found = found(&std::fs::read(&file).unwrap(), &secrets);
                assert!(found.is_empty(), "{} holds {found:?}", file.display());
            }
            // Of keys that were given a run keeps the certificates alone.
            folder => look_through(&folder, &secrets, &|_| false),
        }
    }
    for made in ["run", "registry", "part", "merged", "site"] {
        assert!(at.join(made).exists(), "{made}");
    }
}

/// The command that is interrupted, with the key that it makes for itself.
fn of_its_own(at: &Path) -> std::process::Child {
    let args =
        "survival --images pictures --ops 400 --pipelines controls,social/x --threads 1 --out run";
    Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(args.split(' '))
        .current_dir(at)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_runs_own_key_lies_in_its_journal_alone_and_is_gone_when_the_run_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_pictures(at, 8);
    let mut child = of_its_own(at);
    let keys = at.join("run/journal/keys");
    let start = Instant::now();
    while !keys.join("key.pem").exists() || files(&at.join("run/signed")).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60), "no key was made");
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended by itself"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    let killed = child.wait_with_output().unwrap();
    let secrets = secrets(&keys);
    assert!(!secrets.is_empty());
    let is_key = |file: &Path| file.ends_with("journal/keys/key.pem");
    let is_of_seed = |file: &Path| file.ends_with("watermark.key");
    look_through(at, &secrets, &|file| is_key(file) || is_of_seed(file));
    assert!(keys.join("key.pem").exists());
    let resumed = credlink(at, &["survival", "--resume", "run"]);
    assert_eq!(code(&resumed), exit::OK, "{}", text(&resumed));
    let said = |output: &Output| [&output.stdout[..], &output.stderr].concat();
    for output in [&killed, &resumed] {
        let found = found(&said(output), &secrets);
        assert!(found.is_empty(), "{found:?}");
    }
    assert!(!at.join("run/journal").exists());
    look_through(at, &secrets, &is_of_seed);
}
