//! A picture's points as they would be, were it mirrored or turned by quarters: no pixels are looked at again.
//!
//! Symmetry v of the square swaps the axes where v has bit 4, and then flips x for bit 1 and y for bit 2.

use image::metadata::Orientation;

use super::patch::{BITS, Bits};

/// How many there are.
pub(crate) const VIEWS: usize = 8;

/// The symmetries, in order: each as what turns the picture.
pub(crate) const ORIENTATIONS: [Orientation; VIEWS] = [
    Orientation::NoTransforms,
    Orientation::FlipHorizontal,
    Orientation::FlipVertical,
    Orientation::Rotate180,
    Orientation::Rotate90FlipH,
    Orientation::Rotate90,
    Orientation::Rotate270,
    Orientation::Rotate270FlipH,
];

/// Of a view's bit k: which bit of the picture it is.
pub(super) static SOURCES: [[u8; BITS]; VIEWS] = sources();

const fn sources() -> [[u8; BITS]; VIEWS] {
    let mut all = [[0; BITS]; VIEWS];
    let mut view = 0;
    while view < VIEWS {
        let mut k = 0;
        while k < BITS {
            // What lies under box s(A) of the turned picture lay under v⁻¹(s(A)).
            all[view][k] = (k / 8 * 8 + composed(inverse(view), k % 8)) as u8;
            k += 1;
        }
        view += 1;
    }
    all
}

/// First `first`, then `then`.
const fn composed(then: usize, first: usize) -> usize {
    // Flips of `first` lie along the other axis once `then` has swapped.
    let flips = first & 3;
    let flips = if then & 4 != 0 {
        (flips & 1) << 1 | flips >> 1
    } else {
        flips
    };
    (then ^ first) & 4 | (flips ^ then & 3)
}

const fn inverse(view: usize) -> usize {
    let mut other = 0;
    while composed(other, view) != 0 {
        other += 1;
    }
    other
}

/// The eight bits of one pair of boxes, in every view.
static TURNED: [[u8; 256]; VIEWS] = turned_bytes();

const fn turned_bytes() -> [[u8; 256]; VIEWS] {
    let sources = sources();
    let mut all = [[0; 256]; VIEWS];
    let mut view = 0;
    while view < VIEWS {
        let mut byte = 0;
        while byte < 256 {
            let mut k = 0;
            while k < 8 {
                let bit = (byte >> sources[view][k] & 1) as u8;
                all[view][byte] |= bit << k;
                k += 1;
            }
            byte += 1;
        }
        view += 1;
    }
    all
}

/// A descriptor in a view: a view exchanges bits of one pair of boxes alone, which are a byte.
pub(super) fn turned(bits: &Bits, view: usize) -> Bits {
    let table = &TURNED[view];
    bits.map(|word| u64::from_le_bytes(word.to_le_bytes().map(|byte| table[usize::from(byte)])))
}

/// A position in a view. `last` is the largest position of the picture along either side, in the same unit.
pub(super) fn moved((x, y): (u16, u16), last: (u16, u16), view: usize) -> (u16, u16) {
    let is_swapped = view & 4 != 0;
    let (x, y, across, down) = if is_swapped {
        (y, x, last.1, last.0)
    } else {
        (x, y, last.0, last.1)
    };
    (
        if view & 1 != 0 {
            across.saturating_sub(x)
        } else {
            x
        },
        if view & 2 != 0 {
            down.saturating_sub(y)
        } else {
            y
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_of_views_are_views() {
        let bits = [
            0x0123_4567_89ab_cdef,
            0xfedc_ba98_7654_3210,
            0x0f1e_2d3c_4b5a_6978,
            0xdead_beef_0bad_cafe,
        ];
        let (at, last) = ((37, 911), (4088, 3064));
        for first in 0..VIEWS {
            for then in 0..VIEWS {
                let both = composed(then, first);
                assert_eq!(
                    turned(&turned(&bits, first), then),
                    turned(&bits, both),
                    "{first} {then}"
                );
                let turned_last = if first & 4 != 0 {
                    (last.1, last.0)
                } else {
                    last
                };
                let moved_twice = moved(moved(at, last, first), turned_last, then);
                assert_eq!(moved_twice, moved(at, last, both), "{first} {then}");
            }
            assert_eq!(composed(inverse(first), first), 0);
        }
    }
}
