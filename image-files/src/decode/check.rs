//! What a header promises and how a file is built, looked at before anything is allocated or decoded.

use crate::containers::webp;
use crate::error::DecodeError;
use crate::format::Format;
use crate::limits::{MAX_BYTES, MAX_PIXELS, MAX_SCANS, MAX_SIDE, PER_BYTE, SMALL};

/// Checks what a header promises: sides and pixels, and bytes of `pixel_bytes` each, beside the `file_bytes` of the file.
///
/// # Errors
/// The limit that is exceeded, with the numbers.
pub fn check_size(
    (width, height): (u32, u32),
    pixel_bytes: u64,
    file_bytes: usize,
) -> Result<(), DecodeError> {
    let pixels = u64::from(width) * u64::from(height);
    let of_side = width.max(height) > MAX_SIDE;
    let of_bytes = pixels.saturating_mul(pixel_bytes) > MAX_BYTES;
    if pixels > MAX_PIXELS {
        return Err(DecodeError::TooManyPixels {
            width,
            height,
            limit: MAX_PIXELS,
        });
    }
    if of_side || of_bytes {
        return Err(DecodeError::TooLarge {
            width,
            height,
            pixel_bytes,
        });
    }
    let allowed = SMALL.max(PER_BYTE.saturating_mul(file_bytes as u64));
    // Four bytes for each of these pixels: at sixteen bits a channel half as many are allowed.
    if pixels > allowed || pixels.saturating_mul(pixel_bytes) > 4 * allowed {
        return Err(DecodeError::TooThin {
            width,
            height,
            bytes: file_bytes,
        });
    }
    Ok(())
}

/// Checks the structure of a file before a decoder sees it: lengths that point beyond its end where a decoder would
/// allocate them, and passes over the picture that a few bytes ask for.
///
/// # Errors
/// In words, what is wrong.
pub fn check_structure(format: Format, bytes: &[u8]) -> Result<(), DecodeError> {
    let refused = |reason: String| DecodeError::Codec { format, reason };
    match format {
        Format::Jpeg => {
            let scans = scans(bytes);
            if scans > MAX_SCANS {
                return Err(refused(format!(
                    "more than {MAX_SCANS} scans, of which each costs a pass over the whole picture"
                )));
            }
        }
        Format::WebP => {
            if let Some(kind) = overlong_chunk(bytes) {
                return Err(refused(format!(
                    "a {} chunk is longer than the file",
                    kind.escape_ascii()
                )));
            }
        }
        Format::Png | Format::Gif | Format::Tiff | Format::Bmp | Format::Avif | Format::Jxl => {}
    }
    Ok(())
}

/// Scans of a JPEG file: markers of that kind anywhere but inside other segments (ITU-T T.81, B.1.1). Counts no further
/// than one beyond the limit.
#[must_use]
pub fn scans(bytes: &[u8]) -> usize {
    let (mut at, mut found) = (2, 0);
    while let Some(step) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|b| *b == 0xff))
    {
        at += step;
        match bytes.get(at + 1) {
            // A zero stands behind an 0xff of the data; fill bytes and restart markers stand alone.
            Some(0x00 | 0x01 | 0xd0..=0xd8) => at += 2,
            Some(0xff) => at += 1,
            Some(0xd9) | None => break,
            Some(marker) => {
                found += usize::from(*marker == 0xda);
                if found > MAX_SCANS {
                    break;
                }
                let length = bytes.get(at + 2..at + 4);
                at += 2 + length.map_or(2, |l| usize::from(l[0]) << 8 | usize::from(l[1]));
            }
        }
    }
    found
}

/// The first metadata chunk of a WebP file that claims more bytes than follow; decoders allocate what it claims. Image data
/// that is cut short is the decoder's own business.
fn overlong_chunk(bytes: &[u8]) -> Option<&[u8]> {
    // The walker ends at the first chunk that is not whole.
    let at = webp::chunks_to(bytes, bytes.len())
        .last()
        .map_or(12, |last| last.data.end + last.data.len() % 2);
    let kind = bytes.get(at..at.checked_add(8)?)?.split_at(4).0;
    [b"EXIF", b"XMP ", b"ICCP"]
        .iter()
        .any(|known| *known == kind)
        .then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_bytes_and_thinness_are_limited_apart() {
        let check = |size, pixel, file| check_size(size, pixel, file);
        assert!(check((12_000, 9_000), 3, 8_000_000).is_ok());
        assert!(check((4_000, 4_000), 4, 100).is_ok());
        assert!(check((3_840, 2_160), 8, 20_000).is_ok());
        for (size, pixel, file) in [
            ((119_000_000, 1), 3, 1 << 30),
            ((1, 14_000_000), 3, 1 << 30),
            ((12_000, 10_001), 3, 1 << 30),
            ((10_900, 10_900), 8, 1 << 30),
            ((8_000, 8_000), 3, 900_000),
            ((4_000, 4_000), 8, 900_000),
            ((u32::MAX, u32::MAX), 8, usize::MAX),
        ] {
            let error = check(size, pixel, file).unwrap_err().to_string();
            assert!(error.contains(&size.0.to_string()), "{error}");
        }
    }

    #[test]
    fn scans_are_counted_outside_of_segments_and_data() {
        let scan = [0xff, 0xda, 0, 2, 0x12, 0xff, 0, 0xff, 0xd0, 0x34];
        let comment = [0xff, 0xfe, 0, 6, 0xff, 0xda, 0xff, 0xda];
        let file = |count: usize| {
            [
                &[0xff, 0xd8][..],
                &comment,
                &scan.repeat(count),
                &[0xff, 0xd9],
            ]
            .concat()
        };
        for count in [0, 1, 10, MAX_SCANS] {
            assert_eq!(scans(&file(count)), count);
            assert!(check_structure(Format::Jpeg, &file(count)).is_ok());
        }
        let error = check_structure(Format::Jpeg, &file(4000)).unwrap_err();
        assert!(error.to_string().contains("scans"), "{error}");
        assert_eq!(scans(&[0xff, 0xd8, 0xff]), 0);
    }

    #[test]
    fn a_chunk_that_claims_more_than_the_file_is_found() {
        let chunk = |kind: &[u8; 4], length: u32, data: &[u8]| {
            [&kind[..], &length.to_le_bytes(), data].concat()
        };
        let head = b"RIFF\0\0\0\0WEBP".to_vec();
        let vp8 = chunk(b"VP8X", 3, b"abc\0");
        let sound = [&head[..], &vp8, &chunk(b"EXIF", 4, b"abcd")].concat();
        assert_eq!(overlong_chunk(&sound), None);
        for kind in [b"EXIF", b"XMP ", b"ICCP"] {
            let file = [&head[..], &vp8, &chunk(kind, u32::MAX - 1, b"abcd")].concat();
            assert_eq!(overlong_chunk(&file), Some(&kind[..]));
        }
        let cut = [&head[..], &chunk(b"VP8 ", 1000, b"abcd")].concat();
        assert_eq!(overlong_chunk(&cut), None);
    }
}
