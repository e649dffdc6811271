//! Cutting edges away.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::step::{Apply, Flow, Work};
use crate::value::{Share, Side};

/// `crop = { edges = [left, top, right, bottom] }` with shares of the width and height, or
/// `crop = { aspect = [4, 5] }` for the largest centred cut of that ratio.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WireCrop")]
pub enum Crop {
    /// Shares cut from left, top, right and bottom.
    Edges([Share; 4]),
    /// Width to height.
    Aspect(Side, Side),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCrop {
    edges: Option<[Share; 4]>,
    aspect: Option<(Side, Side)>,
}

impl TryFrom<WireCrop> for Crop {
    type Error = String;

    fn try_from(wire: WireCrop) -> Result<Self, String> {
        match (wire.edges, wire.aspect) {
            (Some(edges), None) => {
                let [left, top, right, bottom] = edges.map(Share::get);
                if left + right >= 1.0 || top + bottom >= 1.0 {
                    return Err(
                        "crop.edges leaves nothing: opposite shares must add up to less than 1"
                            .to_owned(),
                    );
                }
                Ok(Self::Edges(edges))
            }
            (None, Some((width, height))) => Ok(Self::Aspect(width, height)),
            _ => Err("crop takes exactly one of edges and aspect".to_owned()),
        }
    }
}

impl Crop {
    /// Left, top, width and height in pixels that are kept of an image of `width` x `height` pixels.
    #[must_use]
    pub fn window(&self, width: u32, height: u32) -> (u32, u32, u32, u32) {
        match self {
            Self::Edges(edges) => {
                let [left, top, right, bottom] = edges.map(Share::get);
                let cut = |share: f64, length: u32| (share * f64::from(length)).round() as u32;
                let (x, y) = (cut(left, width), cut(top, height));
                let kept_width = width.saturating_sub(x + cut(right, width));
                (
                    x,
                    y,
                    kept_width,
                    height.saturating_sub(y + cut(bottom, height)),
                )
            }
            Self::Aspect(w, h) => {
                let (w, h) = (u64::from(w.get()), u64::from(h.get()));
                let (width64, height64) = (u64::from(width), u64::from(height));
                let (kept_width, kept_height) = if width64 * h > height64 * w {
                    ((height64 * w / h).max(1), height64)
                } else {
                    (width64, (width64 * h / w).max(1))
                };
                let (kept_width, kept_height) = (kept_width as u32, kept_height as u32);
                (
                    (width - kept_width) / 2,
                    (height - kept_height) / 2,
                    kept_width,
                    kept_height,
                )
            }
        }
    }
}

impl Apply for Crop {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let frame = work.frame_mut()?;
        let (width, height) = (frame.pixels.width(), frame.pixels.height());
        let (x, y, kept_width, kept_height) = self.window(width, height);
        if kept_width == 0 || kept_height == 0 {
            return Err(StepErrorKind::NothingLeft { width, height });
        }
        frame.pixels = Arc::new(frame.pixels.crop_imm(x, y, kept_width, kept_height));
        Ok(Flow::Continue)
    }
}
