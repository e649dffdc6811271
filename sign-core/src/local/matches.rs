//! Which points of two pictures look alike.

use super::Point;
use crate::pixels::wide::wide;

/// Largest distance of two descriptors that may be of one place, bits: below it lie 2 in 10,000 unrelated ones, which are mostly of
/// repeated structure.
const NEAR: u32 = 56;

/// Pairs that are looked at: those most alike.
pub(super) const MOST_PAIRS: usize = 80;

/// A point of the received picture and one of the registered one, by their positions in the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) distance: u32,
    pub(super) sought: usize,
    pub(super) registered: usize,
}

/// The pairs that look alike, most alike first.
pub(super) fn pairs(sought: &[Point], registered: &[Point]) -> Vec<Pair> {
    let mut found = wide!(
        |sought: &'l [Point], registered: &'l [Point]| -> Vec<Pair> { near(sought, registered) }
    );
    found.sort_unstable();
    found.truncate(MOST_PAIRS);
    found
}

#[inline(always)]
fn near(sought: &[Point], registered: &[Point]) -> Vec<Pair> {
    let mut found = Vec::new();
    for (i, point) in sought.iter().enumerate() {
        for (j, other) in registered.iter().enumerate() {
            let words = |from: usize| {
                let word = |k: usize| (point.bits[k] ^ other.bits[k]).count_ones();
                word(from) + word(from + 1)
            };
            // Half of the bits settle it for most.
            let half = words(0);
            if half > NEAR {
                continue;
            }
            let distance = half + words(2);
            if distance <= NEAR {
                found.push(Pair {
                    distance,
                    sought: i,
                    registered: j,
                });
            }
        }
    }
    found
}
