//! Where the original lies in an image whose mark was read: the grid says it, but for whole tiles.

use image::metadata::Orientation;

use super::align::Alignment;
use super::layout::TILE;
use crate::pixels::affine::{Affine, Placement};
use crate::pixels::canonical::canonical_size;

/// Smallest share of the smaller of the two images that lies in the other one.
const OVERLAP: f64 = 0.6;

/// How an image lies on the grid of a mark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    alignment: Alignment,
    /// Canonical size of what was laid on the grid, pixels.
    size: (f64, f64),
    /// Where that lies in the received image: it may have had borders.
    inner: Affine,
}

impl Geometry {
    /// Of what was laid on the grid, which is the rectangle `inner` of the received image.
    pub(super) fn new(alignment: Alignment, size: (usize, usize), inner: Affine) -> Self {
        Self {
            alignment,
            size: (size.0 as f64, size.1 as f64),
            inner,
        }
    }

    /// An image that is the part `scale` of the long side of the original, without a turn, with the tile's corner at
    /// `shift`, 0 to 128 canonical pixels of the original. For measuring what chance does.
    pub fn upright(received: (u32, u32), scale: f64, mirrored: bool, shift: (f64, f64)) -> Self {
        let alignment = Alignment {
            scale,
            angle: 0.0,
            mirrored,
            shift,
        };
        let size = canonical_size((received.0 as usize, received.1 as usize));
        Self::new(alignment, size, Affine::IDENTITY)
    }

    /// Everywhere that an original of this displayed size may lie in the received image: a tile looks like every other.
    pub fn placements(&self, original: (u32, u32)) -> Vec<Placement> {
        let whole = canonical_size((original.0 as usize, original.1 as usize));
        let (width, height) = (whole.0 as f64, whole.1 as f64);
        let Alignment {
            scale,
            angle,
            mirrored,
            shift,
        } = self.alignment;
        let (sin, cos) = angle.to_radians().sin_cos();
        let (w, h) = (scale * self.size.0, scale * self.size.1);
        // From the inner part to the grid, canonical pixels of the original from a tile's corner.
        let (along, offset) = if mirrored {
            (-1.0, TILE as f64 + shift.0)
        } else {
            (1.0, -shift.0)
        };
        let grid = Affine {
            rows: [
                [along * cos * w, -along * sin * h, offset],
                [sin * w, cos * h, -shift.1],
            ],
        };
        let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
        let corners = corners.map(|(x, y)| grid.apply(x, y));
        let across = starts(corners.map(|(x, _)| x), width);
        let down = starts(corners.map(|(_, y)| y), height);
        let mut placements = Vec::new();
        for &y in &down {
            for &x in &across {
                let covered = covered(corners, (x, y), (width, height));
                if covered < OVERLAP * (width * height).min(w * h) {
                    continue;
                }
                let [first, second] = grid.rows;
                let onto = |[a, b, c]: [f64; 3], moved: f64, side: f64| {
                    [a / side, b / side, (c + moved) / side]
                };
                let into = Affine {
                    rows: [onto(first, x, width), onto(second, y, height)],
                };
                placements.extend(into.inverse().map(|map| self.placed(&map)));
            }
        }
        placements
    }

    /// The map into the received image, turned where the mark is mirrored.
    fn placed(&self, map: &Affine) -> Placement {
        let map = self.inner.after(map);
        if !self.alignment.mirrored {
            return Placement {
                symmetry: Orientation::NoTransforms,
                map,
            };
        }
        let flip = Affine {
            rows: [[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]],
        };
        Placement {
            symmetry: Orientation::FlipHorizontal,
            map: flip.after(&map),
        }
    }
}

/// By how many pixels, whole tiles, an image with corners there can be moved so that it meets an original of this side.
fn starts(corners: [f64; 4], side: f64) -> Vec<f64> {
    let low = corners.into_iter().fold(f64::INFINITY, f64::min);
    let high = corners.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let tile = TILE as f64;
    let first = (-high / tile).ceil() as i64;
    let last = ((side - low) / tile).floor() as i64;
    (first..=last).map(|k| k as f64 * tile).collect()
}

/// Pixels of the original under the box around the corners, moved by that.
fn covered(corners: [(f64, f64); 4], moved: (f64, f64), size: (f64, f64)) -> f64 {
    let along = |values: [f64; 4], moved: f64, side: f64| {
        let low = values.into_iter().fold(f64::INFINITY, f64::min) + moved;
        let high = values.into_iter().fold(f64::NEG_INFINITY, f64::max) + moved;
        (high.min(side) - low.max(0.0)).max(0.0)
    };
    along(corners.map(|(x, _)| x), moved.0, size.0)
        * along(corners.map(|(_, y)| y), moved.1, size.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Among the placements of a crop of an original of 1600 by 1200 is the one that was cut.
    fn is_found(crop: (u32, u32, u32, u32), mirrored: bool) -> bool {
        let original = (1600, 1200);
        let (left, top, width, height) = crop;
        let whole = canonical_size((1600, 1200));
        let per_pixel = whole.0 as f64 / 1600.0;
        let own = canonical_size((width as usize, height as usize));
        let scale = f64::from(width) * per_pixel / own.0 as f64;
        let (x, y) = (f64::from(left) * per_pixel, f64::from(top) * per_pixel);
        let shift = if mirrored {
            // The right edge of the crop is at the left of what is received.
            x + f64::from(width) * per_pixel - TILE as f64
        } else {
            -x
        };
        let geometry = Geometry::upright((width, height), scale, mirrored, (shift, -y));
        let (w, h) = (f64::from(width), f64::from(height));
        let expected = Affine::onto(
            -f64::from(left) / w,
            -f64::from(top) / h,
            1600.0 / w,
            1200.0 / h,
        );
        let symmetry = if mirrored {
            Orientation::FlipHorizontal
        } else {
            Orientation::NoTransforms
        };
        let places = geometry.placements(original);
        assert!(places.len() < 80, "{} places", places.len());
        places.iter().any(|place| {
            let pairs = place.map.rows.as_flattened().iter();
            let pairs = pairs.zip(expected.rows.as_flattened());
            place.symmetry == symmetry && pairs.into_iter().all(|(a, b)| (a - b).abs() < 0.01)
        })
    }

    #[test]
    fn the_place_of_a_crop_is_among_those_of_its_grid() {
        for mirrored in [false, true] {
            assert!(is_found((160, 120, 1280, 960), mirrored));
            assert!(is_found((0, 0, 1600, 1200), mirrored));
            assert!(is_found((301, 77, 1000, 1000), mirrored));
        }
    }

    #[test]
    fn an_image_beside_the_original_has_few_places() {
        let geometry = Geometry::upright((1000, 1000), 1.4, false, (3.0, 90.0));
        assert!(geometry.placements((100, 4000)).len() < 200);
        assert!(geometry.placements((1, 1)).len() < 200);
    }
}
