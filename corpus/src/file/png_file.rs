//! PNG files: grey, colour, transparent, and 8-bit palettes. The only file that knows the PNG library.

use std::borrow::Cow;

use png::text_metadata::{ITXtChunk, TEXtChunk};
use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter, Info};

use super::palette::Palette;
use super::{Editorial, Metadata, Pixels};

/// zlib's level 4: what quick exporters use, and half the time of the default.
const LEVEL: u8 = 4;

/// The keyword of an XMP packet (XMP specification, part 3, 1.1.5).
const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

/// Encodes grey, RGB or RGBA at 8 bits.
pub(crate) fn png(pixels: &Pixels, metadata: &Metadata) -> Result<Vec<u8>, String> {
    let parts = metadata.parts()?;
    let mut info = info(pixels, parts.icc);
    let texts = metadata.editorial.iter().flat_map(Editorial::png);
    for (keyword, text) in texts {
        let chunk = TEXtChunk::new(keyword, text);
        info.uncompressed_latin1_text.push(chunk);
    }
    if let Some(xmp) = parts.xmp {
        let packet = String::from_utf8(xmp).map_err(|e| e.to_string())?;
        info.utf8_text.push(ITXtChunk::new(XMP_KEYWORD, packet));
    }
    let (_, _, samples) = pixels.raw();
    write(info, colour(pixels), Filter::Adaptive, samples)
}

/// As [`png()`], with the bytes of an ICC profile alone.
pub(crate) fn png_with(pixels: &Pixels, icc: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
    let (_, _, samples) = pixels.raw();
    write(info(pixels, icc), colour(pixels), Filter::Adaptive, samples)
}

fn info(pixels: &Pixels, icc: Option<Vec<u8>>) -> Info<'static> {
    let (width, height, _) = pixels.raw();
    let mut info = Info::with_size(width, height);
    info.icc_profile = icc.map(Cow::Owned);
    info
}

fn colour(pixels: &Pixels) -> ColorType {
    match pixels {
        Pixels::Grey(_) => ColorType::Grayscale,
        Pixels::Rgb(_) => ColorType::Rgb,
        Pixels::Rgba(_) => ColorType::Rgba,
    }
}

/// Encodes at most 256 colours as palette indices. Pictures that have more lose the difference.
pub(crate) fn png_palette(pixels: &Pixels) -> Result<Vec<u8>, String> {
    let Pixels::Rgb(image) = pixels else {
        return png(pixels, &Metadata::default());
    };
    let palette = Palette::of(image);
    let mut info = Info::with_size(image.width(), image.height());
    info.palette = Some(Cow::Owned(palette.colours.concat()));
    // Filters work on neighbouring numbers; neighbouring indices mean nothing to one another.
    write(
        info,
        ColorType::Indexed,
        Filter::NoFilter,
        &palette.indices(image),
    )
}

fn write(
    info: Info<'_>,
    colour: ColorType,
    filter: Filter,
    samples: &[u8],
) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let words = |e: png::EncodingError| e.to_string();
    let mut encoder = Encoder::with_info(&mut out, info).map_err(words)?;
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_deflate_compression(DeflateCompression::Level(LEVEL));
    encoder.set_filter(filter);
    let mut writer = encoder.write_header().map_err(words)?;
    writer.write_image_data(samples).map_err(words)?;
    writer.finish().map_err(words)?;
    Ok(out)
}
