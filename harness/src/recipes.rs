//! The recipes that the program carries and those of the user's, and what a run keeps of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use credlink_reports::recipes::{RecipeFacts, Recipes, SourceFacts};
use credlink_reports::{RunDir, RunHeader};
use credlink_transforms::catalogue::Catalogue;
use credlink_transforms::recipe::Recipe;

/// The folder of a run that holds the user's own recipes, where there were any.
pub const OWN: &str = "recipes";

/// The recipes of the program, together with those of a directory of the user's, `FAMILY/NAME.toml`, which may chain ours.
///
/// # Errors
/// When the directory holds none, or one of them is not as transforms/recipes/README.md says.
pub fn catalogue(own: Option<&Path>) -> Result<Catalogue> {
    let ours = Catalogue::embedded()?;
    let Some(dir) = own else {
        return Ok(ours);
    };
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for recipe in ours.iter() {
        texts.insert(recipe.file.clone(), recipe.file_text().to_owned());
    }
    let files = files(dir)?;
    ensure!(
        !files.is_empty(),
        "{} holds no family/name.toml",
        dir.display()
    );
    for (id, file) in files {
        // A pipe might never end.
        let is_file = std::fs::metadata(&file).is_ok_and(|about| about.is_file());
        ensure!(is_file, "{} is no regular file", file.display());
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("failed to read {}", file.display()))?;
        ensure!(
            texts.insert(id.clone(), text).is_none(),
            "{}: {id} is a recipe of the program; give yours another name",
            file.display()
        );
    }
    Catalogue::from_texts(texts).with_context(|| format!("in the recipes of {}", dir.display()))
}

/// The recipes of the program with those that a run was given besides.
///
/// # Errors
/// As [`catalogue`].
pub fn catalogue_of(run_dir: &RunDir) -> Result<Catalogue> {
    let own = run_dir.root().join(OWN);
    catalogue(own.is_dir().then_some(own.as_path()))
}

/// Copies the user's recipes into a run directory: they are not in the program, and the run shall explain itself.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy(own: &Path, run_dir: &RunDir) -> Result<()> {
    for (id, file) in files(own)? {
        let to = run_dir.root().join(OWN).join(id).with_extension("toml");
        let copied = std::fs::create_dir_all(to.parent().unwrap_or(run_dir.root()))
            .and_then(|()| std::fs::copy(&file, &to));
        copied.with_context(|| format!("failed to copy {}", file.display()))?;
    }
    Ok(())
}

/// The recipe files of a directory with their ids, `FAMILY/NAME`, sorted.
///
/// # Errors
/// When it cannot be listed, or a name in it cannot be an id.
pub fn files(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for family in entries(dir)?.into_iter().filter(|path| path.is_dir()) {
        for file in entries(&family)? {
            if file
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let id = file.strip_prefix(dir)?.with_extension("");
                let id = id.to_string_lossy().replace('\\', "/");
                ensure!(
                    id.split('/').all(is_word),
                    "{id:?} is no name of a recipe: letters, digits, -, _ and . only, and neither - nor . in front"
                );
                found.push((id, file));
            }
        }
    }
    Ok(found)
}

/// Whether this can name a recipe or its family: it stands in file names, on command lines and on pages.
fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 80 && !text.starts_with(['-', '.']) && text.chars().all(fits)
}

/// What a directory holds, sorted.
///
/// # Errors
/// When it cannot be listed.
pub fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("failed to list {}", dir.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(failed)? {
        paths.push(entry.with_context(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Writes `recipes.json` into a run directory: of every pipeline of the run what it does, and by what evidence. A recipe that
/// is no longer the one that ran is left as the run had it, or left out.
///
/// # Errors
/// When the catalogue cannot be read, or the file not be read or written.
pub fn keep(run_dir: &RunDir, header: &RunHeader) -> Result<()> {
    let catalogue = catalogue_of(run_dir)?;
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
