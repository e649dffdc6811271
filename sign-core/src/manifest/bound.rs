//! Does the hard binding leave out the manifest alone?
//!
//! A data hash names the ranges that it leaves out, and a validator takes the signer's word for them. The signature box
//! may be padded with bytes that nothing covers, and whoever takes such bytes away may put as many of his own beside the
//! manifest, inside the range: an EXIF segment, a second picture. So where no record says what the file was, byte for
//! byte, its own framing is read strictly, and the hash is made once more over everything outside of it.

use credlink_image_files::containers;
use sha2::{Digest, Sha256};

use super::jumbf;
use credlink_image_files::Format;

/// The box of the data hash (C2PA 2.2, "Data hash").
const DATA_HASH: &[u8] = b"c2pa.hash.data";

/// Whether the file is its manifest, framed as its container frames it, and what the signed hash covers. `manifest` is what
/// the validator took for the manifest store.
///
/// In AVIF the hash covers boxes and their places, and leaves out `ftyp`, `free`, `skip` and `mfra`, in which no still
/// picture lies (C2PA 2.2, "BMFF-based hash"); there the frame alone is checked.
///
/// # Errors
/// The code that says what is wrong.
pub(super) fn check(media_type: Format, bytes: &[u8], manifest: &[u8]) -> Result<(), &'static str> {
    const FRAMING: &str = "credlink.manifest.framing";
    let frame = containers::manifest_place(media_type, bytes).ok_or(FRAMING)?;
    let store = jumbf::store(&frame.jumbf).ok_or(FRAMING)?;
    if frame.jumbf != manifest || store.whole != (0..manifest.len()) {
        return Err(FRAMING);
    }
    let active = jumbf::boxes(manifest, store.body).last().ok_or(FRAMING)?;
    let signature = jumbf::child(manifest, &active, b"c2pa.signature").ok_or(FRAMING)?;
    if !is_zero_padded(&manifest[signature.body]) {
        return Err("credlink.manifest.padding");
    }
    if media_type == Format::Avif {
        return Ok(());
    }
    let assertions = jumbf::child(manifest, &active, b"c2pa.assertions").ok_or(FRAMING)?;
    let data_hash = jumbf::child(manifest, &assertions, DATA_HASH);
    let signed = data_hash.map_or(&[][..], |found| &manifest[found.body]);
    let mut digest = Sha256::new();
    let mut from = 0;
    for range in &frame.ranges {
        digest.update(bytes.get(from..range.start).unwrap_or_default());
        from = range.end;
    }
    digest.update(bytes.get(from..).unwrap_or_default());
    let digest: [u8; 32] = digest.finalize().into();
    // 32 bytes do not stand there by chance; the assertion's own hash is in the signed claim.
    let stands = signed.windows(digest.len()).any(|window| window == digest);
    if stands {
        Ok(())
    } else {
        Err("credlink.manifest.exclusion")
    }
}

/// Whether the padding of a COSE structure, byte strings under `pad` and `pad2` that the signature does not cover, is
/// absent or zero. Every place with such a name counts, so that none can stand in front of the one that is read.
fn is_zero_padded(signature: &[u8]) -> bool {
    let names: [&[u8]; 2] = [b"\x63pad", b"\x64pad2"];
    names.iter().all(|name| {
        let named = signature.windows(name.len()).enumerate();
        named
            .filter(|(_, part)| part == name)
            .all(|(at, _)| is_zero_string(&signature[at + name.len()..]))
    })
}

/// Whether a byte string of CBOR begins here and is all zeros: its length in the first byte, or in the one, two or four
/// that follow (RFC 8949, 3).
fn is_zero_string(bytes: &[u8]) -> bool {
    let (length, data) = match bytes {
        [head @ 0x40..=0x57, data @ ..] => (usize::from(head - 0x40), data),
        [0x58, length, data @ ..] => (usize::from(*length), data),
        [0x59, a, b, data @ ..] => (usize::from(u16::from_be_bytes([*a, *b])), data),
        [0x5a, a, b, c, d, data @ ..] => (u32::from_be_bytes([*a, *b, *c, *d]) as usize, data),
        _ => return false,
    };
    data.get(..length)
        .is_some_and(|pad| pad.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_read_in_every_length() {
        let padded = |head: &[u8], length: usize, last: u8| {
            let mut bytes = [b"before\x63pad", head, &vec![0; length]].concat();
            *bytes.last_mut().unwrap() = last;
            bytes.extend(b"behind");
            bytes
        };
        let heads: [(&[u8], usize); 4] = [
            (&[0x45], 5),
            (&[0x58, 200], 200),
            (&[0x59, 1, 183], 439),
            (&[0x5a, 0, 1, 0, 0], 1 << 16),
        ];
        for (head, length) in heads {
            assert!(is_zero_padded(&padded(head, length, 0)));
            assert!(!is_zero_padded(&padded(head, length, 1)));
        }
        assert!(is_zero_padded(b"none"));
        // A first string of zeros does not hide a second.
        assert!(!is_zero_padded(b"\x63pad\x41\0\x63pad\x41\x01"));
        assert!(!is_zero_padded(b"\x63pad\x59\xff\xff\0"));
        assert!(!is_zero_padded(b"\x63pad"));
    }
}
