//! Sending the image through a real server. What is sent where is said here; who sends it comes in with the call.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::ask::{Fault, Question, Sign, Unanswered, Way, Written, host};
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Level, Millis, Seconds};

/// `http = { url = "http://127.0.0.1:8080/resize/{source}", source = "percent", seconds = 30 }`: the server is told an address
/// at which it finds the current file, and its answer is the result.
///
/// | key | meaning |
/// |---|---|
/// | `url` | the address; the host may hold no placeholder |
/// | `source` | how `{source}` in it is written: `plain`, `percent`, `base64` (url-safe, without padding), or `path`, for servers that know the host already |
/// | `upload` | instead of `source`: the file is sent by POST, as the `body`, or as the field `field` of a `form` |
/// | `sign` | `{ scheme = "imgproxy", key = "VARIABLE", salt = "VARIABLE" }`: what stands for `{signature}`; the variables of the environment hold hex |
/// | `headers` | what is sent besides |
/// | `headers_from` | the same from variables of the environment: keys do not stand in recipes |
/// | `seconds` | how long one answer may take |
/// | `retries` | how often a server that fails is asked again, 0 unless said |
/// | `interval_ms` | the least time between two requests to one host, 0 unless said |
/// | `keep` | headers of the answer that are kept besides [`KEPT`](crate::ask::KEPT) |
///
/// `{fresh}` in the address is a word that stood in no address before, against caches.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Http(Question);

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Upload {
    Body,
    Form,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    url: String,
    source: Option<Written>,
    upload: Option<Upload>,
    field: Option<String>,
    sign: Option<Sign>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    headers_from: BTreeMap<String, String>,
    seconds: Seconds,
    retries: Option<Level>,
    interval_ms: Option<Millis>,
    #[serde(default)]
    keep: Vec<String>,
}

/// Headers that hold keys.
const SECRET: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "apikey",
    "x-amz-security-token",
];

impl TryFrom<Wire> for Http {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        check_address(&wire.url)?;
        let has = |placeholder: &str| wire.url.contains(placeholder);
        let way = match (wire.source, wire.upload, wire.field) {
            (Some(written), None, None) if has("{source}") => Way::Source(written),
            (None, Some(Upload::Body), None) if !has("{source}") => Way::Body,
            (None, Some(Upload::Form), Some(field)) if !has("{source}") && is_name(&field) => {
                Way::Form(field)
            }
            _ => {
                return Err(
                    "http: either `source` says how {source} is written in the url, or `upload` is \"body\", or it is \
                     \"form\" and `field` names the field; one of them, and no {source} in the url where the file is uploaded"
                        .to_owned(),
                );
            }
        };
        if has("{signature}") != wire.sign.is_some() {
            return Err(
                "http: `sign` says what {signature} in the url is; there is one without the other"
                    .to_owned(),
            );
        }
        check_headers(&wire.headers, &wire.headers_from, &wire.keep)?;
        let variables = wire.sign.iter().flat_map(|sign| [&sign.key, &sign.salt]);
        for variable in variables.chain(wire.headers_from.values()) {
            if !is_variable(variable) {
                return Err(format!(
                    "http: {variable:?} is no name of a variable of the environment"
                ));
            }
        }
        Ok(Self(Question {
            url: wire.url,
            way,
            sign: wire.sign,
            headers: wire.headers,
            headers_from: wire.headers_from,
            patience: Duration::from_secs(wire.seconds.get().into()),
            retries: wire.retries.map_or(0, Level::get),
            interval: Duration::from_millis(wire.interval_ms.map_or(0, Millis::get).into()),
            keep: wire.keep,
        }))
    }
}

/// Refuses an address whose host cannot be told for certain, and placeholders that nobody knows.
fn check_address(url: &str) -> Result<(), String> {
    let refused = |reason: &str| Err(format!("http.url: {reason}"));
    let Some(rest) = ["http://", "https://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
    else {
        return refused("it must begin with http:// or https://");
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    // No password, no placeholder, nothing that two readers could take for two hosts.
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if host(url).is_empty() || !authority.chars().all(fits) {
        return refused("its host must be plain: letters, digits, dots, and a port");
    }
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '#' | '"' | '<' | '>');
    if !url.chars().all(is_plain) {
        return refused("it must be ASCII without blanks, quotes, \\ and #");
    }
    let mut left = url.to_owned();
    for known in ["{source}", "{signature}", "{fresh}"] {
        if left.matches(known).count() > 1 {
            return refused(&format!("{known} stands there more than once"));
        }
        left = left.replace(known, "");
    }
    if left.contains(['{', '}']) {
        return refused("the placeholders are {source}, {signature} and {fresh}");
    }
    Ok(())
}

fn check_headers(
    plain: &BTreeMap<String, String>,
    from: &BTreeMap<String, String>,
    keep: &[String],
) -> Result<(), String> {
    for name in plain.keys().chain(from.keys()).chain(keep) {
        let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        if !is_name(name) || !is_lower {
            return Err(format!(
                "http: {name:?} is no name of a header in lower case"
            ));
        }
        if matches!(
            name.as_str(),
            "host" | "content-length" | "transfer-encoding"
        ) && !keep.contains(name)
        {
            return Err(format!("http: {name} follows from the request"));
        }
    }
    for (name, value) in plain {
        if SECRET.contains(&name.as_str()) {
            return Err(format!(
                "http: {name} holds a key, which does not stand in a recipe; headers_from names a variable of the environment"
            ));
        }
        if !value
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        {
            return Err(format!("http: the value of {name} must be plain ASCII"));
        }
    }
    match keep.iter().find(|name| SECRET.contains(&name.as_str())) {
        Some(name) => Err(format!("http: {name} may hold a key, and is not kept")),
        None => Ok(()),
    }
}

/// Whether it is a token of HTTP (RFC 9110, section 5.6.2), the rarer signs aside.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 80 && text.bytes().all(fits)
}

fn is_variable(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(fits)
}

impl Http {
    /// What is asked.
    #[must_use]
    pub fn question(&self) -> &Question {
        &self.0
    }
}

impl Apply for Http {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let file = work.encoded()?;
        let asker = work.surroundings().asker.ok_or(StepErrorKind::NoNetwork)?;
        let answer = asker.asked(&self.0, file).map_err(StepErrorKind::Server)?;
        work.replace(answer).map_err(|error| {
            StepErrorKind::Server(Unanswered {
                fault: Fault::Type,
                host: self.0.host(),
                reason: format!("answers with something that is no image: {error}"),
            })
        })?;
        Ok(Flow::Continue)
    }
}
