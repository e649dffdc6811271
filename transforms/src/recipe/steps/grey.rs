//! Colour to grey.

use serde::Deserialize;

use super::canvas::Canvas;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};

/// `grey = {}`: luma by the weights of ITU-R BT.601, in all three channels, as Pillow's and torchvision's greyscale
/// with three output channels do. Alpha stays.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grey {}

impl Apply for Grey {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        if !frame.pixels.color().has_color() {
            return Ok(Flow::Continue);
        }
        let mut canvas = Canvas::of(&frame.pixels);
        for pixel in canvas.samples.chunks_exact_mut(canvas.channels) {
            let luma = super::adjust::luma(pixel) as u8;
            pixel[..3].fill(luma);
        }
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
