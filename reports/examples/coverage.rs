//! How often 95 % intervals hold the true rate, in invented runs whose true rate is known.
//!
//!     cargo run --release -p credlink-reports --example coverage -- 4000
#![allow(clippy::print_stdout, reason = "an example reports on the terminal")]
#![allow(dead_code, reason = "a test includes this file and uses its own part")]

use credlink_reports::stats::{Clusters, Interval, Random, wilson};

/// Runs of one shape: so many sources, each through so many pipelines. A share of the sources is hard, and keeps
/// its proof less often than the others, in every pipeline: that is what makes ops of one source alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) sources: u32,
    /// Fewest and most ops of a source.
    pub(crate) ops: (u32, u32),
    pub(crate) hard: f64,
    pub(crate) hard_rate: f64,
    pub(crate) easy_rate: f64,
}

pub(crate) const SHAPES: [Shape; 6] = [
    shape("independent ops", 2000, (1, 1), 0.0, 0.0, 0.93),
    shape("10 ops a source, 10 % hard", 300, (10, 10), 0.1, 0.2, 0.98),
    shape(
        "10 ops a source, all or nothing",
        400,
        (10, 10),
        0.25,
        0.0,
        1.0,
    ),
    shape("1 to 20 ops a source", 300, (1, 20), 0.3, 0.4, 0.9),
    shape("few sources", 60, (10, 10), 0.3, 0.3, 0.95),
    shape("near 100 %", 1500, (10, 10), 0.02, 0.3, 1.0),
];

const fn shape(
    name: &'static str,
    sources: u32,
    ops: (u32, u32),
    hard: f64,
    hard_rate: f64,
    easy_rate: f64,
) -> Shape {
    Shape {
        name,
        sources,
        ops,
        hard,
        hard_rate,
        easy_rate,
    }
}

/// The share of rounds in which each interval held the true rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coverage {
    /// Wilson over all ops, as if they were independent.
    pub(crate) naive: f64,
    /// The clustered interval that reports print.
    pub(crate) clustered: f64,
    /// The exact interval with the effective number of trials.
    pub(crate) exact: f64,
}

/// The counts (ops, survived) of each source of one invented run.
pub(crate) fn invented(shape: Shape, dice: &mut Random) -> Vec<[u32; 2]> {
    let (fewest, most) = shape.ops;
    (0..shape.sources)
        .map(|_| {
            let ops = fewest + (dice.share() * f64::from(most - fewest + 1)) as u32;
            let hard = dice.share() < shape.hard;
            let rate = if hard {
                shape.hard_rate
            } else {
                shape.easy_rate
            };
            [ops, (0..ops).filter(|_| dice.share() < rate).count() as u32]
        })
        .collect()
}

pub(crate) fn coverage(shape: Shape, rounds: u32) -> Coverage {
    let truth = shape.hard * shape.hard_rate + (1.0 - shape.hard) * shape.easy_rate;
    let mut dice = Random::new(77);
    let mut held = [0_u32; 3];
    for round in 0..rounds {
        let sources = invented(shape, &mut dice);
        let ops: u32 = sources.iter().map(|[ops, _]| ops).sum();
        let survived: u32 = sources.iter().map(|[_, survived]| survived).sum();
        let clusters = Clusters::of(2, sources);
        let clustered = clusters.rates(0, &[1], 0.05, u64::from(round)).remove(0);
        let intervals = [
            wilson(survived.into(), ops.into()),
            clustered,
            clusters.exact(1, 0, 0.05),
        ];
        let holds = |interval: Option<Interval>| {
            interval.is_some_and(|found| found.low <= truth && truth <= found.high)
        };
        for (count, interval) in held.iter_mut().zip(intervals) {
            *count += u32::from(holds(interval));
        }
    }
    let [naive, clustered, exact] = held.map(|count| f64::from(count) / f64::from(rounds));
    Coverage {
        naive,
        clustered,
        exact,
    }
}

fn main() {
    let rounds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1000);
    println!("share of {rounds} invented runs in which the 95 % interval holds the true rate");
    println!(
        "{:<34} {:>8} {:>10} {:>8}",
        "", "Wilson", "clustered", "exact"
    );
    for shape in SHAPES {
        let found = coverage(shape, rounds);
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        println!(
            "{:<34} {:>8} {:>10} {:>8}",
            shape.name,
            percent(found.naive),
            percent(found.clustered),
            percent(found.exact)
        );
    }
}
