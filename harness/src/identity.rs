//! Who signs in a measurement run.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use credlink_sign_core::ProofId;
use credlink_sign_core::keys::{Date, Identity, Validity, WATERMARK_FILE, WatermarkSecret};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The validity of certificates made here: fixed, so that the same seed gives the same bytes on any day.
///
/// # Errors
/// Never with the dates below.
pub fn validity() -> Result<Validity> {
    Ok(Validity {
        not_before: Date::new(2025, 1, 1)?,
        not_after: Date::new(2045, 1, 1)?,
    })
}

/// The validity of certificates for use: from the day of `now` (Unix seconds) on, for so many days. A signature without a
/// time stamp is worth as much as its certificate, so that this is not for ever.
///
/// # Errors
/// For days that no certificate can name.
pub fn validity_from(now: u64, days: u16) -> Result<Validity> {
    const DAY: u64 = 86_400;
    let day = |seconds: u64| -> Result<Date> {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_SECOND));
        let text = humantime::format_rfc3339_seconds(time).to_string();
        let mut parts = text.split(['-', 'T']);
        let mut next = || parts.next().context("the clock shows no date");
        let (year, month, day) = (next()?.parse()?, next()?.parse()?, next()?.parse()?);
        Ok(Date::new(year, month, day)?)
    };
    Ok(Validity {
        not_before: day(now)?,
        // The day that has begun counts for nothing.
        not_after: day(now.saturating_add(DAY * (u64::from(days) + 1)))?,
    })
}

/// The last second of the year 2999, where [`Date`] ends.
const LAST_SECOND: u64 = 32_503_679_999;

/// A proof that nobody was issued, for a name that nobody was issued: whoever is led to it is misled.
#[must_use]
pub fn strange_proof(name: &[u8]) -> ProofId {
    let hash = Sha256::new()
        .chain_update(b"credlink strange proof")
        .chain_update(name)
        .finalize();
    let mut value = [0; 8];
    value.copy_from_slice(&hash[..8]);
    ProofId::new(u64::from_be_bytes(value))
}

/// Randomness of the operating system for keys.
///
/// # Errors
/// When the system has none.
pub fn fresh_seed() -> Result<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice())
        .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    Ok(seed)
}

/// The identity of a run: the one in `keys`, or one made of `fresh` randomness, so that no other run's files are ever
/// intact under this run's anchor. It is never written to disk. No row depends on it: keys, salts and signatures of every
/// identity have the same lengths.
///
/// # Errors
/// When the folder holds no usable identity; the message names the file.
pub fn of_run(keys: Option<&Path>, fresh: Zeroizing<[u8; 32]>) -> Result<Identity> {
    match keys {
        Some(folder) => Identity::load(folder)
            .with_context(|| format!("failed to load keys from {}", folder.display())),
        None => Ok(Identity::generate(
            fresh,
            "CredLink measurement",
            validity()?,
        )?),
    }
}

/// The watermark secret of a run: the one in `keys`, or one made from the run's seed, which is no secret: rows depend on
/// the mark, and the same seed gives the same rows.
///
/// # Errors
/// When the folder holds no usable secret; the message names the file.
pub fn watermark_of_run(keys: Option<&Path>, seed: u64) -> Result<WatermarkSecret> {
    match keys {
        Some(folder) => loaded_watermark(folder),
        None => {
            let seed = Sha256::new()
                .chain_update(b"credlink measurement watermark")
                .chain_update(seed.to_le_bytes());
            let seed = Zeroizing::new(<[u8; 32]>::from(seed.finalize()));
            Ok(WatermarkSecret::new(&seed))
        }
    }
}

/// The watermark secret in a folder of keys.
///
/// # Errors
/// When it cannot be read; the message says what to do.
pub fn loaded_watermark(folder: &Path) -> Result<WatermarkSecret> {
    WatermarkSecret::load(folder).with_context(|| {
        format!(
            "failed to load {WATERMARK_FILE} from {}; `credlink keys generate` makes one, --no-watermark does without",
            folder.display()
        )
    })
}

/// The proof id of an image in a run: 64 bits of a hash of the seed, the image's position and its bytes. Every run with the
/// seed issues the same ids for the same images, and never one id for two images.
#[must_use]
pub fn proof_id(seed: u64, image: usize, source: &[u8]) -> ProofId {
    let hash = Sha256::new()
        .chain_update(b"credlink measurement proof id v2")
        .chain_update(seed.to_le_bytes())
        .chain_update((image as u64).to_le_bytes())
        .chain_update(Sha256::digest(source))
        .finalize();
    ProofId::new(u64::from_le_bytes(std::array::from_fn(|index| hash[index])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_for_use_begin_today_and_end() {
        let day = |year, month, day| Date::new(year, month, day).unwrap();
        // 2028-02-28, 12:00.
        let validity = validity_from(1_835_352_000, 365).unwrap();
        assert_eq!(validity.not_before, day(2028, 2, 28));
        assert_eq!(validity.not_after, day(2029, 2, 28));
        assert!(
            validity_from(u64::MAX, 365)
                .is_ok_and(|validity| validity.not_before.eq(&day(2999, 12, 31)))
        );
    }
}
