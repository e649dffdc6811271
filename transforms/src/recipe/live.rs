//! Recipes that ask real servers: which they are, and what may be said of them.

use std::sync::Arc;

use super::step::Step;
use super::{Recipe, RecipeError};
use crate::ask::Question;
use credlink_trial_record::Provenance;

/// The family of recipes that ask real servers. They run only where they are named.
pub const LIVE: &str = "live";

impl Recipe {
    /// Whether it asks a real server, by itself or through the recipes that it runs.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.questions().is_empty()
    }

    /// What it asks of whom, by itself and through the recipes that it runs.
    #[must_use]
    pub fn questions(&self) -> Vec<&Question> {
        let mut found = Vec::new();
        for (_, step) in &self.steps {
            if let Step::Http(http) = step {
                found.push(http.question());
            }
            found.extend(step.links().iter().flat_map(|recipe| recipe.questions()));
        }
        found
    }

    /// Who takes an image through it.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        if self.is_live() {
            Provenance::Live
        } else {
            Provenance::Simulated
        }
    }

    /// What asks servers says so by its family, and nothing else is of it; only that names a recipe that simulates it. To be
    /// asked when the recipes that it runs are known.
    pub(crate) fn check_live(
        &self,
        find: impl Fn(&str) -> Option<Arc<Self>>,
    ) -> Result<(), RecipeError> {
        let refused = |message: String| {
            Err(RecipeError::Live {
                recipe: self.id.clone(),
                message,
            })
        };
        if self.is_live() != (self.family == LIVE) {
            return refused(format!(
                "recipes that ask real servers, and no others, are of the family `{LIVE}`"
            ));
        }
        match &self.simulated_by {
            Some(_) if !self.is_live() => {
                refused("`simulated_by` is for recipes that ask real servers".to_owned())
            }
            Some(id) if find(id).is_none_or(|recipe| recipe.is_live()) => refused(format!(
                "simulated_by: no simulated recipe is called `{id}`"
            )),
            _ => Ok(()),
        }
    }
}
