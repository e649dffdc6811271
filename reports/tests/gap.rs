//! Simulated, live and observed rows stand side by side and are never pooled.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use credlink_reports::formats::FORMATS;
use credlink_reports::tables::{Evidence, TABLES, Table, Value};
use credlink_reports::{load, read_rows};
use credlink_trial_record::{Provenance, Row};
use support::{header, run, signed, unsigned};

fn table(evidence: &Evidence, id: &str) -> Table {
    (TABLES.iter().find(|kind| kind.id == id).unwrap().make)(evidence)
}

#[test]
fn what_is_not_simulated_stands_beside_what_is_and_is_pooled_with_nothing() {
    let mut header = header(&["manifest", "link"], &["cdn/a", "live/a", "live/alone"]);
    for (pipeline, simulated_by) in [(1, Some("cdn/a")), (2, None)] {
        header.pipelines[pipeline].provenance = Provenance::Live;
        header.pipelines[pipeline].simulated_by = simulated_by.map(str::to_owned);
    }
    let live = |op, pipeline: &str, image, outcome: &str, accepted: &[bool]| Row {
        provenance: Provenance::Live,
        ..signed(op, pipeline, image, outcome, accepted)
    };
    let rows = vec![
        signed(0, "cdn/a", 0, "intact", &[true, true]),
        signed(1, "cdn/a", 2, "intact", &[true, false]),
        signed(2, "cdn/a", 4, "lost", &[false, false]),
        signed(3, "cdn/a", 6, "intact", &[true, true]),
        live(4, "live/a", 0, "intact", &[true, false]),
        live(5, "live/a", 2, "lost", &[false, false]),
        live(6, "live/a", 4, "intact", &[true, false]),
        live(7, "live/a", 6, "error", &[]),
        // Nothing simulated has this image.
        live(8, "live/a", 8, "lost", &[false, false]),
        live(9, "live/alone", 0, "lost", &[false, false]),
        unsigned(10, "cdn/a", 10, "rejected", &[false, false]),
        Row {
            provenance: Provenance::Live,
            ..unsigned(11, "live/a", 10, "accepted", &[true, false])
        },
    ];
    let folder = tempfile::tempdir().unwrap();
    let evidence = load(&run(folder.path(), &header, rows.clone())).unwrap();
    let gap = table(&evidence, "gap");
    assert_eq!(gap.rows.len(), 3, "any carrier, and each");
    let counts = |line: usize| {
        let of = |column| match gap.rows[line][column] {
            Value::Count(count) => count,
            ref other => panic!("{other:?}"),
        };
        (of(3), of(4), of(8), of(9))
    };
    // Pairs, sources, kept in simulation alone, kept live alone.
    assert_eq!((counts(0), counts(1)), ((4, 4, 2, 1), (4, 4, 2, 1)));
    assert_eq!(counts(2), (4, 4, 2, 0));
    for (line, share) in [(0, -25.0), (2, -50.0)] {
        let Value::Estimate(difference, interval) = gap.rows[line][7] else {
            panic!("{:?}", gap.rows[line])
        };
        assert!((difference - share).abs() < 1e-9, "{difference}");
        assert!(interval.low < share && interval.high > share && interval.low >= -100.0);
    }
    let notes = gap.notes.join("\n");
    assert!(
        notes.contains("live/a: 1 of 4 live ops are errors"),
        "{notes}"
    );
    assert!(notes.contains("live/alone names no recipe"), "{notes}");
    assert!(gap.title.contains("simulated pipelines"));
    // Pooled figures count the four simulated ops and the one simulated negative trial.
    assert_eq!(evidence.overall().n, 4);
    let negatives = evidence.negatives();
    assert_eq!(
        (negatives.all.accepted.rate.k, negatives.all.accepted.rate.n),
        (0, 1)
    );
    let families = (FORMATS[0].render)(&table(&evidence, "families"));
    assert!(families.contains("| all families | 4 |"), "{families}");
    assert!(notes.contains("Not simulated, not repeatable, and part of no pooled figure: live/a (live), live/alone (live)."));

    // A row that says something else than its run is refused.
    let mut other = rows;
    other[4].provenance = Provenance::Simulated;
    let folder = tempfile::tempdir().unwrap();
    let other = run(folder.path(), &header, other);
    let rows = read_rows(&other.rows()).unwrap();
    let refused = Evidence::new(header, &rows).unwrap_err().to_string();
    assert!(
        refused.contains("provenance is simulated, and run.json says that live/a is live"),
        "{refused}"
    );
}
