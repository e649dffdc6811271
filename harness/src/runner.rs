//! Runs a plan: sign all, wait, then transform and verify, in parallel by image.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use credlink_reports::controls::Controls;
use credlink_reports::header::ControlResult;
use credlink_reports::{RowError, RowWriter, RunHeader};
use credlink_sign_core::ProofId;
use credlink_sign_core::system::{SealedSystem, System};
use credlink_transforms::file::ImageFile;
use credlink_transforms::meter::Meter;
use credlink_trial_record::{Row, Trial};
use rayon::prelude::*;

use crate::clock;
use crate::cost::Work;
use crate::event::Event;
use crate::identity;
use crate::in_order::InOrder;
use crate::negative::{self, Donors, Forger};
use crate::plan::{Negative, Plan, PlannedImage};
use crate::setting::Setting;
use crate::signing::{self, SignedFile, SigningFailure};
use crate::trial::{self, Subject};

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Ops with a row.
    pub ops_done: u64,
    /// Whether it was interrupted.
    pub partial: bool,
    /// Negative trials that could not be made, one sentence each, in the order of the plan.
    pub not_made: Vec<String>,
    /// The ops that they would have had.
    pub ops_not_made: u64,
    /// The controls' verdicts.
    pub controls: Vec<ControlResult>,
}

/// Runs the plan, which `header` describes, on the threads of the current rayon pool and finishes the row file.
///
/// Rows are written in the order of the plan, whatever the threads. An image that cannot be signed or read gives an
/// error row for each of its ops.
///
/// # Errors
/// When rows cannot be written, or the proofs cannot be kept.
pub fn run(
    plan: &Plan,
    system: Box<dyn System>,
    writer: RowWriter,
    header: &RunHeader,
    setting: &Setting<'_>,
) -> Result<Ending> {
    let &Setting { stop, listener, .. } = setting;
    let signed = signing::sign_all(&*system, &plan.signed, setting);
    // The barrier: from here on the store is complete and nothing can be added.
    let system = system
        .seal()
        .map_err(anyhow::Error::from)
        .context("failed to complete the proof store")?;

    listener(Event::Stage {
        name: "verifying",
        total: plan.signed_ops + plan.negative_ops,
    });
    let forger = Forger::new(setting.seed, setting.signer_name)
        .context("failed to make the keys of the negative trials")?;
    let donors = Donors {
        images: &plan.signed,
        signed: &signed,
    };
    let mut related: HashMap<String, Vec<ProofId>> = HashMap::new();
    for (PlannedImage { entry, .. }, signed) in plan.signed.iter().zip(&signed) {
        if let Some(Ok(file)) = signed {
            let of_source = related.entry(entry.source.clone()).or_default();
            of_source.push(file.id);
        }
    }
    let not_made: Mutex<Vec<(usize, String, u64)>> = Mutex::new(Vec::new());
    let mut controls = Controls::of(header);
    let mut writer = writer;
    let in_order = InOrder::new(|rows: Vec<Row>| -> Result<(), RowError> {
        rows.into_iter().try_for_each(|row| {
            controls.watch(&row, &header.carriers);
            writer.push(row)
        })
    });
    let jobs = plan
        .signed
        .iter()
        .zip(&signed)
        .map(|(image, signed)| Job::Signed(image, signed))
        .chain(plan.negatives.iter().map(Job::Negative));
    // A bridge hands jobs out one by one and in order, so that few results wait for their turn.
    let worked =
        jobs.enumerate()
            .par_bridge()
            .try_for_each(|(number, job)| -> Result<(), RowError> {
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let rows = match job {
                    Job::Signed(_, None) => return Ok(()),
                    Job::Signed(image, Some(Ok(file))) => {
                        signed_ops(plan, image, file, &related, &*system, setting)
                    }
                    Job::Signed(image, Some(Err(failure))) => {
                        failed_ops(plan, image, failure, setting)
                    }
                    Job::Negative(negative) => {
                        let start = clock::thread_nanos();
                        // Numbers of negatives follow those of signed images; a kind takes its donors in turn.
                        let turn = number - plan.signed.len();
                        let file = caught(|| {
                            let image = &negative.image;
                            let file =
                                forger.file(negative.trial, image, turn, &donors, setting)?;
                            negative::keep(setting.negative_folder, negative, &file)?;
                            Ok(file)
                        });
                        let spent = clock::thread_nanos() - start;
                        setting.ledger.add(Work::SourceImages, spent);
                        match file {
                            // A forgery that cannot be made says nothing about whoever verifies.
                            Err(reason) if negative.trial != Trial::Unsigned => {
                                let count = negative.image.pipelines.len() as u64;
                                listener(Event::Advanced(count));
                                let name = &negative.image.entry.name;
                                let what =
                                    format!("{} of {name}: {reason}", negative.trial.as_str());
                                let mut not_made =
                                    not_made.lock().unwrap_or_else(PoisonError::into_inner);
                                not_made.push((number, what, count));
                                Vec::new()
                            }
                            file => negative_ops(plan, negative, file, &*system, setting),
                        }
                    }
                };
                in_order.put(number, rows)
            });
    in_order.finish().context("failed to write rows")?;
    worked.context("failed to write rows")?;
    let ops_done = writer.finish().context("failed to finish the row file")?;
    let mut not_made = not_made
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    not_made.sort_unstable();
    let ops_not_made = not_made.iter().map(|(.., count)| count).sum::<u64>();
    Ok(Ending {
        ops_done,
        partial: ops_done + ops_not_made < plan.signed_ops + plan.negative_ops,
        not_made: not_made.into_iter().map(|(_, what, _)| what).collect(),
        ops_not_made,
        controls: controls.results(),
    })
}

fn signed_ops(
    plan: &Plan,
    image: &PlannedImage,
    signed: &SignedFile,
    related: &HashMap<String, Vec<ProofId>>,
    system: &dyn SealedSystem,
    setting: &Setting<'_>,
) -> Vec<Row> {
    let file =
        std::fs::read(&signed.path).map_err(|error| format!("{}: {error}", signed.path.display()));
    let subject = Subject {
        trial: Trial::Signed,
        entry: &image.entry,
        issued: Some(signed.id),
        source_bytes: signed.source_bytes,
        signed_bytes: signed.signed_bytes,
        embedded: &signed.embedded,
        mark: signed.mark,
        distortion: signed.distortion,
        sign_nanos: signed.nanos,
        costs: &signed.costs,
        related: related.get(&image.entry.source).map_or(&[], Vec::as_slice),
    };
    ops(plan, image, &subject, file, system, setting)
}

/// What a worker does next.
enum Job<'a> {
    Signed(
        &'a PlannedImage,
        &'a Option<Result<SignedFile, SigningFailure>>,
    ),
    Negative(&'a Negative),
}

/// A panic in a library as an error in words.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("a library panicked".to_owned()))
}

fn negative_ops(
    plan: &Plan,
    negative: &Negative,
    file: Result<Vec<u8>, String>,
    system: &dyn SealedSystem,
    setting: &Setting<'_>,
) -> Vec<Row> {
    let size = file.as_ref().map_or(0, |bytes| bytes.len() as u64);
    let subject = Subject {
        source_bytes: size,
        signed_bytes: size,
        ..Subject::bare(negative.trial, &negative.image.entry)
    };
    ops(plan, &negative.image, &subject, file, system, setting)
}

fn failed_ops(
    plan: &Plan,
    image: &PlannedImage,
    failure: &SigningFailure,
    setting: &Setting<'_>,
) -> Vec<Row> {
    // An id that no file carries keeps the op among the signed trials, in the denominator.
    let issued = identity::proof_id(setting.seed, image.entry.index, &[]);
    let subject = Subject {
        issued: Some(issued),
        ..Subject::bare(Trial::Signed, &image.entry)
    };
    errors(
        plan,
        image,
        &subject,
        failure.cause,
        &failure.reason,
        setting,
    )
}

/// All ops of one image; its pixels are decoded at most once for all of them.
fn ops(
    plan: &Plan,
    image: &PlannedImage,
    subject: &Subject<'_>,
    file: Result<Vec<u8>, String>,
    system: &dyn SealedSystem,
    setting: &Setting<'_>,
) -> Vec<Row> {
    let file = file.and_then(|bytes| ImageFile::new(bytes).map_err(|error| error.to_string()));
    let file = match file {
        Ok(file) => Arc::new(file),
        Err(reason) => return errors(plan, image, subject, "source", &reason, setting),
    };
    // Decoded here, so that no pipeline's time depends on whether it came first. An undecodable file is each
    // pipeline's own business: some never look at pixels, and who does meets the panic again.
    let start = clock::thread_nanos();
    let _ = caught(|| {
        let _ = file.frame(&Meter::new(&clock::thread_nanos));
        Ok(())
    });
    setting
        .ledger
        .add(Work::Codec, clock::thread_nanos() - start);
    let op = |(offset, position): (usize, &usize)| {
        let number = image.first_op + offset as u64;
        let recipe = &plan.pipelines[*position];
        let op = trial::run(number, subject, &file, recipe, system, setting.ledger);
        (setting.listener)(Event::Advanced(1));
        op
    };
    image.pipelines.iter().enumerate().map(op).collect()
}

fn errors(
    plan: &Plan,
    image: &PlannedImage,
    subject: &Subject<'_>,
    cause: &str,
    reason: &str,
    setting: &Setting<'_>,
) -> Vec<Row> {
    (setting.listener)(Event::Advanced(image.pipelines.len() as u64));
    let op = |(offset, position): (usize, &usize)| {
        let number = image.first_op + offset as u64;
        let recipe = &plan.pipelines[*position];
        trial::failed(number, subject, recipe, cause, reason.to_owned())
    };
    image.pipelines.iter().enumerate().map(op).collect()
}
