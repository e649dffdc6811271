//! Views: further evidence from a file, by showing another part of it at another size.

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage, RgbaImage};

use super::read;
use super::scan::Found;
use crate::View;
use crate::draws::Draws;
use crate::file::{self, Jpeg, Pixels, Sampling, Segments};

/// Smallest and largest edge of a window, as a share of the image's edge.
const EDGE: (f64, f64) = (0.45, 0.62);

/// Least distance of a window's centre from the image's centre, along at least one axis. It keeps views away
/// from one another and from the whole file's middle.
const OFF_CENTRE: f64 = 0.17;

/// Smallest and largest long side of a view in pixels.
const LONG_SIDE: (f64, f64) = (480.0, 1600.0);

/// The golden section's conjugate: steps by it fill a circle more evenly than any other (Kronecker
/// sequence of lowest discrepancy).
const GOLDEN: f64 = 0.618_033_988_749_895;

/// The square root of two's fraction, for the second coordinate, independent of the first.
const SILVER: f64 = 0.414_213_562_373_095;

/// A view in whole pixels of the displayed file.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Displayed size of the file.
    full: (u32, u32),
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    /// Size of the result.
    out: (u32, u32),
    quality: u8,
    sampling: Sampling,
}

impl Window {
    /// The k-th view of a file.
    pub(super) fn of(seed: u64, file: &Found, k: usize) -> Window {
        let turned = matches!(
            file.orientation,
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        );
        let (full_w, full_h) = if turned {
            (file.height, file.width)
        } else {
            (file.width, file.height)
        };
        let key = file
            .sha256
            .first_chunk()
            .map_or(0, |bytes: &[u8; 8]| u64::from_be_bytes(*bytes));
        // Where a file's sequences start is drawn once for the file, what follows the sequence, once a view.
        let mut start = Draws::new(seed ^ key, 0);
        let mut draws = Draws::new(seed ^ key, 1 + k as u64);
        let fraction = |start: f32, step: f64| {
            let t = f64::from(start) + step * k as f64;
            t - t.floor()
        };
        let around = fraction(start.unit(), GOLDEN);
        let outward = fraction(start.unit(), SILVER);
        let w = EDGE.0 + (EDGE.1 - EDGE.0) * f64::from(draws.unit());
        let h = EDGE.0 + (EDGE.1 - EDGE.0) * f64::from(draws.unit());
        let (dx, dy) = off_centre(around, outward, 0.5 - 0.5 * w, 0.5 - 0.5 * h);
        let span = |centre: f64, share: f64, full: u32| {
            let length = ((share * f64::from(full)).round() as u32).clamp(1, full);
            let first = ((0.5 + centre) * f64::from(full) - 0.5 * f64::from(length))
                .round()
                .max(0.0) as u32;
            (first.min(full - length), length)
        };
        let (left, width) = span(dx, w, full_w);
        let (top, height) = span(dy, h, full_h);
        // Smaller sizes more often, as on the web; close to log-uniform without a logarithm.
        let t = f64::from(draws.unit());
        let wanted = LONG_SIDE.0 + (LONG_SIDE.1 - LONG_SIDE.0) * t * (0.4 + 0.6 * t);
        let long = width.max(height);
        let shrink = (wanted / f64::from(long)).min(1.0);
        let scaled = |v: u32| ((f64::from(v) * shrink).round() as u32).max(1);
        Window {
            full: (full_w, full_h),
            left,
            top,
            width,
            height,
            out: (scaled(width), scaled(height)),
            quality: draws.whole(88, 94) as u8,
            sampling: if draws.chance(0.8) {
                Sampling::Half
            } else {
                Sampling::Full
            },
        }
    }

    /// Width and height of the result.
    pub(super) fn size(&self) -> (u32, u32) {
        self.out
    }

    /// As the entry tells it.
    pub(super) fn view(&self) -> View {
        let (w, h) = (f64::from(self.full.0), f64::from(self.full.1));
        View {
            x: f64::from(self.left) / w,
            y: f64::from(self.top) / h,
            w: f64::from(self.width) / w,
            h: f64::from(self.height) / h,
            long_side: self.out.0.max(self.out.1),
        }
    }

    /// Turns the decoded file upright, cuts the window, scales and encodes it.
    pub(super) fn cut(
        &self,
        mut pixels: DynamicImage,
        file: &Found,
        bytes: &[u8],
    ) -> Result<Vec<u8>, String> {
        pixels.apply_orientation(file.orientation);
        if (pixels.width(), pixels.height()) != self.full {
            return Err("the decoder gave another size than in the scan".to_owned());
        }
        let window = pixels.crop_imm(self.left, self.top, self.width, self.height);
        let (w, h) = self.out;
        let grey = !window.color().has_color();
        let pixels = if file.as_png && window.color().has_alpha() {
            let small = resized(
                window.to_rgba8().into_raw(),
                (self.width, self.height),
                self.out,
                PixelType::U8x4,
            )?;
            Pixels::Rgba(RgbaImage::from_raw(w, h, small).unwrap_or_default())
        } else if grey {
            let small = resized(
                window.to_luma8().into_raw(),
                (self.width, self.height),
                self.out,
                PixelType::U8,
            )?;
            Pixels::Grey(GrayImage::from_raw(w, h, small).unwrap_or_default())
        } else {
            let small = resized(
                window.to_rgb8().into_raw(),
                (self.width, self.height),
                self.out,
                PixelType::U8x3,
            )?;
            Pixels::Rgb(RgbImage::from_raw(w, h, small).unwrap_or_default())
        };
        let is_grey = matches!(pixels, Pixels::Grey(_));
        let icc = read::profile(file.format, bytes, if is_grey { 1 } else { 3 });
        if file.as_png {
            return file::png_with(&pixels, icc);
        }
        let jpeg = Jpeg {
            quality: self.quality,
            sampling: self.sampling,
            progressive: false,
        };
        file::jpeg_with(
            &pixels,
            jpeg,
            &Segments {
                icc,
                ..Segments::default()
            },
        )
    }
}

/// A point of the frame between the rectangle of half sides [`OFF_CENTRE`] and the one of half sides
/// (`reach_x`, `reach_y`): `around` (0 to 1) goes once round it, `outward` (0 to 1) across it.
fn off_centre(around: f64, outward: f64, reach_x: f64, reach_y: f64) -> (f64, f64) {
    let side = around * 4.0;
    let along = 2.0 * (side - side.floor()) - 1.0;
    let across = |reach: f64| OFF_CENTRE + (reach - OFF_CENTRE) * outward;
    match side as u32 {
        0 => (along * reach_x, -across(reach_y)),
        1 => (across(reach_x), along * reach_y),
        2 => (-along * reach_x, across(reach_y)),
        _ => (-across(reach_x), -along * reach_y),
    }
}

/// Lanczos scaling of 8-bit samples; the same bytes when the size stays.
fn resized(
    samples: Vec<u8>,
    from: (u32, u32),
    to: (u32, u32),
    kind: PixelType,
) -> Result<Vec<u8>, String> {
    if from == to {
        return Ok(samples);
    }
    let source = Image::from_vec_u8(from.0, from.1, samples, kind).map_err(|e| e.to_string())?;
    let mut target = Image::new(to.0, to.1, kind);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|e| e.to_string())?;
    Ok(target.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_of_the_frame_is_off_centre_and_leaves_room_for_the_window() {
        for i in 0..1000 {
            for j in 0..20 {
                let (rx, ry) = (0.19, 0.27);
                let (dx, dy) = off_centre(f64::from(i) / 1000.0, f64::from(j) / 20.0, rx, ry);
                assert!(dx.abs().max(dy.abs()) >= OFF_CENTRE - 1e-12);
                assert!(dx.abs() <= rx + 1e-12 && dy.abs() <= ry + 1e-12);
            }
        }
    }
}
