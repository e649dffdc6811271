//! JPEG XL (ISO/IEC 18181): the only file that names jxl-oxide.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer, Pixel};
use jxl_oxide::{
    AllocTracker, AuxBoxData, EnumColourEncoding, FrameBufferSample, JxlImage, JxlThreadPool,
    RenderingIntent,
};

use super::{Decoded, check_size};
use crate::error::DecodeError;
use crate::format::Format;
use crate::limits;

/// Memory that a picture may need while it is rendered: planes of four bytes for a dozen channels and their copies, and
/// something for small ones. Headers may promise thousands of channels.
fn memory(bytes: &[u8]) -> usize {
    (1 << 28) + bytes.len() + limits::MAX_PIXELS as usize * 48
}

fn opened(bytes: &[u8]) -> Result<JxlImage, DecodeError> {
    let builder = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(memory(bytes)));
    builder.read(Cursor::new(bytes)).map_err(refused)
}

fn refused(reason: impl std::fmt::Display) -> DecodeError {
    DecodeError::Codec {
        format: Format::Jxl,
        reason: reason.to_string(),
    }
}

/// Whether the pixels stay in the colours of an embedded profile. All others are rendered in sRGB: those coded in XYB,
/// whatever profile they came with, and those whose colours the header names.
fn in_own_profile(image: &JxlImage) -> bool {
    image.original_icc().is_some() && !image.image_header().metadata.xyb_encoded
}

/// Decodes the first frame, turned as the header says, to 8 or 16 bits a sample.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let mut image = opened(bytes)?;
    check_size((image.width(), image.height()), 4, bytes.len())?;
    let format = image.pixel_format();
    if format.has_black() {
        return Err(refused("CMYK is not read"));
    }
    if !in_own_profile(&image) {
        let intent = RenderingIntent::Relative;
        image.request_color_encoding(if format.is_grayscale() {
            EnumColourEncoding::gray_srgb(intent)
        } else {
            EnumColourEncoding::srgb(intent)
        });
    }
    let wide = image.image_header().metadata.bit_depth.bits_per_sample() > 8;
    let (colour, alpha) = (!format.is_grayscale(), format.has_alpha());
    let pixels = match (colour, alpha, wide) {
        (false, false, false) => rendered::<image::Luma<u8>>(&image).map(DynamicImage::from),
        (false, true, false) => rendered::<image::LumaA<u8>>(&image).map(DynamicImage::from),
        (true, false, false) => rendered::<image::Rgb<u8>>(&image).map(DynamicImage::from),
        (true, true, false) => rendered::<image::Rgba<u8>>(&image).map(DynamicImage::from),
        (false, false, true) => rendered::<image::Luma<u16>>(&image).map(DynamicImage::from),
        (false, true, true) => rendered::<image::LumaA<u16>>(&image).map(DynamicImage::from),
        (true, false, true) => rendered::<image::Rgb<u16>>(&image).map(DynamicImage::from),
        (true, true, true) => rendered::<image::Rgba<u16>>(&image).map(DynamicImage::from),
    };
    Ok(Decoded {
        pixels: pixels?,
        orientation: Orientation::NoTransforms,
    })
}

/// The first frame as pixels of one type.
fn rendered<P>(image: &JxlImage) -> Result<ImageBuffer<P, Vec<P::Subpixel>>, DecodeError>
where
    P: Pixel,
    P::Subpixel: FrameBufferSample + Default + Clone,
{
    let frame = image.render_frame(0).map_err(refused)?;
    let mut stream = frame.stream();
    let (width, height) = (stream.width(), stream.height());
    if stream.channels() != u32::from(P::CHANNEL_COUNT) {
        return Err(refused("an unusual number of channels"));
    }
    let length = width as usize * height as usize * usize::from(P::CHANNEL_COUNT);
    let mut samples = vec![P::Subpixel::default(); length];
    stream.write_to_buffer(&mut samples);
    ImageBuffer::from_raw(width, height, samples).ok_or_else(|| refused("an empty picture"))
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
    let Ok(image) = opened(bytes) else {
        return Beside::default();
    };
    let boxes = image.aux_boxes();
    let exif = match boxes.first_exif() {
        // The block may have something in front of it; how much, the box says.
        Ok(AuxBoxData::Data(exif)) => {
            let start = exif.tiff_header_offset() as usize;
            exif.payload().get(start..).map(<[u8]>::to_vec)
        }
        _ => None,
    };
    let xmp = match boxes.first_xml() {
        AuxBoxData::Data(xml) => Some(xml.to_vec()),
        _ => None,
    };
    Beside {
        exif,
        xmp,
        icc: image
            .original_icc()
            .filter(|_| in_own_profile(&image))
            .map(<[u8]>::to_vec),
    }
}
