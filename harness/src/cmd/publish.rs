//! `credlink publish`.

use anyhow::Result;
use credlink_harness::{clock, exit};
use credlink_reports::RunDir;
use credlink_reports::figures::plural;
use credlink_reports::site::{Published, Settings, Source, publish};
use serde_json::json;

use crate::cli::PublishArgs;

pub(crate) fn run(args: &PublishArgs) -> Result<u8> {
    let settings = Settings {
        url: args.url.clone().unwrap_or_default(),
        keep: usize::try_from(args.keep).unwrap_or(usize::MAX),
    };
    let published = match RunDir::open(&args.run) {
        Ok(run) => {
            let done = publish(&args.site, &Source::Run(&run), &settings);
            match done {
                // Half-written rows or a torn header: the night failed, and the site says so.
                Err(credlink_reports::site::SiteError::Run(error)) if args.failed_night => {
                    let reason = format!("{:#}", anyhow::Error::from(error));
                    failed(args, &settings, &reason)?
                }
                done => done?,
            }
        }
        Err(error) if args.failed_night => failed(args, &settings, &error.to_string())?,
        Err(error) => return Err(error.into()),
    };
    say(&published, args.json)?;
    Ok(exit::OK)
}

fn failed(args: &PublishArgs, settings: &Settings, reason: &str) -> Result<Published> {
    let now = clock::utc_now();
    let name = args.run.file_name().map(|name| name.to_string_lossy());
    let id = name.unwrap_or_default();
    let source = Source::Failed {
        id: &id,
        created: &now,
        reason,
    };
    Ok(publish(&args.site, &source, settings)?)
}

fn say(published: &Published, json: bool) -> Result<()> {
    let night = &published.night;
    if let Some(aside) = &published.set_aside {
        super::complain(&format!(
            "warning: the history ended in a torn line; it is kept in {}",
            aside.display()
        ));
    }
    if json {
        let changes = published.changes.iter().map(|change| {
            json!({
                "pipeline": change.pipeline,
                "before": [change.before.0, change.before.1],
                "after": [change.after.0, change.after.1],
                "why": change.why,
            })
        });
        let document = json!({
            "night": night.id,
            "status": night.status.as_str(),
            "reason": night.reason,
            "is_new": published.is_new,
            "nights": published.nights,
            "changes": changes.collect::<Vec<_>>(),
        });
        return super::say(&format!("{document:#}"));
    }
    let news = if published.is_new {
        "published"
    } else {
        "already published"
    };
    super::say(&format!(
        "{news}: {} ({}), {} in the history",
        night.id,
        night.status.as_str(),
        plural(published.nights as u64, "night")
    ))?;
    for change in &published.changes {
        super::say(&format!(
            "changed: {} from {} of {} to {} of {}: {}",
            change.pipeline,
            change.before.0,
            change.before.1,
            change.after.0,
            change.after.1,
            change.why
        ))?;
    }
    Ok(())
}
