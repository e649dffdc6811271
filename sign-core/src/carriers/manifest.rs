//! The embedded C2PA manifest.

use credlink_image_files::Format;
use sha2::{Digest, Sha256};

use super::{
    Carrier, CarrierPlace, Cost, Decision, Embedded, Finding, Registration, SoftBinding, State,
};
use crate::Clock;
use crate::asset::Asset;
use crate::manifest::read::{Reading, judged};
use crate::proof_id::ProofId;
use crate::signed::SignedImage;
use crate::verifier::Verifier;

/// The C2PA manifest inside the file. The only carrier that says "unaltered".
#[derive(Clone, Copy, Debug)]
pub struct Manifest;

impl Carrier for Manifest {
    fn name(&self) -> &'static str {
        "manifest"
    }

    fn describe(&self) -> &'static str {
        "C2PA manifest embedded in the file; intact means signed by us, and no byte altered that the manifest covers"
    }

    fn place(&self) -> CarrierPlace {
        CarrierPlace::Metadata
    }

    fn decision(&self) -> Option<Decision> {
        None
    }

    fn embedded(&self, _: &Registration) -> Embedded {
        Embedded::Carried
    }

    fn soft_binding(&self, _: &Registration) -> Option<SoftBinding> {
        None
    }

    fn cost(&self, signed: &SignedImage) -> Cost {
        Cost {
            bytes: Some(signed.manifest.len() as u64),
            nanos: signed.times.manifest,
        }
    }

    fn examine(&self, file: &Asset<'_>, against: &Verifier, clock: Clock<'_>) -> Finding {
        let Some(media_type) = file.media_type() else {
            // Of a file in an unknown format nobody knows what it holds.
            let is_known = Format::sniff(file.bytes()).is_some();
            let state = if is_known {
                State::Absent
            } else {
                State::Failed
            };
            return Finding::new(state).because("credlink.container.unknown");
        };
        match judged(against.engine(), &against.ours(), media_type, file.bytes()) {
            Reading::Absent { codes } => Finding {
                codes,
                ..Finding::new(State::Absent)
            },
            Reading::Invalid { claimed, codes } => Finding {
                proof: claimed,
                codes,
                ..Finding::new(State::Invalid)
            },
            Reading::Others {
                claimed,
                ancestor,
                codes,
            } => {
                let start = clock();
                let recorded = claimed.filter(|claimed| is_recorded(claimed, file, against));
                let retrieve_nanos = clock().saturating_sub(start);
                match (recorded, ancestor) {
                    // Under a certificate of the user's own: our record names this very manifest and this very file.
                    (Some((id, _)), _) => {
                        let whose = codes.into_iter().filter(|code| code.starts_with("signer:"));
                        Finding {
                            codes: whose.collect(),
                            retrieve_nanos,
                            ..Finding::new(State::Intact).leading_to(id)
                        }
                    }
                    (None, Some(ancestor)) => descended(ancestor, codes, file, against, clock),
                    (None, None) => Finding {
                        codes,
                        retrieve_nanos,
                        ..Finding::new(State::Foreign)
                    },
                }
            }
            Reading::Ours {
                id,
                manifest,
                bound,
            } => {
                let start = clock();
                let record = against.store().by_id(id);
                let retrieve_nanos = clock().saturating_sub(start);
                // A proof we do not store may still be ours; one that we store must be the one we store, on the very file.
                let wrong = match record {
                    Some(record) if !is(&manifest, &record.manifest_sha256) => {
                        Some("credlink.proof.mismatch")
                    }
                    Some(record) if !is(file.bytes(), &record.signed_sha256) => {
                        Some("credlink.file.differs")
                    }
                    Some(_) => None,
                    None => bound.err(),
                };
                let finding = match wrong {
                    Some(code) => Finding::new(State::Invalid).because(code),
                    None => Finding::new(State::Intact),
                };
                Finding {
                    retrieve_nanos,
                    ..finding.leading_to(id)
                }
            }
        }
    }
}

/// Whether a record of ours says that this very manifest and this very file are those of that proof.
fn is_recorded((id, manifest): &(ProofId, Vec<u8>), file: &Asset<'_>, against: &Verifier) -> bool {
    let record = against.store().by_id(*id);
    record.is_some_and(|record| {
        against.is_genuine(&record)
            && is(manifest, &record.manifest_sha256)
            && is(file.bytes(), &record.signed_sha256)
    })
}

/// Whether a digest is that of these bytes.
fn is(bytes: &[u8], digest: &[u8; 32]) -> bool {
    <[u8; 32]>::from(Sha256::digest(bytes)) == *digest
}

/// A file that a later signer says descends from ours. Anybody can sign anything and name our manifest as its parent, so that
/// word is worth as much as a link: the pixels must agree.
fn descended(
    ancestor: ProofId,
    codes: Vec<String>,
    file: &Asset<'_>,
    against: &Verifier,
    clock: Clock<'_>,
) -> Finding {
    let finding = Finding {
        codes,
        ..Finding::new(State::Unconfirmed)
    };
    match finding.resolved(ancestor, file, against, clock) {
        confirmed if confirmed.state == State::Recovered => Finding {
            state: State::Resigned,
            ..confirmed
        },
        other => other,
    }
}
