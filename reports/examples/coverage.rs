//! How often intervals and bounds hold the true rate, in invented runs whose true rate is known.
//!
//!     cargo run --release -p credlink-reports --example coverage -- 4000
//!
//! prints the table of METHODOLOGY.md.
#![allow(clippy::print_stdout, reason = "an example reports on the terminal")]
#![allow(dead_code, reason = "a test includes this file and uses its own part")]

use credlink_reports::stats::{
    Arm, Clusters, Interval, PerPipeline, Random, average, square_and_add, wilson,
};

/// What the sources of an invented run are like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sources {
    /// A share of them is hard, and keeps its proof less often than the others, in every pipeline: that is what makes
    /// ops of one source alike.
    Hard { share: f64, hard: f64, easy: f64 },
    /// Drawn from the 551 synthetic sources of a run through twenty pipelines: how many lost so many of twenty.
    Drawn,
}

/// Sources by how many of their twenty ops they lost: most lost none, and a few nearly all.
const LOSSES: [(u32, u32); 13] = [
    (0, 443),
    (1, 86),
    (2, 6),
    (3, 3),
    (4, 1),
    (5, 1),
    (7, 1),
    (9, 1),
    (10, 3),
    (11, 3),
    (14, 2),
    (15, 1),
    (16, 0),
];

/// Runs of one shape: so many sources, each through so many pipelines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) sources: u32,
    /// Fewest and most ops of a view.
    pub(crate) ops: (u32, u32),
    /// Views of a source, one of these each as likely; they fare alike.
    pub(crate) views: &'static [u32],
    pub(crate) of: Sources,
}

const ONE: &[u32] = &[1];
const UNEQUAL: &[u32] = &[1, 1, 1, 2, 2, 4, 8];

pub(crate) const SHAPES: [Shape; 18] = [
    shape(
        "2,000 independent ops, 93 %",
        2000,
        (1, 1),
        ONE,
        (0.0, 0.0, 0.93),
    ),
    shape(
        "500 independent ops, 98 %",
        500,
        (1, 1),
        ONE,
        (0.0, 0.0, 0.98),
    ),
    shape("20 independent ops, 80 %", 20, (1, 1), ONE, (0.0, 0.0, 0.8)),
    shape(
        "300 sources, 10 % hard",
        300,
        (10, 10),
        ONE,
        (0.1, 0.2, 0.98),
    ),
    shape(
        "400 sources, all or nothing",
        400,
        (10, 10),
        ONE,
        (0.25, 0.0, 1.0),
    ),
    shape(
        "300 sources of 1 to 20 ops",
        300,
        (1, 20),
        ONE,
        (0.3, 0.4, 0.9),
    ),
    shape(
        "1,500 sources near 100 %",
        1500,
        (10, 10),
        ONE,
        (0.02, 0.3, 1.0),
    ),
    shape("60 sources, 30 % hard", 60, (10, 10), ONE, (0.3, 0.3, 0.95)),
    shape(
        "58 sources, 3 % hard",
        58,
        (20, 20),
        ONE,
        (0.03, 0.3, 0.998),
    ),
    shape(
        "58 sources, 5 % lose all",
        58,
        (20, 20),
        ONE,
        (0.05, 0.0, 1.0),
    ),
    shape("29 sources, 10 % hard", 29, (20, 20), ONE, (0.1, 0.4, 0.97)),
    shape(
        "150 sources, 3 % hard",
        150,
        (20, 20),
        ONE,
        (0.03, 0.3, 0.998),
    ),
    shape(
        "58 sources of 1 to 8 views, one op",
        58,
        (1, 1),
        UNEQUAL,
        (0.05, 0.1, 0.99),
    ),
    shape(
        "150 sources of 1 to 8 views, 10 % hard",
        150,
        (20, 20),
        UNEQUAL,
        (0.1, 0.3, 0.99),
    ),
    drawn("58 images of a run", 58, ONE),
    drawn("150 images of a run", 150, ONE),
    drawn("551 images of a run", 551, ONE),
    drawn("551 images of a run, 1 to 8 views", 551, UNEQUAL),
];

const fn shape(
    name: &'static str,
    sources: u32,
    ops: (u32, u32),
    views: &'static [u32],
    (share, hard, easy): (f64, f64, f64),
) -> Shape {
    Shape {
        name,
        sources,
        ops,
        views,
        of: Sources::Hard { share, hard, easy },
    }
}

const fn drawn(name: &'static str, sources: u32, views: &'static [u32]) -> Shape {
    Shape {
        name,
        sources,
        ops: (20, 20),
        views,
        of: Sources::Drawn,
    }
}

impl Shape {
    /// The true rate.
    pub(crate) fn truth(&self) -> f64 {
        match self.of {
            Sources::Hard { share, hard, easy } => share * hard + (1.0 - share) * easy,
            Sources::Drawn => {
                let sources: u32 = LOSSES.iter().map(|(_, sources)| sources).sum();
                let lost: u32 = LOSSES.iter().map(|(lost, sources)| lost * sources).sum();
                1.0 - f64::from(lost) / f64::from(20 * sources)
            }
        }
    }

    /// The counts (ops, survived) of each source of one invented run.
    pub(crate) fn invented(&self, dice: &mut Random) -> Vec<[u32; 2]> {
        let (fewest, most) = self.ops;
        let source = |_| {
            let views = self.views[dice.below(self.views.len() as u64) as usize];
            let ops = fewest + dice.below(u64::from(most - fewest + 1)) as u32;
            let kept = match self.of {
                Sources::Hard { share, hard, easy } => {
                    let rate = if dice.share() < share { hard } else { easy };
                    (0..ops).filter(|_| dice.share() < rate).count() as u32
                }
                Sources::Drawn => ops - losses(dice),
            };
            [ops * views, kept * views]
        };
        (0..self.sources).map(source).collect()
    }
}

/// What a source of the run lost of twenty.
fn losses(dice: &mut Random) -> u32 {
    let sources: u32 = LOSSES.iter().map(|(_, sources)| sources).sum();
    let mut place = dice.below(sources.into()) as u32;
    for (lost, sources) in LOSSES {
        if place < sources {
            return lost;
        }
        place -= sources;
    }
    0
}

/// The share of rounds in which each held the true rate, 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Coverage {
    /// Wilson's interval over all ops, as if they were independent.
    pub(crate) naive: f64,
    /// The interval that reports print.
    pub(crate) interval: f64,
    /// The bounds that gates, claims and false accepts go by.
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    /// Mean width of the interval.
    pub(crate) width: f64,
}

pub(crate) fn coverage(shape: &Shape, rounds: u32) -> Coverage {
    let truth = shape.truth();
    let mut dice = Random::new(77);
    let mut sums = [0.0; 5];
    for _ in 0..rounds {
        let sources = shape.invented(&mut dice);
        let clusters = Clusters::of(2, sources);
        let rate = clusters.rate(1, 0);
        let holds = |interval: Option<Interval>| {
            let held = interval.is_some_and(|found| found.low <= truth && truth <= found.high);
            f64::from(u8::from(held))
        };
        let interval = clusters.interval(1, 0, 0.05);
        let below = clusters.lower_bound(1, 0).is_some_and(|low| low <= truth);
        let above = clusters.upper_bound(1, 0).is_some_and(|high| high >= truth);
        let found = [
            holds(wilson(rate.k, rate.n)),
            holds(interval),
            f64::from(u8::from(below)),
            f64::from(u8::from(above)),
            interval.map_or(1.0, |found| found.high - found.low),
        ];
        for (sum, value) in sums.iter_mut().zip(found) {
            *sum += value;
        }
    }
    let [naive, interval, lower, upper, width] = sums.map(|sum| sum / f64::from(rounds));
    Coverage {
        naive,
        interval,
        lower,
        upper,
        width,
    }
}

/// Pipelines of an average over so many sources, each source in three of four of them; a hard source keeps half.
pub(crate) fn averaged(sources: u32, dice: &mut Random) -> Vec<PerPipeline> {
    const EASY: [f64; 5] = [1.0, 0.99, 0.95, 0.8, 0.05];
    let hard: Vec<bool> = (0..sources).map(|_| dice.share() < HARD).collect();
    let pipeline = |index: usize| {
        let taken = (0..sources).filter(|source| !(source + index as u32).is_multiple_of(4));
        let kept = |source: u32| {
            let rate = EASY[index % EASY.len()];
            let rate = if hard[source as usize] {
                rate / 2.0
            } else {
                rate
            };
            u32::from(dice.share() < rate)
        };
        let mut kept = kept;
        taken.map(|source| (source, 1, kept(source))).collect()
    };
    let mut pipeline = pipeline;
    (0..20).map(&mut pipeline).collect()
}

const HARD: f64 = 0.08;

/// The share of rounds in which the interval of the difference of two independent runs held the true one, which is 0.
pub(crate) fn difference_coverage(shape: &Shape, rounds: u32) -> f64 {
    let mut dice = Random::new(79);
    let mut arm = || {
        let clusters = Clusters::of(2, shape.invented(&mut dice));
        let value = clusters.rate(1, 0).value()?;
        let interval = clusters.interval(1, 0, 0.05)?;
        Some(Arm { value, interval })
    };
    let held = (0..rounds).filter(|_| {
        let arms = arm().zip(arm());
        arms.is_some_and(|(before, after)| {
            let found = square_and_add(after, before);
            found.low <= 0.0 && 0.0 <= found.high
        })
    });
    f64::from(held.count() as u32) / f64::from(rounds)
}

/// The share of rounds in which the interval of an average over twenty pipelines held the true one.
pub(crate) fn average_coverage(sources: u32, rounds: u32) -> f64 {
    let truth = (1.0 + 0.99 + 0.95 + 0.8 + 0.05) / 5.0 * (1.0 - HARD / 2.0);
    let mut dice = Random::new(78);
    let held = (0..rounds).filter(|_| {
        let pipelines = averaged(sources, &mut dice);
        average(&pipelines, 0.05)
            .is_some_and(|arm| arm.interval.low <= truth && truth <= arm.interval.high)
    });
    f64::from(held.count() as u32) / f64::from(rounds)
}

fn main() {
    let rounds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1000);
    println!("Share of {rounds} invented runs in which each held the true rate.\n");
    println!("| runs | Wilson over ops | interval | lower bound | upper bound | width, points |");
    println!("|---|---:|---:|---:|---:|---:|");
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    for shape in &SHAPES {
        let found = coverage(shape, rounds);
        println!(
            "| {} | {} | {} | {} | {} | {:.2} |",
            shape.name,
            percent(found.naive),
            percent(found.interval),
            percent(found.lower),
            percent(found.upper),
            found.width * 100.0
        );
    }
    for sources in [30, 60, 300] {
        println!(
            "| average of 20 pipelines, {sources} sources | | {} | | | |",
            percent(average_coverage(sources, rounds))
        );
    }
    for shape in SHAPES
        .iter()
        .filter(|shape| COMPARED.contains(&shape.sources))
    {
        println!(
            "| difference of two runs: {} | | {} | | | |",
            shape.name,
            percent(difference_coverage(shape, rounds))
        );
    }
}

/// Sources of the shapes whose differences are looked at.
const COMPARED: [u32; 3] = [58, 150, 551];
