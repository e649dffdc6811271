//! Files that somebody signed already, as a system: nothing is signed, each file's own C2PA manifest is the proof. A newsroom
//! or a maker of cameras can measure its Content Credentials without handing over a key.
//!
//! A manifest is known again by its name and the bytes of its store. One that a later signer names as the parent of its own
//! counts as re-signed: that is the later signer's word, as C2PA has it, and nothing here looks at the picture.
//!
//! With a resolution server a second carrier is asked: which manifests the server names for the picture that was received. One
//! more is asked for each fingerprint that we can make and the server knows: which it names for that alone, so that the
//! picture stays here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use credlink_image_files::{Format, contents};
use credlink_sign_core::carriers::{Cost, Finding, Fingerprint, SoftBinding, State};
use credlink_sign_core::iscc::{self, ImageCode};
use credlink_sign_core::manifest::{Held, Observed, Observer};
use credlink_sign_core::{
    Asset, Clock, EngineError, Examined, ProofId, SigningTimes, Verification,
};
use credlink_trial_record::{CarrierPlace, Embedded, Trial};

use serde::{Deserialize, Serialize};

use super::resolver::{Match, Resolver};
use super::{About, Answer, CarrierAbout, Sealed, Signed, System, SystemError};
use crate::programs::SHA256;
use crate::signed_file::digest;

/// The names of the carriers.
const MANIFEST: &str = "manifest";
const RESOLUTION: &str = "resolution";

/// A fingerprint that a server can be asked for.
#[derive(Debug)]
struct ByFingerprint {
    carrier: &'static str,
    words: &'static str,
    algorithm: &'static str,
    of: fn(&Asset<'_>) -> Option<SoftBinding>,
}

/// Those that we can make of a picture.
const FINGERPRINTS: [ByFingerprint; 2] = [
    ByFingerprint {
        carrier: "binding",
        words: "by our fingerprint",
        algorithm: Fingerprint::ALGORITHM,
        of: Fingerprint::binding_of,
    },
    ByFingerprint {
        carrier: "iscc",
        words: "by ISCC Image-Code",
        algorithm: iscc::ALGORITHM,
        of: image_code_of,
    },
];

fn image_code_of(file: &Asset<'_>) -> Option<SoftBinding> {
    ImageCode::of_file(file).map(|code| SoftBinding {
        algorithm: iscc::ALGORITHM,
        describes: "ISCC Image-Code of the displayed image",
        value: code.unit(),
    })
}

/// The manifests of the files, by name: the proof, and the SHA-256 of the store.
type Known = HashMap<String, Vec<(ProofId, [u8; 32])>>;

/// What is kept of a file's manifest.
#[derive(Serialize, Deserialize)]
struct Registration {
    label: String,
    store_sha256: [u8; 32],
}

/// Signed files in the first stage.
#[derive(Debug)]
pub struct SignedFiles {
    observer: Observer,
    /// SHA-256 of the anchors that a signer must have, if there are any.
    trusted: Option<String>,
    resolver: Option<Asked>,
    known: Mutex<Known>,
}

/// In the second.
struct SealedFiles {
    observer: Observer,
    resolver: Option<Asked>,
    known: Known,
}

/// A resolution server, and the fingerprints that it is asked for, too.
#[derive(Debug)]
struct Asked {
    server: Resolver,
    fingerprints: Vec<&'static ByFingerprint>,
}

impl SignedFiles {
    /// Whoever signed, or with anchors (PEM) only those that they vouch for.
    ///
    /// # Errors
    /// When the C2PA library does not take the anchors.
    pub fn new(anchors: Option<&str>) -> Result<Self, EngineError> {
        Ok(Self {
            observer: Observer::new(anchors)?,
            trusted: anchors.map(|anchors| digest(anchors.as_bytes())),
            resolver: None,
            known: Mutex::default(),
        })
    }
}

impl SignedFiles {
    /// Asks this server, too, which must hold the manifests of the files.
    ///
    /// # Errors
    /// In words, if it does not say which algorithms it knows.
    pub fn with_resolver(mut self, server: Resolver) -> Result<Self, String> {
        let known = server.algorithms()?;
        let fingerprints = FINGERPRINTS.iter();
        self.resolver = Some(Asked {
            server,
            fingerprints: fingerprints
                .filter(|one| known.iter().any(|known| known == one.algorithm))
                .collect(),
        });
        Ok(self)
    }

    /// What the carriers are.
    fn carriers(&self) -> Vec<CarrierAbout> {
        let manifest = CarrierAbout {
            name: MANIFEST.to_owned(),
            describes:
                "the C2PA manifest that the file came with; intact means that it still holds"
                    .to_owned(),
            place: CarrierPlace::Metadata,
            decision: None,
            payload_bits: 0,
        };
        let resolution = |name: &str, host: &str, by: &str| CarrierAbout {
            name: name.to_owned(),
            describes: format!(
                "what {host} names {by} first; found means that it is the file's manifest"
            ),
            place: CarrierPlace::Store,
            decision: None,
            payload_bits: 0,
        };
        let asked = self.resolver.iter().flat_map(|asked| {
            let host = asked.server.host();
            let by_content = resolution(RESOLUTION, host, "by content");
            let fingerprints = asked.fingerprints.iter();
            let by_binding = fingerprints.map(move |one| resolution(one.carrier, host, one.words));
            std::iter::once(by_content).chain(by_binding)
        });
        std::iter::once(manifest).chain(asked).collect()
    }
}

impl System for SignedFiles {
    fn about(&self) -> About {
        let trust = match &self.trusted {
            Some(digest) => format!("signers that the anchors {SHA256}{digest} vouch for"),
            None => "whoever signed".to_owned(),
        };
        let mut settings = vec![("trust".to_owned(), trust)];
        if let Some(asked) = &self.resolver {
            settings.push(("resolution".to_owned(), asked.server.host().to_owned()));
        }
        About {
            name: "Content Credentials of the files".to_owned(),
            version: String::new(),
            licence: String::new(),
            source: String::new(),
            settings,
            is_guest: true,
            deceptions: vec![Trial::ForeignKey, Trial::Transplant],
            carriers: self.carriers(),
        }
    }

    fn sign(&self, file: &Asset<'_>, _: ProofId) -> Result<Signed, SystemError> {
        let format = file.media_type().ok_or_else(|| {
            SystemError::new("sign", "the file is no image that carries manifests")
        })?;
        let (registered, refused) = match self.observer.observe(format, file.bytes()) {
            Observed::Holds(held) => {
                let registration = Registration {
                    label: held.label,
                    store_sha256: held.store_sha256,
                };
                let bytes = serde_json::to_vec(&registration).map_err(SystemError::of)?;
                (Some(bytes), None)
            }
            Observed::Absent(None) => (None, Some("the file has no manifest".to_owned())),
            Observed::Absent(Some(url)) => {
                (None, Some(format!("its manifest lies elsewhere: {url}")))
            }
            Observed::Broken { codes, .. } => {
                let why = format!("its manifest does not hold: {}", codes.join(", "));
                (None, Some(why))
            }
        };
        let embedded = match refused {
            None => Embedded::Carried,
            Some(_) => Embedded::Refused,
        };
        Ok(Signed {
            bytes: file.bytes().to_vec(),
            carriers: vec![(embedded, Cost::default()); self.carriers().len()],
            fate: contents::fate(format, file.bytes(), file.bytes()),
            mark: None,
            distortion: None,
            registered,
            kept_bytes: 0,
            times: SigningTimes::default(),
            refused,
        })
    }

    fn register(&self, id: ProofId, registered: &[u8]) -> Result<(), SystemError> {
        let read: Registration = serde_json::from_slice(registered).map_err(SystemError::of)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let of_label = known.entry(read.label).or_default();
        of_label.push((id, read.store_sha256));
        Ok(())
    }

    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>, SystemError> {
        let known = self.known.into_inner();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        for proofs in known.values_mut() {
            proofs.sort_unstable();
        }
        Ok(Box::new(SealedFiles {
            observer: self.observer,
            resolver: self.resolver,
            known,
        }))
    }
}

impl SealedFiles {
    fn finding(&self, bytes: &[u8]) -> Finding {
        let Some(format) = Format::sniff(bytes) else {
            return Finding::new(State::Failed).because("credlink.container.unknown");
        };
        match self.observer.observe(format, bytes) {
            Observed::Absent(url) => Finding {
                codes: url.into_iter().map(|url| format!("remote:{url}")).collect(),
                ..Finding::new(State::Absent)
            },
            Observed::Broken { label, codes } => {
                let known = label.and_then(|label| self.known.get(&label));
                Finding {
                    proof: known.and_then(|known| known.first()).map(|(id, _)| *id),
                    codes,
                    ..Finding::new(State::Invalid)
                }
            }
            Observed::Holds(held) => self.holding(&held),
        }
    }

    fn holding(&self, held: &Held) -> Finding {
        let leading = |state, mut ids: Vec<ProofId>| {
            let first = ids.remove(0);
            Finding {
                alternatives: ids,
                ..Finding::new(state).leading_to(first)
            }
        };
        if let Some(known) = self.known.get(&held.label) {
            let same = known
                .iter()
                .filter(|(_, store)| *store == held.store_sha256);
            let same: Vec<ProofId> = same.map(|(id, _)| *id).collect();
            return if same.is_empty() {
                // A name that somebody else gave to a manifest of theirs.
                Finding::new(State::Foreign).because("credlink.proof.mismatch")
            } else {
                leading(State::Intact, same)
            };
        }
        let mut parents = held.parents.iter();
        match parents.find_map(|label| self.known.get(label)) {
            Some(known) => leading(State::Resigned, known.iter().map(|(id, _)| *id).collect()),
            None => Finding::new(State::Foreign),
        }
    }
}

impl SealedFiles {
    /// What the server names. Only its first answer counts: whoever follows it gets that manifest.
    fn resolved(&self, matches: Result<Vec<Match>, String>) -> Result<Finding, SystemError> {
        let matches = matches.map_err(|why| SystemError::new("system", why))?;
        let Some(first) = matches.first() else {
            return Ok(Finding::new(State::Absent));
        };
        let proofs = self.known.get(&first.manifest_id);
        let mut ids = proofs.into_iter().flatten().map(|(id, _)| *id);
        Ok(match ids.next() {
            Some(id) => Finding {
                alternatives: ids.collect(),
                ..Finding::new(State::Recovered).leading_to(id)
            },
            // A manifest that is none of this run's.
            None => Finding::new(State::Foreign),
        })
    }
}

impl Sealed for SealedFiles {
    fn verify<'a>(
        &'a self,
        file: &'a Asset<'_>,
        clock: Clock<'_>,
    ) -> Result<Answer<'a>, SystemError> {
        let start = clock();
        let finding = self.finding(file.bytes());
        let nanos = clock().saturating_sub(start);
        let mut carriers = vec![Examined {
            carrier: MANIFEST,
            finding,
            nanos,
        }];
        if let Some(Asked {
            server,
            fingerprints,
        }) = &self.resolver
        {
            let mut ask = |carrier, matches: &dyn Fn() -> Result<Vec<Match>, String>| {
                let start = clock();
                let finding = self.resolved(matches())?;
                carriers.push(Examined {
                    carrier,
                    finding,
                    nanos: clock().saturating_sub(start),
                });
                Ok::<(), SystemError>(())
            };
            ask(RESOLUTION, &|| match Format::sniff(file.bytes()) {
                Some(format) => server.by_content(format, file.bytes()),
                None => Ok(Vec::new()),
            })?;
            for fingerprint in fingerprints {
                ask(fingerprint.carrier, &|| match (fingerprint.of)(file) {
                    Some(binding) => server.by_binding(&binding),
                    None => Ok(Vec::new()),
                })?;
            }
        }
        // Who finds the proof in the file asks nobody.
        let first = carriers
            .iter()
            .position(|examined| examined.finding.accepted().is_some());
        let asked = first.map_or(carriers.len(), |found| found + 1);
        Ok(Answer {
            verification: Verification {
                ladder_nanos: carriers
                    .iter()
                    .take(asked)
                    .map(|examined| examined.nanos)
                    .sum(),
                carriers,
                decode_nanos: 0,
                hash_nanos: 0,
                watermark_nanos: 0,
                points_nanos: 0,
            },
            nearness: Box::new(|_, _| Vec::new()),
        })
    }
}
