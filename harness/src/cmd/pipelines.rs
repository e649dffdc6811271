//! `credlink pipelines`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use credlink_harness::{exit, recipes};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::listing;
use credlink_transforms::recipe::Recipe;
use serde_json::{Value as Json, json};

use crate::cli::{Grade, PipelinesArgs, PipelinesCommand};

pub(crate) fn run(args: &PipelinesArgs) -> Result<u8> {
    let catalogue = Catalogue::embedded()?;
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
                Some(dir) => with_folder(&catalogue, dir)?,
                None => catalogue,
            };
            super::say(listing::coverage_table(&checked).trim_end())?;
        }
        Some(PipelinesCommand::Doc { file, check }) => document(&catalogue, file, *check)?,
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

/// The catalogue together with the recipes of a directory, which may chain those of the program.
fn with_folder(catalogue: &Catalogue, dir: &Path) -> Result<Catalogue> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for recipe in catalogue.iter() {
        texts.insert(recipe.file.clone(), recipe.file_text().to_owned());
    }
    let mut found = 0;
    for family in entries(dir)?.into_iter().filter(|path| path.is_dir()) {
        for file in entries(&family)? {
            if file
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let id = file.strip_prefix(dir)?.with_extension("");
                let id = id.to_string_lossy().replace('\\', "/");
                let text = super::read_text(&file)
                    .with_context(|| format!("failed to read {}", file.display()))?;
                ensure!(
                    texts.insert(id.clone(), text).is_none(),
                    "{id} is a recipe of the program; give yours another name"
                );
                found += 1;
            }
        }
    }
    ensure!(found > 0, "{} holds no family/name.toml", dir.display());
    Ok(Catalogue::from_texts(texts)?)
}

pub(super) fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("failed to list {}", dir.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(failed)? {
        paths.push(entry.with_context(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn document(catalogue: &Catalogue, file: &Path, check: bool) -> Result<()> {
    let text = listing::document(catalogue);
    if check {
        let found =
            super::read_text(file).with_context(|| format!("failed to read {}", file.display()))?;
        ensure!(
            found == text,
            "{} is not what the recipes say; run `credlink pipelines doc`",
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
