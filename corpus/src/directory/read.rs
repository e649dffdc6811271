//! What is read from a stranger's file: pixels, orientation, colour profile.

use std::panic::{AssertUnwindSafe, catch_unwind};

use credlink_image_files::decode::{Decoded, decode};
use credlink_image_files::{DecodeError, Format, metadata};

/// Pixels as coded, and how to turn them.
///
/// # Errors
/// In words, why the file cannot be decoded.
pub(super) fn decoded(bytes: &[u8]) -> Result<Decoded, String> {
    guarded(|| decode(bytes))
}

/// A panic in the decoder becomes a reason like any other: a set of thousands of files must not end at one of them.
fn guarded<T>(decode: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(decode))
        .map_err(|_| "the decoder panicked".to_owned())?
        .map_err(|error| error.to_string())
}

/// The ICC profile of a file, if it describes pixels of the given number of colour channels (1 or 3): a decoder that turned
/// CMYK into RGB left the old profile behind.
pub(super) fn profile(format: Format, bytes: &[u8], colour_channels: usize) -> Option<Vec<u8>> {
    let profile = metadata::read(format, bytes).icc?;
    let space: &[u8] = if colour_channels == 1 {
        b"GRAY"
    } else {
        b"RGB "
    };
    (profile.get(16..20)? == space).then(|| profile.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_panics_costs_one_file_only() {
        let reason =
            guarded(|| -> Result<(), DecodeError> { panic!("this decoder cannot bear it") });
        assert_eq!(reason, Err("the decoder panicked".to_owned()));
        assert_eq!(guarded(|| Ok(1)), Ok(1));
    }
}
