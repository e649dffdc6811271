//! Detection against false alarm.

use crate::op::Found;

/// False-alarm rates at which the limits of the curve are set.
pub(crate) const FALSE_ALARMS: [f64; 5] = [0.0, 0.01, 0.02, 0.05, 0.1];

/// A measure of how far the content differs, and how its limits are printed.
pub(crate) type Measure = (&'static str, fn(&Found) -> f64, usize);

pub(crate) const MEASURES: [Measure; 3] = [
    (
        "largest difference over two by two cells of the sketch",
        |f| f64::from(f.local),
        3,
    ),
    (
        "largest connected region of differing cells, share of what is seen",
        |f| f64::from(f.region),
        3,
    ),
    (
        "distance to the registered fingerprint, bits of 256",
        |f| f64::from(f.fingerprint),
        0,
    ),
];

/// The limit that at most this share of the values lies above.
pub(crate) fn limit(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let above = (share * sorted.len() as f64).floor() as usize;
    sorted
        .len()
        .checked_sub(above + 1)
        .map_or(f64::INFINITY, |at| sorted[at])
}

/// The probability that an edited image has a higher value than an unedited one, ties counting half: the area under
/// the curve (Hanley and McNeil, "The Meaning and Use of the Area under a ROC Curve", 1982).
pub(crate) fn area(unedited: &[f64], edited: &[f64]) -> f64 {
    let mut sum = 0.0;
    for a in unedited {
        for b in edited {
            sum += match b.total_cmp(a) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    sum / (unedited.len() * edited.len()).max(1) as f64
}
