//! Counts instructions under callgrind: what our own code costs, whoever else uses the machine. A count repeats to
//! within a few parts in ten thousand, so that a change of one in a hundred is seen without any statistics.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Changes smaller than this are not reported.
pub const LEAST: f64 = 0.01;

/// The case whose count is taken off every other one.
const PREPARATION: &str = "prepare";

/// Instructions of each case that `program` lists, its preparation taken off.
///
/// # Errors
/// When valgrind is not installed, or the program fails.
pub fn count(program: &Path) -> Result<BTreeMap<String, u64>> {
    let listed = Command::new(program)
        .output()
        .with_context(|| format!("failed to start {}", program.display()))?;
    if !listed.status.success() {
        bail!("{} does not list its cases", program.display());
    }
    let mut counts = BTreeMap::new();
    for case in String::from_utf8_lossy(&listed.stdout).lines() {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .arg(case)
            .output()
            .context("failed to start valgrind; instructions are counted where it is installed")?;
        let log = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!(
                "case {case} failed under valgrind ({}): {log}",
                output.status
            );
        }
        counts.insert(case.to_owned(), collected(&log)?);
    }
    let base = counts
        .remove(PREPARATION)
        .with_context(|| format!("the program has no case {PREPARATION}"))?;
    for count in counts.values_mut() {
        *count = count.saturating_sub(base);
    }
    Ok(counts)
}

/// The number behind `Collected :` in callgrind's log.
fn collected(log: &str) -> Result<u64> {
    let line = log.lines().find_map(|line| line.split_once("Collected :"));
    let number = line.map(|(_, number)| number.trim());
    number
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("callgrind gave no count: {log}"))
}

/// One case beside its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The case.
    pub case: String,
    /// Instructions of the baseline and of now; `None` where the case is missing there.
    pub counts: (Option<u64>, Option<u64>),
    /// The relative change; `None` unless both are known.
    pub change: Option<f64>,
}

impl Compared {
    /// Whether it grew by more than [`LEAST`].
    #[must_use]
    pub fn is_slower(&self) -> bool {
        self.change.is_some_and(|change| change > LEAST)
    }

    /// Whether the baseline has it and it is counted no more: a case that was lost cannot pass.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.counts.1.is_none()
    }
}

/// Each case of either, beside the other.
#[must_use]
pub fn compared(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Vec<Compared> {
    let cases: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    cases
        .into_iter()
        .map(|case| {
            let counts = (before.get(case).copied(), now.get(case).copied());
            let change = match counts {
                (Some(base), Some(count)) if base > 0 => Some(count as f64 / base as f64 - 1.0),
                _ => None,
            };
            Compared {
                case: case.clone(),
                counts,
                change,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_caught_and_repeats_are_not() {
        let counts = |number: u64| BTreeMap::from([("hash".to_owned(), number)]);
        let base = counts(1_000_000);
        for jitter in 0..10 {
            let found = compared(&base, &counts(1_000_000 + 300 * jitter - 1_500));
            assert!(!found[0].is_slower());
        }
        assert!(compared(&base, &counts(1_100_000))[0].is_slower());
        assert_eq!(compared(&BTreeMap::new(), &base)[0].change, None);
        let gone = &compared(&base, &BTreeMap::new())[0];
        assert!(gone.is_gone() && !gone.is_slower());
    }

    #[test]
    fn callgrind_logs_are_read() {
        let log = "==1== Events    : Ir\n==1== Collected : 123456789\n==1==\n";
        assert_eq!(collected(log).unwrap(), 123_456_789);
        assert!(collected("==1== killed").is_err());
    }
}
