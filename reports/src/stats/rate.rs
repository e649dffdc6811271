//! A proportion and what goes with it: its trials, its interval, its bound.

/// Below this n a rate is marked provisional: at 50 % its interval is then wider than ±9.6 points.
pub const PROVISIONAL_BELOW: u64 = 100;

/// A two-sided 95 % interval of a proportion, `0 ≤ low ≤ high ≤ 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// `k` successes in `n` trials: a rate that never parts from its n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Successes.
    pub k: u64,
    /// Trials.
    pub n: u64,
}

impl Rate {
    /// `k / n` from 0 to 1, or `None` without trials.
    pub fn value(self) -> Option<f64> {
        (self.n > 0).then(|| self.k as f64 / self.n as f64)
    }

    /// Whether there are trials, but fewer than [`PROVISIONAL_BELOW`].
    pub fn is_provisional(self) -> bool {
        (1..PROVISIONAL_BELOW).contains(&self.n)
    }
}

/// A rate with the two-sided 95 % interval that allows for sources.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// The rate.
    pub rate: Rate,
    /// Its interval; `None` without trials.
    pub interval: Option<Interval>,
}

/// Failures that must not happen, with the one-sided 95 % upper bound of their rate that allows for sources.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounded {
    /// Failures in trials.
    pub rate: Rate,
    /// The upper bound; `None` without trials.
    pub upper: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_trials_there_is_no_rate() {
        assert_eq!(Rate::default().value(), None);
        assert!(!Rate::default().is_provisional());
        assert!(Rate { k: 1, n: 99 }.is_provisional() && !Rate { k: 1, n: 100 }.is_provisional());
    }
}
