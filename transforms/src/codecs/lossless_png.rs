//! Lossless PNG optimisation: the only file that names oxipng.

use oxipng::{Options, StripChunks};
use serde::Deserialize;

use crate::error::EncodeError;
use credlink_image_files::Format;
use credlink_image_files::containers::png::chunks;
use credlink_image_files::decode::check_size;
use credlink_image_files::limits;

/// Which ancillary chunks go, in oxipng's own terms (a `c2pa` caBX chunk goes in every case).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Strip {
    /// Nothing else.
    None,
    /// All that does not affect display.
    Safe,
    /// All that is not critical.
    All,
}

/// Optimises without changing what is displayed. `level` is oxipng's preset, 0 (fast) to 6; with `clean_alpha` the
/// colours under full transparency may change.
///
/// # Errors
/// When oxipng cannot read the file.
pub fn optimise(
    file: &[u8],
    level: u8,
    strip: Strip,
    clean_alpha: bool,
) -> Result<Vec<u8>, EncodeError> {
    let refused = |reason: String| EncodeError::Codec {
        format: Format::Png,
        reason,
    };
    // The header's promise is checked first: oxipng inflates whatever it is told to.
    let side = |at: usize| {
        file.get(at..at + 4)
            .map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    let (Some(width), Some(height)) = (side(16), side(20)) else {
        return Err(refused("no header".to_owned()));
    };
    // Bit depth and colour type (PNG, third edition, 11.2.1).
    let channels = match file.get(25) {
        Some(0 | 3) => 1,
        Some(2) => 3,
        Some(4) => 2,
        _ => 4,
    };
    let pixel_bytes = if file.get(24) == Some(&16) {
        2 * channels
    } else {
        channels
    };
    check_size((width, height), pixel_bytes, file.len())
        .map_err(|error| refused(error.to_string()))?;
    let mut options = Options::from_preset(level.min(6));
    // A filter byte a row comes on top.
    options.max_decompressed_size = usize::try_from(limits::MAX_BYTES + u64::from(height)).ok();
    options.optimize_alpha = clean_alpha;
    options.strip = match strip {
        Strip::None => StripChunks::None,
        Strip::Safe => StripChunks::Safe,
        Strip::All => StripChunks::All,
    };
    oxipng::optimize_from_memory(file, &options).map_err(|error| refused(error.to_string()))
}

/// The bytes of the chunks that hold the image: palette, transparency and data.
#[must_use]
pub fn image_bytes(file: &[u8]) -> usize {
    let image = chunks(file).filter(|chunk| matches!(&chunk.kind, b"PLTE" | b"tRNS" | b"IDAT"));
    image.map(|chunk| chunk.data.len()).sum()
}
