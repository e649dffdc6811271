//! Whether two proportions agree within a margin: two one-sided tests (TOST).
//!
//! They agree if both "lower by the margin or more" and "higher by the margin or more" are rejected at 5 %, which
//! is the case exactly if the two-sided 90 % interval of the difference lies inside (−margin, margin). An interval
//! that lies outside on one side shows a difference that matters; anything else is undecided, and more data are
//! needed. Absence of a significant difference is not agreement.
//!
//! Source: D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657–680.

use super::{Arm, Interval, square_and_add};

/// What the two tests say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equivalence {
    /// The difference is shown to be inside the margin.
    Equivalent,
    /// The difference is shown to be outside the margin.
    Different,
    /// The data show neither.
    Undecided,
}

impl Equivalence {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equivalent => "equivalent",
            Self::Different => "different",
            Self::Undecided => "undecided",
        }
    }
}

/// The verdict for a margin (0 to 1) and the 90 % interval of `first − second`, from arms with 90 % intervals.
pub fn tost(first: Arm, second: Arm, margin: f64) -> (Equivalence, Interval) {
    let interval = square_and_add(first, second);
    let verdict = if interval.low > -margin && interval.high < margin {
        Equivalence::Equivalent
    } else if interval.low >= margin || interval.high <= -margin {
        Equivalence::Different
    } else {
        Equivalence::Undecided
    };
    (verdict, interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::wilson_at;

    fn arm(k: u64, n: u64) -> Arm {
        Arm {
            value: k as f64 / n as f64,
            interval: wilson_at(k, n, 1.644_853_626_951_472_2).unwrap(),
        }
    }

    #[test]
    fn agreement_needs_data_and_difference_needs_distance() {
        assert_eq!(
            tost(arm(9_500, 10_000), arm(9_510, 10_000), 0.01).0,
            Equivalence::Equivalent
        );
        assert_eq!(
            tost(arm(95, 100), arm(95, 100), 0.01).0,
            Equivalence::Undecided
        );
        assert_eq!(
            tost(arm(9_500, 10_000), arm(9_000, 10_000), 0.01).0,
            Equivalence::Different
        );
        assert_eq!(
            tost(arm(9_000, 10_000), arm(9_500, 10_000), 0.01).0,
            Equivalence::Different
        );
        assert_eq!(
            tost(arm(9_500, 10_000), arm(9_400, 10_000), 0.01).0,
            Equivalence::Undecided
        );
    }
}
