//! What is read from a stranger's file: pixels, orientation, colour profile.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::DynamicImage;
use image::metadata::Orientation;
use img_parts::{DynImage, ImageICC};

use super::{Decoder, MAX_PIXELS};
use crate::Format;

/// Decodes, with a look at the announced size first. A panic in the decoder becomes a reason like any other:
/// a set of thousands of files must not end at one of them.
pub(super) fn decoded(decode: &Decoder, bytes: &[u8]) -> Result<DynamicImage, String> {
    if let Some((w, h)) = announced_size(bytes)
        && u64::from(w) * u64::from(h) > MAX_PIXELS
    {
        return Err(format!(
            "{w}x{h} is more than {} megapixels",
            MAX_PIXELS / 1_000_000
        ));
    }
    let pixels = catch_unwind(AssertUnwindSafe(|| decode(bytes)))
        .map_err(|_| "the decoder panicked".to_owned())??;
    if pixels.width() == 0 || pixels.height() == 0 {
        return Err("no pixels".to_owned());
    }
    if u64::from(pixels.width()) * u64::from(pixels.height()) > MAX_PIXELS {
        return Err(format!(
            "{}x{} is more than {} megapixels",
            pixels.width(),
            pixels.height(),
            MAX_PIXELS / 1_000_000
        ));
    }
    Ok(pixels)
}

/// Width and height by the header, where the `image` crate knows the format.
fn announced_size(bytes: &[u8]) -> Option<(u32, u32)> {
    image::ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .ok()?
        .into_dimensions()
        .ok()
}

/// The EXIF orientation of a file; upright where there is none or it is malformed, as viewers take it.
///
/// AVIF turns by its own `irot` and `imir` properties, which decoders apply, and ignores EXIF (ISO/IEC
/// 23000-22, 7.3.1), so it counts as upright.
pub(super) fn orientation(format: Format, bytes: &[u8]) -> Orientation {
    if format == Format::Avif {
        return Orientation::NoTransforms;
    }
    exif::Reader::new()
        .read_from_container(&mut Cursor::new(bytes))
        .ok()
        .and_then(|exif| {
            exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?
                .value
                .get_uint(0)
        })
        .and_then(|tag| Orientation::from_exif(u8::try_from(tag).ok()?))
        .unwrap_or(Orientation::NoTransforms)
}

/// The ICC profile of a file, if it describes pixels of the given number of colour channels (1 or 3): a
/// decoder that turned CMYK into RGB left the old profile behind.
pub(super) fn profile(bytes: &[u8], colour_channels: usize) -> Option<Vec<u8>> {
    let file = DynImage::from_bytes(bytes.to_vec().into()).ok()??;
    let profile = file.icc_profile()?;
    let space: &[u8] = if colour_channels == 1 {
        b"GRAY"
    } else {
        b"RGB "
    };
    (profile.get(16..20)? == space).then(|| profile.to_vec())
}
