//! Recipes within recipes: re-share chains, circles and random journeys.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::Recipe;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Seed, Times};
use credlink_image_files::Format;

/// `recipe = { id = "messaging/whatsapp", times = 3 }`. The catalogue puts the named recipe in when it is read, and
/// refuses names that do not exist and recipes that lead back to themselves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nested {
    pub(crate) id: String,
    pub(crate) times: Times,
    #[serde(skip)]
    pub(crate) links: Links,
}

/// `relay = { through = ["social/x-large", "messaging/whatsapp"], hops = 5 }`: the recipes take turns, from the first
/// on, until the file has been through so many.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    pub(crate) through: Vec<String>,
    pub(crate) hops: Times,
    #[serde(skip)]
    pub(crate) links: Links,
}

/// `journey = { seed = 7, hops = 4, through = ["social", "messaging"] }`: recipes drawn evenly, with replacement, from
/// those families, of which only recipes take part that take JPEG, PNG and WebP and give nothing else. The draw depends
/// on the seed and on the catalogue alone; a recipe's digest covers what was drawn.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journey {
    pub(crate) seed: Seed,
    pub(crate) hops: Times,
    pub(crate) through: Vec<String>,
    #[serde(skip)]
    pub(crate) links: Links,
}

/// The recipes that the catalogue put in, in the order of their hops.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links(pub(crate) Vec<Arc<Recipe>>);

impl PartialEq for Nested {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.times == other.times
    }
}

impl PartialEq for Relay {
    fn eq(&self, other: &Self) -> bool {
        self.through == other.through && self.hops == other.hops
    }
}

impl PartialEq for Journey {
    fn eq(&self, other: &Self) -> bool {
        self.seed == other.seed && self.hops == other.hops && self.through == other.through
    }
}

/// The formats that people hand on; a journey stays within them.
pub(crate) const COMMON: [Format; 3] = [Format::Jpeg, Format::Png, Format::WebP];

impl Journey {
    /// Which of `count` candidates each hop takes.
    pub(crate) fn draw(&self, count: usize) -> Vec<usize> {
        let mut random = super::canvas::Random::new(self.seed.get().into());
        // The bias of the remainder is below 1e-15 for any catalogue.
        let mut pick = || (random.next() % count.max(1) as u64) as usize;
        (0..self.hops.get()).map(|_| pick()).collect()
    }
}

impl Links {
    fn run(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        if self.0.is_empty() {
            return Err(StepErrorKind::Engine(
                "the recipe's links were not looked up: read it through a catalogue".to_owned(),
            ));
        }
        for recipe in &self.0 {
            let file = work.encoded()?;
            if !recipe.takes(file.format()) {
                return Err(StepErrorKind::Refused {
                    recipe: recipe.id.clone(),
                    found: file.format(),
                });
            }
            let received = recipe.apply_in(file, work.surroundings());
            work.set_file(received.map_err(|error| StepErrorKind::Nested(Box::new(error)))?);
        }
        Ok(Flow::Continue)
    }
}

impl Apply for Nested {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        self.links.run(work)
    }
}

impl Apply for Relay {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        self.links.run(work)
    }
}

impl Apply for Journey {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        self.links.run(work)
    }
}
