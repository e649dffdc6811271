use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// Where a carrier lies.
    pub enum CarrierPlace {
        /// In the metadata of the file: whoever strips those strips it.
        Metadata = "metadata",
        /// In the pixels.
        Pixels = "pixels",
        /// In the proof store alone: the picture itself is looked up there.
        Store = "store",
    }
}

/// The number that a carrier decides by: columns `own` and `wrong` of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decision {
    /// Its unit, e.g. `bits`.
    pub unit: String,
    /// Whether more counts as found (a strength) or less does (a distance).
    pub rising: bool,
    /// The threshold in use.
    pub in_use: u32,
    /// Whether nobody declared one: the system decides by other means, and [`Self::in_use`] is one that nothing reaches.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_undeclared: bool,
    /// Thresholds that are tried, the strictest first; the one in use is among them.
    pub candidates: Vec<u32>,
    /// What the number is, towards a wrong proof, as a sentence without its full stop.
    pub about: String,
}

impl Decision {
    /// Whether a value counts as found at a threshold.
    pub fn reaches(&self, value: u32, threshold: u32) -> bool {
        if self.rising {
            value >= threshold
        } else {
            value <= threshold
        }
    }

    /// Whether the candidates run from strict to lenient, each once, and the threshold in use is among them.
    pub fn is_sound(&self) -> bool {
        let stricter = |pair: &[u32]| pair[0] != pair[1] && self.reaches(pair[0], pair[1]);
        self.candidates.windows(2).all(stricter) && self.candidates.contains(&self.in_use)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(rising: bool, in_use: u32, candidates: &[u32]) -> Decision {
        Decision {
            rising,
            in_use,
            candidates: candidates.to_vec(),
            ..Decision::default()
        }
    }

    #[test]
    fn candidates_run_from_strict_to_lenient_and_hold_the_one_in_use() {
        assert!(decision(false, 31, &[8, 31, 64]).is_sound());
        assert!(decision(true, 1000, &[2000, 1000, 500]).is_sound());
        for broken in [
            decision(true, 31, &[8, 31, 64]),
            decision(false, 30, &[8, 31, 64]),
            decision(false, 31, &[31, 31]),
            decision(false, 31, &[]),
        ] {
            assert!(!broken.is_sound(), "{broken:?}");
        }
    }
}
