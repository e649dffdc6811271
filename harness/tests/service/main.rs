//! The service as its users meet it: the real program, over HTTP, on this machine.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use credlink_harness::exit;
use credlink_sign_core::iscc::ImageCode;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

mod support;

use support::{code, credlink, folder, text};

/// A service that runs until it is dropped.
struct Service {
    child: Child,
    url: String,
    /// What it wrote on standard error, when it has ended.
    log: Option<std::thread::JoinHandle<String>>,
}

impl Service {
    fn started(folder: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_credlink"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(more)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        let mut log = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            text
        });
        let url = first.strip_prefix("listening at ").unwrap_or_else(|| {
            panic!("it did not start: {first}");
        });
        Self {
            child,
            url: url.split(',').next().unwrap().to_owned(),
            log: Some(log),
        }
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    fn get(&self, path: &str) -> Reply {
        self.get_as(path, "*/*")
    }

    fn get_as(&self, path: &str, accept: &str) -> Reply {
        let request = agent().get(format!("{}{path}", self.url));
        Reply::of(request.header("accept", accept).call().unwrap())
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> Reply {
        let request = agent().post(format!("{}{path}", self.url));
        Reply::of(request.header("content-type", kind).send(body).unwrap())
    }

    /// Sends bytes as they are, and reads what comes until the connection is closed.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // A connection that is reset has been answered as far as it goes.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let done = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(done.success());
    }

    /// What it logged, once it has ended by itself.
    fn ended(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        (status.code(), log)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Reply {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn of(response: Response<ureq::Body>) -> Self {
        let (parts, mut body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.read_to_vec().unwrap(),
        }
    }

    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: {text}", self.status))
    }

    /// The cause of a problem, whose form is that of RFC 9457.
    fn problem(&self, status: u16) -> String {
        let problem = self.json();
        assert_eq!(self.status, status, "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
        problem["code"].as_str().unwrap().to_owned()
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into()
}

/// A folder with keys and a photograph.
fn with_keys() -> (tempfile::TempDir, Vec<u8>) {
    let folder = folder();
    let made = credlink(folder.path(), &["keys", "generate"]);
    assert_eq!(code(&made), exit::OK, "{}", text(&made));
    let photo = std::fs::read(folder.path().join("photo.jpg")).unwrap();
    (folder, photo)
}

/// A JPEG file of the same pixels, and nothing beside them.
fn copied(file: &[u8]) -> Vec<u8> {
    let picture = image::load_from_memory(file).unwrap().to_rgb8();
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

fn form(name: &str, file: &[u8]) -> (String, Vec<u8>) {
    let mut body = format!(
        "--edge\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"p.jpg\"\r\ncontent-type: image/jpeg\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    ("multipart/form-data; boundary=edge".to_owned(), body)
}

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

/// By the ISCC of the record, with some bits wrong, and by the one of a copy with a border, which our fingerprint does not know.
fn is_resolved_by_image_code(service: &Service, code: &Value, copy: &[u8], urn: &str) {
    let mut code: ImageCode = code.as_str().unwrap().parse().unwrap();
    code.0[9] ^= 0x0f;
    let asked = |value: &[u8]| {
        let binding = json!({ "alg": "io.iscc.v0", "value": STANDARD.encode(value) });
        let body = binding.to_string();
        service.post("/v1/matches/byBinding", "application/json", body.as_bytes())
    };
    let wanted = json!({ "matches": [{ "manifestId": urn, "similarityScore": 98 }] });
    assert_eq!(asked(&code.unit()).json(), wanted);
    assert_eq!(asked(&code.unit()[..33]).status, 400);
    // One code said often is one code; of different ones there may be eight.
    assert_eq!(asked(&code.unit().repeat(40)).json(), wanted);
    let others = |count: u8| (0..count).map(|number| ImageCode([number; 32]));
    let units = |count| {
        others(count)
            .flat_map(|code| code.unit())
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(&units(8)).status, 200);
    let refused = asked(&units(9));
    assert_eq!(refused.status, 400);
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("at most 8")
    );
    let far = ImageCode(code.0.map(|byte| !byte));
    assert_eq!(asked(&far.unit()).json(), json!({ "matches": [] }));

    let picture = image::load_from_memory(copy).unwrap().to_rgb8();
    let (width, height) = (picture.width(), picture.height());
    let mut framed = image::RgbImage::new(width + width / 2, height + height / 2);
    image::imageops::replace(&mut framed, &picture, 20, 20);
    let mut png = std::io::Cursor::new(Vec::new());
    framed.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let by = |algorithm: &str| {
        let path = format!("/v1/matches/byContent?alg={algorithm}");
        service.post(&path, "image/png", png.get_ref()).json()
    };
    assert_eq!(by("com.credlink.pdq256.v1"), json!({ "matches": [] }));
    assert_eq!(by("io.iscc.v0")["matches"][0]["manifestId"], urn);
}

#[test]
fn a_stripped_manifest_is_resolved() {
    let (folder, photo) = with_keys();
    let service = Service::started(folder.path(), &[]);
    let signed = service.post("/sign", "image/jpeg", &photo);
    let proof = signed.header("x-credlink-proof").to_owned();
    let known = service
        .get("/.well-known/c2pa-soft-binding-resolution")
        .json();
    assert_eq!(known["apiEndpoint"], format!("{}/v1", service.url));
    let api = |path: &str| service.get(&format!("/v1/{path}"));
    let capable = api("services/capabilities").json();
    assert_eq!(
        capable["c2paSpecificationVersion"],
        known["c2paSpecificationVersion"]
    );
    assert_eq!(api("services/status").json()["status"], "ok");
    let algorithms = api("services/supportedAlgorithms").json();
    assert_eq!(algorithms["watermarks"][0]["alg"], "com.credlink.ct128.v1");
    assert_eq!(algorithms["fingerprints"][1]["alg"], "io.iscc.v0");

    let copy = copied(&signed.body);
    let content = service
        .post("/v1/matches/byContent", "image/jpeg", &copy)
        .json();
    let matches = content["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 1, "{content}");
    let urn = matches[0]["manifestId"].as_str().unwrap();
    let manifest = api(&format!("manifests/{urn}"));
    assert_eq!(manifest.header("content-type"), "application/c2pa");
    let active = api(&format!("manifests/{urn}?returnActiveManifest=true"));
    // The photograph had no manifest before, so that the store holds this one alone.
    assert_eq!(active.body, manifest.body);

    // By binding: the fingerprint as the record has it, with some bits wrong, and the id.
    let record = service.get(&format!("/proofs/{proof}")).json();
    let hexadecimal = record["record"]["fingerprint"].as_str().unwrap();
    let word = |at: usize| u64::from_str_radix(&hexadecimal[16 * at..16 * (at + 1)], 16).unwrap();
    // Written with the last word first.
    let mut value: Vec<u8> = (0..4).rev().flat_map(|at| word(at).to_be_bytes()).collect();
    value[5] ^= 0x0f;
    let binding = json!({ "alg": "com.credlink.pdq256.v1", "value": STANDARD.encode(&value) });
    let posted = service.post(
        "/v1/matches/byBinding",
        "application/json",
        binding.to_string().as_bytes(),
    );
    let wanted = json!({ "matches": [{ "manifestId": urn, "similarityScore": 98 }] });
    assert_eq!(posted.json(), wanted);
    let value = URL_SAFE_NO_PAD.encode(&value);
    let got = api(&format!(
        "matches/byBinding?alg=com.credlink.pdq256.v1&value={value}"
    ));
    assert_eq!(got.json(), wanted);
    let id = URL_SAFE_NO_PAD.encode(u64::from_str_radix(&proof, 16).unwrap().to_be_bytes());
    let marked = api(&format!(
        "matches/byBinding?alg=com.credlink.ct128.v1&value={id}"
    ));
    assert_eq!(marked.json()["matches"][0]["manifestId"], urn);
    let none = api("matches/byBinding?alg=com.credlink.ct128.v1&value=AAAAAAAAAAA");
    assert_eq!(none.json(), json!({ "matches": [] }));
    is_resolved_by_image_code(&service, &record["record"]["image_code"], &copy, urn);

    for (path, status, cause) in [
        (
            "matches/byBinding?alg=com.example&value=AA",
            400,
            "algorithm",
        ),
        (
            "matches/byBinding?alg=com.credlink.ct128.v1&value=AA",
            400,
            "value",
        ),
        (
            "matches/byBinding?alg=com.credlink.ct128.v1&value=%25",
            400,
            "value",
        ),
        ("matches/byBinding?alg=com.credlink.ct128.v1", 400, "query"),
        (
            "matches/byBinding?alg=com.credlink.ct128.v1&value=AA&maxResults=0",
            400,
            "query",
        ),
        ("manifests/urn:c2pa:none", 404, "unknown"),
    ] {
        assert_eq!(api(path).problem(status), cause, "{path}");
    }
    let long = "A".repeat(2000);
    let long = api(&format!(
        "matches/byBinding?alg=com.credlink.ct128.v1&value={long}"
    ));
    assert_eq!(long.problem(414), "too-long-value");
    let text = service.post("/v1/matches/byContent", "text/plain", b"a picture of a cat");
    assert_eq!(text.problem(415), "content-type");
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
