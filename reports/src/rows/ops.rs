//! The set of op numbers seen so far.

use std::collections::HashMap;

/// A set of op numbers that costs about two bits per op for the dense numbers of a plan (5 MB for 10 million
/// ops in order), and stays correct, only larger, for any other numbers.
#[derive(Debug, Default)]
pub(crate) struct OpSet {
    /// `words[op / 64]` has bit `op % 64` set for each op that was seen.
    words: HashMap<u64, u64>,
}

impl OpSet {
    /// Adds `op`; false if it was there already.
    pub(crate) fn insert(&mut self, op: u64) -> bool {
        let word = self.words.entry(op / 64).or_default();
        let bit = 1 << (op % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::OpSet;

    #[test]
    fn an_op_is_new_exactly_once_whatever_its_number() {
        let mut seen = OpSet::default();
        for op in [0, 1, 63, 64, 65, 1 << 40, u64::MAX - 1, u64::MAX] {
            assert!(seen.insert(op), "{op}");
        }
        for op in [u64::MAX, 0, 63, 64, 1 << 40] {
            assert!(!seen.insert(op), "{op}");
        }
        assert!(seen.insert(2));
    }
}
