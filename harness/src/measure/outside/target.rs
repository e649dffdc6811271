//! Which service is measured, and what is asked of it.

use std::net::{SocketAddr, ToSocketAddrs as _};

/// A service by its address.
#[derive(Clone, Debug)]
pub struct Target {
    url: String,
    host: String,
    address: SocketAddr,
    /// The key that goes with every request.
    key: Option<String>,
}

impl Target {
    /// The service at this address; `key` is its API key, if it wants one.
    ///
    /// # Errors
    /// In words, if the address is none of a plain HTTP server, or has no host that is known.
    pub fn new(url: &str, key: Option<String>) -> Result<Self, String> {
        let wrong = || format!("{url} is no address of a service: http://HOST:PORT");
        let rest = url.strip_prefix("http://").ok_or_else(|| {
            format!("{url}: plain http alone is measured; through TLS, measure in front of it")
        })?;
        let host = rest.trim_end_matches('/');
        if host.is_empty() || host.contains(['/', '?', '#', '@']) {
            return Err(wrong());
        }
        let with_port = if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let mut found = with_port
            .to_socket_addrs()
            .map_err(|error| format!("{host}: {error}"))?;
        Ok(Self {
            url: format!("http://{host}"),
            host: host.to_owned(),
            address: found.next().ok_or_else(wrong)?,
            key,
        })
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_plain_servers() {
        for url in [
            "127.0.0.1:80",
            "https://127.0.0.1",
            "http://",
            "http://127.0.0.1/a",
            "http://a@127.0.0.1",
        ] {
            assert!(Target::new(url, None).is_err(), "{url}");
        }
        for url in [
            "http://127.0.0.1",
            "http://127.0.0.1:80/",
            "http://[::1]:80",
        ] {
            assert_eq!(
                Target::new(url, None).unwrap().address().port(),
                80,
                "{url}"
            );
        }
    }
}
