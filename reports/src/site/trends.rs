//! Charts over nights: survival and latency.

use super::Night;
use crate::figures::duration;
use crate::plots::{Line, Lines, Point};
use crate::stats::Measured;

/// Where a night lies on the axis: days since 1970, so that a night without a run leaves its gap. A night whose time cannot
/// be read lies a day behind the one before it.
fn days(nights: &[Night]) -> Vec<f64> {
    let mut days: Vec<f64> = Vec::with_capacity(nights.len());
    for night in nights {
        let after = days.last().map_or(0.0, |last| last + 1.0);
        days.push(day(&night.created).unwrap_or(after));
    }
    days
}

/// Days from 1970 to an RFC 3339 time in UTC, such as `2026-01-31T02:17:00Z`.
fn day(created: &str) -> Option<f64> {
    let number = |range: std::ops::Range<usize>| created.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March end with the leap day.
    let (years, months) = match month {
        3.. => (year, month - 3),
        _ => (year - 1, month + 9),
    };
    let leaps = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    // 153 days are five months from March on; 719,468 days lie between the first of March of the year 0 and 1970.
    let whole = 365 * years + leaps + (153 * months + 2) / 5 + day - 1 - 719_468;
    let minutes = number(11..13).unwrap_or(0) * 60 + number(14..16).unwrap_or(0);
    Some(whole as f64 + minutes as f64 / 1440.0)
}

/// Places of nights with the day as a label, and of those that are not ok.
fn places(nights: &[Night]) -> (Vec<(f64, String)>, Vec<f64>) {
    let label = |night: &Night| night.created.get(5..10).unwrap_or("").to_owned();
    let placed = || days(nights).into_iter().zip(nights);
    let ticks = placed().map(|(x, night)| (x, label(night)));
    let failed = placed().filter(|(_, night)| !night.is_ok());
    (ticks.collect(), failed.map(|(x, _)| x).collect())
}

/// The figures of the nights that are ok.
fn trend(
    name: &str,
    series: usize,
    nights: &[Night],
    point: impl Fn(f64, &Night) -> Option<Point>,
) -> Line {
    let points = days(nights)
        .into_iter()
        .zip(nights)
        .filter(|(_, night)| night.is_ok())
        .filter_map(|(x, night)| point(x, night));
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
        ends_right: true,
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
        ends_right: true,
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_lie_as_far_apart_as_their_days() {
        assert_eq!(day("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(day("2000-03-01T12:00:00Z"), Some(11_017.5));
        assert_eq!(day("2024-02-29T00:00:00Z"), Some(19_782.0));
        assert_eq!(day("2026-13-01T00:00:00Z"), None);
        assert_eq!(day("yesterday"), None);
        let night = |created: &str| Night::failed("n", created, "no run");
        let nights = [
            "2026-02-27T02:00:00Z",
            "2026-02-28T02:00:00Z",
            "",
            "2026-03-04T02:00:00Z",
        ];
        let days = days(&nights.map(night));
        let gaps: Vec<f64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(
            gaps.iter()
                .zip([1.0, 1.0, 3.0])
                .all(|(gap, known)| (gap - known).abs() < 1e-9),
            "{gaps:?}"
        );
    }
}
