//! The look of photo filters: a colour cast and darkened corners.

use serde::Deserialize;

use super::canvas::{Canvas, to_u8};
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Colour, Share};

/// `tint = { colour = [127, 187, 227], share = 0.2, vignette = 0.3 }`: `share` of the colour is mixed in, then
/// brightness falls towards the corners, where `vignette` of it is gone, with the square of the distance.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tint {
    colour: Colour,
    share: Share,
    vignette: Share,
}

impl Apply for Tint {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let mut canvas = Canvas::of(&frame.pixels);
        let (share, colour) = (self.share.get(), self.colour.rgb());
        let tables = colour.map(|colour| {
            let mixed = |value: usize| value as f64 * (1.0 - share) + f64::from(colour) * share;
            std::array::from_fn::<f64, 256, _>(mixed)
        });
        let (width, height) = (canvas.width, canvas.height);
        let (cx, cy) = (width as f64 / 2.0, height as f64 / 2.0);
        let corner = cx * cx + cy * cy;
        for (index, pixel) in canvas.samples.chunks_exact_mut(canvas.channels).enumerate() {
            let (dx, dy) = (
                (index % width) as f64 + 0.5 - cx,
                (index / width) as f64 + 0.5 - cy,
            );
            let light = 1.0 - self.vignette.get() * (dx * dx + dy * dy) / corner;
            for (sample, table) in pixel.iter_mut().zip(&tables) {
                *sample = to_u8(table[usize::from(*sample)] * light);
            }
        }
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
