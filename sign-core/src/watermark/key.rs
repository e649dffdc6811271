//! The secret: which slot carries which coded bit, and with which sign.

use std::fmt;

use hkdf::Hkdf;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::layout::{CODED, PAYLOAD, PILOTS, SLOTS};

/// Shortest secret, bytes.
pub const MIN_SECRET: usize = 16;

/// Why a watermark key could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WatermarkError {
    /// A short secret can be guessed, and with it the pattern.
    #[error("watermark secret has {0} bytes; give at least {MIN_SECRET}")]
    SecretTooShort(usize),
}

/// The keyed pattern, derived from a secret.
///
/// Two byte streams come from the secret: HKDF-SHA256 (RFC 5869, no salt) with the infos `wm/v1/perm` and
/// `wm/v1/sign` gives two keys, and each key's ChaCha20 keystream (nonce zero) is read as little-endian
/// 32-bit words. The first shuffles the slots (Fisher-Yates from the top, with rejection): 768 pilots, then
/// 4096 payload slots, of which the j-th carries coded bit j mod 512. The second gives one sign a slot, bits
/// from the lowest of each word, 1 for minus. The streams are independent because the bound on false accepts
/// needs signs that are uniform given the permutation.
///
/// Wiped when dropped; its `Debug` shows nothing.
#[derive(Clone)]
pub struct WatermarkKey {
    /// Sign of each slot, ±1.
    signs: Vec<f32>,
    /// Pilot slots, in the order of the permutation.
    pilots: Vec<u16>,
    /// Payload slots; the j-th carries coded bit j mod 512.
    payload: Vec<u16>,
}

impl WatermarkKey {
    /// Derives the pattern.
    ///
    /// # Errors
    /// [`WatermarkError::SecretTooShort`] below 16 bytes.
    pub fn derive(secret: &[u8]) -> Result<Self, WatermarkError> {
        if secret.len() < MIN_SECRET {
            return Err(WatermarkError::SecretTooShort(secret.len()));
        }
        let extracted = Hkdf::<Sha256>::new(None, secret);
        let stream = |info: &[u8]| {
            let mut seed = Zeroizing::new([0; 32]);
            // Expanding fails only beyond 255 digests, and this asks for one.
            let expanded = extracted.expand(info, &mut *seed);
            debug_assert!(expanded.is_ok());
            ChaCha20Rng::from_seed(*seed)
        };
        let mut order = permutation(&mut stream(b"wm/v1/perm"));
        let payload = order.split_off(PILOTS);
        Ok(Self {
            signs: signs(&mut stream(b"wm/v1/sign")),
            pilots: order,
            payload,
        })
    }

    /// Sign of each slot, ±1.
    pub(super) fn signs(&self) -> &[f32] {
        &self.signs
    }

    /// The pilot slots.
    pub(super) fn pilots(&self) -> impl Iterator<Item = usize> + '_ {
        self.pilots.iter().map(|&slot| usize::from(slot))
    }

    /// The payload slots with the coded bit each carries.
    pub(super) fn payload(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let slots = self.payload.iter().map(|&slot| usize::from(slot));
        slots.enumerate().map(|(j, slot)| (slot, j % CODED))
    }

    /// A value for each slot: `sign · amplitude · c` of its bit, or `sign · pilot` for pilots.
    pub(super) fn spread(&self, bits: &[f32], pilot: f32) -> Vec<f32> {
        let mut tile = vec![0.0; SLOTS];
        for (slot, bit) in self.payload() {
            tile[slot] = self.signs[slot] * bits[bit];
        }
        for slot in self.pilots() {
            tile[slot] = self.signs[slot] * pilot;
        }
        tile
    }

    /// Soft bits of a folded feature vector: Σ sign · H over the slots of each bit.
    pub(super) fn soft_bits(&self, folded: &[f32]) -> Vec<f32> {
        let mut bits = vec![0.0; CODED];
        for (slot, bit) in self.payload() {
            bits[bit] += self.signs[slot] * folded[slot];
        }
        bits
    }

    /// Pilot score: Σ sign · H over the pilots, over the L2 norm of H there. Standard normal where there is
    /// no mark; 0 where there is nothing.
    pub(super) fn pilot_score(&self, folded: &[f32]) -> f32 {
        let (mut sum, mut energy) = (0.0_f32, 0.0_f32);
        for slot in self.pilots() {
            sum += self.signs[slot] * folded[slot];
            energy += folded[slot] * folded[slot];
        }
        if energy > 0.0 {
            sum / energy.sqrt()
        } else {
            0.0
        }
    }
}

impl Drop for WatermarkKey {
    fn drop(&mut self) {
        self.signs.zeroize();
        self.pilots.zeroize();
        self.payload.zeroize();
    }
}

impl fmt::Debug for WatermarkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatermarkKey").finish_non_exhaustive()
    }
}

/// The slots, shuffled.
fn permutation(stream: &mut impl RngCore) -> Vec<u16> {
    let mut order: Vec<u16> = (0..SLOTS as u16).collect();
    for top in (1..SLOTS as u32).rev() {
        let bound = top + 1;
        // The largest multiple of the bound that 32 bits hold: words beyond it would favour small indices.
        let limit = (1_u64 << 32) / u64::from(bound) * u64::from(bound);
        let word = loop {
            let word = stream.next_u32();
            if u64::from(word) < limit {
                break word;
            }
        };
        order.swap(top as usize, (word % bound) as usize);
    }
    order
}

/// One sign a slot.
fn signs(stream: &mut impl RngCore) -> Vec<f32> {
    let mut signs = Vec::with_capacity(SLOTS);
    while signs.len() < SLOTS {
        let word = stream.next_u32();
        signs.extend((0..32).map(|k| if word >> k & 1 == 1 { -1.0 } else { 1.0 }));
    }
    signs.truncate(SLOTS);
    signs
}

const _: () = assert!(PAYLOAD.is_multiple_of(CODED) && SLOTS <= u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest;

    #[test]
    fn a_short_secret_is_refused() {
        for length in 0..MIN_SECRET {
            let refused = WatermarkKey::derive(&vec![7; length]).map(|_| ());
            assert_eq!(refused, Err(WatermarkError::SecretTooShort(length)));
        }
        assert!(WatermarkKey::derive(&[0; MIN_SECRET]).is_ok());
    }

    #[test]
    fn every_slot_is_used_once_and_every_bit_eight_times() {
        let key = WatermarkKey::derive(b"sixteen bytes or more").unwrap();
        let mut uses = vec![0; SLOTS];
        let mut copies = vec![0; CODED];
        key.pilots().for_each(|slot| uses[slot] += 1);
        for (slot, bit) in key.payload() {
            uses[slot] += 1;
            copies[bit] += 1;
        }
        assert!(uses.iter().all(|&n| n == 1));
        assert!(copies.iter().all(|&n| n == 8));
        let balance: f32 = key.signs().iter().sum();
        assert!(
            balance.abs() < 5.0 * (SLOTS as f32).sqrt(),
            "signs sum to {balance}"
        );
    }

    #[test]
    fn another_secret_gives_an_unrelated_pattern() {
        let (a, b) = (
            WatermarkKey::derive(&[1; 16]).unwrap(),
            WatermarkKey::derive(&[2; 16]).unwrap(),
        );
        let agreement: f32 = a.signs().iter().zip(b.signs()).map(|(a, b)| a * b).sum();
        assert!(agreement.abs() < 5.0 * (SLOTS as f32).sqrt());
        assert_ne!(a.payload, b.payload);
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = WatermarkKey::derive(&[1; 16]).unwrap();
        assert_eq!(format!("{key:?}"), "WatermarkKey { .. }");
    }

    /// The digest comes from an independent program; a change here makes every mark out there unreadable.
    #[test]
    fn the_key_schedule_is_the_published_one() {
        let key = WatermarkKey::derive(b"credlink watermark test key").unwrap();
        let mut digest = Sha256::new();
        for slot in key.pilots.iter().chain(&key.payload) {
            digest.update(slot.to_le_bytes());
        }
        for &sign in key.signs() {
            digest.update([u8::from(sign < 0.0)]);
        }
        assert_eq!(
            hex::encode(digest.finalize()),
            "32e36b92164058065042ea04df6a9120cb1b8110eceef7efc9b625199f2f1278"
        );
    }
}
