//! What is known of where a registered picture lies in a received one, and what follows for their comparison.

use serde::Serialize;

use super::compare::{Bars, Likeness};
use super::received::Received;
use super::registered::Registered;
use crate::pixels::affine::Placement;
use image::metadata::Orientation;

/// What something else than the pixels says of where the registered picture lies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Whereabouts {
    /// Nothing.
    Unknown,
    /// At one of a few places: the grid of a mark says so, but for whole tiles.
    Led(Vec<Placement>),
    /// At one place: points say so, which know nothing of the sketch.
    Pointed(Placement),
}

/// Which part of a received picture is a registered one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Share of the received picture that the registered one fills, thousandths.
    pub fills: u16,
    /// Share of the registered picture that is there, thousandths.
    pub seen: u16,
    /// Where the registered picture's corners lie in the received one, as displayed: first, along the top, then along the bottom.
    /// From left and top, thousandths of the received width and height; those outside were cropped.
    pub corners: [[i32; 2]; 4],
}

impl Registered {
    /// What is said of a received image, at a place that points name with what bars cost there. `anywhere` is what [`Registered::compare`] says, which is dear: it is asked only where it can
    /// matter.
    pub(crate) fn likeness(
        &self,
        received: &Received,
        whereabouts: &Whereabouts,
        bars: Bars,
        anywhere: &mut dyn FnMut() -> Likeness,
    ) -> Likeness {
        let is_found = |likeness| matches!(likeness, Likeness::Same | Likeness::Altered);
        match whereabouts {
            Whereabouts::Unknown => anywhere(),
            Whereabouts::Led(places) => {
                let found = anywhere();
                if !matches!(found, Likeness::Different | Likeness::Featureless) {
                    return found;
                }
                let led = self.compare_at(received, places);
                let led = led.map(|led| led.verdict);
                led.filter(|led| is_found(*led)).unwrap_or(found)
            }
            Whereabouts::Pointed(place) => {
                let pointed = self.compare_pointed(received, place, bars);
                let pointed = pointed.map_or(Likeness::Different, |pointed| pointed.verdict);
                if pointed == Likeness::Same {
                    return pointed;
                }
                match anywhere() {
                    Likeness::Different | Likeness::Featureless if is_found(pointed) => pointed,
                    found => found,
                }
            }
        }
    }
}

impl Part {
    /// The part at a place.
    pub(crate) fn at(place: &Placement) -> Self {
        let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        let turned = corners.map(|(x, y)| place.map.apply(x, y));
        let whole = area(&turned);
        let inside = area(&clipped(turned.to_vec()));
        let thousandths = |share: f64| (1000.0 * share).clamp(0.0, 1000.0).round() as u16;
        let [a, b, c, d] = turned.map(|corner| {
            let (x, y) = unturned(corner, place.symmetry);
            [x, y].map(|at| (1000.0 * at).clamp(-1e6, 1e6).round() as i32)
        });
        Self {
            fills: thousandths(inside),
            seen: thousandths(inside / whole.max(f64::MIN_POSITIVE)),
            corners: [a, b, d, c],
        }
    }
}

/// Where a point of the turned picture lies in the picture as displayed.
fn unturned((x, y): (f64, f64), symmetry: Orientation) -> (f64, f64) {
    match symmetry {
        Orientation::NoTransforms => (x, y),
        Orientation::FlipHorizontal => (1.0 - x, y),
        Orientation::FlipVertical => (x, 1.0 - y),
        Orientation::Rotate180 => (1.0 - x, 1.0 - y),
        Orientation::Rotate90 => (y, 1.0 - x),
        Orientation::Rotate270 => (1.0 - y, x),
        Orientation::Rotate90FlipH => (y, x),
        Orientation::Rotate270FlipH => (1.0 - y, 1.0 - x),
    }
}

fn area(corners: &[(f64, f64)]) -> f64 {
    let next = corners.iter().cycle().skip(1);
    let sum: f64 = corners
        .iter()
        .zip(next)
        .map(|(a, b)| a.0 * b.1 - b.0 * a.1)
        .sum();
    sum.abs() / 2.0
}

/// What of a convex polygon lies in the unit square: cut along its four lines, one after the other.
fn clipped(mut corners: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    // How far inside of each line a point is.
    let lines: [fn((f64, f64)) -> f64; 4] = [|p| p.0, |p| 1.0 - p.0, |p| p.1, |p| 1.0 - p.1];
    for inside in lines {
        let before = std::mem::take(&mut corners);
        let next = before.iter().cycle().skip(1);
        for (&a, &b) in before.iter().zip(next) {
            let (at_a, at_b) = (inside(a), inside(b));
            if at_a >= 0.0 {
                corners.push(a);
            }
            if (at_a >= 0.0) != (at_b >= 0.0) {
                let share = at_a / (at_a - at_b);
                corners.push((a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1)));
            }
        }
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::affine::Affine;

    #[test]
    fn a_part_is_told_by_its_corners_and_shares() {
        // Half the width to the right of the middle, whole height: the right half of it is outside.
        let place = Placement {
            symmetry: Orientation::NoTransforms,
            map: Affine::onto(0.75, 0.0, 0.5, 1.0),
        };
        let part = Part::at(&place);
        assert_eq!((part.fills, part.seen), (250, 500));
        assert_eq!(
            part.corners,
            [[750, 0], [1250, 0], [750, 1000], [1250, 1000]]
        );
        let mirrored = Part::at(&Placement {
            symmetry: Orientation::FlipHorizontal,
            ..place
        });
        assert_eq!(mirrored.corners[0], [250, 0]);
        assert_eq!((mirrored.fills, mirrored.seen), (250, 500));
        let nowhere = Part::at(&Placement {
            map: Affine::onto(3.0, 3.0, 1.0, 1.0),
            ..place
        });
        assert_eq!((nowhere.fills, nowhere.seen), (0, 0));
    }
}
