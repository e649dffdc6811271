//! Curves of recipes that sweep over a parameter: dose and response, generations of re-sharing.

use super::{Line, Lines, Point, percent_ticks};
use crate::header::SweepHeader;
use crate::stats::Measured;
use crate::tables::{Evidence, PipelineTally};

/// The same with a name for the file of each: `curve-edits--jpeg-quality-quality`.
pub(super) fn named(evidence: &Evidence) -> Vec<(String, Lines)> {
    let plain = |c: char| match c {
        '/' => "--".to_owned(),
        c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') => c.to_string(),
        _ => "_".to_owned(),
    };
    let charts = charts(evidence).into_iter();
    charts
        .map(|(recipe, parameter, chart)| {
            let name = format!("curve-{recipe}-{parameter}");
            (name.chars().map(plain).take(100).collect(), chart)
        })
        .collect()
}

/// One chart for every recipe with a sweep of at least two points, in the header's order: survival by any carrier
/// and by each carrier alone over the parameter. A recipe that sweeps over several parameters gives a chart each.
pub fn curves(evidence: &Evidence) -> Vec<Lines> {
    let charts = charts(evidence).into_iter();
    charts.map(|(_, _, chart)| chart).collect()
}

/// Recipe, parameter and chart of every sweep.
fn charts(evidence: &Evidence) -> Vec<(String, String, Lines)> {
    let header = evidence.header();
    let tallies = evidence.by_pipeline();
    let mut charts: Vec<(&SweepHeader, Vec<(f64, &PipelineTally)>)> = Vec::new();
    for (pipeline, tally) in header.pipelines.iter().zip(&tallies) {
        let Some(sweep) = &pipeline.sweep else {
            continue;
        };
        if tally.tally.n == 0 || !sweep.value.is_finite() {
            continue;
        }
        let same = |(other, _): &&mut (&SweepHeader, _)| {
            other.recipe == sweep.recipe && other.parameter == sweep.parameter
        };
        match charts.iter_mut().find(same) {
            Some((_, points)) => points.push((sweep.value, tally)),
            None => charts.push((sweep, vec![(sweep.value, tally)])),
        }
    }
    charts.retain(|(_, points)| points.len() > 1);
    charts
        .into_iter()
        .map(|(sweep, mut points)| {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            (
                sweep.recipe.clone(),
                sweep.parameter.clone(),
                chart(sweep, &points, &header.carriers),
            )
        })
        .collect()
}

fn chart(sweep: &SweepHeader, points: &[(f64, &PipelineTally)], carriers: &[String]) -> Lines {
    let line = |series: usize, name: &str, of: &dyn Fn(&PipelineTally) -> Measured| Line {
        name: name.to_owned(),
        series,
        points: points
            .iter()
            .filter_map(|(x, pipeline)| {
                let found = of(pipeline);
                Some(Point {
                    x: *x,
                    y: found.rate.value()?,
                    bounds: found.interval.map(|bounds| (bounds.low, bounds.high)),
                })
            })
            .collect(),
    };
    let mut lines = vec![line(0, "any carrier", &|pipeline| pipeline.tally.any)];
    for (index, carrier) in carriers.iter().enumerate() {
        let alone = move |pipeline: &PipelineTally| pipeline.tally.carriers[index].alone;
        lines.push(line(index + 1, carrier, &alone));
    }
    let unit = if sweep.unit.is_empty() || sweep.unit == sweep.parameter {
        String::new()
    } else {
        format!(" ({})", sweep.unit)
    };
    Lines {
        title: format!(
            "Survival by {}, simulated pipeline {}",
            sweep.parameter, sweep.recipe
        ),
        x_title: format!("{}{unit}", sweep.parameter),
        x_ticks: points.iter().map(|(x, _)| (*x, x.to_string())).collect(),
        y_range: (0.0, 1.0),
        y_ticks: percent_ticks(),
        failures: Vec::new(),
        ends_right: false,
        lines,
    }
}
