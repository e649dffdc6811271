//! Why a file could not be read, or nothing put into it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::format::Format;

/// Why bytes could not be read as an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Nothing in the first bytes names a format that we read.
    #[error("not an image in a known format (jpeg, png, webp, avif, jxl, gif, tiff, bmp)")]
    UnknownFormat,
    /// An image of a kind that nothing here decodes.
    #[error("{0} files are not read: there is no decoder for them here")]
    NoDecoder(&'static str),
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The header promises more pixels than we are ready to hold; checked before decoding.
    #[error("{width} x {height} pixels exceed the limit of {limit} pixels")]
    TooManyPixels {
        /// Width in pixels, as the header says.
        width: u32,
        /// Height in pixels, as the header says.
        height: u32,
        /// The limit, in pixels.
        limit: u64,
    },
    /// A side or the decoded picture would be larger than we are ready to hold; checked before decoding.
    #[error(
        "{width} x {height} pixels of {pixel_bytes} bytes: sides may have {} pixels, and the picture {} MB",
        crate::limits::MAX_SIDE,
        crate::limits::MAX_BYTES / 1_000_000
    )]
    TooLarge {
        /// Width in pixels, as the header says.
        width: u32,
        /// Height in pixels, as the header says.
        height: u32,
        /// Bytes of a decoded pixel.
        pixel_bytes: u64,
    },
    /// Far more pixels than so few bytes hold of any picture: decoding them would cost more than the file can be worth.
    #[error(
        "{width} x {height} pixels in {bytes} bytes: beyond {:.1} megapixels a file needs a byte for every {} pixels",
        crate::limits::SMALL as f64 / 1e6,
        crate::limits::PER_BYTE
    )]
    TooThin {
        /// Width in pixels, as the header says.
        width: u32,
        /// Height in pixels, as the header says.
        height: u32,
        /// Size of the file.
        bytes: usize,
    },
    /// The codec refused the data.
    #[error("damaged or unsupported {format} data: {reason}")]
    Codec {
        /// The format that the signature promised.
        format: Format,
        /// The codec's own words.
        reason: String,
    },
}

impl DecodeError {
    /// The error for bytes in no format that we read.
    pub(crate) fn unknown(bytes: &[u8]) -> Self {
        Format::unread(bytes).map_or(Self::UnknownFormat, Self::NoDecoder)
    }
}

/// Why something could not be put into a file beside its pixels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// The structure ends early or contradicts itself, or it has no place for what is to be put into it.
    #[error("{format} structure: {reason}")]
    Structure {
        /// The format that the signature promised.
        format: Format,
        /// What is wrong.
        reason: String,
    },
    /// The packet does not fit into one segment.
    #[error("XMP packet of {0} bytes does not fit into a JPEG segment (65502 bytes at most)")]
    PacketTooLong(usize),
}

impl ContainerError {
    pub(crate) fn damaged(format: Format, reason: impl Into<String>) -> Self {
        Self::Structure {
            format,
            reason: reason.into(),
        }
    }
}

/// What libjpeg gives. It reports fatal errors by unwinding, which ends here; nothing that outlives the call may be touched by it.
///
/// # Errors
/// Its words, where it gives up.
pub fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("the codec panicked").to_owned()
    })
}
