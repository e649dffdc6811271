//! The soft binding `io.iscc.v0`: the Image-Code of ISO 24138 (ISCC), which others than we look pictures up by.
//!
//! The value is a sequence of ISCC-UNITs without anything between them (IEP 0020, "ISCC C2PA Conformance", a draft): we write the
//! Image-Code of the displayed picture and the Instance-Code of the file into which the manifest is put, 256 bits each. Of a
//! sequence that is asked for we use the Image-Codes. An Image-Code is a pointer like any other: the picture must confirm it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, Rgb, RgbImage};
use iscc_lib::codec::{self, MainType, SubType, Version};
use serde::{Deserialize, Serialize};

use crate::asset::Asset;
use crate::pixels::wide::wide;

/// Name of the algorithm in the C2PA list of soft-binding algorithms.
pub const ALGORITHM: &str = "io.iscc.v0";

/// Differing bits up to which two Image-Codes are called near: a similarity of 0.75, the usual setting of the ISCC's own search
/// engine (`match_threshold_units` of iscc-search).
pub const NEAR: u32 = BITS / 4;

/// Bits of every unit of the algorithm.
const BITS: u32 = 256;
/// Pixels to a side from which an Image-Code is computed.
const SIDE: u32 = 32;

/// An Image-Code, 256 bits, of version 0. As text `ISCC:` and the unit in base32, as the standard writes it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageCode(pub [u8; 32]);

/// What is no code, or no sequence of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IsccError {
    /// A text that is no Image-Code of 256 bits.
    #[error("not an ISCC Image-Code of 256 bits")]
    Text,
    /// Bytes that are no sequence of units.
    #[error("not a sequence of ISCC units")]
    Sequence,
}

impl ImageCode {
    /// The code of coded pixels that are displayed in this orientation; `None` for a picture of one colour, or of one within a
    /// border of another, which has nothing to be known by.
    #[must_use]
    pub fn of(image: &DynamicImage, orientation: Orientation) -> Option<Self> {
        let grey = normalized(image, orientation)?;
        let code = iscc_lib::gen_image_code_v0(&grey, BITS).ok()?;
        code.iscc.parse().ok()
    }

    /// The code of the picture in a file; `None` where it cannot be decoded, too.
    #[must_use]
    pub fn of_file(file: &Asset<'_>) -> Option<Self> {
        let pixels = file.pixels().ok()?;
        Self::of(&pixels.image, pixels.orientation)
    }

    /// Differing bits, 0 to 256; codes of unrelated pictures differ in about 128.
    #[must_use]
    pub fn distance(&self, other: &Self) -> u32 {
        let pairs = self.0.iter().zip(&other.0);
        pairs.map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// Header and body, as they stand in a sequence.
    #[must_use]
    pub fn unit(&self) -> Vec<u8> {
        [&HEADER[..], &self.0].concat()
    }

    /// The Image-Codes of a sequence; units of other kinds and lengths are left out, as the algorithm wants it.
    ///
    /// # Errors
    /// [`IsccError::Sequence`] if the bytes are no sequence at all.
    pub fn all_in(sequence: &[u8]) -> Result<Vec<Self>, IsccError> {
        let units = units(sequence).ok_or(IsccError::Sequence)?;
        let codes = units.iter().filter(|unit| unit.header == HEADER);
        Ok(codes
            .filter_map(|unit| unit.body.try_into().ok().map(Self))
            .collect())
    }
}

/// Header of an Image-Code: content (2), image (1), version 0, 256 bits (7); a nibble each.
const HEADER: [u8; 2] = [
    (MainType::Content as u8) << 4 | SubType::Image as u8,
    (Version::V0 as u8) << 4 | (BITS / 32 - 1) as u8,
];

impl fmt::Display for ImageCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ISCC:{}", codec::encode_base32(&self.unit()))
    }
}

impl fmt::Debug for ImageCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageCode({self})")
    }
}

impl FromStr for ImageCode {
    type Err = IsccError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit = text.strip_prefix("ISCC:").map(codec::decode_base32);
        let unit = unit.and_then(Result::ok).ok_or(IsccError::Text)?;
        let code = unit
            .strip_prefix(&HEADER)
            .and_then(|body| body.try_into().ok())
            .map(Self);
        // One code has one spelling.
        code.filter(|code| code.to_string() == text)
            .ok_or(IsccError::Text)
    }
}

impl TryFrom<String> for ImageCode {
    type Error = IsccError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ImageCode> for String {
    fn from(code: ImageCode) -> Self {
        code.to_string()
    }
}

/// What a manifest says of a picture, and of the file into which the manifest is put.
pub(crate) fn sequence(code: &ImageCode, source: &[u8]) -> Vec<u8> {
    // The library fails for lengths alone that a code cannot have.
    let instance = iscc_lib::gen_instance_code_v0(source, BITS).ok();
    let instance = instance.and_then(|code| {
        let text = code.iscc.strip_prefix("ISCC:")?;
        codec::decode_base32(text).ok()
    });
    [code.unit(), instance.unwrap_or_default()].concat()
}

/// A unit of a sequence.
struct Unit<'a> {
    header: &'a [u8],
    body: &'a [u8],
}

/// The units of a sequence, as IEP 0020 has it decoded; `None` where it says that a decoder rejects.
fn units(mut rest: &[u8]) -> Option<Vec<Unit<'_>>> {
    let mut units = Vec::new();
    while !rest.is_empty() {
        let mut nibble = 0;
        let mut next = || number(rest, &mut nibble);
        let (main_type, _sub_type, _version, length) = (next()?, next()?, next()?, next()?);
        let is_padded = nibble.is_multiple_of(2) || nibble_at(rest, nibble)? == 0;
        let permitted = MainType::Meta as u32..=MainType::Instance as u32;
        if !is_padded || !permitted.contains(&main_type) || length > 7 {
            return None;
        }
        let (header, after) = rest.split_at_checked(nibble.div_ceil(2))?;
        let (body, after) = after.split_at_checked(4 * (length as usize + 1))?;
        units.push(Unit { header, body });
        rest = after;
    }
    (!units.is_empty()).then_some(units)
}

fn nibble_at(bytes: &[u8], at: usize) -> Option<u32> {
    let byte = bytes.get(at / 2)?;
    Some(u32::from(if at.is_multiple_of(2) {
        byte >> 4
    } else {
        byte & 15
    }))
}

/// A number of one to four nibbles: as many ones in front as nibbles follow, a zero, and the rest, counted on from where the
/// shorter form ends, so that every number has one form.
fn number(bytes: &[u8], nibble: &mut usize) -> Option<u32> {
    let first = nibble_at(bytes, *nibble)?;
    let more = (first << 28).leading_ones();
    if more > 3 {
        return None;
    }
    let mut value = first & (7 >> more);
    let mut below = 0;
    for further in 1..=more {
        value = value << 4 | nibble_at(bytes, *nibble + further as usize)?;
        below += 1 << (3 * further);
    }
    *nibble += more as usize + 1;
    Some(value + below)
}

/// The 32 by 32 grey pixels of a picture: displayed upright, white behind transparency, a border of the colour of the first
/// pixel trimmed, grey by ITU-R 601, reduced by a cubic kernel (ISO 24138, "Image-Code"; iscc-sdk does it with Pillow, whose
/// rounding this follows). `None` if they are all alike: a picture of one colour, or a rectangle of one on a page of another.
fn normalized(image: &DynamicImage, orientation: Orientation) -> Option<Vec<u8>> {
    let colours = opaque(upright(image, orientation));
    let (width, rows) = (
        colours.width() as usize,
        colours.as_raw().as_chunks::<3>().0,
    );
    let (across, down) = inside(width, rows)?;
    let mut grey = vec![0; across.len() * down.len()];
    let shown = rows.chunks_exact(width).skip(down.start);
    for (row, grey) in shown.zip(grey.chunks_exact_mut(across.len())) {
        luma(&row[across.clone()], grey);
    }
    let (width, height) = (across.len() as u32, down.len() as u32);
    let grey = ImageRef::new(width, height, &grey, PixelType::U8).ok()?;
    let mut small = Image::new(SIDE, SIDE, PixelType::U8);
    let cubic = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&grey, &mut small, &cubic).ok()?;
    let pixels = small.into_vec();
    let is_flat = pixels.iter().all(|pixel| *pixel == pixels[0]);
    (!is_flat).then_some(pixels)
}

/// Luma as Pillow rounds it.
fn luma(colours: &[[u8; 3]], grey: &mut [u8]) {
    wide!(|colours: &'l [[u8; 3]], grey: &'l mut [u8]| -> () {
        for ([red, green, blue], grey) in colours.iter().zip(grey) {
            let weighted = 19_595 * u32::from(*red) + 38_470 * u32::from(*green);
            *grey = ((weighted + 7_471 * u32::from(*blue) + 0x8000) >> 16) as u8;
        }
    });
}

fn upright(image: &DynamicImage, orientation: Orientation) -> Cow<'_, DynamicImage> {
    if orientation == Orientation::NoTransforms {
        return Cow::Borrowed(image);
    }
    let mut turned = image.clone();
    turned.apply_orientation(orientation);
    Cow::Owned(turned)
}

/// The picture on white.
fn opaque(image: Cow<'_, DynamicImage>) -> Cow<'_, RgbImage> {
    if image.color().has_alpha() {
        let pixels = image.to_rgba8();
        return Cow::Owned(RgbImage::from_fn(
            pixels.width(),
            pixels.height(),
            |x, y| {
                let [colour @ .., alpha] = pixels.get_pixel(x, y).0;
                let alpha = u32::from(alpha);
                let over = |value: u8| (u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255;
                Rgb(colour.map(|value| over(value) as u8))
            },
        ));
    }
    match image {
        Cow::Borrowed(DynamicImage::ImageRgb8(colours)) => Cow::Borrowed(colours),
        other => Cow::Owned(other.into_owned().into_rgb8()),
    }
}

/// The columns and rows inside a border of the colour of the first pixel; `None` if there is no other colour.
fn inside(width: usize, pixels: &[[u8; 3]]) -> Option<(Range<usize>, Range<usize>)> {
    let border = pixels.first()?;
    let (mut across, mut down) = (width..0, None);
    for (y, row) in pixels.chunks_exact(width).enumerate() {
        let Some(first) = row.iter().position(|pixel| pixel != border) else {
            continue;
        };
        let last = row.iter().rposition(|pixel| pixel != border)?;
        across = across.start.min(first)..across.end.max(last + 1);
        down = Some(down.map_or(y, |from: Range<usize>| from.start)..y + 1);
    }
    Some((across, down?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> DynamicImage {
        let wave = |x: u32, y: u32| {
            (128.0 + 100.0 * (x as f32 / 19.0).sin() * (y as f32 / 11.0).cos()) as u8
        };
        RgbImage::from_fn(width, height, |x, y| {
            Rgb([wave(x, y), wave(y, x), (x ^ y) as u8])
        })
        .into()
    }

    fn code(image: &DynamicImage) -> ImageCode {
        ImageCode::of(image, Orientation::NoTransforms).unwrap()
    }

    #[test]
    fn a_code_reads_back_from_text_and_from_a_sequence() {
        let code = code(&picture(300, 200));
        let text = code.to_string();
        // MainType content, SubType image, version 0, 256 bits: the first nibbles of every such code.
        assert!(text.starts_with("ISCC:EED"), "{text}");
        assert_eq!(text.parse(), Ok(code));
        assert_eq!(ImageCode::all_in(&code.unit()), Ok(vec![code]));
        for wrong in [
            &text[5..],
            &text.to_lowercase(),
            &text[..59],
            &format!("{text}A"),
            "ISCC:",
        ] {
            assert_eq!(wrong.parse::<ImageCode>(), Err(IsccError::Text), "{wrong}");
        }
    }

    #[test]
    fn a_binding_holds_the_code_of_the_picture_and_of_the_file() {
        let code = code(&picture(300, 200));
        let value = sequence(&code, b"a file");
        assert_eq!(value.len(), 2 * 34);
        assert_eq!(ImageCode::all_in(&value), Ok(vec![code]));
        assert_ne!(value, sequence(&code, b"another"));
    }

    /// The first test vector of IEP 0020: a Meta-, Content-, Data- and Instance-Code, none of a picture.
    #[test]
    fn units_of_other_kinds_are_left_out() {
        let texts = [
            "AADVPDD4R6733NMPFH3D57VTQ4KVH6VHL74XIWGUT37V5ZG56NV3NSI",
            "EAD2RASIYU5IKLENP2OFI4CHZGRWYQCSW2WKX3Y6FJGOCXSYNYGLGBI",
            "GADQLNA7GRZESMRF2J7NZPNWGI3II2ST5YUN5SS6GVQ2ZQGJXPPYDNI",
            "IAD2KIVPJIWJZP3KQCESJL6SVT5APEZUPOJWM6HVTAXCF7OT3VFA4NY",
        ];
        let others = texts
            .map(|text| codec::decode_base32(text).unwrap())
            .concat();
        assert_eq!(others.len(), 136);
        assert_eq!(ImageCode::all_in(&others), Ok(vec![]));
        let code = code(&picture(300, 200));
        let both = [others, code.unit()].concat();
        assert_eq!(ImageCode::all_in(&both), Ok(vec![code]));
        // A SubType of two nibbles, and a padded header: 2, 10_000001 (9), 0, 0, and the padding.
        let unknown = [&[0x28, 0x10, 0x00][..], &[1; 4], &code.unit()].concat();
        assert_eq!(ImageCode::all_in(&unknown), Ok(vec![code]));
    }

    #[test]
    fn what_is_no_sequence_is_refused() {
        let unit = code(&picture(300, 200)).unit();
        let reserved = [&[0x50, 0x07][..], &[0; 32]].concat();
        let long = [&[0x21, 0x08][..], &[0; 36]].concat();
        let unpadded = [&[0x28, 0x10, 0x01][..], &[1; 4]].concat();
        let endless = [0xff; 34].to_vec();
        let trailing = [&unit[..], &[0]].concat();
        for wrong in [
            &[][..],
            &unit[..33],
            &unit[..1],
            &reserved,
            &long,
            &unpadded,
            &endless,
            &trailing,
        ] {
            assert_eq!(
                ImageCode::all_in(wrong),
                Err(IsccError::Sequence),
                "{wrong:02x?}"
            );
        }
    }

    #[test]
    fn one_colour_has_no_code() {
        for colour in [[0; 3], [255; 3], [12, 34, 56]] {
            let plain = DynamicImage::from(RgbImage::from_pixel(90, 60, Rgb(colour)));
            assert_eq!(ImageCode::of(&plain, Orientation::NoTransforms), None);
            // Trimmed, they all are the same plain picture.
            let mut framed = RgbImage::from_pixel(120, 90, Rgb([255, 255, 254]));
            image::imageops::replace(&mut framed, &plain.to_rgb8(), 7, 5);
            let framed = DynamicImage::from(framed);
            assert_eq!(ImageCode::of(&framed, Orientation::NoTransforms), None);
        }
    }

    #[test]
    fn a_border_transparency_and_orientation_are_undone() {
        let plain = picture(300, 200);
        let wanted = code(&plain);
        let mut framed = RgbImage::from_pixel(400, 260, Rgb([255, 0, 0]));
        image::imageops::replace(&mut framed, &plain.to_rgb8(), 70, 11);
        assert_eq!(code(&framed.into()), wanted);
        let mut on_nothing = image::RgbaImage::new(340, 240);
        image::imageops::replace(&mut on_nothing, &plain.to_rgba8(), 20, 20);
        assert_eq!(code(&on_nothing.into()), wanted);
        let turned = plain.rotate90();
        assert_ne!(code(&turned), wanted);
        assert_eq!(ImageCode::of(&turned, Orientation::Rotate270), Some(wanted));
    }
}
