//! Carriers that decide by a number, and the half of the sources that their thresholds may be chosen on.
//!
//! The halves are disjoint by source: a source belongs to the calibration half if the top bit of the 64-bit FNV-1a hash
//! of its name (G. Fowler, L. C. Noll, K.-P. Vo, RFC 9923), mixed as in SplitMix64, is 0. So it is the same half in every
//! run.

use super::Evidence;

/// The largest distance at which a fingerprint counts, bits.
pub const FINGERPRINT_BITS: u32 = 31;

/// A carrier that decides by a number.
pub(super) struct Decision {
    pub(super) carrier: &'static str,
    pub(super) unit: &'static str,
    /// Whether more counts as found (a strength) or less does (a distance).
    pub(super) rising: bool,
    pub(super) in_use: u32,
    /// Thresholds that are tried, the strictest first.
    pub(super) candidates: &'static [u32],
}

/// Every carrier that decides by a number.
pub(super) const DECISIONS: [Decision; 2] = [
    Decision {
        carrier: "fingerprint",
        unit: "bits",
        rising: false,
        in_use: FINGERPRINT_BITS,
        candidates: &[8, 16, 24, 31, 36, 42, 48, 56, 64, 72, 80, 88],
    },
    Decision {
        carrier: "watermark",
        unit: "‰ of its gate",
        rising: true,
        in_use: 1000,
        candidates: &[2000, 1500, 1250, 1100, 1000, 900, 800, 700, 600, 500],
    },
];

impl Decision {
    pub(super) fn reaches(&self, value: u32, threshold: u32) -> bool {
        if self.rising {
            value >= threshold
        } else {
            value <= threshold
        }
    }
}

/// The decisions of a run's carriers, with the carrier's index.
pub(super) fn decisions(
    evidence: &Evidence,
) -> impl Iterator<Item = (usize, &'static Decision)> + '_ {
    DECISIONS.iter().filter_map(|decision| {
        let carriers = &evidence.header().carriers;
        let place = carriers.iter().position(|name| name == decision.carrier)?;
        Some((place, decision))
    })
}

/// What decides towards a wrong proof; `None` where the carrier does not decide by this number. A watermark without a
/// word has strength 0.
pub(super) fn wrong(
    evidence: &Evidence,
    carrier: usize,
    decision: &Decision,
    op: usize,
) -> Option<u32> {
    let value = evidence.wrong(carrier, op);
    if decision.rising && evidence.was_examined(carrier, op) {
        return Some(value.unwrap_or(0));
    }
    value
}

/// Whether a source may be used to choose thresholds.
pub fn calibrates(source: &str) -> bool {
    let hash = source
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) >> 63 == 0
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

    #[test]
    fn candidates_run_from_strict_to_lenient_and_hold_the_one_in_use() {
        for decision in DECISIONS {
            let lenient = |pair: &[u32]| decision.reaches(pair[0], pair[1]);
            assert!(
                decision.candidates.windows(2).all(lenient),
                "{}",
                decision.carrier
            );
            assert!(decision.candidates.contains(&decision.in_use));
        }
    }
}
