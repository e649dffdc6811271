//! One run, read once and counted once: what every document is written from.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use credlink_trial_record::Outcome;
use rayon::prelude::*;

use crate::beside::Portrait;
use crate::binding::{BindingError, bound_header};
use crate::companion::CompanionError;
use crate::filter_counts::{Counting, FilterCounts};
use crate::gallery::{self, Gallery};
use crate::gate::{Gate, GateError, GateReport};
use crate::input;
use crate::losses::{LossGroup, Losses, sentence_of};
use crate::plots::{PLOTS, PlotError, svg};
use crate::recipes::Recipes;
use crate::rows::RowError;
use crate::run_dir::RunDir;
use crate::tables::{
    Answer, Evidence, EvidenceError, Latency, LevelVerdict, NegativeTallies, PipelineTally, TABLES,
    Table, Tally, Timed, latencies,
};

/// The gate of a run in its directory, if it was given one.
pub const GATE: &str = "gate.toml";

/// A run that could not be read or counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The header could not be read, or rows and header do not belong together.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// The rows could not be read.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// Header and rows do not belong together, or a row contradicts itself.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A file beside the rows is there but cannot be read.
    #[error(transparent)]
    Companion(#[from] CompanionError),
    /// The run's gate cannot be used.
    #[error("the gate of the run, {path}")]
    Gate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: GateError,
    },
    /// A plot could not be drawn.
    #[error("plot {plot}")]
    Plot {
        /// The plot.
        plot: &'static str,
        /// The reason.
        #[source]
        source: PlotError,
    },
}

/// A plot as SVG text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Stem of its file names.
    pub id: &'static str,
    /// The SVG document.
    pub svg: String,
}

/// A check of the run with a known good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What kind of check: `gate`, `controls`, `attribution` or `service levels`.
    pub suite: &'static str,
    /// What is checked.
    pub name: String,
    /// Whether it holds; `None` where nothing was measured.
    pub passed: Option<bool>,
    /// What was found.
    pub detail: String,
}

/// A run with everything that its documents show.
#[derive(Debug)]
pub struct Report {
    /// Header and rows, fit for counting.
    pub evidence: Evidence,
    /// The row file.
    pub rows: PathBuf,
    /// Signed ops by pipeline, in the header's order.
    pub tallies: Vec<PipelineTally>,
    /// All signed ops but those of controls.
    pub overall: Tally,
    /// The first figures.
    pub answer: Answer,
    /// Negative trials.
    pub negatives: NegativeTallies,
    /// Every table of [`TABLES`].
    pub tables: Vec<Table>,
    /// Every plot of [`PLOTS`].
    pub drawings: Vec<Drawing>,
    /// Counts by pipeline, class, format and size.
    pub strata: FilterCounts,
    /// Ops that did not survive, by what became of them.
    pub found: Vec<LossGroup>,
    /// Examples with pictures; empty if the run has none.
    pub gallery: Gallery,
    /// What every carrier said in the ops of the gallery, by op.
    pub sentences: BTreeMap<u64, String>,
    /// What its pipelines do, as far as that was kept.
    pub recipes: Recipes,
    /// The first figures of another run, if the directory holds them.
    pub beside: Option<Portrait>,
    /// The run against its gate; `None` if it has none.
    pub gate: Option<GateReport>,
    /// The gallery's pictures by file name, as `data:` addresses.
    pub pictures: BTreeMap<String, String>,
}

impl Report {
    /// Reads and counts a run.
    ///
    /// # Errors
    /// [`ReadError`] naming the file that is missing, half-written or of another run.
    pub fn read(run_dir: &RunDir) -> Result<Self, ReadError> {
        let header = bound_header(run_dir)?;
        let gallery = Gallery::read(run_dir.root())?;
        let mut sentences = BTreeMap::new();
        let (mut strata, mut losses) = (Counting::default(), Losses::default());
        let shown: HashSet<u64> = gallery.exhibits.iter().map(|one| one.op).collect();
        let evidence = Evidence::read_beside(header, &run_dir.rows(), |header, rows| {
            for (row, op) in rows.big("op")?.iter().enumerate() {
                if let Some(op) = op.filter(|op| shown.contains(op)) {
                    sentences.insert(op, sentence_of(header, rows, row)?);
                }
            }
            strata.add(header, rows)?;
            losses.add(rows)
        })?;
        let path = run_dir.root().join(GATE);
        let gate = if path.exists() {
            let judged = Gate::read(&path).and_then(|gate| gate.judge(&evidence));
            Some(judged.map_err(|source| ReadError::Gate { path, source })?)
        } else {
            None
        };
        let mut drawings = Vec::new();
        for kind in PLOTS {
            let failed = |source| ReadError::Plot {
                plot: kind.id,
                source,
            };
            let scene = (kind.make)(&evidence).map_err(failed)?;
            drawings.push(Drawing {
                id: kind.id,
                svg: svg(&scene).map_err(failed)?,
            });
        }
        Ok(Self {
            tables: TABLES
                .par_iter()
                .map(|kind| (kind.make)(&evidence))
                .collect(),
            drawings,
            strata: strata.finish(),
            found: losses.finish(evidence.header()),
            pictures: pictures(run_dir, &gallery),
            gallery,
            sentences,
            recipes: Recipes::read(run_dir.root())?,
            beside: Portrait::read(run_dir.root())?,
            gate,
            tallies: evidence.by_pipeline(),
            overall: evidence.overall(),
            negatives: evidence.negatives(),
            answer: evidence.answer(),
            evidence,
            rows: run_dir.rows(),
        })
    }

    /// The table of this id.
    pub fn table(&self, id: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.id == id)
    }

    /// The services and their levels.
    pub fn services(&self) -> Vec<Latency> {
        let all = latencies(&self.evidence).into_iter();
        all.filter(|latency| latency.timed == Timed::Service)
            .collect()
    }

    /// Everything with a known good answer: the run's gate and controls, attribution by pipeline, service levels.
    pub fn checks(&self) -> Vec<Check> {
        let header = self.evidence.header();
        let gate = self.gate.iter().flat_map(|gate| &gate.checks);
        let mut checks: Vec<Check> = gate
            .map(|check| Check {
                suite: "gate",
                name: check.name.clone(),
                passed: Some(check.passed),
                detail: check.detail.clone(),
            })
            .collect();
        checks.extend(header.controls.iter().map(|control| Check {
            suite: "controls",
            name: control.name.clone(),
            passed: Some(control.passed),
            detail: control.detail.clone(),
        }));
        for pipeline in &self.tallies {
            let wrong = pipeline.tally.outcome(Outcome::Misattributed);
            let any = crate::figures::measured(pipeline.tally.any);
            checks.push(Check {
                suite: "attribution",
                name: pipeline.id.clone(),
                passed: (pipeline.tally.n > 0).then_some(wrong == 0),
                detail: format!(
                    "{} attributed to another image; survived {any} of {}",
                    crate::figures::count(wrong),
                    crate::figures::plural(pipeline.tally.n, "op")
                ),
            });
        }
        for service in self.services() {
            let (Some(level), Some(verdict)) = (service.level, service.verdict()) else {
                continue;
            };
            let found = service.quantiles.permille(950).map_or_else(
                || format!("n {} does not support a p95", service.quantiles.n),
                |nanos| format!("p95 {}", crate::figures::duration(nanos)),
            );
            checks.push(Check {
                suite: "service levels",
                name: service.name,
                passed: match verdict {
                    LevelVerdict::Met => Some(true),
                    LevelVerdict::NotMet => Some(false),
                    LevelVerdict::NotMeasured => None,
                },
                detail: format!("{found}, level {}", crate::figures::duration(level.nanos)),
            });
        }
        checks
    }
}

/// The pictures that a gallery names, as far as they are there. A name that is no plain file name is not followed: the
/// list may come from a stranger.
fn pictures(run_dir: &RunDir, gallery: &Gallery) -> BTreeMap<String, String> {
    let named = gallery.exhibits.iter().flat_map(|exhibit| {
        let more = exhibit.received.iter().chain(&exhibit.difference);
        std::iter::once(&exhibit.signed).chain(more)
    });
    let mut found = BTreeMap::new();
    let mut room = 2 * gallery::BUDGET;
    for picture in named {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let kind = match picture.file.rsplit_once('.') {
            Some((_, "jpg")) => "image/jpeg",
            Some((_, "png")) => "image/png",
            _ => continue,
        };
        if picture.file.starts_with('.') || !picture.file.chars().all(plain) {
            continue;
        }
        let path = run_dir.root().join(gallery::FOLDER).join(&picture.file);
        let Ok(bytes) = input::shown(&path, room) else {
            continue;
        };
        room -= bytes.len() as u64;
        let address = format!("data:{kind};base64,{}", STANDARD.encode(bytes));
        found.insert(picture.file.clone(), address);
    }
    found
}
