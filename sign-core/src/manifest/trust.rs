//! Does a certificate chain lead to an anchor?

use c2pa::crypto::cose::CertificateTrustPolicy;

/// Whether `chain` (DER, end entity first) was issued, directly or through its intermediates, by the root
/// in `anchor_pem`, for a usage that C2PA accepts. Signatures count, not names.
pub(crate) fn is_issued_by(chain: &[Vec<u8>], anchor_pem: &str) -> bool {
    let mut policy = CertificateTrustPolicy::default();
    let Some(end_entity) = chain.first() else {
        return false;
    };
    policy.add_user_trust_anchors(anchor_pem.as_bytes()).is_ok()
        && policy
            .check_certificate_trust(chain, end_entity, None)
            .is_ok()
}
