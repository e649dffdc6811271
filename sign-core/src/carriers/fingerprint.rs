//! The perceptual fingerprint, matched in the proof store.

use super::{
    Carrier, CarrierPlace, Cost, Decision, Embedded, Finding, Registration, SoftBinding, State,
};
use crate::Clock;
use crate::asset::Asset;
use crate::fingerprint::{Match, MatchPolicy};
use crate::signed::SignedImage;
use crate::sketch::Whereabouts;
use crate::store::Candidate;
use crate::verifier::Verifier;

/// Name of the soft-binding algorithm: PDQ, 256 bits, of the displayed image, most significant byte of the first word first.
const ALGORITHM: &str = "com.credlink.pdq256.v1";

fn binding(fingerprint: &crate::fingerprint::Fingerprint) -> Option<SoftBinding> {
    (!fingerprint.is_featureless()).then(|| SoftBinding {
        algorithm: ALGORITHM,
        describes: "perceptual hash of the displayed image",
        value: fingerprint.0.map(u64::to_be_bytes).concat(),
    })
}

/// The content itself: the nearest registered fingerprint, in any of eight orientations.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint;

impl Fingerprint {
    /// Name of the soft-binding algorithm.
    pub const ALGORITHM: &str = ALGORITHM;

    /// The soft binding of a file as it is received, which a resolution server can be asked for; `None` where the picture
    /// cannot be decoded or has no features.
    #[must_use]
    pub fn binding_of(file: &Asset<'_>) -> Option<SoftBinding> {
        file.content()
            .and_then(|content| binding(&content.views[0].fingerprint))
    }
}

impl Carrier for Fingerprint {
    fn name(&self) -> &'static str {
        "fingerprint"
    }

    fn describe(&self) -> &'static str {
        "perceptual hash of the pixels, looked up in the proof store; recovered means that the content confirms the proof; of several proofs of one picture all are named"
    }

    fn place(&self) -> CarrierPlace {
        CarrierPlace::Store
    }

    fn decision(&self) -> Option<Decision> {
        let policy = MatchPolicy::default();
        Some(Decision {
            unit: "bits".to_owned(),
            rising: false,
            is_undeclared: false,
            in_use: policy.max_distance,
            candidates: vec![8, 16, 24, 31, 36, 42, 48, 56, 64, 72, 80, 88],
            about: format!(
                "smallest distance in bits to an image of another source, in eight orientations, between contents of quality {} and more; {} and less would count",
                policy.min_quality, policy.max_distance
            ),
        })
    }

    fn embedded(&self, registration: &Registration) -> Embedded {
        if registration.fingerprint.is_featureless() {
            Embedded::Refused
        } else {
            Embedded::Carried
        }
    }

    fn soft_binding(&self, registration: &Registration) -> Option<SoftBinding> {
        binding(&registration.fingerprint)
    }

    /// The bytes are those of the record in the proof store, which holds the content sketch, too.
    fn cost(&self, signed: &SignedImage) -> Cost {
        let record = serde_json::to_vec(&signed.record);
        Cost {
            bytes: record.ok().map(|record| record.len() as u64),
            nanos: signed.times.hashing + signed.times.sketching,
        }
    }

    fn examine(&self, file: &Asset<'_>, against: &Verifier, clock: Clock<'_>) -> Finding {
        let Some(content) = file.content() else {
            return Finding::new(State::Failed).because("credlink.image.undecodable");
        };
        let quality = content.quality;
        let measured = |state| Finding {
            quality: Some(quality),
            ..Finding::new(state)
        };
        if content.is_featureless() {
            return measured(State::Absent).because("credlink.content.featureless");
        }
        let policy = against.policy();
        let start = clock();
        let neighbours = against
            .store()
            .nearest(&content.views, policy.max_distance, policy);
        let found = neighbours
            .best
            .and_then(|best| Some((best, against.store().candidate(best.id)?)));
        let genuine = found
            .as_ref()
            .is_some_and(|(_, candidate)| match candidate {
                Candidate::Record(record) => against.is_genuine(record),
                Candidate::Distractor(_) => true,
            });
        let retrieve_nanos = clock().saturating_sub(start);
        let Some((best, candidate)) = found else {
            return Finding {
                retrieve_nanos,
                ..measured(State::Absent)
            };
        };
        let finding = Finding {
            distance: Some(best.difference.distance),
            retrieve_nanos,
            ..measured(State::Unconfirmed).leading_to(best.id)
        };
        if !genuine {
            return Finding {
                state: State::Failed,
                ..finding.because("credlink.record.signature")
            };
        }
        let registered = match &candidate {
            Candidate::Record(record) => record.fingerprint_quality,
            Candidate::Distractor(distractor) => distractor.quality,
        };
        match policy.judge(
            best.difference,
            quality.min(registered),
            neighbours.runner_up,
        ) {
            Match::Accepted => match candidate {
                Candidate::Record(record) => {
                    finding.confirmed(against.confirmation(file, &record, &Whereabouts::Unknown))
                }
                // It has no sketch that could refuse, so a match counts as the false accept that it may be.
                Candidate::Distractor(_) => Finding {
                    state: State::Recovered,
                    ..finding
                },
            },
            Match::Ambiguous => several(finding, file, against),
            Match::LowQuality => finding.because("credlink.content.lowQuality"),
            Match::TooFar => finding.because("credlink.content.differs"),
        }
    }
}

/// Proofs of one picture that are looked at; a picture that was signed more often is known by the nearest of them.
const MOST_ALIKE: usize = 64;

/// Where several proofs fit, the content decides which of them it shows. It may show more than one: the picture was signed
/// again, or copies of it were. What it shows none or only some of stays out; where a distractor fits best, nothing is
/// known of its content.
fn several(finding: Finding, file: &Asset<'_>, against: &Verifier) -> Finding {
    const AMBIGUOUS: &str = "credlink.content.ambiguous";
    let policy = against.policy();
    let Some(content) = file.content() else {
        return finding.because(AMBIGUOUS);
    };
    let near =
        against
            .store()
            .all_near(&content.views, policy.max_distance, policy, MOST_ALIKE + 1);
    // A crowd of lookalikes says that the content tells nothing apart.
    if near.len() > MOST_ALIKE {
        return finding.because(AMBIGUOUS);
    }
    let shown: Vec<_> = near
        .into_iter()
        .filter(|(record, difference)| {
            let quality = content.quality.min(record.fingerprint_quality);
            policy.judge(*difference, quality, None) == Match::Accepted
                && against.is_genuine(record)
        })
        .filter_map(|(record, _)| {
            let confirmation = against.confirmation(file, &record, &Whereabouts::Unknown);
            confirmation
                .verdict
                .is_ok()
                .then_some((record.id, confirmation))
        })
        .collect();
    match &shown[..] {
        [] => finding.because(AMBIGUOUS),
        [(first, confirmation), others @ ..] => Finding {
            proof: Some(*first),
            alternatives: others.iter().map(|(id, _)| *id).collect(),
            ..finding.confirmed(*confirmation)
        },
    }
}
