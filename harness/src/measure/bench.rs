//! Compares Criterion's measurements with a saved baseline, and confirms what looks like a change by measuring again.
//!
//! Criterion compares two samples by bootstrap and writes the interval of the relative change of the mean
//! (`change/estimates.json`). On a noisy machine one such test in twenty is wrong by design, and a neighbour's work
//! looks like a change. So a change is reported only if the whole interval lies beyond [`LEAST`] twice, in two
//! measurements apart in time and in the same direction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Changes of the mean whose interval comes closer to 0 than this are not worth a person's time.
pub const LEAST: f64 = 0.03;

/// One benchmark, compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Its name, `group/function`.
    pub id: String,
    /// Mean of the baseline and of now, in nanoseconds.
    pub means: (f64, f64),
    /// Relative change of the mean and its 95 % interval.
    pub change: (f64, f64, f64),
}

/// What is to be thought of a benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No change beyond noise.
    Unchanged,
    /// Slower in both measurements.
    Slower,
    /// Faster in both measurements.
    Faster,
    /// The second measurement did not confirm the first.
    NotConfirmed,
}

impl Verdict {
    /// The words in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Slower => "SLOWER",
            Self::Faster => "faster",
            Self::NotConfirmed => "not confirmed",
        }
    }
}

impl Compared {
    /// +1 if slower, −1 if faster, 0 if neither is beyond noise.
    #[must_use]
    pub fn direction(&self) -> i8 {
        let (_, low, high) = self.change;
        i8::from(low > LEAST) - i8::from(high < -LEAST)
    }
}

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
    directory_name: String,
}

#[derive(Deserialize)]
struct Estimates {
    mean: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Bounds,
}

#[derive(Deserialize)]
struct Bounds {
    lower_bound: f64,
    upper_bound: f64,
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
}

/// Reads every benchmark below `folder` (Criterion's, `target/criterion`) that was compared with `baseline`.
///
/// # Errors
/// When the folder has no benchmark with that baseline, or a file of it is damaged.
pub fn read(folder: &Path, baseline: &str) -> Result<Vec<Compared>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(here) = folders.pop() {
        let entries = std::fs::read_dir(&here)
            .with_context(|| format!("failed to read {}", here.display()))?;
        for entry in entries {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
            }
        }
        let change = here.join("change/estimates.json");
        let before = here.join(baseline).join("estimates.json");
        let name = here.join("new/benchmark.json");
        if !(change.is_file() && before.is_file() && name.is_file()) {
            continue;
        }
        let name: Benchmark = json(&name)?;
        let (change, before): (Estimates, Estimates) = (json(&change)?, json(&before)?);
        let now: Estimates = json(&here.join("new/estimates.json"))?;
        let bounds = change.mean.confidence_interval;
        let compared = Compared {
            id: name.full_id,
            means: (before.mean.point_estimate, now.mean.point_estimate),
            change: (
                change.mean.point_estimate,
                bounds.lower_bound,
                bounds.upper_bound,
            ),
        };
        found.insert(name.directory_name, compared);
    }
    if found.is_empty() {
        bail!(
            "{} has no benchmark compared with the baseline {baseline}; run `cargo bench -- --save-baseline {baseline}`, \
             change the code, then `cargo bench -- --baseline {baseline}`",
            folder.display()
        );
    }
    Ok(found.into_values().collect())
}

/// Judges each benchmark; `again` measures one of them a second time.
///
/// # Errors
/// Those of `again`.
pub fn judged(
    first: Vec<Compared>,
    mut again: impl FnMut(&Compared) -> Result<Compared>,
) -> Result<Vec<(Compared, Verdict)>> {
    let mut judged = Vec::new();
    for compared in first {
        let direction = compared.direction();
        let verdict = if direction == 0 {
            Verdict::Unchanged
        } else if again(&compared)?.direction() != direction {
            Verdict::NotConfirmed
        } else if direction > 0 {
            Verdict::Slower
        } else {
            Verdict::Faster
        };
        judged.push((compared, verdict));
    }
    Ok(judged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(id: &str, low: f64, high: f64) -> Compared {
        Compared {
            id: id.to_owned(),
            means: (100.0, 100.0 * (1.0 + (low + high) / 2.0)),
            change: ((low + high) / 2.0, low, high),
        }
    }

    #[test]
    fn a_planted_tenth_is_caught_and_noise_is_not() {
        let planted = compared("planted", 0.08, 0.12);
        let again = |known: &Compared| Ok(known.clone());
        let found = judged(vec![planted], again).unwrap();
        assert_eq!(found[0].1, Verdict::Slower);
        // Ten unchanged repeats: wide or narrow intervals around 0, and one neighbour that was busy once.
        let mut unchanged: Vec<Compared> = (0..9)
            .map(|i| compared("same", -0.02 - f64::from(i) / 50.0, 0.025))
            .collect();
        unchanged.push(compared("neighbour", 0.2, 0.4));
        let quiet = |known: &Compared| Ok(compared(&known.id, -0.01, 0.01));
        let found = judged(unchanged, quiet).unwrap();
        assert!(
            found
                .iter()
                .all(|(_, verdict)| !matches!(verdict, Verdict::Slower | Verdict::Faster))
        );
        assert_eq!(found[9].1, Verdict::NotConfirmed);
    }

    #[test]
    fn criterion_files_are_read_and_a_missing_baseline_is_explained() {
        let base = tempfile::tempdir().unwrap();
        let here = base.path().join("sign/whole");
        let write = |name: &str, text: &str| {
            let path = here.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let estimates = |point: f64, low: f64, high: f64| {
            format!(
                r#"{{"mean":{{"point_estimate":{point},"confidence_interval":{{"lower_bound":{low},"upper_bound":{high},"confidence_level":0.95}},"standard_error":0}}}}"#
            )
        };
        write("main/estimates.json", &estimates(100.0, 99.0, 101.0));
        write("new/estimates.json", &estimates(110.0, 109.0, 111.0));
        write("change/estimates.json", &estimates(0.1, 0.08, 0.12));
        write(
            "new/benchmark.json",
            r#"{"full_id":"sign/whole","directory_name":"sign/whole"}"#,
        );
        let found = read(base.path(), "main").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].id.as_str(), found[0].direction()),
            ("sign/whole", 1)
        );
        let missing = read(base.path(), "other").unwrap_err().to_string();
        assert!(missing.contains("--save-baseline other"), "{missing}");
        write("change/estimates.json", "{\"mean\":");
        assert!(format!("{:#}", read(base.path(), "main").unwrap_err()).contains("damaged"));
    }
}
