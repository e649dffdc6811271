//! Signatures over documents that are no proofs, such as the header of a run.

use ed25519_dalek::Signature;

use super::{Identity, TrustAnchor};

/// What comes before the document, so that no signature over one kind of document is one over another, or over a proof.
fn message(purpose: &str, document: &[u8]) -> Vec<u8> {
    let mut message = format!("credlink statement v1\0{purpose}\0").into_bytes();
    message.extend_from_slice(document);
    message
}

impl Identity {
    /// The Ed25519 signature of the end entity over a document of this purpose, 128 hex digits.
    pub fn sign_statement(&self, purpose: &str, document: &[u8]) -> String {
        hex::encode(self.sign(&message(purpose, document)).to_bytes())
    }
}

impl TrustAnchor {
    /// Whether `signature`, as [`Identity::sign_statement`] gives it, is this signer's over this document and purpose.
    pub fn confirms_statement(&self, purpose: &str, document: &[u8], signature: &str) -> bool {
        let mut bytes = [0; Signature::BYTE_SIZE];
        hex::decode_to_slice(signature, &mut bytes).is_ok()
            && self
                .key
                .verify_strict(&message(purpose, document), &Signature::from_bytes(&bytes))
                .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::keys::{Date, Identity, Validity};

    fn signer(seed: u8) -> Identity {
        let validity = Validity {
            not_before: Date::new(2024, 1, 1).unwrap(),
            not_after: Date::new(2044, 1, 1).unwrap(),
        };
        Identity::generate([seed; 32].into(), "Example", validity).unwrap()
    }

    #[test]
    fn a_statement_holds_for_its_signer_purpose_and_document_alone() {
        let (ours, other) = (signer(1), signer(2).anchor().unwrap());
        let signature = ours.sign_statement("run", b"header");
        let ours = ours.anchor().unwrap();
        assert!(ours.confirms_statement("run", b"header", &signature));
        assert!(!other.confirms_statement("run", b"header", &signature));
        assert!(!ours.confirms_statement("night", b"header", &signature));
        assert!(!ours.confirms_statement("run", b"headers", &signature));
        assert!(!ours.confirms_statement("run", b"header", &signature[1..]));
        assert!(!ours.confirms_statement("run", b"header", ""));
    }
}
