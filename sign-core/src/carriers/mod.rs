//! Carriers: how a proof, or a pointer to it, travels with an image.
//!
//! One file each, and one entry in [`CARRIERS`]. The list is the ladder: a verifier goes down it and stops
//! at the first acceptance, the harness examines all. To add a carrier, write its file and its entry; its
//! soft binding then stands in every manifest, and verification, reports and tests take it from the list.
//!
//! Codes in a [`Finding`] are those of C2PA ("Standard status codes") for manifests, `signer:NAME` for whoever
//! signed a foreign one, and these:
//!
//! | code | meaning |
//! |---|---|
//! | `credlink.container.unknown` | the file is in no container that carries manifests |
//! | `credlink.proof.missing` | signed under our anchor, without a proof id |
//! | `credlink.proof.mismatch` | valid, but not the manifest that the store holds under this id |
//! | `credlink.file.differs` | the manifest is the stored one, and other bytes of the file are not those that were signed |
//! | `credlink.manifest.framing`, `.padding`, `.exclusion` | the manifest's own place holds more than the manifest |
//! | `credlink.signer.otherKey` | signed under our anchor, with a key that is not ours |
//! | `credlink.proof.unknown` | the store does not hold this id |
//! | `credlink.ingredient.invalid` | the parent claims to be ours and does not validate |
//! | `credlink.link.foreign`, `.malformed`, `.ambiguous` | links elsewhere, to no id, to several ids |
//! | `credlink.record.signature` | the record in the store is not signed by one of our signers |
//! | `credlink.image.undecodable` | no pixels to compare |
//! | `credlink.content.featureless` | nothing in the pixels to compare |
//! | `credlink.watermark.noKey` | the verifier has no watermark key |
//! | `credlink.content.differs`, `.altered` | the pixels show another picture, or this one with a part replaced |
//! | `credlink.content.frames`, `.background` | an animation of other pictures; another picture on a dark page |
//! | `credlink.content.colours` | a colour profile or colour space that makes another picture of the pixels |
//! | `credlink.local.tooFewPoints` | too few points in the pixels for any part of a picture to be known by |
//! | `credlink.local.notReady` | the store is still reading its points |
//! | `credlink.local.unread` | the store could not read the points of a proof |
//! | `credlink.content.lowQuality`, `.ambiguous` | the fingerprint says too little, or fits several proofs |

mod fingerprint;
mod link;
mod local;
mod manifest;
mod watermark;

pub use credlink_trial_record::{CarrierPlace, Decision, Embedded, State};
use serde::{Deserialize, Serialize};

pub use self::fingerprint::Fingerprint;
pub use self::link::Link;
pub use self::local::{Local, NOT_READY};
pub use self::manifest::Manifest;
pub use self::watermark::Watermark;
use crate::Clock;
use crate::asset::Asset;
use crate::fingerprint::Fingerprint as ContentFingerprint;
use crate::iscc::ImageCode;
use crate::proof_id::ProofId;
use crate::signed::SignedImage;
use crate::sketch::{Part, Placement, Whereabouts};
use crate::verifier::{Confirmation, Verifier};
use crate::watermark::Marking;

/// The carriers in ladder order: what proves most comes first, then what costs least. A watermark that is not there
/// takes a long search to miss, and so do points.
pub const CARRIERS: &[&dyn Carrier] = &[&Manifest, &Link, &Fingerprint, &Watermark, &Local];

/// Those that lead to an earlier proof of the same picture, by name: points lead to those of its parts, too.
pub const OF_WHOLE_PICTURES: &[&str] = &["manifest", "link", "fingerprint"];

/// One way of a proof to travel.
pub trait Carrier: Sync {
    /// Name in reports and on the command line: one lowercase word.
    fn name(&self) -> &'static str;

    /// One sentence for people: what it is, and what a find by it means.
    fn describe(&self) -> &'static str;

    /// Where it lies, which says what strips it.
    fn place(&self) -> CarrierPlace;

    /// The number that it decides by; `None` if it does not decide by one.
    fn decision(&self) -> Option<Decision>;

    /// How well an image with these properties takes the carrier.
    fn embedded(&self, registration: &Registration) -> Embedded;

    /// What the manifest records so that the carrier can be tied to it; `None` if the carrier is no soft
    /// binding.
    fn soft_binding(&self, registration: &Registration) -> Option<SoftBinding>;

    /// What it took when this image was signed.
    fn cost(&self, signed: &SignedImage) -> Cost;

    /// Looks for a proof in one file, by this carrier alone.
    ///
    /// Never fails: what could not be looked at is a state too. Uses `clock` only to measure.
    fn examine(&self, file: &Asset<'_>, against: &Verifier, clock: Clock<'_>) -> Finding;
}

/// The decision of a carrier whose strength counts in thousandths of what its own gate asks for.
fn gated(about: &str) -> Decision {
    Decision {
        unit: "‰ of its gate".to_owned(),
        rising: true,
        is_undeclared: false,
        in_use: 1000,
        candidates: vec![2000, 1500, 1250, 1100, 1000, 900, 800, 700, 600, 500],
        about: about.to_owned(),
    }
}

/// What is known about an image when its manifest is made.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// The proof.
    pub id: ProofId,
    /// PDQ hash of the displayed image.
    pub fingerprint: ContentFingerprint,
    /// PDQ quality, 0 to 100.
    pub quality: u8,
    /// How the image took the watermark; `None` if none was tried.
    pub watermark: Option<Marking>,
    /// Points that were found in it.
    pub points: usize,
    /// Image-Code of the displayed image, which others look it up by; `None` if it has one colour alone.
    pub image_code: Option<ImageCode>,
}

/// What one carrier took when an image was signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Bytes of the signed file, or of the proof store; `None` where they cannot be told apart.
    pub bytes: Option<u64>,
    /// Nanoseconds by the clock of the file, without decoding and coding.
    pub nanos: u64,
}

/// A soft binding for the manifest (C2PA 2.x, "Soft Binding").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftBinding {
    /// Name of the algorithm, in reverse domain notation.
    pub algorithm: &'static str,
    /// What it covers, for people.
    pub describes: &'static str,
    /// The value, as the algorithm defines it.
    pub value: Vec<u8>,
}

/// The result of one carrier on one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was found.
    pub state: State,
    /// The proof it leads to. Only believed in an accepted state; otherwise what it claims.
    pub proof: Option<ProofId>,
    /// Further proofs that this carrier leads to as well, all confirmed: one picture may have been signed more than once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<ProofId>,
    /// Distance of the content to the registered fingerprint, bits, where it was measured.
    pub distance: Option<u32>,
    /// PDQ quality of the received image, where it was measured.
    pub quality: Option<u8>,
    /// Where the registered picture lies in the received one; only where points say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The same as it is compared at.
    #[serde(skip)]
    pub place: Option<Placement>,
    /// The word that was read, or the proof that most points lead to, accepted or not, and its strength in thousandths of what it
    /// must reach.
    #[serde(skip)]
    pub read: Option<(ProofId, u32)>,
    /// C2PA status codes, or causes under `credlink.`.
    pub codes: Vec<String>,
    /// What confirmed a pointer.
    pub confirmed_by: Option<&'static str>,
    /// Time in the proof store, nanoseconds.
    pub retrieve_nanos: u64,
}

impl Finding {
    /// A finding without details.
    pub fn new(state: State) -> Self {
        Self {
            state,
            proof: None,
            alternatives: Vec::new(),
            distance: None,
            quality: None,
            part: None,
            place: None,
            read: None,
            codes: Vec::new(),
            confirmed_by: None,
            retrieve_nanos: 0,
        }
    }

    /// The same, leading to a proof.
    #[must_use]
    pub fn leading_to(mut self, proof: ProofId) -> Self {
        self.proof = Some(proof);
        self
    }

    /// The same, with one more code.
    #[must_use]
    pub fn because(mut self, code: impl Into<String>) -> Self {
        self.codes.push(code.into());
        self
    }

    /// A pointer to a proof, as the store, our signature and the content judge it: the one way in which any pointer may
    /// count. The quality is that of the received content, unless the carrier has one of its own.
    pub(crate) fn resolved(
        self,
        id: ProofId,
        file: &Asset<'_>,
        against: &Verifier,
        clock: Clock<'_>,
    ) -> Self {
        self.resolved_at(id, file, against, clock, &|_| Whereabouts::Unknown)
    }

    /// The same where the carrier knows where what is registered, and displayed at some size, lies in the image.
    fn resolved_at(
        self,
        id: ProofId,
        file: &Asset<'_>,
        against: &Verifier,
        clock: Clock<'_>,
        whereabouts: &dyn Fn((u32, u32)) -> Whereabouts,
    ) -> Self {
        let start = clock();
        let record = against.store().by_id(id);
        let genuine = record
            .as_deref()
            .is_some_and(|record| against.is_genuine(record));
        let finding = Self {
            state: State::Unconfirmed,
            retrieve_nanos: clock().saturating_sub(start),
            ..self.leading_to(id)
        };
        let Some(record) = record else {
            return finding.because("credlink.proof.unknown");
        };
        if !genuine {
            return Self {
                state: State::Failed,
                ..finding.because("credlink.record.signature")
            };
        }
        let of_content = || file.content().map(|content| content.quality);
        let finding = Self {
            quality: finding.quality.or_else(of_content),
            ..finding
        };
        finding.confirmed(against.confirmation(
            file,
            &record,
            &whereabouts((record.width, record.height)),
        ))
    }

    fn confirmed(self, confirmation: Confirmation) -> Self {
        let finding = Self {
            distance: confirmation.distance,
            ..self
        };
        match confirmation.verdict {
            Ok(by) => Self {
                state: State::Recovered,
                confirmed_by: Some(by),
                ..finding
            },
            Err(code) => Self {
                state: State::Unconfirmed,
                ..finding.because(code)
            },
        }
    }

    /// Whether this proof is the one, or one of those, that count as found.
    pub fn accepts(&self, proof: ProofId) -> bool {
        self.accepted() == Some(proof)
            || self.state.is_accepted() && self.alternatives.contains(&proof)
    }

    /// The proof, if it counts as found.
    pub fn accepted(&self) -> Option<ProofId> {
        self.proof.filter(|_| self.state.is_accepted())
    }
}
