//! How a service is to run: flags before the environment, that before a file, and then what stands here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::store::{StoreError, StoreUrl};

/// What can be said in flags, in the environment, and in a file (TOML, the same names with underscores).
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    /// Address and port; port 0 takes a free one, which is told [default: 127.0.0.1:8088]
    #[arg(long, value_name = "ADDRESS:PORT", env = "CREDLINK_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Folder with the keys [default: credlink-keys]
    #[arg(long, value_name = "DIR", env = "CREDLINK_KEYS")]
    pub keys: Option<PathBuf>,
    /// Where proofs are kept: redb:PATH, memory:, postgres://…, s3://BUCKET+dynamodb://TABLE [default: redb:credlink-service.redb]
    #[arg(long, value_name = "URL", env = "CREDLINK_STORE")]
    pub store: Option<String>,
    /// Where links in files point to [default: that of `sign`]
    #[arg(long, value_name = "URL", env = "CREDLINK_BASE_URL")]
    pub base_url: Option<String>,
    /// Where the world reaches this service, for its description [default: http://ADDRESS:PORT]
    #[arg(long, value_name = "URL", env = "CREDLINK_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// File of API keys: a name and the SHA-256 of a key a line. Without it everybody may sign and verify
    #[arg(long, value_name = "FILE", env = "CREDLINK_API_KEYS")]
    pub api_keys: Option<PathBuf>,
    /// Requests a minute for each key, or each address where there are no keys; 0 for no limit [default: 0]
    #[arg(long, value_name = "N", env = "CREDLINK_PER_MINUTE")]
    pub per_minute: Option<u32>,
    /// Files that are worked on at once [default: two for each processor]
    #[arg(long, value_name = "N", env = "CREDLINK_WORKERS")]
    pub workers: Option<usize>,
    /// Requests whose body is read or worked on at once; more are answered 503 [default: 8 for each worker]
    #[arg(long, value_name = "N", env = "CREDLINK_PLACES")]
    pub places: Option<usize>,
    /// Open connections [default: 4096]
    #[arg(long, value_name = "N", env = "CREDLINK_CONNECTIONS")]
    pub connections: Option<usize>,
    /// Largest body, MiB [default: 32]
    #[arg(long, value_name = "MIB", env = "CREDLINK_MAX_BODY_MIB")]
    pub max_body_mib: Option<u64>,
    /// Seconds in which a body must have arrived [default: 30]
    #[arg(long, value_name = "SECONDS", env = "CREDLINK_BODY_SECONDS")]
    pub body_seconds: Option<u64>,
    /// Seconds in which a file must be done [default: 60]
    #[arg(long, value_name = "SECONDS", env = "CREDLINK_WORK_SECONDS")]
    pub work_seconds: Option<u64>,
    /// Seconds after which a connection is closed on which no request comes [default: 120]
    #[arg(long, value_name = "SECONDS", env = "CREDLINK_IDLE_SECONDS")]
    pub idle_seconds: Option<u64>,
    /// Seconds that what was begun may take at the end [default: 30]
    #[arg(long, value_name = "SECONDS", env = "CREDLINK_GRACE_SECONDS")]
    pub grace_seconds: Option<u64>,
    /// Directory of a survival run whose first figures the status page shows
    #[arg(long, value_name = "RUN", env = "CREDLINK_LAST_RUN")]
    pub last_run: Option<PathBuf>,
}

/// How a service runs.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Folder with the keys.
    pub keys: PathBuf,
    /// Where proofs are kept.
    #[serde(serialize_with = "shown")]
    pub store: StoreUrl,
    /// Where links in files point to.
    pub base_url: String,
    /// Where the world reaches this service; empty for the address that it listens at.
    pub public_url: String,
    /// File of API keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_keys: Option<PathBuf>,
    /// Requests a minute for each key or address; 0 for no limit.
    pub per_minute: u32,
    /// Files that are worked on at once.
    pub workers: usize,
    /// Requests whose body is read or worked on at once.
    pub places: usize,
    /// Open connections.
    pub connections: usize,
    /// Largest body, MiB.
    pub max_body_mib: u64,
    /// Seconds in which a body must have arrived.
    pub body_seconds: u64,
    /// Seconds in which a file must be done.
    pub work_seconds: u64,
    /// Seconds after which an idle connection is closed.
    pub idle_seconds: u64,
    /// Seconds that what was begun may take at the end.
    pub grace_seconds: u64,
    /// Directory of a survival run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<PathBuf>,
}

fn shown<S: serde::Serializer>(url: &StoreUrl, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(url)
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {source}")]
    Toml {
        /// The file.
        path: String,
        /// Line, column and reason.
        source: Box<toml::de::Error>,
    },
    /// The store's URL.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Wanted {
    /// What a file says.
    ///
    /// # Errors
    /// [`SettingsError::File`], [`SettingsError::Toml`].
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::File {
            path: name.clone(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| SettingsError::Toml {
            path: name,
            source: Box::new(source),
        })
    }

    /// What is said here, and where nothing is, what `other` says.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            keys: self.keys.or(other.keys),
            store: self.store.or(other.store),
            base_url: self.base_url.or(other.base_url),
            public_url: self.public_url.or(other.public_url),
            api_keys: self.api_keys.or(other.api_keys),
            per_minute: self.per_minute.or(other.per_minute),
            workers: self.workers.or(other.workers),
            places: self.places.or(other.places),
            connections: self.connections.or(other.connections),
            max_body_mib: self.max_body_mib.or(other.max_body_mib),
            body_seconds: self.body_seconds.or(other.body_seconds),
            work_seconds: self.work_seconds.or(other.work_seconds),
            idle_seconds: self.idle_seconds.or(other.idle_seconds),
            grace_seconds: self.grace_seconds.or(other.grace_seconds),
            last_run: self.last_run.or(other.last_run),
        }
    }

    /// Settings with a value for everything. `processors` are those of the machine.
    ///
    /// # Errors
    /// [`SettingsError::Store`].
    pub fn settled(self, processors: usize) -> Result<Settings, SettingsError> {
        // Twice as many as processors: what is quick then shares them with signatures, instead of waiting for two of them.
        let workers = self.workers.unwrap_or(2 * processors).max(1);
        let store = self.store.as_deref();
        Ok(Settings {
            listen: self
                .listen
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8088))),
            keys: self.keys.unwrap_or_else(|| "credlink-keys".into()),
            store: store.unwrap_or("redb:credlink-service.redb").parse()?,
            base_url: self
                .base_url
                .unwrap_or_else(|| credlink_sign_core::DEFAULT_BASE_URL.to_owned()),
            public_url: self.public_url.unwrap_or_default(),
            api_keys: self.api_keys,
            per_minute: self.per_minute.unwrap_or(0),
            workers,
            places: self.places.unwrap_or(8 * workers).max(1),
            connections: self.connections.unwrap_or(4096).max(1),
            max_body_mib: self.max_body_mib.unwrap_or(32),
            body_seconds: self.body_seconds.unwrap_or(30),
            work_seconds: self.work_seconds.unwrap_or(60),
            idle_seconds: self.idle_seconds.unwrap_or(120),
            grace_seconds: self.grace_seconds.unwrap_or(30),
            last_run: self.last_run,
        })
    }
}

impl Settings {
    /// The settings as TOML, as `--show-config` prints them; nothing in them is secret.
    ///
    /// # Errors
    /// What the library said.
    pub fn text(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_a_file_and_a_file_before_defaults() {
        let file: Wanted = toml::from_str("workers = 3\nper_minute = 9\n").unwrap();
        let flags = Wanted {
            workers: Some(5),
            ..Wanted::default()
        };
        let settings = flags.or(file).settled(2).unwrap();
        assert_eq!((settings.workers, settings.per_minute), (5, 9));
        assert_eq!((settings.places, settings.max_body_mib), (40, 32));
        let usual = Wanted::default().settled(2).unwrap();
        assert_eq!((usual.workers, usual.places), (4, 32));
        let shown = settings.text().unwrap();
        // What is shown can be read again.
        let again: Wanted = toml::from_str(&shown).unwrap();
        assert_eq!(again.settled(2).unwrap().text().unwrap(), shown);
    }

    #[test]
    fn names_that_are_unknown_and_stores_of_no_kind_are_refused() {
        assert!(toml::from_str::<Wanted>("wokers = 3").is_err());
        let wanted = Wanted {
            store: Some("mysql://x".to_owned()),
            ..Wanted::default()
        };
        let error = wanted.settled(1).unwrap_err().to_string();
        assert!(error.contains("mysql"), "{error}");
    }
}
