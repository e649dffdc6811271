//! A short Markdown page for a GitHub job's summary, which holds at most 1 MiB.
//! (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>)

use std::fmt::Write as _;

use super::{Document, DocumentError};
use crate::figures::{count, measured, plural};
use crate::formats::{FORMATS, markdown_escaped};
use crate::report::Report;

pub(super) const DOCUMENT: Document = Document {
    name: "job-summary",
    file: "job-summary.md",
    about: "headline, checks and the main tables for a GitHub job's summary",
    render,
};

/// Tables that fit a summary, in this order.
const SHOWN: [&str; 4] = ["answer", "families", "survival", "latency"];
/// Half of what GitHub takes, so that several jobs' summaries fit.
const MOST_BYTES: usize = 512 << 10;

fn render(report: &Report) -> Result<String, DocumentError> {
    let header = report.evidence.header();
    let answer = &report.answer;
    let mut text = format!(
        "# Survival through simulated pipelines, run {}\n\n\
         - Still in the file: **{}**\n\
         - Found again through {}: **{}**\n\
         - Other readers see nothing {}, an invalid credential {}\n\n\
         Of {} from {}, controls apart.\n",
        markdown_escaped(&header.id),
        markdown_escaped(&measured(answer.in_file)),
        answer.store,
        markdown_escaped(&measured(answer.through_store)),
        markdown_escaped(&measured(answer.seen_absent)),
        markdown_escaped(&measured(answer.seen_invalid)),
        plural(answer.n, "signed op"),
        plural(answer.sources, "source file"),
    );
    if header.partial {
        let (done, planned) = (count(header.ops_done), count(header.ops_planned));
        let _ = writeln!(text, "\n**Partial run: {done} of {planned} ops.**");
    }
    let checks = report.checks();
    let failed: Vec<_> = checks.iter().filter(|c| c.passed == Some(false)).collect();
    let _ = writeln!(
        text,
        "\n{} of {} passed{}.",
        count(checks.iter().filter(|c| c.passed == Some(true)).count() as u64),
        plural(checks.len() as u64, "check"),
        match checks.iter().filter(|check| check.passed.is_none()).count() as u64 {
            0 => String::new(),
            some => format!(", {} not measured", count(some)),
        }
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
