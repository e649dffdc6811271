//! Where the pattern's chips sit: the tile, its coefficients, its slots.

/// Side of a transform block, pixels.
pub(super) const BLOCK: usize = 8;
/// Side of the tile, blocks.
pub(super) const TILE_BLOCKS: usize = 16;
/// Period of the pattern, canonical pixels.
pub(super) const TILE: usize = BLOCK * TILE_BLOCKS;
/// Cosine coefficients a block carries.
pub(super) const CHIPS: usize = 19;
/// Slots of a tile: every coefficient of every block.
pub(super) const SLOTS: usize = TILE_BLOCKS * TILE_BLOCKS * CHIPS;
/// Slots with known signs, for alignment.
pub(super) const PILOTS: usize = 768;
/// Slots that carry coded bits.
pub(super) const PAYLOAD: usize = SLOTS - PILOTS;
/// Coded bits; each has `PAYLOAD / CODED` = 8 slots.
pub(super) const CODED: usize = 512;
/// Cosine frequencies computed along each axis: 0 to 4.
pub(super) const FREQUENCIES: usize = 5;

/// The coefficients (vertical, horizontal frequency) with 1.2 < √(u²+v²) ≤ 4.5: high enough to hide under texture,
/// low enough to survive coders and downscaling to 400 pixels.
pub(super) const COEFFICIENTS: [(usize, usize); CHIPS] = [
    (0, 2),
    (0, 3),
    (0, 4),
    (1, 1),
    (1, 2),
    (1, 3),
    (1, 4),
    (2, 0),
    (2, 1),
    (2, 2),
    (2, 3),
    (2, 4),
    (3, 0),
    (3, 1),
    (3, 2),
    (3, 3),
    (4, 0),
    (4, 1),
    (4, 2),
];

/// First slot of a block; its 19 slots follow in the order of [`COEFFICIENTS`].
pub(super) fn first_slot(row: usize, column: usize) -> usize {
    ((row % TILE_BLOCKS) * TILE_BLOCKS + column % TILE_BLOCKS) * CHIPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coefficients_are_those_of_the_band_in_order() {
        let band: Vec<_> = (0..8)
            .flat_map(|u| (0..8).map(move |v| (u, v)))
            .filter(|&(u, v)| {
                let radius = f64::from(u * u + v * v).sqrt();
                radius > 1.2 && radius <= 4.5
            })
            .map(|(u, v)| (u as usize, v as usize))
            .collect();
        assert_eq!(band, COEFFICIENTS);
    }

    #[test]
    fn slots_repeat_with_the_tile_and_are_distinct_within_it() {
        let mut seen = vec![false; SLOTS];
        for row in 0..TILE_BLOCKS {
            for column in 0..TILE_BLOCKS {
                let slot = first_slot(row, column);
                assert_eq!(
                    slot,
                    first_slot(row + TILE_BLOCKS, column + 3 * TILE_BLOCKS)
                );
                for seen in &mut seen[slot..slot + CHIPS] {
                    assert!(!*seen);
                    *seen = true;
                }
            }
        }
        assert!(seen.into_iter().all(|seen| seen));
    }
}
