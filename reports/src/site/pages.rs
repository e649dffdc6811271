//! The pages of a site, from its history alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use minijinja::Value;
use serde::Serialize;

use super::night::measured;
use super::{Night, NightAnswer, NightChange, NightShare, Settings, SiteError, changes, trends};
use crate::atomic;
use crate::availability;
use crate::figures::{self, bounded, count};
use crate::file_error::refused;
use crate::head_to_head::leaderboard;
use crate::page::{STYLE, themed};
use crate::plots::{Lines, lines, svg};
use crate::stats::{Bounded, Measured, Rate};
use crate::tables::ALL_FAMILIES;
use crate::templates::{DocumentError, render, safe};

/// Nights that charts show.
const CHARTED: usize = 90;
/// Nights in the feed.
const FED: usize = 30;

#[derive(Serialize)]
struct SiteContext {
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
    /// Lines of the leaderboard, if the site has one.
    leaders: Vec<[String; 8]>,
    /// What a probe found of a service: question and answer.
    availability: Vec<(String, String)>,
}

#[derive(Clone, Serialize)]
struct NightWords {
    id: String,
    created: String,
    status: &'static str,
    is_ok: bool,
    reason: String,
    survived: String,
    /// The two lines of the answer; empty where they were not kept.
    in_file: String,
    through_store: String,
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
    let fed = SiteContext {
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
    found: &[NightChange],
    settings: &Settings,
) -> Result<SiteContext, SiteError> {
    let mut all = night_words(site, nights, found);
    all.reverse();
    let charted = &nights[nights.len().saturating_sub(CHARTED)..];
    let families = names(charted, |night| night.families().into_keys().collect());
    let pipelines = names(charted, |night| keys(&night.pipelines));
    let services = names(charted, |night| keys(&night.services));
    let pooled = |family: &str, title: &str| {
        drawn(&trends::survival(charted, title, |night| {
            let rate = match family {
                ALL_FAMILIES => rate(night.survived),
                family => *night.families().get(family)?,
            };
            Some(night.measured(family, rate))
        }))
    };
    let alone = |id: &str| {
        let title = format!("{id}, simulated");
        drawn(&trends::survival(charted, &title, |night| {
            let pipeline = night.pipelines.get(id)?;
            Some(measured(rate(pipeline.survived), pipeline.interval))
        }))
    };
    Ok(SiteContext {
        style: safe(STYLE.to_owned()),
        title: "Survival through simulated pipelines, night by night",
        url: settings.url.trim_end_matches('/').to_owned(),
        updated: nights
            .last()
            .map_or_else(String::new, |night| night.created.clone()),
        latest: all.iter().find(|night| night.is_ok).cloned(),
        changes: found.iter().rev().map(change_words).collect(),
        overall: pooled(ALL_FAMILIES, "all simulated pipelines")?,
        families: charts(families, |family| {
            pooled(family, &format!("{family}, simulated"))
        })?,
        services: charts(services, |service| {
            drawn(&trends::latency(charted, service))
        })?,
        pipelines: charts(pipelines, alone)?,
        leaders: leaderboard::read(&site.join(leaderboard::FILE))
            .iter()
            .map(leaderboard::words)
            .collect(),
        availability: availability::shown(site),
        nights: all,
    })
}

fn change_words(change: &NightChange) -> ChangeWords {
    ChangeWords {
        night: change.night.clone(),
        pipeline: change.pipeline.clone(),
        before: shown(change.before),
        after: shown(change.after),
        is_worse: change.after.0 * change.before.1 < change.before.0 * change.after.1,
        why: change.why,
    }
}

/// Every night as words, oldest first.
fn night_words(site: &Path, nights: &[Night], found: &[NightChange]) -> Vec<NightWords> {
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
            survived: words(night.measured(ALL_FAMILIES, rate(night.survived))),
            in_file: answer(night, |answer| answer.in_file),
            through_store: answer(night, |answer| answer.through_store),
            ops: count(night.survived.1),
            false_accepts: bounded(Bounded {
                rate: rate(night.false_accepts),
                upper: night.false_accept_bound,
            }),
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
    all
}

/// A line of a night's answer; empty where it was not kept.
fn answer(night: &Night, of: impl Fn(&NightAnswer) -> NightShare) -> String {
    let kept = night.answer.as_ref();
    kept.map_or_else(String::new, |answer| words(of(answer).measured()))
}

fn keys<T>(map: &BTreeMap<String, T>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

/// The names that any of the nights has, in alphabetical order.
fn names<'a>(nights: &'a [Night], of: impl Fn(&'a Night) -> Vec<&'a str>) -> BTreeSet<&'a str> {
    nights.iter().flat_map(of).collect()
}

/// One chart for each name.
fn charts(
    names: BTreeSet<&str>,
    draw: impl Fn(&str) -> Result<Value, SiteError>,
) -> Result<Vec<(String, Value)>, SiteError> {
    let named = names.into_iter();
    named
        .map(|name| Ok((name.to_owned(), draw(name)?)))
        .collect()
}

fn drawn(chart: &Lines) -> Result<Value, SiteError> {
    let failed = |source| {
        SiteError::Run(crate::report::ReadError::Plot {
            plot: "trend",
            source,
        })
    };
    let text = svg(&lines(chart).map_err(failed)?).map_err(failed)?;
    Ok(themed(&text, &chart.title))
}

fn rate((k, n): (u64, u64)) -> Rate {
    Rate { k, n }
}

/// A rate with its interval, or alone where none was kept.
fn words(found: Measured) -> String {
    match found.interval {
        Some(_) => figures::measured(found),
        None => figures::rate(found.rate),
    }
}

/// Counts of a change, which may be of several nights.
fn shown((k, n): (u64, u64)) -> String {
    format!(
        "{} ({} of {})",
        figures::rate(Rate { k, n }),
        count(k),
        count(n)
    )
}

/// Versions of `night` that differ from those of the night before.
fn versions(earlier: &Night, night: &Night) -> String {
    let changed = night.versions.iter().filter_map(|(name, version)| {
        let before = earlier.versions.get(name)?;
        (before != version).then(|| format!("{name} {before} to {version}"))
    });
    changed.collect::<Vec<_>>().join(", ")
}
