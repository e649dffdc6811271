//! Whether two image sets stand for each other: survival by family and carrier, within a margin.

use credlink_trial_record::Trial;

use super::{CompareError, checked, measures, shared_pipelines};
use crate::stats::{Arm, Equivalence, Interval, tost};
use crate::tables::Evidence;

/// One family and measure in two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// The family, or `all families`.
    pub family: String,
    /// `any carrier`, or the carrier's name.
    pub measure: String,
    /// Pipelines of the family that both runs have.
    pub pipelines: usize,
    /// Distinct source files behind them in either run: what the intervals rest on.
    pub sources: (u64, u64),
    /// The average over them, and its 90 % interval, in the first run; `None` where it has too few sources.
    pub first: Option<Arm>,
    /// The same in the second run.
    pub second: Option<Arm>,
    /// The 90 % interval of second − first.
    pub difference: Option<Interval>,
    /// The verdict of the two one-sided tests at 5 % each.
    pub verdict: Equivalence,
}

/// Two one-sided tests per family and carrier. Differences of images are expected here; differences of recipes and
/// carriers are refused unless allowed. Every pipeline of a family weighs the same, in both runs.
///
/// # Errors
/// [`CompareError::Margin`] for a margin that is not between 0 and 1, else as [`super::compare`].
pub fn agreements(
    first: &Evidence,
    second: &Evidence,
    margin: f64,
    allow_different: bool,
) -> Result<Vec<Agreement>, CompareError> {
    if !(margin > 0.0 && margin < 1.0) {
        return Err(CompareError::Margin { margin });
    }
    let mut differences = checked(first, second, true)?;
    differences.retain(|difference| !difference.starts_with("images "));
    if !differences.is_empty() && !allow_different {
        return Err(CompareError::Different { differences });
    }
    let shared = shared_pipelines(first, second)?;
    let pipelines = &first.header().pipelines;
    let mut families: Vec<(String, Vec<(usize, usize)>)> = Vec::new();
    for pair in &shared {
        let name = &pipelines[pair.0].family;
        match families.iter_mut().find(|(family, _)| family == name) {
            Some((_, members)) => members.push(*pair),
            None => families.push((name.clone(), vec![*pair])),
        }
    }
    let pooled = shared
        .into_iter()
        .filter(|pair| pipelines[pair.0].is_pooled());
    families.push(("all families".to_owned(), pooled.collect()));
    let mut agreements = Vec::new();
    for (family, members) in families {
        let (here, there): (Vec<usize>, Vec<usize>) = members.iter().copied().unzip();
        for (name, carriers) in measures(first, second) {
            // Two-sided 90 % is the two one-sided tests at 5 %.
            let arms = (
                first.average(&here, carriers.map(|(here, _)| here), 0.1),
                second.average(&there, carriers.map(|(_, there)| there), 0.1),
            );
            let tested = arms
                .0
                .zip(arms.1)
                .map(|(first, second)| tost(second, first, margin));
            agreements.push(Agreement {
                family: family.clone(),
                measure: name.to_owned(),
                pipelines: members.len(),
                sources: (sources(first, &here), sources(second, &there)),
                first: arms.0,
                second: arms.1,
                difference: tested.map(|(_, interval)| interval),
                verdict: tested.map_or(Equivalence::Undecided, |(verdict, _)| verdict),
            });
        }
    }
    Ok(agreements)
}

fn sources(evidence: &Evidence, pipelines: &[usize]) -> u64 {
    let ops = pipelines
        .iter()
        .flat_map(|pipeline| evidence.ops(*pipeline, Trial::Signed));
    evidence.hit_clusters(ops, None).sources()
}
