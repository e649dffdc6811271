//! Where a picture has points: extrema of differences of neighbouring blurs, spread over the frame.

use std::cmp::Reverse;

use super::pyramid::{LAYERS, Octave, Pyramid};
use crate::pixels::wide::wide;

/// Least |difference|, in 1/128 grey level: 0.86 of a grey level.
pub(super) const FLOOR: i16 = 110;
/// The same for faint pictures, skies and walls, which have no other points: 0.2 of a grey level.
pub(super) const FAINT_FLOOR: i16 = 25;

/// Largest ratio of the two curvatures: a point on an edge can slide along it.
const EDGE: i64 = 20;

/// Cells along a side of the frame, by octave.
const GRID: [usize; 7] = [7, 5, 4, 3, 2, 2, 2];

/// σ of a point, in 1/65536 sample of its octave, by [`Extremum::step`] from [`FIRST_STEP`] on: 1.6·2^(k/48).
const SIGMAS: [i64; 49] = [
    117_699, 119_411, 121_148, 122_910, 124_697, 126_511, 128_351, 130_218, 132_112, 134_034,
    135_983, 137_961, 139_968, 142_004, 144_069, 146_165, 148_291, 150_448, 152_636, 154_856,
    157_109, 159_394, 161_713, 164_065, 166_451, 168_872, 171_328, 173_820, 176_349, 178_914,
    181_516, 184_156, 186_835, 189_553, 192_310, 195_107, 197_945, 200_824, 203_745, 206_709,
    209_715, 212_766, 215_860, 219_000, 222_186, 225_417, 228_696, 232_023, 235_397,
];
pub(super) const FIRST_STEP: i32 = 8;

/// Two points nearer than σ are one, where their scales differ by less than this: 0.6 octaves, in 1/48.
const LIKE_SCALE: i32 = 28;

/// A point of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extremum {
    /// From the first pixel's centre, 1/16 canonical pixel.
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) octave: usize,
    /// Layer of the octave, 1 to 3.
    pub(super) layer: usize,
    /// Scale within the octave, 1/48 octave: 8 to 56.
    pub(super) step: i32,
    /// |difference|, 1/128 grey level.
    pub(super) strength: i32,
}

impl Extremum {
    /// Scale, 1/48 octave above σ 1.6.
    pub(super) fn scale(&self) -> i32 {
        48 * self.octave as i32 + self.step
    }

    /// σ, 1/65536 canonical pixel.
    fn sigma(&self) -> i64 {
        SIGMAS[(self.step - FIRST_STEP) as usize] << self.octave
    }

    fn order(&self) -> (Reverse<i32>, i32, i32, i32) {
        (Reverse(self.strength), self.y, self.x, self.scale())
    }

    /// Whether the two are one.
    fn covers(&self, other: &Self) -> bool {
        if (self.scale() - other.scale()).abs() > LIKE_SCALE {
            return false;
        }
        let (dx, dy) = (i64::from(self.x - other.x), i64::from(self.y - other.y));
        // In 1/65536 canonical pixel.
        (dx * dx + dy * dy) << 24 < other.sigma() * other.sigma()
    }
}

/// The points of a picture, at most `most`: first the strongest of every cell, then the second of every cell, and so on.
pub(super) fn spread(pyramid: &Pyramid, floor: i16, most: usize) -> Vec<Extremum> {
    let size = (pyramid.base.width, pyramid.base.height);
    let mut found = Vec::new();
    for (number, octave) in pyramid.octaves.iter().enumerate() {
        extrema(octave, number, floor, size, &mut found);
    }
    found.sort_by_key(Extremum::order);
    let mut counts = [[0_u32; 49]; GRID.len()];
    let mut ranked: Vec<(u32, Extremum)> = found
        .into_iter()
        .map(|point| {
            let grid = GRID[point.octave];
            let cell = |at: i32, side: usize| (at as usize * grid / (16 * side)).min(grid - 1);
            let place = cell(point.y, size.1) * grid + cell(point.x, size.0);
            let count = &mut counts[point.octave][place];
            *count += 1;
            (*count, point)
        })
        .collect();
    ranked.sort_by_key(|(rank, point)| (*rank, point.order()));
    let mut kept: Vec<Extremum> = Vec::with_capacity(most);
    for (_, point) in ranked {
        if kept.len() == most {
            break;
        }
        if !kept.iter().any(|held| held.covers(&point)) {
            kept.push(point);
        }
    }
    kept
}

/// The points of one octave, in no particular order.
fn extrema(
    octave: &Octave,
    number: usize,
    floor: i16,
    canonical: (usize, usize),
    found: &mut Vec<Extremum>,
) {
    let (width, height) = (octave.levels[0].width, octave.levels[0].height);
    let differences: Vec<Vec<i16>> = octave
        .levels
        .windows(2)
        .map(|pair| {
            let pairs = pair[1].data.iter().zip(&pair[0].data);
            // Samples are below 2^15.
            pairs
                .map(|(a, b)| (*a as i16).wrapping_sub(*b as i16))
                .collect()
        })
        .collect();
    let is_candidate = &mut vec![false; width][..];
    for layer in 1..=LAYERS {
        let three = [0, 1, 2].map(|k| &differences[layer + k - 1][..]);
        for y in 2..height - 2 {
            let rows = [y - 1, y, y + 1].map(|y| &three[1][y * width..][..width]);
            wide!(
                |is_candidate: &'l mut [bool], rows: [&'l [i16]; 3], floor: i16| -> () {
                    candidates(is_candidate, rows, floor);
                }
            );
            for x in (2..width - 2).filter(|&x| is_candidate[x]) {
                if !is_extreme(three, y * width + x, width) {
                    continue;
                }
                let point = localised(three, (x, y), width, layer, number);
                found.extend(point.filter(|point| is_within(point, canonical)));
            }
        }
    }
}

/// Of the middle one of three rows, but for its ends: which samples reach the floor, and no neighbour is beyond them.
#[inline(always)]
fn candidates(out: &mut [bool], rows: [&[i16]; 3], floor: i16) {
    let inner = out.len() - 2;
    let out = &mut out[1..][..inner];
    let own = &rows[1][1..][..inner];
    let around = rows.map(|row| [0, 1, 2].map(|dx| &row[dx..][..inner]));
    for x in 0..inner {
        let (mut least, mut most) = (-floor, floor);
        for three in &around {
            for row in three {
                (least, most) = (least.min(row[x]), most.max(row[x]));
            }
        }
        out[x] = (own[x] == most) | (own[x] == least);
    }
}

/// Whether a sample lies beyond all its neighbours. Of equal ones the last in order of layer, row and column wins.
fn is_extreme(three: [&[i16]; 3], at: usize, width: usize) -> bool {
    let value = i32::from(three[1][at]);
    let sign = value.signum();
    let own = value.abs();
    for (layer, samples) in three.iter().enumerate() {
        for dy in 0..3 {
            let from = at + dy * width - width - 1;
            for dx in 0..3 {
                let order = 9 * layer + 3 * dy + dx;
                let other = sign * i32::from(samples[from + dx]);
                let is_beyond = match order.cmp(&13) {
                    std::cmp::Ordering::Less => own > other,
                    std::cmp::Ordering::Equal => true,
                    std::cmp::Ordering::Greater => own >= other,
                };
                if !is_beyond {
                    return false;
                }
            }
        }
    }
    true
}

/// The point at a sample, between samples; `None` on an edge.
fn localised(
    three: [&[i16]; 3],
    (x, y): (usize, usize),
    width: usize,
    layer: usize,
    octave: usize,
) -> Option<Extremum> {
    let at = y * width + x;
    let d = |k: usize| i64::from(three[1][k]);
    let v = d(at);
    let (left, right, above, below) = (d(at - 1), d(at + 1), d(at - width), d(at + width));
    let (xx, yy) = (left + right - 2 * v, above + below - 2 * v);
    let xy4 = d(at - width - 1) + d(at + width + 1) - d(at - width + 1) - d(at + width - 1);
    let (trace, det16) = (xx + yy, 16 * xx * yy - xy4 * xy4);
    if det16 <= 0 || 16 * trace * trace * EDGE >= (EDGE + 1) * (EDGE + 1) * det16 {
        return None;
    }
    let (finer, coarser) = (i64::from(three[0][at]), i64::from(three[2][at]));
    let ss = finer + coarser - 2 * v;
    // Vertex of a parabola, in sixteenths.
    let offset = |before: i64, after: i64, curvature: i64| match curvature {
        0 => 0,
        _ => (8 * (before - after) / curvature).clamp(-8, 8) as i32,
    };
    Some(Extremum {
        x: (16 * x as i32 + offset(left, right, xx)) << octave,
        y: (16 * y as i32 + offset(above, below, yy)) << octave,
        octave,
        layer,
        step: 16 * layer as i32 + offset(finer, coarser, ss),
        strength: v.abs() as i32,
    })
}

/// Whether a quarter of the patch's half width, 1.625 σ, lies within the picture.
fn is_within(point: &Extremum, (width, height): (usize, usize)) -> bool {
    let reach = point.sigma() * 13 / 8;
    let is_inside = |at: i32, side: usize| {
        let at = i64::from(at) << 12;
        at >= reach && at <= ((side as i64 - 1) << 16) - reach
    };
    is_inside(point.x, width) && is_inside(point.y, height)
}
