//! The status bar of a phone's screenshot.

use serde::Deserialize;

use super::canvas::Canvas;
use super::text::draw;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Colour, Side};

/// `status_bar = { height = 80, colour = [0, 0, 0], ink = [255, 255, 255] }`: a bar of that many pixels over the top
/// edge with a clock on the left and a battery on the right.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusBar {
    height: Side,
    colour: Colour,
    ink: Colour,
}

impl Apply for StatusBar {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let mut canvas = Canvas::of(&frame.pixels);
        let height = usize::from(self.height.get()).min(canvas.height);
        for y in 0..height {
            for x in 0..canvas.width {
                canvas.mix(x as i64, y as i64, self.colour.rgb(), 1.0);
            }
        }
        let (line, ink) = (height as f32 * 0.5, self.ink.rgb());
        draw(&mut canvas, "9:41", line, (line, line * 0.5), ink, 1.0)?;
        let (right, top) = (canvas.width as i64 - line as i64, (line * 0.6) as i64);
        for y in 0..(line * 0.8) as i64 {
            for x in 0..(line * 1.6) as i64 {
                canvas.mix(right - x, top + y, ink, 0.9);
            }
        }
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
