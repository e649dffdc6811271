//! Which file is which: by the sheet, by the name, else by the picture. Never by the proof: what lost its proof would then be
//! missing from the count.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use credlink_image_files::ImageFile;
use credlink_transforms::recipe::steps::resize::{Filter, resized};

use super::sheet::Line;
use super::{Kit, POST};
use crate::thumbnail;

/// How a file was told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A person wrote it down.
    Sheet,
    /// Its name says so, and its picture does not say otherwise.
    Name,
    /// Its picture is that one's and nobody else's.
    Picture,
}

impl By {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sheet => "the sheet",
            Self::Name => "its name",
            Self::Picture => "its picture",
        }
    }
}

/// A file that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// Position of the image in the kit.
    pub image: usize,
    /// The file.
    pub path: PathBuf,
    /// How it was told apart.
    pub by: By,
}

/// What came back from one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// Ascending by image, each at most once.
    pub back: Vec<Back>,
    /// Files that are nobody's, and why, one sentence each.
    pub left_out: Vec<String>,
}

/// A picture as far as it tells scenes apart: luma of a few cells.
type Sketch = Vec<f64>;
/// Cells along a side.
const CELLS: u32 = 16;
/// The mean difference up to which two pictures may be the same, of 255.
const NEAR: f64 = 14.0;
/// How many times farther the next one must be.
const CLEARLY: f64 = 1.6;

/// Tells apart the files of a kit that it is to find.
pub struct Matcher<'a> {
    kit: &'a Kit,
    sketches: Vec<Sketch>,
}

impl<'a> Matcher<'a> {
    /// For the kit in a folder.
    ///
    /// # Errors
    /// When a file that was to be posted cannot be read.
    pub fn new(kit: &'a Kit, folder: &Path) -> Result<Self> {
        let sketches = kit.images.iter().map(|image| {
            let path = folder.join(POST).join(&image.file);
            sketch_of(&path).with_context(|| format!("failed to read {}", path.display()))
        });
        Ok(Self {
            kit,
            sketches: sketches.collect::<Result<_>>()?,
        })
    }

    /// Which of these files is which; `lines` are those of the service, and `returned` is the folder that they name files in.
    #[must_use]
    pub fn matched(&self, files: &[PathBuf], lines: &[&Line], returned: &Path) -> Matched {
        let mut found: BTreeMap<usize, Back> = BTreeMap::new();
        let mut left_out = Vec::new();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match self.told_apart(path, lines, returned) {
                Err(why) => left_out.push(format!("{name}: {why}")),
                Ok((image, by)) => {
                    let back = Back {
                        image,
                        path: path.clone(),
                        by,
                    };
                    let earlier = found.get(&image).map(|back| back.by);
                    let wins = earlier.is_none_or(|earlier| by < earlier);
                    let loser = if wins {
                        found.insert(image, back)
                    } else {
                        Some(back)
                    };
                    if let Some(loser) = loser {
                        let name = loser.path.file_name().unwrap_or_default().to_string_lossy();
                        left_out.push(format!("{name}: a second {}", self.kit.images[image].file));
                    }
                }
            }
        }
        Matched {
            back: found.into_values().collect(),
            left_out,
        }
    }

    fn told_apart(
        &self,
        path: &Path,
        lines: &[&Line],
        returned: &Path,
    ) -> Result<(usize, By), String> {
        let position = |file: &str| self.kit.images.iter().position(|image| image.file == file);
        let within = path.strip_prefix(returned).unwrap_or(path);
        let is_named = |line: &&&Line| {
            let named = Path::new(&line.returned);
            !line.returned.is_empty()
                && (named == within || Some(named.as_os_str()) == within.file_name())
        };
        if let Some(image) = lines
            .iter()
            .find(is_named)
            .and_then(|line| position(&line.file))
        {
            return Ok((image, By::Sheet));
        }
        let sketch = sketch_of(path).map_err(|error| format!("{error:#}"))?;
        let mut ranked: Vec<(f64, usize)> = self
            .sketches
            .iter()
            .enumerate()
            .map(|(image, known)| (distance(known, &sketch), image))
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let looks_like = match ranked[..] {
            [(best, image), (next, _), ..] if best <= NEAR && next > CLEARLY * best.max(2.0) => {
                Some(image)
            }
            [(best, image)] if best <= NEAR => Some(image),
            _ => None,
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let named = self.kit.images.iter().position(|image| {
            let known = image.file.split('.').next().unwrap_or_default();
            holds(&stem, known)
        });
        match (named, looks_like) {
            (Some(named), Some(like)) if named != like => Err(format!(
                "it is named as {} and looks like {}; write in the sheet which it is",
                self.kit.images[named].file, self.kit.images[like].file
            )),
            (Some(named), _) => Ok((named, By::Name)),
            (None, Some(like)) => Ok((like, By::Picture)),
            (None, None) => Err(
                "neither its name nor its picture says which it is; write it in the sheet"
                    .to_owned(),
            ),
        }
    }
}

/// Whether a name holds another one as a word of its own.
fn holds(name: &str, word: &str) -> bool {
    let (name, word) = (name.to_ascii_lowercase(), word.to_ascii_lowercase());
    name.match_indices(&word).any(|(at, _)| {
        let before = name[..at].chars().next_back();
        let after = name[at + word.len()..].chars().next();
        let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
        is_apart(before) && is_apart(after)
    })
}

fn sketch_of(path: &Path) -> Result<Sketch> {
    let file = ImageFile::new(std::fs::read(path)?)?;
    let frame = file.frame()?;
    let shown = thumbnail::shown(&frame.pixels, frame.orientation);
    let small = thumbnail::small(&shown, 512)?;
    let cells = resized(&small, CELLS, CELLS, Filter::Box).map_err(anyhow::Error::msg)?;
    Ok(cells
        .to_luma8()
        .pixels()
        .map(|pixel| f64::from(pixel[0]))
        .collect())
}

/// The mean difference of two sketches, brightness apart.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (of_a, of_b) = (mean(a), mean(b));
    let differences = a
        .iter()
        .zip(b)
        .map(|(x, y)| ((x - of_a) - (y - of_b)).abs());
    differences.sum::<f64>() / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_held_as_a_word_of_its_own() {
        assert!(holds("credlink-007", "credlink-007"));
        assert!(holds("IMG_Credlink-007 (1)", "credlink-007"));
        assert!(!holds("credlink-0071", "credlink-007"));
        assert!(!holds("xcredlink-007", "credlink-007"));
        assert!(!holds("photo", "credlink-007"));
    }
}
