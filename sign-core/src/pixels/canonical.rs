//! The canonical domain: any image of any size as luma with a long side of 384 pixels.

use super::plane::Plane;
use super::wide::wide;

/// Long side of the canonical image, pixels.
pub(crate) const LONG_SIDE: usize = 384;

/// Size with the given long side; the short side is rounded and at least 8.
pub(crate) fn size_for(native: (usize, usize), long: usize) -> (usize, usize) {
    let short = |short: usize, full: usize| ((2 * long * short + full) / (2 * full.max(1))).max(8);
    if native.0 >= native.1 {
        (long, short(native.1, native.0))
    } else {
        (short(native.0, native.1), long)
    }
}

/// Size of the canonical image.
pub(crate) fn canonical_size(native: (usize, usize)) -> (usize, usize) {
    size_for(native, LONG_SIDE)
}

/// Resamples rows as they come, exactly edge to edge: the exact-coverage area average where neither axis
/// grows, otherwise cubic convolution (a = −0.75).
pub(crate) enum Reducer {
    /// Rows are averaged when they come.
    Area(AreaReducer),
    /// The whole is kept; one axis at least is small.
    Cubic(Plane, usize, (usize, usize)),
}

impl Reducer {
    pub(crate) fn new(from: (usize, usize), to: (usize, usize)) -> Self {
        if to.0 <= from.0 && to.1 <= from.1 {
            Self::Area(AreaReducer::new(from, to))
        } else {
            Self::Cubic(Plane::new(from.0, from.1), 0, to)
        }
    }

    /// The next row, of the full width.
    pub(crate) fn push(&mut self, row: &[f32]) {
        match self {
            Self::Area(reducer) => {
                wide!(|reducer: &'l mut AreaReducer, row: &'l [f32]| -> () { reducer.push(row) });
            }
            Self::Cubic(plane, filled, _) => {
                plane.row_mut(*filled).copy_from_slice(row);
                *filled += 1;
            }
        }
    }

    /// The result, once all rows were pushed.
    pub(crate) fn finish(self) -> Plane {
        match self {
            Self::Area(reducer) => reducer.out,
            Self::Cubic(plane, _, (width, height)) => enlarged(&plane, width, height),
        }
    }
}

/// Exact-coverage area average of rows that come one by one.
pub(crate) struct AreaReducer {
    from: (usize, usize),
    out: Plane,
    /// First source pixel of each output pixel of a row, and the weights from there on.
    columns: Vec<(usize, Vec<f32>)>,
    sums: Vec<f32>,
    next: usize,
    target: usize,
}

impl AreaReducer {
    fn new(from: (usize, usize), to: (usize, usize)) -> Self {
        // In units of 1/(from·to), pixel x covers x·to..(x+1)·to and output k covers k·from..(k+1)·from.
        let columns = (0..to.0)
            .map(|k| {
                let (start, end) = (k * from.0, (k + 1) * from.0);
                let (first, last) = (start / to.0, (end - 1) / to.0);
                let weight = |x: usize| {
                    let covered = end.min((x + 1) * to.0) - start.max(x * to.0);
                    covered as f32 / from.0 as f32
                };
                (first, (first..=last).map(weight).collect())
            })
            .collect();
        Self {
            from,
            out: Plane::new(to.0, to.1),
            columns,
            sums: vec![0.0; from.0],
            next: 0,
            target: 0,
        }
    }

    #[inline(always)]
    fn push(&mut self, row: &[f32]) {
        let height = self.out.height;
        let (mut start, end) = (self.next * height, (self.next + 1) * height);
        self.next += 1;
        while start < end {
            let limit = (self.target + 1) * self.from.1;
            let weight = (end.min(limit) - start) as f32 / self.from.1 as f32;
            for (sum, value) in self.sums.iter_mut().zip(row) {
                *sum += weight * value;
            }
            start = end.min(limit);
            if start == limit {
                let out = &mut self.out.data[self.target * self.out.width..][..self.out.width];
                for (out, (first, weights)) in out.iter_mut().zip(&self.columns) {
                    let sums = &self.sums[*first..];
                    *out = sums
                        .iter()
                        .zip(weights)
                        .map(|(sum, weight)| sum * weight)
                        .sum();
                }
                self.sums.fill(0.0);
                self.target += 1;
            }
        }
    }
}

/// A plane at another size.
pub(crate) fn resized(plane: &Plane, (width, height): (usize, usize)) -> Plane {
    if (width, height) == (plane.width, plane.height) {
        return plane.clone();
    }
    let mut reducer = Reducer::new((plane.width, plane.height), (width, height));
    for y in 0..plane.height {
        reducer.push(plane.row(y));
    }
    reducer.finish()
}

/// Four taps of cubic convolution at a position in pixel indices; the edge repeats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taps {
    pub(crate) index: [usize; 4],
    pub(crate) weight: [f32; 4],
}

impl Taps {
    pub(crate) fn at(position: f64, length: usize) -> Self {
        const A: f32 = -0.75;
        let floor = position.floor();
        let t = (position - floor) as f32;
        let last = length as isize - 1;
        let outer = |d: f32| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
        let inner = |d: f32| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
        Self {
            index: std::array::from_fn(|k| {
                (floor as isize + k as isize - 1).clamp(0, last) as usize
            }),
            weight: [outer(1.0 + t), inner(t), inner(1.0 - t), outer(2.0 - t)],
        }
    }

    /// The taps of an axis that is resized.
    pub(crate) fn of_axis(from: usize, to: usize) -> Vec<Self> {
        let scale = from as f64 / to as f64;
        (0..to)
            .map(|k| Self::at((k as f64 + 0.5) * scale - 0.5, from))
            .collect()
    }
}

/// Cubic resampling of rows: horizontal taps first, once for each row of the source, then vertical ones, which are
/// plain sums of rows.
pub(crate) struct RowSampler<'a> {
    plane: &'a Plane,
    columns: Vec<Taps>,
    /// Resampled rows of the source, row y at y mod 4, and which they are.
    rows: [Vec<f32>; 4],
    held: [Option<usize>; 4],
}

impl<'a> RowSampler<'a> {
    pub(crate) fn new(plane: &'a Plane, columns: Vec<Taps>) -> Self {
        Self {
            plane,
            rows: std::array::from_fn(|_| vec![0.0; columns.len()]),
            held: [None; 4],
            columns,
        }
    }

    /// One row of the result; quickest where positions do not jump.
    pub(crate) fn sample(&mut self, row: &Taps, out: &mut [f32]) {
        let sampler = self;
        wide!(
            for 'p in ['p],
            |sampler: &'l mut RowSampler<'p>, row: &'l Taps, out: &'l mut [f32]| -> () {
                sampler.sample_plain(row, out);
            }
        );
    }

    #[inline(always)]
    fn sample_plain(&mut self, row: &Taps, out: &mut [f32]) {
        for y in row.index {
            let place = y % 4;
            if self.held[place] == Some(y) {
                continue;
            }
            self.held[place] = Some(y);
            let source = self.plane.row(y);
            for (out, taps) in self.rows[place].iter_mut().zip(&self.columns) {
                let [a, b, c, d] = taps.index.map(|x| source[x]);
                let [wa, wb, wc, wd] = taps.weight;
                *out = wa * a + wb * b + wc * c + wd * d;
            }
        }
        // The four rows are neighbours, so none has taken the place of another.
        let [a, b, c, d] = row.index.map(|y| &self.rows[y % 4]);
        let [wa, wb, wc, wd] = row.weight;
        for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *out = wa * a + wb * b + wc * c + wd * d;
        }
    }
}

/// Cubic resampling of a whole plane.
fn enlarged(plane: &Plane, width: usize, height: usize) -> Plane {
    let mut out = Plane::new(width, height);
    let mut sampler = RowSampler::new(plane, Taps::of_axis(plane.width, width));
    for (y, taps) in Taps::of_axis(plane.height, height).iter().enumerate() {
        sampler.sample(taps, out.row_mut(y));
    }
    out
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
    fn area_averages_are_sums_over_a_common_grid() {
        for (from, to) in [
            ((7, 5), (3, 4)),
            ((12, 9), (4, 3)),
            ((5, 5), (5, 5)),
            ((13, 8), (1, 8)),
        ] {
            let plane = noise(from.0, from.1);
            let fast = resized(&plane, to);
            let slow = Plane::from_fn(to.0, to.1, |x, y| {
                // On a grid of from·to cells an axis, every pixel of either image is a whole number of cells.
                let mut sum = 0.0_f64;
                for v in y * from.1..(y + 1) * from.1 {
                    for u in x * from.0..(x + 1) * from.0 {
                        sum += f64::from(plane.row(v / to.1)[u / to.0]);
                    }
                }
                (sum / (from.0 * from.1) as f64) as f32
            });
            for (fast, slow) in fast.data.iter().zip(&slow.data) {
                assert!((fast - slow).abs() < 1e-3, "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn a_flat_image_stays_flat_at_every_size() {
        for native in [
            (1, 1),
            (1, 500),
            (2000, 3),
            (383, 385),
            (384, 384),
            (900, 600),
        ] {
            let (width, height) = canonical_size(native);
            let plane = resized(
                &Plane::from_fn(native.0, native.1, |_, _| 77.0),
                (width, height),
            );
            assert_eq!(width.max(height), LONG_SIDE);
            assert!(width.min(height) >= 8);
            assert!(
                plane.data.iter().all(|v| (v - 77.0).abs() < 1e-3),
                "{native:?}"
            );
        }
    }

    #[test]
    fn cubic_resampling_reproduces_a_slope_inside() {
        let plane = Plane::from_fn(20, 10, |x, y| x as f32 * 3.0 + y as f32);
        let larger = resized(&plane, (50, 30));
        for y in 6..24 {
            for x in 6..44 {
                let expected = ((x as f32 + 0.5) * 0.4 - 0.5) * 3.0 + (y as f32 + 0.5) / 3.0 - 0.5;
                // With a = −0.75 the kernel bends a slope by a few hundredths of its step.
                assert!((larger.row(y)[x] - expected).abs() < 0.2, "{x} {y}");
            }
        }
    }

    #[test]
    fn sampled_rows_are_sums_of_sixteen_taps_in_any_order() {
        let plane = noise(9, 11);
        let columns = Taps::of_axis(9, 21);
        let mut sampler = RowSampler::new(&plane, columns.clone());
        let mut out = vec![0.0; 21];
        for position in [0.3, 7.9, -4.0, 30.0, 5.5, 5.6, 2.0] {
            let row = Taps::at(position, 11);
            sampler.sample(&row, &mut out);
            for (out, column) in out.iter().zip(&columns) {
                let mut slow = 0.0;
                for (y, down) in row.index.iter().zip(row.weight) {
                    for (x, across) in column.index.iter().zip(column.weight) {
                        slow += down * across * plane.row(*y)[*x];
                    }
                }
                assert!((out - slow).abs() < 1e-3, "at {position}");
            }
        }
    }

    #[test]
    fn reducing_commutes_with_mirroring() {
        use image::metadata::Orientation;
        let plane = noise(1000, 700);
        let size = canonical_size((1000, 700));
        let first = resized(&plane.clone().displayed(Orientation::Rotate180), size);
        let then = resized(&plane, size).displayed(Orientation::Rotate180);
        for (a, b) in first.data.iter().zip(&then.data) {
            assert!((a - b).abs() < 1e-2);
        }
    }
}
