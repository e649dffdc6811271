//! How long a report of a million rows takes. Opt-in, for it needs some gigabytes: `CREDLINK_MILLION=1`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use std::time::Instant;

use credlink_reports::regenerate;
use support::{PIPELINES, invented, run};

#[test]
fn a_million_rows_are_reported_within_a_minute() {
    if std::env::var_os("CREDLINK_MILLION").is_none() {
        eprintln!("SKIPPED: set CREDLINK_MILLION=1 to report a million rows");
        return;
    }
    let base = tempfile::tempdir().unwrap();
    // Every fifth image is a control, too.
    let (header, rows) = invented(&PIPELINES, 1_000_000 * 5 / 6 / PIPELINES.len() as u32 + 1);
    let n = rows.len();
    assert!(n >= 1_000_000);
    let dir = run(base.path(), &header, rows);
    let start = Instant::now();
    regenerate(&dir).unwrap();
    let took = start.elapsed();
    let page = std::fs::metadata(dir.root().join("report.html"))
        .unwrap()
        .len();
    eprintln!("{n} rows in {:.1} s, page {page} bytes", took.as_secs_f64());
    assert!(took.as_secs() < 60 && page < 5 << 20);
}
