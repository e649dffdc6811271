//! A CredLink service somewhere, as a system: it signs and verifies over HTTP, and issues its own ids.
//!
//! Its carriers are those of CredLink, and what it says of them stands in the rows; a service that was put in front of
//! another program answers in the same words. Times are those of whoever waits: the way there and back is in them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use credlink_image_files::contents;
use credlink_sign_core::carriers::{Cost, Finding, State};
use credlink_sign_core::{
    Asset, Clock, Examined, ProofId, SignError, SigningTimes, Verification, signable,
};
use credlink_trial_record::Embedded;
use serde::Deserialize;

use super::credlink::{about_of, carriers};
use super::{About, Answer, Sealed, Signed, System, SystemError};
use crate::http::{Refusal, Reply, Server};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest answer to a question that is answered with a file, and with words, bytes.
const LONGEST_FILE: u64 = 512 << 20;
const LONGEST_WORDS: u64 = 4 << 20;
/// How often a request is sent that is turned away for the moment, and the pause before it.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);

/// Who asks, and how.
#[derive(Debug)]
struct Asked {
    server: Server,
    key: Option<String>,
    version: String,
}

/// A service in the first stage.
#[derive(Debug)]
pub struct Service {
    asked: Asked,
    /// Our id by the service's.
    issued: Mutex<HashMap<ProofId, ProofId>>,
}

/// In the second.
struct SealedService {
    asked: Asked,
    issued: HashMap<ProofId, ProofId>,
}

#[derive(Deserialize)]
struct Status {
    version: String,
}

/// What a service says of a file; whatever else it says is not read.
#[derive(Deserialize)]
struct Verified {
    verification: Said,
}

#[derive(Deserialize)]
struct Said {
    carriers: Vec<Carrier>,
}

#[derive(Deserialize)]
struct Carrier {
    carrier: String,
    finding: Found,
    nanos: u64,
}

#[derive(Deserialize)]
struct Found {
    state: State,
    proof: Option<ProofId>,
    #[serde(default)]
    alternatives: Vec<ProofId>,
    distance: Option<u32>,
    quality: Option<u8>,
    codes: Vec<String>,
}

impl Asked {
    /// Asks, and asks again where the service turns requests away for the moment.
    fn post(&self, path: &str, body: &[u8], header: &str, most: u64) -> Result<Reply, Refusal> {
        let bearer = self.key.as_deref().map(|key| format!("Bearer {key}"));
        let mut headers = vec![("content-type", "application/octet-stream")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.server.post(path, &headers, body, header, most) {
                Err(Refusal::Status(429 | 503)) => std::thread::sleep(pause),
                answer => return answer,
            }
            pause *= 2;
        }
        self.server.post(path, &headers, body, header, most)
    }

    fn failed(&self, refusal: &Refusal) -> SystemError {
        SystemError::new("service", format!("{}: {refusal}", self.server.host()))
    }
}

impl Service {
    /// The service at this address; `key` is its API key, if it wants one.
    ///
    /// # Errors
    /// In words, if the address is none that can be asked, or no service answers there.
    pub fn new(url: &str, key: Option<String>) -> Result<Self, String> {
        let server = Server::new(url, "a service", PATIENCE)?;
        let reply = server
            .get("status.json", LONGEST_WORDS)
            .map_err(|refusal| format!("no CredLink service at {}: {refusal}", server.host()))?;
        let status: Status = serde_json::from_slice(&reply.body)
            .map_err(|error| format!("{}: no status of a service: {error}", server.host()))?;
        Ok(Self {
            asked: Asked {
                server,
                key,
                version: status.version,
            },
            issued: Mutex::default(),
        })
    }
}

impl System for Service {
    fn about(&self) -> About {
        About {
            name: format!("CredLink service at {}", self.asked.server.host()),
            version: self.asked.version.clone(),
            is_guest: true,
            // Forgeries are made with keys and proofs that only the service has.
            deceptions: Vec::new(),
            ..about_of(&carriers())
        }
    }

    fn sign(&self, file: &Asset<'_>, _: ProofId) -> Result<Signed, SystemError> {
        let format =
            signable(file.bytes()).ok_or_else(|| SystemError::of(SignError::Unsupported))?;
        let signed = self
            .asked
            .post("sign", file.bytes(), "x-credlink-signed", LONGEST_FILE);
        let (reply, refused) = match signed {
            Ok(reply) => (reply, None),
            Err(Refusal::Status(status @ (413 | 415 | 422))) => {
                let why = format!("the service declines it with status {status}");
                (Reply::default(), Some(why))
            }
            Err(refusal) => return Err(self.asked.failed(&refusal)),
        };
        if refused.is_some() {
            return Ok(unsigned(
                file,
                contents::fate(format, file.bytes(), file.bytes()),
                refused,
            ));
        }
        let about = reply.header.as_deref().and_then(Header::read);
        let Header { id, embedded } = about.ok_or_else(|| {
            SystemError::new("service", "the answer does not say which proof was made")
        })?;
        Ok(Signed {
            carriers: embedded
                .into_iter()
                .map(|embedded| (embedded, Cost::default()))
                .collect(),
            fate: contents::fate(format, file.bytes(), &reply.body),
            registered: Some(id.to_string().into_bytes()),
            bytes: reply.body,
            ..unsigned(file, contents::Fate::default(), None)
        })
    }

    fn register(&self, id: ProofId, registered: &[u8]) -> Result<(), SystemError> {
        let text = String::from_utf8_lossy(registered);
        let theirs: ProofId = text
            .parse()
            .map_err(|_| SystemError::new("service", format!("{text:?} is no id")))?;
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        match issued.insert(theirs, id) {
            None => Ok(()),
            Some(_) => Err(SystemError::new(
                "service",
                format!("it issued {theirs} twice"),
            )),
        }
    }

    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>, SystemError> {
        let issued = self.issued.into_inner();
        Ok(Box::new(SealedService {
            asked: self.asked,
            issued: issued.unwrap_or_else(PoisonError::into_inner),
        }))
    }
}

/// A file that goes out as it came.
fn unsigned(file: &Asset<'_>, fate: contents::Fate, refused: Option<String>) -> Signed {
    Signed {
        bytes: file.bytes().to_vec(),
        carriers: vec![(Embedded::Refused, Cost::default()); carriers().len()],
        fate,
        mark: None,
        distortion: None,
        registered: None,
        kept_bytes: 0,
        times: SigningTimes::default(),
        refused,
    }
}

/// The header of a signed file: the id, and how the picture took each carrier in ladder order, `ID carried carried …`.
struct Header {
    id: ProofId,
    embedded: Vec<Embedded>,
}

impl Header {
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let id = words.next()?.parse().ok()?;
        let embedded: Vec<Embedded> = words.map(Embedded::parse).collect::<Option<_>>()?;
        (embedded.len() == carriers().len()).then_some(Self { id, embedded })
    }
}

impl SealedService {
    /// A proof as the run calls it. One that the service issued to somebody else keeps its id, which is a wrong one here.
    fn ours(&self, theirs: ProofId) -> ProofId {
        self.issued.get(&theirs).copied().unwrap_or(theirs)
    }

    fn finding(&self, found: Found) -> Finding {
        Finding {
            proof: found.proof.map(|id| self.ours(id)),
            alternatives: found
                .alternatives
                .into_iter()
                .map(|id| self.ours(id))
                .collect(),
            distance: found.distance,
            quality: found.quality,
            codes: found.codes,
            ..Finding::new(found.state)
        }
    }
}

impl Sealed for SealedService {
    fn verify<'a>(
        &'a self,
        file: &'a Asset<'_>,
        clock: Clock<'_>,
    ) -> Result<Answer<'a>, SystemError> {
        let start = clock();
        let asked = self
            .asked
            .post("verify?depth=all", file.bytes(), "", LONGEST_WORDS);
        let waited = clock().saturating_sub(start);
        let reply = asked.map_err(|refusal| self.asked.failed(&refusal))?;
        let said: Verified = serde_json::from_slice(&reply.body).map_err(|error| {
            SystemError::new("service", format!("an answer that cannot be read: {error}"))
        })?;
        let mut said = said.verification.carriers.into_iter();
        let mut examined = Vec::new();
        for carrier in carriers() {
            let found = said.next().filter(|found| found.carrier == carrier);
            let found = found.ok_or_else(|| {
                SystemError::new("service", format!("the answer lacks the {carrier}"))
            })?;
            examined.push(Examined {
                carrier,
                nanos: found.nanos,
                finding: self.finding(found.finding),
            });
        }
        Ok(Answer {
            verification: Verification {
                carriers: examined,
                ladder_nanos: waited,
                decode_nanos: 0,
                hash_nanos: 0,
                watermark_nanos: 0,
                points_nanos: 0,
            },
            nearness: Box::new(|_, _| Vec::new()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_file_says_which_proof_it_is_and_how_it_took_each_carrier() {
        let carried = "carried ".repeat(carriers().len() - 1);
        let header = Header::read(&format!("0123456789abcdef {carried}fragile")).unwrap();
        assert_eq!(header.id, ProofId::new(0x0123_4567_89ab_cdef));
        assert_eq!(header.embedded.last(), Some(&Embedded::Fragile));
        for text in [
            "",
            "0123456789abcdef",
            &format!("x {carried}carried"),
            &format!("0123456789abcdef {carried}x"),
            &format!("0123456789abcdef {carried}carried carried"),
        ] {
            assert!(Header::read(text).is_none(), "{text}");
        }
    }
}
