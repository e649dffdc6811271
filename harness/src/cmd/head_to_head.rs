//! `credlink head-to-head`, and the end of `credlink survival --system A,B`.

use std::path::Path;

use anyhow::{Context, Result};
use credlink_harness::{disagreements, exit};
use credlink_reports::formats::FORMATS;
use credlink_reports::head_to_head::{Contest, HeadToHead, PAGE, leaderboard};
use credlink_reports::table::Table;

use crate::cli::HeadToHeadArgs;

pub(crate) fn run(args: &HeadToHeadArgs) -> Result<u8> {
    let contest = HeadToHead::read(&args.dir)?;
    disagreements::make(&contest, &args.dir)?;
    let tables = contest.write(&args.dir)?;
    if let Some(path) = &args.leaderboard {
        let added = leaderboard::append(path, &leaderboard::entries(&contest))
            .with_context(|| format!("failed to write {}", path.display()))?;
        super::complain(&format!("{}: {added} lines added", path.display()));
    }
    super::say(&if args.json {
        rendered(&tables, "json")
    } else {
        text(&tables, &args.dir)
    })?;
    // Side by side, figures that must not be used are used.
    let all_usable = contest.sides.iter().all(|side| side.unusable.is_none());
    Ok(if all_usable {
        exit::OK
    } else {
        exit::CONTROL_FAILED
    })
}

/// Writes a contest with its tables, plots and page into a directory, and gives the text for the terminal.
///
/// # Errors
/// When a run cannot be read, or a file not be written.
pub(crate) fn written(contest: &Contest, dir: &Path) -> Result<String> {
    contest.write(dir)?;
    let contest = HeadToHead::read(dir)?;
    disagreements::make(&contest, dir)?;
    Ok(text(&contest.write(dir)?, dir))
}

/// The first table, and where the others are.
fn text(tables: &[Table], dir: &Path) -> String {
    let first = tables.first().map(std::slice::from_ref).unwrap_or_default();
    format!(
        "{}\nside by side: {}",
        rendered(first, "md").trim_end(),
        dir.join(PAGE).display()
    )
}

fn rendered(tables: &[Table], extension: &str) -> String {
    let format = FORMATS.iter().find(|format| format.extension == extension);
    let texts = tables
        .iter()
        .filter_map(|table| Some((format?.render)(table)));
    let separator = if extension == "json" { ",\n" } else { "\n" };
    let joined = texts.collect::<Vec<_>>().join(separator);
    if extension == "json" {
        format!("[{joined}]")
    } else {
        joined
    }
}
