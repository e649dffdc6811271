//! Writes changed pixels back in the format of the file they came from, as coarsely as that file is coded or at a quality that
//! costs less than what was changed, with the metadata of that file.

use std::borrow::Cow;
use std::cell::Cell;

use credlink_image_files::decode;
use credlink_image_files::{Format, containers, contents, recoded};
use credlink_sign_core::{Care, Encoder, Unwritten};
use credlink_transforms::codecs::jpeg::{self, Chroma};
use credlink_transforms::codecs::{png, quantisers, webp};
use credlink_transforms::error::EncodeError;
use image::{DynamicImage, RgbImage};

use crate::clock;

/// JPEG quality of a re-encoded file: near 50 dB on photographs, where a watermark is at 42.
const JPEG_QUALITY: u8 = 97;
/// The same for lossy WebP, in libwebp's scale.
const WEBP_QUALITY: u8 = 98;
/// Pixels from which WebP is written with the least effort: its search takes a quarter of a second a megapixel.
const LARGE: u64 = 8_000_000;

/// Writes files like one original, and counts the CPU time that its codecs take.
#[derive(Debug)]
pub struct Rewriter<'a> {
    original: &'a [u8],
    /// Whether files may grow as they like.
    is_unlimited: bool,
    nanos: Cell<u64>,
}

impl<'a> Rewriter<'a> {
    /// For files like this one.
    #[must_use]
    pub fn of(original: &'a [u8]) -> Self {
        Self {
            original,
            is_unlimited: false,
            nanos: Cell::new(0),
        }
    }

    /// CPU nanoseconds that codecs took so far.
    #[must_use]
    pub fn codec_nanos(&self) -> u64 {
        self.nanos.get()
    }

    /// The pixels in the original's format, with everything that it holds beside its own, however large that gets.
    ///
    /// # Errors
    /// The codec's words, or why the original is not written anew.
    pub fn recoded(original: &[u8], pixels: &DynamicImage) -> Result<Vec<u8>, String> {
        let rewriter = Rewriter {
            is_unlimited: true,
            ..Rewriter::of(original)
        };
        if let Some(why) = rewriter.timed(|| refusal(original, None)) {
            return Err(format!("the file is not written anew, because {why}"));
        }
        rewriter
            .rewritten(pixels, Care::Usual)
            .map_err(|error| error.to_string())
    }

    fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        let start = clock::thread_nanos();
        let result = work();
        self.nanos
            .set(self.nanos.get() + clock::thread_nanos().saturating_sub(start));
        result
    }
}

impl Encoder for Rewriter<'_> {
    fn refusal(&self, pixels: &DynamicImage) -> Option<String> {
        self.timed(|| refusal(self.original, Some(pixels)))
    }

    fn cares(&self) -> &'static [Care] {
        if is_lossless(self.original) {
            &[Care::Usual]
        } else {
            &[Care::Own, Care::Usual]
        }
    }

    fn rewritten(&self, pixels: &DynamicImage, care: Care) -> Result<Vec<u8>, Unwritten> {
        let format = Format::sniff(self.original)
            .ok_or_else(|| Unwritten::Failed("the format of the file is unknown".to_owned()))?;
        let mut whole = Vec::new();
        for quality in qualities(care) {
            let bare = self.timed(|| coded(format, self.original, pixels, *quality));
            let bare = bare.map_err(|error| Unwritten::Failed(error.to_string()))?;
            whole = recoded(format, self.original, &bare)
                .map_err(|error| Unwritten::Failed(error.to_string()))?;
            if self.is_unlimited || !has_outgrown(self.original, &whole) {
                break;
            }
            // Without loss, another quality makes nothing smaller; nor does it with tables of one's own.
            let is_jpeg = format == Format::Jpeg;
            if is_lossless(self.original) || (is_jpeg && care == Care::Own) {
                break;
            }
        }
        let is_limited = care != Care::Utmost && !self.is_unlimited;
        if is_limited && has_outgrown(self.original, &whole) {
            let percent = 100 * whole.len() / self.original.len() - 100;
            return Err(Unwritten::Grows(percent));
        }
        // Looked at rather than trusted: what the container's rules or a fault took away is a reason not to mark.
        let fate = contents::fate(format, self.original, &whole);
        match fate.missed()[..] {
            [] => Ok(whole),
            ref missed => Err(Unwritten::Loses(missed.join(", "))),
        }
    }

    fn through_jpeg_60(&self, pixels: &DynamicImage) -> Option<DynamicImage> {
        let settings = jpeg::Settings {
            encoder: jpeg::Encoder::JpegEncoder,
            quality: 60,
            chroma: Chroma::Quarter,
            progressive: false,
        };
        self.timed(|| {
            let file = jpeg::encode(&DynamicImage::ImageRgb8(pixels.to_rgb8()), settings).ok()?;
            Some(decode::decode(&file).ok()?.pixels)
        })
    }
}

/// Why a file is not written anew, in words that follow "because"; its pixels are decoded where nobody has them.
fn refusal(original: &[u8], pixels: Option<&DynamicImage>) -> Option<String> {
    let why = match Format::sniff(original) {
        Some(Format::Jpeg) if containers::jpeg::components(original) == Some(4) => {
            "its colours are inks (CMYK), which would have to become RGB"
        }
        Some(format @ (Format::Jpeg | Format::Png | Format::WebP))
            if containers::is_cut_off(format, original) =>
        {
            "it ends before its image does"
        }
        Some(Format::Jpeg) if has_blocks_between_scans(original) => {
            "it holds metadata between its scans, where readers do not look for it"
        }
        Some(Format::Jpeg) if !is_read_alike(original, pixels) => {
            "decoders do not agree about its pixels"
        }
        Some(Format::WebP) if !containers::webp::is_of_one_mind(original) => {
            "its header and its picture disagree about transparency"
        }
        Some(Format::Png) if has_chunk(original, *b"acTL") => "it is an animation",
        Some(Format::WebP) if has_chunk(original, *b"ANIM") => "it is an animation",
        Some(Format::Jpeg | Format::Png | Format::WebP) => return None,
        Some(Format::Avif | Format::Gif | Format::Tiff | Format::Bmp | Format::Jxl) | None => {
            "files of this kind are not written anew"
        }
    };
    Some(why.to_owned())
}

/// Whether comments or application segments lie behind the first scan.
fn has_blocks_between_scans(file: &[u8]) -> bool {
    let mut segments = containers::jpeg::segments_between_scans(file);
    segments.any(|segment| matches!(segment.marker, 0xe0..=0xef | 0xfe))
}

/// Whether our decoder and libjpeg-turbo, which most viewers link, make about the same pixels of a JPEG file. They differ where
/// it is damaged, contradicts itself about its colours, or is coded as few files are; a mark would then write down one of
/// two pictures.
fn is_read_alike(file: &[u8], ours: Option<&DynamicImage>) -> bool {
    /// Decibels that roundings and ways of enlarging chroma leave by far.
    const ALIKE: f64 = 30.0;
    /// So many squares of differences of bytes fit into 32 bits.
    const CHUNK: usize = 1 << 15;
    let decoded = |file| decode::decode(file).map(|decoded| decoded.pixels);
    let ours = match ours {
        Some(ours) => Ok(Cow::Borrowed(ours)),
        None => decoded(file).map(Cow::Owned),
    };
    let (Ok(ours), Ok(theirs)) = (ours, decode::by_libjpeg(file)) else {
        return false;
    };
    let (a, b) = (rgb(&ours), rgb(&theirs));
    if a.dimensions() != b.dimensions() {
        return false;
    }
    let chunks = a.as_raw().chunks(CHUNK).zip(b.as_raw().chunks(CHUNK));
    let squares = chunks.map(|(a, b)| {
        let squares = a
            .iter()
            .zip(b)
            .map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2));
        u64::from(squares.sum::<u32>())
    });
    let error = squares.sum::<u64>() as f64 / a.as_raw().len().max(1) as f64;
    error < 255.0 * 255.0 / 10_f64.powf(ALIKE / 10.0)
}

fn rgb(image: &DynamicImage) -> Cow<'_, RgbImage> {
    match image {
        DynamicImage::ImageRgb8(rgb) => Cow::Borrowed(rgb),
        other => Cow::Owned(other.to_rgb8()),
    }
}

/// How a file is coded.
#[derive(Clone, Copy, Debug)]
enum Quality {
    /// JPEG with the original's own tables; lossy WebP with so many per cent of the original's quantiser: it predicts anew from what
    /// changed, so its own would take as much as it took at first.
    Own { per_cent: u16 },
    /// At a quality of JPEG and of lossy WebP.
    Of { jpeg: u8, webp: u8 },
    /// At the highest, with every pixel's colours.
    Highest,
}

/// The qualities to try, the first that does not make the file outgrow its limit being the one; the last where all do.
fn qualities(care: Care) -> &'static [Quality] {
    match care {
        Care::Own => &[
            Quality::Own { per_cent: 50 },
            Quality::Own { per_cent: 75 },
            Quality::Own { per_cent: 100 },
        ],
        Care::Usual => &[
            Quality::Of {
                jpeg: JPEG_QUALITY,
                webp: WEBP_QUALITY,
            },
            Quality::Of { jpeg: 94, webp: 94 },
            Quality::Of { jpeg: 90, webp: 90 },
        ],
        Care::Utmost => &[Quality::Highest],
    }
}

/// Whether a file has grown beyond what a mark may cost: by half.
fn has_outgrown(before: &[u8], after: &[u8]) -> bool {
    after.len() > before.len() + before.len() / 2
}

/// The pixels alone, in the original's format if it is written here and as PNG otherwise, with what the original says beside
/// its pixels where a file of its kind is written anew.
///
/// # Errors
/// The codec's words.
pub(crate) fn redrawn(original: &[u8], pixels: &DynamicImage) -> Result<Vec<u8>, String> {
    if let Ok(whole) = Rewriter::recoded(original, pixels) {
        return Ok(whole);
    }
    let format = written_as(Format::sniff(original));
    let quality = qualities(Care::Usual).first();
    let quality = quality.ok_or("no quality to write at")?;
    coded(format, original, pixels, *quality).map_err(|error| error.to_string())
}

/// The format that [`redrawn`] writes for a file of this one.
pub(crate) fn written_as(format: Option<Format>) -> Format {
    match format {
        Some(format @ (Format::Jpeg | Format::WebP)) => format,
        _ => Format::Png,
    }
}

/// JPEG keeps its scan mode and colour subsampling, WebP stays lossy or lossless, PNG is lossless anyway.
fn coded(
    format: Format,
    original: &[u8],
    pixels: &DynamicImage,
    quality: Quality,
) -> Result<Vec<u8>, EncodeError> {
    match format {
        Format::Jpeg => coded_as_jpeg(original, pixels, quality),
        Format::WebP => {
            // Lossy WebP halves the chroma and stays below 50 dB at its best.
            let lossy = match quality {
                _ if is_lossless(original) => None,
                Quality::Highest => None,
                Quality::Own { per_cent } => Some(own_webp_quality(original, per_cent)),
                Quality::Of { webp, .. } => Some(webp),
            };
            let is_large = u64::from(pixels.width()) * u64::from(pixels.height()) > LARGE;
            let settings = webp::Settings {
                // Without loss it says how long to search: 50 saves a thousandth of the bytes of a photograph, for a third more time.
                quality: lossy.unwrap_or(0),
                method: if is_large { 0 } else { 2 },
                lossless: lossy.is_none(),
            };
            webp::encode(pixels, settings)
        }
        _ => png::encode(pixels),
    }
}

fn coded_as_jpeg(
    original: &[u8],
    pixels: &DynamicImage,
    quality: Quality,
) -> Result<Vec<u8>, EncodeError> {
    let traits = jpeg::traits(original);
    let progressive = traits.as_ref().is_some_and(|traits| traits.progressive);
    let chroma = traits.and_then(|traits| traits.chroma());
    let chroma = chroma.unwrap_or(Chroma::Full);
    if let (Quality::Own { .. }, Some(tables)) = (quality, jpeg::own_tables(original)) {
        return jpeg::encode_like(pixels, &tables, chroma, progressive);
    }
    let settings = jpeg::Settings {
        encoder: jpeg::Encoder::LibjpegTurbo,
        quality: match quality {
            Quality::Own { .. } => JPEG_QUALITY,
            Quality::Of { jpeg, .. } => jpeg,
            Quality::Highest => 100,
        },
        chroma: match quality {
            Quality::Highest => Chroma::Full,
            Quality::Own { .. } | Quality::Of { .. } => chroma,
        },
        progressive,
    };
    jpeg::encode(pixels, settings)
}

/// The quality at which lossy WebP is quantised with so many per cent of the original's quantiser.
fn own_webp_quality(original: &[u8], per_cent: u16) -> u8 {
    let index = quantisers::quantiser(Format::WebP, original);
    let wanted = index.and_then(|index| u8::try_from(u16::from(index) * per_cent / 100).ok());
    wanted
        .map_or(WEBP_QUALITY, webp::quality_with)
        .min(WEBP_QUALITY)
}

/// Whether files in the format of this one, coded as this one, lose nothing of their pixels.
fn is_lossless(file: &[u8]) -> bool {
    match Format::sniff(file) {
        Some(Format::Jpeg) => false,
        Some(Format::WebP) => has_chunk(file, *b"VP8L"),
        _ => true,
    }
}

/// Whether a PNG or WebP file has a chunk of this name.
fn has_chunk(file: &[u8], name: [u8; 4]) -> bool {
    match Format::sniff(file) {
        Some(Format::Png) => containers::png::chunks(file).any(|chunk| chunk.kind == name),
        Some(Format::WebP) => containers::webp::chunks(file).any(|chunk| chunk.kind == name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use credlink_image_files::metadata::{self, Metadata};

    use super::*;

    fn picture() -> DynamicImage {
        image::RgbImage::from_fn(96, 64, |x, y| {
            image::Rgb([(x * 2) as u8, (y * 3) as u8, ((x * y) % 200) as u8])
        })
        .into()
    }

    #[test]
    fn a_file_keeps_its_format_its_kind_and_its_metadata() {
        let jpeg = |chroma, progressive| {
            let settings = jpeg::Settings {
                encoder: jpeg::Encoder::JpegEncoder,
                quality: 80,
                chroma,
                progressive,
            };
            jpeg::encode(&picture(), settings).unwrap()
        };
        let webp = |lossless| {
            let settings = webp::Settings {
                quality: 80,
                method: 2,
                lossless,
            };
            webp::encode(&picture(), settings).unwrap()
        };
        let files = [
            (Format::Jpeg, jpeg(Chroma::Quarter, true)),
            (Format::Jpeg, jpeg(Chroma::HalfWidth, false)),
            (Format::Jpeg, jpeg(Chroma::HalfHeight, false)),
            (Format::Jpeg, jpeg(Chroma::Full, false)),
            (Format::WebP, webp(true)),
            (Format::WebP, webp(false)),
            (Format::Png, png::encode(&picture()).unwrap()),
        ];
        for (format, file) in files {
            let metadata = Metadata {
                xmp: Some(b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>".to_vec().into()),
                ..Metadata::default()
            };
            let file = metadata::written(format, file, &metadata).unwrap();
            let rewriter = Rewriter::of(&file);
            let own = decode::decode(&file).unwrap().pixels;
            assert_eq!(rewriter.refusal(&own), None);
            let smallest = rewriter.cares()[0];
            let again = rewriter.rewritten(&picture(), smallest).unwrap();
            assert_eq!(Format::sniff(&again), Some(format));
            assert!(!has_outgrown(&file, &again));
            assert_eq!(jpeg::own_tables(&again), jpeg::own_tables(&file));
            assert_eq!(
                has_chunk(&again, *b"VP8L"),
                has_chunk(&file, *b"VP8L"),
                "lossy and lossless stay apart"
            );
            let traits =
                |file| jpeg::traits(file).map(|traits| (traits.progressive, traits.luma_sampling));
            assert_eq!(traits(&again), traits(&file));
            assert_eq!(
                metadata::read(format, &again),
                metadata::read(format, &file)
            );
        }
    }

    #[test]
    fn a_file_that_would_grow_by_more_than_half_is_not_written_unless_it_must_be() {
        let flat = DynamicImage::new_rgb8(96, 64);
        let file = png::encode(&flat).unwrap();
        let noise = image::RgbImage::from_fn(96, 64, |x, y| {
            image::Rgb([(x * x * 7 + y * y * 13 + x * y) as u8; 3])
        });
        let noise = DynamicImage::from(noise);
        let grown = Rewriter::of(&file).rewritten(&noise, Care::Usual);
        assert!(matches!(grown, Err(Unwritten::Grows(51..))), "{grown:?}");
        assert!(Rewriter::of(&file).rewritten(&noise, Care::Utmost).is_ok());
        assert!(Rewriter::recoded(&file, &noise).is_ok());
    }

    #[test]
    fn animations_and_formats_without_encoder_are_left_alone() {
        let mut animated = png::encode(&picture()).unwrap();
        // An animation control chunk behind the header; its sum is not looked at here.
        let chunk = [&[0, 0, 0, 8][..], b"acTL", &[0; 8], &[0; 4]].concat();
        animated.splice(33..33, chunk);
        for file in [
            &animated[..],
            b"GIF89a\x01\x00\x01\x00\x00\x00\x00",
            b"",
            b"RIFF",
        ] {
            assert!(Rewriter::of(file).refusal(&picture()).is_some());
        }
    }
}
