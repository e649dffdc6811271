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
    /// A bucket of S3 and a table of DynamoDB.
    Aws(AwsPlace),
}

/// Where proofs are on AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsPlace {
    /// The bucket of what they consist of.
    pub bucket: String,
    /// What the keys of its objects begin with, without a slash at either end; may be empty.
    pub prefix: String,
    /// The table that says where it is.
    pub table: String,
}

impl AwsPlace {
    /// Of a URL behind `s3://`.
    fn of(text: &str) -> Option<Self> {
        let (bucket, table) = text.split_once("+dynamodb://")?;
        let (bucket, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
        let is_name = |text: &str| {
            let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            (3..=255).contains(&text.len()) && text.bytes().all(is_named)
        };
        let is_folder = |text: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
            text.bytes().all(plain) && !text.split('/').any(|part| part == "." || part == "..")
        };
        let prefix = prefix.trim_matches('/');
        (is_name(bucket) && is_name(table) && is_folder(prefix)).then(|| Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            table: table.to_owned(),
        })
    }
}

impl std::fmt::Display for AwsPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if !self.prefix.is_empty() {
            write!(f, "/{}", self.prefix)?;
        }
        write!(f, "+dynamodb://{}", self.table)
    }
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
            Some(("s3", rest)) => {
                let place = rest.strip_prefix("//").and_then(AwsPlace::of);
                place.map(Self::Aws).ok_or(StoreError::Place)
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
            Self::Aws(place) => write!(f, "{place}"),
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

    #[test]
    fn a_bucket_comes_with_a_table() {
        for text in [
            "s3://proofs+dynamodb://proofs",
            "s3://my.proofs/of/2026+dynamodb://Proofs_2026",
        ] {
            let url: StoreUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), text);
        }
        let url: StoreUrl = "s3://proofs/+dynamodb://proofs".parse().unwrap();
        assert_eq!(url.to_string(), "s3://proofs+dynamodb://proofs");
        for text in [
            "s3:",
            "s3://proofs",
            "s3://+dynamodb://proofs",
            "s3://proofs+dynamodb://",
            "s3://proofs/../others+dynamodb://proofs",
            "s3://proofs?versions+dynamodb://proofs",
            "s3://proofs+dynamodb://proofs/index",
        ] {
            let error = text.parse::<StoreUrl>().unwrap_err().to_string();
            assert!(error.contains("+dynamodb://TABLE"), "{text}: {error}");
        }
    }
}
