//! Images made here: any number of different ones, from a seed and an index, with nothing to download.
//!
//! # Why synthetic, and how far it carries
//!
//! A survival figure needs many independent images of known origin that everybody can produce again, and
//! public photographs are either too few, too famous or too large to ship. So each index is a new scene,
//! drawn with layers that cover one another, textures with a 1/f spectrum, shading, defocus, sensor noise
//! and the file structure of cameras and programs. It is not photography: `cargo run -p credlink-corpus
//! --example statistics -- FOLDER` prints how bits per pixel, octave gain (spectral slope), kurtosis of
//! gradients, contrast and chroma compare with a folder of photographs, and a directory of real files remains
//! the check on every conclusion. With 38 photographs of public test collections it printed medians of 1.5
//! bits per pixel, octave gain 0.73, kurtosis 32, deviation 52 and chroma 15; the photographic classes lie
//! between 0.8 and 2.4, 0.54 and 0.89, 7 and 43, 31 and 50, 11 and 28. Foliage and textures here have
//! lighter tails than photographs, and night pictures are noisier.
//!
//! # Sizes
//!
//! Mostly web sizes, by class. As among files that people meet, some pictures are thumbnails and some
//! are as a telephone wrote them: the first carry a watermark badly, the second test the limits of services.
//!
//! # Shares
//!
//! [`CLASSES`] lists the kinds of picture with weights that sum to 100. Every run of 100 consecutive
//! indices that starts at a multiple of 100 holds each class exactly as often as its weight says, in an
//! order drawn from the seed.

mod classes;
mod paint;
pub(crate) mod plan;

use image::{GrayImage, ImageBuffer, Pixel, RgbImage, RgbaImage};
use sha2::{Digest, Sha256};

use crate::draws::Draws;
use crate::file;
use crate::{CorpusError, Entry, ImageSet, SetHeader, SourceImage};
use classes::{
    architecture, chart, document, flat, landscape, line_art, logo, night, objects, portrait,
    screenshot, texture,
};
use plan::{Coding, Plan};

/// Version of everything that decides the bytes of a synthetic image. It is part of the set's digest, and a
/// test holds fingerprints of some images against it, so a change of the generator cannot pass unnoticed.
pub const GENERATOR: &str = "credlink-synthetic/3";

/// A kind of picture.
pub struct Class {
    /// Name in entries and reports.
    pub name: &'static str,
    /// Images of this class among 100.
    pub weight: u32,
    /// What it shows.
    pub about: &'static str,
    /// How its files are coded, with weights.
    codings: &'static [(Coding, u32)],
    /// Shortest and longest long side in pixels.
    sizes: (f64, f64),
    paint: fn(&mut Draws, Sheet) -> Picture,
}

const PHOTOGRAPH: &[(Coding, u32)] = &[(Coding::Camera, 92), (Coding::WebpLossy, 8)];
const PHOTO_SIZES: (f64, f64) = (480.0, 2400.0);

/// The one list of classes; weights sum to 100.
pub const CLASSES: &[Class] = &[
    Class {
        name: "landscape",
        weight: 17,
        about: "sky, hills, water, trees and houses in perspective",
        codings: PHOTOGRAPH,
        sizes: PHOTO_SIZES,
        paint: landscape::paint,
    },
    Class {
        name: "architecture",
        weight: 12,
        about: "streets and facades with hard edges",
        codings: PHOTOGRAPH,
        sizes: PHOTO_SIZES,
        paint: architecture::paint,
    },
    Class {
        name: "objects",
        weight: 14,
        about: "things that cover one another, lit from one side",
        codings: PHOTOGRAPH,
        sizes: PHOTO_SIZES,
        paint: objects::paint,
    },
    Class {
        name: "portrait",
        weight: 12,
        about: "people before an unsharp background",
        codings: PHOTOGRAPH,
        sizes: PHOTO_SIZES,
        paint: portrait::paint,
    },
    Class {
        name: "texture",
        weight: 10,
        about: "grass, gravel, foliage, bark, brick, cloth",
        codings: PHOTOGRAPH,
        sizes: PHOTO_SIZES,
        paint: texture::paint,
    },
    Class {
        name: "night",
        weight: 8,
        about: "dark, noisy, with point lights",
        codings: PHOTOGRAPH,
        sizes: PHOTO_SIZES,
        paint: night::paint,
    },
    Class {
        name: "flat",
        weight: 4,
        about: "hardly any detail: sky, paper, wall",
        codings: PHOTOGRAPH,
        sizes: PHOTO_SIZES,
        paint: flat::paint,
    },
    Class {
        name: "document",
        weight: 4,
        about: "pages of text, exported or photographed",
        codings: &[
            (Coding::Camera, 25),
            (Coding::PngGrey, 30),
            (Coding::PngPalette, 20),
            (Coding::PngColour, 25),
        ],
        sizes: (640.0, 1800.0),
        paint: document::paint,
    },
    Class {
        name: "screenshot",
        weight: 6,
        about: "editors, forms, chats and tables on a screen",
        codings: &[
            (Coding::PngColour, 62),
            (Coding::PngPalette, 20),
            (Coding::WebpLossless, 6),
            (Coding::WebpLossy, 12),
        ],
        sizes: (720.0, 1920.0),
        paint: screenshot::paint,
    },
    Class {
        name: "chart",
        weight: 5,
        about: "bars, lines, scatters, pies with labels",
        codings: &[
            (Coding::PngColour, 55),
            (Coding::PngPalette, 27),
            (Coding::WebpLossless, 12),
            (Coding::PlainJpeg, 6),
        ],
        sizes: (520.0, 1600.0),
        paint: chart::paint,
    },
    Class {
        name: "logo",
        weight: 5,
        about: "few colours and crisp curves, mostly transparent",
        codings: &[
            (Coding::PngColour, 72),
            (Coding::PngPalette, 8),
            (Coding::WebpLossless, 14),
            (Coding::WebpLossy, 6),
        ],
        sizes: (480.0, 1200.0),
        paint: logo::paint,
    },
    Class {
        name: "line-art",
        weight: 3,
        about: "ink drawings",
        codings: &[
            (Coding::PngGrey, 40),
            (Coding::PngColour, 40),
            (Coding::PngPalette, 12),
            (Coding::WebpLossless, 8),
        ],
        sizes: (480.0, 1400.0),
        paint: line_art::paint,
    },
];

/// What a class is asked to draw: an upright picture of this size, for a file of this kind.
#[derive(Clone, Copy)]
pub(crate) struct Sheet {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) coding: Coding,
}

/// What a class drew.
pub(crate) enum Picture {
    Rgb(RgbImage),
    Rgba(RgbaImage),
}

impl Picture {
    /// Wraps `3 · width · height` bytes.
    fn rgb(at: Sheet, bytes: Vec<u8>) -> Picture {
        Picture::Rgb(
            RgbImage::from_raw(at.width as u32, at.height as u32, bytes).unwrap_or_default(),
        )
    }

    /// Wraps `4 · width · height` bytes with straight alpha.
    fn rgba(at: Sheet, bytes: Vec<u8>) -> Picture {
        Picture::Rgba(
            RgbaImage::from_raw(at.width as u32, at.height as u32, bytes).unwrap_or_default(),
        )
    }

    /// The picture with each edge divided by `times`.
    fn shrunk(self, times: u32) -> Picture {
        match self {
            picture if times <= 1 => picture,
            Picture::Rgb(image) => Picture::Rgb(shrunk(&image, times)),
            Picture::Rgba(image) => Picture::Rgba(shrunk(&image, times)),
        }
    }

    /// The picture in the channels that the coding stores.
    fn into_pixels(self, coding: Coding) -> file::Pixels {
        match (self, coding) {
            (Picture::Rgb(image), Coding::PngGrey) => {
                let grey = image.pixels().map(|p| {
                    ((77 * u32::from(p[0]) + 151 * u32::from(p[1]) + 28 * u32::from(p[2])) >> 8)
                        as u8
                });
                let bytes: Vec<u8> = grey.collect();
                file::Pixels::Grey(
                    GrayImage::from_raw(image.width(), image.height(), bytes).unwrap_or_default(),
                )
            }
            (Picture::Rgb(image), _) => file::Pixels::Rgb(image),
            (Picture::Rgba(image), _) => file::Pixels::Rgba(image),
        }
    }
}

/// Every pixel the rounded mean of a square of `times` by `times`, colour by its opacity. In whole numbers, so that it is the
/// same on every processor, which vector code for any ratio does not promise.
fn shrunk<P: Pixel<Subpixel = u8>>(image: &Buffer<P>, times: u32) -> Buffer<P> {
    let rounded = |sum: u32, weight: u32| ((sum + weight / 2) / weight.max(1)) as u8;
    let colours = usize::from(P::CHANNEL_COUNT.min(3));
    Buffer::from_fn(image.width() / times, image.height() / times, |x, y| {
        let (mut sums, mut opacity) = ([0_u32; 3], 0_u32);
        for (dx, dy) in (0..times * times).map(|at| (at % times, at / times)) {
            let pixel = image.get_pixel(x * times + dx, y * times + dy);
            let (colour, alpha) = pixel.channels().split_at(colours);
            let alpha = alpha.first().map_or(255, |alpha| u32::from(*alpha));
            opacity += alpha;
            for (sum, value) in sums.iter_mut().zip(colour) {
                *sum += u32::from(*value) * alpha;
            }
        }
        let mut mean = *image.get_pixel(x * times, y * times);
        let (colour, alpha) = mean.channels_mut().split_at_mut(colours);
        for (value, sum) in colour.iter_mut().zip(sums) {
            *value = rounded(sum, opacity);
        }
        if let [alpha] = alpha {
            *alpha = rounded(opacity, times * times);
        }
        mean
    })
}

type Buffer<P> = ImageBuffer<P, Vec<u8>>;

/// The endless set of synthetic images of a seed.
///
/// # Guarantees
///
/// Image `i` depends on the seed and `i` alone. Pixels are the same on every processor (only IEEE 754
/// arithmetic and square roots are used). File bytes are the same wherever the codecs, which choose integer
/// SIMD code by processor, agree with their portable paths, as they mean to.
///
/// ```
/// use credlink_corpus::{ImageSet, SyntheticSet};
/// let set = SyntheticSet::new(7);
/// let entry = set.entry(3);
/// let image = set.load(3)?;
/// assert_eq!(image.entry, entry);
/// # Ok::<(), credlink_corpus::CorpusError>(())
/// ```
pub struct SyntheticSet {
    header: SetHeader,
}

impl SyntheticSet {
    /// The set of a seed. Costs nothing; images are made when asked for.
    pub fn new(seed: u64) -> SyntheticSet {
        let digest = Sha256::new()
            .chain_update(GENERATOR)
            .chain_update([0])
            .chain_update(seed.to_be_bytes());
        SyntheticSet {
            header: SetHeader {
                name: "synthetic".to_owned(),
                kind: "synthetic",
                seed,
                digest: hex::encode(digest.finalize()),
                files: None,
                rejected: Vec::new(),
                ignored: 0,
            },
        }
    }

    /// Draws image `index` as a viewer would show it, before it becomes a file: for tests, and for looking.
    ///
    /// Returns 8-bit RGB or RGBA pixels of the displayed (upright) size.
    pub fn picture(&self, index: usize) -> image::DynamicImage {
        let (plan, mut draws) = Plan::of(self.header.seed, index);
        match plan.picture(&mut draws) {
            Picture::Rgb(image) => image.into(),
            Picture::Rgba(image) => image.into(),
        }
    }
}

impl ImageSet for SyntheticSet {
    fn header(&self) -> &SetHeader {
        &self.header
    }

    fn entry(&self, index: usize) -> Entry {
        Plan::of(self.header.seed, index).0.entry(index)
    }

    fn load(&self, index: usize) -> Result<SourceImage, CorpusError> {
        let (plan, mut draws) = Plan::of(self.header.seed, index);
        let entry = plan.entry(index);
        let picture = plan.picture(&mut draws);
        let bytes = plan
            .encode(picture.into_pixels(plan.coding), &mut draws)
            .map_err(|reason| CorpusError::Encode {
                name: entry.name.clone(),
                reason,
            })?;
        Ok(SourceImage { entry, bytes })
    }

    fn distinct_sources(&self) -> Option<usize> {
        None
    }
}
