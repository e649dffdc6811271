//! PEM text (RFC 7468) in and out.

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem;
use zeroize::Zeroizing;

use super::KeyError;

/// Every certificate of `text`, at least one, as DER.
pub(crate) fn certificates(text: &str, file: &str) -> Result<Vec<Vec<u8>>, KeyError> {
    let error = |what| KeyError::NotAChain {
        file: file.to_owned(),
        what,
    };
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END CERTIFICATE-----";
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let end = rest[start..].find(END).map(|at| start + at + END.len());
        let end = end.ok_or_else(|| error("a block that is no complete certificate"))?;
        let (label, der) =
            pem::decode_vec(&rest.as_bytes()[start..end]).map_err(|_| error("damaged PEM text"))?;
        if label != "CERTIFICATE" {
            return Err(error("a block that is no certificate"));
        }
        found.push(der);
        rest = &rest[end..];
    }
    if found.is_empty() {
        return Err(error("no PEM certificate in it"));
    }
    Ok(found)
}

/// PKCS#8 text of a private key.
pub(super) fn private_key(key: &SigningKey) -> Result<Zeroizing<String>, KeyError> {
    key.to_pkcs8_pem(pem::LineEnding::LF)
        .map_err(|error| KeyError::Certificate(error.to_string()))
}

/// What a text that is no Ed25519 key seems to be.
pub(crate) fn diagnosis(text: &str) -> &'static str {
    let text = text.trim();
    let Some(rest) = text.strip_prefix("-----BEGIN ") else {
        return "no PEM text";
    };
    match rest.split("-----").next() {
        Some("PRIVATE KEY") if !text.ends_with("-----END PRIVATE KEY-----") => {
            "the text is cut short"
        }
        Some("PRIVATE KEY") => match pem::decode_vec(text.as_bytes()) {
            Ok(_) => "a key of another algorithm, or a damaged one",
            Err(_) => "damaged PEM text",
        },
        Some("ENCRYPTED PRIVATE KEY") => "an encrypted key; decrypt it first",
        Some("CERTIFICATE") => "a certificate",
        Some("PUBLIC KEY") => "a public key",
        Some("RSA PRIVATE KEY" | "EC PRIVATE KEY" | "OPENSSH PRIVATE KEY") => {
            "a key of another kind or format"
        }
        _ => "another kind of PEM text",
    }
}
