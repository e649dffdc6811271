//! Time stamps from an authority that the user names (RFC 3161, section 3.4: over HTTP).

use std::io::Read as _;
use std::time::Duration;

use credlink_sign_core::TimeStamps;
use ureq::Agent;
use ureq::http::Uri;

/// The longest answer that is read, bytes: a token with its chain takes 3 to 8 KB.
const LONGEST: u64 = 64 << 10;
/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// An authority, asked by HTTP.
#[derive(Debug)]
pub struct TimeAuthority {
    url: Uri,
    agent: Agent,
}

impl TimeAuthority {
    /// The authority at this address.
    ///
    /// # Errors
    /// In words, if the address is none that this build can ask.
    pub fn new(url: &str) -> Result<Self, String> {
        let can_ask: &[&str] = if cfg!(feature = "https") {
            &["http", "https"]
        } else {
            &["http"]
        };
        let parsed = url.parse::<Uri>().ok();
        let scheme = parsed.as_ref().and_then(Uri::scheme_str);
        let needs = if scheme == Some("https") {
            "; this program was built without https, which the feature `https` adds (a stamp is signed, so that http does no harm)"
        } else {
            ""
        };
        let is_known = scheme.is_some_and(|scheme| can_ask.contains(&scheme));
        let Some(parsed) = parsed.filter(|_| is_known) else {
            return Err(format!(
                "{url} is no address of a time authority: it must begin with {}://{needs}",
                can_ask.join(":// or ")
            ));
        };
        // Nobody else is asked, whatever the authority answers.
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .max_redirects_will_error(true);
        Ok(Self {
            url: parsed,
            agent: config.build().into(),
        })
    }
}

impl TimeStamps for TimeAuthority {
    fn stamped(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        // By its host alone: an address may hold a password.
        let host = self.url.host().unwrap_or_default();
        let failed =
            |why: &dyn std::fmt::Display| format!("the time authority {host} gave no stamp: {why}");
        let answer = self
            .agent
            .post(self.url.clone())
            .header("content-type", "application/timestamp-query")
            .send(request)
            .map_err(|error| failed(&error))?;
        // Names of media types know no case, and may have parameters.
        let kind = answer.headers().get("content-type");
        let kind = kind.and_then(|kind| kind.to_str().ok()?.split(';').next());
        let wanted = "application/timestamp-reply";
        if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted)) {
            return Err(failed(&"its answer is of another kind"));
        }
        let mut bytes = Vec::new();
        let body = answer.into_body().into_reader();
        let read = body.take(LONGEST + 1).read_to_end(&mut bytes);
        read.map_err(|error| failed(&error))?;
        if bytes.len() as u64 > LONGEST {
            return Err(failed(&"its answer does not end"));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_asked_are_refused() {
        assert!(TimeAuthority::new("http://tsa.example/").is_ok());
        for url in ["tsa.example", "ftp://tsa.example", "", "file:///etc/passwd"] {
            let error = TimeAuthority::new(url).unwrap_err();
            assert!(error.contains("must begin with http://"), "{error}");
        }
        let https = TimeAuthority::new("https://tsa.example/");
        assert_eq!(https.is_ok(), cfg!(feature = "https"));
    }
}
