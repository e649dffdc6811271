//! The secret behind watermarks.

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{KeyError, files};
use crate::watermark::{WatermarkError, WatermarkKey};

/// Name of the watermark secret's file, beside the keys of an identity.
pub const WATERMARK_FILE: &str = "watermark.key";

/// What whoever marks and whoever reads marks must share. Unlike the signing key it has to be with the verifier,
/// and whoever has it can make marks; so a mark points to a proof and proves nothing by itself.
#[derive(Clone)]
pub struct WatermarkSecret(Zeroizing<String>);

impl WatermarkSecret {
    /// A secret from 32 random bytes; as text, 64 hexadecimal digits.
    pub fn new(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(Zeroizing::new(hex::encode(**seed)))
    }

    /// Reads [`WATERMARK_FILE`] of a directory. Every byte of the file counts.
    ///
    /// # Errors
    /// [`KeyError::File`]; [`KeyError::Permissions`] where group or others may read it.
    pub fn load(dir: &Path) -> Result<Self, KeyError> {
        Self::read(&dir.join(WATERMARK_FILE))
    }

    /// Reads a file of any name, of which every byte counts.
    ///
    /// # Errors
    /// As [`WatermarkSecret::load`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        files::read_secret(path).map(Self)
    }

    /// Writes [`WATERMARK_FILE`] into a directory with mode 0600, creating the directory where needed.
    ///
    /// # Errors
    /// [`KeyError::Exists`], [`KeyError::File`].
    pub fn save(&self, dir: &Path) -> Result<(), KeyError> {
        files::write_new(dir, &[(WATERMARK_FILE, self.0.as_bytes(), true)])
    }

    /// What tells secrets apart and gives nothing away: 64 bits of a hash, in hex.
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::new()
            .chain_update(b"credlink watermark secret")
            .chain_update(self.0.as_bytes())
            .finalize();
        hex::encode(&hash[..8])
    }

    /// The pattern that follows from it.
    ///
    /// # Errors
    /// [`WatermarkError::SecretTooShort`] if a file held less than 16 bytes.
    pub fn key(&self) -> Result<WatermarkKey, WatermarkError> {
        WatermarkKey::derive(self.0.as_bytes())
    }
}

impl fmt::Debug for WatermarkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatermarkSecret(hidden)")
    }
}
