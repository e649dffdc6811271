//! jpegli's quantisation tables, and files that have them.
//!
//! The formula and its constants are those of google/jpegli lib/jpegli/quant.cc (SetQuantMatrices) and encode.cc
//! (jpegli_quality_to_distance) @0bc13adb: YCbCr, one table for both kinds of chroma, no HDR transfer function. What jpegli
//! does besides, dead zones that follow the picture, is not done here: coefficients are rounded to the nearest, so that files
//! come out larger and the coefficients of flat areas finer.

use super::chroma::Chroma;
use super::libjpeg::compress::{Job, compress};

/// What both planes are scaled by.
const SCALE: f64 = 1.739_660_1;
/// The same for 4:2:0, on top.
const SCALE_420: f64 = 1.22;
/// The distance from which scaling is no longer linear.
const BEND: f64 = 1.5;

/// A symmetric matrix of eight rows by its entries from the diagonal on.
type Symmetric = [f64; 36];

/// The entry of a row and a column.
fn entry(matrix: &Symmetric, row: usize, column: usize) -> f64 {
    let (low, high) = (row.min(column), row.max(column));
    // Rows before this one hold 8, 7, 6, … entries.
    matrix[low * (17 - low) / 2 + high - low]
}

/// The luma table at the distance 1, unscaled.
#[rustfmt::skip]
const LUMA: Symmetric = [
    1.239741, 1.722712, 2.921217, 2.812737, 3.33982, 3.463604, 3.840915, 3.86956,
    2.092889, 2.845676, 2.704507, 3.440767, 3.166232, 4.025209, 4.035324,
    2.95874, 3.386295, 3.619524, 3.904628, 3.757836, 4.237448,
    3.380059, 4.167987, 4.805511, 4.784259, 4.605934,
    4.579851, 4.923237, 5.574107, 5.485333,
    5.43936, 5.093896, 6.087225,
    5.438461, 5.403736,
    4.377871,
];

/// The chroma table, made for Cr and used for both.
#[rustfmt::skip]
const CHROMA: Symmetric = [
    2.921725, 4.497681, 7.356345, 6.583892, 8.535609, 8.799434, 9.188342, 9.4827,
    6.309549, 7.024609, 7.156445, 8.049059, 7.012429, 6.711923, 8.380308,
    6.892101, 6.88282, 8.782226, 6.877475, 7.885818, 8.67909,
    7.003073, 7.722346, 7.955426, 7.473411, 8.362933,
    6.778006, 9.484923, 9.043703, 8.053178,
    8.607607, 9.922697, 64.25135,
    63.18494, 83.35294,
    114.892,
];

/// What chroma is multiplied by at 4:2:0.
#[rustfmt::skip]
const CHROMA_420: Symmetric = [
    0.4093, 0.3209, 0.3477, 0.3333, 0.3144, 0.2823, 0.3214, 0.3354,
    0.3111, 0.3489, 0.2801, 0.3059, 0.3119, 0.4135, 0.3445,
    0.3586, 0.3257, 0.2727, 0.3754, 0.3369, 0.3484,
    0.302, 0.3515, 0.341, 0.3971, 0.3839,
    0.3105, 0.3397, 0.2716, 0.3836,
    0.3212, 0.3203, 0.0726,
    0.0798, 0.0553,
    0.3368,
];

/// How fast each frequency grows behind the bend.
#[rustfmt::skip]
const EXPONENT: Symmetric = [
    1.0, 0.51, 0.67, 0.74, 1.0, 1.0, 1.0, 1.0,
    0.66, 0.69, 0.87, 1.0, 1.0, 1.0, 1.0,
    0.84, 0.83, 0.96, 1.0, 1.0, 1.0,
    1.0, 1.0, 0.91, 0.91, 1.0,
    1.0, 1.0, 1.0, 1.0,
    1.0, 1.0, 1.0,
    1.0, 1.0,
    1.0,
];

/// Butteraugli's distance that jpegli takes a quality of 1 to 100 to be.
fn distance(quality: u8) -> f64 {
    let quality = f64::from(quality);
    if quality >= 100.0 {
        0.01
    } else if quality >= 30.0 {
        0.1 + (100.0 - quality) * 0.09
    } else {
        53.0 / 3000.0 * quality * quality - 23.0 / 20.0 * quality + 25.0
    }
}

/// The tables of luma and chroma at a quality of 1 to 100, row by row; entries may exceed 255.
#[must_use]
pub fn tables(quality: u8, chroma: Chroma) -> [[u16; 64]; 2] {
    let distance = distance(quality.clamp(1, 100));
    let is_420 = chroma == Chroma::Quarter;
    let of = |base: &Symmetric, is_chroma: bool| {
        std::array::from_fn(|index| {
            let (row, column) = (index / 8, index % 8);
            let exponent = entry(&EXPONENT, row, column);
            let bent = BEND.powf(1.0 - exponent) * distance.powf(exponent);
            let mut scale = if distance < BEND {
                distance
            } else {
                bent.max(0.5 * distance)
            };
            scale *= SCALE;
            if is_420 {
                scale *= SCALE_420;
            }
            if is_420 && is_chroma {
                scale *= entry(&CHROMA_420, row, column);
            }
            // Within the range of the type, as a float that is turned into one always is.
            (scale * entry(base, row, column))
                .round()
                .clamp(1.0, 32_767.0) as u16
        })
    };
    [of(&LUMA, false), of(&CHROMA, true)]
}

/// A file with these tables. Unwinds where libjpeg gives up, with its words as a `String`.
#[must_use]
pub(super) fn encode(
    samples: &[u8],
    size: (u16, u16),
    is_grey: bool,
    (quality, chroma): (u8, Chroma),
    progressive: bool,
) -> Vec<u8> {
    compress(Job {
        samples,
        size,
        is_grey,
        tables: &tables(quality, chroma),
        chroma,
        progressive,
        optimised: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of tables in files that were seen (`evidence/observed.tsv`), and the largest entry.
    #[test]
    fn the_tables_are_those_of_files_that_were_seen() {
        for (quality, chroma, luma_sum, chroma_sum, most) in [
            (65, Chroma::Quarter, 1693, 1420, 267),
            (80, Chroma::Quarter, 1014, 852, 156),
            (87, Chroma::Full, 558, 2040, 254),
        ] {
            let [luma, both] = tables(quality, chroma);
            let sum = |table: &[u16; 64]| table.iter().map(|entry| u32::from(*entry)).sum::<u32>();
            assert_eq!(
                (sum(&luma), sum(&both)),
                (luma_sum, chroma_sum),
                "{quality}"
            );
            assert_eq!(both.iter().max(), Some(&most));
        }
        let [luma, _] = tables(80, Chroma::Quarter);
        assert_eq!(luma[..8], [5, 6, 11, 11, 13, 14, 15, 16]);
    }

    #[test]
    fn tables_grow_as_the_quality_falls() {
        for chroma in [Chroma::Full, Chroma::Quarter] {
            for quality in 2..=100 {
                let (worse, better) = (tables(quality - 1, chroma), tables(quality, chroma));
                for (worse, better) in worse.iter().flatten().zip(better.iter().flatten()) {
                    assert!(worse >= better, "{quality}");
                }
            }
        }
    }
}
