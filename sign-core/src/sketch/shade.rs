//! Pictures without texture, compared by their shades: sky, walls, gradients, a plain page.
//!
//! Where there is no detail to align, the means of the cells are all that a sketch has, kept to half a grey level. They say
//! little about which picture it is, but much about what it is not: whatever shows anything else differs somewhere. So
//! every cell has to agree, edge to edge, and there has to be shading enough that an arbitrary plain picture would not.

use image::DynamicImage;

use super::codec::means;
use crate::fingerprint::SYMMETRIES;
use crate::watermark::canonical::resized;
use crate::watermark::plane::Plane;

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

/// Difference of neighbouring pixels, grey levels, that noise, coding and a mark seldom exceed, and the share of pairs that
/// may exceed it: one straight border has less, letters have more at their edges.
const STROKE: (u8, f64) = (12, 0.002);

/// Whether the pixels themselves have no strokes, in brightness or colour, that the shades of cells would hide: text, thin
/// lines, a fine drawing.
pub(crate) fn is_plain(image: &DynamicImage) -> bool {
    let pixels = image.to_rgba8();
    let width = pixels.width() as usize;
    let over_white = |pixel: &image::Rgba<u8>| {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        [red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha)) / 255) as u8)
    };
    let colours: Vec<[u8; 3]> = pixels.pixels().map(over_white).collect();
    let (step, share) = STROKE;
    let is_stroke = |a: &[u8; 3], b: &[u8; 3]| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > step);
    let rows = colours.chunks_exact(width.max(1));
    let across = rows.flat_map(|row| row.windows(2));
    let across = across.filter(|pair| is_stroke(&pair[0], &pair[1])).count();
    let below = colours.iter().skip(width);
    let down = colours
        .iter()
        .zip(below)
        .filter(|(a, b)| is_stroke(a, b))
        .count();
    (across + down) as f64 <= share * (2 * colours.len()) as f64
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
