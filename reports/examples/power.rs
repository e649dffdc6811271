//! How often a comparison flags a planted regression, and how often one that is not there.
//!
//!     cargo run --release -p credlink-reports --example power -- 1000
//!
//! Twenty pipelines of 3,000 images each, three carriers. Between the runs one proof in a hundred changes its fate by
//! chance, as often for the better as for the worse; the regression takes two percentage points more in one pipeline.
#![allow(clippy::print_stdout, reason = "an example reports on the terminal")]
#![allow(dead_code, reason = "a test includes this file and uses its own part")]

use credlink_reports::compare::{Change, Pair, PipelinePairs, paired_lines};
use credlink_reports::stats::{Random, mcnemar};

pub(crate) const PIPELINES: usize = 20;
pub(crate) const IMAGES: u32 = 3000;
const MEASURES: [&str; 4] = ["any carrier", "link", "watermark", "fingerprint"];
/// The pipeline that regresses.
const PLANTED: usize = 7;

/// What a comparison said over many repeats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Power {
    /// Share of repeats in which the planted pipeline was called worse.
    pub(crate) flagged: f64,
    /// Share of repeats in which anything else was called better or worse.
    pub(crate) false_alarms: f64,
}

/// Repeats a comparison with a regression of so many points (0.02 is two) in one pipeline.
pub(crate) fn power(points: f64, repeats: u64) -> Power {
    let (mut flagged, mut false_alarms) = (0_u64, 0_u64);
    for repeat in 0..repeats {
        let lines = paired_lines(&pairs(points, &mut Random::new(repeat)));
        let planted = format!("pipeline/{PLANTED}");
        let hit = lines
            .iter()
            .any(|line| line.pipeline == planted && line.change == Change::Worse);
        let other = lines
            .iter()
            .any(|line| line.change != Change::Same && (points == 0.0 || line.pipeline != planted));
        flagged += u64::from(hit);
        false_alarms += u64::from(other);
    }
    Power {
        flagged: flagged as f64 / repeats as f64,
        false_alarms: false_alarms as f64 / repeats as f64,
    }
}

fn pairs(points: f64, dice: &mut Random) -> Vec<PipelinePairs> {
    let mut all = Vec::new();
    for pipeline in 0..PIPELINES {
        let rate = 0.99 - 0.02 * pipeline as f64;
        let noise = 0.01;
        for measure in MEASURES {
            // One carrier regresses, and with it what any carrier saves.
            let lost = pipeline == PLANTED && matches!(measure, "any carrier" | "watermark");
            let loss = if lost { points / rate } else { 0.0 };
            let pair = |source| {
                let before = dice.share() < rate;
                // As many are won by chance as are lost by it.
                let turn = if before {
                    noise / 2.0 / rate
                } else {
                    noise / 2.0 / (1.0 - rate)
                };
                let after = before != (dice.share() < turn);
                let after = after && dice.share() >= loss;
                Pair {
                    source,
                    before,
                    after,
                }
            };
            all.push(PipelinePairs {
                pipeline: format!("pipeline/{pipeline}"),
                measure: measure.to_owned(),
                pairs: (0..IMAGES).map(pair).collect(),
            });
        }
    }
    all
}

/// What a comparison of one pipeline says where nothing changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Share of repeats in which the test over sources had p below 5 %.
    pub(crate) sources: f64,
    /// The same of a test that takes pairs as independent.
    pub(crate) pairs: f64,
    /// Share of repeats in which the interval of the difference held 0.
    pub(crate) held: f64,
}

/// Repeats a comparison of so many sources, of one to eight views each, in which three of ten sources change all their
/// views alike, as often for the better as for the worse.
pub(crate) fn size(sources: u32, repeats: u64) -> Size {
    const VIEWS: [u32; 7] = [1, 1, 1, 2, 2, 4, 8];
    let mut dice = Random::new(99);
    let mut counts = [0_u64; 3];
    for _ in 0..repeats {
        let mut pairs = Vec::new();
        for source in 0..sources {
            let views = VIEWS[dice.below(VIEWS.len() as u64) as usize];
            let before = dice.share() < 0.5;
            let after = before != (dice.share() < 0.3);
            pairs.extend((0..views).map(|_| Pair {
                source,
                before,
                after,
            }));
        }
        let line = paired_lines(&[PipelinePairs {
            pipeline: "pipeline/0".to_owned(),
            measure: "any carrier".to_owned(),
            pairs,
        }])
        .remove(0);
        let (lost, won) = line.changed.unwrap_or_default();
        counts[0] += u64::from(line.p < 0.05);
        counts[1] += u64::from(mcnemar(lost, won) < 0.05);
        counts[2] += u64::from(line.interval.low <= 0.0 && 0.0 <= line.interval.high);
    }
    let [sources, pairs, held] = counts.map(|count| count as f64 / repeats as f64);
    Size {
        sources,
        pairs,
        held,
    }
}

fn main() {
    let repeats = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(200);
    println!(
        "{PIPELINES} pipelines, {IMAGES} images each, {} measures, {repeats} repeats",
        MEASURES.len()
    );
    for points in [0.0, 0.005, 0.01, 0.02] {
        let found = power(points, repeats);
        println!(
            "regression of {:.1} points: flagged in {:.1} %, anything else flagged in {:.1} %",
            points * 100.0,
            found.flagged * 100.0,
            found.false_alarms * 100.0
        );
    }
    for sources in [30, 60, 300] {
        let found = size(sources, 10 * repeats);
        println!(
            "nothing changed, {sources} sources of 1 to 8 views: p below 5 % over sources in {:.1} %, over pairs in {:.1} %; the interval held 0 in {:.1} %",
            found.sources * 100.0,
            found.pairs * 100.0,
            found.held * 100.0
        );
    }
}
