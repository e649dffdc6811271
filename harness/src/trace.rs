//! What each step of a pipeline makes of a file, and what it takes from it.
//!
//! A step hands on pixels or a file; only files have metadata that could be gone. So the recipe is run as far as each step in
//! turn, and what comes out is looked at where it is a file. That runs early steps again and again, which is as simple as it
//! is slow, and done for single files alone.

use std::sync::Arc;

use credlink_image_files::metadata::{self, Kind};
use credlink_image_files::{Format, ImageFile};
use credlink_transforms::error::{StepError, StepErrorKind};
use credlink_transforms::recipe::Recipe;
use credlink_transforms::resign::Surroundings;

/// A step that left a file other than the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Its position in the recipe, from 1.
    pub number: usize,
    /// Its name.
    pub step: &'static str,
    /// The file's format behind it.
    pub format: Format,
    /// The file's size behind it.
    pub bytes: usize,
    /// The kinds of metadata that were there before, and are not any more.
    pub gone: Vec<Kind>,
    /// Those that were not there before.
    pub new: Vec<Kind>,
}

/// Every step of the recipe that wrote a file anew, in order.
///
/// # Errors
/// The step that failed, and why.
pub fn trace(
    recipe: &Recipe,
    file: &Arc<ImageFile>,
    surroundings: Surroundings<'_>,
) -> Result<Vec<Stop>, StepError> {
    let kinds = |file: &ImageFile| metadata::read(file.format(), file.bytes()).kinds();
    let mut stops = Vec::new();
    let mut before = Arc::clone(file);
    let mut part = recipe.clone();
    for (index, (_, step)) in recipe.steps.iter().enumerate() {
        part.steps = recipe.steps[..=index].to_vec();
        let after = match part.apply_in(file, surroundings) {
            Ok(after) => after,
            // Pixels were changed, and a later step writes them.
            Err(error) if matches!(error.kind, StepErrorKind::NotEncoded) => continue,
            Err(error) => return Err(error),
        };
        if after.bytes() == before.bytes() {
            continue;
        }
        let (had, has) = (kinds(&before), kinds(&after));
        let without = |of: &[Kind], other: &[Kind]| -> Vec<Kind> {
            let left = of.iter().filter(|kind| !other.contains(kind));
            left.copied().collect()
        };
        stops.push(Stop {
            number: index + 1,
            step: step.name(),
            format: after.format(),
            bytes: after.bytes().len(),
            gone: without(&had, &has),
            new: without(&has, &had),
        });
        before = after;
    }
    Ok(stops)
}

/// A kind of metadata as people call it.
#[must_use]
pub fn called(kind: Kind) -> &'static str {
    match kind {
        Kind::Exif => "EXIF",
        Kind::Xmp => "XMP",
        Kind::Iptc => "IPTC",
        Kind::Icc => "colour profile",
        Kind::C2pa => "C2PA manifest",
        other => other.as_str(),
    }
}

/// Several kinds in words, in the order of tables.
#[must_use]
pub fn names(kinds: &[Kind]) -> Vec<String> {
    let named = kinds.iter().map(|kind| called(*kind).to_owned());
    named.collect()
}
