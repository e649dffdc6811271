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
use crate::rows::{RowError, read_slices};

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
    /// Its number.
    pub op: u64,
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
/// image wherever possible, so that pipelines can be compared. The row file is read twice, slice by slice.
///
/// # Errors
/// [`RowError`] if the row file cannot be read.
pub fn choose(header: &RunHeader, rows: &Path) -> Result<Vec<Choice>, RowError> {
    let mut losses: HashMap<String, Losses> = HashMap::new();
    let mut used: HashMap<u32, (u32, u64)> = HashMap::new();
    each_made(rows, |op| {
        let image = used.entry(op.image).or_default();
        *image = (image.0 + 1, op.bytes);
        let Some(rank) = WORST_FIRST.iter().position(|known| *known == op.outcome) else {
            return;
        };
        let losses = losses.entry(op.pipeline.to_owned()).or_default();
        let key = (rank, op.cause.map(str::to_owned));
        let smallest = losses.entry(key).or_insert((op.bytes, op.number));
        *smallest = (op.bytes, op.number).min(*smallest);
    })?;
    let preferred = preferred(used);
    // For each pipeline the example so far, after whether it shows another image and whether it is the first loss.
    let mut examples: HashMap<String, (bool, bool, u64)> = HashMap::new();
    let first = |pipeline: &str| {
        let losses = losses.get(pipeline)?;
        losses.values().next().map(|(_, op)| *op)
    };
    each_made(rows, |op| {
        if op.outcome != Outcome::Error {
            let is_other = preferred != Some(op.image);
            let found = (is_other, first(op.pipeline) == Some(op.number), op.number);
            match examples.get_mut(op.pipeline) {
                Some(best) => *best = found.min(*best),
                None => {
                    examples.insert(op.pipeline.to_owned(), found);
                }
            }
        }
    })?;
    let mut rounds: [Vec<Choice>; 2] = Default::default();
    for pipeline in &header.pipelines {
        let losses = losses.get(&pipeline.id);
        let mut losses = losses.into_iter().flat_map(BTreeMap::values);
        let loss = |(_, op): &(u64, u64)| Choice {
            op: *op,
            shows: Shows::Loss,
        };
        rounds[0].extend(losses.next().map(loss));
        rounds[0].extend(examples.get(&pipeline.id).map(|(.., op)| Choice {
            op: *op,
            shows: Shows::Example,
        }));
        rounds[1].extend(losses.map(loss));
    }
    Ok(rounds.into_iter().flatten().collect())
}

/// Outcomes of lost proofs.
const WORST_FIRST: [Outcome; 5] = [
    Outcome::Misattributed,
    Outcome::Error,
    Outcome::Broken,
    Outcome::Unconfirmed,
    Outcome::Lost,
];

/// Lost proofs of one pipeline by outcome and, since errors of different causes are different things, by cause: size of the
/// signed file and op of the smallest.
type Losses = BTreeMap<(usize, Option<String>), (u64, u64)>;

/// A signed op that has a signed file.
struct MadeOp<'a> {
    number: u64,
    pipeline: &'a str,
    outcome: Outcome,
    cause: Option<&'a str>,
    image: u32,
    bytes: u64,
}

/// Hands on every such op of a row file, in their order.
fn each_made(rows: &Path, mut each: impl FnMut(MadeOp<'_>)) -> Result<(), RowError> {
    const COLUMNS: &[&str] = &[
        "trial",
        "pipeline",
        "outcome",
        "error_cause",
        "image",
        "signed_bytes",
    ];
    read_slices(rows, COLUMNS, &[], |rows| {
        let (trials, outcomes) = (rows.trials()?, rows.outcomes()?);
        let (ops, bytes) = (rows.big("op")?, rows.big("signed_bytes")?);
        let (pipeline, cause) = (rows.texts("pipeline")?, rows.texts("error_cause")?);
        let image = rows.small("image")?;
        for (row, (trial, outcome)) in trials.into_iter().zip(outcomes).enumerate() {
            let cause = cause.get(row);
            let is_unmade = matches!(cause, Some("source" | "sign" | "disk"));
            if trial == Trial::Signed && !is_unmade {
                each(MadeOp {
                    number: ops.get(row).unwrap_or_default(),
                    pipeline: pipeline.get(row).unwrap_or_default(),
                    outcome,
                    cause,
                    image: image.get(row).unwrap_or_default(),
                    bytes: bytes.get(row).unwrap_or_default(),
                });
            }
        }
        Ok(())
    })
}

/// The image that examples show, of the number of ops and the size of the signed file of each: not the smallest of the most
/// used ones, which is often a blank page, but the middle one.
fn preferred(used: HashMap<u32, (u32, u64)>) -> Option<u32> {
    let most = used.values().map(|(ops, _)| *ops).max()?;
    let common = used.into_iter().filter(|(_, (ops, _))| *ops == most);
    let mut common: Vec<(u64, u32)> = common.map(|(image, (_, size))| (size, image)).collect();
    common.sort_unstable();
    common.get(common.len() / 2).map(|(_, image)| *image)
}
