//! The pages of a site, from its history alone.

use std::path::Path;

use minijinja::Value;
use serde::Serialize;

use super::{Change, Night, Settings, SiteError, changes};
use crate::atomic;
use crate::figures::{bound, count, duration, pooled_rate, rate_with_interval};
use crate::file_error::refused;
use crate::formats::{DocumentError, render, safe};
use crate::page::{STYLE, themed};
use crate::plots::{Line, Lines, Point, lines, svg};
use crate::stats::{Interval, Rate};
use crate::tables::ALL_FAMILIES;

/// Nights that charts show.
const CHARTED: usize = 90;
/// Nights in the feed.
const FED: usize = 30;

#[derive(Serialize)]
struct Context {
    style: Value,
    title: &'static str,
    url: String,
    updated: String,
    latest: Option<NightWords>,
    /// Newest first.
    nights: Vec<NightWords>,
    changes: Vec<ChangeWords>,
    overall: Value,
    families: Vec<(String, Value)>,
    services: Vec<(String, Value)>,
    pipelines: Vec<(String, Value)>,
}

#[derive(Clone, Serialize)]
struct NightWords {
    id: String,
    created: String,
    status: &'static str,
    is_ok: bool,
    reason: String,
    survived: String,
    ops: String,
    false_accepts: String,
    /// Whether there were any.
    accepted: bool,
    machine: String,
    /// Versions that differ from the night before.
    versions: String,
    changes: Vec<String>,
    /// Where its page is; empty if it has none.
    link: String,
}

#[derive(Serialize)]
struct ChangeWords {
    night: String,
    pipeline: String,
    before: String,
    after: String,
    is_worse: bool,
    why: &'static str,
}

/// Writes index, feed, badge and the list of changes.
pub(super) fn write(site: &Path, nights: &[Night], settings: &Settings) -> Result<(), SiteError> {
    let found = changes(nights);
    let context = context(site, nights, &found, settings)?;
    let put = |name: &str, text: &str| {
        let path = site.join(name);
        atomic::write(&path, text.as_bytes()).map_err(refused("write", &path))
    };
    put("index.html", &render("site.html", &context)?)?;
    let fed = Context {
        nights: context.nights.iter().take(FED).cloned().collect(),
        ..context
    };
    put("feed.xml", &render("feed.xml", &fed)?)?;
    let json = serde_json::to_string_pretty(&found).map_err(DocumentError::from)?;
    put("changes.json", &json)?;
    // Told not to run the pages through Jekyll, which would leave out files with a leading underscore.
    put(".nojekyll", "")?;
    let latest = nights.iter().rev().find(|night| night.is_ok());
    for badge in ["badge.json", "badge.svg"] {
        let Some(night) = latest else { break };
        let from = site.join("runs").join(&night.id).join(badge);
        if let Ok(text) = crate::input::text(&from) {
            put(badge, &text)?;
        }
    }
    Ok(())
}

fn context(
    site: &Path,
    nights: &[Night],
    found: &[Change],
    settings: &Settings,
) -> Result<Context, SiteError> {
    let words = |change: &Change| ChangeWords {
        night: change.night.clone(),
        pipeline: change.pipeline.clone(),
        before: shown(change.before),
        after: shown(change.after),
        is_worse: change.after.0 * change.before.1 < change.before.0 * change.after.1,
        why: change.why,
    };
    let mut all: Vec<NightWords> = Vec::new();
    let mut earlier: Option<&Night> = None;
    for night in nights {
        let versions = earlier.map_or_else(String::new, |earlier| versions(earlier, night));
        if !night.versions.is_empty() {
            earlier = Some(night);
        }
        let page = format!("runs/{}/report.html", night.id);
        let of_night = found.iter().filter(|change| change.night == night.id);
        all.push(NightWords {
            id: night.id.clone(),
            created: night.created.clone(),
            status: night.status.as_str(),
            is_ok: night.is_ok(),
            reason: night.reason.clone(),
            survived: overall(night),
            ops: count(night.survived.1),
            false_accepts: bound(rate(night.false_accepts)),
            accepted: night.false_accepts.0 > 0,
            machine: night.machine.clone(),
            versions,
            changes: of_night
                .map(|change| {
                    let (before, after) = (shown(change.before), shown(change.after));
                    format!("{}: {before} to {after}", change.pipeline)
                })
                .collect(),
            link: if site.join(&page).is_file() {
                page
            } else {
                String::new()
            },
        });
    }
    all.reverse();
    let charted = &nights[nights.len().saturating_sub(CHARTED)..];
    let draw = |chart: Lines| -> Result<Value, SiteError> {
        let failed = |source| {
            SiteError::Run(crate::report::ReadError::Plot {
                plot: "trend",
                source,
            })
        };
        let text = svg(&lines(&chart).map_err(failed)?).map_err(failed)?;
        Ok(themed(&text, &chart.title))
    };
    let mut families: Vec<&str> = charted
        .iter()
        .flat_map(|n| n.families().into_keys())
        .collect();
    families.sort_unstable();
    families.dedup();
    let mut pipelines: Vec<&str> = charted
        .iter()
        .flat_map(|night| night.pipelines.keys().map(String::as_str))
        .collect();
    pipelines.sort_unstable();
    pipelines.dedup();
    let mut services: Vec<&str> = charted
        .iter()
        .flat_map(|night| night.services.keys().map(String::as_str))
        .collect();
    services.sort_unstable();
    services.dedup();
    Ok(Context {
        style: safe(STYLE.to_owned()),
        title: "Survival through simulated pipelines, night by night",
        url: settings.url.trim_end_matches('/').to_owned(),
        updated: nights
            .last()
            .map_or_else(String::new, |night| night.created.clone()),
        latest: all.iter().find(|night| night.is_ok).cloned(),
        changes: found.iter().rev().map(words).collect(),
        overall: draw(survival(charted, "all simulated pipelines", |night| {
            let rate = rate(night.survived);
            Some((rate, night.interval(ALL_FAMILIES, rate)))
        }))?,
        families: families
            .into_iter()
            .map(|family| {
                let chart = survival(charted, &format!("{family}, simulated"), |night| {
                    let rate = *night.families().get(family)?;
                    Some((rate, night.interval(family, rate)))
                });
                Ok((family.to_owned(), draw(chart)?))
            })
            .collect::<Result<_, SiteError>>()?,
        services: services
            .into_iter()
            .map(|service| Ok((service.to_owned(), draw(latency(charted, service))?)))
            .collect::<Result<_, SiteError>>()?,
        pipelines: pipelines
            .into_iter()
            .map(|id| {
                let chart = survival(charted, &format!("{id}, simulated"), |night| {
                    let rate = rate(night.pipelines.get(id)?.survived);
                    Some((rate, rate.interval()))
                });
                Ok((id.to_owned(), draw(chart)?))
            })
            .collect::<Result<_, SiteError>>()?,
        nights: all,
    })
}

fn rate((k, n): (u64, u64)) -> Rate {
    Rate { k, n }
}

fn overall(night: &Night) -> String {
    let rate = rate(night.survived);
    night.interval(ALL_FAMILIES, rate).map_or_else(
        || rate_with_interval(rate),
        |interval| pooled_rate(rate, interval),
    )
}

fn shown(pair: (u64, u64)) -> String {
    rate_with_interval(rate(pair))
}

/// Versions of `night` that differ from those of the night before.
fn versions(earlier: &Night, night: &Night) -> String {
    let changed = night.versions.iter().filter_map(|(name, version)| {
        let before = earlier.versions.get(name)?;
        (before != version).then(|| format!("{name} {before} to {version}"))
    });
    changed.collect::<Vec<_>>().join(", ")
}

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
fn trend(name: &str, nights: &[Night], point: impl Fn(f64, &Night) -> Option<Point>) -> Line {
    let points = (0..)
        .zip(nights)
        .filter(|(_, night)| night.is_ok())
        .filter_map(|(x, night)| point(f64::from(x), night));
    Line {
        name: name.to_owned(),
        points: points.collect(),
    }
}

fn survival(
    nights: &[Night],
    name: &str,
    of: impl Fn(&Night) -> Option<(Rate, Option<Interval>)>,
) -> Lines {
    let (x_ticks, failures) = places(nights);
    let line = trend("survived by any carrier", nights, |x, night| {
        let (rate, interval) = of(night)?;
        Some(Point {
            x,
            y: rate.value()?,
            bounds: interval.map(|bounds| (bounds.low, bounds.high)),
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

fn latency(nights: &[Night], service: &str) -> Lines {
    let (x_ticks, failures) = places(nights);
    let value = |night: &Night, p95: bool| {
        let service = night.services.get(service)?;
        if p95 { service.p95 } else { service.p50 }
    };
    let mut lines = Vec::new();
    for (name, p95) in [("median", false), ("p95", true)] {
        lines.push(trend(name, nights, |x, night| {
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
