//! Pictures without texture, compared by their shades: sky, walls, gradients, a plain page.
//!
//! Where there is no detail to align, the means of the cells are all that a sketch has, kept to half a grey level. They say
//! little about which picture it is, but much about what it is not: whatever shows anything else differs somewhere. So
//! every cell has to agree, edge to edge, and there has to be shading enough that an arbitrary plain picture would not.

use image::DynamicImage;

use super::codec::means;
use crate::fingerprint::SYMMETRIES;
use crate::pixels::canonical::resized;
use crate::pixels::plane::Plane;

/// Largest difference of a cell between two copies, grey levels, and as a share of the spread. Of 577 copies of such
/// pictures after the core pipelines 98 % differ by at most 1.4, and of 36,657 pairs of different ones none by less than a
/// fifth of its spread (`sketch true`, seed 7, and `sketch pairs`, seed 8, with `--class flat`).
const AGREES_TO: (f32, f32) = (2.5, 0.15);

/// Spread of the shades, grey levels, from which they say something: below, rounding alone is a seventh of it.
const SHADED_FROM: f32 = 4.0;

/// The shades of a registered picture, and how a received one differs from them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shades {
    /// From the darkest twentieth of the cells to the brightest, grey levels.
    pub spread: f32,
    /// Largest difference of any cell in the best of the eight orientations, grey levels.
    pub difference: f32,
}

/// A stroke's edge: neighbouring pixels that differ by more than this, grey levels of a channel, in the same direction on so
/// many lines one after the other. Noise of an old sensor makes such pairs, but seldom three of them in a row: 1 in 1,000
/// pixels of `mei_canon_a80_blue` of the photographs, where letters over a sky make 4 to 70.
const EDGE: (i16, usize) = (12, 3);

/// Edges in all pairs of neighbours. One straight border across the picture has less.
const MOST_EDGES: f64 = 0.002;

/// Whether the pixels themselves have no strokes, in brightness or colour, that the shades of cells would hide: text, thin
/// lines, a fine drawing.
pub(crate) fn is_plain(image: &DynamicImage) -> bool {
    let pixels = image.to_rgba8();
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let over_white = |pixel: &image::Rgba<u8>| {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        [red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha)) / 255) as i16)
    };
    let colours: Vec<[i16; 3]> = pixels.pixels().map(over_white).collect();
    let across = edges(width, height, |x, y| colours[y * width + x]);
    let down = edges(height, width, |y, x| colours[y * width + x]);
    (across + down) as f64 <= MOST_EDGES * (2 * colours.len()) as f64
}

/// Places where an edge between two columns goes on for as many rows as [`EDGE`] says, counted at its last row.
fn edges(columns: usize, rows: usize, colour: impl Fn(usize, usize) -> [i16; 3]) -> usize {
    let (step, length) = EDGE;
    let mut count = 0;
    for x in 1..columns {
        // By channel: the direction of the edge, and for how many rows it has gone on.
        let mut runs = [(0, 0); 3];
        for y in 0..rows {
            let (left, right) = (colour(x - 1, y), colour(x, y));
            for ((run, left), right) in runs.iter_mut().zip(left).zip(right) {
                let rise = right - left;
                let direction = if rise.abs() > step { rise.signum() } else { 0 };
                *run = match (*run, direction) {
                    (_, 0) => (0, 0),
                    ((held, rows), _) if held == direction => (held, rows + 1),
                    _ => (direction, 1),
                };
            }
            count += usize::from(runs.iter().any(|(_, rows)| *rows >= length));
        }
    }
    count
}

impl Shades {
    /// Of the coded sketch `sketch` and the reduced plane of a received image.
    pub(super) fn of(sketch: &[u8], received: &Plane) -> Self {
        let Some(means) = means(sketch) else {
            return Self {
                spread: 0.0,
                difference: f32::MAX,
            };
        };
        let mut sorted = means.data.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let aside = sorted.len() / 20;
        let difference = |turned: Plane| {
            let cells = resized(&turned, (means.width, means.height));
            let pairs = cells.data.iter().zip(&means.data);
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        Self {
            spread: sorted[sorted.len() - 1 - aside] - sorted[aside],
            difference: SYMMETRIES
                .into_iter()
                .map(|symmetry| difference(received.clone().displayed(symmetry)))
                .fold(f32::MAX, f32::min),
        }
    }

    /// Whether no cell differs by more than copies do, whatever there is to see.
    pub(crate) fn are_equal(self) -> bool {
        self.difference <= AGREES_TO.0
    }

    /// Whether the shades alone say that it is the registered picture.
    pub(super) fn agree(self) -> bool {
        let (levels, share) = AGREES_TO;
        self.spread >= SHADED_FROM && self.difference <= levels.min(share * self.spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_in_brightness_or_colour_are_found_and_noise_is_none() {
        let sky = |more: &dyn Fn(u32, u32) -> [i32; 3]| {
            DynamicImage::from(image::RgbImage::from_fn(400, 300, |x, y| {
                let noise = ((x * 73) ^ (y * 151)) % 9;
                let base = 90 + (y / 4 + noise) as i32;
                image::Rgb(more(x, y).map(|more| (base + more).clamp(0, 255) as u8))
            }))
        };
        assert!(is_plain(&sky(&|_, _| [0; 3])));
        // A noisy sensor: a pair in thirty differs by more, and no edge goes on.
        let noisy = |x: u32, y: u32| {
            let hash = (x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b))
                .wrapping_mul(0xc2b2_ae35);
            if (hash >> 16).is_multiple_of(60) {
                [20; 3]
            } else {
                [0; 3]
            }
        };
        assert!(is_plain(&sky(&noisy)));
        assert!(is_plain(&sky(&|x, _| if x < 200 {
            [0; 3]
        } else {
            [30; 3]
        })));
        let line = |x: u32, y: u32| (x / 8).is_multiple_of(9) && (y / 20).is_multiple_of(3);
        for stroke in [[30, 30, 30], [30, -15, 0], [0, 0, 40]] {
            assert!(!is_plain(&sky(&|x, y| if line(x, y) {
                stroke
            } else {
                [0; 3]
            })));
        }
    }
}
