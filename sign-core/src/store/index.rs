//! Exact search for fingerprints within a Hamming radius, in an index that grows.
//!
//! Multi-index hashing (Norouzi, Punjani, Fleet, "Fast exact search in Hamming space with multi-index hashing", 2014): the 256
//! bits are cut into bands. Of two fingerprints that differ in at most 31 bits, at least one band differs in at most
//! `31 / bands` bits, since otherwise the bands together would differ in more. So looking up, in each band, the query's value
//! and those that few bits away finds every neighbour.
//!
//! The wider a band, the fewer entries share a key and the more keys there are to look up. Sixteen bands of 16 bits with one
//! wrong bit are 272 keys; eleven of 23 or 24 with two are 3,205. The second costs less from some million entries on.

use crate::fingerprint::Fingerprint;

/// The largest radius for which the bands are exact.
pub(super) const BANDED_RADIUS: u32 = 31;

/// Entries from which each way of looking is used. Below the first, a scan is as fast as bands, whose tables take 4 MiB; those
/// of the wide ones take 448 MiB.
const NARROW_FROM: usize = 4096;
const WIDE_FROM: usize = 2_000_000;

/// No entry: the end of a chain.
const END: u32 = u32::MAX;

/// Fingerprints, and for each band the entries by key.
pub(super) struct Index {
    entries: Vec<Fingerprint>,
    bands: Vec<Band>,
}

/// The entries that share a key are a chain, the last one added first.
struct Band {
    /// Its first bit, and how many there are.
    at: u32,
    width: u32,
    heads: Vec<u32>,
    next: Vec<u32>,
}

impl Band {
    fn new(at: u32, width: u32, entries: &[Fingerprint]) -> Self {
        let mut band = Self {
            at,
            width,
            heads: vec![END; 1 << width],
            next: Vec::with_capacity(entries.len()),
        };
        entries.iter().for_each(|entry| band.push(entry));
        band
    }

    fn key(&self, fingerprint: &Fingerprint) -> usize {
        let (word, bit) = (self.at as usize / 64, self.at % 64);
        let low = fingerprint.0[word] >> bit;
        // Where a band lies across two words, its upper bits are the lowest of the second.
        let high = match fingerprint.0.get(word + 1) {
            Some(next) if bit > 0 => next << (64 - bit),
            _ => 0,
        };
        ((low | high) & ((1 << self.width) - 1)) as usize
    }

    fn push(&mut self, entry: &Fingerprint) {
        let head = self.key(entry);
        // The index holds at most `u32::MAX` entries.
        let position = self.next.len() as u32;
        self.next.push(self.heads[head]);
        self.heads[head] = position;
    }

    /// The first entries of all chains whose key differs from the query's in at most `flips` bits, 0 to 2.
    fn heads_near(&self, query: &Fingerprint, flips: u32, into: &mut Vec<u32>) {
        let centre = self.key(query);
        let mut add = |key: usize| {
            let head = self.heads[key];
            if head != END {
                into.push(head);
            }
        };
        add(centre);
        for first in 0..if flips > 0 { self.width } else { 0 } {
            let once = centre ^ 1 << first;
            add(once);
            for second in 0..if flips > 1 { first } else { 0 } {
                add(once ^ 1 << second);
            }
        }
    }
}

/// So many bands over all 256 bits, as even as they can be.
fn cut(count: u32, entries: &[Fingerprint]) -> Vec<Band> {
    let each = (0..count).map(|band| {
        let (start, end) = (256 * band / count, 256 * (band + 1) / count);
        Band::new(start, end - start, entries)
    });
    each.collect()
}

impl Index {
    /// An index of these entries, of which there are fewer than 2³².
    pub(super) fn new(entries: Vec<Fingerprint>) -> Self {
        let mut index = Self {
            bands: Vec::new(),
            entries,
        };
        index.bands = cut(index.wanted(), &index.entries);
        index
    }

    /// How many bands serve this many entries best; none where a scan does.
    fn wanted(&self) -> u32 {
        match self.entries.len() {
            0..NARROW_FROM => 0,
            NARROW_FROM..WIDE_FROM => 16,
            _ => 11,
        }
    }

    /// Adds an entry behind all others, in the time of some memory accesses; twice in the life of an index all entries are
    /// sorted into other bands, which at two millions takes half a second.
    pub(super) fn push(&mut self, entry: Fingerprint) {
        self.entries.push(entry);
        if self.wanted() as usize == self.bands.len() {
            self.bands.iter_mut().for_each(|band| band.push(&entry));
        } else {
            self.bands = cut(self.wanted(), &self.entries);
        }
    }

    /// Calls `found` with the position of every entry within `radius` of `query`, each at least
    /// once, in an order that only depends on the entries. Featureless entries are never found.
    pub(super) fn within(&self, query: &Fingerprint, radius: u32, mut found: impl FnMut(usize)) {
        let mut look = |position: usize| {
            let entry = &self.entries[position];
            if entry.distance(query) <= radius && !entry.is_featureless() {
                found(position);
            }
        };
        if self.bands.is_empty() || radius > BANDED_RADIUS {
            (0..self.entries.len()).for_each(look);
            return;
        }
        let flips = radius / self.bands.len() as u32;
        let mut chains = Vec::new();
        for band in &self.bands {
            band.heads_near(query, flips, &mut chains);
            // All chains go on together: their entries lie anywhere in memory, and waiting for many of them at once takes as
            // long as waiting for one.
            while !chains.is_empty() {
                chains.iter().for_each(|&position| look(position as usize));
                chains
                    .iter_mut()
                    .for_each(|position| *position = band.next[*position as usize]);
                chains.retain(|&position| position != END);
            }
        }
    }

    /// Every entry, by position.
    pub(super) fn entries(&self) -> &[Fingerprint] {
        &self.entries
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("entries", &self.entries.len())
            .field("bands", &self.bands.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(state: &mut u64) -> Fingerprint {
        Fingerprint(std::array::from_fn(|_| {
            // SplitMix64 (Steele, Lea, Flood, 2014).
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    /// Entries, half of them near the first one, some featureless.
    fn entries(count: usize) -> Vec<Fingerprint> {
        let state = &mut 7;
        let middle = random(state);
        let near = |state: &mut u64| {
            let mut near = middle;
            for _ in 0..random(state).0[0] % 45 {
                let bit = random(state).0[0] % 256;
                near.0[bit as usize / 64] ^= 1 << (bit % 64);
            }
            near
        };
        (0..count)
            .map(|number| match number % 16 {
                0 => middle,
                1 => Fingerprint::FEATURELESS,
                2..9 => near(state),
                _ => random(state),
            })
            .collect()
    }

    fn found(index: &Index, query: &Fingerprint, radius: u32) -> Vec<usize> {
        let mut found = Vec::new();
        index.within(query, radius, |position| found.push(position));
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn bands_of_any_width_find_what_a_scan_finds() {
        let entries = entries(3000);
        for count in [11, 16] {
            let index = Index {
                bands: cut(count, &entries),
                entries: entries.clone(),
            };
            assert_eq!(index.bands.iter().map(|band| band.width).sum::<u32>(), 256);
            let scan = Index {
                bands: Vec::new(),
                entries: entries.clone(),
            };
            for query in entries.iter().step_by(97) {
                for radius in [0, 10, 11, 15, 16, 21, 22, 31] {
                    let wanted = found(&scan, query, radius);
                    assert_eq!(found(&index, query, radius), wanted, "{count}, {radius}");
                }
            }
        }
    }

    #[test]
    fn an_index_that_grew_is_the_one_that_was_made_at_once() {
        let entries = entries(NARROW_FROM + 100);
        let whole = Index::new(entries.clone());
        let mut grown = Index::new(Vec::new());
        for entry in &entries {
            grown.push(*entry);
        }
        assert_eq!(grown.bands.len(), 16);
        for query in entries.iter().step_by(301) {
            assert_eq!(found(&grown, query, 31), found(&whole, query, 31));
        }
    }
}
