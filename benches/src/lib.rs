//! Inputs that the benchmarks share: the same picture at two sizes, and a signer.

use std::io::Cursor;
use std::sync::Arc;

use anyhow::{Context, Result};
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_image_files::decode;
use credlink_sign_core::keys::{Date, Identity, Validity};
use credlink_sign_core::{Pixels, Signer};
use credlink_transforms::codecs::jpeg::{self, Chroma, Encoder, Settings};
use credlink_transforms::recipe::steps::resize::{Filter, resized};
use image::DynamicImage;
use zeroize::Zeroizing;

/// The sizes measured: a name, width and height in pixels (0.4 and 2.0 megapixels).
pub const SIZES: [(&str, u32, u32); 2] = [("0.4MP", 774, 516), ("2MP", 1732, 1154)];

/// A photograph-like picture of the synthetic set, resampled to the size.
///
/// # Errors
/// When the set or a codec fails.
pub fn picture(width: u32, height: u32) -> Result<DynamicImage> {
    let set = SyntheticSet::new(7);
    let index = (0..1000)
        .find(|index| {
            let entry = set.entry(*index);
            entry.class == "landscape" && entry.width >= 1600 && entry.width > entry.height
        })
        .context("the synthetic set has no large landscape")?;
    let decoded = decode::decode(&set.load(index)?.bytes)?;
    let rgb = DynamicImage::ImageRgb8(decoded.pixels.to_rgb8());
    resized(&rgb, width, height, Filter::Lanczos3).map_err(anyhow::Error::msg)
}

/// The picture as a JPEG file of quality 90, 4:2:0.
///
/// # Errors
/// When the set or a codec fails.
pub fn jpeg_file(width: u32, height: u32) -> Result<Vec<u8>> {
    let settings = Settings {
        encoder: Encoder::JpegEncoder,
        quality: 90,
        chroma: Chroma::Quarter,
        progressive: false,
    };
    Ok(jpeg::encode(&picture(width, height)?, settings)?)
}

/// The picture as a PNG file.
///
/// # Errors
/// When the set or a codec fails.
pub fn png_file(width: u32, height: u32) -> Result<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    picture(width, height)?.write_to(&mut file, image::ImageFormat::Png)?;
    Ok(file.into_inner())
}

/// A signer with a fixed key.
///
/// # Errors
/// When the certificates cannot be made.
pub fn signer() -> Result<Signer> {
    let validity = Validity {
        not_before: Date::new(2025, 1, 1)?,
        not_after: Date::new(2045, 1, 1)?,
    };
    Ok(Signer::new(Identity::generate(
        Zeroizing::new([7; 32]),
        "CredLink benchmarks",
        validity,
    )?)?)
}

/// The decoder that the harness hands to verification.
///
/// # Errors
/// The decoder's words.
pub fn decode_pixels(bytes: &[u8]) -> Result<Pixels, String> {
    let decoded = decode::decode(bytes).map_err(|error| error.to_string())?;
    Ok(Pixels {
        image: Arc::new(decoded.pixels),
        orientation: decoded.orientation,
        shown: credlink_sign_core::Shown::These,
    })
}
