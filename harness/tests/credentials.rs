//! Certificates of the user's own and time stamps, made by OpenSSL as an authority would make them.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{code, credlink, folder, text};

/// Whether OpenSSL is here; where a switch asks for it, it must be.
fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output();
    let found = found.is_ok_and(|output| output.status.success());
    assert!(
        found || std::env::var_os("CREDLINK_REQUIRE_TOOLS").is_none(),
        "openssl is not installed"
    );
    if !found {
        eprintln!("skipped: openssl is not installed");
    }
    found
}

fn openssl(folder: &Path, args: &str) {
    let output = Command::new("openssl")
        .args(args.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "openssl {args}: {}", text(&output));
}

/// A root and an end entity of its own: `NAME.key`, `NAME.pem`, `NAME-root.pem`.
fn certificate(folder: &Path, name: &str, key: &str, usage: &str) {
    let root = format!(
        "req -x509 -newkey {key} -nodes -keyout {name}-root.key -out {name}-root.pem -days 2 -subj /O=Root/CN=Root \
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
    );
    openssl(folder, &root);
    let request = format!(
        "req -newkey {key} -nodes -keyout {name}.key -out {name}.csr -subj /O=Press/CN=Press"
    );
    openssl(folder, &request);
    std::fs::write(
        folder.join("extensions"),
        format!(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,{usage}\n\
             subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        ),
    )
    .unwrap();
    let issue = format!(
        "x509 -req -in {name}.csr -CA {name}-root.pem -CAkey {name}-root.key -CAcreateserial -days 2 -out {name}.pem \
         -extfile extensions{}",
        if key.ends_with("-sha512") {
            " -sha512"
        } else {
            ""
        }
    );
    openssl(folder, &issue);
}

fn signed(folder: &Path, out: &str, more: &[&str]) -> std::process::Output {
    credlink(
        folder,
        &[&["sign", "photo.jpg", out, "--no-watermark"], more].concat(),
    )
}

fn verified(folder: &Path, file: &str, more: &[&str]) -> Value {
    let output = credlink(folder, &[&["verify", file, "--json"], more].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)))
}

/// What the manifest carrier found.
fn state(answer: &Value) -> &str {
    let carriers = answer["verification"]["carriers"].as_array().unwrap();
    let of = |carrier: &&Value| carrier["carrier"] == "manifest";
    let found = carriers.iter().find(of).unwrap();
    found["finding"]["state"].as_str().unwrap()
}

#[test]
fn a_certificate_of_the_users_own_signs_the_manifest_and_the_record_makes_it_ours() {
    if !has_openssl() {
        return;
    }
    let folder = folder();
    let folder = folder.path();
    assert_eq!(code(&credlink(folder, &["keys", "generate"])), 0);
    for (algorithm, key) in [
        ("es256", "ec -pkeyopt ec_paramgen_curve:P-256"),
        ("es384", "ec -pkeyopt ec_paramgen_curve:P-384"),
        ("es512", "ec -pkeyopt ec_paramgen_curve:P-521 -sha512"),
        ("ps256", "rsa:2048"),
        ("ed25519", "ed25519"),
    ] {
        certificate(folder, algorithm, key, "emailProtection");
        let (key, chain) = (format!("{algorithm}.key"), format!("{algorithm}.pem"));
        let out = format!("{algorithm}.jpg");
        let output = signed(folder, &out, &["--key", &key, "--chain", &chain]);
        assert_eq!(code(&output), 0, "{algorithm}: {}", text(&output));
        let answer = verified(folder, &out, &[]);
        assert_eq!(state(&answer), "intact", "{algorithm}: {answer:#}");
        assert_eq!(answer["manifest"]["algorithm"], algorithm);
        assert_eq!(answer["manifest"]["standing"], "unknown-signer");
        let root = format!("{algorithm}-root.pem");
        let answer = verified(folder, &out, &["--trust", &root]);
        assert_eq!(answer["manifest"]["standing"], "trusted", "{algorithm}");
        // Where no record says so, it is somebody's.
        std::fs::create_dir_all(folder.join("elsewhere")).unwrap();
        let from = credlink(
            &folder.join("elsewhere"),
            &["verify", &format!("../{out}"), "--json"],
        );
        let answer: Value = serde_json::from_slice(&from.stdout).unwrap();
        assert_eq!(state(&answer), "foreign", "{algorithm}: {answer:#}");
    }
    // Signed again: the parent is under the same certificate, and the newer record names the newer file.
    let own = ["--key", "es256.key", "--chain", "es256.pem"];
    let again = ["sign", "es256.jpg", "again.jpg", "--no-watermark"];
    let output = credlink(folder, &[&again[..], &own].concat());
    assert_eq!(code(&output), 0, "{}", text(&output));
    assert_eq!(state(&verified(folder, "again.jpg", &[])), "intact");
    // The root does not belong into the chain.
    let both =
        ["es256.pem", "es256-root.pem"].map(|name| std::fs::read(folder.join(name)).unwrap());
    std::fs::write(folder.join("both.pem"), both.concat()).unwrap();
    let rooted = signed(
        folder,
        "rooted.jpg",
        &["--key", "es256.key", "--chain", "both.pem"],
    );
    assert_eq!(code(&rooted), 1);
    assert!(text(&rooted).contains("leave it out"), "{}", text(&rooted));
    // A key with another's certificate.
    certificate(
        folder,
        "other",
        "ec -pkeyopt ec_paramgen_curve:P-256",
        "emailProtection",
    );
    let mixed = signed(
        folder,
        "mixed.jpg",
        &["--key", "es256.key", "--chain", "other.pem"],
    );
    assert_eq!(code(&mixed), 1);
    assert!(text(&mixed).contains("does not belong"), "{}", text(&mixed));
    // One that is for servers alone.
    certificate(
        folder,
        "server",
        "ec -pkeyopt ec_paramgen_curve:P-256",
        "serverAuth",
    );
    let unfit = signed(
        folder,
        "unfit.jpg",
        &["--key", "server.key", "--chain", "server.pem"],
    );
    assert_eq!(code(&unfit), 1, "{}", text(&unfit));
    assert!(!folder.join("mixed.jpg").exists() && !folder.join("unfit.jpg").exists());
}

/// Answers one request for a stamp, as OpenSSL does, on a port of its own.
fn authority(folder: &Path) -> String {
    certificate(folder, "time", "rsa:2048", "timeStamping");
    std::fs::write(folder.join("serial"), "01\n").unwrap();
    std::fs::write(
        folder.join("authority.cnf"),
        "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=time.pem\ncerts=time-root.pem\nsigner_key=time.key\n\
         signer_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\ness_cert_id_alg=sha256\n",
    )
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut query = vec![0; length];
        reader.read_exact(&mut query).unwrap();
        std::fs::write(folder.join("query"), query).unwrap();
        openssl(
            &folder,
            "ts -reply -queryfile query -config authority.cnf -out reply",
        );
        let reply = std::fs::read(folder.join("reply")).unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\n\r\n",
            reply.len()
        );
        (&stream).write_all(head.as_bytes()).unwrap();
        (&stream).write_all(&reply).unwrap();
    });
    address
}

#[test]
fn a_time_stamp_says_when_and_without_an_answer_nothing_is_signed() {
    if !has_openssl() {
        return;
    }
    let folder = folder();
    let folder = folder.path();
    assert_eq!(code(&credlink(folder, &["keys", "generate"])), 0);
    let address = authority(folder);
    let output = signed(folder, "stamped.jpg", &["--time-authority", &address]);
    assert_eq!(code(&output), 0, "{}", text(&output));
    let answer = verified(folder, "stamped.jpg", &[]);
    assert_eq!(state(&answer), "intact", "{answer:#}");
    assert!(answer["manifest"]["time_stamp"].is_string(), "{answer:#}");
    assert_eq!(answer["manifest"]["is_time_stamp_trusted"], false);
    let answer = verified(folder, "stamped.jpg", &["--trust", "time-root.pem"]);
    assert_eq!(answer["manifest"]["is_time_stamp_trusted"], true);
    // Nobody listens there any more.
    let silent = signed(folder, "silent.jpg", &["--time-authority", &address]);
    assert_eq!(code(&silent), 1);
    assert!(text(&silent).contains("gave no stamp"), "{}", text(&silent));
    assert!(!folder.join("silent.jpg").exists());
}
