//! Recipes that ask real servers: what is sent, what is kept of the answer, what is refused, and that nobody is asked unless it
//! was said. The servers listen on this machine, in these tests.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/server.rs"]
mod server;
mod support;

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use credlink_harness::exit;
use credlink_reports::{RunDir, read_rows};
use credlink_sign_core::carriers::CARRIERS;
use credlink_trial_record::{Outcome, Provenance, Row, Trial};
use server::{Asked, Server, recoded, send, serve_recoded};
use support::{code, credlink, small_pictures, text};

fn percent_decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            decoded.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).unwrap()
}

/// A folder with pictures and recipes of the family `live`, by name and step.
fn folder(recipes: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    small_pictures(folder.path(), 6);
    let live = folder.path().join("mine/live");
    std::fs::create_dir_all(&live).unwrap();
    for (name, step) in recipes {
        let text = format!(
            "title = \"A server\"\nseverity = \"mild\"\nanalysis = \"Nothing.\"\nsimulated_by = \"conversion/jpeg-to-png\"\n\
             [[source]]\ncite = \"the server itself\"\ngrade = \"A\"\nbacks = [\"http\"]\n[[step]]\nhttp = {{ {step} }}\n"
        );
        std::fs::write(live.join(format!("{name}.toml")), text).unwrap();
    }
    folder
}

/// Six signed images through these pipelines, and some more for negative trials.
const RUN: [&str; 11] = [
    "survival",
    "--recipes",
    "mine",
    "--images",
    "pictures",
    "--no-watermark",
    "--quiet",
    "--per-pipeline",
    "3",
    "--out",
    "run",
];

fn ran(at: &Path, pipelines: &str, more: &[&str]) -> Output {
    let pipelines = format!("controls/identity,{pipelines}");
    credlink(at, &[&RUN[..], &["--pipelines", &pipelines], more].concat())
}

fn rows(at: &Path) -> Vec<Row> {
    let rows = read_rows(&RunDir::open(&at.join("run")).unwrap().rows()).unwrap();
    (0..rows.len()).map(|row| rows.row(row).unwrap()).collect()
}

/// The rows of signed images of one pipeline.
fn of(rows: &[Row], pipeline: &str) -> Vec<Row> {
    let rows = rows.iter().filter(|row| row.pipeline == pipeline);
    let rows: Vec<Row> = rows
        .filter(|row| row.trial == Trial::Signed)
        .cloned()
        .collect();
    assert_eq!(rows.len(), 3, "{pipeline}");
    rows
}

#[test]
fn a_server_is_told_an_address_and_what_it_answers_is_kept() {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let server = Server::new(move |asked, stream| {
        let rest = asked.target.strip_prefix('/').unwrap();
        let (how, source) = rest.split_once('/').unwrap();
        let source = source.split('&').next().unwrap();
        let url = match how {
            "percent" => percent_decoded(source),
            "base64" => String::from_utf8(base64.decode(source).unwrap()).unwrap(),
            _ => source.to_owned(),
        };
        serve_recoded(&url, stream);
    });
    let at = server.address;
    let step = |how: &str| {
        let url = format!("http://{at}/{how}/{{source}}&v={{fresh}}");
        let headers = "headers = { accept = \"image/jpeg\" }, keep = [\"x-odd\"]";
        (
            how.to_owned(),
            format!("url = \"{url}\", source = \"{how}\", seconds = 20, {headers}"),
        )
    };
    let recipes: Vec<(String, String)> = ["percent", "base64", "plain"].map(step).into();
    let recipes: Vec<(&str, String)> = recipes
        .iter()
        .map(|(name, step)| (name.as_str(), step.clone()))
        .collect();
    let folder = folder(&recipes);
    let at = folder.path();
    let output = ran(at, "live,conversion/jpeg-to-png", &["--live"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let rows = rows(at);
    for name in ["live/percent", "live/base64", "live/plain"] {
        for row in of(&rows, name) {
            assert_eq!(row.provenance, Provenance::Live);
            assert_eq!(row.received_format, "jpeg");
            assert!(row.outcome.survived(), "{row:?}");
            let answered = row.answered.unwrap();
            for part in ["200; content-type: image/jpeg", "x-cache: MISS", "x-odd: 7"] {
                assert!(answered.contains(part), "{answered}");
            }
            assert!(answered.ends_with("source fetched: 1"), "{answered}");
            assert!(!answered.contains("secret"), "{answered}");
        }
    }
    for row in of(&rows, "conversion/jpeg-to-png") {
        assert_eq!(
            (row.provenance, row.answered),
            (Provenance::Simulated, None)
        );
    }
    // No address was asked twice, and what was to be sent was.
    let asked = server.asked();
    let mut targets: Vec<&String> = asked.iter().map(|asked| &asked.target).collect();
    targets.sort();
    targets.dedup();
    assert_eq!(targets.len(), asked.len());
    assert!(
        asked
            .iter()
            .all(|asked| asked.method == "GET" && asked.headers["accept"] == "image/jpeg")
    );

    // The header says which pipelines these are, and pooled figures leave them out.
    let header = RunDir::open(&at.join("run"))
        .unwrap()
        .read_header()
        .unwrap();
    let live = header
        .pipelines
        .iter()
        .filter(|one| one.provenance == Provenance::Live);
    let pairs = live
        .map(|one| one.simulated_by.as_deref())
        .collect::<Vec<_>>();
    assert_eq!(pairs, [Some("conversion/jpeg-to-png"); 3]);
    let families = std::fs::read_to_string(at.join("run/tables/families.csv")).unwrap();
    let all = families
        .lines()
        .find(|line| line.contains("all families"))
        .unwrap();
    assert!(all.split(',').any(|cell| cell == "3"), "{families}");

    // On the images that both took, nothing is lost in either.
    let gap = std::fs::read_to_string(at.join("run/tables/gap.csv")).unwrap();
    let lines: Vec<&str> = gap
        .lines()
        .filter(|line| line.starts_with("live/"))
        .collect();
    assert_eq!(lines.len(), 3 * (1 + CARRIERS.len()), "{gap}");
    for line in lines {
        assert!(line.contains(",conversion/jpeg-to-png,"), "{line}");
        assert_eq!(line.split(',').nth(3), Some("3"), "{line}");
    }

    // Nothing can be said of a live row by running it again.
    let op = of(&rows, "live/plain")[0].op.to_string();
    let output = credlink(at, &["replay", "run", &op]);
    assert_eq!(code(&output), exit::FAILURE);
    assert!(
        text(&output).contains("a real server did it"),
        "{}",
        text(&output)
    );
    let asked_before = server.asked().len();
    let picture = at
        .join("pictures")
        .read_dir()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let apply = [
        "apply",
        "live/plain",
        picture.to_str().unwrap(),
        "out.jpg",
        "--recipes",
        "mine",
    ];
    let output = credlink(at, &apply);
    assert_eq!(code(&output), exit::FAILURE);
    assert!(
        text(&output).contains("survival --live"),
        "{}",
        text(&output)
    );
    assert_eq!(server.asked().len(), asked_before);
}

#[test]
fn a_file_is_uploaded_as_a_body_or_as_a_field_of_a_form() {
    let server = Server::new(|asked, stream| {
        let body = match asked.headers["content-type"].split_once("boundary=") {
            None => asked.body.clone(),
            Some((_, boundary)) => {
                let end = asked
                    .body
                    .windows(4)
                    .position(|four| four == b"\r\n\r\n")
                    .unwrap();
                let head = String::from_utf8_lossy(&asked.body[..end]);
                assert!(
                    head.contains("name=\"picture\"; filename=\"image.jpg\""),
                    "{head}"
                );
                let tail = format!("\r\n--{boundary}--\r\n").len();
                asked.body[end + 4..asked.body.len() - tail].to_vec()
            }
        };
        send(
            stream,
            "201 Created",
            "Content-Type: image/jpeg\r\n",
            &recoded(&body),
        );
    });
    let url = format!(
        "url = \"http://localhost:{}/up\", seconds = 20",
        server.address.port()
    );
    let folder = folder(&[
        (
            "body",
            format!("{url}, upload = \"body\", headers_from = {{ x-token = \"LIVE_TOKEN\" }}"),
        ),
        (
            "form",
            format!("{url}, upload = \"form\", field = \"picture\""),
        ),
    ]);
    let at = folder.path();
    let output = ran(at, "live", &["--live"]);
    assert_eq!(code(&output), exit::FAILURE);
    assert!(
        text(&output).contains("variable LIVE_TOKEN of the environment is not set"),
        "{}",
        text(&output)
    );
    let output = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(RUN)
        .args(["--pipelines", "controls/identity,live", "--live"])
        .env("LIVE_TOKEN", "nobody shall read this")
        // What a proxy heard would have left the machine.
        .env("http_proxy", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .current_dir(at)
        .output()
        .unwrap();
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let rows = rows(at);
    for name in ["live/body", "live/form"] {
        for row in of(&rows, name) {
            assert_eq!(row.error, None);
            let answered = row.answered.unwrap();
            assert!(
                answered.starts_with("201; content-type: image/jpeg"),
                "{answered}"
            );
        }
    }
    let sent = server.asked();
    let with_token = sent.iter().filter(|asked| {
        asked
            .headers
            .get("x-token")
            .is_some_and(|token| token == "nobody shall read this")
    });
    assert_eq!(with_token.count(), sent.len() / 2);
    let found = Command::new("grep")
        .args(["-r", "-l", "nobody shall read this", "run"])
        .current_dir(at)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

/// What a server that fails does, by the first word of the address.
fn failing(asked: &Asked, stream: &mut TcpStream, elsewhere: SocketAddr, turns: &AtomicUsize) {
    let image = "Content-Type: image/jpeg\r\n";
    match asked.target.split('/').nth(1).unwrap() {
        "status" => send(
            stream,
            "500 Internal Server Error",
            "X-Cache: ERROR\r\n",
            b"no",
        ),
        "gone" => send(stream, "404 Not Found", "", b"no"),
        "busy" => {
            if turns.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                send(stream, "503 Service Unavailable", "Retry-After: 0\r\n", b"");
            } else {
                let url = asked.target.split_once("busy/").unwrap().1;
                serve_recoded(url, stream);
            }
        }
        "cut" => {
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 5000\r\n\r\nshort",
            );
        }
        "nonsense" => {
            let _ = stream.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n");
        }
        "redirect" => {
            let location = format!("Location: http://{elsewhere}/secret?key=1\r\n");
            send(stream, "302 Found", &location, b"");
        }
        "type" => send(
            stream,
            "200 OK",
            "Content-Type: text/html\r\n",
            b"<p>An error",
        ),
        "lie" => send(stream, "200 OK", image, b"<p>An error"),
        "huge" => {
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\n\r\n",
            );
            let piece = vec![0xFF; 1 << 20];
            while stream.write_all(&piece).is_ok() {}
        }
        "slow" => {
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 900\r\n\r\n",
            );
            for _ in 0..60 {
                std::thread::sleep(Duration::from_millis(100));
                if stream.write_all(b".").is_err() {
                    return;
                }
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_a_server_does_wrong_is_an_error_of_its_op_with_a_cause() {
    let elsewhere = Server::new(|_, stream| send(stream, "200 OK", "", b""));
    let (other, turns) = (elsewhere.address, AtomicUsize::new(0));
    let server = Server::new(move |asked, stream| failing(asked, stream, other, &turns));
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let step = |at: SocketAddr, name: &str, more: &str| {
        format!("url = \"http://{at}/{name}/{{source}}\", source = \"plain\", {more}")
    };
    // One thread, so that every second request of the busy one is refused.
    let known = [
        ("status", "server-status", "answers with status 500"),
        ("gone", "server-status", "answers with status 404"),
        ("cut", "server-cut", "ends in the middle of its answer"),
        ("nonsense", "server-cut", "ends in the middle of its answer"),
        (
            "redirect",
            "server-redirect",
            "sends elsewhere (302, to 127.0.0.1)",
        ),
        (
            "type",
            "server-type",
            "answers with text/html, which is no image",
        ),
        (
            "lie",
            "server-type",
            "answers with something that is no image",
        ),
        ("huge", "server-size", "answers with more than"),
        ("slow", "server-slow", "takes longer than 1 s"),
        ("closed", "server-unreachable", "cannot be reached"),
    ];
    let mut recipes: Vec<(&str, String)> = known
        .iter()
        .map(|(name, ..)| {
            let (at, more) = match *name {
                "closed" => (closed, "seconds = 20"),
                "slow" => (server.address, "seconds = 1"),
                "status" => (server.address, "seconds = 20, retries = 1"),
                _ => (server.address, "seconds = 20"),
            };
            (*name, step(at, name, more))
        })
        .collect();
    recipes.push((
        "busy",
        step(server.address, "busy", "seconds = 20, retries = 2"),
    ));
    let folder = folder(&recipes);
    let at = folder.path();
    let output = ran(at, "live", &["--live", "--threads", "1"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    let rows = rows(at);
    for (name, cause, words) in known {
        for row in of(&rows, &format!("live/{name}")) {
            assert_eq!(row.outcome, Outcome::Error, "{name}");
            assert_eq!(row.error_cause.as_deref(), Some(cause), "{name}: {row:?}");
            let error = row.error.unwrap();
            assert!(
                error.contains(words) && error.contains("127.0.0.1"),
                "{name}: {error}"
            );
            assert!(!error.contains("key=1"), "{error}");
            let answered = row.answered.unwrap();
            if name == "status" {
                assert_eq!(answered.matches("500; ").count(), 2, "{answered}");
                assert!(answered.contains(" then "), "{answered}");
            }
        }
    }
    for row in of(&rows, "live/busy") {
        assert_eq!(row.error, None);
        let answered = row.answered.unwrap();
        assert!(
            answered.starts_with("503; ") && answered.contains(" then 200; "),
            "{answered}"
        );
    }
    assert!(elsewhere.asked().is_empty(), "a redirect was followed");
}

#[test]
fn nobody_is_asked_unless_it_was_said() {
    let server = Server::new(|_, stream| send(stream, "200 OK", "", b""));
    let here = format!("http://{}/{{source}}", server.address);
    let folder = folder(&[
        (
            "here",
            format!("url = \"{here}\", source = \"plain\", seconds = 5"),
        ),
        (
            "away",
            "url = \"http://images.example/{source}\", source = \"plain\", seconds = 5".to_owned(),
        ),
    ]);
    let at = folder.path();
    for (pipelines, more, says) in [
        ("live/here", &[][..], "say --live"),
        ("live/away", &[][..], "say --live"),
        (
            "live/away",
            &["--live"][..],
            "say --allow-host images.example",
        ),
        (
            "live/away",
            &["--live", "--allow-host", "example"][..],
            "say --allow-host images.example",
        ),
        (
            "live/here",
            &["--live", "--origin", "0.0.0.0:0"][..],
            "others reach",
        ),
        ("live/here", &["--dry-run"][..], "say --live"),
    ] {
        let output = ran(at, pipelines, more);
        assert_eq!(code(&output), exit::FAILURE, "{more:?}");
        assert!(text(&output).contains(says), "{}", text(&output));
        assert!(!at.join("run").exists());
    }
    for (more, says) in [
        (&["--allow-host", "x.example"][..], "--live"),
        (
            &["--live", "--allow-host", "http://x.example/"][..],
            "without scheme",
        ),
    ] {
        let output = ran(at, "live/here", more);
        assert_eq!(code(&output), exit::USAGE, "{more:?}");
        assert!(text(&output).contains(says), "{}", text(&output));
    }
    // All there are, and those of the folder: none that asks anybody.
    let all = [
        "pipelines",
        "--recipes",
        "mine",
        "--select",
        "all",
        "--json",
    ];
    let output = credlink(at, &all);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    assert!(!text(&output).contains("live/here"));
    assert!(server.asked().is_empty());
}

#[test]
fn a_live_run_that_was_killed_goes_on_where_the_network_is_allowed_again() {
    let server = Server::new(|asked, stream| {
        std::thread::sleep(Duration::from_millis(40));
        serve_recoded(&asked.target[1..], stream);
    });
    let url = format!(
        "url = \"http://{}/{{source}}\", source = \"plain\"",
        server.address
    );
    let folder = folder(&[("slow", format!("{url}, seconds = 20, interval_ms = 60"))]);
    let at = folder.path();
    std::fs::remove_dir_all(at.join("pictures")).unwrap();
    small_pictures(at, 40);
    let mut child = Command::new(env!("CARGO_BIN_EXE_credlink"))
        .args(RUN)
        .args([
            "--pipelines",
            "controls/identity,live/slow",
            "--live",
            "--threads",
            "2",
        ])
        .args(["--unsigned-share", "10"])
        .current_dir(at)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while server.asked().len() < 2 {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "nobody was asked"
        );
        assert!(child.try_wait().unwrap().is_none(), "the run ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let about = std::fs::read_to_string(at.join("run/journal/about.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&about).unwrap();
    assert_eq!(
        about["options"]["network"]["live"], false,
        "whoever goes on is asked anew"
    );
    let output = credlink(at, &["survival", "--resume", "run"]);
    assert_eq!(code(&output), exit::FAILURE);
    assert!(text(&output).contains("say --live"), "{}", text(&output));
    let output = credlink(at, &["survival", "--resume", "run", "--live", "--quiet"]);
    assert_eq!(code(&output), exit::OK, "{}", text(&output));
    for row in of(&rows(at), "live/slow") {
        assert!(row.outcome.survived(), "{row:?}");
    }
}
