//! The 128×128 Fourier transform of the search.
//!
//! Written here, for one size, because the answer must not depend on which vector instructions a machine has:
//! every operation is a plain sum or product in a fixed order, on 16 columns at a time, which any compiler turns
//! into vectors.

use super::layout::TILE;
use crate::pixels::wide::wide;

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

/// Frequencies from here up to its mirror image are left out by the search: the pilots have nothing there, as no chip
/// goes beyond 36 of the 64, and a block's window blurs that by 8.
pub(super) const LOW: usize = 48;
/// One past the last frequency that is left out.
pub(super) const HIGH: usize = TILE - LOW;

/// The transform, with its roots of unity and working memory.
///
/// It leaves the axes exchanged, as that takes one transposition less: what was column x and row y comes out as row u
/// and column v, and back.
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

    /// Σ x·exp(−2πi·(…)/128) over both axes, in place; columns v from [`LOW`] to [`HIGH`] are not made.
    pub(super) fn forward(&mut self, grid: &mut Grid) {
        let transform = self;
        wide!(|transform: &'l mut Transform, grid: &'l mut Grid| -> () {
            transform.columns(grid, |_| true);
            transform.transposed(grid);
            transform.columns(grid, low);
        });
    }

    /// The inverse without its factor 1/128², in place, of a grid whose columns from [`LOW`] to [`HIGH`] are zero.
    pub(super) fn inverse(&mut self, grid: &mut Grid) {
        // Exchanging the parts before and after turns one direction into the other.
        std::mem::swap(&mut grid.re, &mut grid.im);
        let transform = self;
        wide!(|transform: &'l mut Transform, grid: &'l mut Grid| -> () {
            transform.columns(grid, low);
            transform.transposed(grid);
            transform.columns(grid, |_| true);
            std::mem::swap(&mut grid.re, &mut grid.im);
        });
    }

    /// Transforms those columns whose lanes, starting at the given one, are wanted.
    #[inline(always)]
    fn columns(&mut self, grid: &mut Grid, wanted: impl Fn(usize) -> bool) {
        for left in (0..TILE).step_by(LANES).filter(|&left| wanted(left)) {
            for y in 0..TILE {
                let from =
                    ((y as u32).reverse_bits() >> (u32::BITS - STAGES)) as usize * TILE + left;
                self.re[y].copy_from_slice(&grid.re[from..from + LANES]);
                self.im[y].copy_from_slice(&grid.im[from..from + LANES]);
            }
            // Two stages at a time, as long as there are two: half the traffic.
            for pair in 0..STAGES / 2 {
                self.two_stages(1 << (2 * pair));
            }
            for stage in STAGES / 2 * 2..STAGES {
                self.one_stage(1 << stage);
            }
            for y in 0..TILE {
                grid.re[y * TILE + left..][..LANES].copy_from_slice(&self.re[y]);
                grid.im[y * TILE + left..][..LANES].copy_from_slice(&self.im[y]);
            }
        }
    }

    #[inline(always)]
    fn transposed(&mut self, grid: &mut Grid) {
        for (from, to) in [
            (&mut grid.re, &mut self.turned.re),
            (&mut grid.im, &mut self.turned.im),
        ] {
            for top in (0..TILE).step_by(LANES) {
                for left in (0..TILE).step_by(LANES) {
                    for k in 0..LANES {
                        let out = &mut to[(left + k) * TILE + top..][..LANES];
                        for (l, out) in out.iter_mut().enumerate() {
                            *out = from[(top + l) * TILE + left + k];
                        }
                    }
                }
            }
            std::mem::swap(from, to);
        }
    }

    #[inline(always)]
    fn one_stage(&mut self, half: usize) {
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
            for (((ar, ai), (br, bi)), &root) in low.zip(high).zip(roots) {
                for l in 0..LANES {
                    (ar[l], ai[l], br[l], bi[l]) = butterfly(root, (ar[l], ai[l]), (br[l], bi[l]));
                }
            }
        }
    }

    /// The stage of butterflies over `half` and the one over twice that.
    #[inline(always)]
    fn two_stages(&mut self, half: usize) {
        let stride = TILE / (4 * half);
        for (re, im) in self
            .re
            .chunks_exact_mut(4 * half)
            .zip(self.im.chunks_exact_mut(4 * half))
        {
            let [re_0, re_1, re_2, re_3] = quarters(re);
            let [im_0, im_1, im_2, im_3] = quarters(im);
            for j in 0..half {
                let first = self.roots[2 * stride * j];
                let second = [self.roots[stride * j], self.roots[stride * (j + half)]];
                for l in 0..LANES {
                    let (ar, ai, br, bi) =
                        butterfly(first, (re_0[j][l], im_0[j][l]), (re_1[j][l], im_1[j][l]));
                    let (cr, ci, dr, di) =
                        butterfly(first, (re_2[j][l], im_2[j][l]), (re_3[j][l], im_3[j][l]));
                    (re_0[j][l], im_0[j][l], re_2[j][l], im_2[j][l]) =
                        butterfly(second[0], (ar, ai), (cr, ci));
                    (re_1[j][l], im_1[j][l], re_3[j][l], im_3[j][l]) =
                        butterfly(second[1], (br, bi), (dr, di));
                }
            }
        }
    }
}

/// Whether lanes that start here are of frequencies below [`LOW`] or from [`HIGH`] on.
fn low(left: usize) -> bool {
    !(LOW..HIGH).contains(&left)
}

/// a + root·b and a − root·b.
#[inline(always)]
fn butterfly((cos, sin): (f32, f32), a: (f32, f32), b: (f32, f32)) -> (f32, f32, f32, f32) {
    let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
    (
        a.0 + turned.0,
        a.1 + turned.1,
        a.0 - turned.0,
        a.1 - turned.1,
    )
}

#[inline(always)]
fn quarters(values: &mut [Lanes]) -> [&mut [Lanes]; 4] {
    let quarter = values.len() / 4;
    let (low, high) = values.split_at_mut(2 * quarter);
    let (a, b) = low.split_at_mut(quarter);
    let (c, d) = high.split_at_mut(quarter);
    [a, b, c, d]
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
            (47, 64),
            (80, 3),
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
                f64::from(fast.re[u * TILE + v]),
                f64::from(fast.im[u * TILE + v]),
            );
            assert!(
                (a - re).abs() < 0.5 && (b - im).abs() < 0.5,
                "{v} {u}: {a} {b}, {re} {im}"
            );
        }
    }

    #[test]
    fn the_inverse_undoes_it_for_low_frequencies() {
        // Two waves below the limit along each axis, and one that is left out.
        let wave = |u: usize, v: usize, x: usize, y: usize| {
            (2.0 * std::f32::consts::PI * ((u * x + v * y) % TILE) as f32 / TILE as f32).cos()
        };
        let grid_of = |value: &dyn Fn(usize, usize) -> f32| {
            let mut grid = Grid::new();
            for (k, re) in grid.re.iter_mut().enumerate() {
                *re = value(k % TILE, k / TILE);
            }
            grid
        };
        let kept = grid_of(&|x, y| wave(3, 47, x, y) + 2.0 * wave(120, 5, x, y));
        let mut grid =
            grid_of(&|x, y| wave(3, 47, x, y) + 2.0 * wave(120, 5, x, y) + wave(7, 60, x, y));
        let mut transform = Transform::new();
        transform.forward(&mut grid);
        for row in 0..TILE {
            grid.re[row * TILE + LOW..row * TILE + HIGH].fill(0.0);
            grid.im[row * TILE + LOW..row * TILE + HIGH].fill(0.0);
        }
        transform.inverse(&mut grid);
        let scale = (TILE * TILE) as f32;
        for (a, b) in grid.re.iter().zip(&kept.re) {
            assert!((a / scale - b).abs() < 1e-3);
        }
        assert!(grid.im.iter().all(|v| (v / scale).abs() < 1e-3));
    }
}
