//! Ladders: smaller and smaller until the file fits.

use std::sync::Arc;

use serde::Deserialize;

use super::encode::finished;
use super::resize::{Filter, resized};
use super::save::Save;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Encodes, Flow, Work};
use crate::value::{Bytes, Quality, Side};
use credlink_image_files::Format;
use credlink_image_files::Frame;

/// `until_bytes = { limit = 1048576, long_sides = [1600, 1024, 768, 512], filter = "bilinear", save = {…} }`: each long
/// side in turn, always from the same pixels and never enlarging, until the file that `save` makes is no larger than
/// `limit` bytes; the last rung is taken if none is. With `lowest_quality` every rung first looks, by bisection, for the
/// highest quality from there up to that of `save` that fits (formats without a quality have one try).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UntilBytes {
    limit: Bytes,
    long_sides: Vec<Side>,
    filter: Filter,
    lowest_quality: Option<Quality>,
    save: Save,
}

impl Encodes for UntilBytes {
    fn gives(&self, format: Format) -> Format {
        self.save.gives(format)
    }

    fn checked_keep(&self) -> Result<(), String> {
        self.save.checked_keep()
    }
}

impl UntilBytes {
    /// The settings for JPEG files.
    pub(crate) fn jpeg(&self) -> Option<&super::encode::Jpeg> {
        self.save.jpeg()
    }

    fn fits(&self, file: &[u8]) -> bool {
        file.len() <= self.limit.get() as usize
    }

    /// The file of one rung: the best quality that fits, or the lowest.
    fn rung(&self, frame: &Frame, source: &[u8], format: Format) -> Result<Vec<u8>, StepErrorKind> {
        let settings = self.save.chosen(format)?;
        let write = |quality: Option<u8>| -> Result<Vec<u8>, StepErrorKind> {
            let bare = settings.encode(frame, source, quality)?;
            let kept = frame.metadata.filtered(settings.keep());
            Ok(finished(settings, bare, kept)?)
        };
        let best = write(None)?;
        let (Some(lowest), Some(highest)) = (self.lowest_quality, settings.quality()) else {
            return Ok(best);
        };
        if self.fits(&best) || lowest.get() >= highest {
            return Ok(best);
        }
        let mut found = write(Some(lowest.get()))?;
        let (mut low, mut high) = (lowest.get(), highest);
        if !self.fits(&found) {
            return Ok(found);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let file = write(Some(middle))?;
            if self.fits(&file) {
                (low, found) = (middle, file);
            } else {
                high = middle;
            }
        }
        Ok(found)
    }
}

impl Apply for UntilBytes {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let source = Arc::clone(work.file());
        let meter = work.meter();
        let frame = work.frame()?;
        let (width, height) = (frame.pixels.width(), frame.pixels.height());
        let long = width.max(height);
        let sides: Vec<u32> = self
            .long_sides
            .iter()
            .map(|side| u32::from(side.get()).min(long))
            .collect();
        let mut result = None;
        for side in if sides.is_empty() { vec![long] } else { sides } {
            let mut rung = frame.clone();
            if side < long {
                let scale = f64::from(side) / f64::from(long);
                let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
                let pixels = meter
                    .resize(|| resized(&frame.pixels, scaled(width), scaled(height), self.filter))
                    .map_err(StepErrorKind::Engine)?;
                rung.pixels = Arc::new(pixels);
            }
            let file = meter.codec(|| self.rung(&rung, source.bytes(), source.format()))?;
            let done = self.fits(&file);
            result = Some(file);
            if done {
                break;
            }
        }
        if let Some(file) = result {
            work.replace(file)?;
        }
        Ok(Flow::Continue)
    }
}
