//! Words over a picture: captions, stock marks, memes. The only file that names the glyph engine.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use serde::Deserialize;

use super::canvas::Canvas;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Colour, Share};

/// `text = { words = "LOL", size = 0.15, x = 0.0, y = 0.5, colour = [255, 0, 0], opacity = 1.0 }`: the line's height
/// is a share of the picture's shorter side, its upper left corner a share of width and height. What does not fit is
/// cut off at the edge.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    words: String,
    size: Share,
    x: Share,
    y: Share,
    colour: Colour,
    opacity: Share,
}

/// Draws one line of words, `height` pixels high, with its upper left corner at (`left`, `top`).
pub(super) fn draw(
    canvas: &mut Canvas,
    words: &str,
    height: f32,
    (left, top): (f32, f32),
    colour: [u8; 3],
    opacity: f64,
) -> Result<(), StepErrorKind> {
    let font = FontRef::try_from_slice(credlink_fonts::UBUNTU_LIGHT)
        .map_err(|error| StepErrorKind::Engine(format!("font: {error}")))?;
    let scale = PxScale::from(height.max(1.0));
    let scaled = font.as_scaled(scale);
    let mut x = left;
    for character in words.chars() {
        let id = scaled.glyph_id(character);
        let glyph = id.with_scale_and_position(scale, point(x, top + scaled.ascent()));
        if let Some(outline) = font.outline_glyph(glyph) {
            let bounds = outline.px_bounds();
            let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
            outline.draw(|x, y, coverage| {
                let share = f64::from(coverage.clamp(0.0, 1.0)) * opacity;
                canvas.mix(left + i64::from(x), top + i64::from(y), colour, share);
            });
        }
        x += scaled.h_advance(id);
        if x > canvas.width as f32 {
            break;
        }
    }
    Ok(())
}

impl Apply for Text {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let mut canvas = Canvas::of(&frame.pixels);
        let (width, height) = (canvas.width as f64, canvas.height as f64);
        let size = self.size.get() * width.min(height);
        let corner = (
            (self.x.get() * width) as f32,
            (self.y.get() * height) as f32,
        );
        draw(
            &mut canvas,
            &self.words,
            size as f32,
            corner,
            self.colour.rgb(),
            self.opacity.get(),
        )?;
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
