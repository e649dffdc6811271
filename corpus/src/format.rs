//! File formats, told by content and never by file name.

/// A still image format that a set may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// JPEG, ITU-T T.81.
    Jpeg,
    /// PNG, W3C Portable Network Graphics (Third Edition).
    Png,
    /// WebP, RFC 9649.
    WebP,
    /// AVIF, AV1 Image File Format 1.1.
    Avif,
    /// GIF87a and GIF89a.
    Gif,
    /// TIFF 6.0 and BigTIFF.
    Tiff,
    /// Windows and OS/2 bitmap.
    Bmp,
}

/// Sizes of the header that follows the 14-byte BMP file header, from BITMAPCOREHEADER to BITMAPV5HEADER.
const BMP_HEADER_SIZES: [u32; 7] = [12, 40, 52, 56, 64, 108, 124];

impl Format {
    /// Every format, in the order of the enum.
    pub const ALL: [Format; 7] = [
        Format::Jpeg,
        Format::Png,
        Format::WebP,
        Format::Avif,
        Format::Gif,
        Format::Tiff,
        Format::Bmp,
    ];

    /// The lowercase name used in rows and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Jpeg => "jpeg",
            Format::Png => "png",
            Format::WebP => "webp",
            Format::Avif => "avif",
            Format::Gif => "gif",
            Format::Tiff => "tiff",
            Format::Bmp => "bmp",
        }
    }

    /// The usual file name extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Format::Jpeg => "jpg",
            Format::Tiff => "tif",
            other => other.as_str(),
        }
    }

    /// The format that the first bytes of a file announce, or `None` where no supported format does.
    ///
    /// A match says what the file claims to be, not that it decodes.
    pub fn sniff(bytes: &[u8]) -> Option<Format> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Format::Png),
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
            ] => Some(Format::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
            // Two letters are too weak a sign for a stranger's file, so the header size must be a known one too.
            [b'B', b'M', ..] if bmp_header_is_known(bytes) => Some(Format::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] if has_avif_brand(bytes) => Some(Format::Avif),
            _ => None,
        }
    }
}

fn bmp_header_is_known(bytes: &[u8]) -> bool {
    match bytes.get(14..18) {
        Some(&[a, b, c, d]) => BMP_HEADER_SIZES.contains(&u32::from_le_bytes([a, b, c, d])),
        _ => false,
    }
}

/// Looks for `avif` or `avis` among the major and compatible brands (ISO/IEC 14496-12, 4.3); the four
/// bytes after the major brand are its version.
fn has_avif_brand(bytes: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = bytes.get(0..4) else {
        return false;
    };
    let end = usize::try_from(u32::from_be_bytes([a, b, c, d]))
        .unwrap_or(usize::MAX)
        .min(bytes.len())
        .min(256);
    bytes.get(8..end).is_some_and(|brands| {
        brands
            .chunks_exact(4)
            .enumerate()
            .any(|(i, brand)| i != 1 && matches!(brand, b"avif" | b"avis"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_told_by_its_first_bytes() {
        let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        let cases: [(&[u8], Option<Format>); 10] = [
            (b"\xFF\xD8\xFF\xE1", Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1A\nIHDR", Some(Format::Png)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(Format::WebP)),
            (b"GIF89a..", Some(Format::Gif)),
            (b"II*\0....", Some(Format::Tiff)),
            (b"MM\0*....", Some(Format::Tiff)),
            (
                b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avifmiaf",
                Some(Format::Avif),
            ),
            (b"\0\0\0\x14ftypheic\0\0\0\0heic", None),
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
