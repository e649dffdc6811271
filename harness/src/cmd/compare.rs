//! `credlink compare`.

use anyhow::{Context, Result};
use credlink_harness::exit;
use credlink_reports::RunDir;
use credlink_reports::compare::{Change, agreements, compare, write_agreements};
use credlink_reports::stats::Equivalence;
use credlink_reports::tables::Evidence;

use crate::cli::CompareArgs;

pub(crate) fn run(args: &CompareArgs) -> Result<u8> {
    let (before, after) = (load(&args.before)?, load(&args.after)?);
    if let Some(margin) = args.equivalence {
        let lines = agreements(&before, &after, margin, args.allow_different)?;
        super::say(write_agreements(&lines, margin).trim_end())?;
        let agree = lines
            .iter()
            .all(|line| line.verdict == Equivalence::Equivalent);
        return Ok(if agree {
            exit::OK
        } else {
            exit::NOT_EQUIVALENT
        });
    }
    let comparison = compare(&before, &after, args.allow_different)?;
    super::say(comparison.to_string().trim_end())?;
    Ok(match comparison.verdict() {
        Change::Worse => exit::WORSE,
        Change::Better | Change::Same => exit::OK,
    })
}

fn load(run: &std::path::Path) -> Result<Evidence> {
    let failed = || format!("failed to read the run {}", run.display());
    let dir = RunDir::open(run).with_context(failed)?;
    credlink_reports::load(&dir).with_context(failed)
}
