//! The service as its users meet it: the real program, over HTTP, on this machine.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use credlink_harness::exit;
use redb::ReadableTable as _;
use serde_json::Value;

mod resolution;
mod started;
#[path = "../support/mod.rs"]
mod support;

use started::{Reply, Service, agent, copied, form, with_keys};
use support::{code, credlink, text};

#[test]
fn what_is_signed_is_found_and_told() {
    let (folder, photo) = with_keys();
    let service = Service::started(folder.path(), &[]);
    assert_eq!(service.get("/health").status, 200);
    assert_eq!(service.get("/ready").status, 200);
    let signed = service.post("/sign", "image/jpeg", &photo);
    assert_eq!(
        signed.status,
        200,
        "{}",
        String::from_utf8_lossy(&signed.body)
    );
    assert_eq!(signed.header("content-type"), "image/jpeg");
    let proof = signed.header("x-credlink-proof").to_owned();

    // As it is, as a form, and without its metadata.
    let (kind, body) = form("file", &signed.body);
    let copy = copied(&signed.body);
    for (kind, body, by) in [
        ("image/jpeg", &signed.body, "manifest"),
        (&*kind, &body, "manifest"),
        ("application/octet-stream", &copy, "fingerprint"),
    ] {
        let found = service.post("/verify", kind, body).json();
        assert_eq!(found["verdict"], "found", "{found}");
        assert_eq!(found["conclusion"]["accepted"]["proof"], proof);
        assert_eq!(found["conclusion"]["accepted"]["by"], by);
    }
    let all = service
        .post("/verify?depth=all", "image/jpeg", &signed.body)
        .json();
    let carriers = all["verification"]["carriers"].as_array().unwrap();
    assert_eq!(carriers.len(), credlink_sign_core::carriers::CARRIERS.len());
    let first = service.post("/verify", "image/jpeg", &signed.body).json();
    assert_eq!(
        first["verification"]["carriers"].as_array().unwrap().len(),
        1
    );

    let mut tampered = signed.body.clone();
    let at = tampered.len() - tampered.len() / 8;
    tampered[at] ^= 0x10;
    let said = service.post("/verify", "image/jpeg", &tampered).json();
    assert_eq!(said["verdict"], "altered", "{said}");

    let record = service.get(&format!("/proofs/{proof}")).json();
    assert_eq!(record["record"]["id"], proof);
    let manifest = service.get_as(&format!("/proofs/{proof}"), "application/c2pa");
    assert_eq!(manifest.header("content-type"), "application/c2pa");
    assert_eq!(&manifest.body[4..8], b"jumb");

    // Signed again: the record names the earlier proof, and the sender is told.
    let again = service.post("/sign?watermark=false", "image/jpeg", &photo);
    assert!(again.header("x-credlink-notes").contains(&proof));

    let status = service.get("/status.json").json();
    assert_eq!(status["proofs"], 2);
    assert_eq!(status["services"][0]["answers"], 2);
    let page = service.get("/status");
    assert!(String::from_utf8_lossy(&page.body).contains("The last five minutes"));
    let metrics = service.get("/metrics");
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(metrics.contains("credlink_proofs 2\n"), "{metrics}");
    assert!(metrics.contains("route=\"/sign\",method=\"POST\",status=\"200\"} 2\n"));

    service.signal("-TERM");
    let (status, log) = service.ended();
    assert_eq!(status, Some(0));
    // One JSON object a line, and nothing of any file or key.
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    assert!(log.contains("\"route\":\"/sign\""));
    let stored = credlink(
        folder.path(),
        &["store", "check", "redb:credlink-service.redb"],
    );
    assert_eq!(code(&stored), exit::OK, "{}", text(&stored));
    assert!(text(&stored).contains("2 of 2 proofs"));
}

#[test]
fn bad_requests_have_reasons() {
    let (folder, photo) = with_keys();
    let service = Service::started(
        folder.path(),
        &["--max-body-mib", "1", "--body-seconds", "2"],
    );
    for (path, kind, body, status, cause) in [
        ("/verify", "text/plain", &photo[..], 415, "content-type"),
        ("/sign", "application/json", b"{}", 415, "content-type"),
        (
            "/verify",
            "image/png",
            b"no picture",
            415,
            "unsupported-format",
        ),
        ("/sign", "image/jpeg", b"", 400, "empty"),
        ("/verify?depth=2", "image/jpeg", &photo, 400, "query"),
        ("/sign?colour=red", "image/jpeg", &photo, 400, "query"),
        (
            "/sign",
            "multipart/form-data; boundary=edge",
            b"--edge",
            400,
            "form",
        ),
        ("/sign", "multipart/form-data", &photo, 400, "form"),
        (
            "/verify",
            "image/jpeg",
            &vec![0; (1 << 20) + 1],
            413,
            "too-large",
        ),
        (
            "/sign",
            "image/jpeg",
            &photo[..photo.len().min(300)],
            422,
            "cannot-be-signed",
        ),
    ] {
        let answer = service.post(path, kind, body);
        assert_eq!(answer.problem(status), cause, "{path}, {kind}");
    }
    // A form without a file, and one that is cut off.
    let (kind, body) = form("file", &photo);
    let cut = service.post("/verify", &kind, &body[..body.len() / 2]);
    assert_eq!(cut.problem(400), "form");
    let text = b"--edge\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nb\r\n--edge--\r\n";
    assert_eq!(service.post("/verify", &kind, text).problem(400), "form");

    for (path, status, cause) in [
        ("/proofs/0123456789abcdef", 404, "unknown"),
        ("/proofs/0123456789abcde", 400, "bad-id"),
        ("/proofs/..%2f..%2fetc%2fpasswd", 400, "bad-id"),
        ("/nothing", 404, "no-route"),
    ] {
        assert_eq!(service.get(path).problem(status), cause, "{path}");
    }
    let html = service.get_as("/proofs/0123456789abcdef", "text/html");
    assert_eq!(html.problem(406), "not-acceptable");
    let wrong = service.get("/sign");
    assert_eq!(wrong.problem(405), "method-not-allowed");
    assert_eq!(wrong.header("allow"), "POST");

    // A body that never comes, one that ends early, and what is no request at all.
    let start = Instant::now();
    let mut slow = TcpStream::connect(service.address()).unwrap();
    let head = b"POST /verify HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc";
    slow.write_all(head).unwrap();
    let mut line = String::new();
    BufReader::new(&slow).read_line(&mut line).unwrap();
    assert!(line.contains("408"), "{line}");
    assert!(start.elapsed() < Duration::from_secs(15));
    let early = service.raw(head);
    assert!(early.is_empty() || early.contains("400"), "{early}");
    for garbage in [&b"\0\0\0\0"[..], b"GET / HTTP/9\r\n\r\n", b"GET\r\n\r\n"] {
        let answer = service.raw(garbage);
        assert!(answer.is_empty() || answer.contains(" 400 "), "{answer}");
    }
    assert_eq!(service.get("/health").status, 200);
}

#[test]
fn keys_open_what_they_are_for() {
    let (folder, photo) = with_keys();
    // SHA-256 of "open sesame".
    let digest = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";
    std::fs::write(folder.path().join("api-keys"), format!("press {digest}\n")).unwrap();
    let more = ["--api-keys", "api-keys", "--per-minute", "3"];
    let service = Service::started(folder.path(), &more);
    for path in ["/sign", "/verify", "/v1/matches/byContent"] {
        let refused = service.post(path, "image/jpeg", &photo);
        assert_eq!(refused.problem(401), "unauthorized", "{path}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    let with_key = |key: &str| {
        let request = agent().post(format!("{}/verify", service.url));
        let request = request.header("authorization", format!("Bearer {key}"));
        Reply::of(request.send(&photo[..]).unwrap())
    };
    assert_eq!(with_key("open sesam").problem(401), "unauthorized");
    for _ in 0..3 {
        assert_eq!(with_key("open sesame").status, 200);
    }
    let often = with_key("open sesame");
    assert_eq!(often.problem(429), "rate-limited");
    assert!(often.header("retry-after").parse::<u32>().unwrap() > 0);
    service.signal("-TERM");
    let (_, log) = service.ended();
    assert!(
        log.contains("\"who\":\"press\"") && !log.contains("sesame"),
        "{log}"
    );
}

#[test]
fn what_was_answered_outlives_a_kill() {
    let (folder, photo) = with_keys();
    let mut proofs = Vec::new();
    for _ in 0..3 {
        let service = Service::started(folder.path(), &[]);
        for proof in &proofs {
            assert_eq!(service.get(&format!("/proofs/{proof}")).status, 200);
        }
        for _ in 0..2 {
            let signed = service.post("/sign?watermark=false", "image/jpeg", &photo);
            proofs.push(signed.header("x-credlink-proof").to_owned());
        }
        service.signal("-KILL");
    }
    let url = "redb:credlink-service.redb";
    let checked = credlink(folder.path(), &["store", "check", url]);
    assert!(
        text(&checked).contains("6 of 6 proofs"),
        "{}",
        text(&checked)
    );
    // Copied, and copied once more: nothing is written twice.
    let copied = credlink(folder.path(), &["store", "copy", url, "redb:copy.redb"]);
    assert!(
        text(&copied).contains("6 proofs copied"),
        "{}",
        text(&copied)
    );
    let again = credlink(folder.path(), &["store", "copy", url, "redb:copy.redb"]);
    assert!(text(&again).contains("0 proofs copied"), "{}", text(&again));
    // One picture is looked up by what another looks like: it is named, and the others are as they were.
    let table = redb::TableDefinition::<u64, &[u8]>::new("looks");
    let file = redb::Database::open(folder.path().join("copy.redb")).unwrap();
    let writing = file.begin_write().unwrap();
    {
        let mut looks = writing.open_table(table).unwrap();
        let (id, mut bytes) = {
            let (id, bytes) = looks.first().unwrap().unwrap();
            (id.value(), bytes.value().to_vec())
        };
        bytes[0] ^= 1;
        looks.insert(id, &bytes[..]).unwrap();
    }
    writing.commit().unwrap();
    drop(file);
    let checked = credlink(folder.path(), &["store", "check", "redb:copy.redb"]);
    assert_eq!(code(&checked), exit::DIFFERS);
    let said = text(&checked);
    assert!(said.contains("5 of 6 proofs"), "{said}");
    assert!(said.contains("by another fingerprint"), "{said}");
    // Another signer's key: every record is named.
    let other = credlink(folder.path(), &["keys", "generate", "other"]);
    assert_eq!(code(&other), exit::OK);
    let checked = credlink(
        folder.path(),
        &["store", "check", "redb:copy.redb", "--keys", "other"],
    );
    assert_eq!(code(&checked), exit::DIFFERS);
    assert_eq!(
        text(&checked).matches("is not signed by our key").count(),
        6
    );
}

#[test]
fn a_full_service_turns_away_and_recovers() {
    let (folder, _) = with_keys();
    let service = Service::started(folder.path(), &["--places", "4", "--workers", "1"]);
    let tried = credlink(folder.path(), &["measure", "smoke", &service.url]);
    let said = text(&tried);
    assert_eq!(code(&tried), exit::OK, "{said}");
    assert!(
        said.contains("503 with") && said.contains("it answers again"),
        "{said}"
    );
    // What is tried can fail: against a service that is none.
    service.signal("-STOP");
    let probed = credlink(
        folder.path(),
        &[
            "measure",
            "probe",
            &service.url,
            "--looks",
            "1",
            "--every",
            "1s",
        ],
    );
    service.signal("-CONT");
    assert_eq!(code(&probed), exit::OK, "{}", text(&probed));
    assert!(
        text(&probed).contains("0.000 % of 1 look over"),
        "{}",
        text(&probed)
    );
    drop(service);
    let gone = credlink(folder.path(), &["measure", "smoke", "http://127.0.0.1:9"]);
    assert_eq!(code(&gone), exit::GATE_FAILED);
}

#[test]
fn settings_that_cannot_be_are_named() {
    let (folder, _) = with_keys();
    let says = |args: &[&str], what: &str| {
        let output = credlink(folder.path(), args);
        assert_ne!(code(&output), exit::OK, "{args:?}");
        assert!(text(&output).contains(what), "{args:?}: {}", text(&output));
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    says(&["serve", "--listen", &taken], "cannot listen at");
    says(&["serve", "--listen", "here"], "--listen");
    says(
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--store",
            "mysql://a:secret@b/c",
        ],
        "mysql",
    );
    says(
        &["serve", "--listen", "127.0.0.1:0", "--keys", "none"],
        "credlink keys generate",
    );
    std::fs::write(folder.path().join("wrong.toml"), "wokers = 2\n").unwrap();
    says(&["serve", "--config", "wrong.toml"], "wokers");
    std::fs::write(folder.path().join("right.toml"), "workers = 3\n").unwrap();
    let shown = credlink(
        folder.path(),
        &[
            "serve",
            "--config",
            "right.toml",
            "--places",
            "7",
            "--show-config",
        ],
    );
    assert!(text(&shown).contains("workers = 3") && text(&shown).contains("places = 7"));
    let description = credlink(folder.path(), &["serve", "--show-openapi"]);
    let description: Value = serde_json::from_slice(&description.stdout).unwrap();
    for path in ["/sign", "/verify", "/proofs/{id}", "/v1/matches/byContent"] {
        assert!(description["paths"][path].is_object(), "{path}");
    }
}
