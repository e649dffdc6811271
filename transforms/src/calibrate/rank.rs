//! Which recipe explains files best?

use std::fmt::Write as _;
use std::sync::Arc;

use credlink_image_files::metadata::Kind;
use credlink_image_files::{DecodeError, Format, ImageFile};

use super::{Comparison, Parameter, compare};
use crate::codecs::{jpeg, png};
use crate::error::{StepError, StepErrorKind};
use crate::recipe::Recipe;
use crate::resign::Surroundings;

/// How well one recipe explains all files.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// Its id.
    pub id: String,
    /// Parameters that it explains, over all files, and how many there are.
    pub explained: (usize, usize),
    /// The lowest PSNR in dB between prediction and download; `None` where dimensions never agree.
    pub psnr: Option<f64>,
    /// What it does not explain in the first file where it does not.
    pub differences: Vec<String>,
    /// Pairs that it could not be tried on.
    pub failed: usize,
}

/// A file as it may have been uploaded where only what came back is known: the same pixels, without any metadata, in a format
/// that the recipe takes. What a service did to the size is then not seen, nor what it removed.
///
/// # Errors
/// When the download cannot be decoded, or its pixels not be written.
fn stand_in(recipe: &Recipe, received: &ImageFile) -> Result<ImageFile, DecodeError> {
    let pixels = &received.frame()?.pixels;
    let words = |error: crate::error::EncodeError| DecodeError::Codec {
        format: received.format(),
        reason: error.to_string(),
    };
    let bytes = if stand_in_format(recipe) == Format::Png {
        png::encode(pixels).map_err(words)?
    } else {
        let settings = jpeg::Settings {
            encoder: jpeg::Encoder::LibjpegTurbo,
            quality: 100,
            chroma: jpeg::Chroma::Full,
            progressive: false,
        };
        jpeg::encode(&pixels.to_rgb8().into(), settings).map_err(words)?
    };
    ImageFile::new(bytes)
}

/// PNG, or JPEG for what takes no PNG.
fn stand_in_format(recipe: &Recipe) -> Format {
    match recipe.takes(Format::Png) {
        true => Format::Png,
        false => Format::Jpeg,
    }
}

/// Tries a recipe on every pair of upload and download; `None` where it suits none. A pair without an upload is a download
/// alone, of which metadata that came from the upload say nothing.
#[must_use]
pub fn rank(
    recipe: &Recipe,
    pairs: &[(Option<Arc<ImageFile>>, ImageFile)],
    surroundings: Surroundings<'_>,
) -> Option<Ranked> {
    let mut ranked = Ranked {
        id: recipe.id.clone(),
        explained: (0, 0),
        psnr: None,
        differences: Vec::new(),
        failed: 0,
    };
    for (upload, download) in pairs {
        let given = upload
            .as_ref()
            .map_or_else(|| stand_in_format(recipe), |upload| upload.format());
        // Most recipes never give the format that came back, and need not run.
        let found = recipe
            .outputs(given)
            .contains(&download.format())
            .then(|| tried(recipe, upload.as_ref(), download, surroundings));
        let Some(Ok(found)) = found else {
            ranked.failed += 1;
            continue;
        };
        let (agreeing, all) = found.explained();
        ranked.explained.0 += agreeing;
        ranked.explained.1 += all;
        ranked.psnr = match (ranked.psnr, found.psnr) {
            (Some(least), Some(psnr)) => Some(psnr.min(least)),
            (one, other) => one.or(other),
        };
        if ranked.differences.is_empty() {
            ranked.differences = found.differences();
        }
    }
    (ranked.failed < pairs.len()).then_some(ranked)
}

/// Compares what came back with what the recipe makes of the upload, or, where that is not known, of a stand-in; then the
/// kinds of metadata, which depend on the upload, are left out.
///
/// # Errors
/// When the recipe does not take the upload, and as [`compare`].
pub fn tried(
    recipe: &Recipe,
    upload: Option<&Arc<ImageFile>>,
    download: &ImageFile,
    surroundings: Surroundings<'_>,
) -> Result<Comparison, StepError> {
    let refused = |kind| StepError {
        recipe: recipe.id.clone(),
        number: 0,
        step: "calibrate",
        kind,
    };
    if let Some(upload) = upload {
        if !recipe.takes(upload.format()) {
            return Err(refused(StepErrorKind::Format {
                expected: "the formats that the pipeline takes",
                found: upload.format(),
            }));
        }
        return compare(recipe, upload, download, surroundings);
    }
    let upload = stand_in(recipe, download).map_err(|error| refused(error.into()))?;
    let mut found = compare(recipe, &Arc::new(upload), download, surroundings)?;
    for kind in Kind::ALL {
        found.values.remove(&Parameter::Metadata(*kind));
    }
    Ok(found)
}

/// Puts the recipes that explain most first.
pub fn sort(ranked: &mut [Ranked]) {
    let share = |one: &Ranked| one.explained.0 as f64 / one.explained.1.max(1) as f64;
    let pixels = |one: &Ranked| one.psnr.unwrap_or(0.0);
    ranked.sort_by(|a, b| {
        let by_files = a.failed.cmp(&b.failed);
        let by_share = share(b).total_cmp(&share(a));
        let by_pixels = pixels(b).total_cmp(&pixels(a));
        by_files
            .then(by_share)
            .then(by_pixels)
            .then_with(|| a.id.cmp(&b.id))
    });
}

/// Recipes in their order as a table of at most `most` lines.
#[must_use]
pub fn table(ranked: &[Ranked], most: usize) -> String {
    let mut text = format!(
        "{:<44} {:>9} {:>9}  expected > seen\n",
        "recipe", "explained", "PSNR"
    );
    for one in ranked.iter().take(most) {
        let psnr = match one.psnr {
            None => "-".to_owned(),
            Some(psnr) if psnr.is_infinite() => "identical".to_owned(),
            Some(psnr) => format!("{psnr:.1} dB"),
        };
        let share = format!("{}/{}", one.explained.0, one.explained.1);
        let shown: Vec<&str> = one.differences.iter().take(2).map(String::as_str).collect();
        let more = if one.differences.len() > 2 {
            ", …"
        } else {
            ""
        };
        // Writing to a string cannot fail.
        let _written = writeln!(
            text,
            "{:<44} {share:>9} {psnr:>9}  {}{more}",
            one.id,
            shown.join(", ")
        );
    }
    let rest = ranked.len().saturating_sub(most);
    if rest > 0 {
        let _written = writeln!(text, "{rest} more explain less");
    }
    text
}
