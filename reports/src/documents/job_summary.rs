//! A short Markdown page for a GitHub job's summary, which holds at most 1 MiB.
//! (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>)

use std::fmt::Write as _;

use super::{Document, DocumentError};
use crate::figures::{NOT_MEASURED, count, plural, pooled_rate};
use crate::formats::{FORMATS, markdown_escaped};
use crate::report::Report;

pub(super) const DOCUMENT: Document = Document {
    name: "job-summary",
    file: "job-summary.md",
    about: "headline, checks and the main tables for a GitHub job's summary",
    render,
};

/// Tables that fit a summary, in this order.
const SHOWN: [&str; 3] = ["families", "survival", "latency"];
/// Half of what GitHub takes, so that several jobs' summaries fit.
const MOST_BYTES: usize = 512 << 10;

fn render(report: &Report) -> Result<String, DocumentError> {
    let header = report.evidence.header();
    let overall = report.evidence.overall();
    let interval = report
        .evidence
        .overall_intervals()
        .into_iter()
        .next()
        .flatten();
    let mut text = format!(
        "# Survival through simulated pipelines, run {}\n\n**{}** of {} survived.\n",
        markdown_escaped(&header.id),
        markdown_escaped(&interval.map_or_else(
            || NOT_MEASURED.to_owned(),
            |bounds| pooled_rate(overall.any(), bounds)
        )),
        plural(overall.n, "signed op"),
    );
    if header.partial {
        let (done, planned) = (count(header.ops_done), count(header.ops_planned));
        let _ = writeln!(text, "\n**Partial run: {done} of {planned} ops.**");
    }
    let checks = report.checks();
    let failed: Vec<_> = checks.iter().filter(|c| c.passed == Some(false)).collect();
    let _ = writeln!(
        text,
        "\n{} of {} passed.",
        count(checks.iter().filter(|c| c.passed == Some(true)).count() as u64),
        plural(checks.len() as u64, "check")
    );
    for check in failed {
        let _ = writeln!(
            text,
            "\n- **FAILED** {}: {}, {}",
            check.suite,
            markdown_escaped(&check.name),
            markdown_escaped(&check.detail)
        );
    }
    let markdown = FORMATS[0].render;
    for id in SHOWN {
        let Some(table) = report.table(id).map(markdown) else {
            continue;
        };
        if text.len() + table.len() < MOST_BYTES {
            let _ = write!(text, "\n#{table}");
        } else {
            let _ = writeln!(text, "\nTable `{id}` is too large for a summary.");
        }
    }
    Ok(text)
}
