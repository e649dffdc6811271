//! JPEG files as libjpeg-turbo decodes them, which most viewers link.

use image::{DynamicImage, RgbImage};

use super::{check_size, check_structure};
use crate::error::caught;
use crate::format::Format;

/// The pixels of a JPEG file of one or three components, as red, green and blue.
///
/// # Errors
/// In libjpeg's words, where it refuses the file, and where a limit does.
pub fn by_libjpeg(file: &[u8]) -> Result<DynamicImage, String> {
    check_structure(Format::Jpeg, file).map_err(|error| error.to_string())?;
    let decode = || -> Result<DynamicImage, String> {
        let words = |error: std::io::Error| error.to_string();
        let decompress = mozjpeg::Decompress::new_mem(file).map_err(words)?;
        let (width, height) = decompress.size();
        let size = (width as u32, height as u32);
        check_size(size, 3, file.len()).map_err(|error| error.to_string())?;
        let mut started = decompress.rgb().map_err(words)?;
        let samples = started.read_scanlines::<u8>().map_err(words)?;
        let pixels = RgbImage::from_raw(size.0, size.1, samples);
        pixels
            .map(DynamicImage::from)
            .ok_or_else(|| "too few rows".to_owned())
    };
    caught(decode).and_then(|decoded| decoded)
}
