//! Signing and verifying one file: what the routes ask for, without HTTP.

use std::sync::Arc;

use credlink_sign_core::answer::Answer;
use credlink_sign_core::carriers::{Finding, NOT_READY, OF_WHOLE_PICTURES};
use credlink_sign_core::conclusion::conclude;
use credlink_sign_core::iscc::{self, ImageCode};
use credlink_sign_core::keys::KeyError;
use credlink_sign_core::store::ProofStore;
use credlink_sign_core::submission::{Refusal, Submission, Submitted};
use credlink_sign_core::watermark::{Effort, WatermarkKey};
use credlink_sign_core::{Asset, Depth, EngineError, ProofId, Signer, Verifier, manifest};

use crate::algorithm::Algorithm;
use crate::host::Host;
use crate::live::{Asked, Live};
use crate::problem::Problem;
use crate::store::{Proof, StoreError};

/// Proofs of the nearest Image-Codes that a picture is compared with.
const MOST_BY_CODE: usize = 32;
/// How often an id is drawn anew because it is taken.
const DRAWS: usize = 4;

/// Signs and verifies. Shared between threads.
#[derive(Debug)]
pub struct Desk {
    signer: Signer,
    /// The same, putting marks into the pixels; `None` without a watermark secret.
    marking: Option<Signer>,
    verifier: Verifier,
    /// Without the watermark: for the question whether a picture that is to be signed was signed before.
    quick: Verifier,
    live: Arc<Live>,
    host: Arc<dyn Host>,
}

/// Who signs, and with what.
#[derive(Debug)]
pub struct Parts {
    /// Without watermark.
    pub signer: Signer,
    /// With watermark, if there is a secret.
    pub marking: Option<(Signer, WatermarkKey)>,
    /// What is kept.
    pub live: Arc<Live>,
    /// Codecs, clocks, randomness.
    pub host: Arc<dyn Host>,
}

/// How a file is to be signed.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Whether a mark is put into the pixels.
    pub watermark: bool,
}

/// Why there is no signed file, or no answer.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The file is not signed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A watermark was asked for, and there is no secret.
    #[error("this service has no watermark secret; ask with watermark=false")]
    NoWatermark,
    /// No randomness.
    #[error("no randomness from the system: {0}")]
    Random(String),
}

/// Why no desk could be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The signer's certificate cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The C2PA library does not take it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Refused(refusal) => refusal.into(),
            DeskError::Store(error) => error.into(),
            DeskError::NoWatermark => Self::bad("no-watermark", error.to_string()),
            DeskError::Random(_) => {
                crate::log::fault(&error.to_string());
                let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
                Self::new(status, "internal", "the service cannot draw a proof id")
            }
        }
    }
}

impl Desk {
    /// A desk of these parts.
    ///
    /// # Errors
    /// [`SetupError`] if the signer's certificate cannot be used.
    pub fn new(parts: Parts) -> Result<Self, SetupError> {
        let anchor = parts.signer.identity().anchor()?;
        let quick = Verifier::new(vec![anchor], Arc::new(ProofStore::empty()))?
            .with_base_url(parts.signer.base_url());
        let (marking, verifier) = match parts.marking {
            Some((marking, key)) => {
                let verifier = quick.clone().with_watermark(key, Effort::Search);
                (Some(marking), verifier)
            }
            None => (None, quick.clone()),
        };
        Ok(Self {
            signer: parts.signer,
            marking,
            verifier,
            quick,
            live: parts.live,
            host: parts.host,
        })
    }

    /// What is kept.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Codecs, clocks, randomness.
    pub fn host(&self) -> &Arc<dyn Host> {
        &self.host
    }

    /// Where links of proofs point to.
    pub fn base_url(&self) -> &str {
        self.signer.base_url()
    }

    /// Whether files can be marked.
    pub fn has_watermark(&self) -> bool {
        self.marking.is_some()
    }

    /// A look at what is kept, for one question.
    fn asked(&self, verifier: &Verifier) -> (Arc<Asked>, Verifier) {
        let asked = self.live.asked();
        let verifier = verifier.looking_in(Arc::<Asked>::clone(&asked));
        (asked, verifier)
    }

    /// Signs a file under a new id, without keeping the proof. Takes as long as the picture is large.
    ///
    /// # Errors
    /// Every variant of [`DeskError`].
    pub fn sign(&self, bytes: &[u8], wish: Wish) -> Result<Submitted, DeskError> {
        let signer = match (wish.watermark, &self.marking) {
            (false, _) => &self.signer,
            (true, Some(marking)) => marking,
            (true, None) => return Err(DeskError::NoWatermark),
        };
        let host = &self.host;
        let decode = |bytes: &[u8]| host.decode(bytes);
        let nanos = || host.nanos();
        let encoder = host.encoder(bytes);
        let file = Asset::new(bytes, &decode)
            .with_encoder(&*encoder)
            .with_clock(&nanos);
        let submission = Submission {
            id: self.new_id()?,
            earlier: self.earlier(&file)?,
            signed_at: host.unix_seconds(),
        };
        Ok(signer.submit(&file, submission)?)
    }

    /// An id that no proof of ours has. Whoever keeps the proof asks once more.
    fn new_id(&self) -> Result<ProofId, DeskError> {
        for _ in 0..DRAWS {
            let id = ProofId::new(self.host.random().map_err(DeskError::Random)?);
            if self.live.keeper().record(id)?.is_none() {
                return Ok(id);
            }
        }
        let same = "every id that was drawn is taken".to_owned();
        Err(DeskError::Random(same))
    }

    /// The proof that this picture was signed as before.
    fn earlier(&self, file: &Asset<'_>) -> Result<Option<ProofId>, StoreError> {
        let (asked, verifier) = self.asked(&self.quick);
        let verification = verifier.verify_by(OF_WHOLE_PICTURES, file, &|| 0);
        let parent = |proof| verifier.store().by_id(proof)?.parent();
        let conclusion = conclude(verification.findings(), &parent);
        asked.fault().map_or(Ok(conclusion.newest()), Err)
    }

    /// What belongs into the store of a signed file.
    pub fn proof(submitted: &Submitted) -> Proof {
        let signed = &submitted.signed;
        Proof {
            urn: manifest::label(signed.record.id),
            record: signed.record.clone(),
            manifest: signed.manifest.clone(),
            points: signed.points.clone(),
        }
    }

    /// Looks at a file.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer, or is still reading and nothing was found: then nothing is known.
    pub fn verify(&self, bytes: &[u8], depth: Depth) -> Result<Answer, StoreError> {
        let host = &self.host;
        let decode = |bytes: &[u8]| host.decode(bytes);
        let nanos = || host.nanos();
        let file = Asset::new(bytes, &decode).with_clock(&nanos);
        let (asked, verifier) = self.asked(&self.verifier);
        let answer = Answer::about(&verifier, &file, depth, &nanos);
        let is_unread =
            |(_, finding): (_, &Finding)| finding.codes.iter().any(|code| code == NOT_READY);
        let verification = &answer.verification;
        if answer.conclusion.accepted.is_none() && verification.findings().any(is_unread) {
            return Err(StoreError::Unread);
        }
        asked.fault().map_or(Ok(answer), Err)
    }

    /// The proofs that these algorithms lead to and the picture confirms, each with its score where that was measured.
    ///
    /// # Errors
    /// [`StoreError`] where the store did not answer: then nothing is known.
    pub fn found(
        &self,
        bytes: &[u8],
        algorithms: &[Algorithm],
    ) -> Result<Vec<(ProofId, Option<u32>)>, StoreError> {
        let host = &self.host;
        let decode = |bytes: &[u8]| host.decode(bytes);
        let file = Asset::new(bytes, &decode);
        let (asked, verifier) = self.asked(&self.verifier);
        let carriers: Vec<&str> = algorithms.iter().filter_map(|one| one.carrier()).collect();
        let verification = verifier.verify_by(&carriers, &file, &|| 0);
        let mut found: Vec<(ProofId, Option<u32>)> = Vec::new();
        for (_, finding) in verification.findings() {
            let score = |distance| Algorithm::Fingerprint.score(distance);
            let accepted = finding.accepted();
            let accepted = accepted.map(|id| (id, finding.distance.map(score)));
            let others = finding.alternatives.iter().map(|id| (*id, None));
            for (id, score) in accepted.into_iter().chain(others) {
                if !found.iter().any(|(known, _)| *known == id) {
                    found.push((id, score));
                }
            }
        }
        if algorithms.contains(&Algorithm::ImageCode) {
            let mut left = MOST_BY_CODE;
            for (id, distance) in self.near_in_code(&file) {
                let score = Algorithm::ImageCode.score(distance);
                if let Some((_, known)) = found.iter_mut().find(|(known, _)| *known == id) {
                    known.get_or_insert(score);
                    continue;
                }
                // What was compared, found or not: anybody may have signed many pictures like this one.
                let Some(fewer) = left.checked_sub(1) else {
                    break;
                };
                left = fewer;
                if verifier.confirmed(id, &file, &|| 0).accepts(id) {
                    found.push((id, Some(score)));
                }
            }
        }
        asked.fault().map_or(Ok(found), Err)
    }

    /// The proofs whose Image-Codes are nearest to that of a picture, and their distances; the picture is still to confirm them.
    fn near_in_code(&self, file: &Asset<'_>) -> Vec<(ProofId, u32)> {
        ImageCode::of_file(file).map_or(Vec::new(), |code| self.live.near_code(&code, iscc::NEAR))
    }
}
