//! Rewriting a file without touching a pixel.

use serde::Deserialize;

use crate::codecs::libjpeg::transcode;
use crate::codecs::{jpeg, lossless_png};
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::Level;
use credlink_image_files::Format;
use credlink_image_files::metadata::{self, Kind};

/// `lossless_jpeg = { progressive = true, optimised = true, keep = [] }`: the coefficients are written again. With
/// `scans_of_source = true` a progressive file stays one. `every_segment = true` is for tools that keep all kinds: application
/// segments and comments are copied in their order, unknown ones too.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LosslessJpeg {
    progressive: bool,
    optimised: bool,
    keep: Vec<Kind>,
    #[serde(default)]
    scans_of_source: bool,
    #[serde(default)]
    every_segment: bool,
}

impl Apply for LosslessJpeg {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let file = work.encoded()?;
        if file.format() != Format::Jpeg {
            return Err(StepErrorKind::Format {
                expected: "JPEG files",
                found: file.format(),
            });
        }
        let settings = transcode::Settings {
            progressive: if self.scans_of_source {
                jpeg::traits(file.bytes()).is_some_and(|traits| traits.progressive)
            } else {
                self.progressive
            },
            optimised: self.optimised,
        };
        let bare = work
            .meter()
            .codec(|| transcode::transcode(file.bytes(), settings))?;
        if self.every_segment {
            work.replace(transcode::with_segments_of(&bare, file.bytes()))?;
            return Ok(Flow::Continue);
        }
        let kept = metadata::read(Format::Jpeg, file.bytes()).filtered(&self.keep);
        let bytes = if kept.is_empty() {
            bare
        } else {
            metadata::written(Format::Jpeg, bare, &kept)?
        };
        work.replace(bytes)?;
        Ok(Flow::Continue)
    }
}

/// `lossless_png = { level = 2, strip = "safe", clean_alpha = true }` in oxipng's terms. A manifest store is dropped, as
/// oxipng drops it, unless `manifest = true`: then it stays on what changed, and a file whose image chunks would not shrink
/// stays as it is, as OptiPNG leaves it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LosslessPng {
    level: Level,
    strip: lossless_png::Strip,
    clean_alpha: bool,
    #[serde(default)]
    manifest: bool,
}

impl Apply for LosslessPng {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let file = work.encoded()?;
        if file.format() != Format::Png {
            return Err(StepErrorKind::Format {
                expected: "PNG files",
                found: file.format(),
            });
        }
        let optimise = |file: &[u8]| {
            work.meter().codec(|| {
                lossless_png::optimise(file, self.level.get(), self.strip, self.clean_alpha)
            })
        };
        let metadata = self
            .manifest
            .then(|| metadata::read(Format::Png, file.bytes()));
        let Some(mut metadata) = metadata.filter(|metadata| metadata.c2pa.is_some()) else {
            let bytes = optimise(file.bytes())?;
            work.replace(bytes)?;
            return Ok(Flow::Continue);
        };
        let store = metadata.c2pa.take();
        let bare = metadata::written(Format::Png, file.bytes().to_vec(), &metadata)?;
        let smaller = optimise(&bare)?;
        if lossless_png::image_bytes(&smaller) < lossless_png::image_bytes(&bare) {
            let mut left = metadata::read(Format::Png, &smaller);
            left.c2pa = store;
            work.replace(metadata::written(Format::Png, smaller, &left)?)?;
        }
        Ok(Flow::Continue)
    }
}
