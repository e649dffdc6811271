//! Things laid over a picture.

use serde::Deserialize;

use super::canvas::Canvas;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Colour, Share};

/// `overlay = { shape = "face", size = 0.15, x = 0.4, y = 0.8, colour = [255, 204, 77], opacity = 1.0 }`.
///
/// `face` is a disc with eyes and a mouth, `size` of the height high and centred at the shares `x` and `y`. `block` is
/// a rectangle with the picture's aspect ratio that covers `size` of its area, centred there too and moved inside.
/// `stripes` are vertical bars over the whole picture that cover `size` of it, ten to the width.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    shape: Shape,
    size: Share,
    x: Share,
    y: Share,
    colour: Colour,
    opacity: Share,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Face,
    Block,
    Stripes,
}

/// What a face shows at a position whose distance from its centre is counted in radii: nothing, skin or a feature.
fn face(x: f64, y: f64) -> Option<bool> {
    let distance = x.hypot(y);
    // A face without a size has no distances either.
    if distance.is_nan() || distance > 1.0 {
        return None;
    }
    let eye = (x.abs() - 0.35).hypot((y + 0.25) * 0.7) < 0.13;
    let mouth = y > 0.25 && (0.5..0.68).contains(&distance);
    Some(eye || mouth)
}

impl Apply for Overlay {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let mut canvas = Canvas::of(&frame.pixels);
        let (width, height) = (canvas.width as f64, canvas.height as f64);
        let (cx, cy) = (self.x.get() * width, self.y.get() * height);
        let edge = self.size.get().sqrt();
        let radius = self.size.get() * height / 2.0;
        let left = (cx - edge * width / 2.0).clamp(0.0, width - edge * width);
        let top = (cy - edge * height / 2.0).clamp(0.0, height - edge * height);
        let colour = self.colour.rgb();
        for y in 0..canvas.height {
            for x in 0..canvas.width {
                let (px, py) = (x as f64 + 0.5, y as f64 + 0.5);
                let drawn = match self.shape {
                    Shape::Face => face((px - cx) / radius, (py - cy) / radius)
                        .map(|feature| if feature { [70, 50, 20] } else { colour }),
                    Shape::Block => {
                        let inside = (left..left + edge * width).contains(&px)
                            && (top..top + edge * height).contains(&py);
                        inside.then_some(colour)
                    }
                    Shape::Stripes => {
                        let phase = (px / width * 10.0).fract();
                        (phase < self.size.get()).then_some(colour)
                    }
                };
                if let Some(colour) = drawn {
                    canvas.mix(x as i64, y as i64, colour, self.opacity.get());
                }
            }
        }
        canvas.into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
