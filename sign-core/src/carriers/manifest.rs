//! The embedded C2PA manifest.

use sha2::{Digest, Sha256};

use super::{Carrier, Embedded, Finding, Registration, SoftBinding, State};
use crate::Clock;
use crate::fingerprint::Match;
use crate::image_file::ImageFile;
use crate::manifest::read::{Reading, judged};
use crate::verifier::Verifier;

/// The C2PA manifest inside the file. The only carrier that says "unaltered".
#[derive(Clone, Copy, Debug)]
pub struct Manifest;

impl Carrier for Manifest {
    fn name(&self) -> &'static str {
        "manifest"
    }

    fn describe(&self) -> &'static str {
        "C2PA manifest embedded in the file; intact means signed by us and not a byte altered since"
    }

    fn embedded(&self, _: &Registration) -> Embedded {
        Embedded::Carried
    }

    fn soft_binding(&self, _: &Registration) -> Option<SoftBinding> {
        None
    }

    fn examine(&self, file: &ImageFile<'_>, against: &Verifier, clock: Clock<'_>) -> Finding {
        let Some(media_type) = file.media_type() else {
            return Finding::new(State::Absent).because("credlink.container.unknown");
        };
        match judged(against.engine(), media_type, file.bytes()) {
            Reading::Absent { codes } => Finding {
                codes,
                ..Finding::new(State::Absent)
            },
            Reading::Invalid { claimed, codes } => Finding {
                proof: claimed,
                codes,
                ..Finding::new(State::Invalid)
            },
            Reading::Foreign { codes } => Finding {
                codes,
                ..Finding::new(State::Foreign)
            },
            Reading::Ours { id, manifest } => {
                let start = clock();
                let record = against.store().by_id(id);
                let retrieve_nanos = clock().saturating_sub(start);
                // A proof we do not store may still be ours; one that we store must be the one we store.
                let other = record.is_some_and(|record| {
                    <[u8; 32]>::from(Sha256::digest(&manifest)) != record.manifest_sha256
                });
                let finding = if other {
                    Finding::new(State::Invalid).because("credlink.proof.mismatch")
                } else {
                    Finding::new(State::Intact)
                };
                Finding {
                    retrieve_nanos,
                    ..finding.leading_to(id)
                }
            }
            Reading::Resigned { id, codes } => {
                let mut finding = Finding {
                    codes,
                    ..Finding::new(State::Resigned).leading_to(id)
                };
                // The later signer vouches for the descent. Whether the content agrees is reported
                // beside it, not decided here: an honest editor may have changed much.
                let start = clock();
                let record = against.store().by_id(id);
                finding.retrieve_nanos = clock().saturating_sub(start);
                if let (Some(record), Some(content)) = (record, file.content()) {
                    let compared = against.compared(content, record);
                    finding.distance = compared.map(|(distance, _)| distance);
                    finding.quality = Some(content.quality);
                    if compared.is_some_and(|(_, verdict)| verdict == Match::Accepted) {
                        finding.confirmed_by = Some("fingerprint");
                    } else {
                        finding.codes.push("credlink.content.differs".to_owned());
                    }
                }
                finding
            }
        }
    }
}
