//! Recipes within recipes: re-share chains.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::Recipe;
use crate::step::{Apply, Flow, Work};
use crate::value::Times;

/// `recipe = { id = "messaging/whatsapp", times = 3 }`. The catalogue puts the named recipe in when it is read, and
/// refuses names that do not exist and recipes that lead back to themselves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nested {
    pub(crate) id: String,
    pub(crate) times: Times,
    #[serde(skip)]
    pub(crate) target: Option<Arc<Recipe>>,
}

impl PartialEq for Nested {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.times == other.times
    }
}

impl Apply for Nested {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let Some(recipe) = &self.target else {
            return Err(StepErrorKind::Engine(format!(
                "the recipe {} was not looked up",
                self.id
            )));
        };
        for _ in 0..self.times.get() {
            let received = recipe.apply(work.encoded()?, work.meter());
            // The inner recipe's name and step stand in its own message.
            work.set_file(received.map_err(|error| StepErrorKind::Engine(error.to_string()))?);
        }
        Ok(Flow::Continue)
    }
}
