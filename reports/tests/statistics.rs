//! Intervals hold the true rate as often as they say, in invented runs whose true rate is known.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../examples/coverage.rs"]
mod coverage;

use coverage::{SHAPES, coverage as covered};

#[test]
fn clustered_intervals_hold_the_true_rate_and_the_naive_one_does_not() {
    assert!(SHAPES.len() >= 5);
    for shape in SHAPES {
        let found = covered(shape, 2000);
        println!("{}: {found:?}", shape.name);
        for held in [found.clustered, found.exact] {
            assert!((0.94..=0.97).contains(&held), "{}: {found:?}", shape.name);
        }
        if shape.ops == (1, 1) {
            assert!(
                (0.94..=0.97).contains(&found.naive),
                "{}: {found:?}",
                shape.name
            );
        } else {
            assert!(found.naive < 0.75, "{}: {found:?}", shape.name);
        }
    }
}
