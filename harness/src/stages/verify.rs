//! The last stage: every signed file and every forgery through its pipelines and to the verifier, row by row.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use credlink_image_files::ImageFile;
use credlink_reports::controls::Controls;
use credlink_reports::header::ControlResult;
use credlink_reports::{RowError, RowWriter, RunHeader};
use credlink_sign_core::ProofId;
use credlink_trial_record::{Row, Trial};
use rayon::prelude::*;

use super::event::Event;
use super::in_order::InOrder;
use super::setting::Setting;
use super::sign::{SignedFile, SigningFailure};
use crate::clock;
use crate::identity;
use crate::ledger::Work;
use crate::negatives::{self, Donors, Forger};
use crate::plan::{Negative, Plan, PlannedImage};
use crate::systems::Sealed;
use crate::trial::{self, Entering, Subject};

/// What signing made of the planned images: `None` where the run was stopped before.
pub(super) type Signed = [Option<Result<SignedFile, SigningFailure>>];

/// The stage: everything that its jobs share.
pub(super) struct Verifying<'a> {
    plan: &'a Plan,
    signed: &'a Signed,
    system: &'a dyn Sealed,
    setting: &'a Setting<'a>,
    forger: Forger,
    donors: Donors<'a>,
    /// The proofs of each source.
    related: HashMap<&'a str, Vec<ProofId>>,
    not_made: Mutex<Vec<NotMade>>,
}

/// What came of it.
pub(super) struct Verified {
    pub(super) ops_done: u64,
    pub(super) not_made: Vec<String>,
    pub(super) ops_not_made: u64,
    pub(super) controls: Vec<ControlResult>,
}

/// A forgery that could not be made.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct NotMade {
    job: usize,
    what: String,
    ops: u64,
}

/// What a worker does next.
enum Job<'a> {
    Signed(
        &'a PlannedImage,
        &'a Option<Result<SignedFile, SigningFailure>>,
    ),
    Negative(&'a Negative),
}

impl<'a> Verifying<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        signed: &'a Signed,
        system: &'a dyn Sealed,
        setting: &'a Setting<'a>,
    ) -> Result<Self> {
        let mut related: HashMap<&str, Vec<ProofId>> = HashMap::new();
        for (PlannedImage { entry, .. }, signed) in plan.signed.iter().zip(signed) {
            if let Some(Ok(file)) = signed {
                related.entry(&entry.source).or_default().push(file.id);
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
            not_made: Mutex::new(Vec::new()),
        })
    }

    /// Does all jobs, writes their rows in the order of the plan, and finishes the file.
    pub(super) fn write_rows(self, mut writer: RowWriter, header: &RunHeader) -> Result<Verified> {
        let mut controls = Controls::of(header);
        let in_order = InOrder::new(|rows: Vec<Row>| -> Result<(), RowError> {
            rows.into_iter().try_for_each(|row| {
                controls.watch(&row, &header.carriers);
                writer.push(row)
            })
        });
        let signed = self.plan.signed.iter().zip(self.signed);
        let jobs = signed
            .map(|(image, signed)| Job::Signed(image, signed))
            .chain(self.plan.negatives.iter().map(Job::Negative));
        // A bridge hands jobs out one by one and in order, so that few results wait for their turn.
        let worked = jobs.enumerate().par_bridge().try_for_each(|(number, job)| {
            if self.setting.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            match self.rows(number, job) {
                Some(rows) => in_order.put(number, rows),
                None => Ok(()),
            }
        });
        in_order.finish().context("failed to write rows")?;
        worked.context("failed to write rows")?;
        let not_made = self.not_made.into_inner();
        let mut not_made = not_made.unwrap_or_else(PoisonError::into_inner);
        not_made.sort_unstable();
        Ok(Verified {
            ops_done: writer.finish().context("failed to finish the row file")?,
            ops_not_made: not_made.iter().map(|forgery| forgery.ops).sum(),
            not_made: not_made.into_iter().map(|forgery| forgery.what).collect(),
            controls: controls.results(),
        })
    }

    /// The rows of one job; `None` for an image that was not signed before the run was stopped.
    fn rows(&self, number: usize, job: Job<'_>) -> Option<Vec<Row>> {
        Some(match job {
            Job::Signed(image, signed) => match signed.as_ref()? {
                Ok(file) => self.of_signed(image, file),
                Err(failure) => self.of_unsignable(image, failure),
            },
            // Numbers of negatives follow those of signed images; a kind takes its donors in turn.
            Job::Negative(negative) => {
                let turn = number - self.plan.signed.len();
                let start = clock::thread_nanos();
                let file = caught(|| {
                    let image = &negative.image;
                    let forger = &self.forger;
                    let file =
                        forger.file(negative.trial, image, turn, &self.donors, self.setting)?;
                    negatives::keep(self.setting.negative_folder, negative, &file)?;
                    Ok(file)
                });
                let spent = clock::thread_nanos() - start;
                self.setting.ledger.add(Work::SourceImages, spent);
                match file {
                    // A forgery that cannot be made says nothing about whoever verifies.
                    Err(reason) if negative.trial != Trial::Unsigned => {
                        self.leave_out(number, negative, &reason);
                        Vec::new()
                    }
                    file => self.of_negative(negative, file),
                }
            }
        })
    }

    fn leave_out(&self, job: usize, negative: &Negative, reason: &str) {
        let ops = negative.image.pipelines.len() as u64;
        (self.setting.listener)(Event::Advanced(ops));
        let name = &negative.image.entry.name;
        let what = format!("{} of {name}: {reason}", negative.trial);
        let mut not_made = self.not_made.lock().unwrap_or_else(PoisonError::into_inner);
        not_made.push(NotMade { job, what, ops });
    }

    fn of_signed(&self, image: &PlannedImage, signed: &SignedFile) -> Vec<Row> {
        let file = std::fs::read(&signed.path)
            .map_err(|error| format!("{}: {error}", signed.path.display()));
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
        self.ops(image, &subject, file)
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

    fn of_negative(&self, negative: &Negative, file: Result<Vec<u8>, String>) -> Vec<Row> {
        let size = file.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let subject = Subject {
            source_bytes: size,
            signed_bytes: size,
            ..Subject::bare(negative.trial, &negative.image.entry)
        };
        self.ops(&negative.image, &subject, file)
    }

    /// All ops of one image; its pixels are decoded at most once for all of them.
    fn ops(
        &self,
        image: &PlannedImage,
        subject: &Subject<'_>,
        file: Result<Vec<u8>, String>,
    ) -> Vec<Row> {
        let file = file.and_then(|bytes| ImageFile::new(bytes).map_err(|error| error.to_string()));
        let file = match file {
            Ok(file) => Arc::new(file),
            Err(reason) => return self.errors(image, subject, "source", &reason),
        };
        let ledger = self.setting.ledger;
        // Decoded here, so that no pipeline's time depends on whether it came first. A file that cannot be decoded, or makes
        // a decoder panic, is each pipeline's own business: some never look at pixels.
        let start = clock::thread_nanos();
        let _ = caught(|| {
            let _ = file.frame();
            Ok(())
        });
        ledger.add(Work::Codec, clock::thread_nanos() - start);
        let entering = Entering::new(file);
        let op = |(offset, position): (usize, &usize)| {
            let number = image.first_op + offset as u64;
            let recipe = &self.plan.pipelines[*position];
            let row = trial::run(number, subject, &entering, recipe, self.system, ledger);
            (self.setting.listener)(Event::Advanced(1));
            row
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

/// A panic in a library as an error in words.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("a library panicked".to_owned()))
}
