//! JUnit XML for continuous integration: one test case per check.

use serde::Serialize;

use super::{Document, DocumentError};
use crate::report::{Check, Report};
use crate::templates::render as fill;
use crate::usable::unusable;

pub(super) const DOCUMENT: Document = Document {
    name: "junit",
    file: "junit.xml",
    about: "controls, attribution by pipeline and service levels as test cases for CI",
    render,
};

#[derive(Serialize)]
struct Suite {
    name: &'static str,
    tests: usize,
    failures: usize,
    skipped: usize,
    cases: Vec<Case>,
}

#[derive(Serialize)]
struct Case {
    name: String,
    /// `passed`, `failed` or `skipped`.
    verdict: &'static str,
    detail: String,
}

#[derive(Serialize)]
struct JunitContext {
    run: String,
    created: String,
    elapsed: String,
    suites: Vec<Suite>,
}

fn render(report: &Report) -> Result<String, DocumentError> {
    let header = report.evidence.header();
    let mut checks = report.checks();
    // A run whose figures must not be used has not passed, whatever else did.
    let reason = unusable(&report.evidence);
    checks.push(Check {
        suite: "run",
        name: "the run is whole and its controls passed".to_owned(),
        passed: Some(reason.is_none()),
        detail: reason.map_or_else(
            || {
                format!(
                    "{} ops, {} controls",
                    header.ops_done,
                    header.controls.len()
                )
            },
            |reason| format!("the run {reason}"),
        ),
    });
    let mut suites: Vec<Suite> = Vec::new();
    for check in checks {
        let case = Case {
            name: legal(&check.name),
            verdict: match check.passed {
                Some(true) => "passed",
                Some(false) => "failed",
                None => "skipped",
            },
            detail: legal(&check.detail),
        };
        let place = suites.iter().position(|suite| suite.name == check.suite);
        let place = place.unwrap_or_else(|| {
            suites.push(Suite {
                name: check.suite,
                tests: 0,
                failures: 0,
                skipped: 0,
                cases: Vec::new(),
            });
            suites.len() - 1
        });
        let suite = &mut suites[place];
        suite.tests += 1;
        suite.failures += usize::from(case.verdict == "failed");
        suite.skipped += usize::from(case.verdict == "skipped");
        suite.cases.push(case);
    }
    fill(
        "junit.xml",
        JunitContext {
            run: legal(&header.id),
            created: legal(&header.created),
            elapsed: format!("{:.3}", header.elapsed_s),
            suites,
        },
    )
}

/// XML 1.0 forbids most control characters even when escaped (section 2.2).
fn legal(text: &str) -> String {
    text.chars()
        .map(|c| {
            let is_illegal = (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
                || matches!(c, '\u{FFFE}' | '\u{FFFF}');
            if is_illegal { '\u{FFFD}' } else { c }
        })
        .collect()
}
