//! The gate file.

use std::path::Path;

use credlink_trial_record::Trial;
use serde::Deserialize;

use super::GateError;
use crate::tables::LEVELS;

/// A gate as its file says it. Everything may be left out, but not everything at once.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// What the run as a whole must be.
    pub run: RunGate,
    /// Floors on survival.
    pub survival: Vec<SurvivalGate>,
    /// Ceilings on false accepts.
    pub false_accepts: Vec<FalseAcceptGate>,
    /// Ceilings on latencies.
    pub service: Vec<ServiceGate>,
}

/// What the run as a whole must be. That it is complete and that its controls passed is required always.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunGate {
    /// Pipelines that must be there.
    pub pipelines: Vec<String>,
    /// Controls that must be there, each by a part of its name.
    pub controls: Vec<String>,
    /// The largest share, 0 to 1, of ops of each pipeline that may end in an error.
    pub max_error_share: f64,
    /// The fewest signed ops of each pipeline.
    pub min_ops: u64,
}

/// A floor on survival, judged by the one-sided 95 % lower bound over sources.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurvivalGate {
    /// A pipeline; `each` means every pipeline of the run. Without pipeline and family, all pipelines pooled.
    pub pipeline: Option<String>,
    /// A family, pooled.
    pub family: Option<String>,
    /// A carrier alone; any of them if left out.
    pub carrier: Option<String>,
    /// The floor, 0 to 1.
    pub min: f64,
}

/// A ceiling on false accepts over all pipelines, judged by the one-sided 95 % upper bound.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FalseAcceptGate {
    /// A kind of negative trial; all kinds together if left out.
    pub trial: Option<String>,
    /// A carrier alone; any of them if left out.
    pub carrier: Option<String>,
    /// The largest number of accepts seen.
    #[serde(default)]
    pub max_count: u64,
    /// The largest rate, 0 to 1, that the trials must exclude.
    pub max: f64,
}

/// A ceiling on a percentile of a latency: met if the one-sided 95 % upper bound, over sources, of the share that takes
/// longer leaves the percentile below it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceGate {
    /// The service, as the latency table names it.
    pub name: String,
    /// The percentile: 50, 90, 95, 99 or 99.9.
    pub percentile: f64,
    /// The ceiling in milliseconds.
    pub max_ms: f64,
}

impl Gate {
    /// Reads and checks a gate file.
    ///
    /// # Errors
    /// [`GateError::Read`], [`GateError::Parse`] with line and column, [`GateError::Value`] for shares outside 0 to 1
    /// and other values that cannot be meant, and for a gate that demands nothing.
    pub fn read(path: &Path) -> Result<Self, GateError> {
        let text = crate::input::text(path).map_err(|source| GateError::Read {
            path: path.into(),
            source,
        })?;
        let gate: Self = toml::from_str(&text).map_err(|source| GateError::Parse {
            path: path.into(),
            source: Box::new(source),
        })?;
        gate.check()?;
        Ok(gate)
    }

    fn check(&self) -> Result<(), GateError> {
        let wrong = |entry: String, reason: &str| {
            Err(GateError::Value {
                entry,
                reason: reason.to_owned(),
            })
        };
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if self.survival.is_empty() && self.false_accepts.is_empty() && self.service.is_empty() {
            return wrong(
                "the file".to_owned(),
                "it holds no [[survival]], [[false_accepts]] or [[service]], so it demands nothing",
            );
        }
        if !share(self.run.max_error_share) {
            return wrong("run".to_owned(), "max_error_share must lie between 0 and 1");
        }
        for (index, gate) in self.survival.iter().enumerate() {
            let entry = format!("survival {}", index + 1);
            if gate.pipeline.is_some() && gate.family.is_some() {
                return wrong(entry, "name a pipeline or a family, not both");
            }
            if !(gate.min > 0.0 && gate.min < 1.0) {
                return wrong(
                    entry,
                    "min must lie between 0 and 1, both excluded: no number of trials shows that nothing ever fails",
                );
            }
        }
        for (index, gate) in self.false_accepts.iter().enumerate() {
            let entry = format!("false_accepts {}", index + 1);
            if !(gate.max > 0.0 && gate.max < 1.0) {
                return wrong(
                    entry,
                    "max must lie between 0 and 1, both excluded: no number of trials shows a rate of 0",
                );
            }
        }
        for (index, gate) in self.service.iter().enumerate() {
            let entry = format!("service {}", index + 1);
            if gate.permille().is_none() {
                return wrong(entry, "percentile must be 50, 90, 95, 99 or 99.9");
            }
            if !(gate.max_ms > 0.0 && gate.max_ms.is_finite()) {
                return wrong(entry, "max_ms must be a positive number");
            }
        }
        Ok(())
    }

    /// Checks every name against those of a run that is about to begin or that is there.
    ///
    /// # Errors
    /// [`GateError::Unknown`] with the names that there are.
    pub fn check_names(
        &self,
        pipelines: &[(String, String)],
        carriers: &[String],
    ) -> Result<(), GateError> {
        let ids: Vec<String> = pipelines.iter().map(|(id, _)| id.clone()).collect();
        let mut families: Vec<String> =
            pipelines.iter().map(|(_, family)| family.clone()).collect();
        families.sort_unstable();
        families.dedup();
        let trials: Vec<String> = Trial::NEGATIVES
            .iter()
            .map(|trial| trial.as_str().to_owned())
            .collect();
        let services: Vec<String> = SERVICES.map(str::to_owned).to_vec();
        let known = |entry: &str, kind, name: Option<&String>, known: &[String]| match name {
            Some(name) if !known.contains(name) => Err(GateError::Unknown {
                entry: entry.to_owned(),
                kind,
                name: name.clone(),
                known: known.to_vec(),
            }),
            _ => Ok(()),
        };
        for id in &self.run.pipelines {
            known("run.pipelines", "pipeline", Some(id), &ids)?;
        }
        for (index, gate) in self.survival.iter().enumerate() {
            let entry = format!("survival {}", index + 1);
            let pipeline = gate.pipeline.as_ref().filter(|id| *id != EACH);
            known(&entry, "pipeline", pipeline, &ids)?;
            known(&entry, "family", gate.family.as_ref(), &families)?;
            known(&entry, "carrier", gate.carrier.as_ref(), carriers)?;
        }
        for (index, gate) in self.false_accepts.iter().enumerate() {
            let entry = format!("false_accepts {}", index + 1);
            known(&entry, "negative trial", gate.trial.as_ref(), &trials)?;
            known(&entry, "carrier", gate.carrier.as_ref(), carriers)?;
        }
        for (index, gate) in self.service.iter().enumerate() {
            let entry = format!("service {}", index + 1);
            known(&entry, "service", Some(&gate.name), &services)?;
        }
        Ok(())
    }
}

/// Stands for every pipeline of the run.
pub(super) const EACH: &str = "each";

/// Services that a gate may name, as the latency table names them.
pub(super) const SERVICES: [&str; 4] = [
    "sign",
    "verify, signed images",
    "verify, negative trials",
    "retrieve proof",
];

// One name for each service level at least.
const _: () = assert!(SERVICES.len() >= LEVELS.len());

impl ServiceGate {
    /// The percentile in thousandths, if it is one of ours.
    pub(super) fn permille(&self) -> Option<u64> {
        let permille = (self.percentile * 10.0).round();
        crate::stats::PERCENTILES
            .iter()
            .map(|known| known.permille)
            .find(|known| {
                (*known as f64 - permille).abs() < 1e-9
                    && (self.percentile * 10.0 - permille).abs() < 1e-6
            })
    }
}
