//! `credlink survival --dry-run`: what a run would do, and about what it would take.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Result;
use credlink_corpus::ImageSet;
use credlink_harness::plan::{Plan, PlannedImage};
use credlink_harness::{clock, delivery, received};
use credlink_reports::figures::{bytes, count, duration, plural};
use credlink_transforms::file::ImageFile;
use credlink_transforms::meter::Meter;

/// Bytes of a row in the row file, and of its line in the CSV files, measured on runs of 10,000 ops.
const ROW_BYTES: u64 = 45 + 260;
/// What signing adds to a file: manifest and link.
const PROOF_BYTES: u64 = 14 * 1024;

/// Prints the plan. One op of each pipeline is timed, without signing; nothing is written.
pub(crate) fn print(plan: &Plan, set: &dyn ImageSet, threads: usize) -> Result<()> {
    let mut text = format!(
        "{:<36} {:>9} {:>9} {:>12}\n",
        "pipeline", "signed", "negative", "about an op"
    );
    let with = |position: usize| move |image: &&PlannedImage| image.pipelines.contains(&position);
    let (mut nanos, mut sizes) = (0_u64, Vec::new());
    for (position, recipe) in plan.pipelines.iter().enumerate() {
        let signed = plan.signed.iter().filter(with(position)).count() as u64;
        let negatives = plan.negatives.iter().map(|negative| &negative.image);
        let negative = negatives.filter(with(position)).count() as u64;
        let mut members = plan.signed.iter().filter(with(position));
        // The middle one: the first images of a set need not be typical of it.
        let middle = usize::try_from(signed / 2)?;
        let timed = match members.nth(middle) {
            Some(image) => {
                let source = set.load(image.entry.index)?;
                sizes.push(source.bytes.len() as u64);
                let start = clock::wall_nanos();
                let file = Arc::new(ImageFile::new(source.bytes)?);
                let no_clock = || 0;
                if let Ok(out) =
                    recipe.apply_in(&file, delivery::surroundings(&Meter::new(&no_clock)))
                {
                    // Verification is mostly decoding; hashing adds about as much again.
                    let _ = received::decode_bytes(out.bytes());
                }
                clock::wall_nanos() - start
            }
            None => 0,
        };
        nanos += timed * (signed + negative);
        writeln!(
            text,
            "{:<36} {:>9} {:>9} {:>12}",
            recipe.id,
            count(signed),
            count(negative),
            duration(timed)
        )?;
    }
    let images = plan.signed.len() as u64;
    let mean = sizes.iter().sum::<u64>() / (sizes.len() as u64).max(1);
    let all = plan.signed_ops + plan.negative_ops;
    let disk = images * (mean + 2 * PROOF_BYTES) + all * ROW_BYTES;
    write!(
        text,
        "\n{} through simulated pipelines, {} signed, {}\n\
         time: about {} on {}, judged by one op of each pipeline\n\
         disk: about {}, judged by {} of {}",
        plural(all, "op"),
        plural(images, "image"),
        plural(plan.negatives.len() as u64, "negative trial file"),
        duration(nanos / threads.max(1) as u64),
        plural(threads as u64, "thread"),
        bytes(disk),
        plural(sizes.len() as u64, "file"),
        bytes(mean),
    )?;
    for shortfall in &plan.shortfalls {
        write!(text, "\nnote: {shortfall}")?;
    }
    super::say(&text)
}
