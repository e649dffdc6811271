//! Whether a recipe does what the files say that it rests on.
//!
//! What can be told from one file alone is compared: the tables, sampling and scans that the recipe's encoder really writes,
//! what metadata it leaves, and that its size rule would leave a file of that size as it is.

use credlink_image_files::Format;
use credlink_image_files::metadata::Kind;
use image::{DynamicImage, Rgb, RgbImage};

use super::step::Step;
use super::steps::encode::Jpeg;
use super::{Grade, Recipe, RecipeError, Source};
use crate::codecs::jpeg;
use crate::evidence::Seen;

impl Recipe {
    /// Sources of grade O name files, others do not, and no file says otherwise; years come in order.
    pub(super) fn check_observed(&self) -> Result<(), RecipeError> {
        let refused = |message: String| RecipeError::Observed {
            recipe: self.id.clone(),
            message,
        };
        if let (Some(since), Some(until)) = self.years
            && since > until
        {
            return Err(refused(format!("since = {since} is after until = {until}")));
        }
        for source in &self.sources {
            if (source.grade == Grade::O) != source.observed.is_some() {
                return Err(refused(format!(
                    "a source of grade O, and no other, has `observed = {{ platform = … }}`: {:?}",
                    source.cite
                )));
            }
        }
        match self.contradiction().map_err(refused)? {
            Some(reason) => Err(refused(format!(
                "contradicted by its own evidence: {reason}"
            ))),
            None => Ok(()),
        }
    }

    /// The years in which the recipe is known to hold, in words; empty where nothing is said.
    #[must_use]
    pub fn years_in_words(&self) -> String {
        match self.years {
            (None, None) => String::new(),
            (Some(since), None) => format!("since {since}"),
            (None, Some(until)) => format!("until {until}"),
            (Some(since), Some(until)) if since == until => since.to_string(),
            (Some(since), Some(until)) => format!("{since} to {until}"),
        }
    }

    /// The first row that a source of this recipe rests on and the recipe contradicts, in words; `None` if there is none.
    ///
    /// # Errors
    /// In words, where a source of grade O selects no rows, or its rows cannot be read.
    fn contradiction(&self) -> Result<Option<String>, String> {
        for source in &self.sources {
            let Some(selection) = &source.observed else {
                continue;
            };
            let rows = selection.rows()?;
            if rows.is_empty() {
                return Err(format!(
                    "the source {:?} selects no file of transforms/evidence/observed.tsv",
                    source.cite
                ));
            }
            for seen in rows {
                if let Some(reason) = self.against(source, seen) {
                    let (width, height) = seen.size;
                    return Ok(Some(format!(
                        "{reason} in a file of {} ({}, {}, {width}x{height})",
                        seen.platform, seen.year, seen.repository
                    )));
                }
            }
        }
        Ok(None)
    }

    /// What the file has where a parameter that the source backs says something else.
    fn against(&self, source: &Source, seen: &Seen) -> Option<String> {
        let backs = |parameter: &str| {
            source.backs.iter().any(|name| {
                let name = name.strip_prefix("save.").unwrap_or(name);
                let step = parameter.split('.').next();
                name == parameter || Some(name) == step
            })
        };
        let taken = Format::ALL.iter().filter(|format| self.takes(**format));
        let mut written = taken.flat_map(|format| self.outputs(*format));
        if !written.any(|format| format.as_str() == seen.format) {
            return Some(format!("no step writes {}, which was seen", seen.format));
        }
        if seen.format == "jpeg" {
            // Several encoders stand for several kinds of upload: one of them wrote the file.
            let encoders = self.steps.iter().filter_map(|(_, step)| step.jpeg());
            let reasons: Option<Vec<String>> = encoders
                .map(|jpeg| of_encoder(jpeg, &backs, seen))
                .collect();
            if let Some(reason) = reasons.and_then(|reasons| reasons.into_iter().next()) {
                return Some(reason);
            }
        }
        let (width, height) = seen.size;
        let resizes = self.steps.iter().filter_map(|(_, step)| match step {
            Step::Resize(resize) => Some(resize),
            _ => None,
        });
        let says_size = |name: &String| SIZES.contains(&&**name);
        let mut resizes = resizes.filter(|_| source.backs.iter().any(says_size));
        resizes
            .find(|resize| resize.target(width, height) != (width, height))
            .map(|resize| {
                let (w, h) = resize.target(width, height);
                format!("resize would make {w}x{h} of the size that was seen")
            })
    }
}

/// What `resize` may name its size by; its other parameters say nothing of it.
const SIZES: [&str; 8] = [
    "resize",
    "resize.fit",
    "resize.fill",
    "resize.cover",
    "resize.width",
    "resize.long_side",
    "resize.max_pixels",
    "resize.scale",
];

fn of_encoder(jpeg: &Jpeg, backs: &impl Fn(&str) -> bool, seen: &Seen) -> Option<String> {
    let specimen = jpeg.specimen(&picture()).ok()?;
    let traits = jpeg::traits(&specimen)?;
    let tables = jpeg::tables(&specimen);
    let sum = |index: u8| -> Option<u32> {
        let (_, table) = tables.iter().find(|(found, _)| *found == index)?;
        Some(table.iter().map(|entry| u32::from(*entry)).sum())
    };
    if ["jpeg.quality", "jpeg.encoder", "jpeg.tables"]
        .iter()
        .any(|name| backs(name))
    {
        // One table may serve both.
        let own = (sum(0), sum(1).or(sum(0)));
        let found = (seen.luma_sum, seen.chroma_sum.or(seen.luma_sum));
        if own != found {
            return Some(format!(
                "tables: sums {:?} written, {:?} seen (quality {})",
                own, found, seen.quality
            ));
        }
    }
    let sampling = traits.chroma()?.as_str();
    if backs("jpeg.chroma") && sampling != seen.sampling {
        return Some(format!(
            "chroma: {sampling} written, {} seen",
            seen.sampling
        ));
    }
    let scans = if traits.progressive { "prog" } else { "base" };
    if backs("jpeg.progressive") && !seen.scans.starts_with(scans) {
        return Some(format!("scans: {scans} written, {} seen", seen.scans));
    }
    if backs("jpeg.density") && jpeg::density(&specimen).as_deref() != Some(&seen.density) {
        return Some(format!("density: {:?} seen", seen.density));
    }
    let [writes_icc, writes_iptc, writes_comment] = jpeg.writes();
    for (parameter, writes, has) in [
        ("jpeg.icc", writes_icc, !seen.icc.is_empty()),
        ("jpeg.iptc", writes_iptc, seen.segments.contains("FBMD")),
        (
            "jpeg.comment",
            writes_comment,
            seen.segments.contains("COM"),
        ),
    ] {
        if backs(parameter) && writes != has {
            return Some(format!("{parameter}: written {writes}, seen {has}"));
        }
    }
    // What is kept may be absent, as the upload may have had none.
    let keeps = |kind| jpeg.keeps(kind);
    for (kind, has) in [
        (Kind::Icc, !seen.icc.is_empty() && !writes_icc),
        (Kind::Exif, seen.exif),
    ] {
        if backs("jpeg.keep") && has && !keeps(kind) {
            return Some(format!("keep: {} was seen and is not kept", kind.as_str()));
        }
    }
    None
}

/// A picture in colours, small enough to be encoded whenever recipes are read.
fn picture() -> DynamicImage {
    let pixel = |x: u32, y: u32| Rgb([(x * 15) as u8, (y * 15) as u8, (x * y) as u8]);
    DynamicImage::from(RgbImage::from_fn(16, 16, pixel))
}
