//! Which registered Image-Codes lie near a query.

use crate::iscc::ImageCode;
use crate::pixels::wide::wide;
use crate::proof_id::ProofId;

/// Image-Codes with the ids of their proofs, 40 bytes each. A question looks at all of them: near means 64 bits of 256, for which no
/// index helps.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    ids: Vec<ProofId>,
    words: Vec<[u64; 4]>,
}

fn words(code: &ImageCode) -> [u64; 4] {
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| code.0[8 * at + byte]));
    std::array::from_fn(word)
}

impl Codes {
    /// Adds one more.
    pub fn push(&mut self, id: ProofId, code: &ImageCode) {
        self.ids.push(id);
        self.words.push(words(code));
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Those that differ in `radius` bits or fewer, with their distance: the nearest first, of equal ones the smallest id.
    #[must_use]
    pub fn near(&self, code: &ImageCode, radius: u32) -> Vec<(ProofId, u32)> {
        let (all, sought) = (&self.words, words(code));
        let found = wide!(|all: &'l [[u64; 4]],
                           sought: [u64; 4],
                           radius: u32|
         -> Vec<(usize, u32)> {
            let mut found = Vec::new();
            for (position, words) in all.iter().enumerate() {
                let mut distance = 0;
                for (a, b) in words.iter().zip(&sought) {
                    distance += (a ^ b).count_ones();
                }
                if distance <= radius {
                    found.push((position, distance));
                }
            }
            found
        });
        let mut near: Vec<_> = found
            .into_iter()
            .map(|(position, distance)| (self.ids[position], distance))
            .collect();
        near.sort_unstable_by_key(|(id, distance)| (*distance, *id));
        near
    }
}

impl<'a> FromIterator<(ProofId, &'a ImageCode)> for Codes {
    fn from_iter<I: IntoIterator<Item = (ProofId, &'a ImageCode)>>(all: I) -> Self {
        let mut codes = Self::default();
        for (id, code) in all {
            codes.push(id, code);
        }
        codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_within_the_radius_are_found_nearest_first() {
        let with_bits = |count: usize| {
            let mut code = [0; 32];
            for bit in 0..count {
                code[31 - bit / 8] |= 1 << (bit % 8);
            }
            ImageCode(code)
        };
        let all: Vec<_> = [65, 64, 3, 0, 256, 3].map(with_bits).into();
        let ids = (0..).map(|number| ProofId::new(100 - number));
        let codes: Codes = ids.zip(&all).collect();
        let found = codes.near(&with_bits(0), 64);
        let wanted = [(97, 0), (95, 3), (98, 3), (99, 64)];
        assert_eq!(
            found,
            wanted.map(|(id, distance)| (ProofId::new(id), distance))
        );
        for (id, distance) in codes.near(&with_bits(100), 256) {
            let position = (100 - id.value()) as usize;
            assert_eq!(distance, all[position].distance(&with_bits(100)));
        }
    }
}
