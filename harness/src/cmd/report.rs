//! `credlink report`.

use anyhow::Result;
use credlink_reports::run_dir::RunDir;

use crate::cli::ReportArgs;

pub(crate) fn run(args: &ReportArgs) -> Result<u8> {
    let run = RunDir::open(&args.run)?;
    let summary = credlink_reports::regenerate(&run)?;
    super::say(&summary.to_string())?;
    Ok(super::verdict(&run.read_header()?))
}
