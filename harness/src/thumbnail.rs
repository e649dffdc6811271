//! Small pictures: of manifests (C2PA 2.2, "Thumbnail") and of galleries.

use anyhow::Result;
use credlink_sign_core::Pixels;
use credlink_transforms::codecs::jpeg::{self, Chroma, Encoder};
use credlink_transforms::recipe::steps::resize::{Filter, resized};
use image::metadata::Orientation;
use image::{DynamicImage, Rgb, RgbImage};

/// Longest side of a manifest's thumbnail, pixels, and its JPEG quality: enough to recognise a picture, in some 20 KB.
const LONGEST_SIDE: u32 = 512;
const QUALITY: u8 = 80;

/// A manifest's thumbnail: a JPEG of the picture as displayed, on white where it is transparent.
///
/// # Errors
/// The words of resampler or coder.
pub fn of_manifest(pixels: &Pixels) -> Result<Vec<u8>, String> {
    let shown = shown(&pixels.image, pixels.orientation);
    let small = small(&shown, LONGEST_SIDE);
    let coded = small.and_then(|small| encoded(&small, QUALITY));
    coded.map_err(|error| format!("{error:#}"))
}

/// The picture as a viewer shows it: turned as its orientation says.
pub(crate) fn shown(pixels: &DynamicImage, orientation: Orientation) -> DynamicImage {
    let mut picture = pixels.clone();
    picture.apply_orientation(orientation);
    picture
}

/// The picture with sides of at most that many pixels, opaque, on white.
pub(crate) fn small(picture: &DynamicImage, longest_side: u32) -> Result<DynamicImage> {
    let (width, height) = (picture.width(), picture.height());
    let scale = f64::from(longest_side) / f64::from(width.max(height).max(1));
    let fit = |side: u32| ((f64::from(side) * scale.min(1.0)).round() as u32).max(1);
    let rgba = DynamicImage::ImageRgba8(picture.to_rgba8());
    let rgba =
        resized(&rgba, fit(width), fit(height), Filter::Lanczos3).map_err(anyhow::Error::msg)?;
    let rgba = rgba.to_rgba8();
    let mut flat = RgbImage::new(rgba.width(), rgba.height());
    for (target, source) in flat.pixels_mut().zip(rgba.pixels()) {
        let [red, green, blue, alpha] = source.0.map(u16::from);
        let over_white = |v: u16| ((v * alpha + 255 * (255 - alpha)) / 255) as u8;
        *target = Rgb([red, green, blue].map(over_white));
    }
    Ok(DynamicImage::ImageRgb8(flat))
}

/// As JPEG.
pub(crate) fn encoded(picture: &DynamicImage, quality: u8) -> Result<Vec<u8>> {
    let settings = jpeg::Settings {
        encoder: Encoder::JpegEncoder,
        quality,
        chroma: Chroma::Quarter,
        progressive: false,
    };
    Ok(jpeg::encode(picture, settings)?)
}
