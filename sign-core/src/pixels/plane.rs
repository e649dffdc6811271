//! One channel of float pixels, and the window filters of the masks.

use image::metadata::Orientation;

use super::wide::wide;

/// Pixels row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) data: Vec<f32>,
}

impl Plane {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            data: vec![0.0; width * height],
        }
    }

    pub(crate) fn from_fn(
        width: usize,
        height: usize,
        mut value: impl FnMut(usize, usize) -> f32,
    ) -> Self {
        let mut data = Vec::with_capacity(width * height);
        for y in 0..height {
            data.extend((0..width).map(|x| value(x, y)));
        }
        Self {
            width,
            height,
            data,
        }
    }

    pub(crate) fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width..][..self.width]
    }

    pub(crate) fn row_mut(&mut self, y: usize) -> &mut [f32] {
        &mut self.data[y * self.width..][..self.width]
    }

    /// The same with every value changed.
    pub(crate) fn mapped<C: Fn(f32) -> f32>(&self, change: C) -> Self {
        let plane = self;
        wide!(for C in [C: Fn(f32) -> f32], |plane: &'l Plane, change: C| -> Plane {
            Plane {
                data: plane.data.iter().map(|&value| change(value)).collect(),
                ..*plane
            }
        })
    }

    /// The same, pixel by pixel combined with a plane of the same size.
    pub(crate) fn combined<C: Fn(f32, f32) -> f32>(&self, other: &Self, combine: C) -> Self {
        let plane = self;
        wide!(
            for C in [C: Fn(f32, f32) -> f32],
            |plane: &'l Plane, other: &'l Plane, combine: C| -> Plane {
                let pairs = plane.data.iter().zip(&other.data);
                Plane {
                    data: pairs.map(|(&a, &b)| combine(a, b)).collect(),
                    ..*plane
                }
            }
        )
    }

    /// The part that starts at (`left`, `top`).
    pub(crate) fn cropped(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        Self::from_fn(width, height, |x, y| {
            self.data[(top + y) * self.width + left + x]
        })
    }

    /// Sum of squares over the number of pixels.
    pub(crate) fn mean_square(&self) -> f64 {
        let sum: f64 = (0..self.height)
            .map(|y| f64::from(self.row(y).iter().map(|v| v * v).sum::<f32>()))
            .sum();
        sum / self.data.len().max(1) as f64
    }

    /// Coded pixels as a viewer turns them.
    pub(crate) fn displayed(self, orientation: Orientation) -> Self {
        let (w, h) = (self.width, self.height);
        let at = |x: usize, y: usize| self.data[y * w + x];
        match orientation {
            Orientation::NoTransforms => self,
            Orientation::FlipHorizontal => Self::from_fn(w, h, |x, y| at(w - 1 - x, y)),
            Orientation::FlipVertical => Self::from_fn(w, h, |x, y| at(x, h - 1 - y)),
            Orientation::Rotate180 => Self::from_fn(w, h, |x, y| at(w - 1 - x, h - 1 - y)),
            Orientation::Rotate90 => Self::from_fn(h, w, |x, y| at(y, h - 1 - x)),
            Orientation::Rotate270 => Self::from_fn(h, w, |x, y| at(w - 1 - y, x)),
            Orientation::Rotate90FlipH => Self::from_fn(h, w, |x, y| at(y, x)),
            Orientation::Rotate270FlipH => Self::from_fn(h, w, |x, y| at(w - 1 - y, h - 1 - x)),
        }
    }

    /// Displayed pixels as they are coded: undoes [`Plane::displayed`].
    pub(crate) fn coded(self, orientation: Orientation) -> Self {
        self.displayed(match orientation {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            own_inverse => own_inverse,
        })
    }

    /// Mean over the (2·radius+1)² window; the border reflects without repeating the edge.
    pub(crate) fn box_mean(&self, radius: usize) -> Self {
        let plane = self;
        wide!(|plane: &'l Plane, radius: usize| -> Plane { plane.box_mean_plain(radius) })
    }

    #[inline(always)]
    fn box_mean_plain(&self, radius: usize) -> Self {
        let window = 2 * radius + 1;
        let weight = 1.0 / (window * window) as f32;
        // Down and then across row by row, so that all but the source stays in the cache.
        let mut mean = Self::new(self.width, self.height);
        let mut sums = vec![0.0; self.width];
        let mut padded = vec![0.0; self.width + 2 * radius];
        for y in 0..self.height {
            sums.fill(0.0);
            for k in 0..window {
                let source = self.row(reflected((y + k) as isize - radius as isize, self.height));
                for (sum, value) in sums.iter_mut().zip(source) {
                    *sum += value;
                }
            }
            padded[radius..radius + self.width].copy_from_slice(&sums);
            for k in 0..radius {
                padded[k] = sums[reflected(k as isize - radius as isize, self.width)];
                padded[radius + self.width + k] =
                    sums[reflected((self.width + k) as isize, self.width)];
            }
            let out = &mut mean.data[y * self.width..][..self.width];
            for k in 0..window {
                for (out, value) in out.iter_mut().zip(&padded[k..]) {
                    *out += value;
                }
            }
            for out in out {
                *out *= weight;
            }
        }
        mean
    }

    /// Minimum over the (2·radius+1)² window, as far as it lies within the image.
    pub(crate) fn eroded(&self, radius: usize) -> Self {
        let plane = self;
        wide!(|plane: &'l Plane, radius: usize| -> Plane { plane.eroded_plain(radius) })
    }

    #[inline(always)]
    fn eroded_plain(&self, radius: usize) -> Self {
        let least = |out: &mut [f32], source: &[f32]| {
            for (out, &value) in out.iter_mut().zip(source) {
                *out = if value < *out { value } else { *out };
            }
        };
        let mut across = self.clone();
        for y in 0..self.height {
            let (row, out) = (
                self.row(y),
                &mut across.data[y * self.width..][..self.width],
            );
            for k in 1..=radius.min(self.width.saturating_sub(1)) {
                least(out, &row[k..]);
                least(&mut out[k..], row);
            }
        }
        let mut eroded = across.clone();
        for y in 0..self.height {
            let out = &mut eroded.data[y * self.width..][..self.width];
            let last = (y + radius).min(self.height - 1);
            for other in y.saturating_sub(radius)..=last {
                least(out, across.row(other));
            }
        }
        eroded
    }
}

/// Index within 0..length, mirrored about the edge samples.
#[inline(always)]
pub(crate) fn reflected(index: isize, length: usize) -> usize {
    if length < 2 {
        return 0;
    }
    let period = 2 * (length - 1);
    let within = index.rem_euclid(period as isize) as usize;
    within.min(period - within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, GrayImage, Luma};

    fn noise(width: usize, height: usize) -> Plane {
        Plane::from_fn(width, height, |x, y| {
            ((x * 7919 + y * 104_729 + x * y * 31) % 251) as f32
        })
    }

    const SIZES: [(usize, usize); 6] = [(1, 1), (1, 9), (7, 2), (5, 5), (23, 17), (64, 33)];

    #[test]
    fn the_box_mean_is_the_mean_of_its_window() {
        for (width, height) in SIZES {
            let plane = noise(width, height);
            for radius in 0..=5 {
                let fast = plane.box_mean(radius);
                let slow = Plane::from_fn(width, height, |x, y| {
                    let reach = -(radius as isize)..=radius as isize;
                    let sum: f32 = reach
                        .clone()
                        .flat_map(|dy| reach.clone().map(move |dx| (dx, dy)))
                        .map(|(dx, dy)| {
                            plane.row(reflected(y as isize + dy, height))
                                [reflected(x as isize + dx, width)]
                        })
                        .sum();
                    sum / ((2 * radius + 1) * (2 * radius + 1)) as f32
                });
                for (fast, slow) in fast.data.iter().zip(&slow.data) {
                    assert!(
                        (fast - slow).abs() < 1e-3,
                        "{width}×{height}, radius {radius}"
                    );
                }
            }
        }
    }

    #[test]
    fn erosion_is_the_minimum_of_its_window() {
        for (width, height) in SIZES {
            let plane = noise(width, height);
            let slow = Plane::from_fn(width, height, |x, y| {
                let mut least = f32::INFINITY;
                for v in y.saturating_sub(3)..=(y + 3).min(height - 1) {
                    for u in x.saturating_sub(3)..=(x + 3).min(width - 1) {
                        least = least.min(plane.row(v)[u]);
                    }
                }
                least
            });
            assert_eq!(plane.eroded(3), slow, "{width}×{height}");
        }
    }

    #[test]
    fn planes_turn_as_images_do_and_back() {
        let plane = noise(7, 4);
        let image =
            GrayImage::from_fn(7, 4, |x, y| Luma([plane.row(y as usize)[x as usize] as u8]));
        for orientation in (1..=8).filter_map(Orientation::from_exif) {
            let mut turned = DynamicImage::from(image.clone());
            turned.apply_orientation(orientation);
            let displayed = plane.clone().displayed(orientation);
            let values: Vec<u8> = displayed.data.iter().map(|&v| v as u8).collect();
            assert_eq!(displayed.width, turned.width() as usize);
            assert_eq!(values, turned.to_luma8().into_raw(), "{orientation:?}");
            assert_eq!(displayed.coded(orientation), plane, "{orientation:?}");
        }
    }
}
