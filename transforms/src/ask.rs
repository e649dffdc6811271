//! Asking real image servers. Nothing here knows how that is done, or whom one may ask: whoever asks comes in with the call,
//! as no network belongs among pipelines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use credlink_image_files::ImageFile;
use serde::Deserialize;

/// Somebody who asks image servers.
pub trait Ask {
    /// What the server that the question names makes of the file.
    ///
    /// # Errors
    /// [`Unanswered`].
    fn asked(&self, question: &Question, file: &Arc<ImageFile>) -> Result<Vec<u8>, Unanswered>;
}

/// What is asked, of whom, and how, as a recipe's step `http` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The address with its placeholders.
    pub url: String,
    /// How the file reaches the server.
    pub way: Way,
    /// How the address is signed, if it is.
    pub sign: Option<Sign>,
    /// Headers of the request.
    pub headers: BTreeMap<String, String>,
    /// Headers of the request whose values stand in variables of the environment.
    pub headers_from: BTreeMap<String, String>,
    /// How long one answer may take.
    pub patience: Duration,
    /// How often a server that fails is asked again.
    pub retries: u8,
    /// The least time between two requests to one host.
    pub interval: Duration,
    /// Headers of an answer that are kept besides [`KEPT`].
    pub keep: Vec<String>,
}

impl Question {
    /// The host that is asked, in lower case, without port and brackets.
    #[must_use]
    pub fn host(&self) -> String {
        host(&self.url)
    }
}

/// Headers of an answer that say what happened, and are always kept.
pub const KEPT: [&str; 9] = [
    "content-type",
    "content-length",
    "server",
    "via",
    "age",
    "cache-control",
    "x-cache",
    "vary",
    "retry-after",
];

/// How the file reaches the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The server fetches it from an address that stands in its own, written like this.
    Source(Written),
    /// It is the body of the request.
    Body,
    /// It is this field of a form.
    Form(String),
}

/// How the address of the file is written within that of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Written {
    /// As it is.
    Plain,
    /// With everything percent-encoded but letters, digits and `-._~` (RFC 3986, section 2.3).
    Percent,
    /// As url-safe base64 without padding (RFC 4648, section 5).
    Base64,
    /// Without scheme and host.
    Path,
}

/// How an address is signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// By which rule.
    pub scheme: Scheme,
    /// The variable of the environment that holds the key, in hex.
    pub key: String,
    /// The variable of the environment that holds the salt, in hex.
    pub salt: String,
}

/// A rule for signatures of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// HMAC-SHA256 with the key over the salt and everything behind `{signature}`, url-safe base64 without padding (imgproxy
    /// docs, "Signing a URL").
    Imgproxy,
}

/// The host of a checked address, in lower case, without port and brackets.
pub(crate) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.to_ascii_lowercase()
}

/// Why a server's answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} {reason}")]
pub struct Unanswered {
    /// What went wrong.
    pub fault: Fault,
    /// The server's host, without anything that an address may hold besides.
    pub host: String,
    /// In words that follow the host's name.
    pub reason: String,
}

/// What may go wrong between a request and a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The host is none that may be asked.
    Forbidden,
    /// Something that the request needs is not there, such as a key.
    Setting,
    /// Nobody answers.
    Unreachable,
    /// It answers with a status that is no success.
    Status,
    /// It sends elsewhere.
    Redirect,
    /// It ends in the middle of its answer, or its answer is not HTTP.
    Cut,
    /// It answers with something that is no image.
    Type,
    /// Its answer is larger than any image may be.
    Size,
    /// It takes longer than the step grants.
    Slow,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Forbidden,
        Self::Setting,
        Self::Unreachable,
        Self::Status,
        Self::Redirect,
        Self::Cut,
        Self::Type,
        Self::Size,
        Self::Slow,
    ];

    /// The code in tables.
    #[must_use]
    pub const fn cause(self) -> &'static str {
        match self {
            Self::Forbidden => "server-forbidden",
            Self::Setting => "server-setting",
            Self::Unreachable => "server-unreachable",
            Self::Status => "server-status",
            Self::Redirect => "server-redirect",
            Self::Cut => "server-cut",
            Self::Type => "server-type",
            Self::Size => "server-size",
            Self::Slow => "server-slow",
        }
    }
}
