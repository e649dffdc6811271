//! C2PA manifests. Everything about the `c2pa` crate is in this folder.
//!
//! `write` makes a manifest, `claim_signer` signs it, `read` judges one, `bound` asks whether it covers its file, `jumbf` cuts manifest stores apart, `observe` looks at those of
//! others, `salts` makes signing repeatable, `trust` checks certificate chains. The crate is built without an HTTP client and configured
//! with an empty list of allowed hosts, so nothing is ever fetched.

mod bound;
pub(crate) mod claim_signer;
pub(crate) mod describe;
mod jumbf;
mod observe;
pub(crate) mod read;
mod salts;
pub(crate) mod trust;
pub(crate) mod write;

pub use claim_signer::{Credential, TimeStamps};
pub use describe::{Action, Binding, Described, Ingredient, Standing};
pub use observe::{Held, Observed, Observer};

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::keys::TrustAnchor;
use crate::proof_id::ProofId;

/// Label of our assertion.
pub(crate) const PROOF_LABEL: &str = "com.credlink.proof";

/// Label of C2PA's soft-binding assertion.
const SOFT_BINDING: &str = "c2pa.soft-binding";

/// The label of the manifest that a proof is made with.
pub fn label(id: ProofId) -> String {
    write::label(id)
}

/// A manifest store with its active manifest alone, without those of ingredients; `None` where the bytes are no manifest
/// store.
pub fn active(store: &[u8]) -> Option<Vec<u8>> {
    jumbf::active(store)
}

/// Our assertion: which proof this is and where its record can be looked up.
#[derive(Serialize, Deserialize)]
pub(crate) struct ProofAssertion {
    pub(crate) id: ProofId,
    pub(crate) store: String,
}

/// Shared, immutable configuration of the C2PA library.
#[derive(Clone)]
pub(crate) struct Engine(Arc<c2pa::Context>);

/// The C2PA library failed. The text is its own and may quote the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("C2PA library: {0}")]
pub struct EngineError(String);

impl EngineError {
    fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string().chars().take(300).collect())
    }
}

impl Engine {
    /// Trusts `anchors` and nothing else: no built-in list, no network.
    pub(crate) fn new(anchors: &[TrustAnchor]) -> Result<Self, EngineError> {
        Self::vouching(anchors, "")
    }

    /// Trusts the authorities of a list (PEM), too.
    pub(crate) fn vouching(anchors: &[TrustAnchor], list: &str) -> Result<Self, EngineError> {
        let mut bundle: Vec<&str> = anchors.iter().map(TrustAnchor::pem).collect();
        bundle.extend(Some(list).filter(|list| !list.trim().is_empty()));
        let anchors = (!bundle.is_empty()).then(|| bundle.join("\n"));
        let settings = c2pa::Settings::new()
            .with_json(
                &json!({
                    "trust": { "user_anchors": anchors },
                    "core": {
                        "allowed_network_hosts": [],
                        // Identity assertions are somebody else's statement about somebody else.
                        "decode_identity_assertions": false,
                    },
                    "verify": { "ocsp_fetch": false, "remote_manifest_fetch": false },
                    "builder": {
                        // What the signer says itself and answers for; all else would count as gathered from others.
                        "created_assertion_labels":
                            ["c2pa.actions", "c2pa.ingredient", "c2pa.thumbnail.claim", SOFT_BINDING, PROOF_LABEL],
                        "thumbnail": { "enabled": false },
                        "actions": {
                            "auto_created_action": { "enabled": false },
                            "auto_opened_action": { "enabled": false },
                            "auto_placed_action": { "enabled": false },
                        },
                    },
                })
                .to_string(),
            )
            .map_err(EngineError::new)?;
        let context = c2pa::Context::new()
            .with_settings(settings)
            .map_err(EngineError::new)?;
        Ok(Self(context.into_shared()))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

/// Runs the C2PA library on bytes from strangers. A panic in it becomes an error: one file must not end a
/// run of thousands, and nothing of ours is borrowed mutably across the call.
fn guarded<T>(work: impl FnOnce() -> Result<T, c2pa::Error>) -> Result<T, c2pa::Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(c2pa::Error::BadParam(
            "panic in the C2PA library".to_owned(),
        ))
    })
}
