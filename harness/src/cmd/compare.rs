//! `credlink compare`.

use anyhow::{Context, Result};
use credlink_harness::exit;
use credlink_reports::RunDir;
use credlink_reports::compare::{
    Agreement, Change, Comparison, agreements, compare, write_agreements,
};
use credlink_reports::stats::{Equivalence, Interval, Rate};
use credlink_reports::tables::Evidence;
use serde_json::{Value as Json, json};

use crate::cli::CompareArgs;

pub(crate) fn run(args: &CompareArgs) -> Result<u8> {
    let (before, after) = (load(&args.before)?, load(&args.after)?);
    if let Some(margin) = args.equivalence {
        let lines = agreements(&before, &after, margin, args.allow_different)?;
        if args.json {
            super::say(&format!("{:#}", agreements_json(&lines, margin)))?;
        } else {
            super::say(write_agreements(&lines, margin).trim_end())?;
        }
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
    if args.json {
        super::say(&format!("{:#}", as_json(&comparison)))?;
    } else {
        super::say(comparison.to_string().trim_end())?;
    }
    Ok(match comparison.verdict() {
        Change::Worse => exit::WORSE,
        Change::Better | Change::Same => exit::OK,
    })
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Better => "better",
        Change::Worse => "worse",
        Change::Same => "same",
    }
}

fn ends(interval: Interval) -> Json {
    json!([interval.low, interval.high])
}

/// Rates and intervals as fractions, times in nanoseconds.
fn as_json(comparison: &Comparison) -> Json {
    let rate = |rate: Rate| json!({ "k": rate.k, "n": rate.n });
    let survival = comparison.survival.iter().map(|line| {
        json!({
            "pipeline": line.pipeline,
            "measure": line.measure,
            "change": word(line.change),
            "before": rate(line.before),
            "after": rate(line.after),
            "pairs": line.changed.map(|(lost, won)| json!({ "lost": lost, "won": won })),
            "difference": line.difference,
            "interval": ends(line.interval),
            "p": line.p,
            "p_adjusted": line.p_adjusted,
        })
    });
    let latency = comparison.latency.iter().map(|line| {
        json!({
            "name": line.name,
            "percentile": line.percentile.name,
            "change": word(line.change),
            "before": line.shift.before,
            "after": line.shift.after,
            "relative": line.shift.relative,
            "interval": ends(line.shift.interval),
        })
    });
    json!({
        "before": comparison.runs.0,
        "after": comparison.runs.1,
        "verdict": word(comparison.verdict()),
        "paired": comparison.paired,
        "differences": comparison.differences,
        "averages": comparison.averages,
        "same_machine": comparison.same_machine,
        "survival": survival.collect::<Vec<_>>(),
        "latency": latency.collect::<Vec<_>>(),
    })
}

fn agreements_json(lines: &[Agreement], margin: f64) -> Json {
    let lines = lines.iter().map(|line| {
        json!({
            "family": line.family,
            "measure": line.measure,
            "verdict": line.verdict.as_str(),
            "pipelines": line.pipelines,
            "sources": [line.sources.0, line.sources.1],
            "first": line.first.map(|arm| arm.value),
            "second": line.second.map(|arm| arm.value),
            "difference": line.difference.map(ends),
        })
    });
    json!({ "margin": margin, "lines": lines.collect::<Vec<_>>() })
}

fn load(run: &std::path::Path) -> Result<Evidence> {
    let failed = || format!("failed to read the run {}", run.display());
    let dir = RunDir::open(run).with_context(failed)?;
    credlink_reports::load(&dir).with_context(failed)
}
