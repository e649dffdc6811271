//! What happens to an image besides pipelines, each a definition.

use anyhow::{Result, anyhow};
use credlink_transforms::recipe::steps::resize::{Filter, resized};
use image::{DynamicImage, GenericImageView, Rgb, RgbImage, imageops};

pub(crate) type Edit = (&'static str, fn(&DynamicImage, u64) -> Result<DynamicImage>);

/// What the catalogue may not have: each a definition.
pub(crate) const EDITS: &[Edit] = &[
    ("turned 2.4", |i, _| Ok(turned(i, 2.4))),
    ("turned -2.4", |i, _| Ok(turned(i, -2.4))),
    ("turned 1 flipped", |i, _| Ok(turned(i, 1.0).fliph())),
    ("turned 2 with corners", |i, _| {
        Ok(rotated(&i.to_rgb8(), 2.0).into())
    }),
    ("quarter turn, squashed", |i, _| {
        squashed(&i.rotate90(), 500, 400)
    }),
    ("aspect 1.5", |i, _| {
        squashed(i, (i.width() * 3 / 2).max(1), i.height())
    }),
    ("quarter of the area", |i, k| Ok(part(i, k, 0.5))),
    ("quarter of the area, flipped", |i, k| {
        Ok(part(i, k, 0.5).fliph())
    }),
    ("half of the area", |i, k| Ok(part(i, k, 0.7072))),
    ("0.6 of the area, turned", |i, k| {
        Ok(part(i, k, 0.7746).rotate270())
    }),
    ("square of the middle", |i, _| Ok(shaped(i, 1.0))),
    ("4:5 of the middle", |i, _| Ok(shaped(i, 0.8))),
    ("9:16 of the middle", |i, _| Ok(shaped(i, 0.5625))),
    ("letterbox", |i, _| {
        let (w, h) = i.dimensions();
        Ok(placed(i, (w, w.max(h) * 16 / 9), (0.5, 0.5), [0, 0, 0]))
    }),
    ("white frame", |i, _| {
        let (w, h) = i.dimensions();
        Ok(placed(
            i,
            (w + w / 6, h + w / 6),
            (0.5, 0.5),
            [255, 255, 255],
        ))
    }),
    ("blurred bars", |i, _| Ok(blurred_bars(i))),
    ("caption bar above", |i, _| Ok(captioned(i, 0.18, true))),
    ("caption over the lower part", |i, _| {
        Ok(captioned(i, 0.18, false))
    }),
    ("screen with bars", |i, _| Ok(screen(i))),
    ("crop and caption", |i, k| {
        Ok(captioned(&part(i, k, 0.8), 0.18, true))
    }),
];

/// At another size, edge to edge.
pub(crate) fn squashed(image: &DynamicImage, width: u32, height: u32) -> Result<DynamicImage> {
    resized(image, width, height, Filter::Bilinear).map_err(|error| anyhow!(error))
}

/// Turned by some degrees about the middle, corners black.
pub(crate) fn rotated(image: &RgbImage, degrees: f64) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (w, h) = (f64::from(image.width()), f64::from(image.height()));
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let (u, v) = (f64::from(x) + 0.5 - w / 2.0, f64::from(y) + 0.5 - h / 2.0);
        let (u, v) = (cos * u + sin * v + w / 2.0, cos * v - sin * u + h / 2.0);
        imageops::interpolate_bilinear(image, u as f32 - 0.5, v as f32 - 0.5).unwrap_or(Rgb([0; 3]))
    })
}

/// Turned, then cut to what has no corners.
pub(crate) fn turned(image: &DynamicImage, degrees: f64) -> DynamicImage {
    let turned = rotated(&image.to_rgb8(), degrees);
    let (w, h) = turned.dimensions();
    let (sin, cos) = degrees.to_radians().abs().sin_cos();
    let (long, short) = (f64::from(w.max(h)), f64::from(w.min(h)));
    // The largest rectangle of the same proportions.
    let scale = (short / (long * sin + short * cos)).min(long / (short * sin + long * cos));
    let (cw, ch) = (
        ((f64::from(w) * scale) as u32).max(1),
        ((f64::from(h) * scale) as u32).max(1),
    );
    imageops::crop_imm(&turned, (w - cw) / 2, (h - ch) / 2, cw, ch)
        .to_image()
        .into()
}

/// A part of both sides' share `share`, at a place that follows from `key`.
pub(crate) fn part(image: &DynamicImage, key: u64, share: f64) -> DynamicImage {
    let (w, h) = image.dimensions();
    let side = |length: u32| ((f64::from(length) * share) as u32).max(1);
    let (cw, ch) = (side(w), side(h));
    let at = |room: u32, key: u64| (key % u64::from(room + 1)) as u32;
    image.crop_imm(at(w - cw, key >> 8), at(h - ch, key >> 32), cw, ch)
}

/// The middle, with these proportions.
pub(crate) fn shaped(image: &DynamicImage, aspect: f64) -> DynamicImage {
    let (w, h) = image.dimensions();
    let cw = w.min((f64::from(h) * aspect) as u32).max(1);
    let ch = h.min((f64::from(w) / aspect) as u32).max(1);
    image.crop_imm((w - cw) / 2, (h - ch) / 2, cw, ch)
}

/// On a canvas of one colour.
pub(crate) fn placed(
    image: &DynamicImage,
    size: (u32, u32),
    at: (f64, f64),
    colour: [u8; 3],
) -> DynamicImage {
    let mut canvas = RgbImage::from_pixel(size.0, size.1, Rgb(colour));
    let x = f64::from(size.0 - image.width()) * at.0;
    let y = f64::from(size.1 - image.height()) * at.1;
    imageops::replace(&mut canvas, &image.to_rgb8(), x as i64, y as i64);
    canvas.into()
}

/// As stories do: the picture over a blurred, enlarged copy of itself.
pub(crate) fn blurred_bars(image: &DynamicImage) -> DynamicImage {
    let (w, h) = image.dimensions();
    let size = if w >= h {
        (w, w * 5 / 4)
    } else {
        (h * 5 / 4, h)
    };
    let back = image
        .resize_exact(48, 48, imageops::FilterType::Triangle)
        .blur(2.0)
        .resize_exact(size.0, size.1, imageops::FilterType::Triangle);
    let mut canvas = back.to_rgb8();
    let (x, y) = ((size.0 - w) / 2, (size.1 - h) / 2);
    imageops::replace(&mut canvas, &image.to_rgb8(), i64::from(x), i64::from(y));
    canvas.into()
}

/// Words as dark and light strokes on a bar, above the picture or over its lower part.
pub(crate) fn captioned(image: &DynamicImage, share: f64, above: bool) -> DynamicImage {
    let (w, h) = image.dimensions();
    let bar = ((f64::from(h) * share) as u32).max(8);
    let mut strip = RgbImage::from_pixel(w, bar, Rgb([250; 3]));
    let stroke = (bar / 10).max(1);
    for y in bar / 4..bar * 3 / 4 {
        for x in w / 12..w * 11 / 12 {
            let (column, row) = (x / stroke, y / stroke);
            if (column * 7 + row * 3 + column * row) % 5 < 2 && column % 9 != 0 {
                strip.put_pixel(x, y, Rgb([15; 3]));
            }
        }
    }
    let taller = if above { h + bar } else { h };
    let mut canvas = RgbImage::new(w, taller);
    let top = i64::from(if above { bar } else { 0 });
    imageops::replace(&mut canvas, &image.to_rgb8(), 0, top);
    let at = if above { 0 } else { i64::from(h - bar) };
    imageops::replace(&mut canvas, &strip, 0, at);
    canvas.into()
}

/// A phone's screen: the picture across its width, a busy bar above, another below.
pub(crate) fn screen(image: &DynamicImage) -> DynamicImage {
    let small = image.resize(1080, 1500, imageops::FilterType::Triangle);
    let mut canvas = RgbImage::from_fn(1080, 1920, |x, y| {
        let busy = !(140..1780).contains(&y) && x / 17 % 3 == 0 && y / 13 % 4 == 1;
        Rgb(if busy { [40, 40, 60] } else { [244, 244, 246] })
    });
    let (x, y) = ((1080 - small.width()) / 2, 200);
    imageops::replace(&mut canvas, &small.to_rgb8(), i64::from(x), y);
    canvas.into()
}

/// As a viewer shows it: JPEG keeps no transparency.
pub(crate) fn over_white(image: &DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image.clone();
    }
    let (w, h) = image.dimensions();
    let mut canvas = image::RgbaImage::from_pixel(w, h, image::Rgba([255; 4]));
    imageops::overlay(&mut canvas, &image.to_rgba8(), 0, 0);
    DynamicImage::from(canvas).to_rgb8().into()
}

pub(crate) fn jpeg(image: &DynamicImage, quality: u8) -> Result<DynamicImage> {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(&image.to_rgb8())?;
    Ok(image::load_from_memory(&bytes)?)
}

/// The middle of `image`, `share` of its area, shows another image: an ellipse with a soft edge.
pub(crate) fn with_subject(image: &DynamicImage, other: &DynamicImage, share: f64) -> DynamicImage {
    let mut canvas = image.to_rgb8();
    let (w, h) = canvas.dimensions();
    // An ellipse of half axes a·w and a·h has π·a² of the area.
    let axis = (share / std::f64::consts::PI).sqrt();
    let (ow, oh) = (
        (2.0 * axis * f64::from(w)) as u32,
        (2.0 * axis * f64::from(h)) as u32,
    );
    let subject = other
        .resize_to_fill(ow.max(1), oh.max(1), imageops::FilterType::Triangle)
        .to_rgb8();
    let (left, top) = ((w - subject.width()) / 2, (h - subject.height()) / 2);
    for (x, y, pixel) in subject.enumerate_pixels() {
        let u = (f64::from(x) + 0.5) / f64::from(subject.width()) * 2.0 - 1.0;
        let v = (f64::from(y) + 0.5) / f64::from(subject.height()) * 2.0 - 1.0;
        let opacity = ((1.0 - u.hypot(v)) * 20.0).clamp(0.0, 1.0);
        let under = canvas.get_pixel_mut(left + x, top + y);
        for (a, b) in under.0.iter_mut().zip(pixel.0) {
            *a = (f64::from(*a) * (1.0 - opacity) + f64::from(b) * opacity) as u8;
        }
    }
    canvas.into()
}
