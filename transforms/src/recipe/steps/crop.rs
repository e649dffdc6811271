//! Cutting edges away.

use std::sync::Arc;

use serde::Deserialize;

use super::resize::{Filter, resized};
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Margin, Share, Side};

/// `crop = { edges = [left, top, right, bottom] }` with shares of the width and height, `crop = { pixels = […] }` with
/// pixels in the same order, `crop = { area = 0.5 }` for the centred cut that keeps this share of the area and the
/// aspect ratio, `crop = { aspect = [4, 5] }` for the largest centred cut of that ratio, or
/// `crop = { between = [[4, 5], [191, 100]] }` for the same only where the picture is narrower or wider than both.
/// With `restore = "bilinear"` the rest is resampled to the size before.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WireCrop")]
pub struct Crop {
    rule: Rule,
    restore: Option<Filter>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// Shares cut from left, top, right and bottom.
    Edges([Share; 4]),
    /// Pixels cut from left, top, right and bottom.
    Pixels([Margin; 4]),
    /// The share of the area that is kept.
    Area(Share),
    /// Width to height.
    Aspect(Side, Side),
    /// The narrowest and the widest ratio.
    Between((Side, Side), (Side, Side)),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCrop {
    edges: Option<[Share; 4]>,
    pixels: Option<[Margin; 4]>,
    area: Option<Share>,
    aspect: Option<(Side, Side)>,
    between: Option<((Side, Side), (Side, Side))>,
    restore: Option<Filter>,
}

impl TryFrom<WireCrop> for Crop {
    type Error = String;

    fn try_from(wire: WireCrop) -> Result<Self, String> {
        if let Some(edges) = wire.edges {
            let [left, top, right, bottom] = edges.map(Share::get);
            if left + right >= 1.0 || top + bottom >= 1.0 {
                return Err(
                    "crop.edges leaves nothing: opposite shares must add up to less than 1"
                        .to_owned(),
                );
            }
        }
        if wire.area.is_some_and(|area| area.get() == 0.0) {
            return Err("crop.area leaves nothing".to_owned());
        }
        let rules = [
            wire.edges.map(Rule::Edges),
            wire.pixels.map(Rule::Pixels),
            wire.area.map(Rule::Area),
            wire.aspect
                .map(|(width, height)| Rule::Aspect(width, height)),
            wire.between
                .map(|(narrow, wide)| Rule::Between(narrow, wide)),
        ];
        let mut given = rules.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(rule), None) => Ok(Self {
                rule,
                restore: wire.restore,
            }),
            _ => {
                Err("crop takes exactly one of edges, pixels, area, aspect and between".to_owned())
            }
        }
    }
}

/// The largest centred window of the ratio `w` to `h`.
fn centred(width: u32, height: u32, (w, h): (Side, Side)) -> (u32, u32, u32, u32) {
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

impl Crop {
    /// Left, top, width and height in pixels that are kept of an image of `width` x `height` pixels.
    #[must_use]
    pub fn window(&self, width: u32, height: u32) -> (u32, u32, u32, u32) {
        let without = |left: u32, top: u32, right: u32, bottom: u32| {
            let kept_width = width.saturating_sub(left.saturating_add(right));
            (
                left,
                top,
                kept_width,
                height.saturating_sub(top.saturating_add(bottom)),
            )
        };
        match self.rule {
            Rule::Edges(edges) => {
                let [left, top, right, bottom] = edges.map(Share::get);
                let cut = |share: f64, length: u32| (share * f64::from(length)).round() as u32;
                without(
                    cut(left, width),
                    cut(top, height),
                    cut(right, width),
                    cut(bottom, height),
                )
            }
            Rule::Pixels(margins) => {
                let [left, top, right, bottom] = margins.map(|margin| u32::from(margin.get()));
                without(left, top, right, bottom)
            }
            Rule::Area(area) => {
                let edge = area.get().sqrt();
                let kept = |length: u32| ((f64::from(length) * edge).round() as u32).max(1);
                let (kept_width, kept_height) = (kept(width), kept(height));
                let (x, y) = ((width - kept_width) / 2, (height - kept_height) / 2);
                (x, y, kept_width, kept_height)
            }
            Rule::Aspect(w, h) => centred(width, height, (w, h)),
            Rule::Between(narrow, wide) => {
                let beyond = |(w, h): (Side, Side)| {
                    let picture = u64::from(width) * u64::from(h.get());
                    picture.cmp(&(u64::from(height) * u64::from(w.get())))
                };
                if beyond(narrow).is_lt() {
                    centred(width, height, narrow)
                } else if beyond(wide).is_gt() {
                    centred(width, height, wide)
                } else {
                    (0, 0, width, height)
                }
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
        let cut = frame.pixels.crop_imm(x, y, kept_width, kept_height);
        frame.pixels = Arc::new(match self.restore {
            Some(filter) => resized(&cut, width, height, filter).map_err(StepErrorKind::Engine)?,
            None => cut,
        });
        Ok(Flow::Continue)
    }
}
