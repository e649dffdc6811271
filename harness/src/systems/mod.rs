//! Systems: whatever signs and verifies. The harness runs one, looks at what it answers, and alone knows the right answer.
//!
//! A system says what it is and which carriers it has, signs files, is sealed, and verifies files blindly. What it keeps
//! about a file is its own business. Its two stages are two traits, so that nothing can be verified before everything is
//! signed and registered. A new system is a file here and whoever makes it; nothing else names one.

pub mod credlink;

use credlink_image_files::contents::Fate;
use credlink_reports::header::CarrierHeader;
use credlink_sign_core::carriers::Cost;
use credlink_sign_core::{Asset, Clock, Distortion, ProofId, SigningTimes, Verification};
use credlink_trial_record::{CarrierPlace, Decision, Embedded};

/// What a system is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name in reports.
    pub name: String,
    /// Its version, as it calls it.
    pub version: String,
    /// Its carriers, in the order in which a verifier asks them: these names stand in rows, tables and gates.
    pub carriers: Vec<CarrierAbout>,
}

impl About {
    /// The carriers as a run's header names them.
    pub fn names(&self) -> Vec<String> {
        let carriers = self.carriers.iter();
        carriers.map(|carrier| carrier.name.clone()).collect()
    }

    /// The carriers as a run's header describes them: all that reports know of a carrier.
    pub fn facts(&self) -> Vec<CarrierHeader> {
        let carriers = self.carriers.iter().cloned();
        let header = carriers.map(|carrier| CarrierHeader {
            name: carrier.name,
            place: carrier.place,
            decision: carrier.decision,
        });
        header.collect()
    }
}

/// What a carrier is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierAbout {
    /// Its name in reports.
    pub name: String,
    /// What it is and what its answer means, in one line.
    pub describes: String,
    /// Where it lies, which says what strips it.
    pub place: CarrierPlace,
    /// The number it decides by, which [`Sealed::nearness`] or its [strength](Verification) gives; `None` if by none.
    pub decision: Option<Decision>,
}

/// Why a system could not do its work, in words that begin with a small letter.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SystemError(pub String);

impl SystemError {
    /// From an error with its causes, in one line.
    pub fn of(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(format!("{:#}", anyhow::Error::from(error)))
    }
}

/// A signed file, and what signing did to it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The file.
    pub bytes: Vec<u8>,
    /// How the image took each carrier, and what that cost, in the order of [`About::carriers`].
    pub carriers: Vec<(Embedded, Cost)>,
    /// What became of everything that the file held beside its pixels.
    pub fate: Fate,
    /// What a watermark alone did to the pixels; `None` where there is none, or nobody measured it.
    pub mark: Option<Distortion>,
    /// What signing did to the pixels; `None` where none changed, or nobody measured it.
    pub distortion: Option<Distortion>,
    /// Bytes that the system keeps elsewhere about this file.
    pub kept_bytes: u64,
    /// What its parts took, as far as they are known.
    pub times: SigningTimes,
}

/// How near the content of a file is to the proof that was issued for it and to the nearest wrong one, for one carrier that
/// decides by nearness, in units of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearness {
    /// The carrier's name.
    pub carrier: String,
    /// To the issued proof.
    pub own: Option<u32>,
    /// To the nearest wrong proof.
    pub wrong: Option<u32>,
}

/// A system in its first stage.
pub trait System: Send + Sync {
    /// What it is.
    fn about(&self) -> About;

    /// Signs a file as proof `id` and registers what it needs to find it again. Called from many threads.
    ///
    /// # Errors
    /// In words; nothing is registered then.
    fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<Signed, SystemError>;

    /// Ends the first stage.
    ///
    /// # Errors
    /// When what was registered cannot be kept.
    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>, SystemError>;
}

/// A system in its second stage.
pub trait Sealed: Send + Sync {
    /// Verifies a file. Called from many threads; the answer depends on the file alone.
    fn verify(&self, file: &Asset<'_>, clock: Clock<'_>) -> Verification;

    /// Distance of a received image to a registered proof, by which alteration may be noticed; `None` where the system
    /// measures none.
    fn distance_to(&self, _file: &Asset<'_>, _id: ProofId) -> Option<u32> {
        None
    }

    /// What thresholds decide on, for each carrier that measures it; `is_right` names the proofs that are not wrong.
    fn nearness(
        &self,
        _file: &Asset<'_>,
        _issued: Option<ProofId>,
        _is_right: &dyn Fn(ProofId) -> bool,
    ) -> Vec<Nearness> {
        Vec::new()
    }
}
