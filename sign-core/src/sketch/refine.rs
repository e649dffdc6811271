//! From roughly aligned to aligned: the inverse compositional algorithm (Baker and Matthews, "Lucas-Kanade 20 Years
//! On", 2004) for affine maps, with weights that let covered parts count little.

use super::field::warped;
use crate::pixels::affine::Affine;
use crate::pixels::plane::Plane;

/// Difference of normalised samples at which a sample counts half.
const OUTLIER: f32 = 0.8;

/// Refinement steps at half and at full resolution.
pub(super) const STEPS: (usize, usize) = (8, 6);

/// Updates below this many pixels at the border end the refinement.
const SETTLED: f64 = 0.02;

/// A registered plane with what every step of a refinement needs.
pub(super) struct Template {
    pub(super) plane: Plane,
    /// Derivatives by the six parameters, sample by sample; positions count from the middle in half widths.
    steepest: Vec<[f32; 6]>,
}

impl Template {
    pub(super) fn new(plane: Plane) -> Self {
        let (width, height) = (plane.width, plane.height);
        let mut steepest = Vec::with_capacity(width * height);
        for y in 0..height {
            let v = (2 * y + 1) as f32 / height as f32 - 1.0;
            let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
            for x in 0..width {
                let u = (2 * x + 1) as f32 / width as f32 - 1.0;
                let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
                let dx = (plane.row(y)[right] - plane.row(y)[left]) / (right - left).max(1) as f32;
                let dy =
                    (plane.row(below)[x] - plane.row(above)[x]) / (below - above).max(1) as f32;
                steepest.push([dx * u, dx * v, dx, dy * u, dy * v, dy]);
            }
        }
        Self { plane, steepest }
    }

    fn size(&self) -> (usize, usize) {
        (self.plane.width, self.plane.height)
    }

    /// Improves `map` by up to `steps` steps; the best it can do where the images differ.
    pub(super) fn refined(&self, received: &Plane, map: &Affine, steps: usize) -> Affine {
        let size = self.size();
        let received_size = (received.width, received.height);
        let mut map = map.in_pixels(size, received_size);
        for _ in 0..steps {
            let Some((update, moved)) = self.step(received, &map) else {
                break;
            };
            let Some(back) = update.inverse() else {
                break;
            };
            map = map.after(&back);
            if moved < SETTLED {
                break;
            }
        }
        map.without_pixels(size, received_size)
    }

    /// Correlation with the received plane under a map, times the root of the samples that are seen: how much speaks
    /// for the map.
    pub(super) fn agreement(&self, received: &Plane, map: &Affine) -> f32 {
        let map = map.in_pixels(self.size(), (received.width, received.height));
        let sampled = warped(received, &map, self.size());
        let (mut own, mut other, mut both, mut count) = (0.0_f32, 0.0, 0.0, 0.0_f32);
        let samples = self.plane.data.iter().zip(&sampled.plane.data);
        for ((a, b), seen) in samples.zip(&sampled.seen) {
            if *seen {
                own += a * a;
                other += b * b;
                both += a * b;
                count += 1.0;
            }
        }
        let correlation = both / ((own * other).sqrt() + 1.0);
        correlation.clamp(0.0, 0.999).atanh() * count.sqrt()
    }

    /// The warp of the template, in pixels, that brings it nearer to the received samples, and how far it moves the
    /// border; `None` where too little is seen.
    fn step(&self, received: &Plane, map: &Affine) -> Option<(Affine, f64)> {
        let (width, height) = self.size();
        let sampled = warped(received, map, (width, height));
        let mut normal = [[0.0_f32; 6]; 6];
        let mut right = [0.0_f32; 6];
        let mut count = 0;
        let samples = self.plane.data.iter().zip(&sampled.plane.data);
        for (((template, value), seen), steepest) in samples.zip(&sampled.seen).zip(&self.steepest)
        {
            if !seen {
                continue;
            }
            count += 1;
            let error = value - template;
            let weight = 1.0 / (1.0 + (error / OUTLIER).powi(2));
            for i in 0..6 {
                let weighted = weight * steepest[i];
                right[i] += weighted * error;
                for j in 0..6 {
                    normal[i][j] += weighted * steepest[j];
                }
            }
        }
        if count < 64 {
            return None;
        }
        let mut normal = normal.map(|row| row.map(f64::from));
        // A trace of damping, for templates that vary along one axis only.
        let trace: f64 = (0..6).map(|i| normal[i][i]).sum();
        for (i, row) in normal.iter_mut().enumerate() {
            row[i] += 1e-3 * trace + 1e-6;
        }
        let p = solved(normal, right.map(f64::from))?;
        // Positions of the parameters are u = (2x + 1)/w − 1.
        let (w, h) = (width as f64, height as f64);
        let (cx, cy) = (1.0 / w - 1.0, 1.0 / h - 1.0);
        let row = |p: &[f64]| [2.0 * p[0] / w, 2.0 * p[1] / h, p[0] * cx + p[1] * cy + p[2]];
        let [[a, b, c], [d, e, f]] = [row(&p[..3]), row(&p[3..])];
        let moved = p[..3].iter().map(|v| v.abs()).sum::<f64>()
            + p[3..].iter().map(|v| v.abs()).sum::<f64>();
        let update = Affine {
            rows: [[1.0 + a, b, c], [d, 1.0 + e, f]],
        };
        (moved.is_finite() && moved < w + h).then_some((update, moved))
    }
}

/// Gauss elimination with pivots; `None` for a singular matrix.
fn solved(mut matrix: [[f64; 6]; 6], mut right: [f64; 6]) -> Option<[f64; 6]> {
    for k in 0..6 {
        let pivot = (k..6).max_by(|&a, &b| matrix[a][k].abs().total_cmp(&matrix[b][k].abs()))?;
        if matrix[pivot][k].abs() < 1e-12 {
            return None;
        }
        matrix.swap(k, pivot);
        right.swap(k, pivot);
        let source = matrix[k];
        for i in k + 1..6 {
            let factor = matrix[i][k] / source[k];
            for (value, source) in matrix[i].iter_mut().zip(source).skip(k) {
                *value -= factor * source;
            }
            right[i] -= factor * right[k];
        }
    }
    let mut solution = [0.0; 6];
    for k in (0..6).rev() {
        let known: f64 = (k + 1..6).map(|j| matrix[k][j] * solution[j]).sum();
        solution[k] = (right[k] - known) / matrix[k][k];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smooth(u: f64, v: f64) -> f32 {
        let waves = (u * 17.0).sin() + (v * 13.0 + u * 5.0).cos() + (u * v * 30.0).sin();
        waves as f32
    }

    fn sampled(width: usize, height: usize, map: &Affine) -> Plane {
        // Shows the scene where the inverse of the map puts it.
        let back = map.inverse().unwrap();
        Plane::from_fn(width, height, |x, y| {
            let (u, v) = back.apply(
                (x as f64 + 0.5) / width as f64,
                (y as f64 + 0.5) / height as f64,
            );
            smooth(u, v)
        })
    }

    #[test]
    fn small_maps_are_found() {
        let template = Template::new(sampled(64, 44, &Affine::IDENTITY));
        for map in [
            Affine::IDENTITY,
            Affine::onto(0.01, -0.02, 1.03, 0.97),
            Affine {
                rows: [[1.0, 0.03, -0.01], [-0.04, 1.0, 0.02]],
            },
        ] {
            let found = template.refined(&sampled(70, 50, &map), &Affine::IDENTITY, 20);
            let pairs = found
                .rows
                .as_flattened()
                .iter()
                .zip(map.rows.as_flattened());
            assert!(
                pairs.clone().all(|(a, b)| (a - b).abs() < 0.006),
                "{found:?} {map:?}"
            );
        }
    }

    #[test]
    fn a_flat_or_tiny_image_moves_nothing_to_infinity() {
        let template = Template::new(Plane::new(8, 8));
        for received in [Plane::new(1, 1), Plane::new(64, 3)] {
            let found = template.refined(&received, &Affine::IDENTITY, 10);
            assert!(found.rows.as_flattened().iter().all(|v| v.is_finite()));
        }
    }

    #[test]
    fn equations_are_solved() {
        let mut matrix = [[0.0; 6]; 6];
        for (i, row) in matrix.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = ((i * 7 + j * j * 3 + i * j) % 11) as f64;
            }
        }
        let expected = [1.0, -2.0, 3.0, 0.5, 0.0, 4.0];
        let right = std::array::from_fn(|i| (0..6).map(|j| matrix[i][j] * expected[j]).sum());
        let found = solved(matrix, right).unwrap();
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-9)
        );
        assert_eq!(solved([[0.0; 6]; 6], [1.0; 6]), None);
    }
}
