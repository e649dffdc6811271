//! Turning.

use std::sync::Arc;

use serde::Deserialize;

use super::canvas::Canvas;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Colour, Degrees};

/// `rotate = { degrees = 90 }`: clockwise. Quarters (90, 180, 270) move pixels without resampling. Any other angle,
/// which needs `corners`, turns the picture about its centre within its own size, bilinearly: `corners = "fill"` shows
/// `fill` (black if absent) in the corners, `corners = "cover"` enlarges the picture until it covers them, as the
/// straightening tools of photo apps do.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WireRotate")]
pub struct Rotate {
    degrees: Degrees,
    corners: Option<Corners>,
    fill: Option<Colour>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Corners {
    Fill,
    Cover,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRotate {
    degrees: Degrees,
    corners: Option<Corners>,
    fill: Option<Colour>,
}

impl TryFrom<WireRotate> for Rotate {
    type Error = String;

    fn try_from(wire: WireRotate) -> Result<Self, String> {
        let degrees = wire.degrees.get();
        let quarter = [90.0, 180.0, 270.0].contains(&degrees);
        if wire.corners.is_none() && !quarter {
            return Err(format!(
                "{degrees} is not 90, 180 or 270 degrees: say what becomes of the `corners`"
            ));
        }
        Ok(Self {
            degrees: wire.degrees,
            corners: wire.corners,
            fill: wire.fill,
        })
    }
}

impl Apply for Rotate {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let degrees = self.degrees.get();
        let Some(corners) = self.corners else {
            frame.pixels = Arc::new(if degrees == 90.0 {
                frame.pixels.rotate90()
            } else if degrees == 180.0 {
                frame.pixels.rotate180()
            } else {
                frame.pixels.rotate270()
            });
            return Ok(Flow::Continue);
        };
        let canvas = Canvas::of(&frame.pixels);
        let (width, height) = (canvas.width as f64, canvas.height as f64);
        let (sin, cos) = degrees.to_radians().sin_cos();
        // The turned rectangle covers one of the same shape when scaled by this factor (its bounding box's largest
        // ratio to the original sides).
        let scale = match corners {
            Corners::Fill => 1.0,
            Corners::Cover => {
                let across = (width * cos.abs() + height * sin.abs()) / width;
                let down = (width * sin.abs() + height * cos.abs()) / height;
                across.max(down)
            }
        };
        let (cx, cy) = ((width - 1.0) / 2.0, (height - 1.0) / 2.0);
        let source = |x: f64, y: f64| {
            let (dx, dy) = ((x - cx) / scale, (y - cy) / scale);
            (cx + dx * cos + dy * sin, cy - dx * sin + dy * cos)
        };
        let fill = self.fill.map_or([0; 3], Colour::rgb);
        canvas.warped(fill, source).into_frame(frame)?;
        Ok(Flow::Continue)
    }
}
