//! The rows of two runs, compared.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use credlink_reports::{RunDir, read_rows};

/// Prints whether two runs have the same rows, measured times aside.
#[expect(clippy::print_stdout, reason = "an example reports to people")]
pub(crate) fn compared(a: &Path, b: &Path) -> Result<ExitCode> {
    let [a, b] = [a, b].map(|run| Ok::<_, anyhow::Error>(read_rows(&RunDir::open(run)?.rows())?));
    let (a, b) = (a?, b?);
    let mut differing = 0;
    for index in 0..a.len().min(b.len()) {
        let [a, b] = [a.row(index)?, b.row(index)?].map(|row| row.without_times());
        differing += usize::from(a != b);
    }
    println!(
        "{} and {} rows, of which {differing} differ",
        a.len(),
        b.len()
    );
    let same = a.len() == b.len() && differing == 0;
    println!("{}", if same { "identical" } else { "NOT identical" });
    Ok(ExitCode::from(u8::from(!same)))
}
