//! Coded pixels as a small luma plane, in one pass.

use image::DynamicImage;

use crate::pixels::plane::Plane;

/// Longest side of the reduced plane, pixels.
pub(super) const LONG_SIDE: usize = 128;

/// Sums of rows of the source that belong to one row of the result.
struct Sums {
    /// Whole rows; 257 rows of 255 fill 16 bits, so they are moved on before.
    whole: Vec<u16>,
    rows: u32,
    /// Rows that are shared with a neighbour, and what was moved on.
    weighted: Vec<f32>,
}

impl Sums {
    fn new(length: usize) -> Self {
        Self {
            whole: vec![0; length],
            rows: 0,
            weighted: vec![0.0; length],
        }
    }

    fn add(&mut self, row: &[u8], weight: f32) {
        if weight < 1.0 {
            for (sum, &value) in self.weighted.iter_mut().zip(row) {
                *sum += weight * f32::from(value);
            }
            return;
        }
        for (sum, &value) in self.whole.iter_mut().zip(row) {
            *sum += u16::from(value);
        }
        self.rows += 1;
        if self.rows == 256 {
            self.settle();
        }
    }

    fn settle(&mut self) {
        for (sum, whole) in self.weighted.iter_mut().zip(&mut self.whole) {
            *sum += f32::from(std::mem::take(whole));
        }
        self.rows = 0;
    }

    fn clear(&mut self) {
        self.weighted.fill(0.0);
    }
}

/// Size of the reduced plane: the long side at most [`LONG_SIDE`], nothing enlarged.
fn reduced_size((width, height): (usize, usize)) -> (usize, usize) {
    let long = width.max(height);
    if long <= LONG_SIDE {
        return (width, height);
    }
    let scaled = |side: usize| ((2 * LONG_SIDE * side + long) / (2 * long)).max(1);
    (scaled(width), scaled(height))
}

/// Exact-coverage area average of rows of `CHANNELS` interleaved 8-bit samples; luma (Rec. 601) comes last, since
/// it is linear. `rows` gives row `y`.
fn averaged<const CHANNELS: usize>(
    from: (usize, usize),
    mut rows: impl FnMut(usize, &mut dyn FnMut(&[u8])),
) -> Plane {
    let to = reduced_size(from);
    let mut out = Plane::new(to.0, to.1);
    let mut sums = Sums::new(from.0 * CHANNELS);
    let mut luma = vec![0.0_f32; from.0];
    for y in 0..to.1 {
        // In units of 1/(from·to), row r covers r·to..(r+1)·to and row y of the result y·from..(y+1)·from.
        let (start, end) = (y * from.1, (y + 1) * from.1);
        for r in start / to.1..end.div_ceil(to.1) {
            let covered = end.min((r + 1) * to.1) - start.max(r * to.1);
            let weight = covered as f32 / to.1 as f32;
            rows(r, &mut |row| sums.add(row, weight));
        }
        sums.settle();
        let scale = to.1 as f32 / from.1 as f32;
        match CHANNELS {
            1 => luma.copy_from_slice(&sums.weighted),
            _ => {
                for (luma, pixel) in luma.iter_mut().zip(sums.weighted.chunks_exact(CHANNELS)) {
                    // Equal channels give their value.
                    *luma =
                        pixel[1] + 0.299 * (pixel[0] - pixel[1]) + 0.114 * (pixel[2] - pixel[1]);
                }
            }
        }
        for (x, value) in out.row_mut(y).iter_mut().enumerate() {
            let (start, end) = (x * from.0, (x + 1) * from.0);
            let mut sum = 0.0;
            for (r, luma) in luma
                .iter()
                .enumerate()
                .take(end.div_ceil(to.0))
                .skip(start / to.0)
            {
                let covered = end.min((r + 1) * to.0) - start.max(r * to.0);
                sum += covered as f32 * luma;
            }
            *value = sum * scale / from.0 as f32;
        }
        sums.clear();
    }
    out
}

/// The luma of coded pixels over white, 0 to 255, with a long side of at most [`LONG_SIDE`]; `None` for an image
/// without pixels. About 1 ms for 2 megapixels of 8-bit RGB.
pub(super) fn reduced(image: &DynamicImage) -> Option<Plane> {
    let size = (image.width() as usize, image.height() as usize);
    if size.0 == 0 || size.1 == 0 {
        return None;
    }
    fn slices<const CHANNELS: usize>(size: (usize, usize), samples: &[u8]) -> Plane {
        let stride = size.0 * CHANNELS;
        averaged::<CHANNELS>(size, |y, visit| {
            visit(&samples[y * stride..][..stride]);
        })
    }
    fn over_white<const FROM: usize, const TO: usize>(
        size: (usize, usize),
        samples: &[u8],
    ) -> Plane {
        let stride = size.0 * FROM;
        let mut opaque = vec![0; size.0 * TO];
        averaged::<TO>(size, |y, visit| {
            let row = &samples[y * stride..][..stride];
            for (out, pixel) in opaque.chunks_exact_mut(TO).zip(row.chunks_exact(FROM)) {
                let alpha = u32::from(pixel[FROM - 1]);
                for (out, &sample) in out.iter_mut().zip(pixel) {
                    // At most 255 × 255 + 127, over 255.
                    *out = ((u32::from(sample) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
                }
            }
            visit(&opaque);
        })
    }
    Some(match image {
        DynamicImage::ImageLuma8(i) => slices::<1>(size, i.as_raw()),
        DynamicImage::ImageRgb8(i) => slices::<3>(size, i.as_raw()),
        DynamicImage::ImageLumaA8(i) => over_white::<2, 1>(size, i.as_raw()),
        DynamicImage::ImageRgba8(i) => over_white::<4, 3>(size, i.as_raw()),
        // Deeper samples go by way of 8 bits, which is more than is kept.
        other => over_white::<4, 3>(size, other.to_rgba8().as_raw()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::canonical::resized;
    use image::{GrayAlphaImage, GrayImage, Luma, LumaA, Rgb, RgbImage, RgbaImage};

    fn grey(width: u32, height: u32) -> GrayImage {
        GrayImage::from_fn(width, height, |x, y| {
            Luma([((x * 7919 + y * 104_729 + x * y * 31) % 251) as u8])
        })
    }

    #[test]
    fn it_is_the_area_average_at_every_size() {
        for (width, height) in [
            (1, 1),
            (1, 700),
            (129, 3),
            (128, 90),
            (131, 97),
            (900, 1301),
        ] {
            let image = grey(width, height);
            let plane = Plane::from_fn(width as usize, height as usize, |x, y| {
                f32::from(image.get_pixel(x as u32, y as u32)[0])
            });
            let slow = resized(&plane, reduced_size((plane.width, plane.height)));
            let fast = reduced(&image.into()).unwrap();
            assert_eq!((fast.width, fast.height), (slow.width, slow.height));
            for (a, b) in fast.data.iter().zip(&slow.data) {
                assert!((a - b).abs() < 0.01, "{width}×{height}: {a} {b}");
            }
        }
    }

    #[test]
    fn every_pixel_type_gives_the_same_luma() {
        let image = grey(300, 200);
        let reference = reduced(&image.clone().into()).unwrap();
        let at = |x, y| image.get_pixel(x, y)[0];
        let rgb = RgbImage::from_fn(300, 200, |x, y| Rgb([at(x, y); 3]));
        let others: [DynamicImage; 5] = [
            rgb.clone().into(),
            DynamicImage::from(rgb.clone()).to_rgba8().into(),
            DynamicImage::from(rgb.clone()).to_rgb16().into(),
            DynamicImage::from(rgb).to_rgb32f().into(),
            GrayAlphaImage::from_fn(300, 200, |x, y| LumaA([at(x, y), 255])).into(),
        ];
        for other in others {
            let plane = reduced(&other).unwrap();
            for (a, b) in plane.data.iter().zip(&reference.data) {
                assert!((a - b).abs() < 0.01, "{:?}: {a} {b}", other.color());
            }
        }
        let clear = reduced(&RgbaImage::new(300, 200).into()).unwrap();
        assert!(clear.data.iter().all(|v| (v - 255.0).abs() < 0.01));
        assert!(reduced(&DynamicImage::new_rgb8(0, 4)).is_none());
    }
}
