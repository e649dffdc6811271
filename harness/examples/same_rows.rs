//! Says whether two runs have the same rows, measured times aside.
//!
//! ```text
//! cargo run -p credlink-harness --example same_rows -- RUN RUN
//! ```
//!
//! Prints `identical`, or how many rows differ; exit code 1 if any does.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

#[path = "common/rows.rs"]
mod rows;

fn main() -> Result<ExitCode> {
    let runs: Vec<String> = std::env::args().skip(1).collect();
    let [a, b] = &runs[..] else {
        bail!("name two run directories");
    };
    rows::compared(Path::new(a), Path::new(b))
}
