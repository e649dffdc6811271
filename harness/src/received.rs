//! Lets signing and verification see pixels through the pipelines' decoders; the two crates do not know each other.

use credlink_sign_core::Pixels;
use credlink_transforms::codecs::{decode, frames};

/// The pixels of a file as the verifier takes them.
///
/// # Errors
/// The decoder's words.
pub fn decode_bytes(bytes: &[u8]) -> Result<Pixels, String> {
    let decoded = decode::decode(bytes).map_err(|error| error.to_string())?;
    Ok(Pixels {
        still: frames::shows_one_picture(bytes, &decoded.pixels),
        image: decoded.pixels.into(),
        orientation: decoded.orientation,
    })
}
