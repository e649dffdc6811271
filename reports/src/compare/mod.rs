//! Whether one run differs from another, and by how much more than noise.
//!
//! Two runs over the same images are compared op by op: the same image through the same pipeline, before and after.
//! Otherwise the rates are compared as those of independent samples, and the result says so. All tests of one
//! comparison share one error of 5 % (Holm), over every pipeline and carrier.

mod equivalence;
mod latency;
mod survival;
mod text;

pub use text::write_agreements;

pub use equivalence::{Agreement, agreements};
pub use latency::LatencyLine;
pub use survival::{Pair, PipelinePairs, SurvivalLine, paired_lines};

use crate::header::RunHeader;
use crate::tables::Evidence;
use crate::usable::unusable;

/// The chance of any false alarm in one comparison.
pub const LEVEL: f64 = 0.05;

/// Two runs that cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// A run whose figures must not be used.
    #[error("run {run} {reason}; its figures cannot be compared")]
    Unusable {
        /// Id of the run.
        run: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Runs of different things.
    #[error(
        "the runs measured different things; to compare what they share anyway, say --allow-different\n  {}",
        .differences.join("\n  ")
    )]
    Different {
        /// What differs, one sentence fragment each.
        differences: Vec<String>,
    },
    /// Runs without a common pipeline.
    #[error("runs {before} and {after} have no pipeline with results in common")]
    NothingShared {
        /// Id of the first run.
        before: String,
        /// Id of the second run.
        after: String,
    },
    /// A margin that is none.
    #[error(
        "the margin of equivalence is {margin}; it must lie between 0 and 1, e.g. 0.01 for one percentage point"
    )]
    Margin {
        /// The margin given.
        margin: f64,
    },
}

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Better than before, beyond noise.
    Better,
    /// Worse than before, beyond noise.
    Worse,
    /// No change beyond noise.
    Same,
}

impl Change {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "WORSE",
            Self::Same => "same",
        }
    }
}

/// Two runs, compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Ids of the runs.
    pub runs: (String, String),
    /// Whether ops were paired by image.
    pub paired: bool,
    /// What the runs do not share, one sentence fragment each.
    pub differences: Vec<String>,
    /// One line per pipeline and measure, in the order of the first run's header.
    pub survival: Vec<SurvivalLine>,
    /// The average over the shared pipelines by any carrier, before and after; no test is made of it.
    pub averages: Option<(f64, f64)>,
    /// Services and carriers.
    pub latency: Vec<LatencyLine>,
    /// Whether both runs had the same machine and threads, so that a latency can count as worse.
    pub same_machine: bool,
}

impl Comparison {
    /// Worse if any line is; better if any is and none is worse.
    pub fn verdict(&self) -> Change {
        let latency = self
            .latency
            .iter()
            .filter(|_| self.same_machine)
            .map(|line| line.change);
        let changes: Vec<Change> = self
            .survival
            .iter()
            .map(|line| line.change)
            .chain(latency)
            .collect();
        [Change::Worse, Change::Better]
            .into_iter()
            .find(|change| changes.contains(change))
            .unwrap_or(Change::Same)
    }
}

/// Compares `after` with `before`.
///
/// # Errors
/// [`CompareError`] if a run is empty, partial or failed a control, or if the runs differ in images, recipes or
/// carriers and `allow_different` is false.
pub fn compare(
    before: &Evidence,
    after: &Evidence,
    allow_different: bool,
) -> Result<Comparison, CompareError> {
    let differences = checked(before, after, allow_different)?;
    let paired = same_images(before.header(), after.header());
    let shared = shared_pipelines(before, after)?;
    let survival = survival::lines(before, after, &shared, paired);
    let pipelines = &before.header().pipelines;
    let pooled = shared.iter().filter(|pair| pipelines[pair.0].is_pooled());
    let (here, there): (Vec<usize>, Vec<usize>) = pooled.copied().unzip();
    let averages = before
        .average(&here, None, 0.05)
        .zip(after.average(&there, None, 0.05));
    Ok(Comparison {
        runs: (before.header().id.clone(), after.header().id.clone()),
        paired,
        differences,
        survival,
        averages: averages.map(|(before, after)| (before.value, after.value)),
        latency: latency::lines(before, after),
        same_machine: before.header().machine == after.header().machine
            && before.header().threads == after.header().threads,
    })
}

/// Refuses runs that are no evidence; gives what the runs do not share, and refuses that, too, unless allowed.
fn checked(
    before: &Evidence,
    after: &Evidence,
    allow_different: bool,
) -> Result<Vec<String>, CompareError> {
    for evidence in [before, after] {
        if let Some(reason) = unusable(evidence) {
            return Err(CompareError::Unusable {
                run: evidence.header().id.clone(),
                reason: reason.to_string(),
            });
        }
    }
    let differences = differences(before.header(), after.header());
    if differences.is_empty() || allow_different {
        Ok(differences)
    } else {
        Err(CompareError::Different { differences })
    }
}

fn same_images(before: &RunHeader, after: &RunHeader) -> bool {
    let (here, there) = (&before.image_set, &after.image_set);
    !here.digest.is_empty()
        && (&here.digest, here.seed, &here.kind) == (&there.digest, there.seed, &there.kind)
        && before.seed == after.seed
}

fn differences(before: &RunHeader, after: &RunHeader) -> Vec<String> {
    let mut differences = Vec::new();
    if !same_images(before, after) {
        differences.push(format!(
            "images {} (seed {}) and {} (seed {})",
            before.image_set.name, before.seed, after.image_set.name, after.seed
        ));
    }
    differences.extend(crate::settings::differences(before, after));
    if before.carriers != after.carriers {
        differences.push(format!(
            "carriers {} and {}",
            before.carriers.join(", "),
            after.carriers.join(", ")
        ));
    }
    for (here, there, name) in [(before, after, &before.id), (after, before, &after.id)] {
        let alone = here
            .pipelines
            .iter()
            .filter(|pipeline| there.pipelines.iter().all(|other| other.id != pipeline.id))
            .map(|pipeline| pipeline.id.as_str());
        let alone: Vec<&str> = alone.collect();
        if !alone.is_empty() {
            differences.push(format!("only {name} has {}", alone.join(", ")));
        }
    }
    for pipeline in &before.pipelines {
        let other = after.pipelines.iter().find(|other| other.id == pipeline.id);
        if other.is_some_and(|other| other.digest != pipeline.digest) {
            differences.push(format!("the recipe of {} changed", pipeline.id));
        }
    }
    differences
}

/// Indices of the pipelines that both runs have signed ops of, in the first run's order.
fn shared_pipelines(
    before: &Evidence,
    after: &Evidence,
) -> Result<Vec<(usize, usize)>, CompareError> {
    let has = |evidence: &Evidence, index| {
        evidence
            .ops(index, credlink_trial_record::Trial::Signed)
            .next()
            .is_some()
    };
    let theirs = &after.header().pipelines;
    let shared: Vec<(usize, usize)> = before
        .header()
        .pipelines
        .iter()
        .enumerate()
        .filter_map(|(here, pipeline)| {
            let there = theirs.iter().position(|other| other.id == pipeline.id)?;
            (has(before, here) && has(after, there)).then_some((here, there))
        })
        .collect();
    if shared.is_empty() {
        return Err(CompareError::NothingShared {
            before: before.header().id.clone(),
            after: after.header().id.clone(),
        });
    }
    Ok(shared)
}

/// Any carrier, then each that both runs have: its name and its place in either run.
fn measures<'a>(before: &'a Evidence, after: &Evidence) -> Vec<(&'a str, Option<(usize, usize)>)> {
    let theirs = &after.header().carriers;
    let carriers = before
        .header()
        .carriers
        .iter()
        .enumerate()
        .filter_map(|(here, name)| {
            let there = theirs.iter().position(|other| other == name)?;
            Some((name.as_str(), Some((here, there))))
        });
    [("any carrier", None)]
        .into_iter()
        .chain(carriers)
        .collect()
}
