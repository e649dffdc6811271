//! Whether light and dark lie where the registered picture has them.
//!
//! Detail is compared without the mean of its neighbourhood, so that it agrees under any light. But then a picture of something
//! else, with the registered detail laid over it faintly, would agree as well: people see the something else, which is what is
//! large. Here the large is compared: the means of the cells, under the same gain as the detail.

use super::agreement::AgreementMap;
use super::field::averaged;
use crate::pixels::affine::Affine;
use crate::pixels::plane::Plane;

/// Contrast of the shading, grey levels, at which it counts half: a page photographed under a lamp, or a vignette, differs by that.
const LIT: f32 = 20.0;

/// Cells without which nothing is said.
const LEAST_CELLS: usize = 12;

/// How well the shading of a received plane follows that of the registered picture where it is seen, 0 (not at all) to 1, as
/// the contrast-structure term of SSIM has it; `None` where too little is seen. `means` are those of the registered cells,
/// `map` leads from the registered to the received picture, from 0 to 1.
pub(super) fn agreement(
    means: &Plane,
    received: &Plane,
    map: &Affine,
    seen: &AgreementMap,
) -> Option<f32> {
    let size = (means.width, means.height);
    if (seen.columns, seen.rows) != size {
        return None;
    }
    let scale = map
        .in_pixels(size, (received.width, received.height))
        .scale();
    let shades = averaged(received, map, size, scale);
    let pairs = seen.cells.iter().zip(&shades.seen);
    let pairs = pairs.zip(means.data.iter().zip(&shades.plane.data));
    let pairs: Vec<(f32, f32)> = pairs
        .filter(|((cell, is_seen), _)| cell.agreement.is_some() && **is_seen)
        .map(|(_, (a, b))| (*a, *b * seen.gain))
        .collect();
    if pairs.len() < LEAST_CELLS {
        return None;
    }
    let count = pairs.len() as f32;
    let sum = pairs
        .iter()
        .fold((0.0, 0.0), |(a, b), pair| (a + pair.0, b + pair.1));
    let (mean_a, mean_b) = (sum.0 / count, sum.1 / count);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - mean_a, b - mean_b);
        aa += a * a / count;
        bb += b * b / count;
        ab += a * b / count;
    }
    let floor = 2.0 * LIT * LIT;
    Some(((2.0 * ab + floor) / (aa + bb + floor)).clamp(0.0, 1.0))
}
