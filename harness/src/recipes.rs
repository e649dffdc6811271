//! The recipes of a run as its page shows them, taken from the catalogue that the program carries.

use anyhow::Result;
use credlink_reports::recipes::{RecipeFacts, Recipes, SourceFacts};
use credlink_reports::{RunDir, RunHeader};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;

/// Writes `recipes.json` into a run directory: of every pipeline of the run what it does, and by what evidence. A recipe that
/// is no longer the one that ran is left as the run had it, or left out.
///
/// # Errors
/// When the catalogue cannot be read, or the file not be read or written.
pub fn keep(run_dir: &RunDir, header: &RunHeader) -> Result<()> {
    let catalogue = Catalogue::embedded()?;
    let mut recipes = Recipes::read(run_dir.root())?;
    let mut is_new = false;
    for pipeline in &header.pipelines {
        if recipes.of(&pipeline.id, &pipeline.digest).is_some() {
            continue;
        }
        let known = catalogue.get(&pipeline.id);
        if let Some(recipe) = known.filter(|recipe| recipe.digest() == pipeline.digest) {
            recipes.recipes.push(facts(recipe));
            is_new = true;
        }
    }
    if is_new {
        recipes.write(run_dir.root())?;
    }
    Ok(())
}

fn facts(recipe: &Recipe) -> RecipeFacts {
    RecipeFacts {
        id: recipe.id.clone(),
        digest: recipe.digest(),
        analysis: recipe.analysis.trim().to_owned(),
        years: recipe.years_in_words(),
        steps: steps(recipe),
        sources: recipe
            .sources
            .iter()
            .map(|source| SourceFacts {
                grade: source.grade.letter().to_string(),
                cite: source.cite.clone(),
                files: source.extent_in_words(),
                backs: source.backs.clone(),
            })
            .collect(),
        assumed: recipe.assumed.clone(),
    }
}

/// The steps of a recipe as its file writes them, one text each.
#[must_use]
pub fn steps(recipe: &Recipe) -> Vec<String> {
    let steps = recipe.text().split("[[step]]").skip(1);
    steps.map(|step| step.trim().to_owned()).collect()
}
