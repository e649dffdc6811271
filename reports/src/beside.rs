//! The first figures of another run beside those of a run. What a run says in sum depends on which pipelines were chosen, so
//! a few core pipelines are read better beside the whole catalogue.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::companion::{self, CompanionError};
use crate::figures::{count, interval, measured, percent, plural};
use crate::header::PipelineHeader;
use crate::tables::{Evidence, PipelineTally};
use crate::usable::{Unusable, unusable};

/// The file in the run directory that holds the figures of the other run.
pub const FILE: &str = "beside.json";

/// Figures of another run that could not be taken, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BesideError {
    /// A run whose figures must not be used.
    #[error("run {id} {reason}; its figures are not shown beside others")]
    Unfit {
        /// The run.
        id: String,
        /// Why.
        reason: Unusable,
    },
    /// The file that holds them.
    #[error(transparent)]
    File(#[from] CompanionError),
}

/// The first figures of a run, as words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portrait {
    /// Name of the run.
    pub run: String,
    /// When it began.
    pub created: String,
    /// Each figure's name and what it is.
    pub figures: Vec<(String, String)>,
}

impl Portrait {
    /// The figures of a run, controls apart.
    ///
    /// # Errors
    /// [`BesideError::Unfit`] for a run whose figures must not be used.
    pub fn of(evidence: &Evidence) -> Result<Self, BesideError> {
        let header = evidence.header();
        if let Some(reason) = unusable(evidence) {
            let id = header.id.clone();
            return Err(BesideError::Unfit { id, reason });
        }
        let answer = evidence.answer();
        let mut pipelines = evidence.by_pipeline();
        pipelines.retain(|pipeline| pipeline.is_pooled && pipeline.tally.n > 0);
        let rate = |pipeline: &PipelineTally| pipeline.tally.any.rate.value().unwrap_or_default();
        let below = |share: f64| {
            let below = pipelines.iter().filter(|pipeline| rate(pipeline) < share);
            format!("{} of {}", below.count(), pipelines.len())
        };
        let lost = pipelines
            .iter()
            .filter(|pipeline| pipeline.tally.any.rate.k == 0);
        let worst = pipelines.iter().min_by(|a, b| rate(a).total_cmp(&rate(b)));
        let average = evidence.average(&evidence.pooled_pipelines(), None, 0.05);
        let mut figures = vec![
            ("pipelines", pipelines.len().to_string()),
            (
                "ops",
                format!(
                    "{} from {}",
                    count(answer.n),
                    plural(answer.sources, "source file")
                ),
            ),
            ("still in the file", measured(answer.in_file)),
            (
                "found again through our store",
                measured(answer.through_store),
            ),
            ("not found", measured(answer.not_found)),
            (
                "average over pipelines, either way",
                average.map_or_else(String::new, |arm| {
                    format!("{} % {}", percent(arm.value), interval(arm.interval))
                }),
            ),
            (
                "worst pipeline, either way",
                worst.map_or_else(String::new, |worst| {
                    format!("{}: {}", worst.id, measured(worst.tally.any))
                }),
            ),
            ("pipelines that keep less than half", below(0.5)),
            (
                "pipelines that keep nothing",
                format!("{} of {}", lost.count(), pipelines.len()),
            ),
        ]
        .into_iter()
        .map(|(name, words)| (name.to_owned(), words))
        .collect::<Vec<_>>();
        let is_simulated = |family: &String| {
            let of_family = header.pipelines.iter().filter(|one| one.family == *family);
            of_family.clone().all(PipelineHeader::is_pooled)
        };
        let mut families = evidence.by_family();
        families.retain(|(family, tally)| is_simulated(family) && tally.n > 0);
        families.sort_by(|a, b| a.0.cmp(&b.0));
        let families = families.into_iter();
        figures.extend(
            families.map(|(family, tally)| {
                (format!("family {family}, either way"), measured(tally.any))
            }),
        );
        Ok(Self {
            run: header.id.clone(),
            created: header.created.clone(),
            figures,
        })
    }

    /// Reads the figures that a run directory holds of another run; `None` if it holds none.
    ///
    /// # Errors
    /// As [`CompanionError`] says.
    pub fn read(root: &Path) -> Result<Option<Self>, CompanionError> {
        companion::read(&root.join(FILE))
    }

    /// Writes the figures into the directory of another run.
    ///
    /// # Errors
    /// As [`CompanionError`] says.
    pub fn write(&self, root: &Path) -> Result<(), CompanionError> {
        companion::write(&root.join(FILE), self)
    }

    /// Each figure of either run: its name, here, and there. What a run does not have is said to be absent.
    pub fn beside(&self, other: &Self) -> Vec<[String; 3]> {
        let of = |portrait: &Self, name: &String| {
            let known = portrait.figures.iter().find(|(known, _)| known == name);
            known.map_or_else(|| "not part of it".to_owned(), |(_, words)| words.clone())
        };
        let more = other.figures.iter();
        let more = more.filter(|(name, _)| self.figures.iter().all(|(known, _)| known != name));
        let names = self.figures.iter().chain(more).map(|(name, _)| name);
        names
            .map(|name| [name.clone(), of(self, name), of(other, name)])
            .collect()
    }
}
