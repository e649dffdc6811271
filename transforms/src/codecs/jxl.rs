//! JPEG XL (ISO/IEC 18181): the only file that names jxl-oxide and zune-jpegxl.

use std::io::Cursor;

use image::DynamicImage;
use jxl_oxide::integration::JxlDecoder;
use jxl_oxide::{AuxBoxData, JxlImage, JxlThreadPool};
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_jpegxl::JxlSimpleEncoder;

use super::decode::{Decoded, with};
use crate::error::{DecodeError, EncodeError};
use crate::format::Format;

/// Decodes the first frame, turned as the header says; the pixels are in the colours of the profile that [`profile`]
/// gives.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let decoder = JxlDecoder::with_thread_pool(Cursor::new(bytes), JxlThreadPool::none());
    let mut decoded = with(Format::Jxl, decoder)?;
    decoded.orientation = image::metadata::Orientation::NoTransforms;
    if let DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_) = decoded.pixels {
        let alpha = decoded.pixels.color().has_alpha();
        decoded.pixels = if alpha {
            decoded.pixels.to_rgba16().into()
        } else {
            decoded.pixels.to_rgb16().into()
        };
    }
    Ok(decoded)
}

/// Encodes without loss at the pixels' own depth and in sRGB, as a bare codestream.
///
/// # Errors
/// When a side is a single pixel, which the encoder does not take, or the encoder refuses otherwise.
pub fn encode(pixels: &DynamicImage) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = (pixels.width(), pixels.height());
    if width < 2 || height < 2 {
        return Err(EncodeError::TooSmall {
            format: Format::Jxl,
            width,
            height,
        });
    }
    let colour = pixels.color();
    let space = match (colour.has_color(), colour.has_alpha()) {
        (false, false) => ColorSpace::Luma,
        (false, true) => ColorSpace::LumaA,
        (true, false) => ColorSpace::RGB,
        (true, true) => ColorSpace::RGBA,
    };
    let deep = colour.bytes_per_pixel() / colour.channel_count() > 1;
    let depth = if deep {
        BitDepth::Sixteen
    } else {
        BitDepth::Eight
    };
    let options = EncoderOptions::new(width as usize, height as usize, space, depth);
    let mut file = Vec::new();
    let samples = pixels.as_bytes();
    let encoded = JxlSimpleEncoder::new(samples, options).encode(&mut file);
    encoded.map_err(|error| EncodeError::Codec {
        format: Format::Jxl,
        reason: format!("{error:?}"),
    })?;
    Ok(file)
}

/// EXIF (the TIFF structure), XMP and the colour profile of a file, each if it is there and can be read.
#[derive(Default)]
pub(crate) struct Beside {
    pub(crate) exif: Option<Vec<u8>>,
    pub(crate) xmp: Option<Vec<u8>>,
    pub(crate) icc: Option<Vec<u8>>,
}

/// What lies beside the picture. Boxes may be packed with Brotli, which the decoder undoes.
pub(crate) fn beside(bytes: &[u8]) -> Beside {
    let builder = JxlImage::builder().pool(JxlThreadPool::none());
    let Ok(image) = builder.read(Cursor::new(bytes)) else {
        return Beside::default();
    };
    let boxes = image.aux_boxes();
    let exif = match boxes.first_exif() {
        Ok(AuxBoxData::Data(exif)) => Some(exif.payload().to_vec()),
        _ => None,
    };
    let xmp = match boxes.first_xml() {
        AuxBoxData::Data(xml) => Some(xml.to_vec()),
        _ => None,
    };
    Beside {
        exif,
        xmp,
        icc: image.original_icc().map(<[u8]>::to_vec),
    }
}
