//! Who may ask, how often, and how much at once.
//!
//! A place is taken before a body is read: a thousand bodies of some megabytes would fill the memory while they wait. Where
//! no place is free the answer is 503, at once, with the time after which to come again.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Requests after which the memory of whoever asked is swept.
const SWEEP_EVERY: u64 = 10_000;

/// The door of a service.
#[derive(Debug)]
pub struct Admission {
    /// Names by the SHA-256 of their key; `None` where everybody may ask.
    keys: Option<BTreeMap<[u8; 32], String>>,
    limiter: Option<DefaultKeyedRateLimiter<String>>,
    asked: std::sync::atomic::AtomicU64,
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

/// A list of API keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It cannot be read.
    #[error("cannot read the API keys in {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error(
        "{path}, line {line}: must be a name, a space, and the SHA-256 of a key as 64 hexadecimal digits"
    )]
    Line {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
    },
    /// There is none: nobody could ask.
    #[error("{0} holds no key")]
    Empty(String),
}

/// Reads a list of API keys: a line each, the name of whoever holds it, and its SHA-256. Keys themselves are nowhere.
///
/// # Errors
/// Every variant of [`KeysError`].
pub fn read_keys(path: &Path) -> Result<BTreeMap<[u8; 32], String>, KeysError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| KeysError::File {
        path: name.clone(),
        source,
    })?;
    let mut keys = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || KeysError::Line {
            path: name.clone(),
            line: number + 1,
        };
        let (holder, digest) = line.split_once(char::is_whitespace).ok_or_else(wrong)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digest.trim(), &mut bytes).map_err(|_| wrong())?;
        keys.insert(bytes, holder.to_owned());
    }
    if keys.is_empty() {
        return Err(KeysError::Empty(name));
    }
    Ok(keys)
}

/// Places and limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests whose body is read or worked on at once.
    pub places: usize,
    /// Files that are worked on at once.
    pub workers: usize,
    /// Requests a minute for each key, or each address where there are no keys; 0 for no limit.
    pub per_minute: u32,
}

impl Admission {
    /// A door with these keys and limits.
    pub fn new(keys: Option<BTreeMap<[u8; 32], String>>, limits: Limits) -> Self {
        let quota = NonZeroU32::new(limits.per_minute).map(Quota::per_minute);
        Self {
            keys,
            limiter: quota.map(RateLimiter::keyed),
            asked: std::sync::atomic::AtomicU64::new(0),
            places: Arc::new(Semaphore::new(limits.places.max(1))),
            workers: Arc::new(Semaphore::new(limits.workers.max(1))),
        }
    }

    /// Who asks: the name that goes with the key, or the address where no keys are wanted.
    ///
    /// # Errors
    /// 401 without a key that is known, 429 where somebody asks too often.
    pub fn who(&self, headers: &HeaderMap, address: IpAddr) -> Result<String, Problem> {
        let who = match &self.keys {
            None => address.to_string(),
            Some(keys) => {
                let key = bearer(headers).ok_or_else(|| unknown("no API key was given"))?;
                // Found by its digest, so that the time of the look-up tells nothing of other keys.
                let digest: [u8; 32] = Sha256::digest(key).into();
                let name = keys.get(&digest);
                name.ok_or_else(|| unknown("the API key is not known"))?
                    .clone()
            }
        };
        self.is_in_time(&who)?;
        Ok(who)
    }

    /// Whether this address does not ask too often, where no key is wanted.
    ///
    /// # Errors
    /// 429.
    pub fn anybody(&self, address: IpAddr) -> Result<(), Problem> {
        self.is_in_time(&address.to_string())
    }

    fn is_in_time(&self, who: &String) -> Result<(), Problem> {
        use std::sync::atomic::Ordering::Relaxed;
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        if self.asked.fetch_add(1, Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(who).map_err(|_| {
            let detail = "too many requests in a minute";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail).after(5)
        })
    }

    /// A place, if one is free.
    ///
    /// # Errors
    /// 503.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| {
            let detail = "as many requests as fit are being worked on";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).after(1)
        })
    }

    /// Waits for a worker.
    ///
    /// # Errors
    /// 503 while the service ends.
    pub async fn worker(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let worker = Arc::clone(&self.workers).acquire_owned().await;
        worker.map_err(|_| {
            let detail = "the service is ending";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", detail).after(5)
        })
    }

    /// Places that are free.
    pub fn free_places(&self) -> usize {
        self.places.available_permits()
    }
}

fn unknown(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}

/// The key of a request: `Authorization: Bearer KEY`, or `X-Api-Key: KEY`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let authorization = headers.get(header::AUTHORIZATION);
    let bearer = authorization.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    bearer.or_else(|| headers.get("x-api-key").map(|value| value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn door(keys: Option<BTreeMap<[u8; 32], String>>, per_minute: u32) -> Admission {
        let limits = Limits {
            places: 2,
            workers: 1,
            per_minute,
        };
        Admission::new(keys, limits)
    }

    fn asking(key: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {key}");
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn only_a_known_key_opens() {
        let digest: [u8; 32] = Sha256::digest("open sesame").into();
        let door = door(Some([(digest, "press".to_owned())].into()), 0);
        assert_eq!(door.who(&asking("open sesame"), HERE).unwrap(), "press");
        for headers in [
            HeaderMap::new(),
            asking("open sesam"),
            asking(&hex::encode(digest)),
        ] {
            let refused = door.who(&headers, HERE).unwrap_err();
            assert_eq!(refused.code(), "unauthorized");
        }
    }

    #[test]
    fn whoever_asks_too_often_waits_and_nobody_else() {
        let door = door(None, 3);
        let other = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
        for _ in 0..3 {
            door.who(&HeaderMap::new(), HERE).unwrap();
        }
        let refused = door.who(&HeaderMap::new(), HERE).unwrap_err();
        assert_eq!(refused.code(), "rate-limited");
        door.who(&HeaderMap::new(), other).unwrap();
    }

    #[test]
    fn there_are_as_many_places_as_were_said() {
        let door = door(None, 0);
        let (first, _second) = (door.place().unwrap(), door.place().unwrap());
        assert_eq!(door.place().unwrap_err().code(), "overloaded");
        drop(first);
        drop(door.place().unwrap());
    }

    #[test]
    fn a_list_of_keys_names_its_faults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_keys(&path).map_err(|error| error.to_string())
        };
        let digest = hex::encode(Sha256::digest("k"));
        let keys = read(&format!("# who\n\npress {digest}\n")).unwrap();
        assert_eq!(keys.into_values().collect::<Vec<_>>(), ["press"]);
        assert!(read("# nobody\n").unwrap_err().contains("no key"));
        assert!(read("press open-sesame\n").unwrap_err().contains("line 1"));
        assert!(read_keys(&folder.path().join("none")).is_err());
    }
}
