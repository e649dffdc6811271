//! Judging the manifest of a file from a stranger.

use credlink_image_files::containers;
use std::collections::HashSet;
use std::io::Cursor;

use c2pa::validation_results::validation_codes as code;
use c2pa::validation_results::{StatusCodes, ValidationState};
use c2pa::validation_status::ValidationStatus;
use c2pa::{Manifest, Reader, jumbf_io};
use ed25519_dalek::VerifyingKey;

use super::{Engine, PROOF_LABEL, ProofAssertion, bound, guarded, jumbf, trust};
use crate::keys;
use crate::proof_id::ProofId;
use credlink_image_files::Format;

/// How far back the parents of a manifest are followed.
const MAX_GENERATIONS: usize = 16;

/// What the embedded manifest of a file amounts to.
pub(crate) enum Reading {
    /// There is none.
    Absent { codes: Vec<String> },
    /// It does not validate. The id is what it claims, unproven.
    Invalid {
        claimed: Option<ProofId>,
        codes: Vec<String>,
    },
    /// Valid on these bytes, signed by one of us, and about this proof.
    Ours {
        id: ProofId,
        manifest: Vec<u8>,
        /// Whether every byte of the file is either under the signed hash or the manifest's own; otherwise the code of
        /// what is wrong.
        bound: Result<(), &'static str>,
    },
    /// Valid and not ours by its certificate.
    Others {
        /// The proof that it names, and the manifest: a record of ours may say that this is the very one.
        claimed: Option<(ProofId, Vec<u8>)>,
        /// The proof of an ancestor that carries our valid manifest.
        ancestor: Option<ProofId>,
        codes: Vec<String>,
    },
}

/// Whose signatures are ours.
pub(crate) struct Ours<'a> {
    /// The keys of our signers.
    pub(crate) keys: &'a [VerifyingKey],
    /// Whether any certificate that one of our anchors issued will do.
    pub(crate) any_of_anchor: bool,
}

impl Ours<'_> {
    /// Whether a valid and trusted manifest was signed by one of us.
    fn signed(&self, manifest: &Manifest) -> bool {
        let key = || keys::first_key(manifest.signature_info()?.cert_chain());
        self.any_of_anchor || key().is_some_and(|key| self.keys.contains(&key))
    }
}

/// Failures that an ingredient's own manifest is bound to have: it describes the parent's bytes.
const HARD_BINDING_FAILURES: [&str; 4] = [
    code::ASSERTION_DATAHASH_MISMATCH,
    code::ASSERTION_BMFFHASH_MISMATCH,
    code::ASSERTION_BOXHASH_MISMATCH,
    code::ASSERTION_COLLECTIONHASH_MISMATCH,
];

/// Reads and validates the manifest of a file.
pub(crate) fn judged(
    engine: &Engine,
    ours: &Ours<'_>,
    media_type: Format,
    bytes: &[u8],
) -> Reading {
    if !containers::has_manifest(media_type, bytes) {
        return Reading::Absent { codes: Vec::new() };
    }
    let read = guarded(|| {
        Reader::from_shared_context(&engine.0).with_stream(media_type.mime(), Cursor::new(bytes))
    });
    let reader = match read {
        Ok(reader) => reader,
        Err(c2pa::Error::JumbfNotFound) => return Reading::Absent { codes: Vec::new() },
        Err(error) => {
            return Reading::Invalid {
                claimed: None,
                codes: vec![error_code(&error).to_owned()],
            };
        }
    };
    let Some(active) = reader.active_manifest() else {
        return Reading::Invalid {
            claimed: None,
            codes: vec![code::CLAIM_MISSING.to_owned()],
        };
    };
    let claimed = proof(active);
    let Some(status) = reader
        .validation_results()
        .and_then(|results| results.active_manifest())
        .filter(|_| reader.validation_state() != ValidationState::Invalid)
    else {
        return Reading::Invalid {
            claimed,
            codes: failures(&reader),
        };
    };

    let trusted = reader.validation_state() == ValidationState::Trusted
        && is_complete(status)
        && trust::is_sound_in(active);
    let signed_by_us = trusted && ours.signed(active);
    // The bytes just parsed, so this cannot fail; if it does, the manifest is not what we stored.
    let manifest = || {
        let manifest = guarded(|| jumbf_io::load_jumbf_from_memory(media_type.mime(), bytes));
        manifest.unwrap_or_default()
    };
    if let (true, Some(id)) = (signed_by_us, claimed) {
        let manifest = manifest();
        return Reading::Ours {
            id,
            bound: bound::check(media_type, bytes, &manifest),
            manifest,
        };
    }
    let mut codes = vec![format!("signer:{}", signer(active))];
    if signed_by_us {
        // Under our key, but not a proof.
        codes.push("credlink.proof.missing".to_owned());
    } else if trusted {
        // Whoever has a certificate of the same authority is not us.
        codes.push("credlink.signer.otherKey".to_owned());
    }
    let ancestor = ancestor(engine, ours, media_type, bytes, &reader, active);
    codes.extend(ancestor.err().map(str::to_owned));
    Reading::Others {
        claimed: claimed
            .filter(|_| is_sound(status))
            .map(|id| (id, manifest())),
        ancestor: ancestor.ok().flatten(),
        codes,
    }
}

/// Whether everything that makes a manifest ours was found true, rather than nothing found false.
fn is_complete(status: &StatusCodes) -> bool {
    let trusted = |found: &ValidationStatus| found.code() == code::SIGNING_CREDENTIAL_TRUSTED;
    status.failure().is_empty() && status.success().iter().any(trusted) && is_sound(status)
}

/// Whether everything but the trust in the certificate was found true.
fn is_sound(status: &StatusCodes) -> bool {
    let has = |wanted: &[&str]| {
        status
            .success()
            .iter()
            .any(|found| wanted.contains(&found.code()))
    };
    let untrusted = |found: &ValidationStatus| found.code() == code::SIGNING_CREDENTIAL_UNTRUSTED;
    status.failure().iter().all(untrusted)
        && has(&[code::CLAIM_SIGNATURE_VALIDATED])
        && has(&[code::CLAIM_SIGNATURE_INSIDE_VALIDITY])
        && has(&[
            code::ASSERTION_DATAHASH_MATCH,
            code::ASSERTION_BMFFHASH_MATCH,
            code::ASSERTION_BOXHASH_MATCH,
        ])
}

fn proof(manifest: &Manifest) -> Option<ProofId> {
    // `find_assertion` of the library would also take labels that only begin like ours.
    manifest
        .assertions()
        .iter()
        .find(|assertion| assertion.label() == PROOF_LABEL)
        .and_then(|assertion| assertion.to_assertion::<ProofAssertion>().ok())
        .map(|proof| proof.id)
}

fn signer(manifest: &Manifest) -> String {
    manifest
        .issuer()
        .or_else(|| manifest.common_name())
        .unwrap_or_else(|| "unnamed".to_owned())
        .chars()
        .filter(|c| !c.is_control())
        .take(64)
        .collect()
}

/// The proof of the nearest ancestor that is ours. Only parents count: as a component of a collage, our
/// image is not the image that was received.
fn ancestor(
    engine: &Engine,
    ours: &Ours<'_>,
    media_type: Format,
    bytes: &[u8],
    reader: &Reader,
    active: &Manifest,
) -> Result<Option<ProofId>, &'static str> {
    let mut seen = HashSet::new();
    let mut manifest = active;
    for _ in 0..MAX_GENERATIONS {
        let Some(label) = manifest
            .ingredients()
            .iter()
            .find(|ingredient| ingredient.is_parent())
            .and_then(|parent| parent.active_manifest())
        else {
            return Ok(None);
        };
        let Some(parent) = reader.get_manifest(label).filter(|_| seen.insert(label)) else {
            return Ok(None);
        };
        if let Some(id) = proof(parent) {
            // The outer signer's word about its ingredients is worth nothing: it may have recorded a
            // failure so that the library stays silent about it. So ours is validated by itself.
            return if is_valid_alone(engine, ours, media_type, bytes, label, id) {
                Ok(Some(id))
            } else {
                Err("credlink.ingredient.invalid")
            };
        }
        manifest = parent;
    }
    Ok(None)
}

/// Whether the manifest `label` is ours and valid apart from being about other bytes.
fn is_valid_alone(
    engine: &Engine,
    ours: &Ours<'_>,
    media_type: Format,
    bytes: &[u8],
    label: &str,
    id: ProofId,
) -> bool {
    let read = guarded(|| {
        let store = jumbf_io::load_jumbf_from_memory(media_type.mime(), bytes)?;
        let alone = jumbf::promoted(&store, label).ok_or(c2pa::Error::JumbfNotFound)?;
        Reader::from_shared_context(&engine.0).with_manifest_data_and_stream(
            &alone,
            media_type.mime(),
            Cursor::new(bytes),
        )
    });
    let Ok(reader) = read else { return false };
    let Some(status) = reader
        .validation_results()
        .and_then(|results| results.active_manifest())
    else {
        return false;
    };
    let has = |wanted: &str| status.success().iter().any(|found| found.code() == wanted);
    reader.active_label() == Some(label)
        && reader.active_manifest().and_then(proof) == Some(id)
        && reader
            .active_manifest()
            .is_some_and(|active| ours.signed(active) && trust::is_sound_in(active))
        && has(code::SIGNING_CREDENTIAL_TRUSTED)
        && has(code::CLAIM_SIGNATURE_VALIDATED)
        && has(code::CLAIM_SIGNATURE_INSIDE_VALIDITY)
        && status
            .failure()
            .iter()
            .all(|found| HARD_BINDING_FAILURES.contains(&found.code()))
}

/// The failure codes of a manifest and of its ingredients, each once, in order.
pub(super) fn failures(reader: &Reader) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    let mut add = |text: String| {
        if !codes.contains(&text) {
            codes.push(text);
        }
    };
    if let Some(results) = reader.validation_results() {
        for status in results
            .active_manifest()
            .into_iter()
            .flat_map(StatusCodes::failure)
        {
            add(status.code().to_owned());
        }
        for delta in results.ingredient_deltas().into_iter().flatten() {
            for status in delta.validation_deltas().failure() {
                add(format!("ingredient:{}", status.code()));
            }
        }
    }
    codes
}

/// The C2PA status code for what the library reports as an error.
pub(super) fn error_code(error: &c2pa::Error) -> &'static str {
    match error {
        c2pa::Error::ClaimMissing { .. } => code::CLAIM_MISSING,
        c2pa::Error::AssertionMissing { .. } => code::ASSERTION_MISSING,
        c2pa::Error::HashMismatch(_) => code::ASSERTION_DATAHASH_MISMATCH,
        c2pa::Error::RemoteManifestUrl(_) | c2pa::Error::RemoteManifestFetch(_) => {
            code::MANIFEST_INACCESSIBLE
        }
        _ => code::GENERAL_ERROR,
    }
}
