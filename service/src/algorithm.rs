//! The soft-binding algorithms that the service answers.

use credlink_sign_core::carriers::{Carrier, Fingerprint, Watermark};
use credlink_sign_core::iscc;

/// How a manifest can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The proof id in the pixels.
    Watermark,
    /// Our fingerprint.
    Fingerprint,
    /// The Image-Code of ISO 24138.
    ImageCode,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Watermark, Self::Fingerprint, Self::ImageCode];

    /// The algorithm of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Its name, as it stands in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Watermark => Watermark::ALGORITHM,
            Self::Fingerprint => Fingerprint::ALGORITHM,
            Self::ImageCode => iscc::ALGORITHM,
        }
    }

    /// The carrier that reads it from a picture; `None` where no carrier does, and codes are compared alone.
    #[must_use]
    pub fn carrier(self) -> Option<&'static str> {
        match self {
            Self::Watermark => Some(Watermark.name()),
            Self::Fingerprint => Some(Fingerprint.name()),
            Self::ImageCode => None,
        }
    }

    /// How alike two values of 256 bits are that differ in so many, per cent. 100 is left to equal files where codes are of
    /// the ISCC, as its own resolver has it.
    #[must_use]
    pub fn score(self, distance: u32) -> u32 {
        let alike = 100 * (256 - distance.min(256)) / 256;
        match self {
            Self::ImageCode => alike.min(99),
            Self::Watermark | Self::Fingerprint => alike,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_found_by_its_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
        }
        assert_eq!(Algorithm::named("io.iscc.v1"), None);
    }

    #[test]
    fn scores_are_per_cent() {
        let scores = |algorithm: Algorithm| [0, 31, 128, 256].map(|bits| algorithm.score(bits));
        assert_eq!(scores(Algorithm::Fingerprint), [100, 87, 50, 0]);
        assert_eq!(scores(Algorithm::ImageCode), [99, 87, 50, 0]);
    }
}
