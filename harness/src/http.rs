//! Asking servers by HTTP: whom the user named, nobody else, and never without an end.

use std::io::Read as _;
use std::time::Duration;

use ureq::Agent;
use ureq::http::{Response, Uri};

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
