//! An image file whose pixels are decoded at most once, however many pipelines it goes through.

use std::sync::{Arc, OnceLock};

use image::DynamicImage;
use image::metadata::Orientation;

use crate::decode::{Decoded, decode};
use crate::error::DecodeError;
use crate::format::Format;
use crate::metadata::{self, Metadata};

/// Decoded pixels with what lay beside them in the file. Cloning copies no pixels.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The pixels in coded order.
    pub pixels: Arc<DynamicImage>,
    /// How a viewer turns the pixels; [`Orientation::NoTransforms`] once a step has baked it in.
    pub orientation: Orientation,
    /// EXIF, XMP, IPTC, ICC and C2PA as the file held them, changed only by steps that say so.
    pub metadata: Metadata,
}

/// The bytes of an image file; its pixels and metadata are read on first use and kept.
#[derive(Debug)]
pub struct ImageFile {
    bytes: Vec<u8>,
    format: Format,
    frame: OnceLock<Result<Frame, DecodeError>>,
}

impl ImageFile {
    /// Wraps the bytes of a file in a known format.
    ///
    /// # Errors
    /// [`DecodeError::Empty`] or [`DecodeError::UnknownFormat`]; nothing is decoded yet.
    pub fn new(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        if bytes.is_empty() {
            return Err(DecodeError::Empty);
        }
        let format = Format::sniff(&bytes).ok_or_else(|| DecodeError::unknown(&bytes))?;
        Ok(Self {
            bytes,
            format,
            frame: OnceLock::new(),
        })
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The format by signature.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Pixels and metadata, decoded on the first call.
    ///
    /// # Errors
    /// The same error on every call when the file cannot be decoded.
    pub fn frame(&self) -> Result<&Frame, DecodeError> {
        self.frame_by(decode)
    }

    /// As [`ImageFile::frame`], decoding through `decode`, which may measure it.
    ///
    /// # Errors
    /// As [`ImageFile::frame`].
    pub fn frame_by(
        &self,
        decode: impl FnOnce(&[u8]) -> Result<Decoded, DecodeError>,
    ) -> Result<&Frame, DecodeError> {
        let decoded = self.frame.get_or_init(|| {
            let decoded = decode(&self.bytes)?;
            let mut metadata = metadata::read(self.format, &self.bytes);
            // Bytes 16 to 20 of a profile name its colour space (ICC.1, 7.2.6). CMYK was turned into RGB by the
            // decoder; its profile says nothing of these pixels, and written beside them it would be wrong.
            let space = metadata.icc.as_ref().and_then(|icc| icc.get(16..20));
            if space == Some(b"CMYK") {
                metadata.icc = None;
            }
            Ok(Frame {
                pixels: Arc::new(decoded.pixels),
                orientation: decoded.orientation,
                metadata,
            })
        });
        decoded.as_ref().map_err(Clone::clone)
    }
}
