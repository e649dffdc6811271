//! CredLink with all its carriers, as a system.

use std::sync::Arc;

use credlink_sign_core::carriers::{CARRIERS, Carrier as _, Fingerprint};
use credlink_sign_core::store::{ProofStore, ProofStoreBuilder};
use credlink_sign_core::watermark::Effort;
use credlink_sign_core::{Asset, Clock, ProofId, Signer, Verification, Verifier};

use super::{About, CarrierAbout, Nearness, Sealed, Signed, System, SystemError};

/// CredLink in its first stage.
#[derive(Debug)]
pub struct CredLink {
    signer: Signer,
    store: ProofStoreBuilder,
    effort: Effort,
}

impl CredLink {
    /// Signs with `signer` and registers in `store`.
    #[must_use]
    pub fn new(signer: Signer, store: ProofStoreBuilder) -> Self {
        Self {
            signer,
            store,
            effort: Effort::Search,
        }
    }

    /// How far to search for watermarks; [`Effort::Search`] unless set.
    #[must_use]
    pub fn with_effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }
}

/// What CredLink is.
#[must_use]
pub fn about() -> About {
    let carriers = CARRIERS.iter().map(|carrier| CarrierAbout {
        name: carrier.name().to_owned(),
        describes: carrier.describe().to_owned(),
        place: carrier.place(),
        decision: carrier.decision(),
    });
    About {
        name: "CredLink".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        carriers: carriers.collect(),
    }
}

impl System for CredLink {
    fn about(&self) -> About {
        about()
    }

    fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<Signed, SystemError> {
        let signed = self.signer.sign(file, id).map_err(SystemError::of)?;
        let costs = CARRIERS.iter().map(|carrier| carrier.cost(&signed));
        let carriers = signed.embedded.iter().copied().zip(costs).collect();
        let record = serde_json::to_vec(&signed.record).map_err(SystemError::of)?;
        let stored = self.store.insert(signed.record, &signed.manifest);
        stored.map_err(SystemError::of)?;
        Ok(Signed {
            bytes: signed.bytes,
            carriers,
            fate: signed.fate,
            kept_bytes: (signed.manifest.len() + record.len()) as u64,
            mark: signed.mark,
            distortion: signed.distortion,
            times: signed.times,
        })
    }

    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>, SystemError> {
        let store: Arc<ProofStore> = Arc::new(self.store.seal().map_err(SystemError::of)?);
        let anchor = self.signer.identity().anchor().map_err(SystemError::of)?;
        let verifier = Verifier::new(vec![anchor], store).map_err(SystemError::of)?;
        let verifier = verifier.with_base_url(self.signer.base_url());
        Ok(Box::new(match self.signer.marker() {
            Some(marker) => verifier.with_watermark(marker.key().clone(), self.effort),
            None => verifier,
        }))
    }
}

impl Sealed for Verifier {
    fn verify(&self, file: &Asset<'_>, clock: Clock<'_>) -> Verification {
        Verifier::verify(self, file, clock)
    }

    fn distance_to(&self, file: &Asset<'_>, id: ProofId) -> Option<u32> {
        Verifier::distance_to(self, file, id)
    }

    fn nearness(
        &self,
        file: &Asset<'_>,
        issued: Option<ProofId>,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Vec<Nearness> {
        let distances = self.distances(file, issued, is_right);
        vec![Nearness {
            carrier: Fingerprint.name().to_owned(),
            own: distances.own,
            wrong: distances.wrong,
        }]
    }
}
