//! What happens to a marked image: the rows of the table.

use std::io::Cursor;

use anyhow::{Result, anyhow};
use credlink_image_files::decode;
use credlink_sign_core::watermark::Effort;
use credlink_transforms::codecs::{avif, jpeg, webp};
use credlink_transforms::recipe::steps::resize::{Filter, resized};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, imageops};

pub(crate) type Attack = (
    &'static str,
    Effort,
    fn(&DynamicImage) -> Result<DynamicImage>,
);

/// The attacks of the table, each with the effort that it needs at most.
pub(crate) const ATTACKS: &[Attack] = &[
    ("none", Effort::Search, |i| Ok(i.clone())),
    ("jpeg75", Effort::Search, |i| coded(i, 75)),
    ("jpeg50", Effort::Search, |i| coded(i, 50)),
    ("jpeg30", Effort::Search, |i| coded(i, 30)),
    ("webp50", Effort::Search, |i| webp_coded(i, 50)),
    ("avif50", Effort::Search, |i| avif_coded(i, 50)),
    ("avif40", Effort::Search, |i| avif_coded(i, 40)),
    ("r1600+j75", Effort::Search, |i| {
        coded(&to_long(i, 1600)?, 75)
    }),
    ("r1080+j75", Effort::Search, |i| {
        coded(&to_long(i, 1080)?, 75)
    }),
    ("r640+j75", Effort::Search, |i| coded(&to_long(i, 640)?, 75)),
    ("r640+w60", Effort::Search, |i| {
        webp_coded(&to_long(i, 640)?, 60)
    }),
    ("r640+j50", Effort::Search, |i| coded(&to_long(i, 640)?, 50)),
    ("r400+j75", Effort::Search, |i| coded(&to_long(i, 400)?, 75)),
    ("r400+j50", Effort::Search, |i| coded(&to_long(i, 400)?, 50)),
    ("rec5+resize", Effort::Search, recoded),
    ("rec5 j55-70", Effort::Search, |i| {
        [60, 70, 55, 65, 60]
            .into_iter()
            .try_fold(i.clone(), |i, q| coded(&i, q))
    }),
    ("pal256", Effort::Search, palette),
    ("sharpen", Effort::Search, |i| Ok(i.unsharpen(2.0, 0))),
    ("blur r1", Effort::Search, |i| Ok(i.blur(1.0))),
    ("bright1.25", Effort::Search, |i| toned(i, |v| v * 1.25)),
    ("sat1.6", Effort::Search, |i| Ok(saturated(i, 1.6))),
    ("gamma.7", Effort::Search, |i| {
        toned(i, |v| 255.0 * (v / 255.0).powf(0.7))
    }),
    ("gamma1.4", Effort::Search, |i| {
        toned(i, |v| 255.0 * (v / 255.0).powf(1.4))
    }),
    ("gray+j50", Effort::Search, |i| {
        coded(&DynamicImage::from(i.to_luma8()), 50)
    }),
    ("noise10+j60", Effort::Search, |i| {
        coded(&noisy(i, 10.0), 60)
    }),
    ("filter+r1080+j70", Effort::Search, |i| {
        let toned = toned(&saturated(i, 1.3), |v| {
            255.0 * (((v - 128.0) * 1.2 + 128.0).max(0.0) / 255.0).powf(0.9)
        })?;
        coded(&to_long(&toned, 1080)?, 70)
    }),
    ("hflip+j60", Effort::Search, |i| coded(&i.fliph(), 60)),
    ("rot90+j75", Effort::Search, |i| coded(&i.rotate90(), 75)),
    ("letterbox+j85", Effort::Search, |i| coded(&boxed(i), 85)),
    ("caption+j80", Effort::Search, |i| coded(&captioned(i), 80)),
    ("capbar+j80", Effort::Search, |i| coded(&barred(i), 80)),
    ("crop10+j75", Effort::Search, |i| {
        coded(&cropped(i, 0.10, 0.03, 0.90, 0.90), 75)
    }),
    ("crop10+r1080+j75", Effort::Search, |i| {
        coded(&to_long(&cropped(i, 0.10, 0.03, 0.90, 0.90), 1080)?, 75)
    }),
    ("crop25+j75", Effort::Search, |i| {
        coded(&cropped(i, 0.12, 0.12, 0.75, 0.75), 75)
    }),
    ("crop50area", Effort::Search, |i| {
        Ok(cropped(i, 0.15, 0.15, 0.70, 0.70))
    }),
    ("ar1:1+j75", Effort::Search, |i| coded(&aspect(i, 1.0), 75)),
    ("ar4:5+r1080+j75", Effort::Search, |i| {
        coded(&to_long(&aspect(i, 0.8), 1080)?, 75)
    }),
    ("rot2+j80", Effort::SearchRotated, |i| {
        coded(&turned(i, 2.0), 80)
    }),
    ("rot1+j80", Effort::SearchRotated, |i| {
        coded(&turned(i, -1.0), 80)
    }),
];

pub(crate) fn reopened(bytes: &[u8]) -> Result<DynamicImage> {
    Ok(decode::decode(bytes)?.pixels)
}

/// Colours over white, as 8-bit RGB.
pub(crate) fn flat(image: &DynamicImage) -> RgbImage {
    let image = image.to_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [colours @ .., alpha] = image.get_pixel(x, y).0;
        Rgb(colours.map(|c| {
            ((u32::from(c) * u32::from(alpha) + 255 * (255 - u32::from(alpha)) + 127) / 255) as u8
        }))
    })
}

pub(crate) fn coded(image: &DynamicImage, quality: u8) -> Result<DynamicImage> {
    let settings = jpeg::Settings {
        encoder: jpeg::Encoder::LibjpegTurbo,
        quality,
        chroma: jpeg::Chroma::Quarter,
        progressive: false,
    };
    let image = if image.color().has_color() {
        flat(image).into()
    } else {
        DynamicImage::from(image.to_luma8())
    };
    reopened(&jpeg::encode(&image, settings)?)
}

pub(crate) fn webp_coded(image: &DynamicImage, quality: u8) -> Result<DynamicImage> {
    let settings = webp::Settings {
        quality,
        method: 4,
        lossless: false,
    };
    reopened(&webp::encode(&flat(image).into(), settings)?)
}

pub(crate) fn avif_coded(image: &DynamicImage, quality: u8) -> Result<DynamicImage> {
    reopened(&avif::encode(&flat(image).into(), quality, 10)?)
}

pub(crate) fn palette(image: &DynamicImage) -> Result<DynamicImage> {
    let mut gif = Cursor::new(Vec::new());
    DynamicImage::from(DynamicImage::from(flat(image)).to_rgba8())
        .write_to(&mut gif, ImageFormat::Gif)?;
    reopened(gif.get_ref())
}

pub(crate) fn to_long(image: &DynamicImage, long: u32) -> Result<DynamicImage> {
    let factor = f64::from(long) / f64::from(image.width().max(image.height()));
    by(image, factor)
}

pub(crate) fn by(image: &DynamicImage, factor: f64) -> Result<DynamicImage> {
    let side = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
    resized(
        image,
        side(image.width()),
        side(image.height()),
        Filter::Lanczos3,
    )
    .map_err(|reason| anyhow!(reason))
}

pub(crate) fn recoded(image: &DynamicImage) -> Result<DynamicImage> {
    let image = by(&coded(image, 80)?, 0.9)?;
    let image = by(&webp_coded(&image, 70)?, 0.9)?;
    let image = by(&coded(&image, 75)?, 1.1)?;
    let image = by(&coded(&image, 75)?, 0.85)?;
    webp_coded(&image, 65)
}

pub(crate) fn each(
    image: &DynamicImage,
    mut change: impl FnMut([f32; 3]) -> [f32; 3],
) -> DynamicImage {
    let mut image = flat(image);
    for pixel in image.pixels_mut() {
        pixel.0 = change(pixel.0.map(f32::from)).map(|value| (value + 0.5) as u8);
    }
    image.into()
}

pub(crate) fn toned(image: &DynamicImage, tone: impl Fn(f32) -> f32) -> Result<DynamicImage> {
    Ok(each(image, |pixel| pixel.map(&tone)))
}

pub(crate) fn saturated(image: &DynamicImage, factor: f32) -> DynamicImage {
    each(image, |pixel| {
        let luma = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
        pixel.map(|value| luma + factor * (value - luma))
    })
}

pub(crate) fn noisy(image: &DynamicImage, deviation: f32) -> DynamicImage {
    let mut state = 1_u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    each(image, |pixel| {
        pixel.map(|value| value + deviation * ((0..12).map(|_| uniform()).sum::<f32>() - 6.0))
    })
}

pub(crate) fn cropped(
    image: &DynamicImage,
    left: f64,
    top: f64,
    width: f64,
    height: f64,
) -> DynamicImage {
    let (w, h) = (f64::from(image.width()), f64::from(image.height()));
    image.crop_imm(
        (left * w) as u32,
        (top * h) as u32,
        (width * w) as u32,
        (height * h) as u32,
    )
}

pub(crate) fn aspect(image: &DynamicImage, aspect: f64) -> DynamicImage {
    let (w, h) = (f64::from(image.width()), f64::from(image.height()));
    let (width, height) = if w > h * aspect {
        (h * aspect / w, 1.0)
    } else {
        (1.0, w / aspect / h)
    };
    cropped(
        image,
        (1.0 - width) / 2.0,
        (1.0 - height) / 2.0,
        width,
        height,
    )
}

pub(crate) fn boxed(image: &DynamicImage) -> DynamicImage {
    let inner = flat(&image.resize(1080, 1920, imageops::FilterType::CatmullRom));
    let mut canvas = RgbImage::new(1080, 1920);
    let place = |side: u32, full: u32| i64::from((full - side) / 2);
    imageops::replace(
        &mut canvas,
        &inner,
        place(inner.width(), 1080),
        place(inner.height(), 1920),
    );
    canvas.into()
}

/// Something like lines of text.
pub(crate) fn write_over(image: &mut RgbImage, top: u32, height: u32, ink: Rgb<u8>) {
    let size = (height / 3).max(4);
    let width = image.width();
    for y in top + size / 2..(top + height).saturating_sub(size / 2).min(image.height()) {
        for x in width / 12..width - width / 12 {
            let (letter, within) = (x / size, (x % size, (y - top) % size));
            let stroke = (letter * 7 + within.0 / 2 * 3 + within.1 / 2 * 5) % 3 == 0;
            if letter % 6 != 5 && stroke && within.0 * 4 < size * 3 && within.1 * 4 < size * 3 {
                image.put_pixel(x, y, ink);
            }
        }
    }
}

pub(crate) fn captioned(image: &DynamicImage) -> DynamicImage {
    let mut image = flat(image);
    let height = image.height() / 9;
    let top = image.height() - height - image.height() / 20;
    write_over(&mut image, top, height, Rgb([255; 3]));
    image.into()
}

pub(crate) fn barred(image: &DynamicImage) -> DynamicImage {
    let inner = flat(image);
    let bar = inner.height() / 5;
    let mut canvas = RgbImage::from_pixel(inner.width(), inner.height() + bar, Rgb([255; 3]));
    write_over(&mut canvas, 0, bar, Rgb([0; 3]));
    imageops::replace(&mut canvas, &inner, 0, i64::from(bar));
    canvas.into()
}

/// Turned about the centre, bilinear, the corners black.
pub(crate) fn turned(image: &DynamicImage, degrees: f32) -> DynamicImage {
    let image = flat(image);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (cx, cy) = (image.width() as f32 / 2.0, image.height() as f32 / 2.0);
    let turned = RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let (u, v) = (x as f32 + 0.5 - cx, y as f32 + 0.5 - cy);
        let (x, y) = (cos * u + sin * v + cx - 0.5, cos * v - sin * u + cy - 0.5);
        imageops::interpolate_bilinear(&image, x, y).unwrap_or(Rgb([0; 3]))
    });
    turned.into()
}
