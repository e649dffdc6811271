//! JPEG encoding: the only file that names `mozjpeg` and `jpeg-encoder`, and what a JPEG file says of its making.

use std::borrow::Cow;

use image::DynamicImage;
use serde::Deserialize;

pub use super::chroma::Chroma;
use super::jpegli;
use super::libjpeg::compress::{Job, compress};
use crate::error::EncodeError;
use credlink_image_files::containers::jpeg::segments;
use credlink_image_files::{Format, caught};

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
    /// jpegli's tables at a quality of its scale; see [`super::jpegli`] for what is not followed.
    Jpegli,
}

/// One way of writing a JPEG file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Whose behaviour.
    pub encoder: Encoder,
    /// 1 to 100 in the IJG scale, or jpegli's.
    pub quality: u8,
    /// Colour subsampling; grey images have no colour.
    pub chroma: Chroma,
    /// Progressive rather than baseline scans.
    pub progressive: bool,
}

/// What is seldom asked for on top of [`Settings`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Huffman tables fitted to the image; mozjpeg's and progressive files always have them.
    pub optimised: bool,
    /// Quantisation tables in place of the quality's: luma, then chroma; 64 divisors from 1 to 255, in zigzag order as
    /// a file holds them. Always written by the `jpeg-encoder` crate.
    pub tables: Option<Box<[[u16; 64]; 2]>>,
}

/// Encodes 8-bit RGB or grey; alpha must have been flattened. The file carries JFIF and no other metadata.
///
/// # Errors
/// When a side exceeds 65,535 pixels or the encoder refuses.
pub fn encode(pixels: &DynamicImage, settings: Settings) -> Result<Vec<u8>, EncodeError> {
    encode_with(pixels, settings, &Extras::default())
}

/// As [`encode`], with extras.
///
/// # Errors
/// As [`encode`].
pub fn encode_with(
    pixels: &DynamicImage,
    settings: Settings,
    extras: &Extras,
) -> Result<Vec<u8>, EncodeError> {
    let Samples {
        bytes,
        size,
        is_grey,
    } = &Samples::of(pixels)?;
    let (size, grey) = (*size, *is_grey);
    if settings.encoder == Encoder::JpegEncoder || extras.tables.is_some() {
        return with_jpeg_encoder(bytes, size, grey, settings, extras).map_err(refused);
    }
    caught(|| {
        if settings.encoder == Encoder::Jpegli {
            let how = (settings.quality.max(1), settings.chroma);
            return Ok(jpegli::encode(bytes, size, grey, how, settings.progressive));
        }
        let size = (usize::from(size.0), usize::from(size.1));
        with_mozjpeg(bytes, size, grey, settings, extras.optimised)
    })
    .and_then(|encoded| encoded)
    .map_err(refused)
}

/// Encodes with the tables of another file, as [`own_tables`] gives them, by libjpeg with Huffman tables fitted to the image:
/// what that file has is coded again at next to no loss.
///
/// # Errors
/// As [`encode`].
pub fn encode_like(
    pixels: &DynamicImage,
    tables: &[[u16; 64]; 2],
    chroma: Chroma,
    progressive: bool,
) -> Result<Vec<u8>, EncodeError> {
    let samples = Samples::of(pixels)?;
    let job = Job {
        samples: &samples.bytes,
        size: samples.size,
        is_grey: samples.is_grey,
        tables: &tables.map(|table| natural(&table)),
        chroma,
        progressive,
        optimised: true,
    };
    caught(|| compress(job)).map_err(refused)
}

/// What encoders take: 8-bit samples, row by row.
struct Samples<'a> {
    /// One a pixel if `is_grey`, else red, green and blue.
    bytes: Cow<'a, [u8]>,
    size: (u16, u16),
    is_grey: bool,
}

impl<'a> Samples<'a> {
    fn of(pixels: &'a DynamicImage) -> Result<Self, EncodeError> {
        let (width, height) = (pixels.width(), pixels.height());
        let (Ok(narrow), Ok(short)) = (u16::try_from(width), u16::try_from(height)) else {
            return Err(EncodeError::TooLarge {
                format: Format::Jpeg,
                width,
                height,
            });
        };
        let is_grey = !pixels.color().has_color();
        let bytes = match pixels {
            DynamicImage::ImageRgb8(image) => Cow::Borrowed(&image.as_raw()[..]),
            DynamicImage::ImageLuma8(image) => Cow::Borrowed(&image.as_raw()[..]),
            _ if is_grey => Cow::Owned(pixels.to_luma8().into_raw()),
            _ => Cow::Owned(pixels.to_rgb8().into_raw()),
        };
        Ok(Self {
            bytes,
            size: (narrow, short),
            is_grey,
        })
    }
}

fn refused(reason: String) -> EncodeError {
    EncodeError::Codec {
        format: Format::Jpeg,
        reason,
    }
}

/// A table row by row, from the order of files.
fn natural(zigzag: &[u16; 64]) -> [u16; 64] {
    let mut natural = [0; 64];
    for (entry, position) in zigzag.iter().zip(ZIGZAG) {
        natural[position] = *entry;
    }
    natural
}

fn with_mozjpeg(
    samples: &[u8],
    (width, height): (usize, usize),
    grey: bool,
    settings: Settings,
    optimised: bool,
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
        compress.set_optimize_coding(optimised);
    } else {
        // The scan search makes the file a little smaller and changes no coefficient, at several times the cost.
        compress.set_optimize_scans(false);
    }
    compress.set_quality(f32::from(settings.quality.max(1)));
    if !grey {
        let size = match settings.chroma {
            Chroma::Full => (1, 1),
            Chroma::HalfWidth => (2, 1),
            Chroma::HalfHeight => (1, 2),
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
    (width, height): (u16, u16),
    grey: bool,
    settings: Settings,
    extras: &Extras,
) -> Result<Vec<u8>, String> {
    use jpeg_encoder::{ColorType, Encoder, QuantizationTableType, SamplingFactor};
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, settings.quality.max(1));
    encoder.set_sampling_factor(match settings.chroma {
        Chroma::Full => SamplingFactor::F_1_1,
        Chroma::HalfWidth => SamplingFactor::F_2_1,
        Chroma::HalfHeight => SamplingFactor::F_1_2,
        Chroma::Quarter => SamplingFactor::F_2_2,
    });
    encoder.set_progressive(settings.progressive);
    if extras.optimised {
        encoder.set_optimized_huffman_tables(true);
    }
    if let Some(tables) = &extras.tables {
        let custom = |table: [u16; 64]| {
            // The crate takes tables row by row.
            QuantizationTableType::Custom(Box::new(natural(&table)))
        };
        encoder.set_quantization_tables(custom(tables[0]), custom(tables[1]));
    }
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
    /// The luma component's horizontal and vertical sampling factors, in units of the finest chroma component's.
    pub luma_sampling: (u8, u8),
}

impl Traits {
    /// The chroma sampling that goes with the luma factors; `None` for what we cannot write.
    #[must_use]
    pub fn chroma(&self) -> Option<Chroma> {
        chroma_of(self.luma_sampling)
    }
}

/// The chroma sampling that goes with luma factors; `None` for what we cannot write.
pub(crate) fn chroma_of(luma_sampling: (u8, u8)) -> Option<Chroma> {
    match luma_sampling {
        (1, 1) => Some(Chroma::Full),
        (2, 1) => Some(Chroma::HalfWidth),
        (1, 2) => Some(Chroma::HalfHeight),
        (2, 2) => Some(Chroma::Quarter),
        _ => None,
    }
}

/// The unit of a JFIF header (0 none, 1 inch, 2 centimetre), and the dots of it across and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Density {
    unit: u8,
    across: u16,
    down: u16,
}

impl TryFrom<String> for Density {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = || {
            let (unit, dots) = text.split_once(':')?;
            let (across, down) = dots.split_once('x')?;
            Some(Self {
                unit: unit.parse().ok().filter(|unit| *unit <= 2)?,
                across: across.parse().ok().filter(|dots| *dots > 0)?,
                down: down.parse().ok().filter(|dots| *dots > 0)?,
            })
        };
        parsed().ok_or_else(|| format!("{text:?} is no density; write it as \"1:96x96\""))
    }
}

/// The JFIF header's density in the same words; `None` where the file has no such header.
#[must_use]
pub fn density(bytes: &[u8]) -> Option<String> {
    let (_, body) = bodies(bytes).find(|(marker, body)| *marker == 0xE0 && is_jfif(body))?;
    let number = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    Some(format!("{}:{}x{}", body[7], number(8), number(10)))
}

/// Whether an APP0 segment is a whole JFIF header (JFIF 1.02, "JFIF APP0 marker segment").
fn is_jfif(body: &[u8]) -> bool {
    body.starts_with(b"JFIF\0") && body.len() >= 12
}

/// Writes a density into the JFIF header of a file; the file as it was where it has none.
pub(crate) fn set_density(file: &mut [u8], density: Density) {
    let headers = segments(file).find(|found| found.marker == 0xE0);
    let payload = headers.map(|found| found.payload);
    if let Some(payload) = payload.filter(|payload| is_jfif(&file[payload.clone()])) {
        let body = &mut file[payload];
        body[7] = density.unit;
        body[8..10].copy_from_slice(&density.across.to_be_bytes());
        body[10..12].copy_from_slice(&density.down.to_be_bytes());
    }
}

/// Whose tables a file has, and at which quality: an IJG quality, `mozjpeg-t3:Q`, `jpegli:Q`, or `~Q` for the nearest IJG
/// quality where they are nobody's. `None` without tables.
#[must_use]
pub fn named_quality(bytes: &[u8]) -> Option<String> {
    let own = traits(bytes)?;
    let nearest = own.quality?;
    let found = tables(bytes);
    let picture = DynamicImage::from(image::RgbImage::new(16, 16));
    for (encoder, prefix) in [
        (Encoder::LibjpegTurbo, ""),
        (Encoder::Mozjpeg, "mozjpeg-t3:"),
        (Encoder::Jpegli, "jpegli:"),
    ] {
        for quality in 1..=100 {
            let settings = Settings {
                encoder,
                quality,
                chroma: own.chroma().unwrap_or(Chroma::Quarter),
                progressive: false,
            };
            let specimen = tables(&encode(&picture, settings).ok()?);
            // A grey file has the first table alone.
            let is_same = specimen.iter().zip(&found).all(|(own, found)| own == found);
            if !found.is_empty() && is_same {
                return Some(format!("{prefix}{quality}"));
            }
        }
    }
    Some(format!("~{nearest}"))
}

/// The segments before the first scan in order, by their names.
#[must_use]
pub fn segment_names(bytes: &[u8]) -> String {
    let name = |(marker, body): (u8, &[u8])| match marker {
        0xE0..=0xEF => {
            let word = body.split(|byte| !byte.is_ascii_graphic()).next();
            let word = String::from_utf8_lossy(word.unwrap_or_default()).into_owned();
            format!("APP{}:{word}", marker - 0xE0)
        }
        0xDB => "DQT".to_owned(),
        0xC4 => "DHT".to_owned(),
        0xC0..=0xCF => format!("SOF{}", marker - 0xC0),
        0xDD => "DRI".to_owned(),
        0xFE => "COM".to_owned(),
        other => format!("{other:02X}"),
    };
    bodies(bytes).map(name).collect::<Vec<_>>().join(" ")
}

/// Marker and payload of each segment before the first scan.
fn bodies(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    segments(bytes).map(|segment| (segment.marker, &bytes[segment.payload]))
}

/// The bytes that the application segments from APP1 to APP15 take before the first scan, by their length fields.
#[must_use]
pub fn segment_bytes(bytes: &[u8]) -> usize {
    let application = segments(bytes).filter(|found| (0xE1..=0xEF).contains(&found.marker));
    application.map(|found| found.whole.len() - 2).sum()
}

/// Whether a file of three components says two things about its colour space: JFIF means YCbCr, Adobe's transform 0 and the
/// components R, G, B mean RGB. Decoders then go by the one or the other.
#[must_use]
pub fn is_of_two_colour_spaces(bytes: &[u8]) -> bool {
    let (mut ycc, mut rgb) = (false, false);
    let mut components = 0;
    for (marker, body) in bodies(bytes) {
        match marker {
            0xE0 => ycc |= body.starts_with(b"JFIF\0"),
            // Version, two words of flags, the transform (Adobe, "Supporting the DCT Filters", 18).
            0xEE if body.starts_with(b"Adobe") => match body.get(11) {
                Some(0) => rgb = true,
                Some(_) => ycc = true,
                None => {}
            },
            0xC0..=0xC2 => {
                components = body.get(5).copied().unwrap_or(0);
                let ids = [6, 9, 12].map(|at| body.get(at).copied());
                rgb |= ids == [Some(b'R'), Some(b'G'), Some(b'B')];
            }
            _ => {}
        }
    }
    components == 3 && ycc && rgb
}

/// Reads [`Traits`] from the headers before the first scan; `None` where there is no frame header. Tables may stand
/// before or behind the frame header.
#[must_use]
pub fn traits(bytes: &[u8]) -> Option<Traits> {
    let (mut quality, mut frame) = (None, None);
    for (marker, body) in bodies(bytes) {
        match marker {
            0xDB => quality = quality.or_else(|| luma_quality(body)),
            0xC0..=0xC2 => frame = sampling(body).map(|sampling| (marker == 0xC2, sampling)),
            _ => {}
        }
    }
    frame.map(|(progressive, luma_sampling)| Traits {
        quality,
        progressive,
        luma_sampling,
    })
}

/// The luma factors of a frame header over the largest of its chroma components; grey has none of these.
fn sampling(frame: &[u8]) -> Option<(u8, u8)> {
    // Precision, height, width, count, and three bytes a component, of which the second holds the factors (B.2.2).
    let factors = |component: usize| {
        frame
            .get(7 + 3 * component)
            .map(|both| (both >> 4, both & 15))
    };
    let luma = factors(0)?;
    let count = usize::from(*frame.get(5)?);
    let chroma = (1..count).filter_map(factors);
    let (across, down) = chroma.fold((0, 0), |most, one| (most.0.max(one.0), most.1.max(one.1)));
    if count == 1 {
        return Some(luma);
    }
    Some((luma.0 / across.max(1), luma.1 / down.max(1)))
}

/// The quantisation tables before the first scan: index and 64 entries in zigzag order, 8 or 16 bits alike.
#[must_use]
pub fn tables(bytes: &[u8]) -> Vec<(u8, Vec<u16>)> {
    let mut found = Vec::new();
    for (_, mut body) in bodies(bytes).filter(|(marker, _)| *marker == 0xDB) {
        while let Some((&head, rest)) = body.split_first() {
            let width = 1 + usize::from(head >> 4 != 0);
            let Some((table, behind)) = rest.split_at_checked(64 * width) else {
                break;
            };
            let entry = |bytes: &[u8]| {
                bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u16::from(*byte))
            };
            found.push((head & 15, table.chunks_exact(width).map(entry).collect()));
            body = behind;
        }
    }
    found
}

/// The tables that luma and chroma are quantised with, as [`encode_like`] takes them: of two chroma components that differ
/// the finer entry, and luma's own for a grey file. `None` where a component has no table, or an entry is no divisor that libjpeg
/// takes (1 to 32,767).
#[must_use]
pub fn own_tables(bytes: &[u8]) -> Option<Box<[[u16; 64]; 2]>> {
    let tables = tables(bytes);
    let (_, frame) = bodies(bytes).find(|(marker, _)| matches!(marker, 0xC0..=0xC2))?;
    let count = usize::from(*frame.get(5)?);
    let of = |component: usize| -> Option<[u16; 64]> {
        let index = frame.get(8 + 3 * component)?;
        // A table may be told twice, and the later one counts.
        let (_, table) = tables.iter().rfind(|(found, _)| found == index)?;
        let table: [u16; 64] = table.as_slice().try_into().ok()?;
        let is_divisor = |entry: &u16| (1..=32_767).contains(entry);
        table.iter().all(is_divisor).then_some(table)
    };
    let luma = of(0)?;
    let chroma = match count {
        1 => luma,
        3 => {
            let (blue, red) = (of(1)?, of(2)?);
            std::array::from_fn(|k| blue[k].min(red[k]))
        }
        _ => return None,
    };
    Some(Box::new([luma, chroma]))
}

/// The sums of the entries of the luma and the first chroma table; `None` for one that the file does not have.
#[must_use]
pub fn table_sums(bytes: &[u8]) -> (Option<u32>, Option<u32>) {
    let tables = tables(bytes);
    let sum = |index: u8| -> Option<u32> {
        let (_, table) = tables.iter().find(|(found, _)| *found == index)?;
        Some(table.iter().map(|entry| u32::from(*entry)).sum())
    };
    (sum(0), sum(1))
}

/// The quality that ImageMagick takes a JPEG file to have: the IJG quality whose luma and chroma tables together have
/// the sum nearest to the file's (a grey file: luma alone); `None` where it has no table. Unlike [`Traits::quality`] it
/// lets coarse chroma tables, as cameras write them, count.
#[must_use]
pub fn quality_by_sum(bytes: &[u8]) -> Option<u8> {
    let (luma, chroma) = table_sums(bytes);
    let luma = luma?;
    let distance = |quality: u16| {
        let of = |base: &[u16; 64]| -> u32 { scaled(base, quality).map(u32::from).sum() };
        (of(&LUMA) + chroma.map_or(0, |_| of(&CHROMA))).abs_diff(luma + chroma.unwrap_or(0))
    };
    (1..=100_u16)
        .min_by_key(|quality| distance(*quality))
        .and_then(|quality| u8::try_from(quality).ok())
}

/// A base table at an IJG quality from 1 to 100, by the scaling of jpeg_quality_scaling().
fn scaled(base: &[u16; 64], quality: u16) -> impl Iterator<Item = u16> {
    let scale = u32::from(if quality < 50 {
        5000 / quality
    } else {
        200 - 2 * quality
    });
    base.iter()
        .map(move |&base| ((u32::from(base) * scale + 50) / 100).clamp(1, 255) as u16)
}

/// Where each entry of a zigzag sequence lies in a table written row by row (ITU-T T.81, figure A.6).
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Annex K.2 chrominance table of ITU-T T.81, in zigzag order.
const CHROMA: [u16; 64] = {
    let mut table = [99; 64];
    let start = [17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66];
    let mut index = 0;
    while index < start.len() {
        table[index] = start[index];
        index += 1;
    }
    table
};

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
        scaled(&LUMA, quality)
            .zip(table)
            .map(|(entry, &found)| u32::from(entry.abs_diff(found.into())))
            .sum()
    };
    (1..=100_u16)
        .min_by_key(|&quality| distance(quality))
        .and_then(|quality| u8::try_from(quality).ok())
}
