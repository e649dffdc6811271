//! Systems: whatever signs and verifies.
//!
//! The harness runs systems, and CredLink is one. The two stages are two traits, so that nothing can be
//! verified before everything is signed and registered.

use std::sync::Arc;

use crate::Clock;
use crate::asset::Asset;
use crate::ladder::Verification;
use crate::proof_id::ProofId;
use crate::signed::{SignError, SignedImage};
use crate::signer::Signer;
use crate::store::{ProofStore, ProofStoreBuilder};
use crate::verifier::{Distances, Verifier};
use crate::watermark::Effort;

/// A system in its first stage.
pub trait System: Send + Sync {
    /// Name in reports.
    fn name(&self) -> &str;

    /// Signs a file as proof `id` and registers it. Called from many threads.
    ///
    /// # Errors
    /// [`SignError`]; nothing is registered then.
    fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<SignedImage, SignError>;

    /// Ends the first stage.
    ///
    /// # Errors
    /// [`SignError`] if what was registered cannot be kept.
    fn seal(self: Box<Self>) -> Result<Box<dyn SealedSystem>, SignError>;
}

/// A system in its second stage.
pub trait SealedSystem: Send + Sync {
    /// Verifies a file. Called from many threads; the answer depends on the file alone.
    fn verify(&self, file: &Asset<'_>, clock: Clock<'_>) -> Verification;

    /// Distance of a received image to a registered proof, bits; see [`Verifier::distance_to`].
    fn distance_to(&self, file: &Asset<'_>, id: ProofId) -> Option<u32>;

    /// Distances to the issued proof and to the nearest wrong one; see [`Verifier::distances`].
    fn distances(
        &self,
        file: &Asset<'_>,
        issued: Option<ProofId>,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Distances;
}

/// CredLink with all carriers, in its first stage.
#[derive(Debug)]
pub struct CredLink {
    signer: Signer,
    store: ProofStoreBuilder,
    effort: Effort,
}

impl CredLink {
    /// Signs with `signer` and registers in `store`.
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

impl System for CredLink {
    fn name(&self) -> &str {
        "credlink"
    }

    fn sign(&self, file: &Asset<'_>, id: ProofId) -> Result<SignedImage, SignError> {
        let signed = self.signer.sign(file, id)?;
        self.store.insert(signed.record.clone(), &signed.manifest)?;
        Ok(signed)
    }

    fn seal(self: Box<Self>) -> Result<Box<dyn SealedSystem>, SignError> {
        let store: Arc<ProofStore> = Arc::new(self.store.seal()?);
        let anchor = self
            .signer
            .identity()
            .anchor()
            .map_err(|error| SignError::Other(error.to_string()))?;
        let verifier = Verifier::new(vec![anchor], store)?.with_base_url(self.signer.base_url());
        Ok(Box::new(match self.signer.marker() {
            Some(marker) => verifier.with_watermark(marker.key().clone(), self.effort),
            None => verifier,
        }))
    }
}

impl SealedSystem for Verifier {
    fn verify(&self, file: &Asset<'_>, clock: Clock<'_>) -> Verification {
        Verifier::verify(self, file, clock)
    }

    fn distance_to(&self, file: &Asset<'_>, id: ProofId) -> Option<u32> {
        Verifier::distance_to(self, file, id)
    }

    fn distances(
        &self,
        file: &Asset<'_>,
        issued: Option<ProofId>,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Distances {
        Verifier::distances(self, file, issued, is_right)
    }
}
