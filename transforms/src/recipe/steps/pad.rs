//! Putting the picture on a canvas: letterboxes, screenshots, caption bars.

use std::sync::Arc;

use image::{DynamicImage, Rgba, RgbaImage, imageops};
use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Colour, Margin, Share, Side};

/// The longest side that a padded picture may have, in pixels: what every format but WebP holds.
const MAX_SIDE: u32 = 65_535;

/// `pad = { canvas = [1080, 2340], colour = [0, 0, 0] }`: the picture, centred, on a canvas of that many pixels; a
/// canvas smaller than the picture grows to it. Or `edges = [left, top, right, bottom]` in shares of the picture's
/// width and height, `pixels = […]` in pixels, or `square = true`. Alpha is composited over the colour.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WirePad")]
pub struct Pad {
    rule: Rule,
    colour: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Canvas(Side, Side),
    Edges([Share; 4]),
    Pixels([Margin; 4]),
    Square,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePad {
    canvas: Option<(Side, Side)>,
    edges: Option<[Share; 4]>,
    pixels: Option<[Margin; 4]>,
    square: Option<bool>,
    colour: Colour,
}

impl TryFrom<WirePad> for Pad {
    type Error = String;

    fn try_from(wire: WirePad) -> Result<Self, String> {
        let rules = [
            wire.canvas
                .map(|(width, height)| Rule::Canvas(width, height)),
            wire.edges.map(Rule::Edges),
            wire.pixels.map(Rule::Pixels),
            wire.square.filter(|square| *square).map(|_| Rule::Square),
        ];
        let mut given = rules.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(rule), None) => Ok(Self {
                rule,
                colour: wire.colour,
            }),
            _ => Err("pad takes exactly one of canvas, edges, pixels and square = true".to_owned()),
        }
    }
}

impl Pad {
    /// The canvas's width and height, and where the picture's upper left corner comes to lie.
    fn layout(&self, width: u32, height: u32) -> (u32, u32, u32, u32) {
        let centred = |canvas_width: u32, canvas_height: u32| {
            let (x, y) = ((canvas_width - width) / 2, (canvas_height - height) / 2);
            (canvas_width, canvas_height, x, y)
        };
        let around = |left: u32, top: u32, right: u32, bottom: u32| {
            (width + left + right, height + top + bottom, left, top)
        };
        match self.rule {
            Rule::Canvas(w, h) => centred(width.max(w.get().into()), height.max(h.get().into())),
            Rule::Square => centred(width.max(height), width.max(height)),
            Rule::Pixels(margins) => {
                let [left, top, right, bottom] = margins.map(|margin| u32::from(margin.get()));
                around(left, top, right, bottom)
            }
            Rule::Edges(edges) => {
                let [left, top, right, bottom] = edges.map(Share::get);
                let part = |share: f64, length: u32| (share * f64::from(length)).round() as u32;
                around(
                    part(left, width),
                    part(top, height),
                    part(right, width),
                    part(bottom, height),
                )
            }
        }
    }
}

impl Apply for Pad {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let (width, height) = (frame.pixels.width(), frame.pixels.height());
        let (canvas_width, canvas_height, x, y) = self.layout(width, height);
        if canvas_width.max(canvas_height) > MAX_SIDE {
            return Err(StepErrorKind::Engine(format!(
                "pad: {canvas_width} x {canvas_height} pixels are more than a side of {MAX_SIDE}"
            )));
        }
        let [r, g, b] = self.colour.rgb();
        let mut canvas = RgbaImage::from_pixel(canvas_width, canvas_height, Rgba([r, g, b, 255]));
        let picture = frame.pixels.to_rgba8();
        if frame.pixels.color().has_alpha() {
            imageops::overlay(&mut canvas, &picture, x.into(), y.into());
        } else {
            imageops::replace(&mut canvas, &picture, x.into(), y.into());
        }
        frame.pixels = Arc::new(DynamicImage::ImageRgb8(
            DynamicImage::ImageRgba8(canvas).to_rgb8(),
        ));
        Ok(Flow::Continue)
    }
}
