//! Carriers that decide by a number, and the half of the sources that their thresholds may be chosen on.
//!
//! The halves are disjoint by source: a source belongs to the calibration half if the top bit of the 64-bit FNV-1a hash
//! of its name (G. Fowler, L. C. Noll, K.-P. Vo, RFC 9923), mixed as in SplitMix64, is 0. So it is the same half in every
//! run.

use credlink_trial_record::Decision;

use super::causes::REFUSED;
use super::{Evidence, Value};
use crate::stats::mixed;

/// A distance beyond every other.
const NEVER: u32 = 1_000_001;

/// A carrier of a run that decides by a number.
pub(super) struct Deciding {
    /// Its place among the run's carriers.
    pub(super) carrier: usize,
    pub(super) name: String,
    pub(super) by: Decision,
    /// Whether it decides wherever it looked, a number that it did not tell being one that reaches no threshold. A guest
    /// names the nearest proofs alone, and is not let off where the right one is not among them.
    always: bool,
}

/// Every carrier of a run that decides by a number, in ladder order.
pub(super) fn decisions(evidence: &Evidence) -> Vec<Deciding> {
    deciding(evidence, evidence.header().system.is_guest)
}

/// The same by one rule for whatever system: it decides wherever it looked.
pub(super) fn decisions_alike(evidence: &Evidence) -> Vec<Deciding> {
    deciding(evidence, true)
}

fn deciding(evidence: &Evidence, always: bool) -> Vec<Deciding> {
    let header = evidence.header();
    let decides = |(carrier, name): (usize, &String)| {
        Some(Deciding {
            carrier,
            name: name.clone(),
            by: header.carrier(name).decision?,
            always,
        })
    };
    header
        .carriers
        .iter()
        .enumerate()
        .filter_map(decides)
        .collect()
}

impl Deciding {
    /// Whether the carrier decides on a signed op by this number: the image took it, and it was looked at.
    pub(super) fn decides(&self, evidence: &Evidence, op: usize) -> bool {
        if self.always {
            // What was refused went out without a proof: it is lost at every threshold.
            evidence.was_examined(self.carrier, op)
        } else if self.by.rising {
            let taken = evidence.entrant(op).embedded(self.carrier) < REFUSED;
            taken && evidence.was_examined(self.carrier, op)
        } else {
            evidence.own(self.carrier, op).is_some()
        }
    }

    #[cfg(test)]
    pub(super) fn for_tests(by: Decision) -> Self {
        Self {
            carrier: 0,
            name: "carrier".to_owned(),
            by,
            always: true,
        }
    }

    /// What decides towards the issued proof, where [it decides](Self::decides).
    pub(super) fn own(&self, evidence: &Evidence, op: usize) -> u32 {
        evidence.own(self.carrier, op).unwrap_or(self.never())
    }

    /// What decides towards a wrong proof; `None` where the carrier does not decide by this number.
    pub(super) fn wrong(&self, evidence: &Evidence, op: usize) -> Option<u32> {
        let told = self.told_wrong(evidence, op);
        let counts = self.always && evidence.was_examined(self.carrier, op);
        told.or(counts.then(|| self.never()))
    }

    /// The same where a number was told, and for strengths wherever the carrier looked: that of nothing is 0.
    pub(super) fn told_wrong(&self, evidence: &Evidence, op: usize) -> Option<u32> {
        let value = evidence.wrong(self.carrier, op);
        let is_nothing = self.by.rising && evidence.was_examined(self.carrier, op);
        value.or(is_nothing.then_some(0))
    }

    /// The number that reaches no threshold.
    fn never(&self) -> u32 {
        if self.by.rising { 0 } else { NEVER }
    }
}

/// The only line of a table about thresholds where no carrier decided by a number; `columns` are those behind the first
/// three.
pub(super) fn no_line(columns: usize) -> Vec<Value> {
    let words = ["no carrier decided by a number", "", ""].map(Value::text);
    let rest = std::iter::repeat_n(Value::NotMeasured, columns);
    words.into_iter().chain(rest).collect()
}

/// Whether a source may be used to choose thresholds.
pub fn calibrates(source: &str) -> bool {
    let hash = source
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    mixed(hash) >> 63 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_sources_calibrate_and_always_the_same_half() {
        let names: Vec<String> = (0..4000)
            .map(|index| format!("photo-{index}.jpg"))
            .collect();
        let count = names.iter().filter(|name| calibrates(name)).count();
        assert!((1900..2100).contains(&count), "{count}");
        // Fixed for ever: a source that changed its half would have been looked at.
        let known = [
            "chart_histogram.png",
            "kodak04_portrait.png",
            "kodak08_houses.png",
        ];
        assert_eq!(known.map(calibrates), [true, true, false]);
    }
}
