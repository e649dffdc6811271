//! Resampling: the only file that names fast_image_resize.

use std::sync::Arc;

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ImageBuffer, Pixel};
use serde::Deserialize;

use super::area::averaged;
use super::pillow;
use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};
use crate::value::{Area, Factor, Side};
use credlink_image_files::{Format, limits};

/// The resampling filter, by its name in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Filter {
    /// Point sampling, no averaging.
    Nearest,
    /// Area average over whole pixels (Pillow's box).
    Box,
    /// Area average in which a pixel counts by the share of it that is covered (libgd).
    Area,
    /// Triangle, widened when shrinking.
    Bilinear,
    /// Catmull-Rom cubic (Pillow's and Photoshop's bicubic).
    Bicubic,
    /// Catmull-Rom cubic, the picture half a new pixel nearer to the upper left: how libvips enlarges.
    LibvipsCubic,
    /// Mitchell-Netravali cubic.
    Mitchell,
    /// Windowed sinc, three lobes.
    Lanczos3,
    /// The same in Pillow's own fixed point, to be met bit by bit; opaque pixels come out with 8 bits.
    PillowLanczos3,
}

impl Filter {
    /// The resampler's word for it; none for what is done here.
    fn algorithm(self) -> Option<ResizeAlg> {
        let kind = match self {
            Self::Area | Self::PillowLanczos3 => return None,
            Self::Nearest => return Some(ResizeAlg::Nearest),
            Self::Box => FilterType::Box,
            Self::Bilinear => FilterType::Bilinear,
            Self::Bicubic | Self::LibvipsCubic => FilterType::CatmullRom,
            Self::Mitchell => FilterType::Mitchell,
            Self::Lanczos3 => FilterType::Lanczos3,
        };
        Some(ResizeAlg::Convolution(kind))
    }
}

/// The rule for the new dimensions, in pixels of the coded image.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// Inside a box of this width and height, keeping the aspect ratio.
    Fit(Side, Side),
    /// Covering a box, the overhang cut away evenly.
    Fill(Side, Side),
    /// Cut to the shape of a box at whole pixels, then resampled to exactly the box.
    Cover(Side, Side),
    /// To this width, keeping the aspect ratio.
    Width(Side),
    /// To this long side, keeping the aspect ratio.
    LongSide(Side),
    /// At most this many pixels, keeping the aspect ratio.
    MaxPixels(Area),
    /// Both sides times this factor.
    Scale(Factor),
}

/// `resize = { fit = [1600, 1600], filter = "lanczos3", upscale = false }`: one rule of `fit`, `fill`, `cover`, `width`,
/// `long_side`, `max_pixels` and `scale`. `fill` resamples and cuts; `cover` cuts and resamples, as thumbor does, which
/// cuts nothing where the shapes agree to two decimals; without `upscale = true` the box shrinks to the image first, as WordPress
/// has it. Without `upscale = true` an image is never enlarged (`scale` always may).
/// `linear_light = true` resamples light rather than sRGB values, as Squoosh does and servers do not. `enlarge` is the
/// filter for enlarging where it is another one; `round = "down"` cuts the fractions of a side off. `shrink_on_load = true`
/// says that a JPEG file is decoded at a half, a quarter or an eighth of its size first, as sharp does. `one_factor = true` scales
/// both sides by the same factor around the middle, as libvips does, where others stretch each to whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WireResize")]
pub struct Resize {
    rule: Rule,
    filter: Filter,
    upscale: bool,
    linear_light: bool,
    enlarge: Option<Filter>,
    round: Rounding,
    shrink_on_load: bool,
    one_factor: bool,
}

/// What becomes of the fractions of a pixel that a side would have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Rounding {
    #[default]
    Nearest,
    Down,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireResize {
    fit: Option<(Side, Side)>,
    fill: Option<(Side, Side)>,
    cover: Option<(Side, Side)>,
    width: Option<Side>,
    long_side: Option<Side>,
    max_pixels: Option<Area>,
    scale: Option<Factor>,
    filter: Filter,
    #[serde(default)]
    upscale: bool,
    #[serde(default)]
    linear_light: bool,
    enlarge: Option<Filter>,
    #[serde(default)]
    round: Rounding,
    #[serde(default)]
    shrink_on_load: bool,
    #[serde(default)]
    one_factor: bool,
}

impl TryFrom<WireResize> for Resize {
    type Error = String;

    fn try_from(wire: WireResize) -> Result<Self, String> {
        let rules = [
            wire.fit.map(|(width, height)| Rule::Fit(width, height)),
            wire.fill.map(|(width, height)| Rule::Fill(width, height)),
            wire.cover.map(|(width, height)| Rule::Cover(width, height)),
            wire.width.map(Rule::Width),
            wire.long_side.map(Rule::LongSide),
            wire.max_pixels.map(Rule::MaxPixels),
            wire.scale.map(Rule::Scale),
        ];
        let mut given = rules.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(rule), None) => Ok(Self {
                rule,
                filter: wire.filter,
                upscale: wire.upscale,
                linear_light: wire.linear_light,
                enlarge: wire.enlarge,
                round: wire.round,
                shrink_on_load: wire.shrink_on_load,
                one_factor: wire.one_factor,
            }),
            _ => Err(
                "resize takes exactly one of fit, fill, cover, width, long_side, max_pixels and scale"
                    .to_owned(),
            ),
        }
    }
}

impl Resize {
    /// The dimensions that an image of `width` x `height` gets, before `fill` cuts; equal to the given ones where
    /// nothing is to be done.
    #[must_use]
    pub fn target(&self, width: u32, height: u32) -> (u32, u32) {
        if let Some((box_w, box_h)) = self.cover_box(width, height) {
            return (box_w.into(), box_h.into());
        }
        let (w, h) = (f64::from(width), f64::from(height));
        let factor = self.factor(w, h);
        let may_grow = self.upscale || matches!(self.rule, Rule::Scale(_));
        if factor == 1.0 || (factor > 1.0 && !may_grow) {
            return (width, height);
        }
        let scaled = |length: f64| {
            let exact = length * factor;
            let whole = match self.round {
                Rounding::Nearest => exact.round(),
                // The factor is a quotient: what is whole but for its last bits is whole.
                Rounding::Down => (exact + 1e-9).floor(),
            };
            whole.clamp(1.0, 65_535.0) as u32
        };
        (scaled(w), scaled(h))
    }
}

impl Resize {
    /// The box that `cover` fills; no larger than the picture where nothing is enlarged.
    fn cover_box(&self, width: u32, height: u32) -> Option<(u16, u16)> {
        let Rule::Cover(box_width, box_height) = self.rule else {
            return None;
        };
        let within = |side: Side, length: u32| match self.upscale {
            true => side.get(),
            false => side.get().min(u16::try_from(length).unwrap_or(u16::MAX)),
        };
        Some((within(box_width, width), within(box_height, height)))
    }

    /// What both sides are multiplied by.
    fn factor(&self, w: f64, h: f64) -> f64 {
        let side = |side: Side| f64::from(side.get());
        match self.rule {
            Rule::Fit(max_w, max_h) => (side(max_w) / w).min(side(max_h) / h),
            Rule::Fill(min_w, min_h) | Rule::Cover(min_w, min_h) => {
                (side(min_w) / w).max(side(min_h) / h)
            }
            Rule::Width(target) => side(target) / w,
            Rule::LongSide(target) => side(target) / w.max(h),
            Rule::MaxPixels(limit) => (f64::from(limit.get()) / (w * h)).sqrt(),
            Rule::Scale(factor) => factor.get(),
        }
    }

    /// By what sharp lets libjpeg shrink a JPEG file while decoding: the largest of 8, 4 and 2 that leaves something to do,
    /// and half of it where the whole part of the shrink is just that (lovell/sharp src/pipeline.cc).
    fn shrunk_by(&self, width: u32, height: u32) -> u32 {
        let shrink = 1.0 / self.factor(f64::from(width), f64::from(height));
        match shrink {
            9.0.. => 8,
            5.0.. => 4,
            3.0.. => 2,
            _ => 1,
        }
    }
}

/// Decoded at a part of its size: the mean of each block, as the low frequencies of a block give it. libvips cuts the rest
/// at the right and below off, so that the shape changes a little.
fn shrunk(work: &mut Work<'_>, by: u32) -> Result<(), StepErrorKind> {
    let meter = work.meter();
    let frame = work.frame_mut()?;
    let (width, height) = (frame.pixels.width() / by, frame.pixels.height() / by);
    let whole = frame.pixels.crop_imm(0, 0, width * by, height * by);
    let shrunk = meter.resize(|| resized(&whole, width, height, Filter::Box));
    frame.pixels = Arc::new(shrunk.map_err(StepErrorKind::Engine)?);
    Ok(())
}

impl Apply for Resize {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        let (mut width, mut height) = (work.frame()?.pixels.width(), work.frame()?.pixels.height());
        if self.shrink_on_load && work.file().format() == Format::Jpeg {
            let by = self.shrunk_by(width, height);
            if by > 1 && width.min(height) >= by {
                shrunk(work, by)?;
                (width, height) = (width / by, height / by);
            }
        }
        let cover = self.cover_box(width, height);
        if let Some(shape) = cover {
            let cut = cut_to_shape((width, height), shape);
            if cut != (width, height) {
                let frame = work.frame_mut()?;
                let (x, y) = (cut_from(width, cut.0), cut_from(height, cut.1));
                frame.pixels = Arc::new(frame.pixels.crop_imm(x, y, cut.0, cut.1));
                (width, height) = cut;
            }
        }
        let (new_width, new_height) = match cover {
            Some((box_width, box_height)) => (box_width.into(), box_height.into()),
            None => self.target(width, height),
        };
        let pixels = u64::from(new_width) * u64::from(new_height);
        if new_width.max(new_height) > limits::MAX_SIDE || pixels > limits::MAX_RESIZED {
            return Err(StepErrorKind::Engine(format!(
                "{width} x {height} pixels would become {new_width} x {new_height}: sides may have {} and a picture {} pixels",
                limits::MAX_SIDE,
                limits::MAX_RESIZED
            )));
        }
        let meter = work.meter();
        if (new_width, new_height) != (width, height) {
            let frame = work.frame_mut()?;
            let filter = match self.enlarge {
                Some(enlarge) if new_width > width || new_height > height => enlarge,
                _ => self.filter,
            };
            let resample = if self.linear_light {
                resized_in_linear_light
            } else {
                resized
            };
            let factor = self.factor(f64::from(width), f64::from(height));
            let resized = meter.resize(|| {
                if self.one_factor && !self.linear_light {
                    let size = (new_width, new_height);
                    return resized_by_one_factor(&frame.pixels, size, factor, filter);
                }
                resample(&frame.pixels, new_width, new_height, filter)
            });
            frame.pixels = Arc::new(resized.map_err(StepErrorKind::Engine)?);
        }
        if let Rule::Fill(box_width, box_height) = self.rule {
            let (cut_width, cut_height) = (
                new_width.min(box_width.get().into()),
                new_height.min(box_height.get().into()),
            );
            if (cut_width, cut_height) != (new_width, new_height) {
                let frame = work.frame_mut()?;
                let (x, y) = ((new_width - cut_width) / 2, (new_height - cut_height) / 2);
                frame.pixels = Arc::new(frame.pixels.crop_imm(x, y, cut_width, cut_height));
            }
        }
        Ok(Flow::Continue)
    }
}

/// The largest cut of a box's shape, as thumbor reckons it (transformer.py, auto_crop).
fn cut_to_shape((width, height): (u32, u32), (box_width, box_height): (u16, u16)) -> (u32, u32) {
    let (w, h) = (f64::from(width), f64::from(height));
    let (box_w, box_h) = (f64::from(box_width), f64::from(box_height));
    let decimals = |ratio: f64| (ratio * 100.0).round();
    if decimals(w / h) == decimals(box_w / box_h) {
        (width, height)
    } else if box_w / w > box_h / h {
        let kept = (w * box_h / box_w).round().clamp(1.0, h) as u32;
        (width, kept)
    } else {
        let kept = (box_w * h / box_h).ceil().clamp(1.0, w) as u32;
        (kept, height)
    }
}

/// Where a centred cut begins, as thumbor reckons it: the middle is a whole pixel, and halves go to the even one.
fn cut_from(side: u32, kept: u32) -> u32 {
    let exact = f64::from(side / 2) - f64::from(kept) / 2.0;
    exact.round_ties_even().clamp(0.0, f64::from(side - kept)) as u32
}

/// Resamples to exactly `width` x `height` pixels; alpha is multiplied in first and divided out behind. The pixel type stays,
/// but for [`Filter::Area`], which gives 8-bit RGB or RGBA, and [`Filter::PillowLanczos3`], which gives 8 bits.
///
/// # Errors
/// In the resampler's words, for a pixel type that it does not know.
pub fn resized(
    pixels: &DynamicImage,
    width: u32,
    height: u32,
    filter: Filter,
) -> Result<DynamicImage, String> {
    let colour = pixels.color();
    let filter = match filter {
        // Pillow multiplies alpha in, which the other resampler does as well.
        Filter::PillowLanczos3 if colour.has_alpha() => Filter::Lanczos3,
        other => other,
    };
    let Some(algorithm) = filter.algorithm() else {
        return Ok(match filter {
            Filter::PillowLanczos3 if !colour.has_color() => {
                DynamicImage::ImageLuma8(pillow::lanczos3(pixels, width, height).to_luma8())
            }
            Filter::PillowLanczos3 => pillow::lanczos3(pixels, width, height),
            _ => averaged(pixels, width, height),
        });
    };
    let mut target = DynamicImage::new(width, height, pixels.color());
    let mut options = ResizeOptions::new().resize_alg(algorithm);
    let widened: DynamicImage;
    let mut source = pixels;
    if filter == Filter::LibvipsCubic {
        // A margin of one pixel, which repeats the edge, to take the half of a new pixel from.
        widened = with_margin(pixels, 0)?;
        source = &widened;
        let (w, h) = (f64::from(pixels.width()), f64::from(pixels.height()));
        let (left, top) = (0.5 * w / f64::from(width), 0.5 * h / f64::from(height));
        options = options.crop((1.0 - left).max(0.0), (1.0 - top).max(0.0), w, h);
    }
    Resizer::new()
        .resize(source, &mut target, &options)
        .map_err(|error| format!("resampler: {error}"))?;
    Ok(target)
}

/// As [`resized`], both sides by one factor around the middle: what a side's whole pixels leave over is cut off or repeated at
/// its two edges, and nothing is stretched.
fn resized_by_one_factor(
    pixels: &DynamicImage,
    (width, height): (u32, u32),
    factor: f64,
    filter: Filter,
) -> Result<DynamicImage, String> {
    let (w, h) = (f64::from(pixels.width()), f64::from(pixels.height()));
    // The part of the picture that the new pixels cover.
    let (across, down) = (f64::from(width) / factor, f64::from(height) / factor);
    let is_whole = (across - w).abs() < 1e-6 && (down - h).abs() < 1e-6;
    // Half a new pixel must not be more than the margin; it is so only where both were rounded to one pixel.
    let within = |part: f64, side: f64| (part - side) / 2.0 <= 1.0 && part > 0.0;
    let algorithm = filter
        .algorithm()
        .filter(|_| filter != Filter::LibvipsCubic);
    let Some(algorithm) = algorithm.filter(|_| !is_whole && within(across, w) && within(down, h))
    else {
        return resized(pixels, width, height, filter);
    };
    // A margin of one pixel, which repeats the edge.
    let margin = with_margin(pixels, 1)?;
    let mut target = DynamicImage::new(width, height, pixels.color());
    let options = ResizeOptions::new().resize_alg(algorithm).crop(
        1.0 + (w - across) / 2.0,
        1.0 + (h - down) / 2.0,
        across,
        down,
    );
    Resizer::new()
        .resize(&margin, &mut target, &options)
        .map_err(|error| format!("resampler: {error}"))?;
    Ok(target)
}

/// The picture with its first column and row once more, at the left and above, and its last ones so many times more behind.
fn with_margin(pixels: &DynamicImage, behind: u32) -> Result<DynamicImage, String> {
    // `DynamicImage` itself is copied by way of 8 bits a sample.
    macro_rules! typed {
        ($($kind:ident)*) => {
            match pixels {
                $(DynamicImage::$kind(image) => Ok(DynamicImage::$kind(margin(image, behind))),)*
                other => Err(format!("resampler: no margin for {:?}", other.color())),
            }
        };
    }
    typed!(ImageLuma8 ImageLumaA8 ImageRgb8 ImageRgba8 ImageLuma16 ImageLumaA16 ImageRgb16 ImageRgba16 ImageRgb32F ImageRgba32F)
}

fn margin<P: Pixel>(
    image: &ImageBuffer<P, Vec<P::Subpixel>>,
    behind: u32,
) -> ImageBuffer<P, Vec<P::Subpixel>> {
    let (width, height) = image.dimensions();
    ImageBuffer::from_fn(width + 1 + behind, height + 1 + behind, |x, y| {
        let within = |place: u32, side: u32| place.saturating_sub(1).min(side - 1);
        *image.get_pixel(within(x, width), within(y, height))
    })
}

/// As [`resized`], on 16-bit linear light; the result has 8 bits.
fn resized_in_linear_light(
    pixels: &DynamicImage,
    width: u32,
    height: u32,
    filter: Filter,
) -> Result<DynamicImage, String> {
    let mut linear = pixels.to_rgba16();
    // The transfer function of IEC 61966-2-1.
    let to_linear: Vec<u16> = (0..=u16::MAX)
        .map(|value| {
            let value = f64::from(value) / 65535.0;
            let light = if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            };
            (light * 65535.0).round() as u16
        })
        .collect();
    for pixel in linear.pixels_mut() {
        for sample in &mut pixel.0[..3] {
            *sample = to_linear[usize::from(*sample)];
        }
    }
    let resized = resized(&linear.into(), width, height, filter)?.to_rgba16();
    let from_linear: Vec<u8> = (0..=u16::MAX)
        .map(|light| {
            let light = f64::from(light) / 65535.0;
            let value = if light <= 0.003_130_8 {
                light * 12.92
            } else {
                1.055 * light.powf(1.0 / 2.4) - 0.055
            };
            (value * 255.0).round() as u8
        })
        .collect();
    let mut result = image::RgbaImage::new(width, height);
    for (target, source) in result.pixels_mut().zip(resized.pixels()) {
        let [r, g, b] = [0, 1, 2].map(|c| from_linear[usize::from(source[c])]);
        *target = image::Rgba([r, g, b, (u32::from(source[3]) / 257) as u8]);
    }
    let result = DynamicImage::from(result);
    Ok(if pixels.color().has_alpha() {
        result
    } else {
        result.to_rgb8().into()
    })
}
