//! PDQ's transform, median and quality, and the eight orientations in the cosine domain.

use std::f64::consts::PI;
use std::sync::LazyLock;

use image::DynamicImage;
use image::metadata::Orientation;

use super::sampling::{GRID, Samples, samples};
use super::{Fingerprint, Tone, View};

/// Kept frequencies per axis: 1 to 16 of 64, without the mean.
const KEPT: usize = 16;

type Coefficients = [[f32; KEPT]; KEPT];

/// The largest coefficient of an image that has nothing to recognise.
///
/// Rounding leaves about 1e-4 in the coefficients of a constant image; one sample of 64×64 that differs by
/// a single grey level leaves 0.03.
const FEATURELESS_BELOW: f32 = 0.01;

/// The eight ways to turn and mirror an image, in the order of [`ContentHash::dihedral`].
pub const SYMMETRIES: [Orientation; 8] = [
    Orientation::NoTransforms,
    Orientation::Rotate90,
    Orientation::Rotate180,
    Orientation::Rotate270,
    Orientation::FlipHorizontal,
    Orientation::FlipVertical,
    Orientation::Rotate90FlipH,
    Orientation::Rotate270FlipH,
];

/// What PDQ keeps of one displayed image: cosine coefficients and quality.
///
/// Guarantee: the orientation is applied to the coefficients, exactly. The same coded pixels with another
/// orientation tag therefore have one [`ContentHash::dihedral`] variant at distance 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentHash {
    coefficients: Coefficients,
    tone: Tone,
    quality: u8,
}

impl ContentHash {
    /// Hashes coded pixels as they are displayed under `orientation`.
    ///
    /// Alpha is composited over white, 16-bit and float samples are reduced to the 0 to 255 range. An
    /// image without pixels, or without any structure in both directions, is featureless. Costs about
    /// 1 ms a megapixel.
    pub fn of(image: &DynamicImage, orientation: Orientation) -> Self {
        let Some(samples) = samples(image) else {
            return Self {
                coefficients: [[0.0; KEPT]; KEPT],
                tone: Tone::default(),
                quality: 0,
            };
        };
        Self {
            coefficients: oriented(&transformed(&samples), orientation),
            tone: Tone::of(&samples).turned(orientation),
            quality: quality(&samples),
        }
    }

    /// PDQ's image-domain quality, 0 (flat) to 100. The reference advises against matching below 50.
    pub fn quality(&self) -> u8 {
        self.quality
    }

    /// The fingerprint of the displayed image.
    pub fn fingerprint(&self) -> Fingerprint {
        hashed(&self.coefficients)
    }

    /// Cosine coefficients of the displayed image on a scale of 0 to 255: vertical frequencies 1 to 16, and for each the
    /// horizontal ones. A bit of the fingerprint is set where its coefficient lies above the lower median of all 256.
    pub fn coefficients(&self) -> &[[f32; 16]; 16] {
        &self.coefficients
    }

    /// The coarse brightness of the displayed image.
    pub fn tone(&self) -> Tone {
        self.tone
    }

    /// The displayed image after each of [`SYMMETRIES`].
    pub fn views(&self) -> [View; 8] {
        SYMMETRIES.map(|symmetry| View {
            fingerprint: hashed(&oriented(&self.coefficients, symmetry)),
            tone: self.tone.turned(symmetry),
        })
    }

    /// The fingerprints of the displayed image after each of [`SYMMETRIES`]; the first is
    /// [`ContentHash::fingerprint`].
    pub fn dihedral(&self) -> [Fingerprint; 8] {
        self.views().map(|view| view.fingerprint)
    }
}

/// Rows 1 to 16 of the 64-point DCT-II matrix.
static COSINES: LazyLock<[[f32; GRID]; KEPT]> = LazyLock::new(|| {
    let scale = (2.0 / GRID as f64).sqrt();
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            (scale * (PI / (2 * GRID) as f64 * ((i + 1) * (2 * j + 1)) as f64).cos()) as f32
        })
    })
});

fn transformed(samples: &Samples) -> Coefficients {
    let cosines = &*COSINES;
    let mut coefficients = [[0.0; KEPT]; KEPT];
    for (cosine, out) in cosines.iter().zip(&mut coefficients) {
        let mut vertical = [0.0_f32; GRID];
        for (weight, row) in cosine.iter().zip(samples) {
            for (sum, value) in vertical.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        for (cosine, out) in cosines.iter().zip(out) {
            *out = cosine.iter().zip(&vertical).map(|(a, b)| a * b).sum();
        }
    }
    coefficients
}

/// The gradient sum of the reference (`computePDQImageDomainQualityMetric`): percent steps between
/// neighbours, truncated, over 90.
fn quality(samples: &Samples) -> u8 {
    let step = |a: f32, b: f32| ((a - b) * 100.0 / 255.0) as i32;
    let mut sum = 0_u32;
    for y in 0..GRID {
        for x in 0..GRID {
            if y + 1 < GRID {
                sum += step(samples[y][x], samples[y + 1][x]).unsigned_abs();
            }
            if x + 1 < GRID {
                sum += step(samples[y][x], samples[y][x + 1]).unsigned_abs();
            }
        }
    }
    // At most 100, so the conversion cannot fail.
    u8::try_from((sum / 90).min(100)).unwrap_or(100)
}

/// How an orientation comes about: swap the axes, then mirror left and right, then top and bottom.
pub(super) fn turn(orientation: Orientation) -> (bool, bool, bool) {
    match orientation {
        Orientation::NoTransforms => (false, false, false),
        Orientation::FlipHorizontal => (false, true, false),
        Orientation::FlipVertical => (false, false, true),
        Orientation::Rotate180 => (false, true, true),
        Orientation::Rotate90FlipH => (true, false, false),
        Orientation::Rotate90 => (true, true, false),
        Orientation::Rotate270 => (true, false, true),
        Orientation::Rotate270FlipH => (true, true, true),
    }
}

/// The coefficients of the turned image. Mirroring an axis flips the sign of its odd frequencies, which
/// have even indices here because the mean is left out; swapping the axes transposes.
fn oriented(coefficients: &Coefficients, orientation: Orientation) -> Coefficients {
    let (transpose, mirror_x, mirror_y) = turn(orientation);
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let value = if transpose {
                coefficients[j][i]
            } else {
                coefficients[i][j]
            };
            if (mirror_x && j % 2 == 0) != (mirror_y && i % 2 == 0) {
                -value
            } else {
                value
            }
        })
    })
}

fn hashed(coefficients: &Coefficients) -> Fingerprint {
    let mut sorted = [0.0_f32; KEPT * KEPT];
    for (slot, value) in sorted.iter_mut().zip(coefficients.iter().flatten()) {
        *slot = *value;
    }
    if sorted.iter().all(|value| value.abs() < FEATURELESS_BELOW) {
        return Fingerprint::FEATURELESS;
    }
    // The reference takes the lower of the two middle values (Torben's method).
    let (_, median, _) = sorted.select_nth_unstable_by(KEPT * KEPT / 2 - 1, f32::total_cmp);
    let median = *median;
    let mut words = [0_u64; 4];
    for (k, value) in coefficients.iter().flatten().enumerate() {
        if *value > median {
            words[k / 64] |= 1 << (k % 64);
        }
    }
    Fingerprint(words)
}
