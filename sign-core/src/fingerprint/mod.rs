//! Perceptual fingerprints: which registered image does this content look like?
//!
//! The algorithm is PDQ (Facebook, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing
//! algorithm", `hashing.pdf` in facebook/ThreatExchange): 256 bits, half of them set, and a quality
//! between 0 and 100. A [`ContentHash`] keeps the 16×16 cosine coefficients, from which the fingerprint of
//! the image in any of its eight orientations follows without looking at pixels again.
//!
//! PDQ looks at shapes and forgets how strong they are, so two smooth gradients of different strength have
//! one hash. A [`Tone`], sixteen grey levels, is kept beside it and tells such images apart.
//!
//! ```
//! use credlink_sign_core::fingerprint::ContentHash;
//! use image::{DynamicImage, RgbImage, metadata::Orientation};
//!
//! let picture = RgbImage::from_fn(300, 200, |x, y| image::Rgb([(x * y % 251) as u8, x as u8, y as u8]));
//! let hash = ContentHash::of(&DynamicImage::from(picture), Orientation::NoTransforms);
//! let [upright, ..] = hash.dihedral();
//! assert_eq!(upright, hash.fingerprint());
//! ```

mod pdq;
mod policy;
mod sampling;
#[cfg(test)]
mod tests;
mod tone;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::pdq::{ContentHash, SYMMETRIES};
pub use self::policy::{Match, MatchPolicy};
pub use self::tone::Tone;

/// An image in one orientation, as the store compares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// PDQ hash.
    pub fingerprint: Fingerprint,
    /// Coarse brightness.
    pub tone: Tone,
}

/// How far apart two views are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Differing fingerprint bits, 0 to 256.
    pub distance: u32,
    /// Largest difference between the tones, grey levels.
    pub tone: u8,
}

impl View {
    /// Compares with another view.
    pub fn difference(&self, other: &Self) -> Difference {
        Difference {
            distance: self.fingerprint.distance(&other.fingerprint),
            tone: self.tone.difference(&other.tone),
        }
    }
}

/// A 256-bit PDQ hash. Bit `k` is bit `k % 64` of word `k / 64`.
///
/// Written as PDQ writes it: 64 lowercase hexadecimal digits, bit 255 first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub [u64; 4]);

impl Fingerprint {
    /// The fingerprint of content without features: no bit set.
    ///
    /// PDQ sets half of its bits, so no picture with content has it. It matches nothing, itself included
    /// (see [`MatchPolicy::judge`]).
    pub const FEATURELESS: Self = Self([0; 4]);

    /// Number of differing bits, 0 to 256. Unrelated images differ in about 128 (PDQ: 31 or fewer means
    /// similar).
    pub fn distance(&self, other: &Self) -> u32 {
        self.0
            .iter()
            .zip(&other.0)
            .map(|(a, b)| (a ^ b).count_ones())
            .sum()
    }

    /// Whether there is content to match at all.
    pub fn is_featureless(&self) -> bool {
        *self == Self::FEATURELESS
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{d:016x}{c:016x}{b:016x}{a:016x}")
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The text is not a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fingerprint is not 64 lowercase hexadecimal digits")]
pub struct FingerprintError;

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let canonical = text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !canonical {
            return Err(FingerprintError);
        }
        let mut words = [0; 4];
        for (k, word) in words.iter_mut().rev().enumerate() {
            *word = u64::from_str_radix(&text[16 * k..16 * k + 16], 16)
                .map_err(|_| FingerprintError)?;
        }
        Ok(Self(words))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}
