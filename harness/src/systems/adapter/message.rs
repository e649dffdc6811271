//! The messages of `credlink-adapter/1`, as docs/ADAPTERS.md describes them: one JSON object a line.

use std::path::Path;

use credlink_trial_record::CarrierPlace;
use serde::{Deserialize, Serialize};

/// The only version there is.
pub(super) const PROTOCOL: u32 = 1;
/// The longest line that is read, in bytes: what is longer is no answer.
pub(super) const LONGEST_LINE: usize = 1 << 20;
/// The most candidates that an answer may name.
pub(super) const MOST_CANDIDATES: usize = 8;
/// The longest record that a system may register for an image, in bytes.
pub(super) const LONGEST_RECORD: usize = 64 << 10;

/// What the harness asks.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(super) enum Request<'a> {
    /// The first message.
    Hello {
        /// The versions that the harness speaks.
        protocols: [u32; 1],
        /// The harness and its version.
        harness: &'a str,
        /// Which worker this is, from 0, and of how many.
        worker: usize,
        /// How many workers there may be.
        workers: usize,
        /// A directory for files of the system's own.
        work_dir: &'a Path,
        /// Seed of everything random.
        seed: u64,
        /// How strong to sign, in the system's own unit; left out for its default.
        #[serde(skip_serializing_if = "Option::is_none")]
        strength: Option<f64>,
    },
    /// Sign a file.
    Sign {
        /// Number of the request.
        seq: u64,
        /// The file.
        image: &'a Path,
        /// Its media type.
        media_type: &'a str,
        /// Where the signed file goes.
        out: &'a Path,
        /// The proof, 16 hex digits.
        id: &'a str,
        /// The payload in hex, empty if the system carries none.
        payload: &'a str,
    },
    /// Everything was signed; these are all records.
    Seal {
        /// Number of the request.
        seq: u64,
        /// A file of lines, each an [`Entry`].
        registry: &'a Path,
    },
    /// Look at a file.
    Verify {
        /// Number of the request.
        seq: u64,
        /// The file.
        image: &'a Path,
        /// Its media type.
        media_type: &'a str,
    },
    /// What no protocol knows, to see what becomes of it.
    #[serde(rename = "unknown-to-everybody")]
    Probe {
        /// Number of the request.
        seq: u64,
    },
    /// The end.
    Bye,
}

/// A line of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The proof.
    pub(super) id: String,
    /// The payload that was issued for it, in hex.
    pub(super) payload: String,
    /// What the system wants to remember of the image, base64.
    pub(super) record: String,
}

/// What an adapter answers. Members that nobody knows are ignored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(super) enum Answer {
    /// To hello: a [`Hello`], or under `error` what the system lacks here.
    Hello(serde_json::Map<String, serde_json::Value>),
    /// To sign.
    Signed(SignAnswer),
    /// To seal.
    Sealed {
        /// Number of the request.
        seq: u64,
    },
    /// To verify.
    Verified(VerifyAnswer),
    /// To anything that it does not know.
    Error {
        /// Number of the request, where it was told.
        #[serde(default)]
        seq: Option<u64>,
        /// A short code.
        #[serde(default)]
        cause: String,
        /// In words.
        #[serde(default)]
        detail: String,
    },
}

impl Answer {
    /// The number of the request that it answers.
    pub(super) fn seq(&self) -> Option<u64> {
        match self {
            Self::Hello(_) => None,
            Self::Signed(answer) => Some(answer.seq),
            Self::Sealed { seq } => Some(*seq),
            Self::Verified(answer) => Some(answer.seq),
            Self::Error { seq, .. } => *seq,
        }
    }

    /// What it is, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Signed(_) => "signed",
            Self::Sealed { .. } => "sealed",
            Self::Verified(_) => "verified",
            Self::Error { .. } => "error",
        }
    }
}

/// What an adapter says of its system.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Hello {
    /// The version of the protocol that it chose.
    pub(super) protocol: u32,
    /// What the system is.
    pub(super) system: SystemFacts,
    /// Bits of the payload; 0 if it carries none.
    #[serde(default)]
    pub(super) payload_bits: u32,
    /// The media types that it signs.
    pub(super) inputs: Vec<String>,
    /// Its carrier.
    pub(super) carrier: CarrierFacts,
    /// The number that it decides by, if it gives one.
    #[serde(default)]
    pub(super) score: Option<ScoreFacts>,
    /// How strong it can sign, if that can be set.
    #[serde(default)]
    pub(super) strength: Option<Strength>,
    /// Whether it wants its records back before it verifies.
    #[serde(default)]
    pub(super) keeps_records: bool,
    /// Whether the same file, id and payload give the same bytes and the same answers.
    #[serde(default)]
    pub(super) deterministic: bool,
    /// How many workers may run at once.
    #[serde(default)]
    pub(super) concurrency: Concurrency,
}

/// What a system is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct SystemFacts {
    /// Its name, as it calls itself.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// Its licence, as an SPDX expression where there is one.
    #[serde(default)]
    pub(super) licence: String,
    /// Where it comes from.
    #[serde(default)]
    pub(super) source: String,
}

/// What carries the proof.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct CarrierFacts {
    /// Its name in tables: a lowercase word.
    pub(super) name: String,
    /// Where it lies.
    pub(super) place: CarrierPlace,
    /// What it is and what found means, in one line.
    #[serde(default)]
    pub(super) describes: String,
}

/// The number that a system decides by: a whole number up to [`HIGHEST_SCORE`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct ScoreFacts {
    /// Its unit.
    pub(super) unit: String,
    /// Whether more counts as found.
    pub(super) rising: bool,
    /// The system's own threshold, if it has one.
    #[serde(default)]
    pub(super) threshold: Option<u32>,
}

/// The highest score there is.
pub(super) const HIGHEST_SCORE: u32 = 1_000_000;

/// The range of a strength; more is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(super) struct Strength {
    /// What it is unless set.
    pub(super) default: f64,
    /// The least that it can be.
    pub(super) weakest: f64,
    /// The most.
    pub(super) strongest: f64,
}

/// How many workers may run at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Concurrency {
    /// One for each thread.
    #[default]
    Parallel,
    /// One.
    Serial,
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// It was done.
    Ok,
    /// The system declines this image.
    Refused,
    /// It went wrong.
    Error,
}

/// An answer to sign.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct SignAnswer {
    /// Number of the request.
    pub(super) seq: u64,
    /// How it went.
    pub(super) status: Status,
    /// Media type of the signed file; that of the image if left out.
    #[serde(default)]
    pub(super) media_type: Option<String>,
    /// Whether the signed file differs from the image; otherwise none needs to be written.
    #[serde(default = "yes")]
    pub(super) changed: bool,
    /// What the system wants back before it verifies, base64.
    #[serde(default)]
    pub(super) record: Option<String>,
    /// A short code, where it was not done.
    #[serde(default)]
    pub(super) cause: String,
    /// The same in words.
    #[serde(default)]
    pub(super) detail: String,
}

fn yes() -> bool {
    true
}

/// An answer to verify.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct VerifyAnswer {
    /// Number of the request.
    pub(super) seq: u64,
    /// How it went; a received file is never refused.
    pub(super) status: Status,
    /// What was found.
    #[serde(default)]
    pub(super) state: Claim,
    /// The payload that was read, in hex, whatever was found.
    #[serde(default)]
    pub(super) payload: Option<String>,
    /// The proof that was found.
    #[serde(default)]
    pub(super) id: Option<String>,
    /// The number it decided by.
    #[serde(default)]
    pub(super) score: Option<u32>,
    /// The nearest proofs of its registry, whether near enough or not.
    #[serde(default)]
    pub(super) candidates: Vec<Candidate>,
    /// Codes that say why.
    #[serde(default)]
    pub(super) codes: Vec<String>,
    /// A short code, where it was not done.
    #[serde(default)]
    pub(super) cause: String,
    /// The same in words.
    #[serde(default)]
    pub(super) detail: String,
}

/// A proof and the number that speaks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Candidate {
    /// The proof.
    pub(super) id: String,
    /// Its score.
    pub(super) score: u32,
}

/// What a system says of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Claim {
    /// Nothing of this system.
    #[default]
    Absent,
    /// Bits were read; the system itself does not decide whether they mean anything.
    Read,
    /// A signed picture, with this payload or id.
    Found,
    /// The same, and the file is unchanged since signing.
    Intact,
    /// Something of this system that does not validate.
    Broken,
    /// Perhaps something; counts as not found.
    Unsure,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_are_the_documented_ones() {
        let asked = Request::Verify {
            seq: 9,
            image: Path::new("/a b/r.jpg"),
            media_type: "image/jpeg",
        };
        assert_eq!(
            serde_json::to_string(&asked).unwrap(),
            r#"{"op":"verify","seq":9,"image":"/a b/r.jpg","media_type":"image/jpeg"}"#
        );
        let bye = serde_json::to_string(&Request::Bye).unwrap();
        assert_eq!(bye, r#"{"op":"bye"}"#);
        let answer =
            r#"{"op":"verified","seq":9,"status":"ok","state":"read","payload":"ff","later":1}"#;
        let Answer::Verified(answer) = serde_json::from_str(answer).unwrap() else {
            panic!("{answer}");
        };
        assert_eq!((answer.seq, answer.state), (9, Claim::Read));
        let missing = r#"{"op":"hello","error":"no weights"}"#;
        let Answer::Hello(greeting) = serde_json::from_str(missing).unwrap() else {
            panic!("{missing}");
        };
        assert_eq!(greeting["error"], "no weights");
    }
}
