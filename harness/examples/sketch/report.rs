//! What the comparisons say together.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use credlink_reports::stats::{Rate, upper_bound};
use credlink_sign_core::sketch::Likeness;

use crate::trial::Trial;

pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len() as f64) as usize;
    values
        .get(at.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

#[expect(clippy::print_stdout, reason = "an example reports to people")]
pub(crate) fn report(trials: &[Trial]) {
    println!(
        "| what | n | same | altered | different | featureless | fingerprint | neither | lowest, median, highest similarity | CPU ms median, 99 % |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    let mut groups: BTreeMap<&str, Vec<&Trial>> = BTreeMap::new();
    for trial in trials {
        groups.entry(&trial.what).or_default().push(trial);
    }
    groups.insert("~ all", trials.iter().collect());
    for (what, group) in groups {
        let count = |wanted: Likeness| {
            group
                .iter()
                .filter(|trial| trial.comparison.verdict == wanted)
                .count()
        };
        let fingerprint = group.iter().filter(|trial| trial.fingerprint).count();
        let neither = group
            .iter()
            .filter(|t| !t.fingerprint && t.comparison.verdict != Likeness::Same)
            .count();
        let mut times: Vec<f64> = group.iter().map(|trial| trial.milliseconds).collect();
        let mut values: Vec<f64> = group
            .iter()
            .map(|trial| f64::from(trial.comparison.similarity))
            .collect();
        println!(
            "| {what} | {} | {} | {} | {} | {} | {fingerprint} | {neither} | {:.3} {:.3} {:.3} | {:.2} {:.2} |",
            group.len(),
            count(Likeness::Same),
            count(Likeness::Altered),
            count(Likeness::Different),
            count(Likeness::Featureless),
            percentile(&mut values, 0.0),
            percentile(&mut values, 0.5),
            percentile(&mut values, 1.0),
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.99),
        );
    }
    let same = |trial: &&Trial| trial.comparison.verdict == Likeness::Same;
    let confirmed = trials.iter().filter(same).count();
    let rate = Rate {
        k: confirmed as u64,
        n: trials.len() as u64,
    };
    println!(
        "confirmed: {confirmed} of {}; at most {:.6} with 95 % confidence",
        trials.len(),
        upper_bound(rate).unwrap_or(1.0)
    );
    // What the next false confirmation, or the next loss, would look like.
    let margin = |trial: &Trial| trial.comparison.similarity - trial.comparison.same_from;
    let mut nearest: Vec<&Trial> = trials.iter().collect();
    nearest.sort_by(|a, b| margin(a).abs().total_cmp(&margin(b).abs()));
    for trial in nearest.into_iter().take(5) {
        let c = &trial.comparison;
        println!(
            "near its limit: {}, {}: {:.3} of {:.3}, {:?}, {:?}",
            trial.what, trial.names, c.similarity, c.same_from, c.path, c.verdict
        );
    }
    let mut paths: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for trial in trials {
        let path = format!("{:?}", trial.comparison.path);
        paths.entry(path).or_default().push(trial.milliseconds);
    }
    for (path, mut times) in paths {
        println!(
            "{path}: {}; CPU ms median {:.2}, 99 % {:.2}",
            times.len(),
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.99)
        );
    }
}

pub(crate) fn written(path: &Path, trials: &[Trial]) -> Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for trial in trials {
        let c = &trial.comparison;
        writeln!(
            file,
            "{}\t{}\t{}\t{:.4}\t{:.3}\t{:.2}\t{:?}\t{:?}\t{:?}\t{}\t{:.3}\t{:.3}\t{:.2}\t{:.4}\t{:.1}\t{:.1}\t{:.3}\t{:.3}\t{}",
            trial.what,
            trial.class,
            trial.names,
            c.similarity,
            c.coverage,
            c.evidence,
            c.path,
            c.symmetry,
            c.verdict,
            trial.fingerprint,
            trial.milliseconds,
            c.largest_difference,
            c.corners,
            c.same_from,
            c.shades.map_or(f32::NAN, |shades| shades.spread),
            c.shades.map_or(f32::NAN, |shades| shades.difference),
            c.shading.unwrap_or(f32::NAN),
            c.map.gain,
            trial.note
        )?;
    }
    Ok(())
}
