//! Charts over nights: survival and latency.

use super::Night;
use crate::figures::duration;
use crate::plots::{Line, Lines, Point};
use crate::stats::Measured;

/// Places of nights with the day as a label, and of those that are not ok.
fn places(nights: &[Night]) -> (Vec<(f64, String)>, Vec<f64>) {
    let day = |night: &Night| night.created.get(5..10).unwrap_or("").to_owned();
    let ticks = (0..)
        .zip(nights)
        .map(|(x, night)| (f64::from(x), day(night)));
    let failed = (0..).zip(nights).filter(|(_, night)| !night.is_ok());
    (ticks.collect(), failed.map(|(x, _)| f64::from(x)).collect())
}

/// The figures of the nights that are ok.
fn trend(
    name: &str,
    series: usize,
    nights: &[Night],
    point: impl Fn(f64, &Night) -> Option<Point>,
) -> Line {
    let points = (0..)
        .zip(nights)
        .filter(|(_, night)| night.is_ok())
        .filter_map(|(x, night)| point(f64::from(x), night));
    Line {
        name: name.to_owned(),
        series,
        points: points.collect(),
    }
}

pub(super) fn survival(
    nights: &[Night],
    name: &str,
    of: impl Fn(&Night) -> Option<Measured>,
) -> Lines {
    let (x_ticks, failures) = places(nights);
    let line = trend("survived by any carrier", 0, nights, |x, night| {
        let found = of(night)?;
        Some(Point {
            x,
            y: found.rate.value()?,
            bounds: found.interval.map(|bounds| (bounds.low, bounds.high)),
        })
    });
    let lowest = line
        .points
        .iter()
        .filter_map(|point| point.bounds)
        .fold(1.0_f64, |low, bounds| low.min(bounds.0));
    // Zoomed to tenths, and the labels say so: at full scale a loss of two points would not be seen.
    let bottom = ((lowest * 10.0).floor() / 10.0).clamp(0.0, 0.9);
    let step = match bottom {
        low if low > 0.85 => 0.02,
        low if low > 0.75 => 0.05,
        low if low > 0.45 => 0.1,
        _ => 0.2,
    };
    let count = ((1.0 - bottom) / step).round() as u32;
    let ticks = (0..=count).map(|tick| bottom + f64::from(tick) * step);
    Lines {
        title: format!("Survival, {name}"),
        x_title: "night; a cross marks one that is not ok".to_owned(),
        x_ticks,
        y_range: (bottom, 1.0),
        y_ticks: ticks
            .filter(|value| *value <= 1.001)
            .map(|value| (value, format!("{:.0} %", value * 100.0)))
            .collect(),
        failures,
        lines: vec![line],
    }
}

/// The least of 1, 2, 5, 10, 20, … that is not below `least`, which is positive.
fn round_step(least: f64) -> f64 {
    let decade = 10_f64.powf(least.log10().floor());
    let of_decade = [1.0, 2.0, 5.0].map(|digit| digit * decade);
    let fits = of_decade.into_iter().find(|step| *step >= least);
    fits.unwrap_or(10.0 * decade)
}

pub(super) fn latency(nights: &[Night], service: &str) -> Lines {
    let (x_ticks, failures) = places(nights);
    let value = |night: &Night, p95: bool| {
        let service = night.services.get(service)?;
        if p95 { service.p95 } else { service.p50 }
    };
    let mut lines = Vec::new();
    for (series, name, p95) in [(1, "median", false), (2, "p95", true)] {
        lines.push(trend(name, series, nights, |x, night| {
            Some(Point {
                x,
                y: value(night, p95)? as f64,
                bounds: None,
            })
        }));
    }
    let top = lines
        .iter()
        .flat_map(|line| &line.points)
        .fold(1.0_f64, |top, point| top.max(point.y));
    let step = round_step(top * 1.05 / 5.0);
    let count = (top * 1.05 / step).ceil();
    Lines {
        title: format!("Latency, {service}"),
        x_title: "night; compare only nights of one machine".to_owned(),
        x_ticks,
        y_range: (0.0, count * step),
        y_ticks: (0..=count as u32)
            .map(|tick| f64::from(tick) * step)
            .map(|nanos| (nanos, duration(nanos as u64)))
            .collect(),
        failures,
        lines,
    }
}
