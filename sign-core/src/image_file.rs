//! An image file as a verifier meets it, with everything that is computed from it at most once.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::sync::Arc;

use image::DynamicImage;
use image::metadata::Orientation;

use crate::Clock;
use crate::container::MediaType;
use crate::fingerprint::{ContentHash, Difference, MatchPolicy, View};
use crate::xmp;

/// Decoded pixels as they are coded in the file; `orientation` says how to display them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pixels {
    /// The coded pixels.
    pub image: Arc<DynamicImage>,
    /// How a viewer turns them.
    pub orientation: Orientation,
}

impl Pixels {
    /// Width and height as displayed.
    pub fn displayed_size(&self) -> (u32, u32) {
        let (width, height) = (self.image.width(), self.image.height());
        match self.orientation {
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => (width, height),
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => (height, width),
        }
    }
}

/// Decodes the bytes of an image file, or says in one sentence why that is impossible.
///
/// It owns the limits on pixels and memory; this crate decodes nothing by itself.
pub type Decode<'a> = &'a dyn Fn(&[u8]) -> Result<Pixels, String>;

/// The bytes of an image file, and what was found out about them.
///
/// Pixels are decoded when first asked for and at most once; the fingerprint and the links in the XMP
/// packet likewise, so that the carriers share them. A value belongs to one thread.
pub struct ImageFile<'a> {
    bytes: &'a [u8],
    decode: Decode<'a>,
    pixels: OnceCell<Result<Pixels, String>>,
    content: OnceCell<Option<Content>>,
    links: OnceCell<Vec<String>>,
    decode_nanos: Cell<u64>,
    hash_nanos: Cell<u64>,
}

/// The perceptual hash of a file, in every orientation.
pub(crate) struct Content {
    pub(crate) quality: u8,
    pub(crate) views: [View; 8],
}

impl Content {
    pub(crate) fn is_featureless(&self) -> bool {
        self.views
            .iter()
            .all(|view| view.fingerprint.is_featureless())
    }

    /// The best of the eight orientations beside a registered image; `None` if either is featureless.
    pub(crate) fn difference(&self, registered: &View, policy: &MatchPolicy) -> Option<Difference> {
        if registered.fingerprint.is_featureless() {
            return None;
        }
        self.views
            .iter()
            .filter(|view| !view.fingerprint.is_featureless())
            .map(|view| view.difference(registered))
            .min_by_key(|difference| policy.score(*difference))
    }
}

impl<'a> ImageFile<'a> {
    /// A file of these bytes, whose pixels `decode` gives.
    pub fn new(bytes: &'a [u8], decode: Decode<'a>) -> Self {
        Self {
            bytes,
            decode,
            pixels: OnceCell::new(),
            content: OnceCell::new(),
            links: OnceCell::new(),
            decode_nanos: Cell::new(0),
            hash_nanos: Cell::new(0),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The container, from the first bytes; `None` if CredLink does not sign such files.
    pub fn media_type(&self) -> Option<MediaType> {
        MediaType::of(self.bytes)
    }

    /// The pixels, decoded on first use.
    ///
    /// # Errors
    /// The sentence of the decoder.
    pub fn pixels(&self) -> Result<&Pixels, &str> {
        self.pixels
            .get_or_init(|| (self.decode)(self.bytes))
            .as_ref()
            .map_err(String::as_str)
    }

    /// Decodes and hashes now, if that has not happened, and tells the nanoseconds that each took whenever it
    /// did. For whoever accounts for time: signing and verifying afterwards find both done.
    pub fn prepared(&self, clock: Clock<'_>) -> (u64, u64) {
        self.content(clock);
        self.nanos()
    }

    /// The perceptual hash, if the pixels can be decoded.
    pub(crate) fn content(&self, clock: Clock<'_>) -> Option<&Content> {
        self.content
            .get_or_init(|| {
                let start = clock();
                let pixels = self.pixels().ok().cloned();
                let decoded = clock();
                self.decode_nanos.set(decoded.saturating_sub(start));
                let pixels = pixels?;
                let hash = ContentHash::of(&pixels.image, pixels.orientation);
                let content = Content {
                    quality: hash.quality(),
                    views: hash.views(),
                };
                self.hash_nanos.set(clock().saturating_sub(decoded));
                Some(content)
            })
            .as_ref()
    }

    /// The provenance links of the XMP packet, in order.
    pub(crate) fn links(&self) -> &[String] {
        self.links.get_or_init(|| {
            self.media_type()
                .and_then(|media_type| media_type.xmp(self.bytes))
                .map(|packet| xmp::links(&packet))
                .unwrap_or_default()
        })
    }

    /// Nanoseconds that decoding and hashing took so far in [`ImageFile::content`].
    pub(crate) fn nanos(&self) -> (u64, u64) {
        (self.decode_nanos.get(), self.hash_nanos.get())
    }
}

impl fmt::Debug for ImageFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageFile")
            .field("bytes", &self.bytes.len())
            .field("media_type", &self.media_type())
            .finish_non_exhaustive()
    }
}
