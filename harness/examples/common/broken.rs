//! Breaks files at random: flipped bits, cut ends, pieces moved, doubled, removed or swapped, and numbers that lengths like
//! to be.

use sha2::{Digest, Sha256};

/// Numbers that follow from seed and count, by SHA-256.
pub(crate) struct Draws {
    state: [u8; 32],
    used: usize,
}

impl Draws {
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let start = Sha256::new().chain_update(seed.to_le_bytes());
        Self {
            state: start.chain_update(number.to_le_bytes()).finalize().into(),
            used: 0,
        }
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        if self.used == 4 {
            self.state = Sha256::digest(self.state).into();
            self.used = 0;
        }
        let at = 8 * self.used;
        self.used += 1;
        let word: [u8; 8] = std::array::from_fn(|byte| self.state[at + byte]);
        (u64::from_le_bytes(word) % end.max(1) as u64) as usize
    }
}

/// One to four changes, most of them in the first kilobytes, where structure lies.
pub(crate) fn broken(bytes: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..1 + draws.below(4) {
        if out.is_empty() {
            break;
        }
        let reach = if draws.below(3) == 0 {
            out.len()
        } else {
            out.len().min(16_384)
        };
        let at = draws.below(reach);
        let end = (at + 1 + draws.below(64)).min(out.len());
        match draws.below(9) {
            0 => out[at] ^= 1 << draws.below(8),
            1 => out[at] = [0, 1, 0x7f, 0x80, 0xff][draws.below(5)],
            2 => out.truncate(at),
            3 => {
                out.drain(at..end);
            }
            4 => {
                let piece = out[at..end].to_vec();
                let to = draws.below(out.len());
                out.splice(to..to, piece);
            }
            5 => {
                let number: [u8; 4] =
                    [[0xff; 4], [0; 4], [0x7f, 0xff, 0xff, 0xff], [0, 0, 0, 8]][draws.below(4)];
                for (byte, new) in out[at..end].iter_mut().zip(number) {
                    *byte = new;
                }
            }
            // What stands before a place changes places with what stands behind it.
            6 => out[at..end].rotate_left((end - at) / 2),
            // A length that is a little off.
            7 => out[at] = out[at].wrapping_add([1, 2, 255, 254][draws.below(4)]),
            _ => out[at..end].reverse(),
        }
    }
    out
}
