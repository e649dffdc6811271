//! Files that somebody signed already, as a system: nothing is signed, each file's own C2PA manifest is the proof. A newsroom
//! or a maker of cameras can measure its Content Credentials without handing over a key.
//!
//! A manifest is known again by its name and the bytes of its store. One that a later signer names as the parent of its own
//! counts as re-signed: that is the later signer's word, as C2PA has it, and nothing here looks at the picture.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use credlink_image_files::{Format, contents};
use credlink_sign_core::carriers::{Cost, Finding, State};
use credlink_sign_core::manifest::{Held, Observed, Observer};
use credlink_sign_core::{
    Asset, Clock, EngineError, Examined, ProofId, SigningTimes, Verification,
};
use credlink_trial_record::{CarrierPlace, Embedded, Trial};

use super::{About, Answer, CarrierAbout, Sealed, Signed, System, SystemError};

/// The name of the one carrier.
const MANIFEST: &str = "manifest";

/// The manifests of the files, by name: the proof, and the SHA-256 of the store.
type Known = HashMap<String, Vec<(ProofId, [u8; 32])>>;

/// Signed files in the first stage.
#[derive(Debug)]
pub struct SignedFiles {
    observer: Observer,
    asks_for_trust: bool,
    known: Mutex<Known>,
}

/// In the second.
struct SealedFiles {
    observer: Observer,
    known: Known,
}

impl SignedFiles {
    /// Whoever signed, or with anchors (PEM) only those that they vouch for.
    ///
    /// # Errors
    /// When the C2PA library does not take the anchors.
    pub fn new(anchors: Option<&str>) -> Result<Self, EngineError> {
        Ok(Self {
            observer: Observer::new(anchors)?,
            asks_for_trust: anchors.is_some(),
            known: Mutex::default(),
        })
    }
}

impl System for SignedFiles {
    fn about(&self) -> About {
        let trust = if self.asks_for_trust {
            "signers that the given anchors vouch for"
        } else {
            "whoever signed"
        };
        About {
            name: "Content Credentials of the files".to_owned(),
            version: String::new(),
            licence: String::new(),
            source: String::new(),
            settings: vec![("trust".to_owned(), trust.to_owned())],
            is_guest: true,
            deceptions: vec![Trial::ForeignKey, Trial::Transplant],
            carriers: vec![CarrierAbout {
                name: MANIFEST.to_owned(),
                describes:
                    "the C2PA manifest that the file came with; intact means that it still holds"
                        .to_owned(),
                place: CarrierPlace::Metadata,
                decision: None,
                payload_bits: 0,
            }],
        }
    }

    fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<Signed, SystemError> {
        let format = file.media_type().ok_or_else(|| {
            SystemError::new("sign", "the file is no image that carries manifests")
        })?;
        let refused = match self.observer.observe(format, file.bytes()) {
            Observed::Holds(held) => {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known
                    .entry(held.label)
                    .or_default()
                    .push((id, held.store_sha256));
                None
            }
            Observed::Absent(None) => Some("the file has no manifest".to_owned()),
            Observed::Absent(Some(url)) => Some(format!("its manifest lies elsewhere: {url}")),
            Observed::Broken { codes, .. } => {
                Some(format!("its manifest does not hold: {}", codes.join(", ")))
            }
        };
        let embedded = match refused {
            None => Embedded::Carried,
            Some(_) => Embedded::Refused,
        };
        Ok(Signed {
            bytes: file.bytes().to_vec(),
            carriers: vec![(embedded, Cost::default())],
            fate: contents::fate(format, file.bytes(), file.bytes()),
            mark: None,
            distortion: None,
            kept_bytes: 0,
            times: SigningTimes::default(),
            refused,
        })
    }

    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>, SystemError> {
        let known = self.known.into_inner();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        for proofs in known.values_mut() {
            proofs.sort_unstable();
        }
        Ok(Box::new(SealedFiles {
            observer: self.observer,
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

impl Sealed for SealedFiles {
    fn verify<'a>(
        &'a self,
        file: &'a Asset<'_>,
        clock: Clock<'_>,
    ) -> Result<Answer<'a>, SystemError> {
        let start = clock();
        let finding = self.finding(file.bytes());
        let nanos = clock().saturating_sub(start);
        Ok(Answer {
            verification: Verification {
                carriers: vec![Examined {
                    carrier: MANIFEST,
                    finding,
                    nanos,
                }],
                ladder_nanos: nanos,
                decode_nanos: 0,
                hash_nanos: 0,
                watermark_nanos: 0,
            },
            nearness: Box::new(|_, _| Vec::new()),
        })
    }
}
