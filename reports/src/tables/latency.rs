//! How long each part takes, and whether the service levels are met.

use std::collections::{BTreeMap, HashSet};

use credlink_trial_record::Trial;

use super::{Column, Evidence, Kind, Table, Value, run_notes};
use crate::figures::duration;
use crate::stats::{Bounded, Clusters, PERCENTILES, Quantiles};

/// A promise about a latency: 95 % of the requests within so many nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// What is promised, in one word.
    pub name: &'static str,
    /// The bound on the 95th percentile in nanoseconds.
    pub nanos: u64,
}

const SIGN: Level = Level {
    name: "sign",
    nanos: 500_000_000,
};
const VERIFY: Level = Level {
    name: "verify",
    nanos: 200_000_000,
};
const RETRIEVE: Level = Level {
    name: "retrieve",
    nanos: 100_000_000,
};

/// The service levels: signing within 500 ms, verifying within 200 ms, retrieving a proof within 100 ms.
pub const LEVELS: [Level; 3] = [SIGN, VERIFY, RETRIEVE];

/// The percentile, in thousandths, that service levels are held at.
const LEVEL_PERMILLE: u64 = 950;

/// Which part of an op was timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timed {
    /// A service that CredLink offers: signing, verification, retrieval.
    Service,
    /// One carrier examined on its own.
    Carrier,
    /// One pipeline's transformation: cost of the simulation, not of CredLink.
    Transform,
}

impl Timed {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Carrier => "carrier",
            Self::Transform => "pipeline",
        }
    }
}

/// Whether a service level is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelVerdict {
    /// The 95th percentile is within the bound.
    Met,
    /// It is not.
    NotMet,
    /// Too few values for a 95th percentile, or none.
    NotMeasured,
}

impl LevelVerdict {
    /// The words in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not met",
            Self::NotMeasured => crate::figures::NOT_MEASURED,
        }
    }
}

/// The distribution of one duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    /// What was timed.
    pub name: String,
    /// Which part of an op it is.
    pub timed: Timed,
    /// Its distribution in nanoseconds.
    pub quantiles: Quantiles,
    /// The service level it is held to, if any.
    pub level: Option<Level>,
}

impl Latency {
    /// Whether its service level is met; `None` if it has none.
    pub fn verdict(&self) -> Option<LevelVerdict> {
        let level = self.level?;
        Some(match self.quantiles.permille(LEVEL_PERMILLE) {
            None => LevelVerdict::NotMeasured,
            Some(nanos) if nanos <= level.nanos => LevelVerdict::Met,
            Some(_) => LevelVerdict::NotMet,
        })
    }
}

/// Every latency of a run: services first, then carriers, then pipelines in the header's order.
pub fn latencies(evidence: &Evidence) -> Vec<Latency> {
    let summed = |timing: Timing| Latency {
        quantiles: timing.quantiles(evidence),
        name: timing.name,
        timed: timing.timed,
        level: timing.level,
    };
    timings(evidence).into_iter().map(summed).collect()
}

/// What a [`Latency`] is computed from.
pub(crate) struct Timing {
    pub(crate) name: String,
    pub(crate) timed: Timed,
    level: Option<Level>,
    of: Of,
}

/// Which column, and which ops.
#[derive(Clone, Copy)]
enum Of {
    Sign,
    VerifySigned,
    VerifyNegative,
    Retrieve,
    Carrier(usize),
    Pipeline(usize),
}

/// What is timed in a run: services first, then carriers, then pipelines in the header's order.
pub(crate) fn timings(evidence: &Evidence) -> Vec<Timing> {
    let header = evidence.header();
    let timing = |name: &str, timed, level, of| Timing {
        name: name.to_owned(),
        timed,
        level,
        of,
    };
    let service = |name, level, of| timing(name, Timed::Service, Some(level), of);
    let mut all = vec![
        service("sign", SIGN, Of::Sign),
        service("verify, signed images", VERIFY, Of::VerifySigned),
        service("verify, negative trials", VERIFY, Of::VerifyNegative),
        service("retrieve proof", RETRIEVE, Of::Retrieve),
    ];
    let carriers = header.carriers.iter().enumerate();
    all.extend(
        carriers.map(|(index, name)| timing(name, Timed::Carrier, None, Of::Carrier(index))),
    );
    let pipelines = header.pipelines.iter().enumerate();
    all.extend(pipelines.map(|(index, pipeline)| {
        timing(&pipeline.id, Timed::Transform, None, Of::Pipeline(index))
    }));
    all
}

impl Timing {
    /// Of the values that were measured, how many were longer than a limit in nanoseconds: with the upper bound over
    /// sources, since files of one source take alike long.
    pub(crate) fn beyond(&self, evidence: &Evidence, limit: u64) -> Bounded {
        let times = self.each(evidence);
        // Per source: values, and those beyond.
        let mut sources: BTreeMap<u32, [u32; 2]> = BTreeMap::new();
        for (op, nanos) in times {
            let [n, beyond] = sources.entry(evidence.source(op)).or_default();
            *n += 1;
            *beyond += u32::from(nanos > limit);
        }
        Clusters::of(2, sources.into_values()).bounded(1, 0)
    }

    /// The values in nanoseconds, in no order; those of 0, which did not run, are left out.
    pub(crate) fn nanos(&self, evidence: &Evidence) -> Vec<u64> {
        self.each(evidence).map(|(_, nanos)| nanos).collect()
    }

    /// Their distribution, without holding them; values are gone through twice.
    pub(crate) fn quantiles(&self, evidence: &Evidence) -> Quantiles {
        Quantiles::of(|| self.each(evidence).map(|(_, nanos)| nanos))
    }

    /// Every op that was timed, and how long it took.
    fn each<'a>(&self, evidence: &'a Evidence) -> Box<dyn Iterator<Item = (usize, u64)> + 'a> {
        let signed = evidence.simulated_ops(Trial::Signed);
        let timed = |ops: Box<dyn Iterator<Item = usize> + 'a>,
                     nanos: fn(&Evidence, usize) -> u64| {
            let all = ops.map(move |op| (op, nanos(evidence, op)));
            Box::new(all.filter(|(_, nanos)| *nanos > 0))
        };
        match self.of {
            Of::Sign => Box::new(once_per_image(evidence)),
            Of::VerifySigned => timed(Box::new(signed), Evidence::verify_ns),
            Of::VerifyNegative => {
                let negatives = Trial::NEGATIVES.into_iter();
                let ops = negatives.flat_map(|trial| evidence.simulated_ops(trial));
                timed(Box::new(ops), Evidence::verify_ns)
            }
            Of::Retrieve => timed(Box::new(signed), Evidence::retrieve_ns),
            Of::Carrier(index) => {
                let all = signed.map(move |op| (op, evidence.carrier_ns(index, op)));
                Box::new(all.filter(|(_, nanos)| *nanos > 0))
            }
            Of::Pipeline(index) => {
                let ops = evidence.ops(index, Trial::Signed);
                timed(Box::new(ops), Evidence::transform_ns)
            }
        }
    }
}

/// An image is signed once and its time stands on each of its ops; counted per op it would weigh by the
/// number of pipelines.
fn once_per_image(evidence: &Evidence) -> impl Iterator<Item = (usize, u64)> + '_ {
    let mut seen = HashSet::new();
    evidence.simulated_ops(Trial::Signed).filter_map(move |op| {
        let entrant = evidence.entrant(op);
        (entrant.sign_ns > 0 && seen.insert(entrant.image)).then_some((op, entrant.sign_ns))
    })
}

pub(super) fn table(evidence: &Evidence) -> Table {
    let mut columns = vec![
        Column::new("part", "part", Kind::Text),
        Column::new("name", "name", Kind::Text),
        Column::new("n", "n", Kind::Count),
    ];
    columns.extend(PERCENTILES.iter().map(|percentile| {
        Column::new(
            percentile.name.replace('.', "_"),
            percentile.name,
            Kind::Nanos,
        )
    }));
    columns.extend([
        Column::new("max", "max", Kind::Nanos),
        Column::new("level", "service level at p95", Kind::Nanos),
        Column::new("verdict", "verdict", Kind::Text),
    ]);
    let header = evidence.header();
    Table {
        id: "latency".to_owned(),
        title: "Latency, and service levels, with simulated pipelines".to_owned(),
        columns,
        rows: latencies(evidence).iter().map(values).collect(),
        notes: [
            format!(
                "Percentiles are by nearest rank (an observed value, not interpolated) and are given only where about ten values lie beyond: n ≥ 10 / (1 − p), so {} for p95 and {} for p99.",
                PERCENTILES[2].least_n(),
                PERCENTILES[3].least_n()
            ),
            "Sign counts one value an image. Verify is the ladder up to its first acceptance; in negative trials it runs to its end. Each carrier and each pipeline is timed on signed images only.".to_owned(),
            format!(
                "Service levels at p95: {}.",
                LEVELS.map(|level| format!("{} {}", level.name, duration(level.nanos))).join(", ")
            ),
            format!(
                "{} % of the CPU time was spent outside codecs, hashing, resizing and watermarks.",
                crate::figures::percent(header.cpu.overhead_share)
            ),
            format!(
                "Measured in one process under the load of {} worker threads on {} ({}, {} cores), without network.",
                header.threads,
                if header.machine.cpu.is_empty() { "an unnamed processor" } else { &header.machine.cpu },
                header.machine.os,
                header.machine.cores
            ),
        ]
        .into_iter()
        .chain(run_notes(evidence))
        .collect(),
    }
}

fn values(latency: &Latency) -> Vec<Value> {
    let quantiles = &latency.quantiles;
    let missing = if quantiles.n == 0 {
        Value::NotMeasured
    } else {
        Value::TooFew
    };
    let mut values = vec![
        Value::text(latency.timed.as_str()),
        Value::text(&latency.name),
        Value::Count(quantiles.n),
    ];
    values.extend(
        quantiles
            .at
            .map(|nanos| nanos.map_or_else(|| missing.clone(), Value::Nanos)),
    );
    values.push(quantiles.max.map_or(Value::NotMeasured, Value::Nanos));
    values.extend(match (latency.level, latency.verdict()) {
        (Some(level), Some(verdict)) => [Value::Nanos(level.nanos), Value::text(verdict.as_str())],
        _ => [Value::NotApplicable, Value::NotApplicable],
    });
    values
}
