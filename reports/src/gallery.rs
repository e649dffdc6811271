//! Examples with pictures: which ops are worth showing, and the pictures that the harness made of them.
//!
//! The choice is made here, from rows alone; the pictures are made by the harness, which may run pipelines, and
//! are read back from `gallery/` and `gallery.json` of the run directory.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use credlink_trial_record::{Outcome, Trial};
use serde::{Deserialize, Serialize};

use crate::companion::{self, CompanionError};
use crate::header::RunHeader;
use crate::rows::{RowError, Rows};

/// Folder of the pictures in the run directory.
pub const FOLDER: &str = "gallery";
/// The list of what is shown, in the run directory.
pub const FILE: &str = "gallery.json";
/// Longest side of a picture in pixels.
pub const LONGEST_SIDE: u32 = 240;
/// All pictures of a run together, in bytes; what does not fit is left out and counted.
///
/// A page carries them as text, which takes a third more, and a page of the default run is to stay below 2 MB.
pub const BUDGET: u64 = 850_000;

/// What an exhibit shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// A proof that did not survive.
    Loss,
    /// What the pipeline does to an image, whatever became of the proof.
    Example,
}

/// An op that is worth showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Position of its row.
    pub row: usize,
    /// Why it is shown.
    pub shows: Shows,
}

/// A step of a pipeline that took something from the file beside the pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stripped {
    /// Its position in the recipe, from 1.
    pub number: u32,
    /// Its name.
    pub step: String,
    /// What was gone behind it, e.g. `C2PA manifest`.
    pub gone: Vec<String>,
}

/// A small picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// File name in [`FOLDER`].
    pub file: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// One op with its pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// The op.
    pub op: u64,
    /// Id of its pipeline.
    pub pipeline: String,
    /// Why it is shown.
    pub shows: Shows,
    /// What became of the proof.
    pub outcome: Outcome,
    /// What each carrier said, or the error, in words.
    pub cause: String,
    /// Name of the image.
    pub name: String,
    /// Class of the image.
    pub class: String,
    /// Name of the signed file in the run directory, e.g. `signed/0000012.jpg`.
    pub signed_file: String,
    /// Size of the signed file in bytes, and of its picture in pixels.
    pub signed_size: (u64, u32, u32),
    /// The same of the received file; `None` if none came out.
    pub received_size: Option<(u64, u32, u32)>,
    /// Format that came out; empty if none did.
    pub received_format: String,
    /// The signed image.
    pub signed: Picture,
    /// The received image.
    pub received: Option<Picture>,
    /// Their difference, amplified.
    pub difference: Option<Picture>,
    /// What the difference shows, or why there is none.
    pub difference_note: String,
    /// The steps that took metadata, in order.
    #[serde(default)]
    pub stripped: Vec<Stripped>,
}

/// The examples of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gallery {
    /// The examples, in the order in which they are shown.
    pub exhibits: Vec<Exhibit>,
    /// How many chosen examples were left out for their size or because they could not be made.
    pub left_out: u64,
}

impl Gallery {
    /// Reads the gallery of a run directory; one without a gallery gives an empty one.
    ///
    /// # Errors
    /// As [`CompanionError`] says.
    pub fn read(root: &Path) -> Result<Self, CompanionError> {
        Ok(companion::read(&root.join(FILE))?.unwrap_or_default())
    }

    /// Writes the list; the pictures are there already.
    ///
    /// # Errors
    /// As [`CompanionError`] says.
    pub fn write(&self, root: &Path) -> Result<(), CompanionError> {
        companion::write(&root.join(FILE), self)
    }
}

/// Chooses, for each pipeline, one lost proof of every outcome and one example of what it does, in the order in which they
/// are to be shown while the budget lasts: first an example and the worst outcome of every pipeline, then the others.
///
/// Of losses with one outcome the smallest file is taken, because it is the quickest to look into. Examples show the same
/// image wherever possible, so that pipelines can be compared.
///
/// # Errors
/// [`RowError::MissingColumn`] if a column was not read.
pub fn choose(header: &RunHeader, rows: &Rows) -> Result<Vec<Choice>, RowError> {
    const WORST_FIRST: [Outcome; 5] = [
        Outcome::Misattributed,
        Outcome::Error,
        Outcome::Broken,
        Outcome::Unconfirmed,
        Outcome::Lost,
    ];
    let (trials, outcomes) = (rows.trials()?, rows.outcomes()?);
    let pipeline = rows.texts("pipeline")?;
    let (bytes, image, cause) = (
        rows.big("signed_bytes")?,
        rows.small("image")?,
        rows.texts("error_cause")?,
    );
    let mut by_pipeline: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut used: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for (row, trial) in trials.into_iter().enumerate() {
        let is_unmade = matches!(cause.get(row), Some("source" | "sign" | "disk"));
        if trial != Trial::Signed || is_unmade {
            continue;
        }
        by_pipeline
            .entry(pipeline.get(row).unwrap_or_default())
            .or_default()
            .push(row);
        let image = used.entry(image.get(row).unwrap_or_default()).or_default();
        *image = (image.0 + 1, bytes.get(row).unwrap_or_default());
    }
    let mut common: Vec<(u32, (u64, u64))> = used.into_iter().collect();
    common.sort_by_key(|(image, (ops, size))| (std::cmp::Reverse(*ops), *size, *image));
    // Not the smallest of the most used ones, which is often a blank page, but the middle one.
    let most = common.first().map_or(0, |(_, (ops, _))| *ops);
    common.retain(|(_, (ops, _))| *ops == most);
    let preferred = common.get(common.len() / 2).map(|(image, _)| *image);

    let mut rounds: [Vec<Choice>; 2] = Default::default();
    for pipeline in &header.pipelines {
        let Some(members) = by_pipeline.get(pipeline.id.as_str()) else {
            continue;
        };
        let mut losses: Vec<(usize, Option<&str>, u64, usize)> = members
            .iter()
            .filter_map(|row| {
                let outcome = outcomes.get(*row)?;
                let rank = WORST_FIRST.iter().position(|known| known == outcome)?;
                let size = bytes.get(*row).unwrap_or_default();
                Some((rank, cause.get(*row), size, *row))
            })
            .collect();
        losses.sort_unstable();
        // Errors of different causes are different things.
        losses.dedup_by_key(|(rank, cause, ..)| (*rank, *cause));
        let mut losses = losses.into_iter().map(|(.., row)| row);
        let first = losses.next();
        let example = members
            .iter()
            .filter(|row| outcomes.get(**row) != Some(&Outcome::Error))
            .min_by_key(|row| {
                let is_other = preferred != image.get(**row);
                (is_other, first == Some(**row), **row)
            });
        let loss = |row| Choice {
            row,
            shows: Shows::Loss,
        };
        rounds[0].extend(first.map(loss));
        rounds[0].extend(example.map(|row| Choice {
            row: *row,
            shows: Shows::Example,
        }));
        rounds[1].extend(losses.map(loss));
    }
    Ok(rounds.into_iter().flatten().collect())
}
