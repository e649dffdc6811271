//! Parts of a run that can be done apart: cut by source image, so that any cut gives the same rows.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// One of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(usize, usize)", into = "(usize, usize)")]
pub struct Shard {
    /// From 0.
    index: usize,
    of: usize,
}

/// The most parts.
const MOST: usize = 100_000;

impl Shard {
    /// All in one.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Part `index`, counted from 0, of so many; `None` if there is no such part.
    #[must_use]
    pub fn new(index: usize, of: usize) -> Option<Self> {
        (index < of && of <= MOST).then_some(Self { index, of })
    }

    /// Counted from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.index
    }

    /// How many there are.
    #[must_use]
    pub fn of(self) -> usize {
        self.of
    }

    /// Which images of the plan, and which jobs, are this part's: those of every Nth source, in the order in which sources come.
    #[must_use]
    pub fn share(self, plan: &Plan) -> Share {
        let mut ranks: HashMap<&str, usize> = HashMap::new();
        let images = plan
            .signed
            .iter()
            .chain(plan.negatives.iter().map(|negative| &negative.image));
        let jobs: Vec<bool> = images
            .map(|image| {
                let next = ranks.len();
                let rank = *ranks.entry(&image.entry.source).or_insert(next);
                rank % self.of == self.index
            })
            .collect();
        Share {
            images: plan.signed.len(),
            jobs,
        }
    }

    /// The part that the engine of a cluster names to this task by its environment; `None` where no engine is known by it.
    ///
    /// # Errors
    /// What is wrong with what it says.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        for engine in ENGINES {
            let Some(index) = get(engine.index) else {
                continue;
            };
            let number = |name: &str, text: &str| {
                text.trim()
                    .parse::<usize>()
                    .map_err(|_| format!("{name}={text} is no number"))
            };
            let mut index = number(engine.index, &index)?;
            if let Some(first) = engine.first.and_then(|name| Some((name, get(name)?))) {
                let first = number(first.0, &first.1)?;
                index = index.checked_sub(first).ok_or_else(|| {
                    format!(
                        "{} is less than {}",
                        engine.index,
                        engine.first.unwrap_or_default()
                    )
                })?;
            }
            let count = engine
                .counts
                .iter()
                .find_map(|name| Some((*name, get(name)?)));
            let Some((name, count)) = count else {
                return Err(format!(
                    "{} names task {index} but nothing says of how many: set {}",
                    engine.name,
                    engine.counts.join(" or ")
                ));
            };
            let of = number(name, &count)?;
            return Self::new(index, of).map(Some).ok_or_else(|| {
                format!(
                    "{} names task {index} of {of}, which there is not",
                    engine.name
                )
            });
        }
        Ok(None)
    }
}

/// Why parts are not a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartsError {
    /// These are not there.
    #[error("{}", missing(.0))]
    Missing(Vec<Shard>),
    /// One is there twice.
    #[error("part {part} is there twice: {} and {}", first.display(), second.display())]
    Twice {
        /// Which.
        part: Shard,
        /// Where.
        first: PathBuf,
        /// And where again.
        second: PathBuf,
    },
    /// One is of another cut.
    #[error("{} is part {part}, and {} is part {other}: of one run in two cuts", place.display(), first.display())]
    Cut {
        /// Which.
        part: Shard,
        /// Where.
        place: PathBuf,
        /// One of the others.
        other: Shard,
        /// Where that is.
        first: PathBuf,
    },
}

/// Checks that parts are there once each.
///
/// # Errors
/// [`PartsError`]; [`PartsError::Missing`] only where nothing else is wrong.
pub fn complete(parts: &[(Shard, PathBuf)]) -> Result<(), PartsError> {
    let Some((other, first)) = parts.first() else {
        return Err(PartsError::Missing(vec![Shard::WHOLE]));
    };
    let mut places: Vec<Option<&PathBuf>> = vec![None; other.of];
    for (part, place) in parts {
        if part.of != other.of {
            return Err(PartsError::Cut {
                part: *part,
                place: place.clone(),
                other: *other,
                first: first.clone(),
            });
        }
        if let Some(earlier) = places[part.index].replace(place) {
            return Err(PartsError::Twice {
                part: *part,
                first: earlier.clone(),
                second: place.clone(),
            });
        }
    }
    let missing = places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.is_none());
    let missing: Vec<Shard> = missing
        .map(|(index, _)| Shard { index, ..*other })
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(PartsError::Missing(missing)),
    }
}

/// Missing parts in words: all of a few, how many of many.
fn missing(parts: &[Shard]) -> String {
    const NAMED: usize = 20;
    let named: Vec<String> = parts.iter().take(NAMED).map(Shard::to_string).collect();
    match parts {
        [only] => format!("part {only} is missing"),
        _ if parts.len() <= NAMED => format!("parts {} are missing", named.join(", ")),
        _ => format!(
            "{} parts are missing, the first of them {}",
            parts.len(),
            named.join(", ")
        ),
    }
}

/// How an engine tells a task which one it is.
struct Engine {
    name: &'static str,
    /// The variable of the index.
    index: &'static str,
    /// That of the least index, where it need not be 0.
    first: Option<&'static str>,
    /// Those of the number of tasks, the first that is set.
    counts: &'static [&'static str],
}

const COUNT: &str = "CREDLINK_SHARDS";

/// Kubernetes tells no count: its manifests set [`COUNT`]. A GitHub matrix tells nothing to a process: its workflow sets both.
const ENGINES: [Engine; 4] = [
    Engine {
        name: "the environment",
        index: "CREDLINK_SHARD",
        first: None,
        counts: &[COUNT],
    },
    Engine {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        first: None,
        counts: &[COUNT],
    },
    Engine {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        first: Some("SLURM_ARRAY_TASK_MIN"),
        counts: &[COUNT, "SLURM_ARRAY_TASK_COUNT"],
    },
    Engine {
        name: "AWS Batch",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        first: None,
        counts: &[COUNT, "AWS_BATCH_JOB_ARRAY_SIZE"],
    },
];

impl From<Shard> for (usize, usize) {
    fn from(shard: Shard) -> Self {
        (shard.index, shard.of)
    }
}

impl TryFrom<(usize, usize)> for Shard {
    type Error = String;

    fn try_from((index, of): (usize, usize)) -> Result<Self, String> {
        Self::new(index, of).ok_or_else(|| format!("there is no part {index} of {of}"))
    }
}

impl std::fmt::Display for Shard {
    /// As people count: from 1.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

/// Which images and jobs of a plan belong to a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    images: usize,
    jobs: Vec<bool>,
}

impl Share {
    /// Whether an image, by its place in the plan, is to be signed here.
    #[must_use]
    pub fn signs(&self, position: usize) -> bool {
        position < self.images && self.verifies(position)
    }

    /// How many ops of a plan are to be done here.
    #[must_use]
    pub fn ops(&self, plan: &Plan) -> u64 {
        let negatives = plan.negatives.iter().map(|negative| &negative.image);
        let images = plan.signed.iter().chain(negatives).zip(&self.jobs);
        let mine = images.filter(|(_, is_mine)| **is_mine);
        mine.map(|(image, _)| image.pipelines.len() as u64).sum()
    }

    /// Whether a job is to be done here.
    #[must_use]
    pub fn verifies(&self, job: usize) -> bool {
        self.jobs.get(job).copied().unwrap_or(false)
    }
}
