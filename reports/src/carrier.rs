//! What reports know of a carrier: as much as the run's header says, and nothing by its name.

use credlink_trial_record::{CarrierPlace, Decision};
use serde::{Deserialize, Serialize};

/// A carrier as the run used it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierHeader {
    /// Its name, one of the run's carriers.
    pub name: String,
    /// Where it lies.
    pub place: CarrierPlace,
    /// The number it decides by; `None` if it does not decide by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Bits of the word that it holds; 0 if it holds none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub payload_bits: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A carrier of runs whose headers did not describe them yet. Such runs have these four, so that this list never grows.
pub(crate) fn undescribed(name: &str) -> CarrierHeader {
    let (place, decision) = match name {
        "fingerprint" => (
            CarrierPlace::Store,
            Some(Decision {
                unit: "bits".to_owned(),
                rising: false,
                is_undeclared: false,
                in_use: 31,
                candidates: vec![8, 16, 24, 31, 36, 42, 48, 56, 64, 72, 80, 88],
                about: "smallest distance in bits to an image of another source, in eight orientations, between contents of quality 50 and more; 31 and less would count".to_owned(),
            }),
        ),
        "watermark" => (
            CarrierPlace::Pixels,
            Some(Decision {
                unit: "‰ of its gate".to_owned(),
                rising: true,
                is_undeclared: false,
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
        payload_bits: 0,
    }
}
