//! Image file formats, told apart by their first bytes.

use serde::Deserialize;

/// A file format that pipelines read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG (ITU-T T.81).
    Jpeg,
    /// PNG (ISO/IEC 15948), animated ones by their default image.
    Png,
    /// WebP, lossy and lossless, animated ones by their first frame.
    WebP,
    /// AVIF (AV1 in HEIF).
    Avif,
    /// GIF, animated ones by their first frame.
    Gif,
    /// TIFF and BigTIFF, either byte order.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// JPEG XL (ISO/IEC 18181), animated ones by their first frame.
    Jxl,
}

impl Format {
    /// Every format, in the order in which help texts list them.
    pub const ALL: &'static [Self] = &[
        Self::Jpeg,
        Self::Png,
        Self::WebP,
        Self::Avif,
        Self::Gif,
        Self::Tiff,
        Self::Bmp,
        Self::Jxl,
    ];

    /// The name used in recipes, rows and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Avif => "avif",
            Self::Gif => "gif",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::Jxl => "jxl",
        }
    }

    /// The usual file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Tiff => "tif",
            other => other.as_str(),
        }
    }

    /// The format that files with this extension, in lower case and without the dot, are expected in.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "jpeg" | "jpe" | "jfif" => Some(Self::Jpeg),
            "tiff" => Some(Self::Tiff),
            "apng" => Some(Self::Png),
            "avifs" => Some(Self::Avif),
            other => Self::ALL
                .iter()
                .copied()
                .find(|format| format.extension() == other),
        }
    }

    /// Endings of image files that nothing here decodes.
    pub const UNREAD_EXTENSIONS: &'static [&'static str] = &[
        "heic", "heif", "hif", "jp2", "j2k", "jpx", "psd", "psb", "cr2", "cr3", "nef", "arw",
        "dng", "svg", "exr",
    ];

    /// What an image of a kind that nothing here decodes is called, by its first bytes; `None` for everything else.
    #[must_use]
    pub fn unread(bytes: &[u8]) -> Option<&'static str> {
        match bytes {
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4)? {
                b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
                    Some("HEIC")
                }
                b"crx " => Some("camera raw"),
                _ => None,
            },
            [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xFF, 0x4F, 0xFF, 0x51, ..] => {
                Some("JPEG 2000")
            }
            [b'8', b'B', b'P', b'S', ..] => Some("Photoshop"),
            [0x76, 0x2F, 0x31, 0x01, ..] => Some("OpenEXR"),
            _ => None,
        }
    }

    /// The media type, such as `image/jpeg`.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Avif => "image/avif",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Bmp => "image/bmp",
            Self::Jxl => "image/jxl",
        }
    }

    /// Tells the format by the file's signature, never by its name: mislabelled files are common.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Self::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', 13, 10, 0x87, 10, ..] => {
                Some(Self::Jxl)
            }
            // Two letters are too weak a sign for a stranger's file, so the size of the header must be a known one, too.
            [b'B', b'M', ..] if has_bitmap_header(bytes) => Some(Self::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] if has_avif_brand(bytes) => Some(Self::Avif),
            _ => None,
        }
    }
}

/// Whether the header behind the 14 bytes of the file header has one of the sizes from BITMAPCOREHEADER to BITMAPV5HEADER.
fn has_bitmap_header(bytes: &[u8]) -> bool {
    match bytes.get(14..18) {
        Some(&[a, b, c, d]) => matches!(
            u32::from_le_bytes([a, b, c, d]),
            12 | 40 | 52 | 56 | 64 | 108 | 124
        ),
        _ => false,
    }
}

/// Looks for `avif` or `avis` among the major and the compatible brands (ISO/IEC 14496-12, 4.3); the four bytes behind the
/// major brand are its version.
fn has_avif_brand(bytes: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = bytes.get(..4) else {
        return false;
    };
    let end = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    bytes
        .get(8..end.min(bytes.len()).min(264))
        .is_some_and(|brands| {
            let brands = brands.chunks_exact(4).enumerate();
            brands
                .into_iter()
                .any(|(place, brand)| place != 1 && matches!(brand, b"avif" | b"avis"))
        })
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_told_by_its_first_bytes() {
        let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        let cases: [(&[u8], Option<Format>); 13] = [
            (b"\xFF\xD8\xFF\xE1", Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1A\nIHDR", Some(Format::Png)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(Format::WebP)),
            (b"GIF89a..", Some(Format::Gif)),
            (b"II*\0....", Some(Format::Tiff)),
            (b"MM\0*....", Some(Format::Tiff)),
            (b"II+\0\x08\0\0\0", Some(Format::Tiff)),
            (b"\xFF\x0A", Some(Format::Jxl)),
            (
                b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avifmiaf",
                Some(Format::Avif),
            ),
            (b"\0\0\0\x14ftypheic\0\0\0\0heic", None),
            // The version of a major brand is no brand.
            (b"\0\0\0\x14ftypheicavifheic", None),
            (b"BMW is a car, not a bitmap", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Format::sniff(bytes), expected, "{bytes:?}");
        }
        assert_eq!(Format::sniff(&bmp), Some(Format::Bmp));
        bmp[14] = 0x29;
        assert_eq!(Format::sniff(&bmp), None);
    }

    #[test]
    fn every_truncation_of_a_header_is_answered_without_a_panic() {
        let header = b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avifmiaf";
        for end in 0..header.len() {
            let _ = Format::sniff(&header[..end]);
        }
    }
}
