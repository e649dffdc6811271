//! Filling polygons with exact area coverage.

/// A point in pixels; the centre of the first pixel is (0.5, 0.5).
pub(crate) type Point = (f32, f32);

/// Coverage (0 to 1) of a rectangle of pixels within a canvas.
pub(crate) struct Mask {
    /// Left column on the canvas.
    pub(crate) x: usize,
    /// Top row on the canvas.
    pub(crate) y: usize,
    /// Columns; at least 1.
    pub(crate) width: usize,
    /// Rows; at least 1.
    pub(crate) height: usize,
    cover: Vec<f32>,
    /// The shape's own box before clipping: left, top, right, bottom; what relief is computed in.
    pub(crate) bounds: [f32; 4],
}

impl Mask {
    /// One row of coverage, `width` values.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.cover[row * self.width..(row + 1) * self.width]
    }

    /// Fills closed contours by the winding rule, clipped to a canvas of `width` × `height`; `soft` is the
    /// radius in pixels of a blur of the edge. `None` when nothing of it is on the canvas.
    pub(crate) fn fill(
        contours: &[&[Point]],
        width: usize,
        height: usize,
        soft: f32,
    ) -> Option<Mask> {
        let points = || contours.iter().flat_map(|c| c.iter());
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for &(x, y) in points() {
            bounds = [
                bounds[0].min(x),
                bounds[1].min(y),
                bounds[2].max(x),
                bounds[3].max(y),
            ];
        }
        let margin = 2.0 * soft.max(0.0).round();
        let x0 = (bounds[0] - margin).floor().max(0.0);
        let y0 = (bounds[1] - margin).floor().max(0.0);
        let x1 = (bounds[2] + margin).ceil().min(width as f32);
        let y1 = (bounds[3] + margin).ceil().min(height as f32);
        // Written so that a NaN in the points also ends here.
        if !(x1 - x0 >= 1.0 && y1 - y0 >= 1.0) {
            return None;
        }
        let (w, h) = ((x1 - x0) as usize, (y1 - y0) as usize);
        // Two columns more: an edge in the last pixel writes one past it, and clamped edges sit at `w`.
        let stride = w + 2;
        let mut sums = vec![0.0f32; stride * h];
        for contour in contours {
            let Some(&last) = contour.last() else {
                continue;
            };
            let mut from = last;
            for &to in *contour {
                add_edge(
                    &mut sums,
                    stride,
                    w as f32,
                    h,
                    (from.0 - x0, from.1 - y0),
                    (to.0 - x0, to.1 - y0),
                );
                from = to;
            }
        }
        let mut cover = vec![0.0f32; w * h];
        for (sums, out) in sums.chunks_exact(stride).zip(cover.chunks_exact_mut(w)) {
            let mut winding = 0.0;
            for (o, s) in out.iter_mut().zip(sums) {
                winding += s;
                *o = winding.abs().min(1.0);
            }
        }
        let mut mask = Mask {
            x: x0 as usize,
            y: y0 as usize,
            width: w,
            height: h,
            cover,
            bounds,
        };
        let radius = soft.round() as usize;
        if radius > 0 {
            box_blur(&mut mask.cover, w, h, radius);
        }
        Some(mask)
    }
}

/// Adds the signed area that an edge leaves to its right, as differences along each row: a running sum
/// over the row then gives the winding coverage of each pixel.
fn add_edge(sums: &mut [f32], stride: usize, width: f32, height: usize, a: Point, b: Point) {
    let (top, bottom, sign) = if a.1 < b.1 { (a, b, 1.0) } else { (b, a, -1.0) };
    let rise = bottom.1 - top.1;
    if rise <= 0.0 || bottom.1 <= 0.0 || top.1 >= height as f32 {
        return;
    }
    let slope = (bottom.0 - top.0) / rise;
    let first = top.1.max(0.0) as usize;
    let last = (bottom.1.ceil() as usize).min(height);
    for row in first..last {
        let y0 = top.1.max(row as f32);
        let y1 = bottom.1.min(row as f32 + 1.0);
        let dy = (y1 - y0) * sign;
        let xa = (top.0 + (y0 - top.1) * slope).clamp(0.0, width);
        let xb = (top.0 + (y1 - top.1) * slope).clamp(0.0, width);
        let (x0, x1) = if xa < xb { (xa, xb) } else { (xb, xa) };
        let line = &mut sums[row * stride..(row + 1) * stride];
        let i = x0 as usize;
        if x1 <= (i + 1) as f32 {
            let right = (i + 1) as f32 - 0.5 * (x0 + x1);
            line[i] += dy * right;
            line[i + 1] += dy * (1.0 - right);
            continue;
        }
        // The edge crosses several pixels of this row: the area to its right within the first j pixels is
        // the integral of a ramp, a parabola.
        let run = x1 - x0;
        let area = |t: f32| {
            let t = t - x0;
            if t <= 0.0 {
                0.0
            } else if t <= run {
                0.5 * t * t / run
            } else {
                t - 0.5 * run
            }
        };
        let mut before = 0.0;
        let mut j = i;
        while (j as f32) < x1 {
            let cover = area((j + 1) as f32) - area(j as f32);
            line[j] += dy * (cover - before);
            before = cover;
            j += 1;
        }
        line[j] += dy * (1.0 - before);
    }
}

/// Blurs in place by two running means of 2·radius+1 in each direction, close to a Gaussian of that radius.
pub(crate) fn box_blur(data: &mut [f32], width: usize, height: usize, radius: usize) {
    let norm = 1.0 / (2 * radius + 1) as f32;
    // Each row is copied between its repeated ends, so that the running sum needs no test for them.
    let mut line = vec![0.0f32; width + 2 * radius + 1];
    for _ in 0..2 {
        for row in data.chunks_exact_mut(width) {
            line[..radius].fill(row[0]);
            line[radius..radius + width].copy_from_slice(row);
            line[radius + width..].fill(row[width - 1]);
            let mut sum: f32 = line[..2 * radius + 1].iter().sum();
            for ((o, leaving), entering) in row.iter_mut().zip(&line).zip(&line[2 * radius + 1..]) {
                *o = (sum * norm).max(0.0);
                sum += entering - leaving;
            }
        }
    }
    // Columns are summed whole rows at a time, so that memory is walked in order.
    for _ in 0..2 {
        let source = data.to_vec();
        let mut sums = vec![0.0f32; width];
        let row = |y: isize| {
            let y = y.clamp(0, height as isize - 1) as usize;
            &source[y * width..(y + 1) * width]
        };
        let r = radius as isize;
        for y in -r..=r {
            for (s, v) in sums.iter_mut().zip(row(y)) {
                *s += v;
            }
        }
        for (y, out) in data.chunks_exact_mut(width).enumerate() {
            let y = y as isize;
            let (leaving, entering) = (row(y - r), row(y + r + 1));
            for (((o, s), l), e) in out.iter_mut().zip(&mut sums).zip(leaving).zip(entering) {
                *o = (*s * norm).max(0.0);
                *s += e - l;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(mask: &Mask) -> f32 {
        mask.cover.iter().sum()
    }

    #[test]
    fn coverage_sums_to_the_area_of_the_polygon() {
        let triangle: &[Point] = &[(3.3, 2.1), (40.7, 11.9), (12.2, 50.4)];
        let shoelace = 0.5 * ((40.7 - 3.3) * (50.4 - 2.1) - (12.2 - 3.3) * (11.9 - 2.1f32)).abs();
        for order in [triangle.to_vec(), triangle.iter().rev().copied().collect()] {
            let mask = Mask::fill(&[&order], 64, 64, 0.0).unwrap();
            assert!(
                (area(&mask) - shoelace).abs() < 0.05,
                "{} {shoelace}",
                area(&mask)
            );
        }
    }

    #[test]
    fn a_hole_wound_the_other_way_is_left_open() {
        let outer: &[Point] = &[(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0)];
        let inner: &[Point] = &[(5.0, 5.0), (5.0, 15.0), (15.0, 15.0), (15.0, 5.0)];
        let mask = Mask::fill(&[outer, inner], 20, 20, 0.0).unwrap();
        assert!((area(&mask) - 300.0).abs() < 0.01);
    }

    #[test]
    fn a_shape_across_the_border_is_clipped_to_its_visible_area() {
        let square: &[Point] = &[(-10.0, -10.0), (10.5, -10.0), (10.5, 30.0), (-10.0, 30.0)];
        let mask = Mask::fill(&[square], 16, 8, 0.0).unwrap();
        assert!((area(&mask) - 10.5 * 8.0).abs() < 0.01);
        let outside: &[Point] = &[(-10.0, -10.0), (-1.0, -10.0), (-1.0, 30.0)];
        assert!(Mask::fill(&[outside], 16, 8, 0.0).is_none());
        assert!(Mask::fill(&[&[(f32::NAN, 1.0), (2.0, 2.0), (0.0, 5.0)]], 0, 8, 0.0).is_none());
    }

    #[test]
    fn softening_keeps_the_area_and_a_constant_stays_constant() {
        let square: &[Point] = &[(30.0, 30.0), (50.0, 30.0), (50.0, 50.0), (30.0, 50.0)];
        let mask = Mask::fill(&[square], 100, 100, 4.0).unwrap();
        assert!((area(&mask) - 400.0).abs() < 4.0, "{}", area(&mask));
        let mut flat = vec![0.25f32; 60];
        box_blur(&mut flat, 10, 6, 3);
        assert!(flat.iter().all(|v| (v - 0.25).abs() < 1e-6));
    }
}
