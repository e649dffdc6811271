//! Pictures to measure a service with: synthetic, of about one megapixel.

use anyhow::{Result, bail};
use credlink_corpus::{ImageSet, SyntheticSet};
use credlink_image_files::decode;
use credlink_transforms::codecs::jpeg::{self, Chroma, Encoder, Settings};
use hyper::body::Bytes;

/// Pixels of a picture of one megapixel, give or take a fifth.
const MEGAPIXEL: std::ops::RangeInclusive<u64> = 800_000..=1_200_000;
/// Images that are looked at for each that is taken.
const TRIES: usize = 40;

/// Distinct pictures of one megapixel.
pub(super) fn of_a_megapixel(count: usize, seed: u64) -> Result<Vec<Bytes>> {
    let set = SyntheticSet::new(seed);
    let mut found = Vec::new();
    for index in 0..TRIES * count {
        let bytes = set.load(index)?.bytes;
        let pixels = decode::decode(&bytes)
            .map(|decoded| u64::from(decoded.pixels.width()) * u64::from(decoded.pixels.height()));
        if pixels.is_ok_and(|pixels| MEGAPIXEL.contains(&pixels)) {
            found.push(Bytes::from(bytes));
        }
        if found.len() == count {
            return Ok(found);
        }
    }
    bail!("too few pictures of one megapixel among the synthetic ones")
}

/// What many services make of a picture: a JPEG file of quality 80, and nothing beside the pixels.
pub(super) fn as_delivered(bytes: &[u8]) -> Result<Bytes> {
    let decoded = decode::decode(bytes)?;
    let settings = Settings {
        encoder: Encoder::LibjpegTurbo,
        quality: 80,
        chroma: Chroma::Quarter,
        progressive: false,
    };
    let picture = decoded.pixels.to_rgb8().into();
    Ok(Bytes::from(jpeg::encode(&picture, settings)?))
}
