//! A service as a program of its own, and what it answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use credlink_harness::exit;
use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use super::support::{code, credlink, folder, text};

/// A service that runs until it is dropped.
pub(super) struct Service {
    child: Child,
    pub(super) url: String,
    /// What it wrote on standard error, when it has ended.
    log: Option<std::thread::JoinHandle<String>>,
}

impl Service {
    pub(super) fn started(folder: &Path, more: &[&str]) -> Self {
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

    pub(super) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(super) fn get(&self, path: &str) -> Reply {
        self.get_as(path, "*/*")
    }

    pub(super) fn get_as(&self, path: &str, accept: &str) -> Reply {
        let request = agent().get(format!("{}{path}", self.url));
        Reply::of(request.header("accept", accept).call().unwrap())
    }

    pub(super) fn post(&self, path: &str, kind: &str, body: &[u8]) -> Reply {
        let request = agent().post(format!("{}{path}", self.url));
        Reply::of(request.header("content-type", kind).send(body).unwrap())
    }

    /// Sends bytes as they are, and reads what comes until the connection is closed.
    pub(super) fn raw(&self, bytes: &[u8]) -> String {
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

    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let done = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(done.success());
    }

    /// What it logged, once it has ended by itself.
    pub(super) fn ended(mut self) -> (Option<i32>, String) {
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

pub(super) struct Reply {
    pub(super) status: u16,
    headers: ureq::http::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn of(response: Response<ureq::Body>) -> Self {
        let (parts, mut body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.read_to_vec().unwrap(),
        }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: {text}", self.status))
    }

    /// The cause of a problem, whose form is that of RFC 9457.
    pub(super) fn problem(&self, status: u16) -> String {
        let problem = self.json();
        assert_eq!(self.status, status, "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
        problem["code"].as_str().unwrap().to_owned()
    }
}

pub(super) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into()
}

/// A folder with keys and a photograph.
pub(super) fn with_keys() -> (tempfile::TempDir, Vec<u8>) {
    let folder = folder();
    let made = credlink(folder.path(), &["keys", "generate"]);
    assert_eq!(code(&made), exit::OK, "{}", text(&made));
    let photo = std::fs::read(folder.path().join("photo.jpg")).unwrap();
    (folder, photo)
}

/// A JPEG file of the same pixels, and nothing beside them.
pub(super) fn copied(file: &[u8]) -> Vec<u8> {
    let picture = image::load_from_memory(file).unwrap().to_rgb8();
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

pub(super) fn form(name: &str, file: &[u8]) -> (String, Vec<u8>) {
    let mut body = format!(
        "--edge\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"p.jpg\"\r\ncontent-type: image/jpeg\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    ("multipart/form-data; boundary=edge".to_owned(), body)
}
