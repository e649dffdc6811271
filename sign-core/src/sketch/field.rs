//! Luma with its local contrast taken out, so that brightness, contrast and gamma hardly show.

use crate::pixels::affine::Affine;
use crate::pixels::plane::{Plane, reflected};

/// Contrast, grey levels, below which a neighbourhood counts as flat.
const FLAT: f32 = 2.5;

/// Most samples along a pixel that is averaged over.
const MOST_PARTS: usize = 4;

/// Every sample less the mean of its neighbourhood. `radius` in pixels.
pub(super) fn detail(plane: &Plane, radius: usize) -> Plane {
    // Beyond the border the plane goes on as its point reflection, so that a slope has no detail there either.
    let (width, height) = (plane.width, plane.height);
    let beyond = |at: usize, length: usize| {
        let at = at as isize - radius as isize;
        let last = length as isize - 1;
        let inside = at.clamp(0, last);
        (inside as usize, reflected(at, length))
    };
    let padded = Plane::from_fn(width + 2 * radius, height + 2 * radius, |x, y| {
        let ((x, rx), (y, ry)) = (beyond(x, width), beyond(y, height));
        2.0 * plane.row(y)[x] - plane.row(ry)[rx]
    });
    let mean = padded
        .box_mean(radius)
        .cropped(radius, radius, width, height);
    plane.combined(&mean, |value, mean| value - mean)
}

/// Every sample less the mean of its neighbourhood, over the deviation there. `radius` in pixels.
pub(super) fn normalised(plane: &Plane, radius: usize) -> Plane {
    let detail = detail(plane, radius);
    let energy = detail.mapped(|v| v * v).box_mean(radius);
    detail.combined(&energy, |detail, energy| {
        detail / (energy + FLAT * FLAT).sqrt()
    })
}

/// What a plane shows under a map: samples of the received plane at the places of the registered one, and whether
/// each lies within the image.
pub(super) struct Warped {
    pub(super) plane: Plane,
    pub(super) seen: Vec<bool>,
}

/// Samples `received` bilinearly where `map`, in pixels, takes the `size` pixels of the registered plane.
pub(super) fn warped(received: &Plane, map: &Affine, size: (usize, usize)) -> Warped {
    let (width, height) = (received.width as f64, received.height as f64);
    let mut plane = Plane::new(size.0, size.1);
    let mut seen = vec![false; size.0 * size.1];
    let [[a, _, _], [d, _, _]] = map.rows;
    for y in 0..size.1 {
        let (x0, y0) = map.apply(0.0, y as f64);
        for x in 0..size.0 {
            let (u, v) = (x0 + a * x as f64, y0 + d * x as f64);
            // Up to the outer edge of the border pixels.
            if !(u > -0.55 && v > -0.55 && u < width - 0.45 && v < height - 0.45) {
                continue;
            }
            let (u, v) = (u.clamp(0.0, width - 1.0), v.clamp(0.0, height - 1.0));
            let (left, top) = (u as usize, v as usize);
            let (s, t) = ((u - left as f64) as f32, (v - top as f64) as f32);
            let right = (left + 1).min(received.width - 1);
            let bottom = (top + 1).min(received.height - 1);
            let (above, below) = (received.row(top), received.row(bottom));
            let upper = above[left] + s * (above[right] - above[left]);
            let lower = below[left] + s * (below[right] - below[left]);
            plane.data[y * size.0 + x] = upper + t * (lower - upper);
            seen[y * size.0 + x] = true;
        }
    }
    Warped { plane, seen }
}

/// The same with the mean over each pixel's area instead of one sample of it. `map` as in [`Affine::apply`], and
/// `scale` the received pixels along a pixel of the result.
pub(super) fn averaged(received: &Plane, map: &Affine, size: (usize, usize), scale: f64) -> Warped {
    let parts = (scale.ceil() as usize).clamp(1, MOST_PARTS);
    let fine_size = (size.0 * parts, size.1 * parts);
    let map = map.in_pixels(fine_size, (received.width, received.height));
    let fine = warped(received, &map, fine_size);
    let mut plane = Plane::new(size.0, size.1);
    let mut seen = vec![true; size.0 * size.1];
    let share = 1.0 / (parts * parts) as f32;
    for y in 0..fine_size.1 {
        let (from, to) = (y * fine_size.0, y / parts * size.0);
        for x in 0..fine_size.0 {
            plane.data[to + x / parts] += share * fine.plane.data[from + x];
            seen[to + x / parts] &= fine.seen[from + x];
        }
    }
    Warped { plane, seen }
}

/// Scalar product, in a fixed order.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Sums of squares over rectangles.
pub(super) struct Energy {
    width: usize,
    sums: Vec<f64>,
}

impl Energy {
    pub(super) fn of(plane: &Plane) -> Self {
        let width = plane.width + 1;
        let mut sums = vec![0.0; width * (plane.height + 1)];
        for y in 0..plane.height {
            let mut row = 0.0;
            for (x, value) in plane.row(y).iter().enumerate() {
                row += f64::from(value * value);
                sums[(y + 1) * width + x + 1] = sums[y * width + x + 1] + row;
            }
        }
        Self { width, sums }
    }

    /// Over columns `left..right` and rows `top..bottom`.
    pub(super) fn over(&self, left: usize, top: usize, right: usize, bottom: usize) -> f64 {
        let at = |x: usize, y: usize| self.sums[y * self.width + x];
        at(right, bottom) - at(left, bottom) - at(right, top) + at(left, top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(width: usize, height: usize) -> Plane {
        Plane::from_fn(width, height, |x, y| {
            ((x * 7919 + y * 104_729 + x * y * 31) % 251) as f32
        })
    }

    #[test]
    fn brightness_and_contrast_do_not_show() {
        let plane = noise(40, 30);
        let other = plane.mapped(|v| 0.6 * v + 40.0);
        let (a, b) = (normalised(&plane, 3), normalised(&other, 3));
        for (a, b) in a.data.iter().zip(&b.data) {
            assert!((a - b).abs() < 0.02, "{a} {b}");
        }
        assert!(
            normalised(&plane.mapped(|_| 9.0), 3)
                .data
                .iter()
                .all(|v| v.abs() < 1e-3)
        );
    }

    #[test]
    fn sums_over_rectangles_are_sums_of_squares() {
        let plane = noise(13, 9);
        let energy = Energy::of(&plane);
        let slow: f32 = (2..7)
            .flat_map(|y| plane.row(y)[3..11].iter().map(|v| v * v))
            .sum();
        assert!((energy.over(3, 2, 11, 7) - f64::from(slow)).abs() < 1.0);
    }

    #[test]
    fn a_shift_moves_and_the_outside_is_unseen() {
        let plane = noise(20, 10);
        let map = Affine {
            rows: [[1.0, 0.0, 5.0], [0.0, 1.0, -2.0]],
        };
        let moved = warped(&plane, &map, (20, 10));
        for y in 0..10 {
            for x in 0..20 {
                let inside = x + 5 < 20 && y >= 2;
                assert_eq!(moved.seen[y * 20 + x], inside);
                if inside {
                    assert_eq!(moved.plane.row(y)[x], plane.row(y - 2)[x + 5]);
                }
            }
        }
    }

    #[test]
    fn an_average_takes_in_the_whole_area() {
        let plane = noise(40, 20);
        let halved = averaged(&plane, &Affine::IDENTITY, (20, 10), 2.0);
        assert!(halved.seen.iter().all(|seen| *seen));
        for y in 0..10 {
            for x in 0..20 {
                let (above, below) = (plane.row(2 * y), plane.row(2 * y + 1));
                let sum = above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1];
                let difference = halved.plane.row(y)[x] - sum / 4.0;
                assert!(difference.abs() < 0.01, "{x} {y}: {difference}");
            }
        }
    }

    #[test]
    fn the_scalar_product_takes_every_length() {
        for length in [0, 1, 7, 8, 9, 31] {
            let a: Vec<f32> = (0..length).map(|k| k as f32).collect();
            let expected: f32 = a.iter().map(|v| v * v).sum();
            assert_eq!(dot(&a, &a), expected);
        }
    }
}
