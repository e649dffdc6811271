//! A run against a gate.

use std::fmt::{self, Display, Formatter};

use credlink_trial_record::{Outcome, Trial};

use super::file::EACH;
use super::{FalseAcceptGate, Gate, GateError, ServiceGate, SurvivalGate};
use crate::figures::{NOT_MEASURED, count, duration, percent, percent_above, plural};
use crate::tables::{Evidence, Timing, timings};
use crate::usable::unusable;

/// One demand and whether the run meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateCheck {
    /// The demand.
    pub name: String,
    /// Whether it is met.
    pub passed: bool,
    /// What was found.
    pub detail: String,
}

/// A run against a gate: passed only if every check did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateReport {
    /// Id of the run.
    pub run: String,
    /// Every check, those of the run as a whole first.
    pub checks: Vec<GateCheck>,
}

impl GateReport {
    /// Whether every check passed; a report without checks has not.
    pub fn passed(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.passed)
    }
}

impl Display for GateReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let word = if check.passed { "pass" } else { "FAIL" };
            writeln!(f, "{word}  {}: {}", check.name, check.detail)?;
        }
        let failed = self.checks.iter().filter(|check| !check.passed).count();
        if self.passed() {
            write!(
                f,
                "gate passed by run {}: {} checks",
                self.run,
                self.checks.len()
            )
        } else {
            write!(
                f,
                "GATE FAILED by run {}: {failed} of {} checks",
                self.run,
                self.checks.len()
            )
        }
    }
}

impl Gate {
    /// Holds a run against the gate.
    ///
    /// # Errors
    /// [`GateError::Unknown`] for a name that the run does not have.
    pub fn judge(&self, evidence: &Evidence) -> Result<GateReport, GateError> {
        let header = evidence.header();
        let pipelines: Vec<(String, String)> = header
            .pipelines
            .iter()
            .map(|pipeline| (pipeline.id.clone(), pipeline.family.clone()))
            .collect();
        self.check_names(&pipelines, &header.carriers)?;
        let mut checks = self.whole(evidence);
        for gate in &self.survival {
            checks.extend(survival(evidence, gate));
        }
        checks.extend(
            self.false_accepts
                .iter()
                .map(|gate| false_accepts(evidence, gate)),
        );
        let timings = timings(evidence);
        checks.extend(self.service.iter().map(|gate| {
            let found = timings.iter().find(|timing| timing.name == gate.name);
            service(evidence, gate, found)
        }));
        Ok(GateReport {
            run: header.id.clone(),
            checks,
        })
    }

    /// What every run must be, and what the gate asks of the run as a whole.
    fn whole(&self, evidence: &Evidence) -> Vec<GateCheck> {
        let header = evidence.header();
        let unusable = unusable(evidence);
        let mut checks = vec![GateCheck {
            name: "the run is complete and its controls passed".to_owned(),
            passed: unusable.is_none(),
            detail: unusable.map_or_else(
                || {
                    format!(
                        "{} rows, {} controls",
                        count(evidence.rows()),
                        header.controls.len()
                    )
                },
                |reason| format!("the run {reason}"),
            ),
        }];
        for wanted in &self.run.controls {
            let found: Vec<_> = header
                .controls
                .iter()
                .filter(|control| control.name.contains(wanted))
                .collect();
            checks.push(GateCheck {
                name: format!("control {wanted:?}"),
                passed: !found.is_empty() && found.iter().all(|control| control.passed),
                detail: match found.first() {
                    None => NOT_MEASURED.to_owned(),
                    Some(control) => control.detail.clone(),
                },
            });
        }
        let mut missing = Vec::new();
        let mut faulty = Vec::new();
        for (index, pipeline) in header.pipelines.iter().enumerate() {
            let ops = evidence.ops(index, Trial::Signed).count() as u64;
            if ops < self.run.min_ops.max(1) {
                missing.push(format!("{} has {}", pipeline.id, count(ops)));
            }
            let share = error_share(evidence, index);
            if share > self.run.max_error_share {
                faulty.push(format!("{} {} %", pipeline.id, percent_above(share)));
            }
        }
        let listed = |list: Vec<String>| {
            if list.is_empty() {
                format!("{} pipelines", header.pipelines.len())
            } else {
                list.join(", ")
            }
        };
        checks.push(GateCheck {
            name: format!(
                "every pipeline has {} signed ops or more",
                self.run.min_ops.max(1)
            ),
            passed: missing.is_empty() && !header.pipelines.is_empty(),
            detail: listed(missing),
        });
        checks.push(GateCheck {
            name: format!(
                "errors up to {} % of each pipeline",
                percent(self.run.max_error_share)
            ),
            passed: faulty.is_empty(),
            detail: listed(faulty),
        });
        checks
    }
}

/// The share of a pipeline's ops, of every kind of trial, that ended in an error.
fn error_share(evidence: &Evidence, pipeline: usize) -> f64 {
    let (mut n, mut errors) = (0_u64, 0_u64);
    for trial in Trial::ALL {
        for op in evidence.ops(pipeline, trial) {
            n += 1;
            errors += u64::from(evidence.result(op).outcome == Outcome::Error);
        }
    }
    if n == 0 {
        1.0
    } else {
        errors as f64 / n as f64
    }
}

fn survival(evidence: &Evidence, gate: &SurvivalGate) -> Vec<GateCheck> {
    let header = evidence.header();
    let measure = gate
        .carrier
        .as_ref()
        .and_then(|name| header.carriers.iter().position(|carrier| carrier == name));
    let by = gate.carrier.as_deref().unwrap_or("any carrier");
    let all = 0..header.pipelines.len();
    let sets: Vec<(String, Vec<usize>)> = match (&gate.pipeline, &gate.family) {
        (Some(id), _) => all
            .filter(|index| id == EACH || header.pipelines[*index].id == *id)
            .map(|index| (header.pipelines[index].id.clone(), vec![index]))
            .collect(),
        (None, Some(family)) => {
            let members = all
                .filter(|index| header.pipelines[*index].family == *family)
                .collect();
            vec![(format!("family {family}"), members)]
        }
        (None, None) => vec![("all pipelines".to_owned(), evidence.pooled_pipelines())],
    };
    let judge = |(name, members): (String, Vec<usize>)| {
        let ops = members
            .iter()
            .flat_map(|index| evidence.ops(*index, Trial::Signed));
        let clusters = evidence.hit_clusters(ops, measure);
        let sums = clusters.sums();
        let low = clusters.lower_bound(1, 0);
        GateCheck {
            name: format!(
                "survival, {name}, by {by}, at least {} %",
                percent(gate.min)
            ),
            passed: low.is_some_and(|low| low >= gate.min),
            detail: match low {
                None => NOT_MEASURED.to_owned(),
                Some(low) => format!(
                    "{} of {} ops over {} sources, lower bound {} %",
                    count(sums[1]),
                    count(sums[0]),
                    count(clusters.sources()),
                    percent(low)
                ),
            },
        }
    };
    sets.into_iter().map(judge).collect()
}

fn false_accepts(evidence: &Evidence, gate: &FalseAcceptGate) -> GateCheck {
    let controls = evidence.negatives();
    let trial = gate.trial.as_deref().and_then(Trial::parse);
    let found = match trial {
        None => Some(&controls.all),
        Some(trial) => controls
            .kinds
            .iter()
            .find(|control| control.trial == Some(trial)),
    };
    let carriers = &evidence.header().carriers;
    let bounded = found.and_then(|control| match &gate.carrier {
        None => Some(control.accepted),
        Some(name) => {
            let index = carriers.iter().position(|carrier| carrier == name)?;
            control.carriers.get(index).copied()
        }
    });
    let shown = bounded.and_then(|found| Some((found.rate, found.upper?)));
    let sources = found.map_or(0, |control| control.sources);
    GateCheck {
        name: format!(
            "false accepts, {}, by {}, at most {} and below {} %",
            trial.map_or("all negative trials", Trial::as_str),
            gate.carrier.as_deref().unwrap_or("any carrier"),
            gate.max_count,
            percent_above(gate.max)
        ),
        passed: shown.is_some_and(|(rate, upper)| rate.k <= gate.max_count && upper <= gate.max),
        detail: match shown {
            None => NOT_MEASURED.to_owned(),
            Some((rate, upper)) => format!(
                "{} of {} trials of {}, upper bound {} %",
                count(rate.k),
                count(rate.n),
                plural(sources, "source"),
                percent_above(upper)
            ),
        },
    }
}

/// A percentile is within its ceiling if it is shown that no more than the rest takes longer.
fn service(evidence: &Evidence, gate: &ServiceGate, found: Option<&Timing>) -> GateCheck {
    let limit = (gate.max_ms * 1e6) as u64;
    let allowed = 1.0 - gate.percentile / 100.0;
    let quantiles = found.map(|timing| timing.quantiles(evidence));
    let nanos = gate
        .permille()
        .and_then(|permille| quantiles.as_ref()?.permille(permille));
    let beyond = found.map(|timing| timing.beyond(evidence, limit));
    let shown = beyond.and_then(|found| Some((found.rate, found.upper?)));
    GateCheck {
        name: format!(
            "{} within {} ms at p{}",
            gate.name, gate.max_ms, gate.percentile
        ),
        passed: nanos.is_some() && shown.is_some_and(|(_, upper)| upper <= allowed),
        detail: match (nanos, shown, quantiles) {
            (Some(nanos), Some((rate, upper)), _) => format!(
                "{}; {} of {} took longer, at most {} %",
                duration(nanos),
                count(rate.k),
                count(rate.n),
                percent_above(upper)
            ),
            (_, _, Some(quantiles)) if quantiles.n > 0 => {
                format!("{NOT_MEASURED}: {} values are too few", count(quantiles.n))
            }
            _ => NOT_MEASURED.to_owned(),
        },
    }
}
