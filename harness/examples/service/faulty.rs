//! What no honest client sends: requests as bytes, each wrong in a way of its own.

use crate::process::Random;

/// How much of a request is sent, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Manner {
    /// All of it, as HTTP has it: whatever is in it, an answer is due.
    Whole,
    /// Bytes that are no request, or only part of one: an answer may come.
    Broken,
    /// Part of the body; then the sender's half of the connection is closed.
    HalfClosed,
    /// A byte now and then, without end.
    Slow,
}

/// A request that is sent.
pub(crate) struct Faulty {
    pub(crate) manner: Manner,
    pub(crate) bytes: Vec<u8>,
}

/// Where files go to.
const FILE_ROUTES: [&str; 4] = [
    "/sign",
    "/sign?watermark=false",
    "/verify?depth=all",
    "/v1/matches/byContent",
];

/// A request of any kind.
pub(crate) fn drawn(random: &mut Random, files: &[Vec<u8>]) -> Faulty {
    match random.below(20) {
        0..6 => whole(file_of(random, files.len(), files)),
        6..9 => whole(mutated(random, files)),
        9..11 => cut(random, files, Manner::HalfClosed),
        11 => cut(random, files, Manner::Broken),
        12..16 => whole(strange(random, files)),
        _ => Faulty {
            manner: Manner::Broken,
            bytes: broken(random),
        },
    }
}

/// The head of a request whose body comes by drops.
pub(crate) fn slow(random: &mut Random) -> Faulty {
    let route = FILE_ROUTES[random.below(FILE_ROUTES.len())];
    let bytes = post(route, "image/png", &[], 100_000);
    let manner = Manner::Slow;
    Faulty { manner, bytes }
}

fn whole(bytes: Vec<u8>) -> Faulty {
    let manner = Manner::Whole;
    Faulty { manner, bytes }
}

fn post(route: &str, kind: &str, body: &[u8], announced: usize) -> Vec<u8> {
    let head = format!(
        "POST {route} HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {announced}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn get(route: &str) -> Vec<u8> {
    format!("GET {route} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").into_bytes()
}

/// A file as it is, to one of the routes that take files.
fn file_of(random: &mut Random, most: usize, files: &[Vec<u8>]) -> Vec<u8> {
    let file = &files[random.below(most)];
    let route = FILE_ROUTES[random.below(FILE_ROUTES.len())];
    post(route, "application/octet-stream", file, file.len())
}

/// A file of which some bytes are others, or some are gone.
fn mutated(random: &mut Random, files: &[Vec<u8>]) -> Vec<u8> {
    let mut file = files[random.below(files.len())].clone();
    for _ in 0..=random.below(16) {
        let at = random.below(file.len().max(1));
        if let Some(byte) = file.get_mut(at) {
            *byte = random.word() as u8;
        }
    }
    if random.below(3) == 0 {
        file.truncate(random.below(file.len() + 1));
    }
    let route = FILE_ROUTES[random.below(FILE_ROUTES.len())];
    post(route, "image/jpeg", &file, file.len())
}

/// A body that ends before what was announced.
fn cut(random: &mut Random, files: &[Vec<u8>], manner: Manner) -> Faulty {
    let file = &files[random.below(files.len())];
    let sent = &file[..random.below(file.len().max(1))];
    let route = FILE_ROUTES[random.below(FILE_ROUTES.len())];
    let bytes = post(route, "image/png", sent, file.len() + 1);
    Faulty { manner, bytes }
}

/// HTTP as it should be, and in it what cannot be.
fn strange(random: &mut Random, files: &[Vec<u8>]) -> Vec<u8> {
    let word = random.word();
    let file = &files[random.below(files.len())];
    let form = |body: &[u8]| {
        post(
            "/verify",
            "multipart/form-data; boundary=edge",
            body,
            body.len(),
        )
    };
    let binding = |body: &[u8]| {
        post(
            "/v1/matches/byBinding",
            "application/json",
            body,
            body.len(),
        )
    };
    match random.below(18) {
        0 => get(&format!("/proofs/{word:x}")),
        1 => get(&format!("/proofs/{word:016x}")),
        2 => get("/proofs/%00%ff%2e%2e%2f"),
        3 => get(&format!("/v1/manifests/urn:c2pa:{word:x}")),
        4 => get("/v1/manifests/../../../etc/passwd"),
        5 => get(&format!("/v1/matches/byBinding?alg=none&value={word:x}")),
        6 => get(&format!(
            "/v1/matches/byBinding?alg=com.credlink.pdq256.v1&value=%ff{word:x}&maxResults=0"
        )),
        7 => get(&format!(
            "/v1/matches/byBinding?alg=com.credlink.ct128.v1&value={}",
            "A".repeat(random.below(8000))
        )),
        8 => binding(format!("{{\"alg\":{word},\"value\":[[[[").as_bytes()),
        9 => binding("[".repeat(random.below(10_000)).as_bytes()),
        10 => form(
            b"--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf",
        ),
        11 => form(&[b"--edge\r\n\r\n", &file[..], b"\r\n--edge--\r\n"].concat()),
        12 => form(b""),
        13 => post("/verify", "multipart/form-data", file, file.len()),
        14 => post("/sign", "text/html", file, file.len()),
        15 => post("/sign?watermark=perhaps", "image/png", file, file.len()),
        16 => post(
            "/verify?depth=none&depth=all",
            "image/png",
            file,
            file.len(),
        ),
        _ => post("/status", "image/png", file, file.len()),
    }
}

/// No HTTP, or nearly.
fn broken(random: &mut Random) -> Vec<u8> {
    let word = random.word();
    let head = "POST /verify HTTP/1.1\r\nhost: here\r\n";
    match random.below(18) {
        0 => (0..random.below(4000))
            .map(|_| random.word() as u8)
            .collect(),
        1 => b"GET /health\r\n\r\n".to_vec(),
        2 => b"GET /health HTTP/1.1\r\nno colon here\r\n\r\n".to_vec(),
        3 => format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef").into(),
        4 => format!("{head}content-length: -1\r\n\r\nabc").into(),
        5 => format!("{head}content-length: {}\r\n\r\nabc", u128::MAX).into(),
        6 => format!("{head}content-length: {}\r\n\r\nabc", u64::MAX).into(),
        7 => format!("{head}transfer-encoding: chunked\r\n\r\n{word:x}zz\r\nabc").into(),
        8 => format!("{head}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nabc").into(),
        9 => format!("{head}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc").into(),
        10 => format!("{head}transfer-encoding: gzip, {word}\r\n\r\nabc").into(),
        11 => format!("{head}x: {}\r\n\r\n", "y".repeat(1 << 20)).into(),
        12 => {
            let many: String = (0..500).map(|n| format!("x-{n}: {word}\r\n")).collect();
            format!("{head}{many}\r\n").into()
        }
        13 => format!("{head}expect: 100-continue\r\ncontent-length: 9\r\n\r\n").into(),
        14 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
        15 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        16 => format!(
            "GET /{} HTTP/1.1\r\nhost: here\r\n\r\n",
            "a/".repeat(40_000)
        )
        .into(),
        _ => b"BREW /proofs/0 HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_vec(),
    }
}
