//! Rows as compact columns of plain numbers, checked against the header: what tables and plots count.
//!
//! Words become indices here, once, so that counting ten million ops touches some 20 bytes of each.

use std::collections::HashMap;
use std::path::PathBuf;

use polars::prelude::{GroupsIndicator, IdxSize, PolarsError, StringChunked};

use super::detail::Detail;
use crate::header::{PipelineHeader, RunHeader};
use crate::row::{SURVIVING, Trial};
use crate::rows::{RowError, Rows};
use crate::stats::{Clusters, Interval};

/// Columns of the row file that tables and plots need, besides [`CELLS`].
pub const COLUMNS: &[&str] = &[
    "op",
    "trial",
    "pipeline",
    "image",
    "source",
    "outcome",
    "survived",
    "recovered_by",
    "sign_ns",
    "transform_ns",
    "verify_ns",
    "retrieve_ns",
    "class",
    "image_format",
    "width",
    "height",
    "error_cause",
    "source_bytes",
    "signed_bytes",
    "sign_psnr",
    "sign_ssim",
    "mark_psnr",
    "mark_ssim",
];

/// Columns of each carrier that tables and plots need.
pub const CELLS: &[&str] = &["accepted", "ns", "embedded", "state", "codes"];

/// Rows and header that do not belong together, or rows that contradict themselves.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The row file could not be read as the schema says.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// Header and rows name different carriers.
    #[error("{path} has carriers {rows:?} but run.json has {header:?}; they are of different runs")]
    Carriers {
        /// The row file.
        path: PathBuf,
        /// Carriers of the rows.
        rows: Vec<String>,
        /// Carriers of the header.
        header: Vec<String>,
    },
    /// The rows have a pipeline that the header does not list.
    #[error(
        "{path} has pipeline {pipeline:?}, which run.json does not list; they are of different runs"
    )]
    Pipeline {
        /// The row file.
        path: PathBuf,
        /// The pipeline.
        pipeline: String,
    },
    /// The header lists a pipeline twice.
    #[error("run.json lists pipeline {pipeline:?} twice")]
    Twice {
        /// The pipeline.
        pipeline: String,
    },
    /// A word that the schema does not know, or a row that contradicts itself.
    #[error("{path}: op {op}: {reason}")]
    Value {
        /// The row file.
        path: PathBuf,
        /// The op.
        op: u64,
        /// What is wrong.
        reason: String,
    },
    /// polars failed to group the rows.
    #[error("group the rows of {path}")]
    Group {
        /// The row file.
        path: PathBuf,
        /// The library's reason.
        #[source]
        source: PolarsError,
    },
}

/// The ops of one pipeline and trial, as positions in the columns of [`Evidence`], ascending.
#[derive(Debug)]
struct Group {
    pipeline: usize,
    trial: Trial,
    ops: Vec<IdxSize>,
}

/// A run's header and rows, fit for counting.
#[derive(Debug)]
pub struct Evidence {
    header: RunHeader,
    groups: Vec<Group>,
    pub(crate) image: Vec<u32>,
    /// Index of the source file, in order of first appearance.
    pub(crate) source: Vec<u32>,
    /// Position in [`Trial::outcomes`] of the row's trial.
    pub(crate) outcome: Vec<u8>,
    /// Bit c is set where carrier c accepted.
    pub(crate) accepted: Vec<u64>,
    /// Index of the carrier that recovered the proof in the ladder, or `u8::MAX`.
    pub(crate) recovered_by: Vec<u8>,
    pub(crate) sign_ns: Vec<u64>,
    pub(crate) transform_ns: Vec<u64>,
    pub(crate) verify_ns: Vec<u64>,
    pub(crate) retrieve_ns: Vec<u64>,
    /// One column of times per carrier; 0 where it was not examined.
    pub(crate) carrier_ns: Vec<Vec<u64>>,
    pub(crate) detail: Detail,
    sources: usize,
}

impl Evidence {
    /// Joins a header and its rows (read with at least [`COLUMNS`] and [`CELLS`]).
    ///
    /// # Errors
    /// [`EvidenceError`] if they are of different runs or a row contradicts itself.
    pub fn new(header: RunHeader, rows: &Rows) -> Result<Self, EvidenceError> {
        if rows.carriers() != header.carriers {
            return Err(EvidenceError::Carriers {
                path: rows.path().into(),
                rows: rows.carriers().to_vec(),
                header: header.carriers,
            });
        }
        let groups = groups(&header.pipelines, rows)?;
        let mut outcome = vec![0; rows.len()];
        for group in &groups {
            read_outcomes(rows, group, &mut outcome)?;
        }
        let mut accepted = vec![0_u64; rows.len()];
        let mut carrier_ns = Vec::with_capacity(rows.carriers().len());
        for (index, carrier) in rows.carriers().iter().enumerate() {
            let flags = rows.flags(&format!("{carrier}_accepted"))?;
            for (mask, flag) in accepted.iter_mut().zip(flags.iter()) {
                *mask |= u64::from(flag == Some(true)) << index;
            }
            carrier_ns.push(times(rows, &format!("{carrier}_ns"))?);
        }
        let source = interned(rows.texts("source")?);
        let evidence = Self {
            groups,
            sources: source.iter().max().map_or(0, |last| *last as usize + 1),
            detail: Detail::read(rows)?,
            image: rows.small("image")?.into_no_null_iter().collect(),
            source,
            outcome,
            accepted,
            recovered_by: recovered_by(rows)?,
            sign_ns: times(rows, "sign_ns")?,
            transform_ns: times(rows, "transform_ns")?,
            verify_ns: times(rows, "verify_ns")?,
            retrieve_ns: times(rows, "retrieve_ns")?,
            carrier_ns,
            header,
        };
        evidence.check(rows)?;
        Ok(evidence)
    }

    /// The run's header.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Positions of the ops of one pipeline (by its index in the header) and trial, by ascending op.
    pub(crate) fn ops(&self, pipeline: usize, trial: Trial) -> impl Iterator<Item = usize> + '_ {
        self.groups
            .iter()
            .filter(move |group| group.pipeline == pipeline && group.trial == trial)
            .flat_map(|group| group.ops.iter().map(|op| *op as usize))
    }

    /// Positions of all ops of one trial, pipeline by pipeline.
    pub(crate) fn all_ops(&self, trial: Trial) -> impl Iterator<Item = usize> + '_ {
        (0..self.header.pipelines.len()).flat_map(move |pipeline| self.ops(pipeline, trial))
    }

    /// Rows of any kind.
    pub fn rows(&self) -> u64 {
        self.image.len() as u64
    }

    /// Distinct sources; [`Self::source`] counts up to it.
    pub(crate) fn sources(&self) -> usize {
        self.sources
    }

    /// Whether the op at this position is a signed one that survived.
    pub(crate) fn survived(&self, op: usize) -> bool {
        usize::from(self.outcome[op]) < SURVIVING
    }

    /// Counts per source: `count` adds what one op contributes to its source's columns, of which the first is the
    /// number of ops. Sources without any op are left out.
    pub(crate) fn clusters(
        &self,
        ops: impl Iterator<Item = usize>,
        columns: usize,
        count: impl Fn(usize, &mut [u32]),
    ) -> Clusters {
        let mut counts = vec![0; self.sources * columns];
        for op in ops {
            let start = self.source[op] as usize * columns;
            count(op, &mut counts[start..start + columns]);
        }
        let sources = counts
            .chunks_exact(columns.max(1))
            .filter(|counts| counts[0] > 0);
        Clusters::of(columns, sources)
    }

    /// Per source: ops, survivals by any carrier, then acceptances by each carrier.
    pub(crate) fn survival_clusters(&self, ops: impl Iterator<Item = usize>) -> Clusters {
        let carriers = self.header.carriers.len();
        self.clusters(ops, carriers + 2, |op, counts| {
            counts[0] += 1;
            counts[1] += u32::from(self.survived(op));
            for (carrier, count) in counts[2..].iter_mut().enumerate() {
                *count += (self.accepted[op] >> carrier & 1) as u32;
            }
        })
    }

    /// The 95 % intervals of pooled ops over sources: survival by any carrier, then by each.
    pub(crate) fn pooled_intervals(
        &self,
        ops: impl Iterator<Item = usize>,
    ) -> Vec<Option<Interval>> {
        let measures: Vec<usize> = (1..self.header.carriers.len() + 2).collect();
        self.survival_clusters(ops)
            .rates(0, &measures, 0.05, self.header.seed)
    }

    /// [`Evidence::pooled_intervals`] of all signed ops.
    pub fn overall_intervals(&self) -> Vec<Option<Interval>> {
        self.pooled_intervals(self.all_ops(Trial::Signed))
    }

    /// The writer refuses such rows; a file that somebody else wrote or edited is checked again.
    fn check(&self, rows: &Rows) -> Result<(), EvidenceError> {
        let survived = rows.flags("survived")?;
        let ops = rows.big("op")?;
        for group in &self.groups {
            for position in group.ops.iter().map(|op| *op as usize) {
                let expected =
                    group.trial == Trial::Signed && usize::from(self.outcome[position]) < SURVIVING;
                if survived.get(position) != Some(expected) {
                    return Err(EvidenceError::Value {
                        path: rows.path().into(),
                        op: ops.get(position).unwrap_or_default(),
                        reason: "survived contradicts the outcome".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Groups the rows by pipeline and trial, with polars.
fn groups(pipelines: &[PipelineHeader], rows: &Rows) -> Result<Vec<Group>, EvidenceError> {
    let mut known = HashMap::with_capacity(pipelines.len());
    for (index, pipeline) in pipelines.iter().enumerate() {
        if known.insert(pipeline.id.as_str(), index).is_some() {
            return Err(EvidenceError::Twice {
                pipeline: pipeline.id.clone(),
            });
        }
    }
    let failed = |source| EvidenceError::Group {
        path: rows.path().into(),
        source,
    };
    let (names, trials) = (rows.texts("pipeline")?, rows.texts("trial")?);
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let grouped = rows
        .frame()
        .group_by_stable(["pipeline", "trial"])
        .map_err(failed)?
        .into_groups();
    let mut groups = Vec::new();
    for members in grouped.iter() {
        let mut ops: Vec<IdxSize> = match members {
            GroupsIndicator::Idx((_, all)) => all.to_vec(),
            GroupsIndicator::Slice([first, length]) => (first..first + length).collect(),
        };
        ops.sort_unstable();
        let Some(first) = ops.first().map(|op| *op as usize) else {
            continue;
        };
        let name = names.get(first).unwrap_or_default();
        let word = trials.get(first).unwrap_or_default();
        groups.push(Group {
            pipeline: *known.get(name).ok_or_else(|| EvidenceError::Pipeline {
                path: rows.path().into(),
                pipeline: name.to_owned(),
            })?,
            trial: Trial::parse(word)
                .ok_or_else(|| wrong(rows, first, format!("trial {word:?} is unknown")))?,
            ops,
        });
    }
    Ok(groups)
}

fn read_outcomes(rows: &Rows, group: &Group, into: &mut [u8]) -> Result<(), EvidenceError> {
    let words = rows.texts("outcome")?;
    for position in group.ops.iter().map(|op| *op as usize) {
        let word = words.get(position).unwrap_or_default();
        let index = group
            .trial
            .outcomes()
            .iter()
            .position(|known| *known == word);
        into[position] = index
            .and_then(|index| u8::try_from(index).ok())
            .ok_or_else(|| wrong(rows, position, format!("outcome {word:?} is unknown")))?;
    }
    Ok(())
}

fn recovered_by(rows: &Rows) -> Result<Vec<u8>, EvidenceError> {
    let mut found = Vec::with_capacity(rows.len());
    for (position, word) in rows.texts("recovered_by")?.iter().enumerate() {
        let index = match word {
            None => u8::MAX,
            Some(word) => rows
                .carriers()
                .iter()
                .position(|carrier| carrier == word)
                .and_then(|index| u8::try_from(index).ok())
                .ok_or_else(|| {
                    wrong(
                        rows,
                        position,
                        format!("recovered_by {word:?} is no carrier"),
                    )
                })?,
        };
        found.push(index);
    }
    Ok(found)
}

fn wrong(rows: &Rows, position: usize, reason: String) -> EvidenceError {
    let op = rows.big("op").ok().and_then(|ops| ops.get(position));
    EvidenceError::Value {
        path: rows.path().into(),
        op: op.unwrap_or_default(),
        reason,
    }
}

/// A column of times, with null (never examined) as 0 (not measured).
fn times(rows: &Rows, column: &str) -> Result<Vec<u64>, RowError> {
    Ok(rows
        .big(column)?
        .iter()
        .map(Option::unwrap_or_default)
        .collect())
}

fn interned(words: &StringChunked) -> Vec<u32> {
    let mut known: HashMap<&str, u32> = HashMap::new();
    words
        .iter()
        .map(|word| {
            let next = known.len() as u32;
            *known.entry(word.unwrap_or_default()).or_insert(next)
        })
        .collect()
}
