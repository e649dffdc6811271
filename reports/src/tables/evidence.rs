//! Rows as records of plain numbers, checked against the header: what tables and plots count.
//!
//! The records lie in a temporary file, so that memory does not grow with the number of ops; what is kept of it are words
//! that rows repeat.

use std::path::Path;

use credlink_trial_record::{Beside, Outcome, Trial};

use super::EvidenceError;
use super::columns::Columns;
use super::detail::{Entrant, Interned, Mean, NONE, OpResult};
use super::op_file::OpFile;
use crate::header::RunHeader;
use crate::rows::{RowError, Rows, read_slices};
use crate::stats::Clusters;

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
    "error",
    "name",
    "same_bytes",
    "same_pixels",
    "content_distance",
    "source_bytes",
    "signed_bytes",
    "sign_psnr",
    "sign_ssim",
    "sign_ssimulacra2",
    "mark_psnr",
    "mark_ssim",
    "holds",
    "still_holds",
    "provenance",
];

/// Columns of each carrier that tables and plots need.
pub const CELLS: &[&str] = &[
    "accepted", "ns", "embedded", "state", "codes", "own", "wrong", "bits", "bytes", "sign_ns",
];

/// A run's header and rows, fit for counting.
#[derive(Debug)]
pub struct Evidence {
    header: RunHeader,
    /// Grouped by pipeline and trial.
    ops: OpFile,
    results: Vec<OpResult>,
    /// For each carrier what it took when images were signed: mean bytes and mean nanoseconds over signed ops.
    pub(crate) taken: Vec<[Mean; 2]>,
    /// For each carrier how many bits of a word were right, on average over the pooled signed ops in which one was read.
    right_bits: Vec<Mean>,
    pub(crate) classes: Vec<String>,
    pub(crate) formats: Vec<String>,
    pub(crate) errors: Vec<String>,
    /// For each carrier the words of its failures.
    pub(crate) causes: Vec<Vec<String>>,
    sources: Vec<String>,
}

impl Evidence {
    /// Joins a header and its rows (read with at least [`COLUMNS`] and [`CELLS`]).
    ///
    /// # Errors
    /// [`EvidenceError`] if they are of different runs or a row contradicts itself.
    pub fn new(header: RunHeader, rows: &Rows) -> Result<Self, EvidenceError> {
        let mut columns = Columns::new(&header, rows.path())?;
        columns.add(&header, rows)?;
        Self::of(header, columns, rows.path())
    }

    /// The same from a row file, slice by slice.
    ///
    /// # Errors
    /// [`EvidenceError`] if the file cannot be read, if header and rows are of different runs, or if a row contradicts
    /// itself.
    pub fn read(header: RunHeader, rows: &Path) -> Result<Self, EvidenceError> {
        Self::read_beside(header, rows, |_, _| Ok(()))
    }

    /// The same, handing on every slice that was found to be sound, for whoever counts something of its own.
    ///
    /// # Errors
    /// As [`Evidence::read`]; and whatever `each` refuses.
    pub(crate) fn read_beside(
        header: RunHeader,
        rows: &Path,
        mut each: impl FnMut(&RunHeader, &Rows) -> Result<(), RowError>,
    ) -> Result<Self, EvidenceError> {
        let mut columns = Columns::new(&header, rows)?;
        read_slices(rows, COLUMNS, CELLS, |slice| {
            columns.add(&header, slice)?;
            each(&header, slice).map_err(EvidenceError::from)
        })?;
        Self::of(header, columns, rows)
    }

    fn of(header: RunHeader, columns: Columns, rows: &Path) -> Result<Self, EvidenceError> {
        let causes = columns.causes.into_iter().map(Interned::into_list);
        let controls = columns.controls.confirmed(&header.controls);
        let all = Self {
            header: RunHeader { controls, ..header },
            ops: columns.ops.finish().map_err(EvidenceError::Kept)?,
            results: columns.results.into_list(),
            taken: columns.taken,
            right_bits: columns.right_bits,
            classes: columns.classes.into_list(),
            formats: columns.formats.into_list(),
            errors: columns.errors.into_list(),
            causes: causes.collect(),
            sources: columns.sources.into_list(),
        };
        all.each_once(rows)
    }

    /// Refuses rows in which an image goes through a pipeline twice in one kind of trial: rows that were doubled.
    fn each_once(self, path: &Path) -> Result<Self, EvidenceError> {
        let mut images = Vec::new();
        for (pipeline, of) in self.header.pipelines.iter().enumerate() {
            for trial in Trial::ALL {
                images.clear();
                images.extend(self.ops(pipeline, trial).map(|op| self.image(op)));
                images.sort_unstable();
                if let Some(pair) = images.windows(2).find(|pair| pair[0] == pair[1]) {
                    return Err(EvidenceError::Repeated {
                        path: path.into(),
                        image: pair[0],
                        pipeline: of.id.clone(),
                        trial,
                    });
                }
            }
        }
        Ok(self)
    }

    /// The image of the op at this position.
    pub(crate) fn entrant(&self, op: usize) -> Entrant {
        self.ops.read(op, |op| op.entrant())
    }

    /// The index of that image.
    pub(crate) fn image(&self, op: usize) -> u32 {
        self.ops.read(op, |op| op.image())
    }

    /// The index of the image's source, a position in [`Evidence::source_names`].
    pub(crate) fn source(&self, op: usize) -> u32 {
        self.ops.read(op, |op| op.source())
    }

    /// Where its row stands in the row file.
    pub(crate) fn row(&self, op: usize) -> u64 {
        self.ops.read(op, |op| op.row())
    }

    /// What became of the op at this position.
    pub(crate) fn result(&self, op: usize) -> &OpResult {
        &self.results[self.ops.read(op, |op| op.result()) as usize]
    }

    /// Whether the file that entered the op at this position held this beside its pixels.
    pub(crate) fn held(&self, op: usize, what: Beside) -> bool {
        self.ops.read(op, |op| op.held())[0] >> what as u16 & 1 == 1
    }

    /// Whether the received file still says the same.
    pub(crate) fn still_held(&self, op: usize, what: Beside) -> bool {
        self.ops.read(op, |op| op.held())[1] >> what as u16 & 1 == 1
    }

    /// How long the whole pipeline took, nanoseconds; 0 where it was not measured.
    pub(crate) fn transform_ns(&self, op: usize) -> u64 {
        self.ops.read(op, |op| op.transform_ns())
    }

    /// How long verification took, nanoseconds; 0 where it was not measured.
    pub(crate) fn verify_ns(&self, op: usize) -> u64 {
        self.ops.read(op, |op| op.verify_ns())
    }

    /// How long the proof's look-up took, nanoseconds; 0 where it was not measured.
    pub(crate) fn retrieve_ns(&self, op: usize) -> u64 {
        self.ops.read(op, |op| op.retrieve_ns())
    }

    /// How long a carrier was examined, nanoseconds; 0 where it was not.
    pub(crate) fn carrier_ns(&self, carrier: usize, op: usize) -> u64 {
        self.ops.read(op, |op| op.carrier(carrier).nanos)
    }

    /// Whether the op was attributed to another image's proof.
    pub(crate) fn is_misattributed(&self, op: usize) -> bool {
        self.result(op).outcome == Outcome::Misattributed
    }

    /// Whether the carrier looked at what was received at this position.
    pub(crate) fn was_examined(&self, carrier: usize, op: usize) -> bool {
        let causes = &self.result(op).causes;
        causes.get(carrier).is_some_and(|cause| *cause != NONE)
    }

    /// What decides for a carrier, towards the issued proof of the op at this position.
    pub(crate) fn own(&self, carrier: usize, op: usize) -> Option<u32> {
        self.ops.read(op, |op| op.carrier(carrier).own)
    }

    /// The same towards a wrong proof.
    pub(crate) fn wrong(&self, carrier: usize, op: usize) -> Option<u32> {
        self.ops.read(op, |op| op.carrier(carrier).wrong)
    }

    /// The share of bits, 0 to 1, that a carrier read right where it read a word; `None` where it never told.
    pub(crate) fn right_bits(&self, carrier: usize) -> Option<f64> {
        let header = self.header();
        let width = header.carrier(header.carriers.get(carrier)?).payload_bits;
        let mean = self.right_bits[carrier].value()?;
        (width > 0).then(|| mean / f64::from(width))
    }

    /// Names of the sources, by [`Entrant::source`].
    pub(crate) fn source_names(&self) -> &[String] {
        &self.sources
    }

    /// The run's header.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Positions of the ops of one pipeline (by its index in the header) and trial, by ascending op.
    pub(crate) fn ops(
        &self,
        pipeline: usize,
        trial: Trial,
    ) -> impl Iterator<Item = usize> + Clone + '_ {
        self.ops.group(pipeline * Trial::ALL.len() + trial as usize)
    }

    /// Positions of all ops of one trial, pipeline by pipeline.
    pub(crate) fn all_ops(&self, trial: Trial) -> impl Iterator<Item = usize> + Clone + '_ {
        (0..self.header.pipelines.len()).flat_map(move |pipeline| self.ops(pipeline, trial))
    }

    /// The same of simulated pipelines alone, controls included: what real servers and people did is counted apart.
    pub(crate) fn simulated_ops(&self, trial: Trial) -> impl Iterator<Item = usize> + Clone + '_ {
        let pipelines = self.header.pipelines.iter().enumerate();
        pipelines
            .filter(|(_, pipeline)| pipeline.provenance.is_simulated())
            .flat_map(move |(index, _)| self.ops(index, trial))
    }

    /// Positions of all signed ops that pooled figures count: those of controls, which nothing can go wrong in, are left
    /// out, and those that real servers or people did.
    pub(crate) fn pooled_ops(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        self.pooled_of(Trial::Signed)
    }

    /// The same of another kind of trial.
    pub(crate) fn pooled_of(&self, trial: Trial) -> impl Iterator<Item = usize> + Clone + '_ {
        let pipelines = self.header.pipelines.iter().enumerate();
        pipelines
            .filter(|(_, pipeline)| pipeline.is_pooled())
            .flat_map(move |(index, _)| self.ops(index, trial))
    }

    /// Rows of any kind.
    pub fn rows(&self) -> u64 {
        self.ops.len() as u64
    }

    /// Whether the op at this position is a signed one that survived.
    pub(crate) fn survived(&self, op: usize) -> bool {
        self.result(op).outcome.survived()
    }

    /// Counts per source: `count` adds what one op contributes to its source's columns, of which the first is the
    /// number of ops. Sources without any op are left out.
    pub(crate) fn clusters(
        &self,
        ops: impl Iterator<Item = usize>,
        columns: usize,
        count: impl Fn(usize, &mut [u32]),
    ) -> Clusters {
        let mut counts = vec![0; self.sources.len() * columns];
        for op in ops {
            let start = self.source(op) as usize * columns;
            count(op, &mut counts[start..start + columns]);
        }
        let sources = counts
            .chunks_exact(columns.max(1))
            .filter(|counts| counts[0] > 0);
        Clusters::of(columns, sources)
    }

    /// Per source: ops, survivals by any carrier, then acceptances by each carrier, then ops that survived by each
    /// carrier alone.
    pub(crate) fn survival_clusters(&self, ops: impl Iterator<Item = usize>) -> Clusters {
        let carriers = self.header.carriers.len();
        self.clusters(ops, 2 + 2 * carriers, |op, counts| {
            let result = self.result(op);
            let survived = result.outcome.survived();
            counts[0] += 1;
            counts[1] += u32::from(survived);
            let (each, only) = counts[2..].split_at_mut(carriers);
            for (carrier, (each, only)) in each.iter_mut().zip(only).enumerate() {
                *each += (result.accepted >> carrier & 1) as u32;
                *only += u32::from(survived && result.accepted == 1 << carrier);
            }
        })
    }

    /// Per source: ops, and those that count as survived by any carrier (`None`) or were accepted by this one.
    pub(crate) fn hit_clusters(
        &self,
        ops: impl Iterator<Item = usize>,
        measure: Option<usize>,
    ) -> Clusters {
        self.clusters(ops, 2, |op, counts| {
            counts[0] += 1;
            counts[1] += u32::from(self.hit(op, measure));
        })
    }

    /// Whether an op counts as survived by any carrier (`None`), or was accepted by this one.
    pub(crate) fn hit(&self, op: usize, measure: Option<usize>) -> bool {
        match measure {
            None => self.survived(op),
            Some(carrier) => self.result(op).accepted >> carrier & 1 == 1,
        }
    }
}
