//! JPEG encoding: the only file that names `mozjpeg` and `jpeg-encoder`, and what a JPEG file says of its making.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::DynamicImage;
use serde::Deserialize;

use crate::error::EncodeError;
use crate::format::Format;

/// Whose encoder behaviour is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Encoder {
    /// libjpeg-turbo's defaults: Annex K tables, default Huffman tables, no trellis.
    LibjpegTurbo,
    /// mozjpeg's defaults: its own tables, trellis quantisation, optimised Huffman tables.
    Mozjpeg,
    /// The `jpeg-encoder` crate: Annex K tables, default Huffman tables.
    JpegEncoder,
}

/// How colour is subsampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum Chroma {
    /// Full colour resolution.
    #[serde(rename = "4:4:4")]
    Full,
    /// Half the columns.
    #[serde(rename = "4:2:2")]
    HalfWidth,
    /// Half the columns and half the rows.
    #[serde(rename = "4:2:0")]
    Quarter,
}

/// One way of writing a JPEG file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Whose behaviour.
    pub encoder: Encoder,
    /// 1 to 100 in the IJG scale.
    pub quality: u8,
    /// Colour subsampling; grey images have no colour.
    pub chroma: Chroma,
    /// Progressive rather than baseline scans.
    pub progressive: bool,
}

/// Encodes 8-bit RGB or grey; alpha must have been flattened. The file carries JFIF and no other metadata.
///
/// # Errors
/// When a side exceeds 65,535 pixels or the encoder refuses.
pub fn encode(pixels: &DynamicImage, settings: Settings) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = (pixels.width(), pixels.height());
    let (Ok(narrow), Ok(short)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(EncodeError::TooLarge {
            format: Format::Jpeg,
            width,
            height,
        });
    };
    let refused = |reason: String| EncodeError::Codec {
        format: Format::Jpeg,
        reason,
    };
    let grey = !pixels.color().has_color();
    let (luma, rgb);
    let samples: &[u8] = match pixels {
        DynamicImage::ImageRgb8(image) => image,
        DynamicImage::ImageLuma8(image) => image,
        _ if grey => {
            luma = pixels.to_luma8();
            &luma
        }
        _ => {
            rgb = pixels.to_rgb8();
            &rgb
        }
    };
    if settings.encoder == Encoder::JpegEncoder {
        return with_jpeg_encoder(samples, narrow, short, grey, settings).map_err(refused);
    }
    // libjpeg reports fatal errors by unwinding; nothing that outlives the call is touched.
    catch_unwind(AssertUnwindSafe(|| {
        with_mozjpeg(samples, width as usize, height as usize, grey, settings)
    }))
    .unwrap_or_else(|panic| Err(panic_message(&*panic)))
    .map_err(refused)
}

/// The words of a caught panic: libjpeg's own where it was the one.
pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the codec panicked").to_owned()
}

fn with_mozjpeg(
    samples: &[u8],
    width: usize,
    height: usize,
    grey: bool,
    settings: Settings,
) -> Result<Vec<u8>, String> {
    use mozjpeg::{ColorSpace, Compress};
    let mut compress = Compress::new(if grey {
        ColorSpace::JCS_GRAYSCALE
    } else {
        ColorSpace::JCS_RGB
    });
    compress.set_size(width, height);
    if settings.encoder == Encoder::LibjpegTurbo {
        compress.set_fastest_defaults();
    } else {
        // The scan search makes the file a little smaller and changes no coefficient, at several times the cost.
        compress.set_optimize_scans(false);
    }
    compress.set_quality(f32::from(settings.quality.max(1)));
    if !grey {
        let size = match settings.chroma {
            Chroma::Full => (1, 1),
            Chroma::HalfWidth => (2, 1),
            Chroma::Quarter => (2, 2),
        };
        compress.set_chroma_sampling_pixel_sizes(size, size);
    }
    if settings.progressive {
        compress.set_progressive_mode();
    }
    let mut started = compress
        .start_compress(Vec::new())
        .map_err(|error| error.to_string())?;
    started
        .write_scanlines(samples)
        .map_err(|error| error.to_string())?;
    started.finish().map_err(|error| error.to_string())
}

fn with_jpeg_encoder(
    samples: &[u8],
    width: u16,
    height: u16,
    grey: bool,
    settings: Settings,
) -> Result<Vec<u8>, String> {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, settings.quality.max(1));
    encoder.set_sampling_factor(match settings.chroma {
        Chroma::Full => SamplingFactor::F_1_1,
        Chroma::HalfWidth => SamplingFactor::F_2_1,
        Chroma::Quarter => SamplingFactor::F_2_2,
    });
    encoder.set_progressive(settings.progressive);
    let colour = if grey {
        ColorType::Luma
    } else {
        ColorType::Rgb
    };
    encoder
        .encode(samples, width, height, colour)
        .map_err(|error| error.to_string())?;
    Ok(file)
}

/// What a JPEG file says of its making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// The IJG quality whose luma table is nearest to the file's, 1 to 100; none where the file has no table.
    pub quality: Option<u8>,
    /// Whether the frame is progressive.
    pub progressive: bool,
    /// The luma component's horizontal and vertical sampling factors.
    pub luma_sampling: (u8, u8),
}

/// Reads [`Traits`] from the headers before the first scan; `None` where there is no frame header. Tables may stand
/// before or behind the frame header.
#[must_use]
pub fn traits(bytes: &[u8]) -> Option<Traits> {
    let (mut quality, mut frame) = (None, None);
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == 0xFF {
            at += 1;
            continue;
        }
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let Some(body) = bytes.get(at + 4..end) else {
            break;
        };
        match marker {
            0xDB => quality = quality.or_else(|| luma_quality(body)),
            0xC0..=0xC2 => {
                frame = body
                    .get(7)
                    .map(|sampling| (marker == 0xC2, (sampling >> 4, sampling & 15)))
            }
            0xDA => break,
            _ => {}
        }
        at = end;
    }
    frame.map(|(progressive, luma_sampling)| Traits {
        quality,
        progressive,
        luma_sampling,
    })
}

/// Annex K.1 luminance table of ITU-T T.81, in zigzag order.
const LUMA: [u16; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37,
    29, 40, 58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81,
    87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];

/// The quality whose scaled Annex K table is nearest to the first 8-bit table with index 0.
fn luma_quality(body: &[u8]) -> Option<u8> {
    let (&0, table) = body.split_first()? else {
        return None;
    };
    let table = table.get(..64)?;
    let distance = |quality: u16| -> u32 {
        // The scaling of IJG's jpeg_quality_scaling().
        let scale = if quality < 50 {
            5000 / quality
        } else {
            200 - 2 * quality
        };
        let entries = LUMA
            .iter()
            .map(|&base| ((u32::from(base) * u32::from(scale) + 50) / 100).clamp(1, 255));
        entries
            .zip(table)
            .map(|(entry, &found)| entry.abs_diff(u32::from(found)))
            .sum()
    };
    (1..=100_u16)
        .min_by_key(|&quality| distance(quality))
        .and_then(|quality| u8::try_from(quality).ok())
}
