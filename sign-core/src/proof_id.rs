//! The 64-bit name of a proof.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where proofs are looked up unless the signer is told otherwise. The domain is reserved (RFC 2606), so
/// nothing is ever asked there.
pub const DEFAULT_BASE_URL: &str = "https://proofs.credlink.example/p";

/// The 64-bit number that names one proof everywhere: in the manifest, in the link, in the store, in rows.
///
/// Written as 16 lowercase hexadecimal digits, leading zeros included, and in no other way, so that two
/// spellings of one id cannot exist. Ordered by value. Who draws ids owns their uniqueness; the store
/// refuses duplicates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProofId(u64);

impl ProofId {
    /// The id with this number.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ProofId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for ProofId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofId({self})")
    }
}

/// The text is not the one spelling of a proof id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("proof id is not 16 lowercase hexadecimal digits: {0:?}")]
pub struct ProofIdError(String);

impl FromStr for ProofId {
    type Err = ProofIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let canonical = text.len() == 16
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match u64::from_str_radix(text, 16) {
            Ok(value) if canonical => Ok(Self(value)),
            // The text may come from a stranger's file, so only its beginning is repeated.
            _ => Err(ProofIdError(text.chars().take(32).collect())),
        }
    }
}

impl TryFrom<String> for ProofId {
    type Error = ProofIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ProofId> for String {
    fn from(id: ProofId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_reads_back_as_itself() {
        for value in [0, 1, 0xff, 0x0123_4567_89ab_cdef, u64::MAX] {
            let id = ProofId::new(value);
            assert_eq!(id.to_string().len(), 16);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "0",
            "0123456789ABCDEF",
            "0123456789abcdeg",
            "+123456789abcdef",
            "0x23456789abcdef",
            "0123456789abcdef0",
            " 123456789abcdef",
        ] {
            assert!(text.parse::<ProofId>().is_err(), "{text:?} was accepted");
        }
    }
}
