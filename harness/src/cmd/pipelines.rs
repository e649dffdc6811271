//! `credlink pipelines`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use credlink_harness::{exit, recipes};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;
use credlink_transforms::{listing, sightings};
use serde_json::{Value as Json, json};

use crate::cli::{Grade, PipelinesArgs, PipelinesCommand};

pub(crate) fn run(args: &PipelinesArgs) -> Result<u8> {
    let catalogue = recipes::catalogue(args.recipes.as_deref())?;
    match &args.command {
        Some(PipelinesCommand::Show { id, json }) => {
            let recipe = super::recipe(&catalogue, id)?;
            super::say(&if *json {
                format!("{:#}", as_json(&recipe, true))
            } else {
                manual(&recipe)?
            })?;
        }
        Some(PipelinesCommand::Check { dir }) => {
            let checked = match dir {
                Some(dir) => recipes::catalogue(Some(dir))?,
                None => catalogue,
            };
            super::say(listing::coverage_table(&checked).trim_end())?;
        }
        Some(PipelinesCommand::Doc { file, check }) => {
            generated(&listing::document(&catalogue), file, *check, "doc")?;
        }
        Some(PipelinesCommand::Observed { file, check }) => {
            let text = sightings::document(&catalogue).map_err(anyhow::Error::msg)?;
            generated(&text, file, *check, "observed")?;
        }
        Some(PipelinesCommand::Calibrate(args)) => super::calibrate::run(args)?,
        None => list(&catalogue, args)?,
    }
    Ok(exit::OK)
}

fn list(catalogue: &Catalogue, args: &PipelinesArgs) -> Result<()> {
    let selected = catalogue.select(&args.select);
    if selected.is_empty() {
        return Err(super::unknown(catalogue, &args.select));
    }
    let graded = |recipe: &Recipe| {
        let letter = recipe.grade().letter();
        let named = |grade: &Grade| format!("{grade:?}").starts_with(letter);
        args.grade.is_empty() || args.grade.iter().any(named)
    };
    if args.json {
        let listed = selected.iter().filter(|recipe| graded(recipe));
        let listed: Vec<Json> = listed.map(|recipe| as_json(recipe, false)).collect();
        return super::say(&format!("{:#}", Json::from(listed)));
    }
    let mut text = format!(
        "{:<46} {:<5} {:<9} {:<4} title\n",
        "id", "grade", "severity", "core"
    );
    let mut count = 0;
    for recipe in selected.iter().filter(|recipe| graded(recipe)) {
        let (grade, severity) = (recipe.grade().letter(), recipe.severity.as_str());
        let core = if recipe.core { "core" } else { "" };
        writeln!(
            text,
            "{:<46} {grade:<5} {severity:<9} {core:<4} {}",
            recipe.id, recipe.title
        )?;
        count += 1;
    }
    write!(
        text,
        "{count} pipelines; `credlink pipelines show ID` prints one with its sources"
    )?;
    super::say(&text)
}

/// A recipe for machines; whole, or as the list has it.
fn as_json(recipe: &Recipe, whole: bool) -> Json {
    let accepts: Vec<&str> = recipe
        .accepts
        .iter()
        .map(|format| format.as_str())
        .collect();
    let mut document = json!({
        "id": recipe.id,
        "title": recipe.title,
        "family": recipe.family,
        "grade": recipe.grade().letter().to_string(),
        "severity": recipe.severity.as_str(),
        "core": recipe.core,
        "accepts": accepts,
        "years": recipe.years_in_words(),
        "digest": recipe.digest(),
    });
    if whole {
        let sources = recipe.sources.iter().map(|source| {
            json!({
                "cite": source.words(),
                "grade": source.grade.letter().to_string(),
                "backs": source.backs,
            })
        });
        document["analysis"] = recipe.analysis.trim().into();
        document["steps"] = recipes::steps(recipe).into();
        document["sources"] = sources.collect::<Vec<_>>().into();
        document["assumed"] = recipe.assumed.clone().into();
    }
    document
}

/// Writes a document that a subcommand makes, or checks that it is the one that is there.
fn generated(text: &str, file: &Path, check: bool, by: &str) -> Result<()> {
    if check {
        let found =
            super::read_text(file).with_context(|| format!("failed to read {}", file.display()))?;
        ensure!(
            found == text,
            "{} is not what the recipes say; run `credlink pipelines {by}`",
            file.display()
        );
        return super::say(&format!("{} is up to date", file.display()));
    }
    std::fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))?;
    super::say(&format!("wrote {}", file.display()))
}

/// A recipe as a manual page.
fn manual(recipe: &Recipe) -> Result<String> {
    let mut text = format!(
        "{}: {}\n\n{}\n",
        recipe.id,
        recipe.title,
        recipe.analysis.trim()
    );
    let takes: Vec<&str> = recipe
        .accepts
        .iter()
        .map(|format| format.as_str())
        .collect();
    writeln!(
        text,
        "\nTakes: {}",
        if takes.is_empty() {
            "every format".to_owned()
        } else {
            takes.join(", ")
        }
    )?;
    writeln!(
        text,
        "Grade {} (the weakest source); severity {}.",
        recipe.grade().letter(),
        recipe.severity.as_str()
    )?;
    let years = recipe.years_in_words();
    if !years.is_empty() {
        writeln!(text, "Holds {years}.")?;
    }
    writeln!(text, "\nSteps")?;
    for (index, step) in recipes::steps(recipe).iter().enumerate() {
        writeln!(text, "  {}. {}", index + 1, step.replace('\n', "\n     "))?;
    }
    if recipe.steps.is_empty() {
        writeln!(text, "  none: the file passes unchanged")?;
    }
    writeln!(text, "\nSources")?;
    for source in &recipe.sources {
        writeln!(text, "  [{}] {}", source.grade.letter(), source.words())?;
        if !source.backs.is_empty() {
            writeln!(text, "      backs {}", source.backs.join(", "))?;
        }
    }
    let assumed = if recipe.assumed.is_empty() {
        "nothing".to_owned()
    } else {
        recipe.assumed.join(", ")
    };
    write!(text, "\nAssumed: {assumed}\nDigest: {}", recipe.digest())?;
    Ok(text)
}
