//! Pictures without texture, compared by their shades: sky, walls, gradients, a plain page.
//!
//! Where there is no detail to align, the means of the cells are all that a sketch has, kept to half a grey level. They say
//! little about which picture it is, but much about what it is not: whatever shows anything else differs somewhere. So
//! every cell has to agree, edge to edge, and there has to be shading enough that an arbitrary plain picture would not.

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
