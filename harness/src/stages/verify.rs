//! The last stage: every signed file and every forgery through its pipelines and to the verifier, row by row.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use credlink_image_files::ImageFile;
use credlink_sign_core::ProofId;
use credlink_trial_record::{Row, Trial};
use rayon::prelude::*;

use super::event::Event;
use super::in_order::InOrder;
use super::setting::Setting;
use crate::clock;
use crate::identity;
use crate::journal::{Assembly, Begun, JobRows, LeftOut, Stage};
use crate::ledger::Work;
use crate::negatives::{self, Donors, Forger, Unmade};
use crate::plan::{Negative, Plan, PlannedImage};
use crate::signed_file::{SignedFile, SignedImages, Signing, SigningFailure};
use crate::systems::{DISK, Sealed};
use crate::trial::{self, Entering, Subject};

/// The cause of an op that ended the process that ran it.
const CRASH: &str = "crash";
const PANICKED: &str = "a library panicked";

/// The stage: everything that its jobs share.
pub(super) struct Verifying<'a> {
    plan: &'a Plan,
    signed: &'a SignedImages,
    system: &'a dyn Sealed,
    setting: &'a Setting<'a>,
    forger: Forger,
    donors: Donors<'a>,
    /// The proofs of each source.
    related: HashMap<&'a str, Vec<ProofId>>,
}

/// What a worker does next.
enum Job<'a> {
    Signed(Cow<'a, PlannedImage>, Box<Option<Signing>>),
    Negative(Cow<'a, Negative>),
}

impl<'a> Verifying<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        signed: &'a SignedImages,
        system: &'a dyn Sealed,
        setting: &'a Setting<'a>,
    ) -> Result<Self> {
        let mut related: HashMap<&str, Vec<ProofId>> = HashMap::new();
        for (position, PlannedImage { entry, .. }) in plan.signed.iter().enumerate() {
            if let Some(proof) = signed.proof(position) {
                related.entry(&entry.source).or_default().push(proof);
            }
        }
        Ok(Self {
            plan,
            signed,
            system,
            setting,
            forger: Forger::new(setting.seed, setting.signer_name)
                .context("failed to make the keys of the negative trials")?,
            donors: Donors::new(&plan.signed, signed),
            related,
        })
    }

    /// Does every job of this part that is not among the finished ones, and keeps its rows in the journal.
    pub(super) fn all(&self, finished: &Assembly) -> Result<()> {
        let setting = self.setting;
        let is_missing = |job: &usize| setting.share.verifies(*job) && !finished.holds(*job);
        // What was under way when a process ended may have ended it: tried alone, and if that ends a process again, apart.
        let mut done = BTreeSet::new();
        for (number, how) in setting.journal.suspects(Stage::Verify) {
            if !is_missing(&number) || setting.stop.load(Ordering::Relaxed) {
                continue;
            }
            let rows = match how {
                Begun::Among => {
                    setting.journal.begin(Stage::Verify, number, Begun::Alone)?;
                    self.rows(number, self.job(number, None)?)?
                }
                Begun::Alone => Some(self.apart(number)?),
            };
            setting.journal.end(Stage::Verify, number)?;
            if let Some(rows) = rows {
                setting.journal.finished(rows)?;
                setting.journal.flush()?;
                done.insert(number);
            }
        }
        let in_order = InOrder::new(|rows: JobRows| setting.journal.finished(rows));
        let jobs = 0..self.plan.signed.len() + self.plan.negatives.len();
        let missing = jobs.filter(|job| is_missing(job) && !done.contains(job));
        // A bridge hands jobs out one by one and in order, so that few results wait for their turn.
        let worked = missing
            .enumerate()
            .par_bridge()
            .try_for_each(|(turn, number)| {
                if setting.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                setting.journal.begin(Stage::Verify, number, Begun::Among)?;
                let rows = self.rows(number, self.job(number, None)?)?;
                setting.journal.end(Stage::Verify, number)?;
                match rows {
                    Some(rows) => in_order.put(turn, rows),
                    None => Ok(()),
                }
            });
        in_order.finish()?;
        worked?;
        setting.journal.flush()
    }

    /// The ops of a job from its `from`th on, one by one, each with its row before the next begins, and its place among the job's
    /// ops for a number.
    pub(super) fn one_by_one(
        &self,
        number: usize,
        from: usize,
        mut each: impl FnMut(JobRows) -> Result<()>,
    ) -> Result<()> {
        for op in from..self.image(number).pipelines.len() {
            if let Some(rows) = self.rows(number, self.job(number, Some(op))?)? {
                each(JobRows { job: op, ..rows })?;
            }
        }
        Ok(())
    }

    /// A job in processes of their own: what ends one is the op that it had come to, and becomes a row with that cause.
    fn apart(&self, number: usize) -> Result<JobRows> {
        let ops = self.image(number).pipelines.len();
        let mut all = JobRows {
            job: number,
            ..JobRows::default()
        };
        while all.rows.len() < ops && all.left_out.is_none() {
            let from = all.rows.len();
            let (rows, death) = (self.setting.apart.verify)(number, from)?;
            all.rows.extend(rows.rows);
            all.left_out = rows.left_out;
            if let Some(death) = death {
                let job = self.job(number, Some(all.rows.len()))?;
                all.rows.extend(self.died(job, &death)?);
            } else if all.rows.len() < ops && all.left_out.is_none() {
                bail!(
                    "job {number} ended apart with {} of {ops} rows",
                    all.rows.len()
                );
            }
        }
        Ok(all)
    }

    /// The image of a job.
    fn image(&self, number: usize) -> &'a PlannedImage {
        match number.checked_sub(self.plan.signed.len()) {
            None => &self.plan.signed[number],
            Some(negative) => &self.plan.negatives[negative].image,
        }
    }

    /// A job, or one op of it.
    fn job(&self, number: usize, op: Option<usize>) -> Result<Job<'a>> {
        let image = self.image(number);
        let only = op.map(|op| PlannedImage {
            pipelines: image.pipelines[op..=op].into(),
            first_op: image.first_op + op as u64,
            entry: image.entry.clone(),
        });
        Ok(match number.checked_sub(self.plan.signed.len()) {
            None => Job::Signed(
                only.map_or(Cow::Borrowed(image), Cow::Owned),
                Box::new(self.signed.get(number)?),
            ),
            Some(negative) => {
                let negative = &self.plan.negatives[negative];
                Job::Negative(only.map_or(Cow::Borrowed(negative), |image| {
                    Cow::Owned(Negative {
                        trial: negative.trial,
                        image,
                    })
                }))
            }
        })
    }

    /// The rows of one job; `None` for an image that was not signed before the run was stopped. What our own disk refuses is an
    /// error of the run, and no answer.
    fn rows(&self, number: usize, job: Job<'_>) -> Result<Option<JobRows>> {
        let mut left_out = None;
        let rows = match job {
            Job::Signed(image, signed) => match &*signed {
                None => return Ok(None),
                Some(Ok(file)) => self.of_signed(&image, file, None)?,
                Some(Err(failure)) => self.of_unsignable(&image, failure),
            },
            // Numbers of negatives follow those of signed images; a kind takes its donors in turn.
            Job::Negative(negative) => {
                let turn = number - self.plan.signed.len();
                let start = clock::thread_nanos();
                let image = &negative.image;
                let made = catch_unwind(AssertUnwindSafe(|| {
                    let (donors, setting) = (&self.donors, self.setting);
                    self.forger
                        .file(negative.trial, image, turn, donors, setting)
                }));
                let file = made.unwrap_or_else(|_| Err(PANICKED.to_owned().into()));
                if let Ok(file) = &file {
                    negatives::keep(self.setting.negative_folder, &negative, file)?;
                }
                let spent = clock::thread_nanos() - start;
                self.setting.ledger.add(Work::SourceImages, spent);
                match file {
                    Ok(file) => self.of_negative(&negative, Ok(file))?,
                    Err(Unmade::NoSource(reason)) => self.of_negative(&negative, Err(reason))?,
                    // A forgery that cannot be made says nothing about whoever verifies.
                    Err(Unmade::NotPossible(reason)) => {
                        left_out = Some(self.left_out(&negative, &reason));
                        Vec::new()
                    }
                    Err(Unmade::Disk(reason)) => bail!(reason),
                }
            }
        };
        Ok(Some(JobRows {
            job: number,
            rows,
            left_out,
        }))
    }

    /// The rows of a job that ends processes.
    fn died(&self, job: Job<'_>, death: &str) -> Result<Vec<Row>> {
        Ok(match job {
            Job::Signed(image, signed) => match &*signed {
                Some(Ok(file)) => self.of_signed(&image, file, Some(death))?,
                _ => {
                    let subject = Subject::bare(Trial::Signed, &image.entry);
                    self.errors(&image, &subject, CRASH, death)
                }
            },
            Job::Negative(negative) => {
                let subject = Subject::bare(negative.trial, &negative.image.entry);
                self.errors(&negative.image, &subject, CRASH, death)
            }
        })
    }

    fn left_out(&self, negative: &Negative, reason: &str) -> LeftOut {
        let ops = negative.image.pipelines.len() as u64;
        (self.setting.listener)(Event::Advanced(ops));
        let name = &negative.image.entry.name;
        let what = format!("{} of {name}: {reason}", negative.trial);
        LeftOut { what, ops }
    }

    fn of_signed(
        &self,
        image: &PlannedImage,
        signed: &SignedFile,
        death: Option<&str>,
    ) -> Result<Vec<Row>> {
        let related = self.related.get(image.entry.source.as_str());
        let subject = Subject {
            trial: Trial::Signed,
            entry: &image.entry,
            issued: Some(signed.id),
            source_bytes: signed.source_bytes,
            signed_bytes: signed.signed_bytes,
            embedded: &signed.embedded,
            mark: signed.mark,
            distortion: signed.distortion,
            perceptual: signed.perceptual,
            fate: Some(&signed.fate),
            sign_nanos: signed.nanos,
            costs: &signed.costs,
            related: related.map_or(&[], Vec::as_slice),
        };
        if let Some(death) = death {
            return Ok(self.errors(image, &subject, CRASH, death));
        }
        let file = signed.read().map_err(anyhow::Error::msg)?;
        self.ops(image, &subject, Ok(file))
    }

    fn of_unsignable(&self, image: &PlannedImage, failure: &SigningFailure) -> Vec<Row> {
        // An id that no file carries keeps the op among the signed trials, in the denominator.
        let issued = identity::proof_id(self.setting.seed, image.entry.index, &[]);
        let subject = Subject {
            issued: Some(issued),
            ..Subject::bare(Trial::Signed, &image.entry)
        };
        self.errors(image, &subject, &failure.cause, &failure.reason)
    }

    fn of_negative(&self, negative: &Negative, file: Result<Vec<u8>, String>) -> Result<Vec<Row>> {
        let size = file.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let subject = Subject {
            source_bytes: size,
            signed_bytes: size,
            ..Subject::bare(negative.trial, &negative.image.entry)
        };
        self.ops(&negative.image, &subject, file)
    }

    /// All ops of one image; its pixels are decoded at most once for all of them.
    ///
    /// # Errors
    /// When this machine's own disk refused what an op needed.
    fn ops(
        &self,
        image: &PlannedImage,
        subject: &Subject<'_>,
        file: Result<Vec<u8>, String>,
    ) -> Result<Vec<Row>> {
        let file = file.and_then(|bytes| ImageFile::new(bytes).map_err(|error| error.to_string()));
        let file = match file {
            Ok(file) => Arc::new(file),
            Err(reason) => return Ok(self.errors(image, subject, "source", &reason)),
        };
        let ledger = self.setting.ledger;
        // Decoded here, so that no pipeline's time depends on whether it came first. A file that cannot be decoded, or makes
        // a decoder panic, is each pipeline's own business: some never look at pixels.
        let start = clock::thread_nanos();
        let _ = catch_unwind(AssertUnwindSafe(|| file.frame().is_ok()));
        ledger.add(Work::Codec, clock::thread_nanos() - start);
        let entering = Entering::new(file);
        let op = |(offset, position): (usize, &usize)| {
            let number = image.first_op + offset as u64;
            let recipe = &self.plan.pipelines[*position];
            let live = self.setting.live;
            let row = trial::run(
                number,
                subject,
                &entering,
                recipe,
                self.system,
                ledger,
                live,
            );
            (self.setting.listener)(Event::Advanced(1));
            match &row.error {
                Some(reason) if row.error_cause.as_deref() == Some(DISK) => {
                    bail!("op {number}: {reason}")
                }
                _ => Ok(row),
            }
        };
        image.pipelines.iter().enumerate().map(op).collect()
    }

    /// An error row for each op of an image.
    fn errors(
        &self,
        image: &PlannedImage,
        subject: &Subject<'_>,
        cause: &str,
        reason: &str,
    ) -> Vec<Row> {
        (self.setting.listener)(Event::Advanced(image.pipelines.len() as u64));
        let op = |(offset, position): (usize, &usize)| {
            let number = image.first_op + offset as u64;
            let recipe = &self.plan.pipelines[*position];
            trial::failed(number, subject, recipe, cause, reason.to_owned())
        };
        image.pipelines.iter().enumerate().map(op).collect()
    }
}
