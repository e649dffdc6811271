//! A server of the C2PA Soft Binding Resolution API (OpenAPI 2.4, `POST /matches/byContent`, `POST /matches/byBinding`): given
//! a picture, or what an algorithm makes of one, it names the manifests that it holds for it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use credlink_image_files::Format;
use credlink_sign_core::carriers::SoftBinding;
use serde::Deserialize;

use crate::http::{Refusal, Server};

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many manifests are asked for.
const MOST_MATCHES: usize = 10;
/// The longest answer, bytes, as clients of the API have it.
const LONGEST: u64 = 1 << 20;

/// A server that is asked by content and by binding.
#[derive(Clone, Debug)]
pub struct Resolver(Server);

/// A manifest that a server names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// Its label.
    pub manifest_id: String,
    /// How alike the server says that the pictures are, 0 to 100; some say nothing.
    #[serde(default)]
    pub similarity_score: Option<u32>,
}

#[derive(Deserialize)]
struct Answer {
    matches: Vec<Match>,
}

#[derive(Deserialize)]
struct Algorithms {
    #[serde(default)]
    watermarks: Vec<Algorithm>,
    #[serde(default)]
    fingerprints: Vec<Algorithm>,
}

#[derive(Deserialize)]
struct Algorithm {
    alg: String,
}

impl Resolver {
    /// The server whose API has this base address, such as `https://host/v1`.
    ///
    /// # Errors
    /// In words, if the address is none that this build can ask.
    pub fn new(url: &str) -> Result<Self, String> {
        Server::new(url, "a resolution server", PATIENCE).map(Self)
    }

    /// Its host.
    pub fn host(&self) -> &str {
        self.0.host()
    }

    /// The soft-binding algorithms that it says it knows; none where it has no list of them (404, 501).
    ///
    /// # Errors
    /// Why there was no answer that could be used.
    pub fn algorithms(&self) -> Result<Vec<String>, String> {
        let reply = match self.0.get("services/supportedAlgorithms", LONGEST) {
            Ok(reply) => reply,
            Err(Refusal::Status(404 | 501)) => return Ok(Vec::new()),
            Err(refusal) => return Err(format!("{}: {refusal}", self.host())),
        };
        let known: Algorithms = serde_json::from_slice(&reply.body)
            .map_err(|error| format!("{}: no list of algorithms: {error}", self.host()))?;
        let known = known.watermarks.into_iter().chain(known.fingerprints);
        Ok(known.map(|known| known.alg).collect())
    }

    /// The manifests that it names for a file, in its order. A file of a kind that it does not take (415) has none.
    ///
    /// # Errors
    /// Why there was no answer that could be used.
    pub fn by_content(&self, format: Format, bytes: &[u8]) -> Result<Vec<Match>, String> {
        self.matches("byContent", format.mime(), bytes)
    }

    /// The manifests that it names for a soft binding, in its order.
    ///
    /// # Errors
    /// Why there was no answer that could be used.
    pub fn by_binding(&self, binding: &SoftBinding) -> Result<Vec<Match>, String> {
        let body = serde_json::json!({
            "alg": binding.algorithm,
            "value": STANDARD.encode(&binding.value),
        });
        let body = body.to_string();
        self.matches("byBinding", "application/json", body.as_bytes())
    }

    fn matches(&self, by: &str, media_type: &str, body: &[u8]) -> Result<Vec<Match>, String> {
        let path = format!("matches/{by}?maxResults={MOST_MATCHES}");
        let headers = [("content-type", media_type)];
        let reply = match self.0.post(&path, &headers, body, "", LONGEST) {
            Ok(reply) => reply,
            Err(Refusal::Status(415)) => return Ok(Vec::new()),
            Err(refusal) => return Err(format!("{}: {refusal}", self.host())),
        };
        let answer: Answer = serde_json::from_slice(&reply.body)
            .map_err(|error| format!("{}: no result of a query: {error}", self.host()))?;
        if answer.matches.len() > MOST_MATCHES {
            return Err(format!("{}: more matches than were asked for", self.host()));
        }
        Ok(answer.matches)
    }
}
