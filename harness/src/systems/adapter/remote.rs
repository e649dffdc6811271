//! An adapter that is a server: the same words over HTTP, with files as bodies (docs/ADAPTERS.md).

use std::path::Path;
use std::time::Duration;

use credlink_corpus::MAX_FILE_BYTES;
use serde_json::{Value, json};

use super::failure::Failure;
use super::message::{Answer, LONGEST_LINE, Request};
use crate::http::{Refusal, Reply, Server};

const JSON: &str = "application/json";
/// The headers that go with a file to be signed, and the one that comes back with it.
const ID: &str = "credlink-id";
const PAYLOAD: &str = "credlink-payload";
const RECORD: &str = "credlink-record";

/// A server that signs and verifies.
pub(super) struct Remote {
    name: String,
    server: Server,
}

impl Remote {
    /// The server at this address.
    ///
    /// # Errors
    /// [`Failure::Start`] if it is no address that this build can ask.
    pub(super) fn new(name: &str, url: &str, limit: Duration) -> Result<Self, Failure> {
        let server = Server::new(url, "a system", limit);
        Ok(Self {
            name: name.to_owned(),
            server: server.map_err(|why| Failure::Start(format!("{name}: {why}")))?,
        })
    }

    /// Asks.
    ///
    /// # Errors
    /// [`Failure`], naming the adapter.
    pub(super) fn exchange(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        match request {
            Request::Hello { .. } => self.hello(request),
            Request::Sign {
                seq,
                image,
                media_type,
                out,
                id,
                payload,
            } => {
                let headers = [
                    ("content-type", *media_type),
                    (ID, *id),
                    (PAYLOAD, *payload),
                ];
                let file = self.file(image)?;
                match self.post("sign", &headers, &file, MAX_FILE_BYTES) {
                    Ok(reply) if reply.media_type == JSON => {
                        self.read("signed", Some(*seq), &reply.body)
                    }
                    Ok(reply) => self.signed(*seq, out, reply),
                    Err(Refusal::Status(status @ (413 | 415 | 422))) => {
                        self.told("signed", *seq, "refused", status)
                    }
                    Err(refusal) => Err(self.failed(&refusal)),
                }
            }
            Request::Seal { seq, registry } => {
                let lines = self.file(registry)?;
                let headers = [("content-type", "application/x-ndjson")];
                let reply = self.post("seal", &headers, &lines, LONGEST_LINE as u64);
                reply.map_err(|refusal| self.failed(&refusal))?;
                Ok(Answer::Sealed { seq: *seq })
            }
            Request::Verify {
                seq,
                image,
                media_type,
            } => {
                let file = self.file(image)?;
                let headers = [("content-type", *media_type)];
                match self.post("verify", &headers, &file, LONGEST_LINE as u64) {
                    Ok(reply) => self.read("verified", Some(*seq), &reply.body),
                    Err(Refusal::Status(status @ (413 | 415 | 422))) => {
                        self.told("verified", *seq, "error", status)
                    }
                    Err(refusal) => Err(self.failed(&refusal)),
                }
            }
            Request::Probe { seq } => self.probed(*seq),
            Request::Bye => Err(Failure::Protocol(format!(
                "{}: a server has no end",
                self.name
            ))),
        }
    }

    fn hello(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        // Folders of this machine are nobody else's business.
        let mut greeting = json!(request);
        if let Some(members) = greeting.as_object_mut() {
            members.remove("work_dir");
        }
        let body = greeting.to_string().into_bytes();
        let reply = self.post(
            "hello",
            &[("content-type", JSON)],
            &body,
            LONGEST_LINE as u64,
        );
        let reply = reply.map_err(|refusal| self.failed(&refusal))?;
        self.read("hello", None, &reply.body)
    }

    /// What becomes of a path that nobody knows.
    fn probed(&self, seq: u64) -> Result<Answer, Failure> {
        match self.post("unknown-to-everybody", &[], &[], 1024) {
            Err(Refusal::Status(404 | 405)) => Ok(Answer::Error {
                seq: Some(seq),
                cause: "unknown-op".to_owned(),
                detail: String::new(),
            }),
            Err(refusal) => Err(self.failed(&refusal)),
            Ok(_) => {
                let what = format!("{}: it answers a path that nobody knows", self.name);
                Err(Failure::Protocol(what))
            }
        }
    }

    fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        most: u64,
    ) -> Result<Reply, Refusal> {
        self.server.post(path, headers, body, RECORD, most)
    }

    /// The file that a server signed, put where it was asked for.
    fn signed(&self, seq: u64, out: &Path, reply: Reply) -> Result<Answer, Failure> {
        std::fs::write(out, &reply.body).map_err(|error| {
            Failure::Start(format!("{}: {}: {error}", self.name, out.display()))
        })?;
        let answer = json!({
            "status": "ok",
            "media_type": reply.media_type,
            "record": reply.header,
        });
        self.of_value("signed", Some(seq), answer)
    }

    /// What a status says that is no failure.
    fn told(&self, op: &str, seq: u64, status: &str, code: u16) -> Result<Answer, Failure> {
        let answer = json!({ "status": status, "cause": format!("status-{code}") });
        self.of_value(op, Some(seq), answer)
    }

    fn read(&self, op: &str, seq: Option<u64>, body: &[u8]) -> Result<Answer, Failure> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| Failure::Protocol(format!("{}: {op}: {error}", self.name)))?;
        self.of_value(op, seq, value)
    }

    /// An answer without the members that only matter on a pipe.
    fn of_value(&self, op: &str, seq: Option<u64>, mut value: Value) -> Result<Answer, Failure> {
        if let Some(members) = value.as_object_mut() {
            members.insert("op".to_owned(), op.into());
            if let Some(seq) = seq {
                members.insert("seq".to_owned(), seq.into());
            }
        }
        serde_json::from_value(value)
            .map_err(|error| Failure::Protocol(format!("{}: {op}: {error}", self.name)))
    }

    fn file(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        std::fs::read(path)
            .map_err(|error| Failure::Start(format!("{}: {}: {error}", self.name, path.display())))
    }

    /// A server that is busy, broken or gone may be back; one that does not know the request will not.
    fn failed(&self, refusal: &Refusal) -> Failure {
        let what = format!("{} ({}): {refusal}", self.name, self.server.host());
        match refusal {
            Refusal::Status(408 | 429 | 500..) | Refusal::Broken(_) => Failure::Crash(what),
            Refusal::Status(_) => Failure::Protocol(what),
        }
    }
}
