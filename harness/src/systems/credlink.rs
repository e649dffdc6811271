//! CredLink as a system, with all its carriers or some of them.

use std::sync::Arc;

use credlink_image_files::{Format, contents, metadata};
use credlink_sign_core::carriers::{
    CARRIERS, Carrier, Fingerprint, Link, Local, Manifest, Watermark,
};
use credlink_sign_core::local::Points;
use credlink_sign_core::store::{ProofStore, ProofStoreBuilder};
use credlink_sign_core::watermark::Effort;
use credlink_sign_core::{Asset, Clock, ProofId, ProofRecord, Signer, Verifier};
use credlink_trial_record::{CarrierPlace, Trial};

use super::{About, Answer, CarrierAbout, Nearness, Sealed, Signed, System, SystemError};

/// What is tried to deceive it, beside unsigned images and neighbouring views.
const DECEPTIONS: [Trial; 9] = [
    Trial::ForeignKey,
    Trial::Transplant,
    Trial::WatermarkCopy,
    Trial::WatermarkAverage,
    Trial::LookAlike,
    Trial::Replay,
    Trial::EditedClaim,
    Trial::Collision,
    Trial::ResignedTransplant,
];

/// CredLink in its first stage.
#[derive(Debug)]
pub struct CredLink {
    signer: Signer,
    store: ProofStoreBuilder,
    effort: Effort,
    carriers: Vec<&'static str>,
}

/// CredLink in its second stage.
#[derive(Debug)]
pub struct SealedCredLink {
    verifier: Verifier,
    carriers: Vec<&'static str>,
}

impl CredLink {
    /// Signs with `signer` and registers in `store`.
    #[must_use]
    pub fn new(signer: Signer, store: ProofStoreBuilder) -> Self {
        Self {
            signer,
            store,
            effort: Effort::Search,
            carriers: carriers(),
        }
    }

    /// These carriers alone, in ladder order: a signed file then holds no other, and none other is looked at. The one
    /// exception: a link stays in a file whose manifest covers it, and is not looked at.
    #[must_use]
    pub fn with_carriers(mut self, carriers: Vec<&'static str>) -> Self {
        self.carriers = carriers;
        self
    }

    fn has(&self, carrier: &dyn Carrier) -> bool {
        self.carriers.contains(&carrier.name())
    }

    /// The signed file without what belongs to carriers that were not chosen. A mark is there if the signer has a marker.
    fn reduced(&self, source: &[u8], signed: Vec<u8>) -> Result<Vec<u8>, SystemError> {
        if self.has(&Manifest) {
            return Ok(signed);
        }
        if !self.has(&Link) && self.signer.marker().is_none() {
            return Ok(source.to_vec());
        }
        let format = Format::sniff(&signed)
            .ok_or_else(|| SystemError::new("sign", "the signed file is of no known format"))?;
        let mut beside = metadata::read(format, &signed);
        beside.c2pa = None;
        if !self.has(&Link) {
            beside.xmp = metadata::read(format, source).xmp;
        }
        metadata::written(format, signed, &beside).map_err(SystemError::of)
    }

    /// How far to search for watermarks; [`Effort::Search`] unless set.
    #[must_use]
    pub fn with_effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }
}

/// The names of all its carriers, in ladder order.
#[must_use]
pub fn carriers() -> Vec<&'static str> {
    CARRIERS.iter().map(|carrier| carrier.name()).collect()
}

/// The name of the carrier that changes pixels.
#[must_use]
pub fn marking() -> &'static str {
    Watermark.name()
}

/// What CredLink is.
#[must_use]
pub fn about() -> About {
    about_of(&carriers())
}

/// What it is with these carriers alone: without the others it does not promise what it promises with all.
#[must_use]
pub fn about_of(chosen: &[&'static str]) -> About {
    let is_whole = chosen.len() == CARRIERS.len();
    let carriers = CARRIERS
        .iter()
        .filter(|carrier| chosen.contains(&carrier.name()));
    let carriers = carriers.map(|carrier| CarrierAbout {
        name: carrier.name().to_owned(),
        describes: carrier.describe().to_owned(),
        place: carrier.place(),
        decision: carrier.decision(),
        // The mark holds the id.
        payload_bits: match carrier.place() {
            CarrierPlace::Pixels => u64::BITS,
            CarrierPlace::Metadata | CarrierPlace::Store => 0,
        },
    });
    About {
        name: if is_whole {
            "CredLink".to_owned()
        } else {
            format!("CredLink ({})", chosen.join(", "))
        },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        licence: env!("CARGO_PKG_LICENSE").to_owned(),
        source: env!("CARGO_PKG_REPOSITORY").to_owned(),
        settings: Vec::new(),
        is_guest: !is_whole,
        deceptions: DECEPTIONS.to_vec(),
        carriers: carriers.collect(),
    }
}

impl System for CredLink {
    fn about(&self) -> About {
        about_of(&self.carriers)
    }

    fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<Signed, SystemError> {
        let signed = self.signer.sign(file, id);
        let signed = signed.map_err(|error| SystemError {
            cause: "sign".into(),
            ..SystemError::of(error)
        })?;
        let costs = CARRIERS.iter().map(|carrier| carrier.cost(&signed));
        let of_all = CARRIERS
            .iter()
            .zip(signed.embedded.iter().copied().zip(costs));
        let chosen = of_all.filter(|(carrier, _)| self.has(**carrier));
        let carriers = chosen.map(|(_, of_carrier)| of_carrier).collect();
        let record = serde_json::to_vec(&signed.record).map_err(SystemError::of)?;
        let kept_bytes = (signed.manifest.len() + record.len()) as u64;
        let points = signed.points.to_bytes();
        let kept_bytes = kept_bytes + points.len() as u64;
        let registered = registration(record, &signed.manifest, &points);
        let is_whole = self.carriers.len() == CARRIERS.len();
        let (bytes, fate) = if is_whole {
            (signed.bytes, signed.fate)
        } else {
            let reduced = self.reduced(file.bytes(), signed.bytes)?;
            let format = Format::sniff(&reduced);
            let fate = format.map(|format| contents::fate(format, file.bytes(), &reduced));
            (reduced, fate.unwrap_or_default())
        };
        Ok(Signed {
            bytes,
            carriers,
            fate,
            registered: Some(registered),
            kept_bytes,
            mark: signed.mark,
            distortion: signed.distortion,
            times: signed.times,
            refused: None,
        })
    }

    fn register(&self, id: ProofId, registered: &[u8]) -> Result<(), SystemError> {
        let parts = registered_parts(registered).filter(|(record, ..)| record.id == id);
        let (record, manifest, points) = parts.ok_or_else(|| {
            SystemError::new("system", format!("what was registered as {id} is damaged"))
        })?;
        let stored = self.store.insert(record, manifest, &points);
        stored.map_err(SystemError::of)
    }

    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>, SystemError> {
        let store = if self.has(&Local) {
            self.store
        } else {
            self.store.without_index_of_points()
        };
        let store: Arc<ProofStore> = Arc::new(store.seal().map_err(SystemError::of)?);
        let anchor = self.signer.identity().anchor().map_err(SystemError::of)?;
        let verifier = Verifier::new(vec![anchor], store).map_err(SystemError::of)?;
        let verifier = verifier.with_base_url(self.signer.base_url());
        let verifier = match self.signer.marker() {
            Some(marker) => verifier.with_watermark(marker.key().clone(), self.effort),
            None => verifier,
        };
        Ok(Box::new(SealedCredLink::new(verifier, self.carriers)))
    }
}

/// A record in one line of JSON, and behind it the length of its manifest, the manifest and the points.
fn registration(record: Vec<u8>, manifest: &[u8], points: &[u8]) -> Vec<u8> {
    let mut bytes = record;
    bytes.push(b'\n');
    bytes.extend_from_slice(&(manifest.len() as u64).to_le_bytes());
    bytes.extend_from_slice(manifest);
    bytes.extend_from_slice(points);
    bytes
}

/// Undoes [`registration`]; `None` for anything else.
fn registered_parts(registered: &[u8]) -> Option<(ProofRecord, &[u8], Points)> {
    let end = registered.iter().position(|byte| *byte == b'\n')?;
    let record: ProofRecord = serde_json::from_slice(&registered[..end]).ok()?;
    let (length, rest) = registered[end + 1..].split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (manifest, points) = rest.split_at_checked(length)?;
    let points = Points::from_bytes(points, (record.width, record.height)).ok()?;
    Some((record, manifest, points))
}

impl SealedCredLink {
    /// Verifies by these carriers alone.
    #[must_use]
    pub fn new(verifier: Verifier, carriers: Vec<&'static str>) -> Self {
        Self { verifier, carriers }
    }
}

impl Sealed for SealedCredLink {
    fn verify<'a>(
        &'a self,
        file: &'a Asset<'_>,
        clock: Clock<'_>,
    ) -> Result<Answer<'a>, SystemError> {
        let verifier = &self.verifier;
        Ok(Answer {
            verification: verifier.verify_by(&self.carriers, file, clock),
            // One carrier decides by nearness.
            nearness: Box::new(move |issued, is_right| {
                let distances = verifier.distances(file, issued, is_right);
                vec![Nearness {
                    carrier: Fingerprint.name().to_owned(),
                    own: distances.own,
                    wrong: distances.wrong,
                    bits: None,
                }]
            }),
        })
    }

    fn distance_to(&self, file: &Asset<'_>, id: ProofId) -> Option<u32> {
        self.verifier.distance_to(file, id)
    }
}
