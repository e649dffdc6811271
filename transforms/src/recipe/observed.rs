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
use crate::evidence::{Seen, scan_kind};

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
    /// In words, where a source of grade O selects no rows, its rows cannot be read, or an encoder writes nothing to compare.
    fn contradiction(&self) -> Result<Option<String>, String> {
        let observed = self.sources.iter().filter_map(|source| {
            let selection = source.observed.as_ref()?;
            Some((source, selection))
        });
        let mut specimens: Option<Vec<Specimen<'_>>> = None;
        for (source, selection) in observed {
            let rows = selection.rows()?;
            if rows.is_empty() {
                return Err(format!(
                    "the source {:?} selects no file of transforms/evidence/observed.tsv",
                    source.cite
                ));
            }
            let specimens = match &mut specimens {
                Some(made) => made,
                None => {
                    let encoders = self.steps.iter().filter_map(|(_, step)| step.jpeg());
                    specimens.insert(encoders.map(Specimen::of).collect::<Result<_, _>>()?)
                }
            };
            for seen in rows {
                if let Some(reason) = self.against(source, seen, specimens) {
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

    /// For each of these files what it has where the recipe says something else, as far as its sources that are files back it;
    /// `None` where nothing does.
    ///
    /// # Errors
    /// In words, where an encoder writes nothing to compare.
    pub fn differences_from(&self, files: &[&Seen]) -> Result<Vec<Option<String>>, String> {
        let encoders = self.steps.iter().filter_map(|(_, step)| step.jpeg());
        let specimens: Vec<Specimen<'_>> = encoders.map(Specimen::of).collect::<Result<_, _>>()?;
        let sources = self
            .sources
            .iter()
            .filter(|source| source.observed.is_some());
        let difference = |seen: &&Seen| {
            let mut sources = sources.clone();
            sources.find_map(|source| self.against(source, seen, &specimens))
        };
        Ok(files.iter().map(difference).collect())
    }

    /// What the file has where a parameter that the source backs says something else.
    fn against(&self, source: &Source, seen: &Seen, specimens: &[Specimen<'_>]) -> Option<String> {
        let taken = Format::ALL.iter().filter(|format| self.takes(**format));
        let mut written = taken.flat_map(|format| self.outputs(*format));
        if !written.any(|format| format.as_str() == seen.format) {
            return Some(format!("no step writes {}, which was seen", seen.format));
        }
        if seen.format == Format::Jpeg.as_str() {
            // Several encoders stand for several kinds of upload: one of them wrote the file.
            let reasons: Option<Vec<String>> = specimens
                .iter()
                .map(|specimen| specimen.against(source, seen))
                .collect();
            if let Some(reason) = reasons.and_then(|reasons| reasons.into_iter().next()) {
                return Some(reason);
            }
        }
        if !SIZES.iter().any(|size| source.covers(size)) {
            return None;
        }
        let (width, height) = seen.size;
        let mut targets = self.steps.iter().filter_map(|(_, step)| match step {
            Step::Resize(resize) => Some(resize.target(width, height)),
            _ => None,
        });
        targets
            .find(|target| *target != seen.size)
            .map(|(w, h)| format!("resize would make {w}x{h} of the size that was seen"))
    }
}

/// What `resize` may name its size by; its other parameters say nothing of it.
const SIZES: [&str; 7] = [
    "resize.fit",
    "resize.fill",
    "resize.cover",
    "resize.width",
    "resize.long_side",
    "resize.max_pixels",
    "resize.scale",
];

/// What an encoder makes of a small picture.
struct Specimen<'a> {
    settings: &'a Jpeg,
    traits: jpeg::Traits,
    sums: (Option<u32>, Option<u32>),
    sampling: &'static str,
    density: Option<String>,
}

impl<'a> Specimen<'a> {
    fn of(settings: &'a Jpeg) -> Result<Self, String> {
        let file = settings
            .specimen(&picture())
            .map_err(|error| format!("jpeg: {error}"))?;
        let traits = jpeg::traits(&file).ok_or("jpeg: no frame header was written")?;
        let sampling = traits
            .chroma()
            .ok_or("jpeg: an unknown sampling was written")?;
        Ok(Self {
            settings,
            sums: jpeg::table_sums(&file),
            sampling: sampling.as_str(),
            density: jpeg::density(&file),
            traits,
        })
    }

    /// What the file has where a parameter of this encoder that the source backs says something else.
    fn against(&self, source: &Source, seen: &Seen) -> Option<String> {
        let backs = |parameter: &str| {
            ["", "save.", "until_bytes.save."]
                .iter()
                .any(|place| source.covers(&format!("{place}jpeg.{parameter}")))
        };
        if ["quality", "encoder", "tables"].into_iter().any(backs) {
            // One table may serve both.
            let both = |(luma, chroma): (Option<u32>, Option<u32>)| (luma, chroma.or(luma));
            let (own, found) = (both(self.sums), both((seen.luma_sum, seen.chroma_sum)));
            if own != found {
                return Some(format!(
                    "tables: sums {own:?} written, {found:?} seen (quality {})",
                    seen.quality
                ));
            }
        }
        if backs("chroma") && self.sampling != seen.sampling {
            let (own, found) = (self.sampling, &seen.sampling);
            return Some(format!("chroma: {own} written, {found} seen"));
        }
        let scans = scan_kind(&self.traits);
        if backs("progressive") && !seen.scans.starts_with(scans) {
            return Some(format!("scans: {scans} written, {} seen", seen.scans));
        }
        if backs("density") && self.density.as_deref() != Some(&seen.density) {
            return Some(format!("density: {:?} seen", seen.density));
        }
        let [writes_icc, writes_iptc, writes_comment] = self.settings.writes();
        let has_icc = !seen.icc.is_empty();
        for (parameter, writes, has) in [
            ("icc", writes_icc, has_icc),
            ("iptc", writes_iptc, seen.segments.contains("FBMD")),
            ("comment", writes_comment, seen.segments.contains("COM")),
        ] {
            if backs(parameter) && writes != has {
                return Some(format!("jpeg.{parameter}: written {writes}, seen {has}"));
            }
        }
        // What is kept may be absent, as the upload may have had none.
        for (kind, has) in [(Kind::Icc, has_icc && !writes_icc), (Kind::Exif, seen.exif)] {
            if backs("keep") && has && !self.settings.keeps(kind) {
                return Some(format!("keep: {} was seen and is not kept", kind.as_str()));
            }
        }
        None
    }
}

/// A picture in colours, small enough to be encoded whenever recipes are read.
fn picture() -> DynamicImage {
    let pixel = |x: u32, y: u32| Rgb([(x * 15) as u8, (y * 15) as u8, (x * y) as u8]);
    DynamicImage::from(RgbImage::from_fn(16, 16, pixel))
}
