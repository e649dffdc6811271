//! A comparison as people read it.

use std::fmt::{self, Display, Formatter};

use super::latency::MARGIN;
use super::{Agreement, Change, Comparison, LEVEL};
use crate::figures::{self, NOT_MEASURED, duration};

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (before) and {} (after)", self.runs.0, self.runs.1)?;
        for difference in &self.differences {
            writeln!(f, "DIFFERENT: {difference}")?;
        }
        if self.paired {
            writeln!(
                f,
                "Paired by image: exact test over the signs of what each source won or lost (McNemar's where each has one pair)."
            )?;
        } else {
            writeln!(
                f,
                "NOT paired, the images differ: Fisher's exact test of independent samples."
            )?;
        }
        let changed: Vec<_> = self
            .survival
            .iter()
            .filter(|line| line.change != Change::Same)
            .collect();
        writeln!(f)?;
        for line in &changed {
            writeln!(
                f,
                "{:<7} {} by {}: {} → {}, {} points {}{}, p {} (Holm)",
                line.change.as_str(),
                line.pipeline,
                line.measure,
                figures::rate(line.before),
                figures::rate(line.after),
                points(line.difference),
                interval(line.interval.low, line.interval.high),
                line.changed.map_or_else(String::new, |(lost, won)| format!(
                    ", {lost} lost {won} won"
                )),
                p_value(line.p_adjusted)
            )?;
        }
        let lines = self.survival.len();
        writeln!(
            f,
            "{} of {lines} lines of survival changed beyond noise ({} % error over all of them).",
            changed.len(),
            LEVEL * 100.0
        )?;
        let open = self
            .survival
            .iter()
            .filter(|line| line.change == Change::Same);
        let open = open.filter(|line| line.measure == "any carrier");
        if let Some(widest) = open.max_by(|a, b| reach(a).total_cmp(&reach(b))) {
            writeln!(
                f,
                "Unchanged does not mean equal: {} by any carrier may still have moved by {} points.",
                widest.pipeline,
                interval(widest.interval.low, widest.interval.high)
            )?;
        }
        if let Some((before, after)) = self.averages {
            writeln!(
                f,
                "Average over the shared pipelines: {} % → {} %.",
                figures::percent(before),
                figures::percent(after)
            )?;
        }
        self.write_latency(f)
    }
}

/// How far from no change an interval reaches.
fn reach(line: &super::SurvivalLine) -> f64 {
    line.interval.low.abs().max(line.interval.high.abs())
}

impl Comparison {
    fn write_latency(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for line in &self.latency {
            let shift = line.shift;
            writeln!(
                f,
                "{:<7} {} {}: {} → {}, {:+.1} % [{:+.1}, {:+.1}]",
                line.change.as_str(),
                line.name,
                line.percentile.name,
                duration(shift.before),
                duration(shift.after),
                shift.relative * 100.0,
                shift.interval.low * 100.0,
                shift.interval.high * 100.0
            )?;
        }
        let margin = MARGIN * 100.0;
        if self.latency.is_empty() {
            writeln!(f, "Latency: {NOT_MEASURED}.")
        } else if self.same_machine {
            writeln!(
                f,
                "A latency changed if its whole 95 % interval lies beyond ±{margin} %."
            )
        } else {
            writeln!(
                f,
                "Latencies are of different machines or threads and decide nothing."
            )
        }
    }
}

/// The agreements as a table in text.
pub fn write_agreements(lines: &[Agreement], margin: f64) -> String {
    let mut text = format!(
        "Equivalence within {} points, two one-sided tests at 5 % per line; 90 % intervals over sources; each pipeline weighs the same\n",
        margin * 100.0
    );
    for line in lines {
        let arm = |arm: Option<crate::stats::Arm>| {
            arm.map_or_else(
                || NOT_MEASURED.to_owned(),
                |arm| format!("{} %", figures::percent(arm.value)),
            )
        };
        let difference = line.difference.map_or_else(String::new, |bounds| {
            format!(", difference {}", interval(bounds.low, bounds.high))
        });
        text.push_str(&format!(
            "{:<10} {} by {} ({}; {} and {} sources): {} and {}{difference}\n",
            line.verdict.as_str(),
            line.family,
            line.measure,
            figures::plural(line.pipelines as u64, "pipeline"),
            figures::count(line.sources.0),
            figures::count(line.sources.1),
            arm(line.first),
            arm(line.second)
        ));
    }
    text
}

fn points(difference: f64) -> String {
    format!("{:+.2}", difference * 100.0)
}

fn interval(low: f64, high: f64) -> String {
    format!("[{}, {}]", points(low), points(high))
}

fn p_value(p: f64) -> String {
    if p < 1e-4 {
        "< 0.0001".to_owned()
    } else {
        format!("{p:.4}")
    }
}
