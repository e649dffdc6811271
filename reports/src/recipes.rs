//! What the pipelines of a run do, and by what evidence, as the harness keeps it beside the rows: a page shows it, and
//! nothing is computed from it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file_error::{FileError, refused};

/// The file in the run directory.
pub const FILE: &str = "recipes.json";

/// A file of recipes that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipesError {
    /// It is not what it should be.
    #[error("{path} is damaged; delete it to make the report without recipes")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The operating system refused a file operation.
    #[error(transparent)]
    Io(#[from] FileError),
}

/// A piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceFacts {
    /// How good it is, `A` to `D`.
    pub grade: String,
    /// What it is.
    pub cite: String,
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
    /// [`RecipesError::Damaged`] with line and column, [`RecipesError::Io`].
    pub fn read(root: &Path) -> Result<Self, RecipesError> {
        let path = root.join(FILE);
        let text = match crate::input::text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => return Err(refused("read", &path)(source).into()),
        };
        serde_json::from_str(&text).map_err(|source| RecipesError::Damaged { path, source })
    }

    /// Writes them into a run directory.
    ///
    /// # Errors
    /// [`RecipesError::Io`] if the disk is full.
    pub fn write(&self, root: &Path) -> Result<(), RecipesError> {
        let path = root.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(|source| RecipesError::Damaged {
            path: path.clone(),
            source,
        })?;
        crate::atomic::write(&path, text.as_bytes()).map_err(refused("write", &path))?;
        Ok(())
    }

    /// The recipe that a pipeline ran: both id and digest must be those of the header.
    pub fn of(&self, id: &str, digest: &str) -> Option<&RecipeFacts> {
        let mut recipes = self.recipes.iter();
        recipes.find(|recipe| recipe.id == id && recipe.digest == digest)
    }
}
