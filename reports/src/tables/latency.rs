//! How long each part takes, and whether the service levels are met.

use std::collections::HashSet;

use super::{Column, Evidence, Kind, Table, Value, run_notes};
use crate::figures::duration;
use crate::row::Trial;
use crate::stats::{PERCENTILES, Quantiles};

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
pub enum Verdict {
    /// The 95th percentile is within the bound.
    Met,
    /// It is not.
    NotMet,
    /// Too few values for a 95th percentile, or none.
    NotMeasured,
}

impl Verdict {
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
    pub fn verdict(&self) -> Option<Verdict> {
        let level = self.level?;
        Some(match self.quantiles.permille(LEVEL_PERMILLE) {
            None => Verdict::NotMeasured,
            Some(nanos) if nanos <= level.nanos => Verdict::Met,
            Some(_) => Verdict::NotMet,
        })
    }
}

/// Every latency of a run: services first, then carriers, then pipelines in the header's order.
pub fn latencies(evidence: &Evidence) -> Vec<Latency> {
    let summed = |sample: Sample| Latency {
        name: sample.name,
        timed: sample.timed,
        quantiles: Quantiles::of(sample.nanos),
        level: sample.level,
    };
    samples(evidence).into_iter().map(summed).collect()
}

/// The values behind a [`Latency`], in no order; those of 0, which did not run, are left out.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) timed: Timed,
    pub(crate) level: Option<Level>,
    pub(crate) nanos: Vec<u64>,
}

pub(crate) fn samples(evidence: &Evidence) -> Vec<Sample> {
    let header = evidence.header();
    let signed: Vec<usize> = evidence.all_ops(Trial::Signed).collect();
    let negatives: Vec<usize> = Trial::NEGATIVES
        .into_iter()
        .flat_map(|trial| evidence.all_ops(trial))
        .collect();
    let sample = |name: &str, timed, level, times: &[u64], ops: &[usize]| Sample {
        name: name.to_owned(),
        timed,
        level,
        nanos: ops
            .iter()
            .map(|op| times[*op])
            .filter(|nanos| *nanos > 0)
            .collect(),
    };
    let service = |name, level, times, ops| sample(name, Timed::Service, Some(level), times, ops);
    let once = once_per_image(evidence, &signed);
    let mut all = vec![
        service("sign", SIGN, &evidence.sign_ns, &once),
        service(
            "verify, signed images",
            VERIFY,
            &evidence.verify_ns,
            &signed,
        ),
        service(
            "verify, negative trials",
            VERIFY,
            &evidence.verify_ns,
            &negatives,
        ),
        service("retrieve proof", RETRIEVE, &evidence.retrieve_ns, &signed),
    ];
    for (carrier, times) in header.carriers.iter().zip(&evidence.carrier_ns) {
        all.push(sample(carrier, Timed::Carrier, None, times, &signed));
    }
    for (index, pipeline) in header.pipelines.iter().enumerate() {
        let ops: Vec<usize> = evidence.ops(index, Trial::Signed).collect();
        let times = &evidence.transform_ns;
        all.push(sample(&pipeline.id, Timed::Transform, None, times, &ops));
    }
    all
}

/// An image is signed once and its time stands on each of its ops; counted per op it would weigh by the
/// number of pipelines.
fn once_per_image(evidence: &Evidence, ops: &[usize]) -> Vec<usize> {
    let mut seen = HashSet::new();
    let timed = ops.iter().copied().filter(|op| evidence.sign_ns[*op] > 0);
    timed
        .filter(|op| seen.insert(evidence.image[*op]))
        .collect()
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
