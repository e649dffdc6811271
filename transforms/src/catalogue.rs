//! All recipes that ship with the program, and those of a folder of the user's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::recipe::live::LIVE;
use crate::recipe::{Recipe, RecipeError};

include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

/// Recipes by id.
#[derive(Clone, Debug)]
pub struct Catalogue {
    recipes: BTreeMap<String, Arc<Recipe>>,
}

impl Catalogue {
    /// The recipes of `transforms/recipes/`, which are part of the program.
    ///
    /// # Errors
    /// The first recipe that is refused; a released program has none, as a test reads them all.
    pub fn embedded() -> Result<Self, RecipeError> {
        Self::from_texts(
            EMBEDDED
                .iter()
                .map(|(id, text)| ((*id).to_owned(), (*text).to_owned())),
        )
    }

    /// A catalogue of recipes given as (id, TOML text).
    ///
    /// # Errors
    /// The first recipe that is refused, names a recipe that is not there, or leads back to itself.
    pub fn from_texts(
        texts: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, RecipeError> {
        let mut parsed = BTreeMap::new();
        for (file, text) in texts {
            for recipe in Recipe::parse_file(&file, &text)? {
                if let Some(before) = parsed.insert(recipe.id.clone(), recipe) {
                    return Err(RecipeError::Duplicate { recipe: before.id });
                }
            }
        }
        let mut linked = BTreeMap::new();
        for id in parsed.keys() {
            link(id, &parsed, &mut linked, &mut Vec::new())?;
        }
        for recipe in linked.values() {
            recipe.check_live(|id| linked.get(id).cloned())?;
        }
        Ok(Self { recipes: linked })
    }

    /// The recipe of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Recipe>> {
        self.recipes.get(id)
    }

    /// All recipes, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Recipe>> {
        self.recipes.values()
    }

    /// The recipes that one pattern names: an id, a family, `core`, `all` but those that ask real servers, or `ID@all` for all variants of a recipe
    /// file. The id of a file none of whose variants is the plain one names them all. Empty where it names nothing.
    #[must_use]
    pub fn select(&self, pattern: &str) -> Vec<Arc<Recipe>> {
        let file = pattern.strip_suffix("@all").unwrap_or(pattern);
        let whole_file = file != pattern || !self.recipes.contains_key(pattern);
        let chosen = |recipe: &&Arc<Recipe>| match pattern {
            "all" => recipe.family != LIVE,
            "core" => recipe.core,
            _ => {
                recipe.id == pattern
                    || recipe.family == pattern
                    || (whole_file && recipe.file == file)
            }
        };
        self.iter().filter(chosen).cloned().collect()
    }

    /// The names nearest to a mistyped one, best first, at most three: ids, families, and files of several variants.
    #[must_use]
    pub fn suggestions(&self, mistyped: &str) -> Vec<&str> {
        let recipes = self.recipes.values();
        let names: BTreeSet<&str> = recipes
            .flat_map(|recipe| [&*recipe.id, &*recipe.file, &*recipe.family])
            .collect();
        let mut scored: Vec<(usize, &str)> = names
            .into_iter()
            .map(|id| {
                let name = id.rsplit('/').next().unwrap_or(id);
                (
                    strsim::levenshtein(mistyped, id).min(strsim::levenshtein(mistyped, name)),
                    id,
                )
            })
            .filter(|(distance, _)| *distance <= mistyped.len() / 2)
            .collect();
        scored.sort_unstable();
        scored.into_iter().take(3).map(|(_, id)| id).collect()
    }
}

/// Puts a recipe into `linked` with its nested recipes looked up, depth first.
fn link(
    id: &str,
    parsed: &BTreeMap<String, Recipe>,
    linked: &mut BTreeMap<String, Arc<Recipe>>,
    path: &mut Vec<String>,
) -> Result<Option<Arc<Recipe>>, RecipeError> {
    if let Some(done) = linked.get(id) {
        return Ok(Some(Arc::clone(done)));
    }
    let Some(recipe) = parsed.get(id) else {
        return Ok(None);
    };
    if path.iter().any(|passed| passed == id) {
        return Err(RecipeError::Cycle {
            recipe: id.to_owned(),
            path: path.join(" > "),
        });
    }
    path.push(id.to_owned());
    let mut recipe = recipe.clone();
    for (_, step) in &mut recipe.steps {
        let chain = |message| RecipeError::Chain {
            recipe: id.to_owned(),
            message,
        };
        let mut targets = Vec::new();
        for target in step.link_ids(parsed).map_err(chain)? {
            let missing = || RecipeError::UnknownRecipe {
                recipe: id.to_owned(),
                target: target.clone(),
            };
            targets.push(link(&target, parsed, linked, path)?.ok_or_else(missing)?);
        }
        if let Some(links) = step.links_mut() {
            links.0 = targets;
        }
    }
    path.pop();
    let recipe = Arc::new(recipe);
    linked.insert(id.to_owned(), Arc::clone(&recipe));
    Ok(Some(recipe))
}
