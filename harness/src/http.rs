//! Asking servers by HTTP: whom the user named, nobody else, and never without an end.

use std::io::Read as _;
use std::time::Duration;

use ureq::Agent;
use ureq::http::{Request, Response, Uri};

/// A server that the user named.
#[derive(Clone, Debug)]
pub struct Server {
    url: Uri,
    agent: Agent,
}

/// Why a server gave no answer that can be used, in words that begin with a small letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It said this status.
    Status(u16),
    /// There was no answer, or not a whole one.
    Broken(String),
}

/// An answer: its media type, without parameters and in lower case, one of its headers, and its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The media type; empty if none was told.
    pub media_type: String,
    /// The header that was asked for.
    pub header: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Server {
    /// The server at this address, which is `what` to people. It has so long for one request.
    ///
    /// # Errors
    /// In words, if the address is none that this build can ask.
    pub fn new(url: &str, what: &str, patience: Duration) -> Result<Self, String> {
        let can_ask: &[&str] = if cfg!(feature = "https") {
            &["http", "https"]
        } else {
            &["http"]
        };
        let parsed = url.parse::<Uri>().ok();
        let scheme = parsed.as_ref().and_then(Uri::scheme_str);
        let needs = if scheme == Some("https") {
            "; this program was built without https, which the feature `https` adds"
        } else {
            ""
        };
        let is_known = scheme.is_some_and(|scheme| can_ask.contains(&scheme));
        let Some(url) = parsed.filter(|_| is_known) else {
            return Err(format!(
                "{url} is no address of {what}: it must begin with {}://{needs}",
                can_ask.join(":// or ")
            ));
        };
        // Nobody else is asked, whatever the server answers.
        let config = Agent::config_builder()
            .timeout_global(Some(patience))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(true);
        Ok(Self {
            url,
            agent: config.build().into(),
        })
    }

    /// Its host alone: an address may hold a password.
    pub fn host(&self) -> &str {
        self.url.host().unwrap_or_default()
    }

    /// The address with this behind it; empty for the address itself.
    fn address(&self, path: &str) -> String {
        if path.is_empty() {
            self.url.to_string()
        } else {
            format!("{}/{path}", self.url.to_string().trim_end_matches('/'))
        }
    }

    /// Reads what lies at the address with this behind it, at most so many bytes.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn get(&self, path: &str, most: u64) -> Result<Reply, Refusal> {
        let answer = self.agent.get(self.address(path)).call();
        read(answer.map_err(broken)?, "", most)
    }

    /// Sends a body to the address with this behind it, empty for the address itself, and reads an answer of at most `most`
    /// bytes, with the header of this name.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        header: &str,
        most: u64,
    ) -> Result<Reply, Refusal> {
        let mut request = self.agent.post(self.address(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send(body).map_err(broken)?, header, most)
    }
}

/// Somebody who asks any address that the caller vouches for, and hears the whole answer, whatever its status. No proxy is
/// used, and no redirect followed.
#[derive(Clone, Debug)]
pub struct Asker(Agent);

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Its status.
    pub status: u16,
    /// Its headers that are text, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Nobody takes the connection.
    Unreachable(String),
    /// It ends in between, or is not HTTP.
    Cut(String),
    /// It takes too long.
    Slow,
    /// It has more bytes than were granted.
    Endless,
}

impl Heard {
    /// The first header of this name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known == name)?;
        Some(value)
    }
}

impl Default for Asker {
    fn default() -> Self {
        Self::new()
    }
}

impl Asker {
    /// Somebody who knows nobody yet.
    #[must_use]
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None);
        Self(config.build().into())
    }

    /// Asks by GET, or by POST with a body, and reads at most so many bytes within this time.
    ///
    /// # Errors
    /// [`Silence`].
    pub fn ask(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: Option<&[u8]>,
        patience: Duration,
        most: u64,
    ) -> Result<Heard, Silence> {
        let mut request = Request::builder().uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let refused = |error: ureq::http::Error| Silence::Unreachable(error.to_string());
        let answer = match body {
            None => {
                let request = request.method("GET").body(()).map_err(refused)?;
                let request = self.0.configure_request(request);
                self.0.run(request.timeout_global(Some(patience)).build())
            }
            Some(body) => {
                let request = request.method("POST").body(body).map_err(refused)?;
                let request = self.0.configure_request(request);
                self.0.run(request.timeout_global(Some(patience)).build())
            }
        };
        heard(answer.map_err(silence)?, most)
    }
}

/// The host that an address names, if it names one.
pub fn host_of(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    url.host().map(str::to_owned)
}

fn silence(error: ureq::Error) -> Silence {
    match error {
        ureq::Error::Timeout(_) => Silence::Slow,
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
            Silence::Unreachable(error.to_string())
        }
        ureq::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::TimedOut => Silence::Slow,
            std::io::ErrorKind::ConnectionRefused => Silence::Unreachable(error.to_string()),
            _ => Silence::Cut(error.to_string()),
        },
        other => Silence::Cut(other.to_string()),
    }
}

fn heard(answer: Response<ureq::Body>, most: u64) -> Result<Heard, Silence> {
    let status = answer.status().as_u16();
    let headers = answer.headers().iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let mut heard = Heard {
        status,
        headers: headers.collect(),
        body: Vec::new(),
    };
    let mut whole = answer.into_body().into_reader().take(most + 1);
    whole
        .read_to_end(&mut heard.body)
        .map_err(|error| silence(error.into()))?;
    if heard.body.len() as u64 > most {
        return Err(Silence::Endless);
    }
    Ok(heard)
}

fn broken(error: ureq::Error) -> Refusal {
    Refusal::Broken(error.to_string())
}

/// An answer of at most so many bytes, with the header of this name.
fn read(answer: Response<ureq::Body>, header: &str, most: u64) -> Result<Reply, Refusal> {
    let status = answer.status();
    if !status.is_success() {
        return Err(Refusal::Status(status.as_u16()));
    }
    let told = |name: &str| text(&answer, name);
    let media_type = told("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    let mut reply = Reply {
        media_type: media_type.trim().to_ascii_lowercase(),
        header: told(header),
        body: Vec::new(),
    };
    let mut whole = answer.into_body().into_reader().take(most + 1);
    let read = whole.read_to_end(&mut reply.body);
    read.map_err(|error| Refusal::Broken(error.to_string()))?;
    if reply.body.len() as u64 > most {
        return Err(Refusal::Broken("its answer does not end".to_owned()));
    }
    Ok(reply)
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "it answers with status {status}"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

fn text<T>(answer: &Response<T>, name: &str) -> Option<String> {
    let value = answer.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_asked_are_refused() {
        let new = |url: &str| Server::new(url, "a time authority", Duration::from_secs(1));
        assert!(new("http://tsa.example/").is_ok());
        for url in ["tsa.example", "ftp://tsa.example", "", "file:///etc/passwd"] {
            let error = new(url).unwrap_err();
            assert!(error.contains("must begin with http://"), "{error}");
        }
        assert_eq!(new("https://tsa.example/").is_ok(), cfg!(feature = "https"));
    }
}
