//! Exact search for fingerprints within a Hamming radius.
//!
//! Multi-index hashing (Norouzi, Punjani, Fleet, "Fast exact search in Hamming space with multi-index
//! hashing", 2014): the 256 bits are cut into 16 bands of 16. If two fingerprints differ in at most 31 bits,
//! at least one band differs in at most one bit, since 16 bands with two or more make 32. So looking up, in
//! each band, the query's value and the 16 values one bit away finds every neighbour.

use crate::fingerprint::Fingerprint;

const BANDS: usize = 16;
const KEYS: usize = 1 << 16;

/// The largest radius for which the bands are exact.
pub(super) const BANDED_RADIUS: u32 = 31;

/// Below this many entries a scan is as fast as the bands, whose tables take 4 MiB.
const BANDED_FROM: usize = 4096;

/// Fingerprints, and for each band the entries by key.
pub(super) struct Index {
    entries: Vec<Fingerprint>,
    bands: Vec<Band>,
}

/// Compressed rows: the entries with key `k` are `positions[starts[k]..starts[k + 1]]`.
struct Band {
    starts: Vec<u32>,
    positions: Vec<u32>,
}

fn key(fingerprint: &Fingerprint, band: usize) -> usize {
    (fingerprint.0[band / 4] >> (16 * (band % 4))) as usize & (KEYS - 1)
}

impl Band {
    /// Counting sort of the entries by their key.
    fn new(entries: &[Fingerprint], band: usize) -> Self {
        let mut starts = vec![0_u32; KEYS + 1];
        for entry in entries {
            starts[key(entry, band) + 1] += 1;
        }
        for k in 0..KEYS {
            starts[k + 1] += starts[k];
        }
        let mut next = starts.clone();
        let mut positions = vec![0; entries.len()];
        for (position, entry) in entries.iter().enumerate() {
            let slot = &mut next[key(entry, band)];
            // The caller sees to it that positions fit into 32 bits.
            positions[*slot as usize] = position as u32;
            *slot += 1;
        }
        Self { starts, positions }
    }

    fn row(&self, key: usize) -> &[u32] {
        &self.positions[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}

impl Index {
    pub(super) fn new(entries: Vec<Fingerprint>) -> Self {
        let banded = entries.len() >= BANDED_FROM && u32::try_from(entries.len()).is_ok();
        let bands = if banded {
            (0..BANDS).map(|band| Band::new(&entries, band)).collect()
        } else {
            Vec::new()
        };
        Self { entries, bands }
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
        // Up to 15 bits, one band is equal; beyond, one differs by a bit at most.
        let flips = if radius < BANDS as u32 { 0 } else { 16 };
        for (band, rows) in self.bands.iter().enumerate() {
            let centre = key(query, band);
            for &position in rows.row(centre) {
                look(position as usize);
            }
            for bit in 0..flips {
                for &position in rows.row(centre ^ 1 << bit) {
                    look(position as usize);
                }
            }
        }
    }
}

impl Index {
    /// Every entry, by position.
    pub(super) fn entries(&self) -> &[Fingerprint] {
        &self.entries
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("entries", &self.entries.len())
            .field("banded", &!self.bands.is_empty())
            .finish()
    }
}
