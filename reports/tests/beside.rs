//! The figures of one run beside those of another.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use credlink_reports::beside::{BesideError, FILE, Portrait};
use credlink_reports::docs::Results;
use credlink_reports::{Report, load};
use support::{PIPELINES, invented, run};

#[test]
fn the_figures_of_another_run_stand_beside_those_of_a_run() {
    let base = tempfile::tempdir().unwrap();
    let (mut header, rows) = invented(&PIPELINES[..6], 40);
    header.id = "core".to_owned();
    let core = run(base.path(), &header, rows);
    let (mut header, rows) = invented(&PIPELINES[..], 40);
    header.id = "catalogue".to_owned();
    let all = load(&run(base.path(), &header, rows)).unwrap();

    let without = Report::read(&core).unwrap();
    let page = credlink_reports::page::html(&without).unwrap();
    assert!(without.beside.is_none() && !page.contains("id=\"beside\""));
    let bare = Results::of(&without).unwrap();
    assert!(bare.beside.is_none() && !serde_json::to_string(&bare).unwrap().contains("\"beside\""));

    let other = Portrait::of(&all).unwrap();
    other.write(core.root()).unwrap();
    let report = Report::read(&core).unwrap();
    let own = Portrait::of(&report.evidence).unwrap();
    let lines = own.beside(report.beside.as_ref().unwrap());
    let line = |name: &str| lines.iter().find(|line| line[0] == name).unwrap();
    // Controls are no pipelines of either.
    assert_eq!(line("pipelines")[1..], ["5", "29"]);
    assert_eq!(line("family chains, either way")[1], "not part of it");
    let answer = credlink_reports::figures::measured(report.answer.in_file);
    assert_eq!(line("still in the file")[1], answer);
    let page = credlink_reports::page::html(&report).unwrap();
    let results = Results::of(&report).unwrap();
    let shown = [
        "found again through our store",
        "average over pipelines, either way",
    ];
    for name in shown {
        let rate = line(name)[2].split(" [").next().unwrap();
        assert!(page.contains(rate), "{name}: {rate}");
        assert!(results.block().contains(rate), "{name}: {rate}");
    }

    std::fs::write(core.root().join(FILE), "{").unwrap();
    assert!(
        Report::read(&core)
            .unwrap_err()
            .to_string()
            .contains("beside.json is damaged; delete it")
    );
}

#[test]
fn a_run_that_must_not_be_used_is_not_shown_beside_another() {
    let base = tempfile::tempdir().unwrap();
    let (mut header, rows) = invented(&PIPELINES[..3], 20);
    header.partial = true;
    let refused = Portrait::of(&load(&run(base.path(), &header, rows)).unwrap());
    assert!(matches!(refused, Err(BesideError::Unfit { .. })));
}
