//! Images that one system saved and another lost, as pictures.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{FOLDER, HeadToHead, pairs};
use crate::atomic;

/// The file that names the pictures, in the folder of tables and plots, where the pictures are, too.
const FILE: &str = "gallery.json";

/// One image that the two systems disagree about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// The system that found it.
    pub saved_by: String,
    /// The folder of its run.
    pub saved_in: String,
    /// The system that did not.
    pub lost_by: String,
    /// The folder of its run.
    pub lost_in: String,
    /// The pipeline.
    pub pipeline: String,
    /// The image's number.
    pub image: u32,
    /// What came out of the pipeline of the one that was found, a file beside; empty until it is made.
    #[serde(default)]
    pub found: String,
    /// The same of the one that was lost.
    #[serde(default)]
    pub lost: String,
}

/// For every system but the first an image that it alone saved and one that it alone lost, each from the pipeline in which
/// there are most of the kind.
#[must_use]
pub fn choose(contest: &HeadToHead) -> Vec<Disagreement> {
    let Some(first) = contest.sides.first() else {
        return Vec::new();
    };
    let mut chosen = Vec::new();
    for (only, other) in pairs(contest).iter().zip(&contest.sides[1..]) {
        for by_other in [false, true] {
            let images = if by_other { &only.won } else { &only.lost };
            let lines = only.lines.iter().zip(images);
            let most = lines.max_by_key(|(line, _)| {
                let (lost, won) = line.changed.unwrap_or_default();
                if by_other { won } else { lost }
            });
            let Some((line, Some(image))) = most else {
                continue;
            };
            let (saved, lost) = if by_other {
                (other, first)
            } else {
                (first, other)
            };
            chosen.push(Disagreement {
                saved_by: saved.name.clone(),
                saved_in: saved.folder.clone(),
                lost_by: lost.name.clone(),
                lost_in: lost.folder.clone(),
                pipeline: line.pipeline.clone(),
                image: *image,
                found: String::new(),
                lost: String::new(),
            });
        }
    }
    chosen
}

/// Writes what was made of them into the directory of a contest.
///
/// # Errors
/// When the file cannot be written.
pub fn write(root: &Path, made: &[Disagreement]) -> std::io::Result<()> {
    let text = serde_json::to_vec_pretty(made)?;
    std::fs::create_dir_all(root.join(FOLDER))?;
    atomic::write(&root.join(FOLDER).join(FILE), &text)
}

/// What there is in the directory of a contest; nothing where nobody made any.
#[must_use]
pub fn read(root: &Path) -> Vec<Disagreement> {
    let text = std::fs::read(root.join(FOLDER).join(FILE));
    let read = text
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    read.unwrap_or_default()
}

/// A picture of the gallery; `None` for a name that leads elsewhere, or a file that is not there.
pub(super) fn picture(root: &Path, name: &str) -> Option<Vec<u8>> {
    let is_plain = !name.is_empty() && Path::new(name).file_name()?.to_str() == Some(name);
    is_plain.then(|| std::fs::read(root.join(FOLDER).join(name)).ok())?
}
