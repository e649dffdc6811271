//! The pictures of a kit: drawn by the synthetic set, brought to sizes, formats and extras that tell parameters apart.

use std::io::Cursor;

use anyhow::{Context, Result};
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_image_files::metadata::fields::set_profile_time;
use credlink_transforms::recipe::steps::resize::{Filter, resized};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, Rgba, RgbaImage};

use super::limits::sized;
use crate::{received, thumbnail};

/// What is made of a drawn picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Making {
    /// A JPEG of this quality.
    Jpeg(u8),
    /// A JPEG that says it must be turned by a quarter.
    Turned,
    /// A JPEG with an ICC profile that is not sRGB.
    Profile,
    /// A grey JPEG.
    Grey,
    /// A PNG.
    Png,
    /// A PNG with transparent corners.
    Transparent,
}

/// One picture to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) purpose: String,
    pub(super) making: Making,
    /// Width and height as displayed.
    pub(super) size: (u32, u32),
}

/// A picture that was made.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    pub(super) class: String,
    pub(super) source: String,
}

/// A long side that hardly any service changes.
const MIDDLING: u32 = 900;
const LANDSCAPE: (u32, u32) = (4, 3);
const PORTRAIT: (u32, u32) = (3, 4);
/// JPEG quality where another would not tell more.
const QUALITY: u8 = 92;

/// A picture of this purpose, making, shape and long side.
fn of(purpose: &str, making: Making, shape: (u32, u32), long: u32) -> Wanted {
    Wanted {
        purpose: purpose.to_owned(),
        making,
        size: sized(shape, long),
    }
}

/// So many pictures, those that tell the most first: what a service does to formats and extras, then the sizes around each limit,
/// then qualities, and after that sizes in between.
pub(super) fn chosen(limits: &[u32], count: usize) -> Vec<Wanted> {
    const JPEG: Making = Making::Jpeg(QUALITY);
    let mut wanted = vec![
        of("a JPEG of middling size", JPEG, LANDSCAPE, MIDDLING),
        of("a PNG of middling size", Making::Png, LANDSCAPE, MIDDLING),
        of(
            "a JPEG that must be turned",
            Making::Turned,
            PORTRAIT,
            MIDDLING,
        ),
        of(
            "a JPEG with an ICC profile",
            Making::Profile,
            LANDSCAPE,
            MIDDLING,
        ),
        of(
            "a PNG with transparency",
            Making::Transparent,
            LANDSCAPE,
            MIDDLING,
        ),
    ];
    for limit in limits.iter().rev() {
        let (at, above) = (
            format!("at the limit of {limit} px"),
            format!("above the limit of {limit} px"),
        );
        let over = limit + limit / 8;
        wanted.push(of(&above, JPEG, LANDSCAPE, over));
        wanted.push(of(&at, JPEG, PORTRAIT, *limit));
        wanted.push(of(&format!("{above}, portrait"), JPEG, PORTRAIT, over));
    }
    if let Some(most) = limits.last() {
        wanted.push(of(
            "a PNG above every limit",
            Making::Png,
            LANDSCAPE,
            most + most / 8,
        ));
    }
    wanted.push(of(
        "a JPEG of low quality",
        Making::Jpeg(45),
        LANDSCAPE,
        MIDDLING,
    ));
    wanted.push(of(
        "a JPEG of high quality",
        Making::Jpeg(98),
        PORTRAIT,
        MIDDLING,
    ));
    wanted.push(of("a grey JPEG", Making::Grey, LANDSCAPE, MIDDLING));
    // More of the same kind count as more evidence.
    for turn in 0_u32.. {
        if wanted.len() >= count {
            break;
        }
        let shape = if turn % 2 == 0 { LANDSCAPE } else { PORTRAIT };
        wanted.push(of("one more size", JPEG, shape, 480 + 160 * (turn % 8)));
    }
    wanted.truncate(count);
    wanted
}

/// Makes a picture of the `turn`th scene of the set that looks like a photograph.
pub(super) fn made(set: &SyntheticSet, turn: usize, wanted: &Wanted) -> Result<Made> {
    let scenes = (0..).map(|index| set.entry(index));
    let mut scenes = scenes.filter(|entry| {
        entry.view.is_none()
            && matches!(
                entry.class.as_str(),
                "landscape" | "architecture" | "objects" | "portrait"
            )
    });
    let entry = scenes.nth(turn).context("the set has too few scenes")?;
    let drawn =
        received::decode_bytes(&set.load(entry.index)?.bytes).map_err(anyhow::Error::msg)?;
    let shown = thumbnail::shown(&drawn.image, drawn.orientation);
    let shown = DynamicImage::ImageRgb8(shown.to_rgb8());
    let picture = fitted(shown, wanted.size)?;
    Ok(Made {
        bytes: written(&picture, wanted.making)?,
        class: entry.class,
        source: entry.source,
    })
}

/// Cut to the shape around the centre, then scaled.
fn fitted(picture: DynamicImage, (width, height): (u32, u32)) -> Result<DynamicImage> {
    let (w, h) = (picture.width(), picture.height());
    let scale = (f64::from(width) / f64::from(w)).max(f64::from(height) / f64::from(h));
    let side = |wanted: u32, of: u32| ((f64::from(wanted) / scale).round() as u32).clamp(1, of);
    let (across, down) = (side(width, w), side(height, h));
    let cut = picture.crop_imm((w - across) / 2, (h - down) / 2, across, down);
    resized(&cut, width, height, Filter::Lanczos3).map_err(anyhow::Error::msg)
}

fn written(picture: &DynamicImage, making: Making) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let jpeg = |bytes: &mut Vec<u8>,
                picture: &DynamicImage,
                quality: u8,
                with: &dyn Fn(&mut JpegEncoder<&mut Vec<u8>>) -> Result<()>|
     -> Result<()> {
        let mut encoder = JpegEncoder::new_with_quality(bytes, quality);
        with(&mut encoder)?;
        picture
            .write_with_encoder(encoder)
            .context("failed to write a JPEG")
    };
    let plainly = |_: &mut JpegEncoder<&mut Vec<u8>>| Ok(());
    match making {
        Making::Jpeg(quality) => jpeg(&mut bytes, picture, quality, &plainly)?,
        Making::Grey => {
            let grey = DynamicImage::ImageLuma8(picture.to_luma8());
            jpeg(&mut bytes, &grey, QUALITY, &plainly)?;
        }
        // Coded lying, so that it stands when it is turned as it says.
        Making::Turned => jpeg(&mut bytes, &picture.rotate270(), QUALITY, &|encoder| {
            encoder
                .set_exif_metadata(turned_by_a_quarter())
                .context("failed to write EXIF")
        })?,
        Making::Profile => jpeg(&mut bytes, picture, QUALITY, &|encoder| {
            let profile = moxcms::ColorProfile::new_display_p3();
            let mut profile = profile
                .encode()
                .map_err(|error| anyhow::anyhow!("{error:?}"))?;
            set_profile_time(&mut profile, [0; 6]);
            encoder
                .set_icc_profile(profile)
                .context("failed to write a profile")
        })?,
        Making::Png => {
            let mut cursor = Cursor::new(Vec::new());
            picture
                .write_to(&mut cursor, image::ImageFormat::Png)
                .context("failed to write a PNG")?;
            bytes = cursor.into_inner();
        }
        Making::Transparent => {
            let see_through = with_transparent_corners(picture);
            let encoder = PngEncoder::new(&mut bytes);
            let (width, height) = see_through.dimensions();
            encoder
                .write_image(
                    see_through.as_raw(),
                    width,
                    height,
                    ExtendedColorType::Rgba8,
                )
                .context("failed to write a PNG")?;
        }
    }
    Ok(bytes)
}

/// An EXIF block that says orientation 6 and nothing else (EXIF 2.32, section 4.6.4).
fn turned_by_a_quarter() -> Vec<u8> {
    let mut block = b"II\x2a\0\x08\0\0\0\x01\0".to_vec();
    // Tag 0x0112, SHORT, one value: 6.
    block.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
    block.extend([0; 4]);
    block
}

/// Round corners, which fade.
fn with_transparent_corners(picture: &DynamicImage) -> RgbaImage {
    let mut picture = picture.to_rgba8();
    let (width, height) = picture.dimensions();
    let reach = f64::from(width.min(height)) / 4.0;
    for (x, y, Rgba([.., alpha])) in picture.enumerate_pixels_mut() {
        let off = |at: u32, side: u32| (reach - f64::from(at.min(side - 1 - at))).max(0.0);
        let distance = off(x, width).hypot(off(y, height));
        *alpha = (255.0 * (1.0 + (reach - distance) / 24.0).clamp(0.0, 1.0)) as u8;
    }
    picture
}
