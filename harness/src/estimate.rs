//! What a run would take, judged by a few of its ops done here and now: nothing is remembered from another machine or
//! another version.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::systems::System;
use anyhow::{Context, Result};
use credlink_corpus::ImageSet;
use credlink_image_files::ImageFile;
use credlink_sign_core::{Asset, ProofId};
use credlink_trial_record::Trial;

use crate::ledger::Ledger;
use crate::plan::{Plan, PlannedImage};
use crate::reencode::Rewriter;
use crate::trial::{self, Entering, Subject};
use crate::{clock, identity, received};

/// Bytes of a row in `rows.parquet` and of its line in `rows/`: 45 and 268 in a run of 11,197 ops
/// (`du -b RUN/rows.parquet RUN/rows`). A test holds the whole estimate against a run.
const ROW_BYTES: u64 = 313;
/// Page, plots, tables and gallery beside the rows, for each pipeline: 4.2 MB for 20 in the same run.
const PIPELINE_BYTES: u64 = 210_000;

/// What a run would take.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// CPU time of signing one image, the making or reading of its source included, in nanoseconds.
    pub sign_nanos: u64,
    /// CPU time of one signed and of one unsigned op of each pipeline, in the plan's order, in nanoseconds; 0 where
    /// the plan has none.
    pub op_nanos: Vec<(u64, u64)>,
    /// CPU time of the whole run in nanoseconds, the report aside.
    pub cpu_nanos: u64,
    /// Bytes of the run directory.
    pub disk_bytes: u64,
    /// Images that were signed to find out.
    pub samples: u64,
}

/// What signing one image gave.
struct Sample {
    source: Vec<u8>,
    signed: Vec<u8>,
    id: ProofId,
    /// Bytes that the proof store keeps of it.
    kept: u64,
    nanos: u64,
}

/// Does one signed and one unsigned op of each pipeline, in memory. Nothing is written.
///
/// # Errors
/// When a sample cannot be read or signed.
pub fn estimate(
    plan: &Plan,
    set: &dyn ImageSet,
    seed: u64,
    system: Box<dyn System>,
) -> Result<Estimate> {
    let mut samples = BTreeMap::new();
    let chosen: Vec<Option<&PlannedImage>> = (0..plan.pipelines.len())
        .map(|position| middle(plan, position))
        .collect();
    for image in chosen.iter().flatten() {
        let index = image.entry.index;
        if let std::collections::btree_map::Entry::Vacant(place) = samples.entry(index) {
            place.insert(sample(&*system, set, seed, index)?);
        }
    }
    let system = system.seal()?;
    let ledger = Ledger::new();
    let mut op_nanos = Vec::new();
    for (recipe, image) in plan.pipelines.iter().zip(&chosen) {
        let Some((image, sample)) = image.and_then(|i| Some((i, samples.get(&i.entry.index)?)))
        else {
            op_nanos.push((0, 0));
            continue;
        };
        let timed = |trial: Trial, issued: Option<ProofId>, bytes: &[u8]| -> Result<u64> {
            let file = Arc::new(ImageFile::new(bytes.to_vec())?);
            // As in a run, where all ops of an image share its pixels.
            let _ = file.frame();
            let entering = Entering::new(file);
            let subject = Subject {
                issued,
                source_bytes: sample.source.len() as u64,
                signed_bytes: bytes.len() as u64,
                ..Subject::bare(trial, &image.entry)
            };
            let start = clock::thread_nanos();
            trial::run(0, &subject, &entering, recipe, &*system, &ledger, None);
            Ok(clock::thread_nanos() - start)
        };
        op_nanos.push((
            timed(Trial::Signed, Some(sample.id), &sample.signed)?,
            timed(Trial::Unsigned, None, &sample.source)?,
        ));
    }
    let count = samples.len() as u64;
    let mean = |of: fn(&Sample) -> u64| samples.values().map(of).sum::<u64>() / count.max(1);
    let sign_nanos = mean(|sample| sample.nanos);
    let images = plan.signed.len() as u64;
    let ops = ops(plan);
    let op_time = |((signed, negative), (of_signed, of_negative)): (&(u64, u64), &(u64, u64))| {
        signed * of_signed + negative * of_negative
    };
    Ok(Estimate {
        sign_nanos,
        cpu_nanos: images * sign_nanos + ops.iter().zip(&op_nanos).map(op_time).sum::<u64>(),
        disk_bytes: images * mean(|sample| sample.signed.len() as u64 + sample.kept)
            + deceptions(plan) * mean(|sample| sample.signed.len() as u64)
            + (plan.signed_ops + plan.negative_ops) * ROW_BYTES
            + plan.pipelines.len() as u64 * PIPELINE_BYTES,
        op_nanos,
        samples: count,
    })
}

/// Signed and negative ops of each pipeline.
#[must_use]
pub fn ops(plan: &Plan) -> Vec<(u64, u64)> {
    let with = |images: &mut dyn Iterator<Item = &PlannedImage>, position: usize| {
        images
            .filter(|image| image.pipelines.contains(&position))
            .count() as u64
    };
    (0..plan.pipelines.len())
        .map(|position| {
            let signed = with(&mut plan.signed.iter(), position);
            let mut negatives = plan.negatives.iter().map(|negative| &negative.image);
            (signed, with(&mut negatives, position))
        })
        .collect()
}

/// Files that the run keeps of its negative trials.
fn deceptions(plan: &Plan) -> u64 {
    let made = plan.negatives.iter();
    made.filter(|negative| negative.trial != Trial::Unsigned)
        .count() as u64
}

/// The middle one of a pipeline's images: the first images of a set need not be typical of it.
fn middle(plan: &Plan, position: usize) -> Option<&PlannedImage> {
    let members: Vec<&PlannedImage> = plan
        .signed
        .iter()
        .filter(|image| image.pipelines.contains(&position))
        .collect();
    // Another one for each pipeline, so that sizes and formats are those of more than one image.
    let spread = members.len().min(8);
    members
        .get((members.len() - spread) / 2 + position % spread.max(1))
        .copied()
}

fn sample(system: &dyn System, set: &dyn ImageSet, seed: u64, index: usize) -> Result<Sample> {
    let start = clock::thread_nanos();
    let source = set.load(index)?.bytes;
    let rewriter = Rewriter::of(&source);
    let file = Asset::new(&source, &received::decode_bytes).with_encoder(&rewriter);
    let id = identity::proof_id(seed, index, &source);
    let signed = system
        .sign(&file, id)
        .with_context(|| format!("failed to sign {}", set.entry(index).name))?;
    if let Some(registered) = &signed.registered {
        system.register(id, registered)?;
    }
    let nanos = clock::thread_nanos() - start;
    Ok(Sample {
        kept: signed.kept_bytes,
        signed: signed.bytes,
        source,
        id,
        nanos,
    })
}
