//! AVIF: the only file that names rav1d.

use image::{DynamicImage, RgbImage, RgbaImage};
use re_rav1d::dav1d::{self, PixelLayout, PlanarImageComponent};
use re_rav1d::pixel::{MatrixCoefficients, YUVRange};

use super::{Decoded, check_size};
use crate::containers::heif::PrimaryItem;
use crate::error::DecodeError;
use crate::format::Format;
use crate::limits;

fn refused(reason: impl ToString) -> DecodeError {
    DecodeError::Codec {
        format: Format::Avif,
        reason: reason.to_string(),
    }
}

/// Decodes the colour planes and, if there, the alpha plane. 10- and 12-bit samples are reduced to 8.
/// `file_bytes` is the size of the whole file.
pub(crate) fn decode(item: &PrimaryItem, file_bytes: usize) -> Result<Decoded, DecodeError> {
    check_size((item.width, item.height), 3, file_bytes)?;
    let colour = picture(&item.colour, file_bytes)?;
    let (width, height) = (colour.width(), colour.height());
    // What the stream says counts, too.
    check_size((width, height), 3, file_bytes)?;
    let rgb = to_rgb(&colour)?;
    let pixels = match &item.alpha {
        None => DynamicImage::ImageRgb8(rgb),
        Some(data) => {
            let alpha = picture(data, file_bytes)?;
            if (alpha.width(), alpha.height()) != (width, height) {
                return Err(refused("the alpha plane differs in size from the picture"));
            }
            let luma = Plane::of(&alpha, PlanarImageComponent::Y, width as usize)?;
            let full = matches!(alpha.color_range(), YUVRange::Full);
            let rgba = RgbaImage::from_fn(width, height, |x, y| {
                let [r, g, b] = rgb.get_pixel(x, y).0;
                let sample = luma.at(x as usize, y as usize);
                let a = if full {
                    sample
                } else {
                    (sample - 16.0) * 255.0 / 219.0
                };
                image::Rgba([r, g, b, to_u8(a)])
            });
            DynamicImage::ImageRgba8(rgba)
        }
    };
    Ok(Decoded {
        pixels,
        orientation: item.orientation,
    })
}

/// Decodes the first frame of an AV1 stream.
fn picture(data: &[u8], file_bytes: usize) -> Result<dav1d::Picture, DecodeError> {
    let mut settings = dav1d::Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    // The limit stands before any plane is allocated, whatever the container said.
    let most = limits::SMALL.max(limits::PER_BYTE * file_bytes as u64);
    let most = most.min(limits::MAX_PIXELS);
    settings.set_frame_size_limit(u32::try_from(most).unwrap_or(u32::MAX));
    let mut decoder = dav1d::Decoder::with_settings(&settings).map_err(refused)?;
    let mut sent = decoder.send_data(data.to_vec(), None, None, None);
    loop {
        match decoder.get_picture() {
            Ok(picture) => return Ok(picture),
            Err(error) if !error.is_again() => return Err(refused(error)),
            Err(_) => match sent {
                Err(error) if error.is_again() => sent = decoder.send_pending_data(),
                Err(error) => return Err(refused(error)),
                Ok(()) => return Err(refused("the stream holds no complete picture")),
            },
        }
    }
}

/// One plane, its samples scaled to 0..=255 as floating point.
struct Plane {
    data: dav1d::Plane,
    stride: usize,
    wide: bool,
    scale: f32,
    last: (usize, usize),
}

impl Plane {
    fn of(
        picture: &dav1d::Picture,
        component: PlanarImageComponent,
        width: usize,
    ) -> Result<Self, DecodeError> {
        let (stride, height) = picture.plane_data_geometry(component);
        let depth = picture.bit_depth();
        let wide = depth > 8;
        let data = picture.plane(component);
        let row = width * if wide { 2 } else { 1 };
        if width == 0
            || height == 0
            || row > stride as usize
            || data.len() < stride as usize * height as usize
        {
            return Err(refused("a plane is smaller than the picture"));
        }
        let scale = 1.0 / f32::from(1_u16 << (depth.clamp(8, 16) - 8));
        Ok(Self {
            data,
            stride: stride as usize,
            wide,
            scale,
            last: (width - 1, height as usize - 1),
        })
    }

    /// The sample at column `x` and row `y`, clamped to the plane.
    fn at(&self, x: usize, y: usize) -> f32 {
        let (x, y) = (x.min(self.last.0), y.min(self.last.1));
        let row = &self.data[y * self.stride..];
        let value = if self.wide {
            u16::from_ne_bytes([row[2 * x], row[2 * x + 1]])
        } else {
            u16::from(row[x])
        };
        f32::from(value) * self.scale
    }

    /// The sample of a plane of half the columns or rows at full-size position (`x`, `y`): sites lie between the
    /// luma samples, so neighbours weigh 3 to 1.
    fn upsampled(&self, x: usize, y: usize, half_x: bool, half_y: bool) -> f32 {
        let axis = |position: usize, half: bool| {
            if !half {
                return (position, position);
            }
            let near = position / 2;
            (
                near,
                if position.is_multiple_of(2) {
                    near.saturating_sub(1)
                } else {
                    near + 1
                },
            )
        };
        let ((x0, x1), (y0, y1)) = (axis(x, half_x), axis(y, half_y));
        let row = |y| 0.75 * self.at(x0, y) + 0.25 * self.at(x1, y);
        0.75 * row(y0) + 0.25 * row(y1)
    }
}

fn to_u8(value: f32) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}

/// Converts with the matrix and range that the stream names (ITU-T H.273); unspecified means BT.601, as browsers do.
fn to_rgb(picture: &dav1d::Picture) -> Result<RgbImage, DecodeError> {
    let (width, height) = (picture.width(), picture.height());
    let columns = width as usize;
    let luma = Plane::of(picture, PlanarImageComponent::Y, columns)?;
    let full = matches!(picture.color_range(), YUVRange::Full);
    let luma_at = |x, y| {
        if full {
            luma.at(x, y)
        } else {
            (luma.at(x, y) - 16.0) * (255.0 / 219.0)
        }
    };
    let (half_x, half_y) = match picture.pixel_layout() {
        PixelLayout::I400 => {
            return Ok(RgbImage::from_fn(width, height, |x, y| {
                image::Rgb([to_u8(luma_at(x as usize, y as usize)); 3])
            }));
        }
        PixelLayout::I420 => (true, true),
        PixelLayout::I422 => (true, false),
        PixelLayout::I444 => (false, false),
    };
    let chroma_columns = if half_x { columns.div_ceil(2) } else { columns };
    let u = Plane::of(picture, PlanarImageComponent::U, chroma_columns)?;
    let v = Plane::of(picture, PlanarImageComponent::V, chroma_columns)?;
    let (red, blue) = match picture.matrix_coefficients() {
        MatrixCoefficients::Identity => {
            return Ok(RgbImage::from_fn(width, height, |x, y| {
                let (x, y) = (x as usize, y as usize);
                image::Rgb([to_u8(v.at(x, y)), to_u8(luma.at(x, y)), to_u8(u.at(x, y))])
            }));
        }
        MatrixCoefficients::BT709 => (0.2126, 0.0722),
        MatrixCoefficients::BT2020NonConstantLuminance => (0.2627, 0.0593),
        _ => (0.299_f32, 0.114_f32),
    };
    let green = 1.0 - red - blue;
    let gain = if full { 1.0 } else { 255.0 / 224.0 };
    Ok(RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as usize, y as usize);
        let luma = luma_at(x, y);
        let cb = (u.upsampled(x, y, half_x, half_y) - 128.0) * gain * 2.0 * (1.0 - blue);
        let cr = (v.upsampled(x, y, half_x, half_y) - 128.0) * gain * 2.0 * (1.0 - red);
        image::Rgb([
            to_u8(luma + cr),
            to_u8(luma - (blue * cb + red * cr) / green),
            to_u8(luma + cb),
        ])
    }))
}
