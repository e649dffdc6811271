//! Lets signing and verification see pixels through the pipelines' decoders; the two crates do not know each other.

use credlink_image_files::decode;
use credlink_sign_core::{Pixels, Shown};
use credlink_transforms::codecs::colours::{self, Colours};
use credlink_transforms::codecs::frames;
use image::DynamicImage;

/// The pixels of a file as the verifier takes them.
///
/// # Errors
/// The decoder's words.
pub fn decode_bytes(bytes: &[u8]) -> Result<Pixels, String> {
    let decoded = decode::decode(bytes).map_err(|error| error.to_string())?;
    Ok(Pixels {
        shown: shown(bytes, &decoded.pixels),
        image: decoded.pixels.into(),
        orientation: decoded.orientation,
    })
}

fn shown(bytes: &[u8], pixels: &DynamicImage) -> Shown {
    if !frames::shows_one_picture(bytes, pixels) {
        return Shown::Frames;
    }
    match colours::shown(bytes, pixels) {
        Colours::Kept => Shown::These,
        Colours::Other(shown) => Shown::Colours(Some(shown.into())),
        Colours::Disputed => Shown::Colours(None),
    }
}
