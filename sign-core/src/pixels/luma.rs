//! Luma of coded pixels, row by row, in the 0 to 255 scale and over white.

use std::borrow::Cow;

use image::DynamicImage;

use super::canonical::Reducer;
use super::plane::Plane;
use super::wide::wide;

/// The pixel types that marks are put on and read from; an image of another type goes by way of 8 bits.
pub(crate) fn known(image: &DynamicImage) -> Cow<'_, DynamicImage> {
    match image {
        DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_)
        | DynamicImage::ImageLuma16(_)
        | DynamicImage::ImageLumaA16(_)
        | DynamicImage::ImageRgb16(_)
        | DynamicImage::ImageRgba16(_)
        | DynamicImage::ImageRgb32F(_)
        | DynamicImage::ImageRgba32F(_) => Cow::Borrowed(image),
        other => Cow::Owned(DynamicImage::from(other.to_rgba8())),
    }
}

/// A sample of a pixel type.
pub(crate) trait Sample: Copy {
    /// The value on the scale 0 to 255; never NaN.
    fn value(self) -> f32;
    /// The nearest sample to a value on that scale.
    fn nearest(value: f32) -> Self;
}

impl Sample for u8 {
    #[inline(always)]
    fn value(self) -> f32 {
        f32::from(self)
    }
    fn nearest(value: f32) -> Self {
        // The cast saturates and drops the fraction.
        (value + 0.5) as u8
    }
}

impl Sample for u16 {
    #[inline(always)]
    fn value(self) -> f32 {
        // Samples that were widened from 8 bits (v × 257) come back exactly.
        f32::from(self) / 257.0
    }
    fn nearest(value: f32) -> Self {
        (value * 257.0 + 0.5) as u16
    }
}

impl Sample for f32 {
    #[inline(always)]
    fn value(self) -> f32 {
        if self.is_nan() {
            0.0
        } else {
            self.clamp(0.0, 1.0) * 255.0
        }
    }
    fn nearest(value: f32) -> Self {
        (value / 255.0).clamp(0.0, 1.0)
    }
}

/// Luma of the pixels of one row, `channels` samples each.
pub(crate) fn luma_of<S: Sample>(samples: &[S], channels: usize, out: &mut [f32]) {
    wide!(
        for S in [S: Sample],
        |samples: &'l [S], channels: usize, out: &'l mut [f32]| -> () {
            luma_of_plain(samples, channels, out);
        }
    );
}

#[inline(always)]
fn luma_of_plain<S: Sample>(samples: &[S], channels: usize, out: &mut [f32]) {
    #[inline(always)]
    fn mixed(red: f32, green: f32, blue: f32) -> f32 {
        0.299 * red + 0.587 * green + 0.114 * blue
    }
    // Exactly the colour where opaque and exactly white where transparent.
    #[inline(always)]
    fn over_white(luma: f32, alpha: f32) -> f32 {
        let opacity = alpha / 255.0;
        luma * opacity + 255.0 * (1.0 - opacity)
    }
    match channels {
        1 => {
            for (out, sample) in out.iter_mut().zip(samples) {
                *out = sample.value();
            }
        }
        2 => {
            for (out, p) in out.iter_mut().zip(samples.chunks_exact(2)) {
                *out = over_white(p[0].value(), p[1].value());
            }
        }
        3 => {
            for (out, p) in out.iter_mut().zip(samples.chunks_exact(3)) {
                *out = mixed(p[0].value(), p[1].value(), p[2].value());
            }
        }
        _ => {
            for (out, p) in out.iter_mut().zip(samples.chunks_exact(4)) {
                *out = over_white(
                    mixed(p[0].value(), p[1].value(), p[2].value()),
                    p[3].value(),
                );
            }
        }
    }
}

/// Calls `visit` with the luma of each coded row.
pub(crate) fn rows(image: &DynamicImage, mut visit: impl FnMut(&[f32])) {
    fn run<S: Sample>(
        samples: &[S],
        channels: usize,
        luma: &mut [f32],
        visit: &mut impl FnMut(&[f32]),
    ) {
        for row in samples.chunks_exact((luma.len() * channels).max(1)) {
            luma_of(row, channels, luma);
            visit(luma);
        }
    }
    let luma = &mut vec![0.0; image.width() as usize][..];
    let visit = &mut visit;
    match &*known(image) {
        DynamicImage::ImageLuma8(i) => run(i.as_raw(), 1, luma, visit),
        DynamicImage::ImageLumaA8(i) => run(i.as_raw(), 2, luma, visit),
        DynamicImage::ImageRgb8(i) => run(i.as_raw(), 3, luma, visit),
        DynamicImage::ImageRgba8(i) => run(i.as_raw(), 4, luma, visit),
        DynamicImage::ImageLuma16(i) => run(i.as_raw(), 1, luma, visit),
        DynamicImage::ImageLumaA16(i) => run(i.as_raw(), 2, luma, visit),
        DynamicImage::ImageRgb16(i) => run(i.as_raw(), 3, luma, visit),
        DynamicImage::ImageRgba16(i) => run(i.as_raw(), 4, luma, visit),
        DynamicImage::ImageRgb32F(i) => run(i.as_raw(), 3, luma, visit),
        DynamicImage::ImageRgba32F(i) => run(i.as_raw(), 4, luma, visit),
        // `known` leaves no other type.
        _ => {}
    }
}

/// The luma of the whole image as coded, in `sizes` at once, in one pass over the pixels.
pub(crate) fn reduced<const N: usize>(
    image: &DynamicImage,
    sizes: [(usize, usize); N],
) -> [Plane; N] {
    let native = (image.width() as usize, image.height() as usize);
    let mut reducers = sizes.map(|size| Reducer::new(native, size));
    rows(image, |row| {
        for reducer in &mut reducers {
            reducer.push(row);
        }
    });
    reducers.map(Reducer::finish)
}
