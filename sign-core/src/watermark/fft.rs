//! The 128×128 Fourier transform of the search.
//!
//! Written here, for one size, because the answer must not depend on which vector instructions a machine has:
//! every operation is a plain sum or product in a fixed order, on 16 columns at a time, which any compiler turns
//! into vectors.

use super::layout::TILE;
use super::wide::wide;

/// Columns that are transformed side by side.
const LANES: usize = 16;
type Lanes = [f32; LANES];

/// Binary logarithm of the size.
const STAGES: u32 = TILE.ilog2();

/// A complex 128×128 array, row by row; by default an empty one.
#[derive(Clone, Default)]
pub(super) struct Grid {
    pub(super) re: Vec<f32>,
    pub(super) im: Vec<f32>,
}

impl Grid {
    pub(super) fn new() -> Self {
        Self {
            re: vec![0.0; TILE * TILE],
            im: vec![0.0; TILE * TILE],
        }
    }
}

/// The transform, with its roots of unity and working memory.
pub(super) struct Transform {
    /// cos and −sin of 2πk/128 for k below 64.
    roots: Vec<(f32, f32)>,
    re: Vec<Lanes>,
    im: Vec<Lanes>,
    turned: Grid,
}

impl Transform {
    pub(super) fn new() -> Self {
        let root = |k: usize| {
            let turn = 2.0 * std::f64::consts::PI * k as f64 / TILE as f64;
            (turn.cos() as f32, -turn.sin() as f32)
        };
        Self {
            roots: (0..TILE / 2).map(root).collect(),
            re: vec![[0.0; LANES]; TILE],
            im: vec![[0.0; LANES]; TILE],
            turned: Grid::new(),
        }
    }

    /// Σ x·exp(−2πi·(…)/128) over both axes, in place.
    pub(super) fn forward(&mut self, grid: &mut Grid) {
        let mut turned = std::mem::take(&mut self.turned);
        wide(|| self.columns_turned(&grid.re, &grid.im, &mut turned.re, &mut turned.im));
        wide(|| self.columns_turned(&turned.re, &turned.im, &mut grid.re, &mut grid.im));
        self.turned = turned;
    }

    /// The inverse without its factor 1/128², in place.
    pub(super) fn inverse(&mut self, grid: &mut Grid) {
        // Exchanging the parts before and after turns one direction into the other.
        std::mem::swap(&mut grid.re, &mut grid.im);
        self.forward(grid);
        std::mem::swap(&mut grid.re, &mut grid.im);
    }

    /// Transforms the columns and writes them as rows.
    #[inline(always)]
    fn columns_turned(&mut self, re: &[f32], im: &[f32], out_re: &mut [f32], out_im: &mut [f32]) {
        for left in (0..TILE).step_by(LANES) {
            for y in 0..TILE {
                let from =
                    ((y as u32).reverse_bits() >> (u32::BITS - STAGES)) as usize * TILE + left;
                self.re[y].copy_from_slice(&re[from..from + LANES]);
                self.im[y].copy_from_slice(&im[from..from + LANES]);
            }
            for stage in 0..STAGES {
                self.butterflies(1 << stage);
            }
            for k in 0..LANES {
                let to = (left + k) * TILE;
                for (out, re) in out_re[to..to + TILE].iter_mut().zip(&self.re) {
                    *out = re[k];
                }
                for (out, im) in out_im[to..to + TILE].iter_mut().zip(&self.im) {
                    *out = im[k];
                }
            }
        }
    }

    #[inline(always)]
    fn butterflies(&mut self, half: usize) {
        let stride = TILE / (2 * half);
        for (re, im) in self
            .re
            .chunks_exact_mut(2 * half)
            .zip(self.im.chunks_exact_mut(2 * half))
        {
            let (re_low, re_high) = re.split_at_mut(half);
            let (im_low, im_high) = im.split_at_mut(half);
            let roots = self.roots.iter().step_by(stride);
            let low = re_low.iter_mut().zip(im_low);
            let high = re_high.iter_mut().zip(im_high);
            for (((ar, ai), (br, bi)), &(cos, sin)) in low.zip(high).zip(roots) {
                for l in 0..LANES {
                    let tr = br[l] * cos - bi[l] * sin;
                    let ti = br[l] * sin + bi[l] * cos;
                    br[l] = ar[l] - tr;
                    bi[l] = ai[l] - ti;
                    ar[l] += tr;
                    ai[l] += ti;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise() -> Grid {
        let mut grid = Grid::new();
        for (k, (re, im)) in grid.re.iter_mut().zip(&mut grid.im).enumerate() {
            *re = ((k * 7919 + k / 128 * 31) % 251) as f32 - 125.0;
            *im = ((k * 104_729 + k / 128 * 17) % 239) as f32 - 119.0;
        }
        grid
    }

    #[test]
    fn it_is_the_fourier_sum() {
        let given = noise();
        let mut fast = given.clone();
        Transform::new().forward(&mut fast);
        for (v, u) in [
            (0, 0),
            (0, 1),
            (1, 0),
            (5, 77),
            (64, 64),
            (127, 3),
            (127, 127),
        ] {
            let (mut re, mut im) = (0.0_f64, 0.0_f64);
            for y in 0..TILE {
                for x in 0..TILE {
                    let turn =
                        -2.0 * std::f64::consts::PI * ((u * x + v * y) % TILE) as f64 / TILE as f64;
                    let (a, b) = (
                        f64::from(given.re[y * TILE + x]),
                        f64::from(given.im[y * TILE + x]),
                    );
                    re += a * turn.cos() - b * turn.sin();
                    im += a * turn.sin() + b * turn.cos();
                }
            }
            let (a, b) = (
                f64::from(fast.re[v * TILE + u]),
                f64::from(fast.im[v * TILE + u]),
            );
            assert!(
                (a - re).abs() < 0.5 && (b - im).abs() < 0.5,
                "{v} {u}: {a} {b}, {re} {im}"
            );
        }
    }

    #[test]
    fn the_inverse_undoes_it() {
        let given = noise();
        let (mut grid, mut transform) = (given.clone(), Transform::new());
        transform.forward(&mut grid);
        transform.inverse(&mut grid);
        let scale = (TILE * TILE) as f32;
        for (a, b) in grid
            .re
            .iter()
            .zip(&given.re)
            .chain(grid.im.iter().zip(&given.im))
        {
            assert!((a / scale - b).abs() < 1e-2);
        }
    }
}
