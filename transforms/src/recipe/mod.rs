//! Recipes: what happens to an image in one pipeline, with the evidence for every parameter.
//!
//! A recipe is a TOML file. [`Recipe::parse`] is the only way to make one, and refuses what cannot be: unknown keys,
//! numbers out of range, parameters without a source, sources for parameters that are not there.

pub mod expand;
pub mod live;
mod observed;
mod source;
pub mod step;
pub mod steps;

use std::collections::BTreeSet;
use std::sync::Arc;

use self::source::covers;
pub use self::source::{Grade, Source};
pub use credlink_trial_record::Contract;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use self::expand::SweepPoint;
use self::step::{Apply, Flow, Kind, Step, When, WireStep, Work};
use self::steps::encode::Jpeg;
use crate::error::{StepError, StepErrorKind};
use crate::meter::Meter;
use crate::resign::Surroundings;
use credlink_image_files::DecodeError;
use credlink_image_files::Format;
use credlink_image_files::ImageFile;
use credlink_image_files::metadata;

/// How much a pipeline is expected to change, for readers of tables; nothing is computed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Not a byte changes.
    None,
    /// Pixels stay; metadata goes.
    Metadata,
    /// Pixels change below notice.
    Mild,
    /// Pixels change visibly on close inspection, or are scaled.
    Moderate,
    /// Parts are cut away or the picture changes visibly.
    Severe,
}

impl Severity {
    /// The name used in recipes and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Metadata => "metadata",
            Self::Mild => "mild",
            Self::Moderate => "moderate",
            Self::Severe => "severe",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRecipe {
    title: String,
    severity: Severity,
    #[serde(default)]
    core: bool,
    accepts: Option<Vec<Format>>,
    contract: Option<Contract>,
    analysis: String,
    since: Option<u16>,
    until: Option<u16>,
    simulated_by: Option<String>,
    #[serde(default)]
    assumed: Vec<String>,
    source: Vec<Source>,
    #[serde(default)]
    step: Vec<WireStep>,
    // Both were worked off when the file was expanded.
    #[serde(rename = "variants")]
    _variants: Option<serde::de::IgnoredAny>,
    #[serde(rename = "sweep")]
    _sweep: Option<serde::de::IgnoredAny>,
}

/// A recipe, valid by construction.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// `family/name`, the path of its file, and `@axis=value` behind it for a variant that is not the plain one.
    pub id: String,
    /// `family/name`, the path of its file; variants share it.
    pub file: String,
    /// `axis=value` where the file describes several pipelines.
    pub variant: Option<String>,
    /// One line for tables.
    pub title: String,
    /// The folder: social, cdn, …
    pub family: String,
    /// How much it is expected to change.
    pub severity: Severity,
    /// Whether it belongs to the default set.
    pub core: bool,
    /// The formats it takes; all where empty.
    pub accepts: Vec<Format>,
    /// What it promises of every image.
    pub contract: Option<Contract>,
    /// What is known, how, and what is not.
    pub analysis: String,
    /// The first and the last year in which it is known to hold; open where it is not.
    pub years: (Option<u16>, Option<u16>),
    /// Of a recipe that asks a real server: the recipe that simulates that server.
    pub simulated_by: Option<String>,
    /// Parameters that rest on our judgement alone.
    pub assumed: Vec<String>,
    /// The evidence.
    pub sources: Vec<Source>,
    /// The steps in order.
    pub steps: Vec<(Option<When>, Step)>,
    sweep: Option<SweepPoint>,
    text: String,
    file_text: Arc<str>,
}

/// A step that left a file other than the one before it.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its position in the recipe, from 1.
    pub number: usize,
    /// Its name.
    pub step: &'static str,
    /// The file before it.
    pub before: Arc<ImageFile>,
    /// The file behind it.
    pub after: Arc<ImageFile>,
}

/// Why a recipe was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The TOML does not parse, a key is unknown or missing, or a number is out of range; the message has line and
    /// column.
    #[error("{recipe}: {message}")]
    Syntax {
        /// The recipe's id.
        recipe: String,
        /// Line, column and reason.
        message: String,
    },
    /// A `[[step]]` does not hold exactly one step.
    #[error("{recipe}: step {number}: {message}")]
    Step {
        /// The recipe's id.
        recipe: String,
        /// The step's position, from 1.
        number: usize,
        /// The reason.
        message: String,
    },
    /// A parameter has neither a source nor is it listed as assumed.
    #[error(
        "{recipe}: parameter `{parameter}` has no source; name it in a source's `backs` or in `assumed`"
    )]
    Unsourced {
        /// The recipe's id.
        recipe: String,
        /// `step.parameter`.
        parameter: String,
    },
    /// `backs` or `assumed` names a parameter that no step has.
    #[error("{recipe}: `{parameter}` in `backs` or `assumed` names no parameter of this recipe")]
    UnknownParameter {
        /// The recipe's id.
        recipe: String,
        /// The name as written.
        parameter: String,
    },
    /// The file's `[variants]` or `[sweep]` cannot be expanded.
    #[error("{recipe}: {message}")]
    Variants {
        /// The recipe file's id.
        recipe: String,
        /// The reason.
        message: String,
    },
    /// Files that the platform wrote do not say what the recipe does, or the recipe does not say which they are.
    #[error("{recipe}: {message}")]
    Observed {
        /// The recipe's id.
        recipe: String,
        /// The reason.
        message: String,
    },
    /// The recipe asks real servers without saying so, or says so without asking.
    #[error("{recipe}: {message}")]
    Live {
        /// The recipe's id.
        recipe: String,
        /// The reason.
        message: String,
    },
    /// Two pipelines have one id.
    #[error("{recipe}: two recipes have this id")]
    Duplicate {
        /// The id.
        recipe: String,
    },
    /// A chain has no members, or a family that it draws from is empty.
    #[error("{recipe}: {message}")]
    Chain {
        /// The recipe's id.
        recipe: String,
        /// What is missing.
        message: String,
    },
    /// Pixels are changed but no later step encodes them.
    #[error("{recipe}: step {number} ({step}) changes pixels, and no later step encodes them")]
    NotEncoded {
        /// The recipe's id.
        recipe: String,
        /// The step's position, from 1.
        number: usize,
        /// The step's name.
        step: &'static str,
    },
    /// A recipe step names a recipe that is not there.
    #[error("{recipe}: no recipe is called `{target}`")]
    UnknownRecipe {
        /// The recipe's id.
        recipe: String,
        /// The name as written.
        target: String,
    },
    /// A recipe leads back to itself.
    #[error("{recipe}: leads back to itself through {path}")]
    Cycle {
        /// The recipe's id.
        recipe: String,
        /// The recipes on the way.
        path: String,
    },
}

impl Recipe {
    /// Reads all pipelines of a recipe file, one unless it has `[variants]` or a `[sweep]`. `file` is `family/name`.
    ///
    /// # Errors
    /// See [`RecipeError`]; the first variant that is refused.
    pub fn parse_file(file: &str, text: &str) -> Result<Vec<Self>, RecipeError> {
        let whole: Arc<str> = text.into();
        let read = |pipeline: expand::Pipeline| {
            let mut recipe = Self::parse(&pipeline.id, &pipeline.text)?;
            file.clone_into(&mut recipe.file);
            recipe.variant = pipeline.variant;
            recipe.sweep = pipeline.sweep;
            recipe.file_text = Arc::clone(&whole);
            recipe.core &= pipeline.may_be_core;
            Ok(recipe)
        };
        expand::expand(file, text)?.into_iter().map(read).collect()
    }

    /// Reads one recipe from TOML in which no placeholder is left. `id` is `family/name`.
    ///
    /// # Errors
    /// See [`RecipeError`]. Nested recipes are looked up later, by the catalogue.
    pub fn parse(id: &str, text: &str) -> Result<Self, RecipeError> {
        let syntax = |error: toml::de::Error| RecipeError::Syntax {
            recipe: id.to_owned(),
            message: error.to_string(),
        };
        let wire: WireRecipe = toml::from_str(text).map_err(syntax)?;
        let table: toml::Table = toml::from_str(text).map_err(syntax)?;
        let mut steps = Vec::with_capacity(wire.step.len());
        for (index, step) in wire.step.into_iter().enumerate() {
            let refused = |message| RecipeError::Step {
                recipe: id.to_owned(),
                number: index + 1,
                message,
            };
            let (when, step) = step.into_step().map_err(refused)?;
            step.checked_keep().map_err(refused)?;
            steps.push((when, step));
        }
        let recipe = Self {
            id: id.to_owned(),
            file: id.to_owned(),
            variant: None,
            title: wire.title,
            family: id.split('/').next().unwrap_or_default().to_owned(),
            severity: wire.severity,
            core: wire.core,
            accepts: wire.accepts.unwrap_or_default(),
            contract: wire.contract,
            analysis: wire.analysis,
            years: (wire.since, wire.until),
            simulated_by: wire.simulated_by,
            assumed: wire.assumed,
            sources: wire.source,
            steps,
            sweep: None,
            text: text.to_owned(),
            file_text: text.into(),
        };
        recipe.check_evidence(&parameters(&table))?;
        recipe.check_encoding()?;
        recipe.check_observed()?;
        Ok(recipe)
    }

    /// The weakest grade among the recipe's sources.
    #[must_use]
    pub fn grade(&self) -> Grade {
        self.sources
            .iter()
            .map(|source| source.grade)
            .max()
            .unwrap_or(Grade::D)
    }

    /// Whether the recipe takes files of this format.
    #[must_use]
    pub fn takes(&self, format: Format) -> bool {
        self.accepts.is_empty() || self.accepts.contains(&format)
    }

    /// Where the pipeline stands in its recipe's sweep, if it has one.
    #[must_use]
    pub fn sweep_point(&self) -> Option<SweepPoint> {
        self.sweep.clone()
    }

    /// The formats that a file of format `input` may come out in; a superset where a condition decides.
    #[must_use]
    pub fn outputs(&self, input: Format) -> BTreeSet<Format> {
        let (mut current, mut done) = (BTreeSet::from([input]), BTreeSet::new());
        for (when, step) in &self.steps {
            let mut next = BTreeSet::new();
            for format in current {
                let formats = when.as_ref().and_then(|when| when.formats.as_ref());
                let named = formats.is_none_or(|formats| formats.contains(&format));
                let certain = when.as_ref().is_none_or(When::is_only_formats);
                if !(named && certain) {
                    next.insert(format);
                }
                if named {
                    if matches!(step, Step::Passthrough(_)) {
                        done.insert(format);
                    }
                    next.extend(step.gives(format, input));
                }
            }
            current = next;
        }
        done.extend(current);
        done
    }

    /// Whether the recipe signs, nested recipes included; it then needs somebody who does.
    #[must_use]
    pub fn signs(&self) -> bool {
        self.steps.iter().any(|(_, step)| {
            matches!(step, Step::Resign(_)) || step.links().iter().any(|link| link.signs())
        })
    }

    /// The kinds of metadata that encoders write of their own accord, nested recipes included.
    #[must_use]
    pub fn adds(&self) -> BTreeSet<metadata::Kind> {
        let mut found = BTreeSet::new();
        for (_, step) in &self.steps {
            if let Some([icc, iptc, _]) = step.jpeg().map(Jpeg::writes) {
                found.extend(icc.then_some(metadata::Kind::Icc));
                found.extend(iptc.then_some(metadata::Kind::Iptc));
            }
            found.extend(step.links().iter().flat_map(|recipe| recipe.adds()));
        }
        found
    }

    /// The installed programs that the recipe calls, nested recipes included.
    #[must_use]
    pub fn programs(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (_, step) in &self.steps {
            if let Step::Exec(exec) = step {
                found.extend(exec.programs());
            }
            found.extend(step.links().iter().flat_map(|recipe| recipe.programs()));
        }
        found
    }

    /// What those programs are told that may be a file of its own, a script for instance: whole paths.
    #[must_use]
    pub fn program_files(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (_, step) in &self.steps {
            if let Step::Exec(exec) = step {
                found.extend(exec.paths());
            }
            found.extend(
                step.links()
                    .iter()
                    .flat_map(|recipe| recipe.program_files()),
            );
        }
        found
    }

    /// The TOML that the recipe was read from, a variant's values in their places.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole text of the recipe's file, placeholders and all.
    #[must_use]
    pub fn file_text(&self) -> &str {
        &self.file_text
    }

    /// SHA-256 over the recipe's text and those of the recipes it runs, as hex: two runs with the same digest did the
    /// same to their images.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        self.feed(&mut hash);
        hex::encode(hash.finalize())
    }

    fn feed(&self, hash: &mut Sha256) {
        hash.update(self.id.as_bytes());
        hash.update([0]);
        hash.update(self.text.as_bytes());
        hash.update([0]);
        for (_, step) in &self.steps {
            for link in step.links() {
                link.feed(hash);
            }
        }
    }

    /// Runs the steps on an image file and gives the file that a reader would receive. Nobody is there who signs: see
    /// [`Recipe::apply_in`].
    ///
    /// # Errors
    /// The step that failed, and why; the input is untouched.
    pub fn apply(
        &self,
        input: &Arc<ImageFile>,
        meter: &Meter<'_>,
    ) -> Result<Arc<ImageFile>, StepError> {
        self.apply_in(input, Surroundings::new(meter))
    }

    /// The same, with everything that a pipeline may need besides the file.
    ///
    /// # Errors
    /// As [`Recipe::apply`].
    pub fn apply_in(
        &self,
        input: &Arc<ImageFile>,
        surroundings: Surroundings<'_>,
    ) -> Result<Arc<ImageFile>, StepError> {
        self.apply_watched(input, surroundings, |_| ())
    }

    /// The same, while every file that a step writes anew is shown to `watch`.
    ///
    /// # Errors
    /// As [`Recipe::apply`].
    pub fn apply_watched(
        &self,
        input: &Arc<ImageFile>,
        surroundings: Surroundings<'_>,
        mut watch: impl FnMut(Written),
    ) -> Result<Arc<ImageFile>, StepError> {
        let mut work = Work::new(Arc::clone(input), surroundings);
        for (index, (when, step)) in self.steps.iter().enumerate() {
            let failed = |kind| StepError {
                recipe: self.id.clone(),
                number: index + 1,
                step: step.name(),
                kind,
            };
            let decode = |error: DecodeError| failed(StepErrorKind::Decode(error));
            if let Some(when) = when
                && !when.holds(&work).map_err(decode)?
            {
                continue;
            }
            let before = Arc::clone(work.file());
            let flow = step.apply(&mut work).map_err(failed)?;
            if !Arc::ptr_eq(&before, work.file()) && before.bytes() != work.file().bytes() {
                watch(Written {
                    number: index + 1,
                    step: step.name(),
                    before,
                    after: Arc::clone(work.file()),
                });
            }
            if flow == Flow::Finish {
                break;
            }
        }
        let last = self.steps.last().map_or("", |(_, step)| step.name());
        let unfinished = |kind| StepError {
            recipe: self.id.clone(),
            number: self.steps.len(),
            step: last,
            kind,
        };
        Ok(Arc::clone(work.encoded().map_err(unfinished)?))
    }

    /// Every parameter has evidence or is listed as assumed, and nothing else is listed.
    fn check_evidence(&self, parameters: &BTreeSet<String>) -> Result<(), RecipeError> {
        let listed: Vec<&String> = self
            .sources
            .iter()
            .flat_map(|source| &source.backs)
            .chain(&self.assumed)
            .collect();
        for parameter in parameters {
            if !listed.iter().any(|name| covers(name, parameter)) {
                return Err(RecipeError::Unsourced {
                    recipe: self.id.clone(),
                    parameter: parameter.clone(),
                });
            }
        }
        for name in listed {
            if !parameters.iter().any(|parameter| covers(name, parameter)) {
                return Err(RecipeError::UnknownParameter {
                    recipe: self.id.clone(),
                    parameter: name.clone(),
                });
            }
        }
        Ok(())
    }

    /// Every step that changes pixels is followed by one that encodes them.
    fn check_encoding(&self) -> Result<(), RecipeError> {
        let mut pending = None;
        for (index, (_, step)) in self.steps.iter().enumerate() {
            match step.kind() {
                Kind::Pixels => pending = Some((index, step)),
                Kind::Encode => pending = None,
                Kind::File if pending.is_some() => break,
                Kind::File => {}
            }
        }
        match pending {
            Some((index, step)) => Err(RecipeError::NotEncoded {
                recipe: self.id.clone(),
                number: index + 1,
                step: step.name(),
            }),
            None => Ok(()),
        }
    }
}

/// The dotted paths of all step parameters in a recipe's TOML. A step without parameters is its own parameter.
fn parameters(table: &toml::Table) -> BTreeSet<String> {
    fn collect(path: &str, value: &toml::Value, into: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) if !table.is_empty() => {
                for (key, value) in table {
                    collect(&format!("{path}.{key}"), value, into);
                }
            }
            _ => {
                into.insert(path.to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    let steps = table.get("step").and_then(toml::Value::as_array);
    for step in steps
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_table)
    {
        for (key, value) in step {
            collect(key, value, &mut found);
        }
    }
    found
}
