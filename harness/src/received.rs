//! Lets a verifier see pixels that the pipelines' codecs decode, at most once a file.

use credlink_sign_core::Pixels;
use credlink_transforms::codecs::decode;
use credlink_transforms::file::ImageFile;
use credlink_transforms::meter::Meter;

/// The pixels of a file as the verifier takes them; decoded here on the first call, shared on later ones.
///
/// # Errors
/// The decoder's words.
pub fn pixels(file: &ImageFile, meter: &Meter<'_>) -> Result<Pixels, String> {
    let frame = file.frame(meter).map_err(|error| error.to_string())?;
    Ok(Pixels {
        image: frame.pixels.clone(),
        orientation: frame.orientation,
    })
}

/// Decodes bytes on their own, for the commands that look at one file.
///
/// # Errors
/// The decoder's words.
pub fn decode_bytes(bytes: &[u8]) -> Result<Pixels, String> {
    let decoded = decode::decode(bytes).map_err(|error| error.to_string())?;
    Ok(Pixels {
        image: decoded.pixels.into(),
        orientation: decoded.orientation,
    })
}
