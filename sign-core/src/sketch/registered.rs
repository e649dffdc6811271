//! A sketch made ready for comparisons.

use super::Sketch;
use super::codec::{decoded, means};
use super::field::{Energy, detail, normalised};
use super::received::{COARSE_RADIUS, FINE_RADIUS, SQUARE};
use super::refine::Template;
use crate::pixels::canonical::resized;
use crate::pixels::plane::Plane;

/// A registered sketch, decoded and normalised. Make it once where one sketch is compared with many images.
pub struct Registered {
    /// Detail of the sketch.
    pub(super) detail: Plane,
    pub(super) fine: Template,
    /// Half the resolution, square pixels.
    pub(super) coarse: Template,
    pub(super) energy: Energy,
    /// The whole as a square, for telling orientations apart.
    pub(super) square: Plane,
    /// The means of its cells.
    pub(super) means: Plane,
    /// The coded sketch, whose shades are looked at where there is nothing else.
    pub(super) coded: Vec<u8>,
}

impl Registered {
    /// Decodes a sketch. `size` is that of the registered image as displayed, pixels.
    pub fn new(sketch: &Sketch, size: (u32, u32)) -> Self {
        // A `Sketch` holds valid bytes by construction.
        let samples = decoded(&sketch.0).unwrap_or_else(|| Plane::new(8, 8));
        let area = (samples.width * samples.height) as f64 / 4.0;
        let aspect = f64::from(size.0.max(1)) / f64::from(size.1.max(1));
        // Within the extremes that a sketch can have.
        let aspect = aspect.clamp(1.0 / 45.0, 45.0);
        let coarse_size = (
            ((area * aspect).sqrt().round() as usize).max(4),
            ((area / aspect).sqrt().round() as usize).max(4),
        );
        let coarse = normalised(&resized(&samples, coarse_size), COARSE_RADIUS);
        Self {
            means: means(&sketch.0).unwrap_or_else(|| Plane::new(1, 1)),
            coded: sketch.0.clone(),
            fine: Template::new(normalised(&samples, FINE_RADIUS)),
            energy: Energy::of(&coarse),
            coarse: Template::new(coarse),
            square: normalised(&resized(&samples, (SQUARE, SQUARE)), COARSE_RADIUS),
            detail: detail(&samples, FINE_RADIUS),
        }
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registered")
    }
}
