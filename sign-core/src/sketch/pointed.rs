//! Comparing at a place that points name.

use super::compare::{Bars, Comparison, Path, comparison, is_near};
use super::received::{Received, STEPS_PER_OCTAVE};
use super::refine::STEPS;
use super::registered::Registered;
use super::search::led;
use crate::pixels::affine::Placement;
use crate::pixels::plane::Plane;

impl Registered {
    /// At one place, which is made better as far as it goes: of the place as it is, after refining at half resolution, and after
    /// refining at full resolution, that which agrees best counts. `None` for a received image without any size.
    pub(crate) fn compare_pointed(
        &self,
        received: &Received,
        place: &Placement,
        bars: Bars,
    ) -> Option<Comparison> {
        let candidate = *led(self, received, std::slice::from_ref(place)).first()?;
        let turned = |plane: &Plane| plane.clone().displayed(candidate.symmetry);
        let start = candidate.map;
        let coarse = turned(received.coarse(candidate.level));
        let half = self.coarse.refined(&coarse, &start, STEPS.0);
        let half = if is_near(&half, &start) { half } else { start };
        let level = candidate.level.saturating_sub(STEPS_PER_OCTAVE);
        let full = self
            .fine
            .refined(&turned(received.fine(level)), &half, STEPS.1);
        let full = if is_near(&full, &half) { full } else { half };
        let plane = turned(&received.plane);
        let scored = [full, half, start].map(|map| (self.finely_scored(&plane, &map), map));
        // The first of equal ones.
        let best = scored.into_iter().reduce(|held, other| {
            if other.0.similarity().0 > held.0.similarity().0 {
                other
            } else {
                held
            }
        });
        best.map(|(agreement, map)| {
            let found = comparison(agreement, candidate.symmetry, map, (Path::Pointed, bars));
            self.shaded(received, found)
        })
    }
}
