//! Bytes to pixels, for every format we read. Limits come before decoding: a header may promise anything.

mod avif;
mod check;
pub(crate) mod jxl;
mod libjpeg;

pub use check::{check_size, check_structure, scans};
pub use libjpeg::by_libjpeg;

use std::io::Cursor;

use image::codecs::{
    bmp::BmpDecoder, gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, tiff::TiffDecoder,
    webp::WebPDecoder,
};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageResult, Limits};

use crate::containers::{heif, jpeg, webp};
use crate::error::DecodeError;
use crate::format::Format;
use crate::{limits, metadata};

/// Decoded pixels as coded, and how to turn them for display.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The pixels in coded order, before the EXIF orientation.
    pub pixels: DynamicImage,
    /// How a viewer turns the pixels (EXIF tag 274, or HEIF `irot`/`imir`).
    pub orientation: Orientation,
}

/// Decodes an image file: animated files give their first frame, CMYK becomes RGB.
///
/// # Errors
/// Unknown format, damaged data, or more than [`limits`] allow, by the header (nothing is decoded then).
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let format = Format::sniff(bytes).ok_or_else(|| DecodeError::unknown(bytes))?;
    check_structure(format, bytes)?;
    let mut decoded = pixels(format, bytes)?;
    if decoded.orientation == Orientation::NoTransforms
        && let Some(exif) = metadata::exif(format, bytes)
    {
        // Decoders pass over EXIF behind the pixels, in a second segment, or with a prefix of another container.
        let tag = Orientation::from_exif_chunk(&exif);
        decoded.orientation = tag.unwrap_or(Orientation::NoTransforms);
    }
    Ok(decoded)
}

fn pixels(format: Format, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let mended = match format {
        Format::WebP => webp::with_true_flags(bytes),
        _ => None,
    };
    let cursor = Cursor::new(mended.as_deref().unwrap_or(bytes));
    match format {
        // The decoder for the rest makes another picture of components that are coded one after the other where one of them
        // is lower (zune-jpeg 0.5.15, its issues 419, 422 and 448), without a word.
        Format::Jpeg if jpeg::has_separate_scans(bytes) => Ok(Decoded {
            pixels: by_libjpeg(bytes).map_err(|reason| DecodeError::Codec { format, reason })?,
            orientation: Orientation::NoTransforms,
        }),
        Format::Jpeg => with(format, bytes.len(), JpegDecoder::new(cursor)),
        Format::Png => with(
            format,
            bytes.len(),
            PngDecoder::with_limits(cursor, decoder_limits(bytes.len())),
        ),
        Format::WebP => with(format, bytes.len(), WebPDecoder::new(cursor)),
        Format::Gif => with(format, bytes.len(), GifDecoder::new(cursor)),
        Format::Tiff => match metadata::tiff::indexed(bytes) {
            None => with(format, bytes.len(), TiffDecoder::new(cursor)),
            Some((grey, colours)) => {
                let indices = with(format, bytes.len(), TiffDecoder::new(Cursor::new(&grey)))?;
                Ok(coloured(indices, &colours))
            }
        },
        Format::Bmp => with(format, bytes.len(), BmpDecoder::new(cursor)),
        Format::Jxl => jxl::decode(bytes),
        Format::Avif => {
            let item = heif::primary_item(bytes)
                .map_err(|reason| DecodeError::Codec { format, reason })?;
            avif::decode(&item, bytes.len())
        }
    }
}

/// Pixels by their index in a palette of 256 colours; the decoder reads no palettes itself.
fn coloured(indices: Decoded, colours: &[[u8; 3]]) -> Decoded {
    let grey = indices.pixels.to_luma8();
    let rgb = image::RgbImage::from_fn(grey.width(), grey.height(), |x, y| {
        let index = usize::from(grey.get_pixel(x, y)[0]);
        image::Rgb(colours.get(index).copied().unwrap_or_default())
    });
    Decoded {
        pixels: rgb.into(),
        ..indices
    }
}

/// `file_bytes` is the size of the file.
fn decoder_limits(file_bytes: usize) -> Limits {
    let mut held = Limits::default();
    // What the pixels may take, as much again for the decoder's own buffers, and something for metadata: a profile of a few
    // kilobytes may unfold to gigabytes.
    let pixels = limits::SMALL.max(limits::PER_BYTE * file_bytes as u64);
    held.max_alloc = Some(2 * limits::MAX_BYTES.min(4 * pixels) + (16 << 20));
    held
}

fn with<D: ImageDecoder>(
    format: Format,
    file_bytes: usize,
    decoder: ImageResult<D>,
) -> Result<Decoded, DecodeError> {
    let codec = |error: image::ImageError| DecodeError::Codec {
        format,
        reason: error.to_string(),
    };
    let mut decoder = decoder.map_err(codec)?;
    let (width, height) = decoder.dimensions();
    let pixel_bytes = u64::from(decoder.color_type().bytes_per_pixel());
    check_size((width, height), pixel_bytes, file_bytes)?;
    if width == 0 || height == 0 {
        return Err(DecodeError::Codec {
            format,
            reason: format!("{width} x {height} pixels"),
        });
    }
    decoder
        .set_limits(decoder_limits(file_bytes))
        .map_err(codec)?;
    // An unreadable orientation is no orientation: viewers show such files as coded.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let pixels = DynamicImage::from_decoder(decoder).map_err(codec)?;
    Ok(Decoded {
        pixels,
        orientation,
    })
}
