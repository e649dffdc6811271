//! Where a point of the registered image lies in the received one.

use image::metadata::Orientation;

/// Where a registered image may lie in a received one, as far as something else than the picture says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// How the received image has to be turned to lie like the registered one.
    pub symmetry: Orientation,
    /// Where the registered image lies in the received one, once that is turned.
    pub map: Affine,
}

/// An affine map. Both images are displayed and have the corners (0, 0) and (1, 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// x' = a·x + b·y + c, y' = d·x + e·y + f, row by row.
    pub rows: [[f64; 3]; 2],
}

impl Affine {
    /// Edge to edge.
    pub(crate) const IDENTITY: Self = Self {
        rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    };

    /// The map onto a rectangle.
    pub(crate) fn onto(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self {
            rows: [[width, 0.0, left], [0.0, height, top]],
        }
    }

    /// Where a point goes.
    pub(crate) fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let [[a, b, c], [d, e, f]] = self.rows;
        (a * x + b * y + c, d * x + e * y + f)
    }

    /// By how much lengths grow, in the geometric mean of all directions.
    pub(crate) fn scale(&self) -> f64 {
        let [[a, b, _], [d, e, _]] = self.rows;
        (a * e - b * d).abs().sqrt()
    }

    /// First `inner`, then this.
    pub(crate) fn after(&self, inner: &Self) -> Self {
        let [[a, b, c], [d, e, f]] = self.rows;
        let [[p, q, r], [s, t, u]] = inner.rows;
        Self {
            rows: [
                [a * p + b * s, a * q + b * t, a * r + b * u + c],
                [d * p + e * s, d * q + e * t, d * r + e * u + f],
            ],
        }
    }

    /// The way back; `None` where all points fall on a line.
    pub(crate) fn inverse(&self) -> Option<Self> {
        let [[a, b, c], [d, e, f]] = self.rows;
        let determinant = a * e - b * d;
        if determinant.abs() < 1e-9 {
            return None;
        }
        let [[p, q], [s, t]] = [
            [e / determinant, -b / determinant],
            [-d / determinant, a / determinant],
        ];
        Some(Self {
            rows: [[p, q, -(p * c + q * f)], [s, t, -(s * c + t * f)]],
        })
    }

    /// The same map between pixels: from a plane of `registered` pixels to one of `received` pixels, with the centre of
    /// pixel k at k.
    pub(crate) fn in_pixels(&self, registered: (usize, usize), received: (usize, usize)) -> Self {
        let to = |size: (usize, usize)| Self {
            rows: [[size.0 as f64, 0.0, -0.5], [0.0, size.1 as f64, -0.5]],
        };
        let from = Self {
            rows: [
                [1.0 / registered.0 as f64, 0.0, 0.5 / registered.0 as f64],
                [0.0, 1.0 / registered.1 as f64, 0.5 / registered.1 as f64],
            ],
        };
        to(received).after(self).after(&from)
    }

    /// Undoes [`Affine::in_pixels`].
    pub(crate) fn without_pixels(
        &self,
        registered: (usize, usize),
        received: (usize, usize),
    ) -> Self {
        let to = Self {
            rows: [
                [1.0 / received.0 as f64, 0.0, 0.5 / received.0 as f64],
                [0.0, 1.0 / received.1 as f64, 0.5 / received.1 as f64],
            ],
        };
        let from = Self {
            rows: [
                [registered.0 as f64, 0.0, -0.5],
                [0.0, registered.1 as f64, -0.5],
            ],
        };
        to.after(self).after(&from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_invert_and_change_units_and_back() {
        let map = Affine {
            rows: [[0.9, 0.05, 0.1], [-0.02, 1.2, -0.3]],
        };
        let close = |a: &Affine, b: &Affine| {
            let pairs = a.rows.as_flattened().iter().zip(b.rows.as_flattened());
            assert!(
                pairs.clone().all(|(a, b)| (a - b).abs() < 1e-9),
                "{a:?} {b:?}"
            );
        };
        close(&map.after(&map.inverse().unwrap()), &Affine::IDENTITY);
        let (registered, received) = ((64, 40), (128, 97));
        close(
            &map.in_pixels(registered, received)
                .without_pixels(registered, received),
            &map,
        );
        // The centre of the first of two pixels is a quarter of the way.
        let (x, y) = Affine::IDENTITY.in_pixels((2, 2), (8, 4)).apply(0.0, 0.0);
        assert_eq!((x, y), (1.5, 0.5));
        assert!(Affine::onto(0.0, 0.0, 0.0, 1.0).inverse().is_none());
    }
}
