//! The document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use credlink_reports::stats::{Clusters, Interval};

use crate::curve::{FALSE_ALARMS, MEASURES, Measure, area, limit};
use crate::edit::EDITS;
use crate::op::{End, Op};
use crate::{Arguments, PIPELINES};

/// Counts with an interval over images, since one image goes through several pipelines.
fn rate<'a>(ops: impl Iterator<Item = &'a Op>, hit: impl Fn(&Op) -> Option<bool>) -> String {
    let mut counts: BTreeMap<usize, [u32; 2]> = BTreeMap::new();
    for op in ops {
        if let Some(hit) = hit(op) {
            let counts = counts.entry(op.source).or_default();
            counts[0] += 1;
            counts[1] += u32::from(hit);
        }
    }
    let [n, k] = counts
        .values()
        .fold([0, 0], |[n, k], counts| [n + counts[0], k + counts[1]]);
    let clusters = Clusters::of(2, counts.into_values());
    match clusters.interval(1, 0, 0.05) {
        Some(Interval { low, high }) => format!(
            "{k}/{n} = {:.1} % ({:.1}–{:.1})",
            100.0 * f64::from(k) / f64::from(n),
            100.0 * low,
            100.0 * high
        ),
        None => "not measured".to_owned(),
    }
}

/// The document as Markdown.
pub(crate) fn report(arguments: &Arguments, images: usize, ops: &[Op]) -> Result<String> {
    let mut text = heading(arguments, images, ops);
    text += &by_edit(ops);
    text += &by_pipeline(ops);
    text += "\n## Detection against false alarm\n\n\
        The limit of each row is the smallest that raises no more than 0, 1, 2, 5 or 10 % of false alarms on the unedited copies of every other\n\
        image; the row tells what it does to the rest, on which it was not set. An image is flagged above it.\n\n";
    for measure in MEASURES {
        curve(&mut text, ops, measure)?;
    }
    Ok(text.trim_end().to_owned())
}

fn heading(arguments: &Arguments, images: usize, ops: &[Op]) -> String {
    let synthetic = match arguments.synthetic {
        0 => String::new(),
        number => format!(" --synthetic {number}"),
    };
    let photos = match arguments.photos {
        Some(_) => " --photos DIR",
        None => "",
    };
    let pipelines = PIPELINES.map(|(id, what)| format!("`{id}` ({what})"));
    format!(
        "# Is a local edit noticed?\n\n\
         Made by `cargo run -p credlink-harness --example alteration --{synthetic}{photos} --seed {}`; do not edit. {images} signed images, {} ops. Each image was signed with all carriers,\n\
         edited, saved without metadata, sent through {} and verified. Pixels alone lead to the proof. Intervals are\n\
         95 %, over images. What follows a recovered proof never says that an image is unaltered.\n\n\
         Proofs of other images accepted: {}.\n\n",
        arguments.seed,
        ops.len(),
        pipelines.join(", "),
        ops.iter().filter(|op| matches!(op.end, End::Wrong)).count()
    )
}

fn of(ops: &[Op], edit: Option<usize>) -> impl Iterator<Item = &Op> {
    ops.iter().filter(move |op| op.edit == edit)
}

fn is_recovered(op: &Op) -> Option<bool> {
    Some(op.found().is_some())
}

fn is_noticed(op: &Op) -> Option<bool> {
    Some(op.found()?.noticed)
}

fn by_edit(ops: &[Op]) -> String {
    let mut text = "## By edit\n\n\
        Unconfirmed: a pointer led to the proof, but the pixels did not confirm it. Noticed: of the images whose proof was\n\
        recovered, those of which the sketch says that something was changed. Its limits stand in `sign-core/src/sketch/compare.rs`; they were chosen on\n\
        photographs, none on these synthetic images.\n\n\
        | edit | proof recovered | unconfirmed | noticed |\n|---|--:|--:|--:|\n"
        .to_owned();
    for edit in std::iter::once(None).chain((0..EDITS.len()).map(Some)) {
        text += &format!(
            "| {} | {} | {} | {} |\n",
            edit.map_or("nothing", |number| EDITS[number].name),
            rate(of(ops, edit), is_recovered),
            rate(of(ops, edit), |op| Some(matches!(op.end, End::Unconfirmed))),
            rate(of(ops, edit), is_noticed)
        );
    }
    text
}

fn by_pipeline(ops: &[Op]) -> String {
    let mut text = "\n## By pipeline\n\n\
        | pipeline | edited: recovered | edited: noticed | nothing edited: false alarms |\n|---|--:|--:|--:|\n"
        .to_owned();
    for (number, (id, _)) in PIPELINES.iter().enumerate() {
        let through = |edited: bool| {
            ops.iter()
                .filter(move |op| op.pipeline == number && op.edit.is_some() == edited)
        };
        text += &format!(
            "| `{id}` | {} | {} | {} |\n",
            rate(through(true), is_recovered),
            rate(through(true), is_noticed),
            rate(through(false), is_noticed)
        );
    }
    text
}

/// What each limit on one measure flags.
fn curve(text: &mut String, ops: &[Op], (title, measure, digits): Measure) -> Result<()> {
    let calibrates = |op: &Op| op.source.is_multiple_of(2);
    let values = |wanted: &dyn Fn(&Op) -> bool| -> Vec<f64> {
        let ops = ops.iter().filter(|op| wanted(op));
        ops.filter_map(Op::found).map(measure).collect()
    };
    let unedited = |op: &Op| op.edit.is_none();
    let area = area(&values(&unedited), &values(&|op| !unedited(op)));
    let calibration = values(&|op| unedited(op) && calibrates(op));
    writeln!(
        text,
        "### By the {title}\n\nArea under the curve, all edits: {area:.3}.\n"
    )?;
    let names = EDITS.map(|edit| edit.name).join(" | ");
    writeln!(
        text,
        "| limit | false alarms | all edits | {names} |\n|--:|--:|--:|{}",
        "--:|".repeat(EDITS.len())
    )?;
    let mut limits = FALSE_ALARMS
        .map(|share| limit(&calibration, share))
        .to_vec();
    // Few different values leave few different limits.
    limits.dedup_by_key(|limit| format!("{limit:.digits$}"));
    for limit in limits {
        let flagged = |op: &Op| op.found().map(|found| measure(found) > limit);
        let held_out = |edit: Option<usize>| of(ops, edit).filter(|op| !calibrates(op));
        let every = ops.iter().filter(|op| op.edit.is_some() && !calibrates(op));
        write!(
            text,
            "| {limit:.digits$} | {} | {} |",
            rate(held_out(None), flagged),
            rate(every, flagged)
        )?;
        for number in 0..EDITS.len() {
            let hits = held_out(Some(number)).filter_map(flagged);
            match hits.fold((0, 0), |(k, n), hit| (k + u32::from(hit), n + 1)) {
                (_, 0) => write!(text, " not measured |")?,
                (k, n) => write!(text, " {k}/{n} |")?,
            }
        }
        writeln!(text)?;
    }
    writeln!(text)?;
    Ok(())
}
