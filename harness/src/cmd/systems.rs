//! `credlink systems`: which there are, what they are, and whether an adapter keeps to the protocol.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use credlink_harness::systems::adapter::{Adapter, Description};
use credlink_harness::systems::check::{Check, checked};
use credlink_harness::systems::named::{self, Choice};
use credlink_harness::systems::service::Service;
use credlink_harness::systems::{About, System as _, credlink};
use credlink_harness::{exit, image_set};
use serde_json::{Value as Json, json};

use crate::cli::{SystemsArgs, SystemsCommand};

pub(crate) fn run(args: &SystemsArgs) -> Result<u8> {
    match &args.command {
        None => list(args),
        Some(SystemsCommand::Show { name }) => show(args, name),
        Some(SystemsCommand::Check { name, images }) => {
            let Choice::Adapter(description) = named::find(name, &args.adapters)? else {
                bail!(
                    "{name} is part of this program, whose tests check it; `check` is for adapters"
                );
            };
            let set = image_set::open(images.as_deref(), 1)?;
            let checks = checked(&description, &*set);
            report(&checks, args.json)?;
            let all = checks.iter().all(Check::passed);
            Ok(if all { exit::OK } else { exit::DIFFERS })
        }
    }
}

/// Whether a system runs here, and what it says of itself.
fn asked(choice: &Choice) -> Result<About, String> {
    match choice {
        Choice::CredLink(carriers) => Ok(credlink::about_of(carriers)),
        Choice::Adapter(description) => {
            let started = Adapter::start((**description).clone(), 1, 1, None);
            let adapter = started.map_err(|failure| failure.reason().to_owned())?;
            Ok(adapter.about())
        }
        Choice::Service(url) => Service::new(url, None).map(|service| service.about()),
    }
}

fn list(args: &SystemsArgs) -> Result<u8> {
    let mut listed = Vec::new();
    for found in named::all(&args.adapters) {
        listed.push(match found {
            Ok(choice) => {
                let asked = asked(&choice);
                let about = match &choice {
                    Choice::CredLink(_) => {
                        "this program's own: manifest, link, fingerprint, watermark".to_owned()
                    }
                    Choice::Adapter(description) => description.about().to_owned(),
                    Choice::Service(url) => format!("a service at {url}"),
                };
                (choice.name(), about, asked.map(|about| about.version))
            }
            Err(error) => (String::new(), String::new(), Err(error.to_string())),
        });
    }
    if args.json {
        let listed = listed.iter().map(|(name, about, asked)| {
            json!({
                "name": name,
                "about": about,
                "version": asked.as_ref().ok(),
                "missing": asked.as_ref().err(),
            })
        });
        super::say(&format!("{:#}", Json::from(listed.collect::<Vec<_>>())))?;
        return Ok(exit::OK);
    }
    let width = listed
        .iter()
        .map(|(name, ..)| name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (name, about, asked) in &listed {
        match asked {
            Ok(version) => writeln!(text, "{name:width$}  {version:<9} {about}")?,
            Err(missing) => writeln!(text, "{name:width$}  not here  {missing}")?,
        }
    }
    write!(
        text,
        "`credlink/watermark` and the like are one carrier of credlink alone, `http://…` is a service; adapters lie in {}, \
         and docs/ADAPTERS.md says how to write one",
        args.adapters.display()
    )?;
    super::say(&text)?;
    Ok(exit::OK)
}

fn show(args: &SystemsArgs, name: &str) -> Result<u8> {
    let choice = named::find(name, &args.adapters)?;
    let asked = asked(&choice);
    let description = match &choice {
        Choice::CredLink(_) | Choice::Service(_) => None,
        Choice::Adapter(description) => Some(&**description),
    };
    if args.json {
        super::say(&format!(
            "{:#}",
            as_json(&choice.name(), description, &asked)
        ))?;
    } else {
        super::say(&manual(&choice.name(), description, &asked)?)?;
    }
    Ok(if asked.is_ok() {
        exit::OK
    } else {
        exit::FAILURE
    })
}

fn as_json(name: &str, description: Option<&Description>, asked: &Result<About, String>) -> Json {
    let about = asked.as_ref().ok();
    json!({
        "name": name,
        "about": description.map(Description::about),
        "packages": description.map(|description| description.packages().collect::<Vec<_>>()),
        "needs": description.map(Description::needs),
        "version": about.map(|about| &about.version),
        "licence": about.map(|about| &about.licence),
        "source": about.map(|about| &about.source),
        "settings": about.map(|about| about.settings.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()),
        "carriers": about.map(|about| {
            let carriers = about.carriers.iter();
            carriers
                .map(|carrier| json!({
                    "name": carrier.name,
                    "place": carrier.place.as_str(),
                    "describes": carrier.describes,
                    "payload_bits": carrier.payload_bits,
                    "decision": carrier.decision,
                }))
                .collect::<Vec<_>>()
        }),
        "missing": asked.as_ref().err(),
    })
}

fn manual(
    name: &str,
    description: Option<&Description>,
    asked: &Result<About, String>,
) -> Result<String> {
    let mut text = name.to_owned();
    if let Some(description) = description {
        write!(
            text,
            ": {}\n\n{}\n",
            description.title(),
            description.about()
        )?;
        writeln!(
            text,
            "\nLicence: {}\nSource: {}",
            description.licence(),
            description.source()
        )?;
        let packages: Vec<&str> = description.packages().collect();
        if !packages.is_empty() {
            writeln!(text, "Packages: {}", packages.join(", "))?;
        }
        for need in description.needs() {
            writeln!(text, "Needs: {need}")?;
        }
    } else {
        text.push('\n');
    }
    match asked {
        Ok(about) => {
            writeln!(text, "\nRuns here: version {}", about.version)?;
            for (setting, value) in &about.settings {
                writeln!(text, "  {setting}: {value}")?;
            }
            for carrier in &about.carriers {
                writeln!(
                    text,
                    "  {} (in the {}): {}",
                    carrier.name, carrier.place, carrier.describes
                )?;
                if let Some(decision) = &carrier.decision {
                    let than = if decision.rising {
                        "at least"
                    } else {
                        "at most"
                    };
                    writeln!(
                        text,
                        "    found: {than} {} {}",
                        decision.in_use, decision.unit
                    )?;
                }
            }
        }
        Err(missing) => writeln!(text, "\nDoes not run here: {missing}")?,
    }
    Ok(text.trim_end().to_owned())
}

fn report(checks: &[Check], json: bool) -> Result<()> {
    if json {
        let checks = checks.iter().map(|check| {
            json!({ "check": check.name, "verdict": check.verdict.as_str(), "detail": check.detail })
        });
        return super::say(&format!("{:#}", Json::from(checks.collect::<Vec<_>>())));
    }
    let mut text = String::new();
    for check in checks {
        writeln!(
            text,
            "{:<7} {}: {}",
            check.verdict.as_str(),
            check.name,
            check.detail
        )?;
    }
    let failed = checks.iter().filter(|check| !check.passed()).count();
    write!(
        text,
        "{}",
        if failed == 0 {
            "it does what docs/ADAPTERS.md asks".to_owned()
        } else {
            format!("{failed} of {} checks failed", checks.len())
        }
    )?;
    super::say(&text)
}
