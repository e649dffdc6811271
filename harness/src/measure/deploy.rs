//! Times a deployment command.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::clock;

/// The times of several runs of one command, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deployment {
    /// Each run, in order.
    pub seconds: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their median.
    pub median: f64,
    /// Their standard deviation (n − 1); `None` for a single run.
    pub deviation: Option<f64>,
    /// Student's 95 % interval of the mean; `None` for a single run.
    pub interval: Option<(f64, f64)>,
}

impl Deployment {
    /// Sums up measured times; `None` without any.
    #[must_use]
    pub fn of(seconds: Vec<f64>) -> Option<Self> {
        let n = seconds.len() as f64;
        let mut sorted = seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() {
            0 => return None,
            even if even % 2 == 0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        let mean = seconds.iter().sum::<f64>() / n;
        let deviation = (seconds.len() > 1).then(|| {
            let squares: f64 = seconds.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (n - 1.0)).sqrt()
        });
        let interval = deviation.map(|deviation| {
            let half = student_975(seconds.len() - 1) * deviation / n.sqrt();
            ((mean - half).max(0.0), mean + half)
        });
        Some(Self {
            seconds,
            mean,
            median,
            deviation,
            interval,
        })
    }
}

/// The 97.5 % quantile of Student's t distribution (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2); between
/// its lines the next smaller number of degrees is taken, which widens the interval.
fn student_975(degrees: usize) -> f64 {
    const TABLE: [(usize, f64); 19] = [
        (1, 12.706),
        (2, 4.303),
        (3, 3.182),
        (4, 2.776),
        (5, 2.571),
        (6, 2.447),
        (7, 2.365),
        (8, 2.306),
        (9, 2.262),
        (10, 2.228),
        (12, 2.179),
        (14, 2.145),
        (16, 2.120),
        (18, 2.101),
        (20, 2.086),
        (30, 2.042),
        (40, 2.021),
        (60, 2.000),
        (100, 1.984),
    ];
    let line = TABLE.iter().rev().find(|(known, _)| *known <= degrees);
    line.map_or(TABLE[0].1, |(_, quantile)| *quantile)
}

/// Runs a command `runs` times and times each. A run counts only if it succeeds.
///
/// # Errors
/// When the command cannot be started or one run fails; a failed deployment has no time.
pub fn measure(command: &[String], runs: u32) -> Result<Deployment> {
    let (program, arguments) = command.split_first().context("no command was given")?;
    let mut seconds = Vec::new();
    for run in 1..=runs {
        let start = clock::wall_nanos();
        let status = Command::new(program)
            .args(arguments)
            .status()
            .with_context(|| format!("failed to start {program}"))?;
        let nanos = clock::wall_nanos() - start;
        if !status.success() {
            bail!(
                "run {run} of {runs} failed ({status}); no time is reported for deployments that fail"
            );
        }
        seconds.push(nanos as f64 / 1e9);
    }
    Deployment::of(seconds).context("asked for no run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_up_as_scipy_does() {
        // numpy 2.4: mean, median, std(ddof=1); scipy.stats.t.interval(0.95, 4, mean, sem).
        let found = Deployment::of(vec![1.0, 2.0, 4.0, 8.0, 16.0]).unwrap();
        assert!((found.mean - 6.2).abs() < 1e-12 && found.median == 4.0);
        assert!((found.deviation.unwrap() - 6.099_180).abs() < 1e-5);
        let (low, high) = found.interval.unwrap();
        assert_eq!(low, 0.0);
        assert!((high - 13.773).abs() < 2e-3, "{high}");
        assert_eq!(Deployment::of(vec![3.0]).unwrap().interval, None);
        assert_eq!(Deployment::of(vec![]), None);
    }

    #[test]
    fn a_command_that_fails_has_no_time() {
        let command = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(measure(&command(&["true"]), 3).unwrap().seconds.len(), 3);
        assert!(measure(&command(&["false"]), 3).is_err());
        assert!(measure(&command(&["no-such-program"]), 1).is_err());
        assert!(measure(&[], 1).is_err());
    }
}
