//! Baking the EXIF orientation into the pixels.

use std::sync::Arc;

use bytes::Bytes;
use image::metadata::Orientation;
use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use credlink_image_files::Frame;

/// `orient = {}`: the pixels are turned as a viewer would turn them, and the EXIF tag, if kept, says "upright".
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orient {}

impl Apply for Orient {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        if work.frame()?.orientation != Orientation::NoTransforms {
            let frame = work.frame_mut()?;
            let mut pixels = Arc::unwrap_or_clone(Arc::clone(&frame.pixels));
            pixels.apply_orientation(frame.orientation);
            frame.pixels = Arc::new(pixels);
            mark_upright(frame);
        }
        Ok(Flow::Continue)
    }
}

/// Says in the frame and its EXIF block that the pixels are upright.
pub(super) fn mark_upright(frame: &mut Frame) {
    frame.orientation = Orientation::NoTransforms;
    if let Some(exif) = frame.metadata.exif.take() {
        let mut exif = exif.to_vec();
        // Absent or unreadable tags already mean "upright".
        let _previous = Orientation::remove_from_exif_chunk(&mut exif);
        frame.metadata.exif = Some(Bytes::from(exif));
    }
}
