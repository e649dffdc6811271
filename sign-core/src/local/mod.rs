//! The local fingerprint: which registered picture is in this one, and where?
//!
//! A picture has up to 200 points, where it is brighter or darker than around at some scale, and each looks like something: 256
//! comparisons of boxes around it. Whatever part of the picture is left, its points look as before and lie as before, so that a
//! proof can be found again in a crop, a collage or a screenshot. Extraction is in integers throughout: the same pixels give the
//! same points on any machine.
//!
//! Points are found by what they look like (in an index, [`crate::store::LocalIndex`]), and believed only where they lie
//! alike: some similarity has to lead at least eight of them onto their partners, more for many partners and large
//! stores, so that chance alone does so less than once in a million pictures (`gate.rs`). What then is left to exclude are
//! pictures that share a part. That is the sketch's task.
//!
//! Ideas: differences of Gaussians (D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60, 2004), bits from
//! pairs of boxes (I. Suárez et al., "BEBLID: boosted efficient binary local image descriptor", 2020), the expected number of chance
//! alignments (L. Moisan and B. Stival, "A probabilistic criterion to detect rigid point matches", IJCV 57, 2004).

mod canonical;
mod codec;
mod extrema;
mod fit;
mod gate;
mod matches;
mod patch;
mod pyramid;
#[cfg(test)]
mod tests;
mod views;

use image::DynamicImage;
use image::metadata::Orientation;

use self::canonical::Canonical;
use self::extrema::{Extremum, FAINT_FLOOR, FLOOR};
use self::patch::BITS;
use self::pyramid::Pyramid;

pub(crate) use self::canonical::canonical_size;
pub use self::codec::PointsError;
pub(crate) use self::fit::{Fit, fitted};
pub(crate) use self::gate::Gate;
pub(crate) use self::patch::Bits;
pub(crate) use self::views::{ORIENTATIONS, VIEWS};

/// Points that are registered of a picture at most.
pub const MOST_POINTS: usize = 200;

/// Points of a received picture at most.
const MOST_SOUGHT: usize = 300;

/// With fewer points than this, the floor is lowered: of a picture that is registered, and of one that is received.
const FEW: usize = 40;
const FEW_SOUGHT: usize = 100;

/// Fewest points that can lead to a proof: no gate opens for fewer.
pub const LEAST_POINTS: usize = 8;

/// A point of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// From the first pixel's centre, 1/8 canonical pixel: below 4096.
    pub(crate) x: u16,
    pub(crate) y: u16,
    /// log2 σ, 1/32 octave.
    pub(crate) scale: u8,
    /// What it looks like.
    pub(crate) bits: Bits,
}

/// The points of a registered picture: the first hundred are a good choice by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Points(Vec<Point>);

/// The points of a received picture, as they would be in every orientation.
#[derive(Debug)]
pub struct Sought {
    /// Size of the canonical picture, pixels.
    size: (usize, usize),
    points: Vec<Point>,
    margins: Vec<[u16; BITS]>,
}

/// One of eight orientations of a [`Sought`].
#[derive(Debug)]
pub(crate) struct SoughtView<'s> {
    /// How the received picture is turned.
    pub(crate) number: usize,
    /// Size of the turned canonical picture, pixels.
    pub(crate) size: (usize, usize),
    pub(crate) points: Vec<Point>,
    margins: &'s [[u16; BITS]],
}

impl Points {
    /// Of coded pixels that are displayed under `orientation`. About 7 ms, and a millisecond a megapixel.
    pub fn of(image: &DynamicImage, orientation: Orientation) -> Self {
        let pyramid = Pyramid::of(&Canonical::of(image, orientation));
        let points = found(&pyramid, MOST_POINTS, FEW).into_iter();
        Self(points.map(|(point, _)| point).collect())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none: nothing to find the picture by.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_slice(&self) -> &[Point] {
        &self.0
    }
}

impl Sought {
    /// Of coded pixels that are displayed under `orientation`; `None` where both sides are below 64 pixels, which is too little to
    /// look for. As dear as [`Points::of`].
    pub fn of(image: &DynamicImage, orientation: Orientation) -> Option<Self> {
        const LEAST_SIDE: u32 = 64;
        if image.width().max(image.height()) < LEAST_SIDE {
            return None;
        }
        let canonical = Canonical::of(image, orientation);
        let size = (canonical.width, canonical.height);
        let found = found(&Pyramid::of(&canonical), MOST_SOUGHT, FEW_SOUGHT);
        let (points, margins) = found.into_iter().unzip();
        Some(Self {
            size,
            points,
            margins,
        })
    }

    /// How many points there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The picture in one of the eight orientations.
    pub(crate) fn view(&self, number: usize) -> SoughtView<'_> {
        let (width, height) = self.size;
        // Positions are in eighths of a pixel.
        let last = [width, height].map(|side| 8 * (side.max(1) - 1) as u16);
        let turned = |point: &Point| {
            let (x, y) = views::moved((point.x, point.y), (last[0], last[1]), number);
            Point {
                x,
                y,
                bits: views::turned(&point.bits, number),
                ..*point
            }
        };
        SoughtView {
            number,
            size: if number & 4 == 0 {
                (width, height)
            } else {
                (height, width)
            },
            points: self.points.iter().map(turned).collect(),
            margins: &self.margins,
        }
    }
}

impl SoughtView<'_> {
    /// By how much bit `k` of point `number` is what it is, for comparing bits of one point.
    pub(crate) fn margin(&self, number: usize, k: u8) -> u16 {
        self.margins[number][usize::from(views::SOURCES[self.number][usize::from(k)])]
    }
}

/// The points of a picture; where there are fewer than `few`, the faint ones, too.
fn found(pyramid: &Pyramid, most: usize, few: usize) -> Vec<(Point, [u16; BITS])> {
    let mut extrema = extrema::spread(pyramid, FLOOR, most);
    if extrema.len() < few {
        extrema = extrema::spread(pyramid, FAINT_FLOOR, most);
    }
    let described = |extremum: &Extremum| {
        let (bits, margins) = patch::described(pyramid, extremum);
        let eighths = |sixteenths: i32| (sixteenths / 2) as u16;
        let point = Point {
            x: eighths(extremum.x),
            y: eighths(extremum.y),
            // 1/48 octave above log2 1.6, in 1/32 octave, rounded.
            scale: ((2000 * extremum.scale() + 65_094 + 1500) / 3000) as u8,
            bits,
        };
        (point, margins)
    };
    extrema.iter().map(described).collect()
}
