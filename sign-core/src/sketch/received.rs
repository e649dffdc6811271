//! A received image, reduced once, at the sizes that a comparison asks for.

use std::sync::OnceLock;

use image::DynamicImage;
use image::metadata::Orientation;

use super::field::normalised;
use super::reduce::{LONG_SIDE, reduced};
use crate::pixels::canonical::resized;
use crate::pixels::plane::Plane;

/// Radii of the neighbourhoods of [`normalised`], pixels: at the size of the sketch and at half of it.
pub(super) const FINE_RADIUS: usize = 4;
pub(super) const COARSE_RADIUS: usize = 3;

/// Sizes to an octave: neighbours differ by 8 %.
pub(super) const STEPS_PER_OCTAVE: usize = 9;

/// Shortest long side of a size, pixels: a quarter of the area at half the resolution of a sketch has 16.
const SHORTEST: f64 = 10.0;

/// Side of the square on which the eight orientations are told apart, pixels.
pub(super) const SQUARE: usize = 32;

/// What is compared of a received image. Made of at most 128 pixels along the longer side; larger than a sketch,
/// because a part of it must be comparable too.
pub struct Received {
    pub(super) plane: Plane,
    levels: Vec<Level>,
}

/// The received image at one size.
pub(super) struct Level {
    size: (usize, usize),
    plane: OnceLock<Plane>,
    coarse: OnceLock<Plane>,
    fine: OnceLock<Plane>,
}

impl Received {
    /// Reduces coded pixels that are displayed under `orientation`. An image without pixels compares as one white
    /// pixel, which matches nothing.
    pub fn of(image: &DynamicImage, orientation: Orientation) -> Self {
        let plane = reduced(image).unwrap_or_else(|| Plane::from_fn(1, 1, |_, _| 255.0));
        Self::new(plane.displayed(orientation))
    }

    fn new(plane: Plane) -> Self {
        let long = plane.width.max(plane.height) as f64;
        let levels = (0..)
            .map(|k| LONG_SIDE as f64 * (-(k as f64) / STEPS_PER_OCTAVE as f64).exp2())
            .take_while(|side| *side >= SHORTEST)
            .map(|side| {
                let scaled =
                    |pixels: usize| ((pixels as f64 * side / long).round() as usize).max(1);
                Level {
                    size: (scaled(plane.width), scaled(plane.height)),
                    plane: OnceLock::new(),
                    coarse: OnceLock::new(),
                    fine: OnceLock::new(),
                }
            })
            .collect();
        Self { plane, levels }
    }

    /// Number of sizes, the largest first.
    pub(super) fn levels(&self) -> usize {
        self.levels.len()
    }

    /// Width and height of a level, pixels.
    pub(super) fn size(&self, level: usize) -> (usize, usize) {
        self.levels[level].size
    }

    /// The image at this size.
    fn plane(&self, level: usize) -> &Plane {
        let level = &self.levels[level];
        level.plane.get_or_init(|| resized(&self.plane, level.size))
    }

    /// The image at this size, normalised for half the resolution of a sketch.
    pub(super) fn coarse(&self, level: usize) -> &Plane {
        let coarse = &self.levels[level].coarse;
        coarse.get_or_init(|| normalised(self.plane(level), COARSE_RADIUS))
    }

    /// The same, normalised for the resolution of a sketch.
    pub(super) fn fine(&self, level: usize) -> &Plane {
        let fine = &self.levels[level].fine;
        fine.get_or_init(|| normalised(self.plane(level), FINE_RADIUS))
    }

    /// The rectangle (left, top, width, height) within uniform borders, pixels, if there are borders.
    pub(super) fn trimmed(&self) -> Option<(usize, usize, usize, usize)> {
        let plane = &self.plane;
        let turned = plane.clone().displayed(Orientation::Rotate90FlipH);
        let (top, bottom) = border(plane);
        let (left, right) = border(&turned);
        let width = plane.width.checked_sub(left + right)?;
        let height = plane.height.checked_sub(top + bottom)?;
        let found = left + right + top + bottom > 0;
        (found && width >= 8 && height >= 8).then_some((left, top, width, height))
    }
}

/// Rows of one grey level at the top and at the bottom, with the blended row beside them.
fn border(plane: &Plane) -> (usize, usize) {
    /// Difference, grey levels, that compression leaves in a uniform border.
    const TOLERANCE: f32 = 6.0;
    let uniform = |y: usize, level: f32| {
        plane
            .row(y)
            .iter()
            .all(|value| (value - level).abs() <= TOLERANCE)
    };
    let count = |rows: &mut dyn Iterator<Item = usize>| {
        let mut rows = rows.peekable();
        let level = rows.peek().map_or(0.0, |&y| {
            plane.row(y).iter().sum::<f32>() / plane.width as f32
        });
        let found = rows.take_while(|&y| uniform(y, level)).count();
        if found > 0 { found + 1 } else { 0 }
    };
    (
        count(&mut (0..plane.height)),
        count(&mut (0..plane.height).rev()),
    )
}
