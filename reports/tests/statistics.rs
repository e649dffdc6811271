//! Intervals hold the true rate as often as they say, in invented runs whose true rate is known.
#![allow(clippy::print_stdout, reason = "the figures of a failed simulation")]

#[path = "../examples/coverage.rs"]
mod coverage;

use coverage::{Coverage, SHAPES, coverage as covered};

/// Five hundred runs of each shape know a coverage of 95 % to ±2 points; the six shapes together to less than one.
/// `cargo run -p credlink-reports --example coverage -- 4000` knows each.
const ROUNDS: u32 = 500;

#[test]
fn clustered_intervals_hold_the_true_rate_and_the_naive_one_does_not() {
    let found = SHAPES.map(|shape| (shape, covered(shape, ROUNDS)));
    for (shape, found) in &found {
        println!("{}: {found:?}", shape.name);
        for held in [found.clustered, found.exact] {
            assert!((0.93..=0.98).contains(&held), "{}: {found:?}", shape.name);
        }
        if shape.ops == (1, 1) {
            assert!(
                (0.93..=0.98).contains(&found.naive),
                "{}: {found:?}",
                shape.name
            );
        } else {
            assert!(found.naive < 0.75, "{}: {found:?}", shape.name);
        }
    }
    let mean = |of: fn(&Coverage) -> f64| {
        found.iter().map(|(_, found)| of(found)).sum::<f64>() / SHAPES.len() as f64
    };
    for held in [mean(|found| found.clustered), mean(|found| found.exact)] {
        assert!((0.94..=0.97).contains(&held), "{found:?}");
    }
}
