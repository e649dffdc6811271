//! Structural similarity of two images that come row by row.
//!
//! Z. Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Trans. Image
//! Process. 13 (2004), with 8×8 windows every 4 pixels instead of a Gaussian, so that it can run along.

/// Sums over 4×4 cells: a, b, a² + b², a·b.
type Sums = [f32; 4];

/// Mean similarity of luma, 0 to 255, as far as whole windows go.
pub(crate) struct Similarity {
    cells: usize,
    current: Vec<Sums>,
    above: Vec<Sums>,
    rows: usize,
    sum: f64,
    windows: u64,
}

impl Similarity {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            cells: width / 4,
            current: vec![[0.0; 4]; width / 4],
            above: Vec::new(),
            rows: 0,
            sum: 0.0,
            windows: 0,
        }
    }

    /// The next row of both.
    pub(crate) fn push(&mut self, a: &[f32], b: &[f32]) {
        let (a, _) = a.as_chunks::<4>();
        let (b, _) = b.as_chunks::<4>();
        for ((sums, a), b) in self.current.iter_mut().zip(a).zip(b) {
            for (a, b) in a.iter().zip(b) {
                // Differences from mid-grey keep the squares small, and with them what cancels.
                let (a, b) = (a - 128.0, b - 128.0);
                sums[0] += a;
                sums[1] += b;
                sums[2] += a * a + b * b;
                sums[3] += a * b;
            }
        }
        self.rows += 1;
        if !self.rows.is_multiple_of(4) {
            return;
        }
        if !self.above.is_empty() {
            let windows = self.above.windows(2).zip(self.current.windows(2));
            let row: f32 = windows
                .map(|(above, below)| {
                    similarity(std::array::from_fn(|k| {
                        above[0][k] + above[1][k] + below[0][k] + below[1][k]
                    }))
                })
                .sum();
            self.sum += f64::from(row);
            self.windows += self.cells.saturating_sub(1) as u64;
        }
        self.above = std::mem::replace(&mut self.current, vec![[0.0; 4]; self.cells]);
    }

    /// The mean over all windows; 1 if there was none.
    pub(crate) fn mean(&self) -> f64 {
        if self.windows == 0 {
            1.0
        } else {
            self.sum / self.windows as f64
        }
    }
}

fn similarity([a, b, squares, product]: Sums) -> f32 {
    const C1: f32 = (0.01 * 255.0) * (0.01 * 255.0);
    const C2: f32 = (0.03 * 255.0) * (0.03 * 255.0);
    let (a, b) = (a / 64.0, b / 64.0);
    let variances = squares / 64.0 - a * a - b * b;
    let covariance = product / 64.0 - a * b;
    let (a, b) = (a + 128.0, b + 128.0);
    (2.0 * a * b + C1) * (2.0 * covariance + C2) / ((a * a + b * b + C1) * (variances + C2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(a: impl Fn(usize, usize) -> f32, b: impl Fn(usize, usize) -> f32) -> f64 {
        let mut similarity = Similarity::new(34);
        for y in 0..21 {
            let row = |image: &dyn Fn(usize, usize) -> f32| {
                (0..34).map(|x| image(x, y)).collect::<Vec<_>>()
            };
            similarity.push(&row(&a), &row(&b));
        }
        similarity.mean()
    }

    fn texture(x: usize, y: usize) -> f32 {
        ((x * 7919 + y * 104_729 + x * y * 31) % 251) as f32
    }

    #[test]
    fn an_image_is_like_itself_and_unlike_another() {
        assert!((measured(texture, texture) - 1.0).abs() < 1e-5);
        assert!(measured(texture, |x, y| texture(y, x + 5)) < 0.3);
        assert!(measured(texture, |x, y| 255.0 - texture(x, y)) < 0.0);
    }

    #[test]
    fn it_is_the_formula_window_by_window() {
        let other = |x: usize, y: usize| 0.8 * texture(x, y) + 20.0 + 10.0 * ((x + y) % 3) as f32;
        let mut sum = 0.0;
        let mut windows = 0.0;
        for top in (0..=12).step_by(4) {
            for left in (0..=24).step_by(4) {
                let pairs: Vec<(f64, f64)> = (0..64)
                    .map(|k| (left + k % 8, top + k / 8))
                    .map(|(x, y)| (f64::from(texture(x, y)), f64::from(other(x, y))))
                    .collect();
                let mean = |value: &dyn Fn(&(f64, f64)) -> f64| {
                    pairs.iter().map(value).sum::<f64>() / 64.0
                };
                let (a, b) = (mean(&|p| p.0), mean(&|p| p.1));
                let variances = mean(&|p| (p.0 - a).powi(2) + (p.1 - b).powi(2));
                let covariance = mean(&|p| (p.0 - a) * (p.1 - b));
                let (c1, c2) = (2.55_f64.powi(2), 7.65_f64.powi(2));
                sum += (2.0 * a * b + c1) * (2.0 * covariance + c2)
                    / ((a * a + b * b + c1) * (variances + c2));
                windows += 1.0;
            }
        }
        assert!((measured(texture, other) - sum / windows).abs() < 1e-4);
    }
}
