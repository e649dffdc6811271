//! Who signs a claim: the identity's own key, or a key and certificates of the user's own.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use c2pa::crypto::cose::CertificateTrustPolicy;
use c2pa::crypto::raw_signature::validator_for_signing_alg;
use c2pa::crypto::time_stamp::verify_time_stamp;
use c2pa::status_tracker::StatusTracker;
use c2pa::{BoxedSigner, SigningAlg, create_signer};
use ed25519_dalek::SIGNATURE_LENGTH;
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::keys::{Identity, KeyError, files, pem};

/// Room for the answer of a time authority in a claim's signature, bytes: tokens with their chains take 3 to 8 KB.
const STAMP_ROOM: usize = 12_000;

/// Whoever states when a signature was there (RFC 3161).
pub trait TimeStamps: fmt::Debug + Send + Sync {
    /// The answer (DER, `TimeStampResp`) to a request (DER, `TimeStampReq`).
    ///
    /// # Errors
    /// In words that name the authority.
    fn stamped(&self, request: &[u8]) -> Result<Vec<u8>, String>;
}

/// A private key and certificates that were made elsewhere, for signing claims: Ed25519, ES256, ES384, ES512 or PS256.
/// Proof records stay under the key of an [`Identity`].
pub struct Credential {
    signer: BoxedSigner,
    algorithm: SigningAlg,
    chain: Vec<Vec<u8>>,
    /// Bytes of a signature, which is always as long.
    signature_length: usize,
}

impl Credential {
    /// Reads a private key (PKCS#8, PEM) and its certificates (PEM), the end entity first, the root left out. The
    /// certificate profile of C2PA applies (C2PA 2.2, "X.509 certificates"); signing checks it.
    ///
    /// # Errors
    /// [`KeyError::NotAKey`], [`KeyError::NotAChain`], [`KeyError::Mismatch`], naming the file;
    /// [`KeyError::Permissions`] where group or others may read the key.
    pub fn load(key: &Path, chain: &Path) -> Result<Self, KeyError> {
        let (key_name, chain_name) = (key.display().to_string(), chain.display().to_string());
        let key_pem = files::read_secret(key)?;
        let chain_pem = files::read(chain)?;
        let not_a_chain = |what| KeyError::NotAChain {
            file: chain_name.clone(),
            what,
        };
        let chain = pem::certificates(&chain_pem, &chain_name)?;
        let (_, end_entity) = X509Certificate::from_der(&chain[0])
            .map_err(|_| not_a_chain("its first certificate is no X.509"))?;
        for pair in chain.windows(2) {
            let [Ok((_, issued)), Ok((_, issuer))] =
                [&pair[0], &pair[1]].map(|der| X509Certificate::from_der(der))
            else {
                return Err(not_a_chain("a certificate in it is no X.509"));
            };
            if issued.issuer() != issuer.subject() {
                return Err(not_a_chain("a certificate is not followed by its issuer's"));
            }
            if issuer.issuer() == issuer.subject() {
                return Err(not_a_chain("the root is in it; leave it out"));
            }
        }
        let algorithm = algorithm(&end_entity).ok_or_else(|| {
            not_a_chain("its first key is none of Ed25519, P-256, P-384, P-521 and RSA")
        })?;
        let not_a_key = |what| KeyError::NotASigningKey {
            file: key_name.clone(),
            what,
        };
        if !key_pem.contains("-----BEGIN PRIVATE KEY-----") {
            return Err(not_a_key(pem::diagnosis(&key_pem)));
        }
        let signer =
            create_signer::from_keys(chain_pem.as_bytes(), key_pem.as_bytes(), algorithm, None)
                .map_err(|_| not_a_key("a key of another algorithm, or a damaged one"))?;
        // The library takes any key with any certificate.
        let probe = b"credlink: does this key belong to this certificate?";
        let signature = signer.sign(probe).map_err(|_| KeyError::Mismatch)?;
        validator_for_signing_alg(algorithm)
            .and_then(|validator| {
                let key = end_entity.public_key().raw;
                validator.validate(&signature, probe, key).ok()
            })
            .ok_or(KeyError::Mismatch)?;
        Ok(Self {
            signer,
            algorithm,
            chain,
            signature_length: signature.len(),
        })
    }

    /// C2PA's name of the algorithm, e.g. `es256`.
    pub fn algorithm(&self) -> String {
        self.algorithm.to_string()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// The algorithm that C2PA has for the key of a certificate (C2PA 2.2, "Digital signatures").
fn algorithm(certificate: &X509Certificate<'_>) -> Option<SigningAlg> {
    let key = &certificate.public_key().algorithm;
    if key.algorithm == oid::OID_SIG_ED25519 {
        return Some(SigningAlg::Ed25519);
    }
    if [oid::OID_PKCS1_RSAENCRYPTION, oid::OID_PKCS1_RSASSAPSS].contains(&key.algorithm) {
        return Some(SigningAlg::Ps256);
    }
    let curve = key.parameters.as_ref()?.as_oid().ok()?;
    let curves = [
        (oid::OID_EC_P256, SigningAlg::Es256),
        (oid::OID_NIST_EC_P384, SigningAlg::Es384),
        (oid::OID_NIST_EC_P521, SigningAlg::Es512),
    ];
    let is_curve = key.algorithm == oid::OID_KEY_TYPE_EC_PUBLIC_KEY;
    let known = curves.into_iter().find(|(known, _)| *known == curve);
    known.filter(|_| is_curve).map(|(_, algorithm)| algorithm)
}

/// What was signed, and the signature over it.
pub(super) struct SignedBytes {
    pub(super) data: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Signs claims, and remembers what it signed.
pub(crate) struct ClaimSigner<'a> {
    pub(crate) identity: &'a Identity,
    /// Signs in place of the identity.
    pub(crate) credential: Option<&'a Credential>,
    pub(crate) stamps: Option<&'a dyn TimeStamps>,
    signed: Mutex<Option<SignedBytes>>,
}

impl<'a> ClaimSigner<'a> {
    pub(crate) fn new(
        identity: &'a Identity,
        credential: Option<&'a Credential>,
        stamps: Option<&'a dyn TimeStamps>,
    ) -> Self {
        Self {
            identity,
            credential,
            stamps,
            signed: Mutex::new(None),
        }
    }

    /// The signature over `data`.
    pub(super) fn signature(&self, data: &[u8]) -> c2pa::Result<Vec<u8>> {
        match self.credential {
            Some(credential) => credential.signer.sign(data),
            None => Ok(self.identity.sign(data).to_bytes().to_vec()),
        }
    }

    /// What was signed last; it is forgotten.
    pub(super) fn last(&self) -> Option<SignedBytes> {
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        signed.take()
    }

    fn chain(&self) -> &[Vec<u8>] {
        match self.credential {
            Some(credential) => &credential.chain,
            None => self.identity.chain(),
        }
    }

    fn algorithm(&self) -> SigningAlg {
        let of_credential = |credential: &Credential| credential.algorithm;
        self.credential.map_or(SigningAlg::Ed25519, of_credential)
    }
}

impl c2pa::Signer for ClaimSigner<'_> {
    fn sign(&self, data: &[u8]) -> c2pa::Result<Vec<u8>> {
        let signature = self.signature(data)?;
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        *signed = Some(SignedBytes {
            data: data.to_owned(),
            signature: signature.clone(),
        });
        Ok(signature)
    }

    fn alg(&self) -> SigningAlg {
        self.algorithm()
    }

    fn certs(&self) -> c2pa::Result<Vec<Vec<u8>>> {
        Ok(self.chain().to_vec())
    }

    /// Exactly what the COSE structure takes, so that it is not padded: padding would be covered by nothing. A time
    /// stamp is as long as its authority makes it, so room is left for it.
    fn reserve_size(&self) -> usize {
        // The head of a byte string or array in CBOR (RFC 8949, section 3).
        let head = |length: usize| match length {
            0..24 => 1,
            24..256 => 2,
            256..65_536 => 3,
            _ => 5,
        };
        let text = |length: usize| head(length) + length;
        let certificates: usize = self.chain().iter().map(|one| text(one.len())).sum();
        // One certificate stands alone, several in an array (RFC 9360, section 2).
        let chain = match self.chain().len() {
            1 => certificates,
            several => head(several) + certificates,
        };
        // Ed25519 and ES256 have one-byte numbers, the others two (RFC 9053, section 2; RFC 8230, section 2).
        let number = match self.algorithm() {
            SigningAlg::Ed25519 | SigningAlg::Es256 => 1,
            _ => 2,
        };
        // A map of two: the algorithm under 1, the chain under 33.
        let protected = 1 + 1 + number + 2 + chain;
        // Tag and array, protected header, an empty map, no payload, the signature (RFC 9052, section 4.2).
        let of_credential = |credential: &Credential| credential.signature_length;
        let signature = self.credential.map_or(SIGNATURE_LENGTH, of_credential);
        let exact = 2 + text(protected) + 1 + 1 + text(signature);
        exact + self.stamps.map_or(0, |_| STAMP_ROOM)
    }

    fn send_timestamp_request(&self, message: &[u8]) -> Option<c2pa::Result<Vec<u8>>> {
        let stamps = self.stamps?;
        let stamp = || {
            let request = self.timestamp_request_body(message)?;
            let failed = |why: String| c2pa::Error::OtherError(why.into());
            let answer = stamps.stamped(&request).map_err(failed)?;
            let mut log = StatusTracker::default();
            let anybody = CertificateTrustPolicy::passthrough();
            verify_time_stamp(&answer, message, &anybody, &mut log, false).map_err(|error| {
                failed(format!(
                    "the time authority's answer is no stamp of this signature: {error}"
                ))
            })?;
            Ok(answer)
        };
        Some(stamp())
    }
}
