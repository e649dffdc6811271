//! Payloads: each system gets words of the width that it can carry, and the harness alone knows whose they are.

use std::collections::HashMap;

use credlink_sign_core::ProofId;
use sha2::{Digest, Sha256};

use crate::identity;

/// A word of so many bits, the most significant bit of the first byte first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Payload {
    bytes: Vec<u8>,
    bits: u32,
}

impl Payload {
    /// The word issued for a proof: it follows from the id alone, so that no order of signing matters.
    pub(super) fn issued(id: ProofId, bits: u32) -> Self {
        let hash = Sha256::new()
            .chain_update(b"credlink payload")
            .chain_update(id.value().to_be_bytes())
            .finalize();
        let mut bytes = hash[..bits.div_ceil(8) as usize].to_vec();
        clear_behind(&mut bytes, bits);
        Self { bytes, bits }
    }

    /// A word that was read, in hex.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(hex: &str, bits: u32) -> Result<Self, String> {
        let width = bits.div_ceil(8) as usize;
        let bytes = (0..hex.len() / 2).map(|at| {
            let pair = hex.get(2 * at..2 * at + 2);
            pair.filter(|pair| pair.bytes().all(|c| c.is_ascii_hexdigit()))
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        });
        let bytes: Option<Vec<u8>> = bytes.collect();
        let bytes = bytes.filter(|bytes| bytes.len() == width && hex.len() == 2 * width);
        let mut bytes = bytes.ok_or_else(|| {
            format!(
                "payload {hex:?} is not {bits} bits, which are {} hex digits",
                2 * width
            )
        })?;
        clear_behind(&mut bytes, bits);
        Ok(Self { bytes, bits })
    }

    /// In hex.
    pub(super) fn hex(&self) -> String {
        self.bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// How many bits two words share.
    pub(super) fn agreement(&self, other: &Self) -> u32 {
        let pairs = self.bytes.iter().zip(&other.bytes);
        let differing: u32 = pairs.map(|(a, b)| (a ^ b).count_ones()).sum();
        self.bits.saturating_sub(differing)
    }

    /// A proof that nobody was issued, for a word that nobody was issued.
    pub(super) fn strange_proof(&self) -> ProofId {
        identity::strange_proof(&self.bytes)
    }
}

/// Bits behind the width are none of the word.
fn clear_behind(bytes: &mut [u8], bits: u32) {
    let used = bits % 8;
    if let Some(last) = bytes.last_mut().filter(|_| used > 0) {
        *last &= 0xff << (8 - used);
    }
}

/// Every word that was issued, and for which proofs: a narrow word may stand for more than one.
#[derive(Debug, Default)]
pub(super) struct Issued {
    by_word: HashMap<Payload, Vec<ProofId>>,
    by_proof: HashMap<ProofId, Payload>,
}

impl Issued {
    /// Enters a proof with its word.
    pub(super) fn insert(&mut self, id: ProofId, payload: Payload) {
        self.by_word.entry(payload.clone()).or_default().push(id);
        self.by_proof.insert(id, payload);
    }

    /// Puts proofs that share a word into one order, whoever was signed first.
    pub(super) fn seal(&mut self) {
        for proofs in self.by_word.values_mut() {
            proofs.sort_unstable();
        }
    }

    /// Whether this proof was issued, for an image that was not refused.
    pub(super) fn has(&self, id: ProofId) -> bool {
        self.by_proof.contains_key(&id)
    }

    /// The proofs of exactly this word.
    pub(super) fn proofs(&self, word: &Payload) -> &[ProofId] {
        self.by_word.get(word).map_or(&[], Vec::as_slice)
    }

    /// Bits that this word shares with the one issued for a proof.
    pub(super) fn agreement(&self, word: &Payload, id: ProofId) -> Option<u32> {
        let issued = self.by_proof.get(&id)?;
        Some(issued.agreement(word))
    }

    /// The most bits that it shares with the word of any proof that is not right.
    pub(super) fn nearest_wrong(
        &self,
        word: &Payload,
        is_right: &dyn Fn(ProofId) -> bool,
    ) -> Option<u32> {
        let wrong = self
            .by_word
            .iter()
            .filter(|(issued, proofs)| *issued != word || !proofs.iter().any(|id| is_right(*id)));
        let wrong = wrong.filter(|(_, proofs)| !proofs.iter().all(|id| is_right(*id)));
        wrong.map(|(issued, _)| issued.agreement(word)).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_exactly_their_width() {
        let id = ProofId::new(0x0123_4567_89ab_cdef);
        for bits in [16, 30, 32, 61, 64, 100, 256] {
            let word = Payload::issued(id, bits);
            assert_eq!(word.hex().len() as u32, 2 * bits.div_ceil(8));
            assert_eq!(Payload::read(&word.hex(), bits).as_ref(), Ok(&word));
            assert_eq!(word.agreement(&word), bits);
            let mut other = word.clone();
            other.bytes[0] ^= 0x81;
            assert_eq!(word.agreement(&other), bits - 2);
            // What stands behind the last bit does not count.
            let mut behind = word.bytes.clone();
            if let Some(last) = behind.last_mut().filter(|_| bits % 8 > 0) {
                *last |= 1;
            }
            let hex: String = behind.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(Payload::read(&hex, bits), Ok(word));
        }
        for wrong in ["", "0", "012", "zz00zz00", "+1000000", "0000000000"] {
            assert!(Payload::read(wrong, 32).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_nearest_wrong_word_is_never_the_right_one() {
        let mut issued = Issued::default();
        let ids: Vec<ProofId> = (1..=50).map(ProofId::new).collect();
        for id in &ids {
            issued.insert(*id, Payload::issued(*id, 32));
        }
        issued.seal();
        let word = Payload::issued(ids[7], 32);
        assert_eq!(issued.proofs(&word), [ids[7]]);
        assert_eq!(issued.agreement(&word, ids[7]), Some(32));
        let plain = ids
            .iter()
            .filter(|id| **id != ids[7])
            .map(|id| Payload::issued(*id, 32).agreement(&word))
            .max();
        assert_eq!(issued.nearest_wrong(&word, &|id| id == ids[7]), plain);
    }
}
