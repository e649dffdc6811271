//! One night: what the history keeps of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::report::Report;
use crate::settings::effective;
use crate::stats::{Interval, Measured, Rate};
use crate::tables::ALL_FAMILIES;
use crate::usable::{Unusable, unusable};

/// How a night ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Complete, and every control gave the known answer.
    Ok,
    /// Cut off.
    Partial,
    /// A control failed, or there was none: the figures must not be used.
    ControlFailed,
    /// There is no usable run.
    Failed,
}

impl Status {
    /// The words on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::ControlFailed => "control failed",
            Self::Failed => "failed",
        }
    }
}

/// One pipeline of a night.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NightPipeline {
    /// Its family.
    pub family: String,
    /// Digest of its recipe.
    pub digest: String,
    /// Ops that survived, and ops.
    pub survived: (u64, u64),
    /// Distinct source files among the ops; 0 in nights published before they were kept.
    #[serde(default)]
    pub sources: u64,
    /// The 95 % interval of survival, over sources; `None` in nights published before it was kept.
    #[serde(default)]
    pub interval: Option<(f64, f64)>,
}

/// One service of a night, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightService {
    /// Values.
    pub n: u64,
    /// Median, where n supports it.
    pub p50: Option<u64>,
    /// 95th percentile, where n supports it.
    pub p95: Option<u64>,
}

/// A share of a night's ops, with the ends of its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NightShare {
    /// Ops of which it holds.
    pub k: u64,
    /// Ops.
    pub n: u64,
    /// The interval, over sources.
    pub interval: Option<(f64, f64)>,
}

impl NightShare {
    fn of(found: Measured) -> Self {
        let Rate { k, n } = found.rate;
        let interval = ends(found);
        Self { k, n, interval }
    }

    pub(super) fn measured(&self) -> Measured {
        let Self { k, n, interval } = *self;
        measured(Rate { k, n }, interval)
    }
}

/// The answer of a night.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NightAnswer {
    /// The credential is still in the file.
    pub in_file: NightShare,
    /// It is not, but the proof was found again through the store.
    pub through_store: NightShare,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Night {
    /// Version of the line's format, 1.
    pub version: u32,
    /// Name of the run.
    pub id: String,
    /// When it began, as RFC 3339.
    pub created: String,
    /// How it ended.
    pub status: Status,
    /// Why it is not ok; empty if it is.
    pub reason: String,
    /// Seed of the run.
    pub seed: u64,
    /// Digest of the images.
    pub images: String,
    /// Processor, cores and system.
    pub machine: String,
    /// Worker threads.
    pub threads: u32,
    /// Settings that decide results, by name; empty in nights published before they were kept.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Digest of the row file; empty in nights published before it was kept.
    #[serde(default)]
    pub rows: String,
    /// Versions of program and libraries.
    pub versions: BTreeMap<String, String>,
    /// What its report says first; `None` in nights published before it was kept, and where there was no usable run.
    #[serde(default)]
    pub answer: Option<NightAnswer>,
    /// Ops that survived, and ops.
    pub survived: (u64, u64),
    /// 95 % intervals of survival over sources, by family, and of all families together.
    #[serde(default)]
    pub intervals: BTreeMap<String, (f64, f64)>,
    /// Negative trials that were accepted, and trials.
    pub false_accepts: (u64, u64),
    /// The one-sided 95 % upper bound of their rate, over sources; `None` in nights published before it was kept.
    #[serde(default)]
    pub false_accept_bound: Option<f64>,
    /// Pipelines by id.
    pub pipelines: BTreeMap<String, NightPipeline>,
    /// Services by name.
    pub services: BTreeMap<String, NightService>,
}

impl Night {
    /// The night of a run.
    pub fn of(report: &Report) -> Self {
        let header = report.evidence.header();
        let (status, reason) = match unusable(&report.evidence) {
            None => (Status::Ok, String::new()),
            Some(reason) => {
                let status = match &reason {
                    Unusable::Partial { .. } => Status::Partial,
                    Unusable::NoControl | Unusable::FailedControl { .. } => Status::ControlFailed,
                    Unusable::Empty
                    | Unusable::ErrorsAlone
                    | Unusable::Rows { .. }
                    | Unusable::Missing { .. }
                    | Unusable::Unbound => Status::Failed,
                };
                (status, format!("the run {reason}"))
            }
        };
        let pair = |rate: Rate| (rate.k, rate.n);
        let machine = &header.machine;
        let pipelines = header.pipelines.iter().zip(&report.tallies);
        Self {
            version: 1,
            id: header.id.clone(),
            created: header.created.clone(),
            status,
            reason,
            seed: header.seed,
            images: header.image_set.digest.clone(),
            machine: format!("{}, {} cores, {}", machine.cpu, machine.cores, machine.os),
            threads: header.threads,
            settings: effective(header),
            rows: header.rows_digest.clone().unwrap_or_default(),
            versions: header.versions.clone(),
            answer: Some(NightAnswer {
                in_file: NightShare::of(report.answer.in_file),
                through_store: NightShare::of(report.answer.through_store),
            }),
            survived: pair(report.overall.any.rate),
            intervals: intervals(report),
            false_accepts: pair(report.negatives.all.accepted.rate),
            false_accept_bound: report.negatives.all.accepted.upper,
            pipelines: pipelines
                .map(|(pipeline, tally)| {
                    let night = NightPipeline {
                        family: pipeline.family.clone(),
                        digest: pipeline.digest.clone(),
                        survived: pair(tally.tally.any.rate),
                        sources: tally.tally.sources,
                        interval: ends(tally.tally.any),
                    };
                    (pipeline.id.clone(), night)
                })
                .collect(),
            services: report
                .services()
                .into_iter()
                .map(|service| {
                    let quantiles = &service.quantiles;
                    let night = NightService {
                        n: quantiles.n,
                        p50: quantiles.permille(500),
                        p95: quantiles.permille(950),
                    };
                    (service.name, night)
                })
                .collect(),
        }
    }

    /// A night without a usable run. It has no figures, and none are made up.
    pub fn failed(id: &str, created: &str, reason: &str) -> Self {
        Self {
            version: 1,
            id: id.to_owned(),
            created: created.to_owned(),
            status: Status::Failed,
            reason: reason.to_owned(),
            seed: 0,
            images: String::new(),
            machine: String::new(),
            threads: 0,
            settings: BTreeMap::new(),
            rows: String::new(),
            versions: BTreeMap::new(),
            answer: None,
            survived: (0, 0),
            intervals: BTreeMap::new(),
            false_accepts: (0, 0),
            false_accept_bound: None,
            pipelines: BTreeMap::new(),
            services: BTreeMap::new(),
        }
    }

    /// Survival of a family, or of all families together, with its interval; without one for a night published before
    /// intervals were kept.
    pub fn measured(&self, family: &str, rate: Rate) -> Measured {
        measured(rate, self.intervals.get(family).copied())
    }

    /// Survival by family.
    pub fn families(&self) -> BTreeMap<&str, Rate> {
        let mut families: BTreeMap<&str, Rate> = BTreeMap::new();
        for pipeline in self.pipelines.values() {
            let family = families.entry(&pipeline.family).or_default();
            family.k += pipeline.survived.0;
            family.n += pipeline.survived.1;
        }
        families
    }

    /// Whether this is the same night as one that was published: all that both know of it agrees. A night that was
    /// published before its rows' digest or its settings were kept knows less of itself.
    pub fn is_same(&self, published: &Self) -> bool {
        let mut alike = self.clone();
        if published.rows.is_empty() {
            alike.rows.clear();
        }
        if published.settings.is_empty() {
            alike.settings.clear();
        }
        if published.answer.is_none() {
            alike.answer = None;
        }
        if published.false_accept_bound.is_none() {
            alike.false_accept_bound = None;
        }
        for (id, pipeline) in &mut alike.pipelines {
            let known = published.pipelines.get(id);
            if known.is_some_and(|known| known.sources == 0) {
                (pipeline.sources, pipeline.interval) = (0, None);
            }
        }
        alike == *published
    }

    /// Whether its figures may be compared.
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }
}

/// A rate and the interval that was kept of it.
pub(super) fn measured(rate: Rate, kept: Option<(f64, f64)>) -> Measured {
    Measured {
        rate,
        interval: kept.map(|(low, high)| Interval { low, high }),
    }
}

/// The ends of an interval, rounded so that a night read back from the history equals itself.
fn ends(found: Measured) -> Option<(f64, f64)> {
    let rounded = |share: f64| (share * 1e6).round() / 1e6;
    let bounds = found.interval?;
    Some((rounded(bounds.low), rounded(bounds.high)))
}

fn intervals(report: &Report) -> BTreeMap<String, (f64, f64)> {
    let overall = (ALL_FAMILIES.to_owned(), report.overall.clone());
    let families = report.evidence.by_family().into_iter().chain([overall]);
    families
        .filter_map(|(family, tally)| Some((family, ends(tally.any)?)))
        .collect()
}
