//! Intervals and bounds hold the true rate as often as they say, in invented runs whose true rate is known.
#![allow(clippy::print_stdout, reason = "the figures of a failed simulation")]

#[path = "../examples/coverage.rs"]
mod coverage;

use coverage::{SHAPES, average_coverage, coverage as covered, difference_coverage};

/// Six hundred runs of each shape know a coverage of 95 % to ±2 points; the shapes together to a few tenths.
/// `cargo run --release -p credlink-reports --example coverage -- 4000` knows each.
const ROUNDS: u32 = 600;

#[test]
fn clustered_intervals_hold_the_true_rate_and_the_naive_one_does_not() {
    let found = SHAPES.map(|shape| (shape, covered(&shape, ROUNDS)));
    for (shape, found) in &found {
        println!("{}: {found:?}", shape.name);
        // Where few sources are hard, all intervals that hold the rate often enough hold it more often than that.
        assert!(found.interval >= 0.935, "{}: {found:?}", shape.name);
        if shape.sources >= 300 {
            assert!(found.interval <= 0.985, "{}: {found:?}", shape.name);
        }
        for bound in [found.lower, found.upper] {
            assert!(bound >= 0.93, "{}: {found:?}", shape.name);
        }
        if shape.ops != (1, 1) {
            assert!(found.naive < 0.75, "{}: {found:?}", shape.name);
        }
    }
    let shapes = SHAPES.len() as f64;
    let mean = found.iter().map(|(_, found)| found.interval).sum::<f64>() / shapes;
    assert!((0.95..=0.98).contains(&mean), "{mean}");
    let bounds = |of: fn(&coverage::Coverage) -> f64| {
        found.iter().map(|(_, found)| of(found)).sum::<f64>() / shapes
    };
    assert!(bounds(|found| found.lower) >= 0.95 && bounds(|found| found.upper) >= 0.95);
}

#[test]
fn averages_over_pipelines_hold_the_true_one() {
    for sources in [30, 60, 300] {
        let found = average_coverage(sources, ROUNDS);
        println!("{sources} sources: {found}");
        assert!(found >= 0.935, "{sources} sources: {found}");
    }
}

#[test]
fn differences_of_independent_runs_hold_the_true_one() {
    for shape in SHAPES.iter().filter(|shape| shape.sources <= 551) {
        let found = difference_coverage(shape, ROUNDS);
        println!("{}: {found}", shape.name);
        assert!(found >= 0.935, "{}: {found}", shape.name);
    }
}
