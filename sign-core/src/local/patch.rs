//! What a point looks like: 256 comparisons of boxes in the patch around it.

use super::extrema::{Extremum, FIRST_STEP};
use super::pyramid::{Pyramid, Samples};

/// Samples along a side of a patch.
const SIDE: usize = 32;

/// Bits of a descriptor.
pub(super) const BITS: usize = 256;

/// A descriptor: bit k is bit k mod 64 of word k / 64.
pub(crate) type Bits = [u64; 4];

/// First corners of two boxes and their common side, samples of the patch. Chosen, greedily, for how well they tell patches of
/// one place from others; each stands for the eight pairs that the symmetries of the square make of it, so that a descriptor of a
/// mirrored or turned picture is this one with its bits in another order.
const GENERATORS: [[u8; 5]; 32] = [
    [16, 18, 12, 21, 8],
    [20, 0, 17, 5, 5],
    [10, 13, 6, 20, 2],
    [0, 19, 4, 23, 3],
    [9, 14, 10, 20, 6],
    [2, 23, 2, 19, 9],
    [15, 27, 12, 24, 3],
    [29, 22, 30, 16, 2],
    [9, 13, 6, 13, 3],
    [5, 13, 0, 12, 3],
    [22, 16, 21, 20, 2],
    [10, 9, 5, 7, 4],
    [29, 20, 27, 11, 3],
    [6, 7, 10, 4, 2],
    [17, 25, 22, 26, 6],
    [9, 18, 8, 12, 4],
    [2, 12, 6, 11, 5],
    [21, 25, 24, 24, 6],
    [14, 11, 17, 12, 5],
    [24, 14, 24, 18, 4],
    [23, 21, 28, 24, 2],
    [12, 5, 16, 8, 3],
    [7, 28, 4, 27, 4],
    [22, 21, 17, 23, 3],
    [19, 8, 21, 4, 3],
    [7, 2, 11, 0, 4],
    [15, 9, 19, 13, 2],
    [15, 0, 13, 5, 7],
    [18, 15, 21, 11, 6],
    [14, 6, 10, 6, 2],
    [23, 18, 20, 18, 3],
    [27, 18, 28, 11, 4],
];

/// Distance of two samples of a patch, in 1/65536 sample of where it is taken, by the point's step within its octave:
/// 13σ/32. The first table is for the canonical image itself, the second for an octave before the point's own.
const STEPS: [[i64; 49]; 2] = [
    [
        47_815, 48_511, 49_216, 49_932, 50_658, 51_395, 52_143, 52_901, 53_671, 54_451, 55_243,
        56_047, 56_862, 57_689, 58_528, 59_380, 60_243, 61_119, 62_008, 62_910, 63_825, 64_754,
        65_696, 66_651, 67_621, 68_604, 69_602, 70_615, 71_642, 72_684, 73_741, 74_814, 75_902,
        77_006, 78_126, 79_262, 80_415, 81_585, 82_771, 83_975, 85_197, 86_436, 87_693, 88_969,
        90_263, 91_576, 92_908, 94_259, 95_630,
    ],
    [
        95_630, 97_021, 98_432, 99_864, 101_317, 102_790, 104_285, 105_802, 107_341, 108_903,
        110_487, 112_094, 113_724, 115_378, 117_056, 118_759, 120_486, 122_239, 124_017, 125_821,
        127_651, 129_508, 131_391, 133_303, 135_241, 137_209, 139_204, 141_229, 143_283, 145_367,
        147_482, 149_627, 151_803, 154_011, 156_252, 158_524, 160_830, 163_169, 165_543, 167_951,
        170_394, 172_872, 175_387, 177_938, 180_526, 183_152, 185_816, 188_518, 191_260,
    ],
];

type Patch = [u32; SIDE * SIDE];

/// Sums over rectangles from the first corner.
type Table = [u32; (SIDE + 1) * (SIDE + 1)];

/// What a point looks like, and by how much each bit is what it is: the difference of its two boxes relative to the patch's mean
/// deviation, in 1/256 at most 65535.
pub(super) fn described(pyramid: &Pyramid, point: &Extremum) -> (Bits, [u16; BITS]) {
    let patch = patch(pyramid, point);
    let table = summed(&patch);
    let mean = table[table.len() - 1] / (SIDE * SIDE) as u32;
    let deviation: u32 = patch.iter().map(|sample| sample.abs_diff(mean)).sum();
    let deviation = deviation / (SIDE * SIDE) as u32;
    let (mut bits, mut margins) = ([0; 4], [0; BITS]);
    for (k, [ax, ay, bx, by, side]) in PAIRS.iter().enumerate() {
        let (a, b) = (over(&table, *ax, *ay, *side), over(&table, *bx, *by, *side));
        bits[k / 64] |= u64::from(a > b) << (k % 64);
        if deviation > 0 {
            let mean_difference = a.abs_diff(b) / (u32::from(*side) * u32::from(*side));
            let margin = u64::from(mean_difference) * 256 / u64::from(deviation + 16);
            margins[k] = margin.min(u64::from(u16::MAX)) as u16;
        }
    }
    (bits, margins)
}

/// The patch around a point, upright, from where the picture is half as blurred as at the point.
fn patch(pyramid: &Pyramid, point: &Extremum) -> Patch {
    let step = (point.step - FIRST_STEP) as usize;
    match point.octave.checked_sub(1) {
        None => sampled(&pyramid.base, (point.x, point.y), 0, STEPS[0][step]),
        Some(before) => {
            let level = &pyramid.octaves[before].levels[point.layer];
            sampled(level, (point.x, point.y), before, STEPS[1][step])
        }
    }
}

/// Bilinear samples every `step` around a centre, which is in 1/16 canonical pixel.
fn sampled(from: &Samples, (x, y): (i32, i32), octave: usize, step: i64) -> Patch {
    // Index, index of the next, share of the next in 1/256.
    let places = |centre: i32, length: usize| -> [(usize, usize, u32); SIDE] {
        let last = (length as i64 - 1) << 16;
        let centre = (i64::from(centre) << 12) >> octave;
        std::array::from_fn(|i| {
            let away = (2 * i as i64 - (SIDE as i64 - 1)) * step / 2;
            let at = (centre + away).clamp(0, last);
            let index = (at >> 16) as usize;
            (index, (index + 1).min(length - 1), (at >> 8 & 255) as u32)
        })
    };
    let (columns, rows) = (places(x, from.width), places(y, from.height));
    let mut patch = [0; SIDE * SIDE];
    for (out, (above, below, down)) in patch.chunks_exact_mut(SIDE).zip(rows) {
        let [above, below] = [above, below].map(|y| &from.data[y * from.width..][..from.width]);
        for (out, (left, right, across)) in out.iter_mut().zip(columns) {
            let mixed = |row: &[u16]| {
                u32::from(row[left]) * (256 - across) + u32::from(row[right]) * across
            };
            // Samples are below 2^15, so that this fits.
            *out = (mixed(above) * (256 - down) + mixed(below) * down + 32_768) >> 16;
        }
    }
    patch
}

fn summed(patch: &Patch) -> Table {
    let mut table = [0; (SIDE + 1) * (SIDE + 1)];
    for y in 0..SIDE {
        let mut row = 0;
        for x in 0..SIDE {
            row += patch[y * SIDE + x];
            table[(y + 1) * (SIDE + 1) + x + 1] = table[y * (SIDE + 1) + x + 1] + row;
        }
    }
    table
}

fn over(table: &Table, x: u8, y: u8, side: u8) -> u32 {
    let at = |x: u8, y: u8| table[usize::from(y) * (SIDE + 1) + usize::from(x)];
    at(x + side, y + side) + at(x, y) - at(x, y + side) - at(x + side, y)
}

/// All pairs: bit 8·g + v is generator g as symmetry v has it.
static PAIRS: [[u8; 5]; BITS] = pairs();

const fn pairs() -> [[u8; 5]; BITS] {
    let mut all = [[0; 5]; BITS];
    let mut k = 0;
    while k < BITS {
        let [ax, ay, bx, by, side] = GENERATORS[k / 8];
        let (ax, ay) = moved(ax, ay, side, k % 8);
        let (bx, by) = moved(bx, by, side, k % 8);
        all[k] = [ax, ay, bx, by, side];
        k += 1;
    }
    all
}

/// The first corner of a box under a symmetry: swapped first, then flipped.
const fn moved(x: u8, y: u8, side: u8, symmetry: usize) -> (u8, u8) {
    let (x, y) = if symmetry & 4 != 0 { (y, x) } else { (x, y) };
    let flipped = SIDE as u8 - side;
    (
        if symmetry & 1 != 0 { flipped - x } else { x },
        if symmetry & 2 != 0 { flipped - y } else { y },
    )
}
