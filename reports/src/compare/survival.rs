//! Survival before and after, by pipeline and carrier.

use std::collections::{BTreeMap, HashMap};

use credlink_trial_record::Trial;

use super::{Change, LEVEL, measures};
use crate::stats::{
    Arm, Interval, Rate, fisher_exact, holm, mcnemar_clustered, paired_difference, square_and_add,
};
use crate::tables::Evidence;

/// One pipeline and measure, before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct SurvivalLine {
    /// Id of the pipeline.
    pub pipeline: String,
    /// `any carrier`, or the carrier's name.
    pub measure: String,
    /// Survived of the ops compared.
    pub before: Rate,
    /// The same afterwards.
    pub after: Rate,
    /// Pairs lost and won; `None` where the ops were not paired.
    pub changed: Option<(u64, u64)>,
    /// Change of the rate, −1 to 1.
    pub difference: f64,
    /// Its 95 % interval, not adjusted for the number of lines.
    pub interval: Interval,
    /// The p-value of no change, on its own.
    pub p: f64,
    /// The same adjusted by Holm over all lines of the comparison.
    pub p_adjusted: f64,
    /// What follows at [`LEVEL`].
    pub change: Change,
}

/// An image through a pipeline, before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Index of the image's source.
    pub source: u32,
    /// Whether the proof survived.
    pub before: bool,
    /// Whether it survived afterwards.
    pub after: bool,
}

/// The pairs of one pipeline and measure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelinePairs {
    /// Id of the pipeline.
    pub pipeline: String,
    /// The measure.
    pub measure: String,
    /// The pairs.
    pub pairs: Vec<Pair>,
}

pub(super) fn lines(
    before: &Evidence,
    after: &Evidence,
    shared: &[(usize, usize)],
    paired: bool,
) -> Vec<SurvivalLine> {
    let measures = measures(before, after);
    let mut lines = Vec::new();
    for (here, there) in shared {
        let id = &before.header().pipelines[*here].id;
        // Images that both runs took; a pair that one run lacks says nothing.
        let theirs: HashMap<u32, usize> = if paired {
            after
                .ops(*there, Trial::Signed)
                .map(|op| (after.image(op), op))
                .collect()
        } else {
            HashMap::new()
        };
        for (name, carriers) in &measures {
            let (mine, others) = (
                carriers.map(|(here, _)| here),
                carriers.map(|(_, there)| there),
            );
            if paired {
                let pairs = before.ops(*here, Trial::Signed).filter_map(|op| {
                    let other = theirs.get(&before.image(op))?;
                    Some(Pair {
                        source: before.source(op),
                        before: before.hit(op, mine),
                        after: after.hit(*other, others),
                    })
                });
                lines.push(paired_line(&PipelinePairs {
                    pipeline: id.clone(),
                    measure: (*name).to_owned(),
                    pairs: pairs.collect(),
                }));
            } else {
                let [old, new] = [(before, *here, mine), (after, *there, others)]
                    .map(|(evidence, pipeline, measure)| sample(evidence, pipeline, measure));
                lines.push(unpaired_line(id, name, &old, &new));
            }
        }
    }
    adjusted(lines)
}

/// The lines of paired ops, adjusted over all of them.
pub fn paired_lines(pipelines: &[PipelinePairs]) -> Vec<SurvivalLine> {
    adjusted(pipelines.iter().map(paired_line).collect())
}

fn adjusted(mut lines: Vec<SurvivalLine>) -> Vec<SurvivalLine> {
    let p_values: Vec<f64> = lines.iter().map(|line| line.p).collect();
    for (line, p) in lines.iter_mut().zip(holm(&p_values)) {
        line.p_adjusted = p;
        line.change = if p >= LEVEL {
            Change::Same
        } else if line.difference < 0.0 {
            Change::Worse
        } else {
            Change::Better
        };
    }
    lines
}

fn paired_line(of: &PipelinePairs) -> SurvivalLine {
    let n = of.pairs.len() as u64;
    let count =
        |test: &dyn Fn(&Pair) -> bool| of.pairs.iter().filter(|pair| test(pair)).count() as u64;
    let both = count(&|pair| pair.before && pair.after);
    let lost = count(&|pair| pair.before && !pair.after);
    let won = count(&|pair| !pair.before && pair.after);
    // Per source: pairs, and pairs won minus pairs lost.
    let mut sources: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
    for pair in &of.pairs {
        let (pairs, balance) = sources.entry(pair.source).or_default();
        *pairs += 1;
        *balance += i64::from(pair.after) - i64::from(pair.before);
    }
    let mut balances: Vec<i64> = sources.values().map(|(_, balance)| *balance).collect();
    balances.sort_unstable();
    let difference = if n == 0 {
        0.0
    } else {
        (won as f64 - lost as f64) / n as f64
    };
    let interval = paired_difference(sources.values().copied(), 0.05).unwrap_or(Interval {
        low: -1.0,
        high: 1.0,
    });
    SurvivalLine {
        pipeline: of.pipeline.clone(),
        measure: of.measure.clone(),
        before: Rate { k: both + lost, n },
        after: Rate { k: both + won, n },
        changed: Some((lost, won)),
        difference,
        interval,
        p: mcnemar_clustered(&balances),
        p_adjusted: 1.0,
        change: Change::Same,
    }
}

/// One run's side of an unpaired line.
struct RunSide {
    rate: Rate,
    arm: Option<Arm>,
    /// Trials that the sample is worth, rounded down, with the same rate.
    worth: Rate,
}

fn sample(evidence: &Evidence, pipeline: usize, measure: Option<usize>) -> RunSide {
    let clusters = evidence.hit_clusters(evidence.ops(pipeline, Trial::Signed), measure);
    let sums = clusters.sums();
    let rate = Rate {
        k: sums[1],
        n: sums[0],
    };
    let value = rate.value().unwrap_or(0.0);
    // Where views share sources, sources are what counts.
    let sources = clusters.sources().min(rate.n);
    RunSide {
        rate,
        arm: clusters
            .interval(1, 0, 0.05)
            .map(|interval| Arm { value, interval }),
        worth: Rate {
            k: (value * sources as f64).round() as u64,
            n: sources,
        },
    }
}

fn unpaired_line(pipeline: &str, measure: &str, old: &RunSide, new: &RunSide) -> SurvivalLine {
    let interval = new
        .arm
        .zip(old.arm)
        .map(|(new, old)| square_and_add(new, old));
    SurvivalLine {
        pipeline: pipeline.to_owned(),
        measure: measure.to_owned(),
        before: old.rate,
        after: new.rate,
        changed: None,
        difference: new.rate.value().unwrap_or(0.0) - old.rate.value().unwrap_or(0.0),
        interval: interval.unwrap_or(Interval {
            low: -1.0,
            high: 1.0,
        }),
        p: fisher_exact(old.worth, new.worth),
        p_adjusted: 1.0,
        change: Change::Same,
    }
}
