//! Dropping metadata from a file whose coded image stays byte for byte.

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use credlink_image_files::metadata::{self, Kind};

/// `metadata = { keep = ["icc"] }`: all other kinds go, as do comments and application segments of unknown kind. With
/// `undescribed = true` also what describes the picture and is of no kind, as exiftool takes it: JFIF in JPEG; density, gamma,
/// the word sRGB and the time in PNG.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    keep: Vec<Kind>,
    #[serde(default)]
    undescribed: bool,
}

impl Apply for Metadata {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let file = work.encoded()?;
        let (format, bytes) = (file.format(), file.bytes());
        let kept = metadata::read(format, bytes).filtered(&self.keep);
        let mut rewritten = metadata::written(format, bytes.to_vec(), &kept)?;
        if self.undescribed {
            rewritten = metadata::undescribed(format, &rewritten);
        }
        work.replace(rewritten)?;
        Ok(Flow::Continue)
    }
}
