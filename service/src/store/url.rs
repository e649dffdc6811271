//! Stores by URL.

use std::path::PathBuf;
use std::str::FromStr;

use super::StoreError;

/// A store by its URL. [`Display`](std::fmt::Display) and `Debug` leave out what may be secret.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// One file.
    Redb(PathBuf),
    /// Nowhere.
    Memory,
    /// A PostgreSQL database: the whole URL, which may hold a password.
    Postgres(String),
}

impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        match text.split_once(':') {
            Some(("redb", path)) if !path.is_empty() => Ok(Self::Redb(path.into())),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            parts => Err(StoreError::Scheme(
                parts.map_or("", |(scheme, _)| scheme).to_owned(),
            )),
        }
    }
}

/// The URL of a database without user, password and options.
fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let place = rest.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{place}")
}

impl std::fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Redb(path) => write!(f, "redb:{}", path.display()),
            Self::Memory => f.write_str("memory:"),
            Self::Postgres(url) => f.write_str(&shown(url)),
        }
    }
}

impl std::fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_shown_nowhere() {
        for text in [
            "postgres://me:secret@host:5432/proofs?sslmode=disable",
            "postgresql://me:a@secret@host:5432/proofs",
            "postgres://host:5432/proofs?password=secret",
        ] {
            let url: StoreUrl = text.parse().unwrap();
            assert!(url.to_string().ends_with("://host:5432/proofs"), "{url}");
            assert!(!format!("{url:?}").contains("secret"));
        }
    }
}
