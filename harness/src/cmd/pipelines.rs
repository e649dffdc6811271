//! `credlink pipelines`.

use std::fmt::Write as _;

use anyhow::Result;
use credlink_harness::exit;
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;

use crate::cli::{Grade, PipelinesArgs, PipelinesCommand};

pub(crate) fn run(args: &PipelinesArgs) -> Result<u8> {
    let catalogue = Catalogue::embedded()?;
    if let Some(PipelinesCommand::Show { id }) = &args.command {
        super::say(&manual(&*super::recipe(&catalogue, id)?)?)?;
        return Ok(exit::OK);
    }
    let selected = catalogue.select(&args.select);
    if selected.is_empty() {
        return Err(super::unknown(&catalogue, &args.select));
    }
    let graded = |recipe: &Recipe| {
        let letter = recipe.grade().letter();
        let named = |grade: &Grade| format!("{grade:?}").starts_with(letter);
        args.grade.is_empty() || args.grade.iter().any(named)
    };
    let mut text = format!(
        "{:<34} {:<5} {:<9} {:<4} title\n",
        "id", "grade", "severity", "core"
    );
    let mut count = 0;
    for recipe in selected.iter().filter(|recipe| graded(recipe)) {
        let (grade, severity) = (recipe.grade().letter(), recipe.severity.as_str());
        let core = if recipe.core { "core" } else { "" };
        writeln!(
            text,
            "{:<34} {grade:<5} {severity:<9} {core:<4} {}",
            recipe.id, recipe.title
        )?;
        count += 1;
    }
    write!(
        text,
        "{count} pipelines; `credlink pipelines show ID` prints one with its sources"
    )?;
    super::say(&text)?;
    Ok(exit::OK)
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
    writeln!(text, "\nSteps")?;
    let steps = recipe.text().split("[[step]]").skip(1).map(str::trim);
    for (index, step) in steps.enumerate() {
        writeln!(text, "  {}. {}", index + 1, step.replace('\n', "\n     "))?;
    }
    if recipe.steps.is_empty() {
        writeln!(text, "  none: the file passes unchanged")?;
    }
    writeln!(text, "\nSources")?;
    for source in &recipe.sources {
        writeln!(text, "  [{}] {}", source.grade.letter(), source.cite)?;
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
