//! Does a certificate chain lead to an anchor, and may everybody in it do what they did?
//!
//! The C2PA library follows signatures from one certificate to the next and asks the first alone what it is for. So
//! whoever holds any certificate under an anchor could issue further ones; and under a key of small order anybody can.

use c2pa::Manifest;
use c2pa::crypto::cose::CertificateTrustPolicy;
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::keys::{certificate, pem};

/// Whether `chain` (DER, end entity first) was issued, directly or through its intermediates, by the root
/// in `anchor_pem`, for a usage that C2PA accepts. Signatures count, not names.
pub(crate) fn is_issued_by(chain: &[Vec<u8>], anchor_pem: &str) -> bool {
    let mut policy = CertificateTrustPolicy::default();
    let Some(end_entity) = chain.first() else {
        return false;
    };
    is_sound(chain)
        && policy.add_user_trust_anchors(anchor_pem.as_bytes()).is_ok()
        && policy
            .check_certificate_trust(chain, end_entity, None)
            .is_ok()
}

/// Whether a certificate (DER) may stand at the end of a chain.
pub(crate) fn is_root(certificate: &[u8]) -> bool {
    parsed(certificate).is_some_and(|root| may_issue(&root, 0) && has_sound_key(&root))
}

/// Whether everybody in the chain of a manifest may do what they did.
pub(super) fn is_sound_in(manifest: &Manifest) -> bool {
    let chain = || pem::certificates(manifest.signature_info()?.cert_chain(), "manifest").ok();
    chain().is_some_and(|chain| is_sound(&chain))
}

/// Whether all but the first of a chain (DER, end entity first) may issue certificates, and every key is sound.
fn is_sound(chain: &[Vec<u8>]) -> bool {
    chain.iter().enumerate().all(|(place, der)| {
        parsed(der).is_some_and(|certificate| {
            has_sound_key(&certificate) && (place == 0 || may_issue(&certificate, place - 1))
        })
    })
}

fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().map(|(_, found)| found)
}

/// Whether a certificate is that of an authority with at most so many authorities below it (RFC 5280, 4.2.1.3 and 4.2.1.9).
fn may_issue(certificate: &X509Certificate<'_>, below: usize) -> bool {
    let Ok(Some(constraints)) = certificate.basic_constraints() else {
        return false;
    };
    let most = constraints.value.path_len_constraint;
    constraints.value.ca
        && most.is_none_or(|most| below <= most as usize)
        && certificate
            .key_usage()
            .is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()))
}

/// Whether a key is of a kind that we do not look into, or a sound one.
fn has_sound_key(certificate: &X509Certificate<'_>) -> bool {
    let key = certificate.public_key();
    key.algorithm.algorithm != OID_SIG_ED25519 || certificate::ed25519(key).is_some()
}
