//! Which registered pictures have points that look like those of a query.
//!
//! Two tables, each with 24 of a descriptor's 256 bits as its key and 32 others as a signature that is compared. A query looks into the
//! buckets of its own key and of those that differ in its least certain bits. Most pictures of one content share dozens of
//! descriptors; those of unrelated content share two or three by chance.

use std::cmp::Reverse;
use std::ops::Range;

use crate::local::{Bits, Points, Sought, SoughtView};
use crate::pixels::wide::wide;

/// Points of a proof that are indexed: the first ones, which are a good choice by themselves.
const INDEXED: usize = 100;

/// Bits that choose a bucket, by table: those that differ least between copies of one place and depend least on each other.
const KEYS: [[u8; 24]; 2] = [
    [
        148, 147, 146, 6, 2, 7, 3, 4, 219, 225, 229, 216, 228, 222, 221, 151, 37, 144, 89, 220, 92,
        91, 113, 218,
    ],
    [
        32, 39, 38, 35, 124, 217, 121, 145, 122, 1, 5, 223, 0, 128, 93, 36, 10, 88, 226, 94, 231,
        114, 42, 46,
    ],
];

/// Bits of a signature, by table.
const SIGNATURES: [[u8; 32]; 2] = [
    [
        33, 34, 212, 215, 224, 227, 125, 126, 230, 211, 130, 213, 214, 43, 40, 120, 123, 208, 127,
        20, 129, 95, 90, 149, 9, 135, 14, 15, 150, 184, 133, 22,
    ],
    [
        210, 209, 18, 17, 23, 19, 21, 16, 134, 132, 189, 190, 131, 191, 185, 186, 188, 187, 41, 8,
        47, 156, 13, 45, 44, 158, 118, 117, 112, 155, 11, 152,
    ],
];

/// Fewest bits of a key: small stores have small tables.
const LEAST_KEY_BITS: u32 = 12;

/// Proofs up to which parts of a growing index are joined.
const MOST_JOINED: usize = 1 << 16;

/// Key bits that are tried both ways, at most.
const MOST_FLIPS: usize = 6;

/// How a store of some size is searched.
struct Search {
    /// Key bits that are tried both ways.
    flips: usize,
    /// Largest distance of two signatures, bits.
    signature: u32,
    /// Proofs that one descriptor may lead to. One that leads to more is of repeated structure, of letters or bricks, and says
    /// nothing; this also bounds the time.
    crowd: usize,
}

impl Search {
    fn of_store(proofs: usize) -> Self {
        if proofs < 500_000 {
            Self {
                flips: MOST_FLIPS,
                signature: 6,
                crowd: 200,
            }
        } else {
            Self {
                flips: 5,
                signature: 5,
                crowd: 300,
            }
        }
    }
}

/// A registered picture that shares descriptors with a received one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Its position among all that were added.
    pub position: usize,
    /// The orientation of the received picture in which it does, as [`Sought`] numbers them.
    pub(crate) view: usize,
    /// How much they share: the more, the likelier it is the same content.
    pub weight: u32,
}

/// The points of registered pictures by what they look like. Takes 1.7 KB of memory a picture.
#[derive(Default)]
pub struct LocalIndex {
    /// From the largest to the smallest.
    parts: Vec<Part>,
    len: usize,
}

impl std::fmt::Debug for LocalIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalIndex")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// The descriptors of an index that is filled in one go: of each no more than the tables need, 24 bytes.
#[derive(Debug, Default)]
pub struct Filling {
    /// By table: key and posting.
    entries: [Vec<Entry>; 2],
    len: usize,
}

impl Filling {
    /// The next picture's points, which may be none.
    pub fn push(&mut self, points: &Points) {
        let position = self.len as u32;
        for (table, entries) in self.entries.iter_mut().enumerate() {
            entries.extend(entries_of(points, position, table));
        }
        self.len += 1;
    }

    /// The index over all of them.
    #[must_use]
    pub fn indexed(self) -> LocalIndex {
        LocalIndex {
            parts: vec![Part::of(self.entries, self.len)],
            len: self.len,
        }
    }
}

impl LocalIndex {
    /// Adds one more picture, in the time of some thousand memory accesses.
    pub fn push(&mut self, points: &Points) {
        let position = self.len as u32;
        let entries = [0, 1].map(|table| entries_of(points, position, table).collect());
        let mut part = Part::of(entries, 1);
        while let Some(last) = self
            .parts
            .pop_if(|last| last.proofs <= part.proofs && last.proofs + part.proofs <= MOST_JOINED)
        {
            part = last.joined(part);
        }
        self.parts.push(part);
        self.len += 1;
    }

    /// How many pictures there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The pictures that share most with a query in any of these orientations: `most` of them at most, those that share most first.
    #[must_use]
    pub fn sharing(&self, sought: &Sought, views: Range<usize>, most: usize) -> Vec<Sharing> {
        let search = Search::of_store(self.len);
        let mut votes = Votes::new(self.len);
        let mut found = Vec::new();
        for number in views {
            self.vote(&sought.view(number), &search, &mut votes);
            votes.taken(|position, weight| {
                found.push(Sharing {
                    position,
                    view: number,
                    weight,
                });
            });
        }
        let order = |one: &Sharing| (Reverse(one.weight), one.position, one.view);
        if found.len() > most {
            found.select_nth_unstable_by_key(most, order);
            found.truncate(most);
        }
        found.sort_unstable_by_key(order);
        found
    }

    /// The votes of a picture in one orientation.
    fn vote(&self, view: &SoughtView<'_>, search: &Search, votes: &mut Votes) {
        let index = self;
        // For the sake of counting bits, which is one instruction of most machines.
        wide!(|index: &'l LocalIndex,
               view: &'l SoughtView<'l>,
               search: &'l Search,
               votes: &'l mut Votes|
         -> () {
            for point in 0..view.points.len() {
                index.vote_of_one(view, point, search, votes);
            }
        });
    }

    /// One descriptor's votes, unless it leads to a crowd.
    #[inline(always)]
    fn vote_of_one(&self, view: &SoughtView<'_>, point: usize, search: &Search, votes: &mut Votes) {
        let bits = &view.points[point].bits;
        votes.begin();
        for table in 0..2 {
            let (key, signature) = (picked(bits, &KEYS[table]), picked(bits, &SIGNATURES[table]));
            for part in &self.parts {
                let key_bits = part.key_bits as usize;
                let mut order: [u8; 24] = std::array::from_fn(|k| k as u8);
                let order = &mut order[..key_bits];
                let flips = search.flips.min(key_bits);
                let margin = |k: &u8| (view.margin(point, KEYS[table][usize::from(*k)]), *k);
                order.select_nth_unstable_by_key(flips - 1, margin);
                let weak = &order[..flips];
                // Buckets that hold something: counted without a branch that nobody could foresee.
                let mut held = [0_u32; 1 << MOST_FLIPS];
                let mut count = 0;
                let mut probe = key & ((1_u64 << key_bits) - 1) as u32;
                for choice in 1..=1_u32 << flips {
                    held[count] = probe;
                    count += usize::from(!part.bucket(table, probe).is_empty());
                    // From one choice to the next of a Gray code one bit changes; after the last, none that is there.
                    if let Some(bit) = weak.get(choice.trailing_zeros() as usize) {
                        probe ^= 1 << bit;
                    }
                }
                for probe in &held[..count] {
                    for posting in part.bucket(table, *probe) {
                        let distance = (posting.signature ^ signature).count_ones();
                        if distance <= search.signature {
                            votes.add(posting.proof, search.signature + 1 - distance);
                            if votes.is_crowd(search.crowd) {
                                return;
                            }
                        }
                    }
                }
            }
        }
        votes.count();
    }
}

/// Votes of one orientation. Every array has an element a picture.
struct Votes {
    /// The descriptor that led to a picture last, from 1.
    last: Vec<u32>,
    descriptor: u32,
    /// What the descriptor at hand leads to, and how well.
    hits: Vec<(u32, u32)>,
    /// Descriptors (upper half) and their weight (lower half).
    sums: Vec<u32>,
    touched: Vec<u32>,
}

impl Votes {
    fn new(proofs: usize) -> Self {
        Self {
            last: vec![0; proofs],
            descriptor: 0,
            hits: Vec::new(),
            sums: vec![0; proofs],
            touched: Vec::new(),
        }
    }

    fn begin(&mut self) {
        self.descriptor += 1;
        self.hits.clear();
    }

    fn add(&mut self, proof: u32, weight: u32) {
        let last = &mut self.last[proof as usize];
        if *last == self.descriptor {
            // The best of several counts, in whatever order they come.
            if let Some(held) = self.hits.iter_mut().find(|(held, _)| *held == proof) {
                held.1 = held.1.max(weight);
            }
        } else {
            *last = self.descriptor;
            self.hits.push((proof, weight));
        }
    }

    fn is_crowd(&self, most: usize) -> bool {
        self.hits.len() > most
    }

    fn count(&mut self) {
        for &(proof, weight) in &self.hits {
            let sum = &mut self.sums[proof as usize];
            if *sum == 0 {
                self.touched.push(proof);
            }
            *sum += 1 << 16 | weight;
        }
    }

    /// Calls `each` with every picture that at least two descriptors lead to, and begins anew.
    fn taken(&mut self, mut each: impl FnMut(usize, u32)) {
        for proof in self.touched.drain(..) {
            let sum = std::mem::take(&mut self.sums[proof as usize]);
            if sum >> 16 >= 2 {
                each(proof as usize, sum & 0xffff);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Posting {
    proof: u32,
    signature: u32,
}

/// A key, and what lies in its bucket.
type Entry = (u32, Posting);

/// What one of the two tables takes of a picture.
fn entries_of(points: &Points, proof: u32, table: usize) -> impl Iterator<Item = Entry> + '_ {
    let indexed = points.as_slice().iter().take(INDEXED);
    indexed.map(move |point| {
        let signature = picked(&point.bits, &SIGNATURES[table]);
        let posting = Posting { proof, signature };
        (picked(&point.bits, &KEYS[table]), posting)
    })
}

/// Buckets of postings, by as many key bits as there is use for.
struct Part {
    proofs: usize,
    key_bits: u32,
    tables: [Table; 2],
}

struct Table {
    /// Where each bucket begins, and where the last one ends.
    starts: Vec<u32>,
    postings: Vec<Posting>,
    /// Key of each posting, where the part is small enough to be joined with another.
    keys: Vec<u32>,
}

impl Part {
    fn of(entries: [Vec<Entry>; 2], proofs: usize) -> Self {
        let key_bits = key_bits(entries[0].len());
        let keeps_keys = proofs < MOST_JOINED;
        Self {
            proofs,
            key_bits,
            // One after the other, and what a table is made of goes before the next is made.
            tables: entries.map(|entries| Table::of(entries.iter().copied(), key_bits, keeps_keys)),
        }
    }

    fn joined(self, other: Self) -> Self {
        let proofs = self.proofs + other.proofs;
        let postings = self.tables[0].postings.len() + other.tables[0].postings.len();
        let key_bits = key_bits(postings);
        let keeps_keys = proofs < MOST_JOINED;
        let [a0, a1] = self.tables;
        let [b0, b1] = other.tables;
        let joined = |a: Table, b: Table| {
            let entries = a.entries().chain(b.entries());
            Table::of(entries, key_bits, keeps_keys)
        };
        Self {
            proofs,
            key_bits,
            tables: [joined(a0, b0), joined(a1, b1)],
        }
    }

    #[inline(always)]
    fn bucket(&self, table: usize, key: u32) -> &[Posting] {
        let table = &self.tables[table];
        let key = key as usize;
        &table.postings[table.starts[key] as usize..table.starts[key + 1] as usize]
    }
}

impl Table {
    /// A counting sort, so that a bucket holds its postings in the order in which they came.
    fn of(entries: impl Iterator<Item = Entry> + Clone, key_bits: u32, keeps_keys: bool) -> Self {
        let mask = ((1_u64 << key_bits) - 1) as u32;
        let mut starts = vec![0_u32; (1 << key_bits) + 1];
        for (key, _) in entries.clone() {
            starts[(key & mask) as usize + 1] += 1;
        }
        for k in 1..starts.len() {
            starts[k] += starts[k - 1];
        }
        let count = starts[starts.len() - 1] as usize;
        let mut next = starts.clone();
        let mut postings = vec![Posting::default(); count];
        let mut keys = vec![0; if keeps_keys { count } else { 0 }];
        for (key, posting) in entries {
            let next = &mut next[(key & mask) as usize];
            postings[*next as usize] = posting;
            if keeps_keys {
                keys[*next as usize] = key;
            }
            *next += 1;
        }
        Self {
            starts,
            postings,
            keys,
        }
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + Clone + '_ {
        self.keys.iter().copied().zip(self.postings.iter().copied())
    }
}

/// About as many buckets as descriptors.
fn key_bits(descriptors: usize) -> u32 {
    let bits = usize::BITS - descriptors.leading_zeros();
    bits.clamp(LEAST_KEY_BITS, 24)
}

/// Some bits of a descriptor, the first one lowest.
fn picked(bits: &Bits, which: &[u8]) -> u32 {
    let bit = |k: &u8| (bits[usize::from(k / 64)] >> (k % 64) & 1) as u32;
    let bits = which.iter().enumerate();
    bits.fold(0, |sum, (at, k)| sum | bit(k) << at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::metadata::Orientation;
    use image::{DynamicImage, GrayImage, Luma};

    /// A picture like no other.
    fn picture(seed: u32) -> DynamicImage {
        let noise = |x: u32, y: u32| {
            let mixed = (x ^ y.rotate_left(13) ^ seed.rotate_left(22)).wrapping_mul(0x9e37_79b1);
            f64::from((mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca77) >> 24)
        };
        let at = |x: u32, y: u32, cell: u32| {
            let (u, v) = (
                f64::from(x % cell) / f64::from(cell),
                f64::from(y % cell) / f64::from(cell),
            );
            let corner = |dx: u32, dy: u32| noise(x / cell + dx + 1000 * cell, y / cell + dy);
            let above = corner(0, 0) * (1.0 - u) + corner(1, 0) * u;
            let below = corner(0, 1) * (1.0 - u) + corner(1, 1) * u;
            above * (1.0 - v) + below * v
        };
        GrayImage::from_fn(320, 240, |x, y| {
            Luma([(0.5 * at(x, y, 40) + 0.3 * at(x, y, 13) + 0.2 * at(x, y, 5)) as u8])
        })
        .into()
    }

    fn points(seed: u32) -> Points {
        Points::of(&picture(seed), Orientation::NoTransforms)
    }

    fn filled<'p>(pictures: impl Iterator<Item = &'p Points>) -> LocalIndex {
        let mut filling = Filling::default();
        pictures.for_each(|points| filling.push(points));
        filling.indexed()
    }

    #[test]
    fn parts_of_pictures_lead_to_them_however_the_index_was_filled() {
        let all: Vec<Points> = (0..24).map(points).collect();
        let at_once = filled(all.iter());
        let mut grown = LocalIndex::default();
        all.iter().for_each(|points| grown.push(points));
        assert_eq!((at_once.len(), grown.len()), (24, 24));
        let mut least = u32::MAX;
        for seed in [0, 7, 23] {
            let part = picture(seed).crop_imm(60, 40, 200, 160).fliph();
            let sought = Sought::of(&part, Orientation::NoTransforms).unwrap();
            for index in [&at_once, &grown] {
                let best = index.sharing(&sought, 0..8, 5)[0];
                assert_eq!((best.position, best.view), (seed as usize, 1));
                least = least.min(best.weight);
            }
        }
        let other = Sought::of(&picture(99), Orientation::NoTransforms).unwrap();
        let found = at_once.sharing(&other, 0..8, 5);
        assert!(
            found.iter().all(|one| 3 * one.weight < 2 * least),
            "{found:?}, {least}"
        );
    }

    #[test]
    fn a_picture_that_is_everywhere_has_no_vote() {
        let one = points(1);
        let crowd = filled(std::iter::repeat_n(&one, 300));
        let sought = Sought::of(&picture(1), Orientation::NoTransforms).unwrap();
        assert!(crowd.sharing(&sought, 0..1, 5).is_empty());
    }
}
