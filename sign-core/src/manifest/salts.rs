//! Repeatable signing.
//!
//! The C2PA library salts every assertion with fresh random bytes, so that the same image signed twice gives
//! two files. A salt only has to be unpredictable to others (it hides redacted assertions from guessing);
//! one derived from the private key and the proof id is, and makes signing a function of its inputs. This
//! file exchanges the salts in a finished manifest, follows the changed hashes through assertions and claim,
//! and signs the claim again. No length changes, so the hard binding stays true. In a simulated
//! delivery the moment at which the library looked at the ingredient, which it notes beside its findings, becomes a
//! fixed one; a real signer's stays true.

use c2pa::jumbf_io;
use credlink_image_files::containers;
use sha2::{Digest, Sha256};

use super::EngineError;
use super::claim_signer::ClaimSigner;
use super::jumbf::{self, JumbfBox};
use credlink_image_files::Format;

const SALT_BOX: [u8; 4] = *b"c2sh";
const SALT_LENGTH: usize = 16;

/// A file with its manifest embedded, and that manifest.
pub(crate) struct ManifestFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
}

/// What a manifest's random parts follow from.
pub(super) struct Repeatable<'a> {
    pub(super) media_type: Format,
    /// What is signed: a proof id, or a digest.
    pub(super) context: &'a [u8],
    /// Whether moments become a fixed one.
    pub(super) timeless: bool,
}

/// The key of a moment and the head of a text of 24 bytes in CBOR, as the library writes an ingredient's metadata
/// (C2PA 2.2, "Metadata about assertions"; RFC 8949, tag 0), and the moment that stands there in a simulation: the
/// first second of Unix time, which nobody takes for a real one.
const MOMENT: &[u8] = b"\x68dateTime\xc0\x78\x18";
const FIXED_MOMENT: &[u8; 24] = b"1970-01-01T00:00:00.000Z";

/// `made`, which `signer` signed, with salts that follow from its identity and the context.
pub(super) fn repeatable(
    made: ManifestFile,
    signer: ClaimSigner<'_>,
    by: &Repeatable<'_>,
) -> Result<ManifestFile, EngineError> {
    let unexpected = || EngineError::new("manifest is not laid out as expected");
    let manifest = resalted(&made.manifest, &signer, by).ok_or_else(unexpected)?;
    let bytes = replaced(by.media_type, made.bytes, &made.manifest, &manifest)?;
    Ok(ManifestFile { bytes, manifest })
}

/// The manifest store with new salts, hashes and signature in its active manifest.
fn resalted(store_bytes: &[u8], signer: &ClaimSigner<'_>, by: &Repeatable<'_>) -> Option<Vec<u8>> {
    let signed = signer.last()?;
    let mut bytes = store_bytes.to_owned();
    let store = jumbf::store(&bytes)?;
    let active = jumbf::boxes(&bytes, store.body.clone()).last()?;
    let assertion_store = jumbf::child(&bytes, &active, b"c2pa.assertions")?;
    let claim = content(&bytes, &jumbf::child(&bytes, &active, b"c2pa.claim.v2")?)?;
    let signature = content(&bytes, &jumbf::child(&bytes, &active, b"c2pa.signature")?)?;
    let assertions: Vec<JumbfBox> = jumbf::boxes(&bytes, assertion_store.body.clone())
        .skip(1)
        .collect();

    // A hashed URI holds the hash of everything in the box but its header (C2PA 2.x, "Hashing JUMBF boxes").
    let hash = |bytes: &[u8], found: &JumbfBox| {
        <[u8; 32]>::from(Sha256::digest(&bytes[found.body.clone()]))
    };
    let mut written: Vec<[u8; 32]> = assertions.iter().map(|found| hash(&bytes, found)).collect();
    let old_claim = bytes[claim.body.clone()].to_owned();

    for (number, found) in assertions.iter().enumerate() {
        if let Some(place) = salt(&bytes, found) {
            let numbered = [by.context, &(number as u64).to_be_bytes()].concat();
            bytes[place].copy_from_slice(&signer.identity.salt(&numbered));
        }
        let moments = if by.timeless {
            moments(&bytes[found.body.clone()])
        } else {
            Vec::new()
        };
        for place in moments {
            let start = found.body.start + place;
            bytes[start..start + FIXED_MOMENT.len()].copy_from_slice(FIXED_MOMENT);
        }
    }
    // Assertions may name each other by hash (an action its ingredient), without cycles; after as many
    // rounds as there are assertions every hash is final.
    for _ in 0..=assertions.len() {
        let mut settled = true;
        for (found, written) in assertions.iter().zip(&mut written) {
            let now = hash(&bytes, found);
            if now != *written {
                for place in assertions
                    .iter()
                    .map(|a| a.body.clone())
                    .chain([claim.body.clone()])
                {
                    substitute(&mut bytes[place], written, &now);
                }
                *written = now;
                settled = false;
            }
        }
        if settled {
            break;
        }
    }

    // The signed structure holds the claim verbatim (RFC 9052, section 4.4, payload).
    let mut to_sign = signed.data;
    let new_claim = bytes[claim.body].to_owned();
    (substitute(&mut to_sign, &old_claim, &new_claim) == 1).then_some(())?;
    let new = signer.signature(&to_sign).ok()?;
    let is_as_long = new.len() == signed.signature.len();
    (is_as_long && substitute(&mut bytes[signature.body], &signed.signature, &new) == 1)
        .then_some(())?;
    Some(bytes)
}

/// The content box of a superbox: what follows its description.
fn content(bytes: &[u8], superbox: &JumbfBox) -> Option<JumbfBox> {
    jumbf::boxes(bytes, superbox.body.clone()).nth(1)
}

/// Where the salt of an assertion stands: at the end of its description.
fn salt(bytes: &[u8], assertion: &JumbfBox) -> Option<std::ops::Range<usize>> {
    let end = jumbf::boxes(bytes, assertion.body.clone()).next()?.body.end;
    let start = end.checked_sub(SALT_LENGTH)?;
    (bytes.get(start.checked_sub(4)?..start)? == SALT_BOX).then_some(start..end)
}

/// Where moments stand in the bytes of an assertion.
fn moments(bytes: &[u8]) -> Vec<usize> {
    let behind = |at: usize| at + MOMENT.len();
    let whole = |at: &usize| behind(*at) + FIXED_MOMENT.len() <= bytes.len();
    let found = bytes.windows(MOMENT.len()).enumerate();
    found
        .filter(|(_, window)| *window == MOMENT)
        .map(|(at, _)| at)
        .filter(whole)
        .map(behind)
        .collect()
}

/// Replaces every occurrence of `old` by `new`, of the same length, and counts them.
fn substitute(bytes: &mut [u8], old: &[u8], new: &[u8]) -> usize {
    let mut count = 0;
    let mut at = 0;
    while at + old.len() <= bytes.len() {
        if bytes[at..].starts_with(old) {
            bytes[at..at + old.len()].copy_from_slice(new);
            at += old.len();
            count += 1;
        } else {
            at += 1;
        }
    }
    count
}

/// The file with one embedded manifest in place of another of the same length.
fn replaced(
    media_type: Format,
    mut file: Vec<u8>,
    old: &[u8],
    new: &[u8],
) -> Result<Vec<u8>, EngineError> {
    if let Some(at) = find(&file, old) {
        file[at..at + new.len()].copy_from_slice(new);
        containers::repair_check_sums(media_type, &mut file);
        return Ok(file);
    }
    // Cut into segments or sub-blocks; writing it again cuts the same way.
    let length = file.len();
    let file = super::guarded(|| jumbf_io::save_jumbf_to_memory(media_type.mime(), &file, new))
        .map_err(EngineError::new)?;
    if file.len() == length {
        Ok(file)
    } else {
        Err(EngineError::new("embedding the manifest again moved data"))
    }
}

/// Where `needle`, a JUMBF box, stands in `bytes`. Its type is looked for first, since it begins with a
/// length and zeros are everywhere.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 4;
    while let Some(step) = bytes.get(from..)?.iter().position(|&b| b == b'j') {
        let at = from + step - 4;
        if bytes[at..].starts_with(needle) {
            return Some(at);
        }
        from += step + 1;
    }
    None
}
