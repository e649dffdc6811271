//! The channel code: polar, 512 coded bits for 76, list decoding with min-sum.
//!
//! E. Arıkan, "Channel polarization", IEEE Trans. Inf. Theory 55 (2009); I. Tal and A. Vardy, "List decoding of
//! polar codes", IEEE Trans. Inf. Theory 61 (2015). Min-sum needs no noise estimate: soft bits may have any
//! scale.

use super::layout::CODED;

/// Bits that go in: 64 of the message, 12 of the checksum.
pub(super) const INFORMATION: usize = 76;

/// Binary logarithm of the code length.
const LEVELS: usize = 9;

/// The positions that carry information, ascending; all others are zero. A Gaussian approximation at −5 dB
/// made the table; the table is normative.
pub(super) const POSITIONS: [u16; INFORMATION] = [
    239, 247, 251, 253, 254, 255, 319, 351, 367, 375, 377, 378, 379, 380, 381, 382, 383, 415, 430,
    431, 435, 437, 438, 439, 441, 442, 443, 444, 445, 446, 447, 459, 461, 462, 463, 467, 469, 470,
    471, 472, 473, 474, 475, 476, 477, 478, 479, 483, 484, 485, 486, 487, 488, 489, 490, 491, 492,
    493, 494, 495, 496, 497, 498, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511,
];

/// Codeword of 76 bits (the first is bit 75), as +1 for 0 and −1 for 1.
pub(super) fn encoded(word: u128) -> Vec<f32> {
    let mut code = vec![1.0; CODED];
    for (k, &position) in POSITIONS.iter().enumerate() {
        if word >> (INFORMATION - 1 - k) & 1 == 1 {
            code[usize::from(position)] = -1.0;
        }
    }
    for level in 0..LEVELS {
        let half = 1 << level;
        for block in code.chunks_exact_mut(2 * half) {
            let (left, right) = block.split_at_mut(half);
            for (left, right) in left.iter_mut().zip(right) {
                *left *= *right;
            }
        }
    }
    code
}

/// A decoded word with the metric of its path; the smaller, the likelier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Path {
    /// 76 bits, the first is bit 75.
    pub(super) word: u128,
    /// Sum of |LLR| over the decisions against the LLR.
    pub(super) metric: f32,
}

/// The `list` likeliest words for 512 soft bits (positive for 0), likeliest first.
///
/// All soft bits must be finite.
pub(super) fn decoded(soft: &[f32], list: usize) -> Vec<Path> {
    let mut decoder = Decoder::new(list);
    decoder.likelihoods[0][..CODED].copy_from_slice(soft);
    decoder.node(0, 0);
    let mut paths = decoder.paths;
    paths.sort_by(|a, b| a.metric.total_cmp(&b.metric));
    paths
}

/// All paths move through the code tree in step, so a level's values of all paths are replaced together and
/// a fork only copies the indices `*_of`, never the values.
struct Decoder {
    list: usize,
    paths: Vec<Path>,
    /// Likelihood ratios of the current node of each level, `list` rows of the node's length.
    likelihoods: Vec<Vec<f32>>,
    /// Row of each path in `likelihoods`.
    likelihoods_of: [Vec<usize>; LEVELS + 1],
    /// Coded values (±1) of the left child of the current node of each level above.
    lefts: Vec<Vec<f32>>,
    /// Row of each path in `lefts`.
    lefts_of: [Vec<usize>; LEVELS + 1],
    /// Coded values of the node of each level that was just finished, by path.
    finished: Vec<Vec<f32>>,
}

impl Decoder {
    fn new(list: usize) -> Self {
        let buffers = || {
            (0..=LEVELS)
                .map(|level| vec![0.0; list * (CODED >> level)])
                .collect::<Vec<Vec<f32>>>()
        };
        Self {
            list,
            paths: vec![Path {
                word: 0,
                metric: 0.0,
            }],
            likelihoods: buffers(),
            likelihoods_of: std::array::from_fn(|_| vec![0]),
            lefts: buffers(),
            lefts_of: std::array::from_fn(|_| vec![0]),
            finished: buffers(),
        }
    }

    /// Decodes the node of `level` whose first leaf is `start`.
    fn node(&mut self, level: usize, start: usize) {
        let length = CODED >> level;
        let information = POSITIONS.partition_point(|&position| usize::from(position) < start)
            ..POSITIONS.partition_point(|&position| usize::from(position) < start + length);
        if information.is_empty() {
            return self.frozen(level);
        }
        if level == LEVELS {
            return self.fork();
        }
        let half = length / 2;
        self.descend(level, |parent, child, _| {
            let (a, b) = parent.split_at(half);
            for ((child, a), b) in child.iter_mut().zip(a).zip(b) {
                let least = a.abs().min(b.abs());
                let sign = (a.to_bits() ^ b.to_bits()) & 0x8000_0000;
                *child = f32::from_bits(least.to_bits() | sign);
            }
        });
        self.node(level + 1, start);
        for (path, row) in self.lefts_of[level + 1].iter_mut().enumerate() {
            *row = path;
        }
        let used = self.paths.len() * half;
        self.lefts[level + 1][..used].copy_from_slice(&self.finished[level + 1][..used]);
        self.descend(level, |parent, child, left| {
            let (a, b) = parent.split_at(half);
            for (((child, a), b), left) in child.iter_mut().zip(a).zip(b).zip(left) {
                *child = b + left * a;
            }
        });
        self.node(level + 1, start + half);
        let (above, below) = self.finished.split_at_mut(level + 1);
        for path in 0..self.paths.len() {
            let left = &self.lefts[level + 1][self.lefts_of[level + 1][path] * half..][..half];
            let right = &below[0][path * half..][..half];
            let (out_left, out_right) = above[level][path * length..][..length].split_at_mut(half);
            for ((out, left), right) in out_left.iter_mut().zip(left).zip(right) {
                *out = left * right;
            }
            out_right.copy_from_slice(right);
        }
    }

    /// Likelihood ratios of the level below, for all paths.
    fn descend(&mut self, level: usize, step: impl Fn(&[f32], &mut [f32], &[f32])) {
        let length = CODED >> level;
        let half = length / 2;
        let (above, below) = self.likelihoods.split_at_mut(level + 1);
        for path in 0..self.paths.len() {
            let parent = &above[level][self.likelihoods_of[level][path] * length..][..length];
            let child = &mut below[0][path * half..][..half];
            let left = &self.lefts[level + 1][self.lefts_of[level + 1][path] * half..][..half];
            step(parent, child, left);
            self.likelihoods_of[level + 1][path] = path;
        }
    }

    /// A node without information: all zeros, at the price of every likelihood ratio that says otherwise. With
    /// min-sum that is exactly what its leaves would cost one by one.
    fn frozen(&mut self, level: usize) {
        let length = CODED >> level;
        for (path, entry) in self.paths.iter_mut().enumerate() {
            let row = self.likelihoods_of[level][path];
            for &ratio in &self.likelihoods[level][row * length..][..length] {
                entry.metric -= ratio.min(0.0);
            }
        }
        self.finished[level][..self.paths.len() * length].fill(1.0);
    }

    /// A leaf with information: every path goes both ways, and the best stay.
    fn fork(&mut self) {
        let mut candidates: Vec<(f32, usize, bool)> = Vec::with_capacity(2 * self.paths.len());
        for (path, entry) in self.paths.iter().enumerate() {
            let ratio = self.likelihoods[LEVELS][self.likelihoods_of[LEVELS][path]];
            candidates.push((entry.metric - ratio.min(0.0), path, false));
            candidates.push((entry.metric + ratio.max(0.0), path, true));
        }
        // A stable order makes the outcome a function of the soft bits alone.
        candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
        candidates.truncate(self.list);
        let parents = &self.paths;
        self.paths = candidates
            .iter()
            .map(|&(metric, path, bit)| Path {
                word: parents[path].word << 1 | u128::from(bit),
                metric,
            })
            .collect();
        for rows in self.likelihoods_of.iter_mut().chain(&mut self.lefts_of) {
            *rows = candidates.iter().map(|&(_, path, _)| rows[path]).collect();
        }
        for (value, &(_, _, bit)) in self.finished[LEVELS].iter_mut().zip(&candidates) {
            *value = if bit { -1.0 } else { 1.0 };
        }
    }
}

#[cfg(test)]
mod tests;
