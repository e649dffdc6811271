//! Rewriting a file without touching a pixel.

use serde::Deserialize;

use crate::codecs::{lossless_jpeg, lossless_png};
use crate::error::StepErrorKind;
use crate::format::Format;
use crate::metadata::{self, Kind};
use crate::step::{Apply, Flow, Work};
use crate::value::Level;

/// `lossless_jpeg = { progressive = true, optimised = true, keep = [] }`: the coefficients are written again.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LosslessJpeg {
    progressive: bool,
    optimised: bool,
    keep: Vec<Kind>,
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
        let settings = lossless_jpeg::Settings {
            progressive: self.progressive,
            optimised: self.optimised,
        };
        let bare = work
            .meter()
            .codec(|| lossless_jpeg::transcode(file.bytes(), settings))?;
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

/// `lossless_png = { level = 2, strip = "safe", clean_alpha = true }` in oxipng's terms. A manifest store is dropped
/// in every case, as oxipng drops it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LosslessPng {
    level: Level,
    strip: lossless_png::Strip,
    clean_alpha: bool,
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
        let optimise =
            || lossless_png::optimise(file.bytes(), self.level.get(), self.strip, self.clean_alpha);
        let bytes = work.meter().codec(optimise)?;
        work.replace(bytes)?;
        Ok(Flow::Continue)
    }
}
