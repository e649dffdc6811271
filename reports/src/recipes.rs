//! What the pipelines of a run do, and by what evidence, as the harness keeps it beside the rows: a page shows it, and
//! nothing is computed from it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::companion::{self, CompanionError};

/// The file in the run directory.
pub const FILE: &str = "recipes.json";

/// A piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceFacts {
    /// How good it is, `A`, `O`, `B`, `C` or `D`.
    pub grade: String,
    /// What it is.
    pub cite: String,
    /// How many files of the platform it is, of how many, from when; empty for other grades than O.
    pub files: String,
    /// The parameters that it backs.
    pub backs: Vec<String>,
}

/// One recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecipeFacts {
    /// Id of the pipeline.
    pub id: String,
    /// Digest of the recipe, as in the run's header.
    pub digest: String,
    /// What is known, how, and what is not.
    pub analysis: String,
    /// The years in which it is known to hold, in words; empty where nothing is said.
    pub years: String,
    /// The steps, as the recipe writes them.
    pub steps: Vec<String>,
    /// The evidence.
    pub sources: Vec<SourceFacts>,
    /// Parameters that rest on judgement alone.
    pub assumed: Vec<String>,
}

/// The recipes of a run, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipes {
    /// One for each pipeline whose recipe is known.
    pub recipes: Vec<RecipeFacts>,
}

impl Recipes {
    /// Reads the recipes of a run directory; one that has none gives an empty list.
    ///
    /// # Errors
    /// As [`CompanionError`] says.
    pub fn read(root: &Path) -> Result<Self, CompanionError> {
        Ok(companion::read(&root.join(FILE))?.unwrap_or_default())
    }

    /// Writes them into a run directory.
    ///
    /// # Errors
    /// As [`CompanionError`] says.
    pub fn write(&self, root: &Path) -> Result<(), CompanionError> {
        companion::write(&root.join(FILE), self)
    }

    /// The recipe that a pipeline ran: both id and digest must be those of the header.
    pub fn of(&self, id: &str, digest: &str) -> Option<&RecipeFacts> {
        let mut recipes = self.recipes.iter();
        recipes.find(|recipe| recipe.id == id && recipe.digest == digest)
    }
}
