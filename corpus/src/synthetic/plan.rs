//! What image `index` will be, decided before a pixel is drawn: class, size, orientation, file kind.

use super::paint::exact::exp2;
use super::{CLASSES, Class, Picture, Sheet};
use crate::Entry;
use crate::draws::Draws;
use crate::file::{self, Camera, Editorial, Jpeg, Metadata, Pixels, Profile, Sampling};
use credlink_image_files::Format;

/// How a picture becomes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// JPEG with what cameras and phones write around it.
    Camera,
    /// JPEG as a program exports it.
    PlainJpeg,
    WebpLossy,
    WebpLossless,
    /// RGB, or RGBA where the picture has transparency.
    PngColour,
    /// At most 256 colours.
    PngPalette,
    PngGrey,
}

impl Coding {
    fn format(self) -> Format {
        match self {
            Coding::Camera | Coding::PlainJpeg => Format::Jpeg,
            Coding::WebpLossy | Coding::WebpLossless => Format::WebP,
            Coding::PngColour | Coding::PngPalette | Coding::PngGrey => Format::Png,
        }
    }
}

/// Where the streams of editorial words begin: far from those of images, and of decks.
const EDITORIAL: u64 = 1 << 62;

/// Images in a deck; class weights are counts within it.
const DECK: usize = 100;

/// Sides of a picture, wide over narrow, with weights.
const ASPECTS: [((u32, u32), u32); 5] = [
    ((3, 2), 34),
    ((4, 3), 30),
    ((16, 9), 16),
    ((1, 1), 8),
    ((5, 4), 12),
];

/// Share of pictures that are thumbnails, and their long side in pixels.
const THUMBNAILS: (f32, (f64, f64)) = (0.08, (180.0, 420.0));

/// Share of camera files that are as a telephone wrote them, and their long side in pixels.
const WHOLE: (f32, (f64, f64)) = (0.03, (2_500.0, 3_600.0));

/// Everything about an image but its pixels.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) index: usize,
    pub(crate) class: &'static Class,
    pub(crate) coding: Coding,
    /// Displayed size in pixels.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// EXIF orientation: 1, 3, 6 or 8.
    pub(crate) orientation: u16,
}

impl Plan {
    /// The plan of an image, and the stream of draws from which its content follows.
    pub(crate) fn of(seed: u64, index: usize) -> (Plan, Draws) {
        let class = class_of(seed, index);
        let mut draws = Draws::new(seed, index as u64);
        let coding = class.codings[draws.weighted(class.codings.iter().map(|c| c.1))].0;
        let (wide, narrow) = ASPECTS[draws.weighted(ASPECTS.iter().map(|a| a.1))].0;
        let portrait = draws.chance(if matches!(class.name, "portrait" | "document") {
            0.65
        } else {
            0.33
        });
        // Log-uniform, tilted a little to small sizes so that the mean area stays near 0.9 megapixels.
        let kind = draws.unit();
        let (least, most) = if kind < THUMBNAILS.0 {
            THUMBNAILS.1
        } else if coding == Coding::Camera && kind > 1.0 - WHOLE.0 {
            WHOLE.1
        } else {
            class.sizes
        };
        let t = f64::from(draws.unit());
        let long = least * exp2(log2(most / least) * t * (0.5 + 0.5 * t));
        let long = long.round() as u32;
        let short = (long * narrow + wide / 2) / wide;
        let (width, height) = if portrait {
            (short, long)
        } else {
            (long, short)
        };
        let turned = coding == Coding::Camera && draws.chance(0.125);
        let orientation = if turned { draws.pick(&[6, 6, 8, 3]) } else { 1 };
        (
            Plan {
                seed,
                index,
                class,
                coding,
                width,
                height,
                orientation,
            },
            draws,
        )
    }

    /// Draws the picture, at its displayed size: a thumbnail is a picture of a size of its class made small.
    pub(crate) fn picture(&self, draws: &mut Draws) -> Picture {
        let long = f64::from(self.width.max(self.height));
        let times = (self.class.sizes.0 / long).ceil().max(1.0) as u32;
        let sheet = Sheet {
            width: (self.width * times) as usize,
            height: (self.height * times) as usize,
            coding: self.coding,
        };
        (self.class.paint)(draws, sheet).shrunk(times)
    }

    pub(crate) fn entry(&self, index: usize) -> Entry {
        let swapped = self.orientation >= 5;
        let (width, height) = if swapped {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        let format = self.coding.format();
        Entry {
            index,
            name: format!("{}-{index:06}.{}", self.class.name, format.extension()),
            class: self.class.name.to_owned(),
            format,
            width,
            height,
            source: format!("synthetic/{}/{index}", self.seed),
            view: None,
        }
    }

    /// Makes the file of a displayed picture.
    pub(crate) fn encode(&self, pixels: Pixels, draws: &mut Draws) -> Result<Vec<u8>, String> {
        let editorial = self.editorial();
        match self.coding {
            Coding::Camera => {
                let metadata = Metadata {
                    editorial,
                    ..camera_metadata(draws, self.orientation)
                };
                let jpeg = Jpeg {
                    quality: draws.whole(80, 96) as u8,
                    sampling: match draws.below(20) {
                        0..14 => Sampling::Half,
                        14..17 => Sampling::HalfWide,
                        _ => Sampling::Full,
                    },
                    // Three passes over the coefficients cost as much as drawing, so only a few files.
                    progressive: draws.chance(0.08),
                };
                let pixels = file::stored(pixels, self.orientation);
                file::jpeg(&pixels, jpeg, &metadata)
            }
            Coding::PlainJpeg => {
                let jpeg = Jpeg {
                    quality: draws.whole(80, 95) as u8,
                    sampling: Sampling::Half,
                    progressive: false,
                };
                let metadata = Metadata {
                    editorial,
                    ..Metadata::default()
                };
                file::jpeg(&pixels, jpeg, &metadata)
            }
            Coding::WebpLossy => {
                let metadata = Metadata {
                    icc: draws.chance(0.3).then_some(Profile::Srgb),
                    editorial,
                    ..Metadata::default()
                };
                let quality = draws.between(74.0, 94.0);
                file::webp_lossy(&pixels, quality, &metadata)
            }
            Coding::WebpLossless => file::webp_lossless(&pixels, &Metadata::default()),
            Coding::PngPalette => file::png_palette(&pixels),
            Coding::PngColour | Coding::PngGrey => {
                let icc = match draws.below(20) {
                    0..2 => Some(Profile::DisplayP3),
                    2..5 => Some(Profile::Srgb),
                    _ => None,
                };
                let icc = icc.filter(|_| self.coding == Coding::PngColour);
                file::png(
                    &pixels,
                    &Metadata {
                        icc,
                        editorial,
                        ..Metadata::default()
                    },
                )
            }
        }
    }

    /// What a newsroom wrote into two files of five. Drawn from a stream of its own, so that pictures do not depend on it.
    fn editorial(&self) -> Option<Editorial> {
        let mut draws = Draws::new(self.seed, EDITORIAL + self.index as u64);
        draws.chance(0.4).then(|| Editorial::drawn(&mut draws))
    }
}

fn camera_metadata(draws: &mut Draws, orientation: u16) -> Metadata {
    let icc = match draws.below(20) {
        0..2 => Some(Profile::DisplayP3),
        2..13 => Some(Profile::Srgb),
        _ => None,
    };
    Metadata {
        camera: Some(Camera::drawn(draws, orientation)),
        icc,
        xmp: draws.chance(0.25),
        editorial: None,
    }
}

/// The class at an index: position in a deck of 100 that is shuffled for each hundred.
fn class_of(seed: u64, index: usize) -> &'static Class {
    let mut deck: Vec<&'static Class> = CLASSES
        .iter()
        .flat_map(|class| core::iter::repeat_n(class, class.weight as usize))
        .collect();
    // Streams counted from the far end never meet those of images.
    let mut draws = Draws::new(seed, u64::MAX - (index / DECK) as u64);
    draws.shuffle(&mut deck);
    deck[index % DECK]
}

/// Base-2 logarithm for x of at least 1, by bisection on [`exp2`]: exact enough for a size in pixels, and
/// the same everywhere.
fn log2(x: f64) -> f64 {
    let (mut low, mut high) = (0.0, 16.0);
    for _ in 0..48 {
        let mid = 0.5 * (low + high);
        if exp2(mid) < x { low = mid } else { high = mid }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_weights_fill_a_deck() {
        assert_eq!(
            CLASSES.iter().map(|c| c.weight as usize).sum::<usize>(),
            DECK
        );
    }

    #[test]
    fn each_hundred_holds_every_class_as_often_as_its_weight() {
        for block in [0, 3, 41] {
            for class in CLASSES {
                let n = (0..DECK)
                    .filter(|i| class_of(9, block * DECK + i).name == class.name)
                    .count();
                assert_eq!(n, class.weight as usize, "{}", class.name);
            }
        }
    }

    #[test]
    fn the_mean_area_is_near_nine_tenths_of_a_megapixel() {
        let areas: Vec<f64> = (0..2000)
            .map(|i| Plan::of(1, i).0)
            .map(|p| f64::from(p.width) * f64::from(p.height))
            .collect();
        let mean = areas.iter().sum::<f64>() / areas.len() as f64 / 1e6;
        assert!((0.82..0.98).contains(&mean), "{mean}");
    }
}
