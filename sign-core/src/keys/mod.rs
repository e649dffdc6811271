//! Keys, certificates and trust anchors.
//!
//! An [`Identity`] signs: an Ed25519 end-entity key with the certificate chain that C2PA asks for. A
//! [`TrustAnchor`] verifies: the root certificate under a name of ours, and the key of the end entity. A
//! manifest counts as ours only if its chain ends in one of the verifier's anchors; names are not compared.
//!
//! ```
//! use credlink_sign_core::keys::{Date, Identity, Validity};
//!
//! let validity = Validity { not_before: Date::new(2024, 1, 1)?, not_after: Date::new(2044, 1, 1)? };
//! let identity = Identity::generate([7; 32].into(), "Example", validity)?;
//! assert_eq!(identity.anchor()?.name(), "Example");
//! # Ok::<(), credlink_sign_core::keys::KeyError>(())
//! ```
//!
//! Secrets: the seed and the key wipe themselves, `Debug` shows neither, files are created with mode 0600
//! and never overwritten, and a key file that others may read is refused.

pub(crate) mod certificate;
pub(crate) mod files;
pub(crate) mod pem;
mod statement;
#[cfg(test)]
mod tests;
mod watermark;

use std::fmt;
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use self::certificate::{Date, Validity};
pub use self::watermark::{WATERMARK_FILE, WatermarkSecret};
use crate::manifest::trust;

/// Name of the private key file in an identity directory.
pub const KEY_FILE: &str = "key.pem";
/// Name of the certificate chain file: end entity first, root left out.
pub const CHAIN_FILE: &str = "chain.pem";
/// Name of the root certificate file.
pub const ANCHOR_FILE: &str = "anchor.pem";

/// Why keys could not be made, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Files are never overwritten: a lost key cannot be made again.
    #[error("{} exists already; choose another directory", .0.display())]
    Exists(PathBuf),
    /// Others may read the private key.
    #[error("private key {} is readable by others (mode {mode:o}); run chmod 600 on it", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The text is not the private key that is needed.
    #[error("{file} is not an Ed25519 private key in PKCS#8 PEM: {what}")]
    NotAKey {
        /// The file, or "private key" for text that came from none.
        file: String,
        /// What it seems to be.
        what: &'static str,
    },
    /// The text is not a private key for signing claims.
    #[error(
        "{file} is not a private key in PKCS#8 PEM (openssl pkcs8 -topk8 -nocrypt makes one): {what}"
    )]
    NotASigningKey {
        /// The file.
        file: String,
        /// What it seems to be.
        what: &'static str,
    },
    /// The text is not a usable certificate or chain.
    #[error("{file} is not a usable certificate chain: {what}")]
    NotAChain {
        /// The file, or the name of the parameter.
        file: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Key and certificate do not belong together.
    #[error("private key does not belong to the first certificate of the chain")]
    Mismatch,
    /// The chain does not lead to the anchor.
    #[error("certificate chain is not issued by trust anchor {0:?}")]
    NotIssued(String),
    /// The name cannot stand in a certificate.
    #[error("identity name must have 1 to 64 printable characters: {0:?}")]
    Name(String),
    /// The date does not exist, or the period is empty.
    #[error("invalid date or period: {0}")]
    Date(String),
    /// The certificate could not be written.
    #[error("cannot make certificate: {0}")]
    Certificate(String),
}

/// A signer: private key, certificate chain, and the root it leads to.
#[derive(Clone)]
pub struct Identity {
    name: String,
    key: SigningKey,
    chain_pem: String,
    chain: Vec<Vec<u8>>,
    anchor_pem: String,
}

impl Identity {
    /// Makes a root and an end entity from one secret seed, deterministically.
    ///
    /// `seed` must come from the operating system's random source, or be a test's constant. `name` becomes
    /// the organisation in both certificates. The key of the root is not kept: the seed is what issues a
    /// second end entity.
    ///
    /// # Errors
    /// [`KeyError::Name`], [`KeyError::Certificate`].
    pub fn generate(
        seed: Zeroizing<[u8; 32]>,
        name: &str,
        validity: Validity,
    ) -> Result<Self, KeyError> {
        let root = seed.clone();
        Self::issued(root, seed, name, validity)
    }

    /// The same with an end entity of another seed than the root's: several signers under one authority. `root` is the
    /// seed of the identity that the authority was made with, `seed` the new signer's own.
    ///
    /// # Errors
    /// As [`Identity::generate`].
    pub fn issued(
        root: Zeroizing<[u8; 32]>,
        seed: Zeroizing<[u8; 32]>,
        name: &str,
        validity: Validity,
    ) -> Result<Self, KeyError> {
        // Marks that turn the direction of writing are seen by nobody.
        let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let is_seen = |c: char| !c.is_control() && !turns(c);
        if name.is_empty() || name.chars().count() > 64 || !name.chars().all(is_seen) {
            return Err(KeyError::Name(name.chars().take(64).collect()));
        }
        let root = derived(&root, b"root");
        let key = derived(&seed, b"end entity");
        let issued = certificate::issue(name, &root, &key.verifying_key(), validity)?;
        Ok(Self {
            name: name.to_owned(),
            key,
            chain: vec![issued.end_entity_der],
            chain_pem: issued.end_entity_pem,
            anchor_pem: issued.root_pem,
        })
    }

    /// An identity from a key and certificates that were made elsewhere.
    ///
    /// `chain_pem` begins with the end entity and may hold intermediates; `anchor_pem` is the root.
    /// C2PA's certificate profile applies (C2PA 2.x, "X.509 Certificates").
    ///
    /// # Errors
    /// [`KeyError::NotAKey`], [`KeyError::NotAChain`], [`KeyError::Mismatch`], [`KeyError::NotIssued`].
    pub fn from_pkcs8_pem(
        name: &str,
        key_pem: &str,
        chain_pem: &str,
        anchor_pem: &str,
    ) -> Result<Self, KeyError> {
        Self::assembled(
            name,
            private_key(key_pem, "private key")?,
            chain_pem,
            "certificate chain",
            anchor_pem,
        )
    }

    fn assembled(
        name: &str,
        key: SigningKey,
        chain_pem: &str,
        chain_file: &str,
        anchor_pem: &str,
    ) -> Result<Self, KeyError> {
        let chain = pem::certificates(chain_pem, chain_file)?;
        if certificate::public_key(&chain[0]) != Some(key.verifying_key()) {
            return Err(KeyError::Mismatch);
        }
        let identity = Self {
            name: name.to_owned(),
            key,
            chain_pem: chain_pem.to_owned(),
            chain,
            anchor_pem: anchor_pem.to_owned(),
        };
        identity.anchor()?;
        Ok(identity)
    }

    /// Reads [`KEY_FILE`], [`CHAIN_FILE`] and [`ANCHOR_FILE`] of a directory.
    ///
    /// The identity is called what the organisation of the end entity is called, or like the directory.
    ///
    /// # Errors
    /// As [`Identity::from_pkcs8_pem`], naming the file; [`KeyError::Permissions`] where group or others
    /// may read the key.
    pub fn load(dir: &Path) -> Result<Self, KeyError> {
        let key_path = dir.join(KEY_FILE);
        let key = private_key(
            &files::read_secret(&key_path)?,
            &key_path.display().to_string(),
        )?;
        let chain_path = dir.join(CHAIN_FILE);
        let chain_pem = files::read(&chain_path)?;
        let anchor_pem = files::read(&dir.join(ANCHOR_FILE))?;
        let name = anchor_name(&chain_pem, dir);
        Self::assembled(
            &name,
            key,
            &chain_pem,
            &chain_path.display().to_string(),
            &anchor_pem,
        )
    }

    /// Writes the three files into a directory, creating it where needed. The key gets mode 0600.
    ///
    /// # Errors
    /// [`KeyError::Exists`] if one of the files is there, before anything is written;
    /// [`KeyError::File`].
    pub fn save(&self, dir: &Path) -> Result<(), KeyError> {
        let key_pem = pem::private_key(&self.key)?;
        files::write_new(
            dir,
            &[
                (KEY_FILE, key_pem.as_bytes(), true),
                (CHAIN_FILE, self.chain_pem.as_bytes(), false),
                (ANCHOR_FILE, self.anchor_pem.as_bytes(), false),
            ],
        )
    }

    /// Writes only the certificates into a directory: all that a verifier needs, and nothing secret.
    ///
    /// # Errors
    /// As [`Identity::save`].
    pub fn save_certificates(&self, dir: &Path) -> Result<(), KeyError> {
        files::write_new(
            dir,
            &[
                (CHAIN_FILE, self.chain_pem.as_bytes(), false),
                (ANCHOR_FILE, self.anchor_pem.as_bytes(), false),
            ],
        )
    }

    /// The name under which this identity's anchor is known here.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a verifier needs to recognise this signer.
    ///
    /// # Errors
    /// [`KeyError::NotIssued`] if the chain does not lead to the root.
    pub fn anchor(&self) -> Result<TrustAnchor, KeyError> {
        TrustAnchor::new(&self.name, &self.anchor_pem, &self.chain_pem)
    }

    /// Certificates in DER, end entity first.
    pub(crate) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// Ed25519 signature of `message` by the end entity.
    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message)
    }

    /// 16 bytes that only this identity can predict, for salts that must be the same in every run.
    pub(crate) fn salt(&self, context: &[u8]) -> [u8; 16] {
        let mut digest = Sha256::new_with_prefix(b"credlink salt v1\0");
        digest.update(self.key.as_bytes());
        digest.update(context);
        let digest: [u8; 32] = digest.finalize().into();
        let mut salt = [0; 16];
        salt.copy_from_slice(&digest[..16]);
        salt
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .field("key", &"hidden")
            .finish_non_exhaustive()
    }
}

/// Whom a verifier accepts as one of its own, under a name of the verifier's choosing.
#[derive(Clone, Debug)]
pub struct TrustAnchor {
    name: String,
    pem: String,
    key: VerifyingKey,
}

impl TrustAnchor {
    /// An anchor from its root certificate and the chain of the end entity that it issued.
    ///
    /// # Errors
    /// [`KeyError::NotAChain`]; [`KeyError::NotIssued`] if the chain's signatures do not lead to the root,
    /// whatever the names say, or lead there by way of somebody who may not issue certificates.
    pub fn new(name: &str, anchor_pem: &str, chain_pem: &str) -> Result<Self, KeyError> {
        let roots = pem::certificates(anchor_pem, "trust anchor")?;
        if !roots.iter().all(|root| trust::is_root(root)) {
            return Err(KeyError::NotAChain {
                file: "trust anchor".to_owned(),
                what: "a certificate in it is not that of an authority",
            });
        }
        let chain = pem::certificates(chain_pem, "certificate chain")?;
        let key = certificate::public_key(&chain[0]).ok_or(KeyError::NotAChain {
            file: "certificate chain".to_owned(),
            what: "the end entity has no Ed25519 key",
        })?;
        if !trust::is_issued_by(&chain, anchor_pem) {
            return Err(KeyError::NotIssued(name.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            pem: anchor_pem.to_owned(),
            key,
        })
    }

    /// Reads [`ANCHOR_FILE`] and [`CHAIN_FILE`] of a directory; the private key is not needed.
    ///
    /// # Errors
    /// [`KeyError::File`], and as [`TrustAnchor::new`].
    pub fn load(dir: &Path) -> Result<Self, KeyError> {
        let chain_pem = files::read(&dir.join(CHAIN_FILE))?;
        let anchor_pem = files::read(&dir.join(ANCHOR_FILE))?;
        Self::new(&anchor_name(&chain_pem, dir), &anchor_pem, &chain_pem)
    }

    /// The name, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The root certificate, as PEM; other C2PA tools take it as a user anchor.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// How many root certificates stand in it: whatever any of them issued is trusted.
    pub fn roots(&self) -> usize {
        pem::certificates(&self.pem, ANCHOR_FILE).map_or(0, |roots| roots.len())
    }

    /// SHA-256 of the end entity's public key, the first 16 of 64 hexadecimal digits: enough to tell keys apart by eye.
    pub fn key_fingerprint(&self) -> String {
        hex::encode(&Sha256::digest(self.key.as_bytes())[..8])
    }

    /// The end entity's key, which signs proof records.
    pub(crate) fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

/// The Ed25519 key of the first certificate of a chain in PEM.
pub(crate) fn first_key(chain_pem: &str) -> Option<VerifyingKey> {
    let chain = pem::certificates(chain_pem, CHAIN_FILE).ok()?;
    certificate::public_key(chain.first()?)
}

/// A key of its own for each purpose of a seed.
fn derived(seed: &[u8; 32], purpose: &[u8]) -> SigningKey {
    let mut digest = Sha256::new_with_prefix(b"credlink key v1\0");
    digest.update(seed);
    digest.update(purpose);
    let secret = Zeroizing::new(<[u8; 32]>::from(digest.finalize()));
    SigningKey::from_bytes(&secret)
}

fn private_key(text: &str, file: &str) -> Result<SigningKey, KeyError> {
    let error = |what| KeyError::NotAKey {
        file: file.to_owned(),
        what,
    };
    SigningKey::from_pkcs8_pem(text.trim()).map_err(|_| error(pem::diagnosis(text)))
}

/// The organisation that the certificate names, or the name of the directory.
fn anchor_name(chain_pem: &str, dir: &Path) -> String {
    pem::certificates(chain_pem, CHAIN_FILE)
        .ok()
        .and_then(|chain| certificate::organisation(&chain[0]))
        .or_else(|| Some(dir.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "unnamed".to_owned())
}
