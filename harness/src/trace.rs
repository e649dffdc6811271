//! What each step of a pipeline makes of a file, and what it takes from it.
//!
//! A step hands on pixels or a file; only files have metadata that could be gone, so a stop is a step that wrote one anew.

use credlink_image_files::metadata::{self, Kind};
use credlink_image_files::{Format, ImageFile};
use credlink_transforms::recipe::Written;

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

impl Stop {
    /// What a step did to the metadata of a file.
    #[must_use]
    pub fn of(written: &Written) -> Self {
        let kinds = |file: &ImageFile| metadata::read(file.format(), file.bytes()).kinds();
        let (had, has) = (kinds(&written.before), kinds(&written.after));
        let without = |of: &[Kind], other: &[Kind]| -> Vec<Kind> {
            let left = of.iter().filter(|kind| !other.contains(kind));
            left.copied().collect()
        };
        Self {
            number: written.number,
            step: written.step,
            format: written.after.format(),
            bytes: written.after.bytes().len(),
            gone: without(&had, &has),
            new: without(&has, &had),
        }
    }
}

/// What the steps took, as a row says it: `4 jpeg: C2PA manifest, XMP`, `; ` between steps; empty where they took nothing.
#[must_use]
pub fn taken(stops: &[Stop]) -> String {
    let takers = stops.iter().filter(|stop| !stop.gone.is_empty());
    let words = takers.map(|stop| {
        let gone = names(&stop.gone).join(", ");
        format!("{} {}: {gone}", stop.number, stop.step)
    });
    words.collect::<Vec<_>>().join("; ")
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
