//! Lossless PNG optimisation: the only file that names oxipng.

use oxipng::{Options, StripChunks};
use serde::Deserialize;

use crate::error::EncodeError;
use crate::format::Format;

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
    let mut options = Options::from_preset(level.min(6));
    options.optimize_alpha = clean_alpha;
    options.strip = match strip {
        Strip::None => StripChunks::None,
        Strip::Safe => StripChunks::Safe,
        Strip::All => StripChunks::All,
    };
    oxipng::optimize_from_memory(file, &options).map_err(|error| EncodeError::Codec {
        format: Format::Png,
        reason: error.to_string(),
    })
}
