//! Signing as a delivery service does that preserves Content Credentials: the manifest of the file that it was given
//! becomes the parent of a new one under its own name. Nothing of ours is added: no proof, no link, no watermark.

use sha2::{Digest, Sha256};

use crate::formats::signable;
use crate::keys::Identity;
use crate::manifest::Engine;
use crate::manifest::write::{Delivery, delivered};
use crate::signed::SignError;
use crate::signer::engine_of;

/// A service that signs what it delivers. Shared freely between threads.
///
/// Guarantees: coded image data is not touched; the same files and identity give the same bytes.
#[derive(Debug)]
pub struct Resigner {
    identity: Identity,
    engine: Engine,
}

impl Resigner {
    /// A service with an identity of its own, which verifiers need not know.
    ///
    /// # Errors
    /// [`SignError::Manifest`] if the C2PA library does not take the anchor.
    pub fn new(identity: Identity) -> Result<Self, SignError> {
        Ok(Self {
            engine: engine_of(&identity)?,
            identity,
        })
    }

    /// `result` with a manifest of this service. The manifest of `original`, the file that the service was given, is
    /// its parent; if there is none, `original` stands there by name alone. `actions` are C2PA's names for what was
    /// done (C2PA 2.2, "Actions"), such as `c2pa.resized`; opening comes first by itself.
    ///
    /// # Errors
    /// [`SignError::Unsupported`] for containers without manifests, [`SignError::Manifest`] if the C2PA library
    /// refuses.
    pub fn resigned(
        &self,
        original: &[u8],
        result: &[u8],
        actions: &[&str],
    ) -> Result<Vec<u8>, SignError> {
        let media_type = signable(result).ok_or(SignError::Unsupported)?;
        let mut digest = Sha256::new_with_prefix(b"credlink delivery v1\0");
        digest.update(self.identity.name());
        digest.update(Sha256::digest(original));
        digest.update(result);
        let delivery = Delivery {
            context: digest.finalize().into(),
            media_type,
            service: self.identity.name(),
            actions,
        };
        let embedded = delivered(&self.engine, &self.identity, &delivery, result, original)?;
        Ok(embedded.bytes)
    }
}
