//! Systems: whatever signs and verifies. The harness runs one, looks at what it answers, and alone knows the right answer.
//!
//! A system says what it is and which carriers it has, signs files, is sealed, and verifies files blindly. What it keeps
//! about a file is its own business. Its two stages are two traits, so that nothing can be verified before everything is
//! signed and registered. A new system inside is a file here and a line in [`named`]; one outside is an adapter.

pub mod adapter;
pub mod check;
pub mod credlink;
pub mod named;
pub mod resolver;
pub mod service;
pub mod signed_files;

use std::borrow::Cow;

use credlink_image_files::contents::Fate;
use credlink_reports::header::{CarrierHeader, SystemHeader};
use credlink_sign_core::carriers::Cost;
use credlink_sign_core::{Asset, Clock, Distortion, ProofId, SigningTimes, Verification};
use credlink_trial_record::{CarrierPlace, Decision, Embedded, Trial};

/// What a system is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name in reports.
    pub name: String,
    /// Its version, as it calls it.
    pub version: String,
    /// Its licence.
    pub licence: String,
    /// Where it comes from.
    pub source: String,
    /// Its settings that decide results, by name.
    pub settings: Vec<(String, String)>,
    /// Whether it is measured and not vouched for: what it accepts wrongly is then a finding about it, and no failure of the
    /// run.
    pub is_guest: bool,
    /// The kinds of negative trial, beside unsigned images and neighbouring views, that mean something to it.
    pub deceptions: Vec<Trial>,
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
            payload_bits: carrier.payload_bits,
        });
        header.collect()
    }

    /// The system as a run's header describes it.
    pub fn header(&self) -> SystemHeader {
        SystemHeader {
            name: self.name.clone(),
            version: self.version.clone(),
            licence: self.licence.clone(),
            source: self.source.clone(),
            is_guest: self.is_guest,
        }
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
    /// The number it decides by, which [`Answer::nearness`] or its [strength](Verification) gives; `None` if by none.
    pub decision: Option<Decision>,
    /// Bits of the word that it carries; 0 if it carries none.
    pub payload_bits: u32,
}

/// The cause where this machine's own disk refused, which is an error of the run: no answer, and no fault of a system.
pub const DISK: &str = "disk";

/// Why a system could not do its work, in words that begin with a small letter.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct SystemError {
    /// A short code for tables.
    pub cause: Cow<'static, str>,
    /// The reason.
    pub reason: String,
}

impl SystemError {
    /// With a code and a reason.
    pub fn new(cause: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            reason: reason.into(),
        }
    }

    /// From an error with its causes, in one line.
    pub fn of(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new("system", format!("{:#}", anyhow::Error::from(error)))
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
    /// What a watermark alone did to the pixels; `None` where there is none, or the system did not measure it.
    pub mark: Option<Distortion>,
    /// What signing did to the pixels; `None` where none changed, or the system did not measure it.
    pub distortion: Option<Distortion>,
    /// What the system needs to find the proof again, for [`System::register`]; `None` where there is no proof.
    pub registered: Option<Vec<u8>>,
    /// Bytes that the system keeps elsewhere about this file.
    pub kept_bytes: u64,
    /// What its parts took, as far as they are known.
    pub times: SigningTimes,
    /// Why the system declined the image, which then goes out as it came and counts as lost; `None` if it did not.
    pub refused: Option<String>,
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
    /// Bits of the word read that are those of the word issued, where a word was read.
    pub bits: Option<u32>,
}

/// Tells how near a file came, towards the proof that was issued for it; the function names the proofs that are not wrong.
pub type Measure<'a> = Box<dyn Fn(Option<ProofId>, &dyn Fn(ProofId) -> bool) -> Vec<Nearness> + 'a>;

/// What a system says of a file.
pub struct Answer<'a> {
    /// What each carrier found, and the time it took.
    pub verification: Verification,
    /// What thresholds decide on, for each carrier that measures it: asked by the harness alone, after the clock has stopped.
    pub nearness: Measure<'a>,
}

/// A system in its first stage.
pub trait System: Send + Sync {
    /// What it is.
    fn about(&self) -> About;

    /// Signs a file as proof `id`. What it needs to find the proof again is part of the answer, and is not there until it is
    /// registered: by this process, by one that goes on with the run, or by the other parts of it. Called from many threads.
    ///
    /// # Errors
    /// In words.
    fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<Signed, SystemError>;

    /// Registers proof `id` by what [`Signed::registered`] gave for it. Called from many threads.
    ///
    /// # Errors
    /// When the bytes are not what was given, or the proof is there already.
    fn register(&self, id: ProofId, registered: &[u8]) -> Result<(), SystemError>;

    /// Ends the first stage.
    ///
    /// # Errors
    /// When what was registered cannot be kept.
    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>, SystemError>;
}

/// A system in its second stage.
pub trait Sealed: Send + Sync {
    /// Verifies a file. Called from many threads; the answer depends on the file alone.
    ///
    /// # Errors
    /// When the system could not look at the file.
    fn verify<'a>(
        &'a self,
        file: &'a Asset<'_>,
        clock: Clock<'_>,
    ) -> Result<Answer<'a>, SystemError>;

    /// Distance of a received image to a registered proof, by which alteration may be noticed; `None` where the system
    /// measures none.
    fn distance_to(&self, _file: &Asset<'_>, _id: ProofId) -> Option<u32> {
        None
    }

    /// What the reader of the run should know of how the work went, one sentence each.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
