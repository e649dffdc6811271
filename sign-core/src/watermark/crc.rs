//! The 12-bit checksum that tells the right path of the list from the others.

/// x¹² + x¹¹ + x³ + x² + x + 1.
const POLYNOMIAL: u16 = 0x80f;

/// CRC-12 of 64 bits, most significant first: initial value 0xfff, no reflection, no final inversion.
pub(super) fn crc12(message: u64) -> u16 {
    (0..64).rev().fold(0xfff, |register, k| {
        let feedback = (register >> 11) ^ ((message >> k) as u16 & 1);
        let shifted = (register << 1) & 0xfff;
        if feedback == 1 {
            shifted ^ POLYNOMIAL
        } else {
            shifted
        }
    })
}

/// The message with its checksum behind it: 76 bits.
pub(super) fn protected(message: u64) -> u128 {
    u128::from(message) << 12 | u128::from(crc12(message))
}

/// The message of 76 bits whose checksum is right.
pub(super) fn checked(word: u128) -> Option<u64> {
    let message = (word >> 12) as u64;
    (word >> 76 == 0 && crc12(message) == (word & 0xfff) as u16).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long division of the message polynomial, with the initial value added to its first twelve bits.
    fn reference(message: u64) -> u16 {
        let mut dividend = (u128::from(message) << 12) ^ (0xfff_u128 << 64);
        for k in (12..76).rev() {
            if dividend >> k & 1 == 1 {
                dividend ^= (0x1000 | u128::from(POLYNOMIAL)) << (k - 12);
            }
        }
        dividend as u16
    }

    #[test]
    fn it_is_the_remainder_of_a_polynomial_division() {
        let mut message = 1_u64;
        for _ in 0..1000 {
            assert_eq!(crc12(message), reference(message), "{message:016x}");
            message = message
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
        }
    }

    #[test]
    fn every_single_and_double_error_is_noticed() {
        let word = protected(0x0123_4567_89ab_cdef);
        assert_eq!(checked(word), Some(0x0123_4567_89ab_cdef));
        for first in 0..76 {
            assert_eq!(checked(word ^ 1 << first), None);
            for second in 0..first {
                assert_eq!(checked(word ^ 1 << first ^ 1 << second), None);
            }
        }
    }
}
