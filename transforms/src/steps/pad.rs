//! Putting the picture on a canvas: letterboxes, screenshots.

use std::sync::Arc;

use image::{DynamicImage, Rgba, RgbaImage, imageops};
use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::step::{Apply, Flow, Work};
use crate::value::{Colour, Side};

/// `pad = { canvas = [1080, 2340], colour = [0, 0, 0] }`: the picture, centred, on a canvas of that many pixels; a
/// canvas smaller than the picture grows to it. Alpha is composited over the colour.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    canvas: (Side, Side),
    colour: Colour,
}

impl Apply for Pad {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let (width, height) = (frame.pixels.width(), frame.pixels.height());
        let (canvas_width, canvas_height) = (
            width.max(self.canvas.0.get().into()),
            height.max(self.canvas.1.get().into()),
        );
        let [r, g, b] = self.colour.rgb();
        let mut canvas = RgbaImage::from_pixel(canvas_width, canvas_height, Rgba([r, g, b, 255]));
        let (x, y) = (
            i64::from((canvas_width - width) / 2),
            i64::from((canvas_height - height) / 2),
        );
        if frame.pixels.color().has_alpha() {
            imageops::overlay(&mut canvas, &frame.pixels.to_rgba8(), x, y);
        } else {
            imageops::replace(&mut canvas, &frame.pixels.to_rgba8(), x, y);
        }
        frame.pixels = Arc::new(DynamicImage::ImageRgb8(
            DynamicImage::ImageRgba8(canvas).to_rgb8(),
        ));
        Ok(Flow::Continue)
    }
}
