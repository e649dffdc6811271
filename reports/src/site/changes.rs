//! Which differences between nights are more than noise.
//!
//! Nights with the same seed, images, recipe, settings and n measure the same ops: any difference in their counts is a change
//! of the program, with no noise at all. Otherwise two shares are compared by Newcombe's interval of a difference,
//! built of two Wilson intervals, at a level of 0.1 % divided by the number of pipelines compared (Bonferroni), so
//! that an unchanged program raises about one false alarm in a thousand nights.
//!
//! Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
//! Medicine 17 (1998) 873–890, method 10.

use std::collections::{BTreeMap, HashSet};

use super::Night;

/// Chance of any false alarm in a night.
const ALARM: f64 = 0.001;

/// A pipeline whose survival changed.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NightChange {
    /// Name of the night that shows it first.
    pub night: String,
    /// The pipeline.
    pub pipeline: String,
    /// Survived and ops before, over all nights since the last change.
    pub before: (u64, u64),
    /// Survived and ops of this night.
    pub after: (u64, u64),
    /// Why it counts as a change, in words.
    pub why: &'static str,
}

/// The recipe's digest and the settings: nights that share both do the same.
type Conditions<'a> = (&'a str, &'a BTreeMap<String, String>);

/// Seed and digest: nights that share both have the same images.
type Images<'a> = (u64, &'a str);

/// Survived, ops and the sources behind them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counted {
    survived: (u64, u64),
    sources: u64,
}

/// Nights of one pipeline since its last change.
#[derive(Default)]
struct Stretch<'a> {
    /// Recipe and settings.
    conditions: Option<Conditions<'a>>,
    /// What was seen of each distinct set of images; nights over the same images count once.
    counts: Vec<(Images<'a>, Counted)>,
}

/// Every change, in the order of the nights. Nights that are not ok are passed over.
pub fn changes(nights: &[Night]) -> Vec<NightChange> {
    let ok: Vec<&Night> = nights.iter().filter(|night| night.is_ok()).collect();
    let names: HashSet<&str> = ok
        .iter()
        .flat_map(|night| night.pipelines.keys().map(String::as_str))
        .collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    let mut found = Vec::new();
    for name in names {
        let mut stretch = Stretch::default();
        for night in &ok {
            let Some(pipeline) = night.pipelines.get(name) else {
                continue;
            };
            let after = Counted {
                survived: pipeline.survived,
                sources: pipeline.sources,
            };
            if after.survived.1 == 0 {
                continue;
            }
            let conditions = Some((pipeline.digest.as_str(), &night.settings));
            let changed = stretch.conditions != conditions;
            let images = (night.seed, night.images.as_str());
            let same_images = stretch
                .counts
                .iter()
                .find(|(known, count)| *known == images && count.survived.1 == after.survived.1);
            let before = stretch
                .counts
                .iter()
                .fold(Counted::default(), |sum, (_, count)| sum.with(*count));
            let why = if before.survived.1 == 0 {
                None
            } else if changed {
                let differs = differs(before, after, night.pipelines.len());
                differs.then_some("the recipe or the settings changed, too")
            } else if same_images.is_some_and(|(_, count)| count.survived != after.survived) {
                Some("the same images, recipe and settings, so not noise")
            } else if same_images.is_none() && differs(before, after, night.pipelines.len()) {
                Some("beyond the noise of other images")
            } else {
                None
            };
            if let Some(why) = why {
                found.push((
                    night.created.clone(),
                    NightChange {
                        night: night.id.clone(),
                        pipeline: name.to_owned(),
                        before: before.survived,
                        after: after.survived,
                        why,
                    },
                ));
            }
            if why.is_some() || changed {
                stretch = Stretch {
                    conditions,
                    counts: Vec::new(),
                };
            }
            if !stretch.counts.iter().any(|(known, _)| *known == images) {
                stretch.counts.push((images, after));
            }
        }
    }
    let place = |id: &str| nights.iter().position(|night| night.id == id);
    let mut found: Vec<NightChange> = found.into_iter().map(|(_, change)| change).collect();
    found.sort_by_key(|change| place(&change.night));
    found
}

impl Counted {
    fn with(self, other: Self) -> Self {
        Self {
            survived: (
                self.survived.0 + other.survived.0,
                self.survived.1 + other.survived.1,
            ),
            sources: self.sources + other.sources,
        }
    }

    /// The share, and how many trials it is worth: as many as there are sources, where that is known.
    fn worth(self) -> (f64, f64) {
        let (k, n) = self.survived;
        let trials = if self.sources > 0 {
            self.sources.min(n)
        } else {
            n
        };
        (k as f64 / n as f64, trials as f64)
    }
}

/// Whether the interval of the difference leaves out 0, at [`ALARM`] shared by `comparisons`.
fn differs(before: Counted, after: Counted, comparisons: usize) -> bool {
    let level = ALARM / comparisons.max(1) as f64;
    let z = upper_quantile(level / 2.0);
    let (before, after) = (before.worth(), after.worth());
    let (p, q) = (before.0, after.0);
    let ((low_p, high_p), (low_q, high_q)) = (score(before, z), score(after, z));
    let difference = q - p;
    let low = difference - (q - low_q).hypot(high_p - p);
    let high = difference + (high_q - q).hypot(p - low_p);
    low > 0.0 || high < 0.0
}

/// The Wilson score interval at any `z`; [`crate::stats::wilson`] has the formula and its source.
fn score((p, n): (f64, f64), z: f64) -> (f64, f64) {
    let z2 = z * z;
    let scale = 1.0 + z2 / n;
    let centre = (p + z2 / (2.0 * n)) / scale;
    let half = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / scale;
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// The z beyond which the standard normal distribution has `tail` of its mass, for `0 < tail < 0.02`.
///
/// Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.2.23; error below 4.5e-4, which moves a
/// level by a few hundredths of itself.
fn upper_quantile(tail: f64) -> f64 {
    let t = (-2.0 * tail.ln()).sqrt();
    let top = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let bottom = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    t - top / bottom
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_scipy() {
        // scipy.stats.norm.isf
        for (tail, z) in [
            (0.01, 2.326_348),
            (0.005, 2.575_829),
            (0.0001, 3.719_016),
            (1e-6, 4.753_424),
        ] {
            assert!((upper_quantile(tail) - z).abs() < 5e-4, "{tail}");
        }
    }

    #[test]
    fn only_a_difference_beyond_noise_differs() {
        let seen = |k, n, sources| Counted {
            survived: (k, n),
            sources,
        };
        let differ = |before: (u64, u64), after: (u64, u64), sources, comparisons| {
            let of = |(k, n)| seen(k, n, sources);
            differs(of(before), of(after), comparisons)
        };
        assert!(!differ((475, 500), (470, 500), 0, 20));
        assert!(!differ((500, 500), (500, 500), 500, 20));
        assert!(differ((475, 500), (400, 500), 0, 20));
        assert!(differ((9500, 10_000), (450, 500), 0, 1));
        // Views of few files are worth few trials.
        assert!(!differ((475, 500), (400, 500), 40, 20));
    }
}
