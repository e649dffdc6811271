//! Pictures of images that one system saved and another lost, made from the files that their runs kept.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use credlink_image_files::ImageFile;
use credlink_reports::RunDir;
use credlink_reports::head_to_head::gallery::{Disagreement, choose, write};
use credlink_reports::head_to_head::{FOLDER, HeadToHead};
use credlink_transforms::meter::Meter;

use crate::trial::delivery;
use crate::{exhibits, recipes, thumbnail};

/// Longest side of a picture, pixels.
const SIDE: u32 = 320;
/// JPEG quality of the pictures.
const QUALITY: u8 = 70;

/// Runs the pipelines again on the signed files of both systems and keeps small pictures of what comes out, for one image of
/// each kind of disagreement. What cannot be made is left out.
///
/// # Errors
/// When nothing can be written.
pub fn make(contest: &HeadToHead, root: &Path) -> Result<()> {
    let mut made = Vec::new();
    for (number, chosen) in choose(contest).into_iter().enumerate() {
        let name = |which: &str| format!("{number}-{which}.jpg");
        let one = |folder: &str, which: &str| -> Result<String> {
            let picture = received(root, folder, &chosen)?;
            let file = name(which);
            let path = root.join(FOLDER).join(&file);
            std::fs::create_dir_all(root.join(FOLDER))?;
            std::fs::write(&path, picture)
                .with_context(|| format!("failed to write {}", path.display()))?;
            Ok(file)
        };
        let both = one(&chosen.saved_in, "found")
            .and_then(|found| Ok((found, one(&chosen.lost_in, "lost")?)));
        if let Ok((found, lost)) = both {
            made.push(Disagreement {
                found,
                lost,
                ..chosen
            });
        }
    }
    write(root, &made).context("failed to write the gallery")
}

/// A small picture of what comes out of the pipeline for the image as a system signed it.
fn received(root: &Path, folder: &str, of: &Disagreement) -> Result<Vec<u8>> {
    let run_dir = RunDir::open(&root.join(folder))?;
    let catalogue = recipes::catalogue_of(&run_dir)?;
    let recipe = catalogue
        .get(&of.pipeline)
        .with_context(|| format!("the catalogue no longer has {}", of.pipeline))?;
    let (path, _) = exhibits::signed_file(&run_dir, of.image)?;
    let signed = Arc::new(ImageFile::new(std::fs::read(&path)?)?);
    let clock = || 0;
    let received = recipe.apply_in(&signed, delivery::surroundings(&Meter::new(&clock)))?;
    let frame = received.frame()?;
    let shown = thumbnail::shown(&frame.pixels, frame.orientation);
    thumbnail::encoded(&thumbnail::small(&shown, SIDE)?, QUALITY)
}
