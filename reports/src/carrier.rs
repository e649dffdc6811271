//! What reports know of a carrier: as much as the run's header says, and nothing by its name.

use serde::{Deserialize, Serialize};

/// Where a carrier lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CarrierPlace {
    /// In the metadata of the file: whoever strips those strips it.
    #[default]
    Metadata,
    /// In the pixels.
    Pixels,
    /// In the proof store alone: the picture itself is looked up there.
    Store,
}

/// A carrier as the run used it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CarrierHeader {
    /// Its name, one of the run's carriers.
    pub name: String,
    /// Where it lies.
    pub place: CarrierPlace,
    /// The number it decides by; `None` if it does not decide by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionHeader>,
}

/// The number that a carrier decides by: columns `own` and `wrong` of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionHeader {
    /// Its unit, e.g. `bits`.
    pub unit: String,
    /// Whether more counts as found (a strength) or less does (a distance).
    pub rising: bool,
    /// The threshold in use.
    pub in_use: u32,
    /// Thresholds that are tried, the strictest first; the one in use is among them.
    pub candidates: Vec<u32>,
    /// What the number is, towards a wrong proof, as a sentence without its full stop.
    pub about: String,
}

impl DecisionHeader {
    /// Whether a value counts as found at a threshold.
    pub fn reaches(&self, value: u32, threshold: u32) -> bool {
        if self.rising {
            value >= threshold
        } else {
            value <= threshold
        }
    }
}

/// The largest distance at which a fingerprint counts, bits.
pub const FINGERPRINT_BITS: u32 = 31;

/// A carrier of runs whose headers did not describe them yet. Such runs have these four, so that this list never grows.
pub(crate) fn undescribed(name: &str) -> CarrierHeader {
    let (place, decision) = match name {
        "fingerprint" => (
            CarrierPlace::Store,
            Some(DecisionHeader {
                unit: "bits".to_owned(),
                rising: false,
                in_use: FINGERPRINT_BITS,
                candidates: vec![8, 16, 24, 31, 36, 42, 48, 56, 64, 72, 80, 88],
                about: format!(
                    "smallest distance in bits to an image of another source, in eight orientations, between contents of quality 50 and more; {FINGERPRINT_BITS} and less would count"
                ),
            }),
        ),
        "watermark" => (
            CarrierPlace::Pixels,
            Some(DecisionHeader {
                unit: "‰ of its gate".to_owned(),
                rising: true,
                in_use: 1000,
                candidates: vec![2000, 1500, 1250, 1100, 1000, 900, 800, 700, 600, 500],
                about: "strength of a word that is another id, in thousandths of what it must reach; 0 where there is none".to_owned(),
            }),
        ),
        _ => (CarrierPlace::Metadata, None),
    };
    CarrierHeader {
        name: name.to_owned(),
        place,
        decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_run_from_strict_to_lenient_and_hold_the_one_in_use() {
        for decision in ["fingerprint", "watermark"].map(|name| undescribed(name).decision) {
            let decision = decision.unwrap();
            let lenient = |pair: &[u32]| decision.reaches(pair[0], pair[1]);
            assert!(
                decision.candidates.windows(2).all(lenient),
                "{}",
                decision.unit
            );
            assert!(decision.candidates.contains(&decision.in_use));
        }
    }
}
