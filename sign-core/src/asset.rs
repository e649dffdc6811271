//! An image file as a verifier meets it, with everything that is computed from it at most once.

use crate::formats::signable;
use credlink_image_files::{Format, containers};
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::sync::Arc;

use image::DynamicImage;
use image::metadata::Orientation;

use crate::Clock;
use crate::fingerprint::{ContentHash, Difference, MatchPolicy, View};
use crate::proof_id::ProofId;
use crate::record::ProofRecord;
use crate::sketch::{Bars, Likeness, Received, Registered, Shades, Whereabouts, over_black};
use crate::xmp;

/// Decoded pixels as they are coded in the file; `orientation` says how to display them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pixels {
    /// The coded pixels.
    pub image: Arc<DynamicImage>,
    /// How a viewer turns them.
    pub orientation: Orientation,
    /// Whether a viewer shows them.
    pub shown: Shown,
}

/// What a viewer makes of decoded pixels.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// It shows them.
    These,
    /// It shows other pictures besides, or instead: an animation whose frames differ.
    Frames,
    /// It shows these pixels instead, by a colour profile that is no device's; `None` where viewers disagree.
    Colours(Option<Arc<DynamicImage>>),
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

/// Writes changed pixels as a file like the one they came from. Handed in, because this crate encodes nothing.
pub trait Encoder {
    /// Why the file, of these pixels, is not written anew, in words that follow "because"; `None` where it is.
    fn refusal(&self, pixels: &DynamicImage) -> Option<String>;

    /// With which care a file is to be written, from the smallest file to the largest.
    fn cares(&self) -> &'static [Care];

    /// The file with these pixels instead of its own, coded so that coding costs less than the change; in the same
    /// container, with everything that it held beside its pixels, but without its manifest.
    ///
    /// # Errors
    /// What would be lost, or the codec's words.
    fn rewritten(&self, pixels: &DynamicImage, care: Care) -> Result<Vec<u8>, Unwritten>;

    /// What a JPEG file of quality 60 with 4:2:0 makes of the pixels; `None` if they cannot be coded.
    fn through_jpeg_60(&self, pixels: &DynamicImage) -> Option<DynamicImage>;
}

/// How much coding may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// As the file is coded, as far as its format can say so: what it lost already is not lost again.
    Own,
    /// Less than a mark of the usual strength does.
    Usual,
    /// As little as the format allows, however large the file.
    Utmost,
}

impl Care {
    /// The first file that is read as it should be, of those that `write` makes with one care after the other; `None` where none is.
    ///
    /// # Errors
    /// The first of `write`, if no file was written.
    pub fn smallest<T>(
        cares: &[Self],
        write: impl Fn(Self) -> Result<T, Unwritten>,
        is_read: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, Unwritten> {
        let mut outcome = None;
        for care in cares {
            match write(*care) {
                Ok(written) if is_read(&written) => return Ok(Some(written)),
                Ok(_) => outcome = Some(Ok(())),
                Err(error) => outcome = outcome.or(Some(Err(error))),
            }
        }
        outcome.unwrap_or(Ok(())).map(|()| None)
    }
}

/// Why a file was not written anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritten {
    /// Something would be lost that makes the picture's look, or that somebody put into the file: its names.
    #[error("the file would lose {0}")]
    Loses(String),
    /// It would grow beyond reason, by so many per cent.
    #[error("the file would grow by {0} %")]
    Grows(usize),
    /// The codec failed, in its words.
    #[error("{0}")]
    Failed(String),
}

/// The bytes of an image file, and what was found out about them.
///
/// Pixels are decoded when first asked for and at most once; the fingerprint and the links in the XMP
/// packet likewise, so that the carriers share them. A value belongs to one thread.
pub struct Asset<'a> {
    bytes: &'a [u8],
    decode: Decode<'a>,
    encoder: Option<&'a dyn Encoder>,
    clock: Clock<'a>,
    pixels: OnceCell<Result<Pixels, String>>,
    content: OnceCell<Option<Content>>,
    links: OnceCell<Vec<String>>,
    received: OnceCell<Option<Received>>,
    sketched: RefCell<Option<Sketched>>,
    decode_nanos: Cell<u64>,
    hash_nanos: Cell<u64>,
    watermark_nanos: Cell<u64>,
    points_nanos: Cell<u64>,
}

/// The last comparison with a proof's content: several pointers mostly lead to one proof.
struct Sketched {
    id: ProofId,
    /// Wherever the registered picture lies.
    anywhere: Option<Likeness>,
    /// With what something else said last of where it lies.
    placed: Option<(Whereabouts, Likeness)>,
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

impl<'a> Asset<'a> {
    /// A file of these bytes, whose pixels `decode` gives.
    pub fn new(bytes: &'a [u8], decode: Decode<'a>) -> Self {
        Self {
            bytes,
            decode,
            encoder: None,
            clock: &|| 0,
            pixels: OnceCell::new(),
            content: OnceCell::new(),
            links: OnceCell::new(),
            received: OnceCell::new(),
            sketched: RefCell::new(None),
            decode_nanos: Cell::new(0),
            hash_nanos: Cell::new(0),
            watermark_nanos: Cell::new(0),
            points_nanos: Cell::new(0),
        }
    }

    /// The same with an encoder, for a signer that changes pixels.
    #[must_use]
    pub fn with_encoder(mut self, encoder: &'a dyn Encoder) -> Self {
        self.encoder = Some(encoder);
        self
    }

    /// The same with a clock for accounting: it measures what signing and verifying spend on hashing and on the
    /// watermark. Without it these times are 0.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock<'a>) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn encoder(&self) -> Option<&'a dyn Encoder> {
        self.encoder
    }

    pub(crate) fn clock(&self) -> Clock<'a> {
        self.clock
    }

    /// Decodes other bytes as this file's would be.
    pub(crate) fn decoded(&self, bytes: &[u8]) -> Result<Pixels, String> {
        (self.decode)(bytes)
    }

    /// Counts time spent on the watermark.
    pub(crate) fn add_watermark_nanos(&self, nanos: u64) {
        self.watermark_nanos
            .set(self.watermark_nanos.get().saturating_add(nanos));
    }

    /// Counts time spent on the points.
    pub(crate) fn add_points_nanos(&self, nanos: u64) {
        self.points_nanos
            .set(self.points_nanos.get().saturating_add(nanos));
    }

    /// Nanoseconds spent on the watermark so far.
    pub(crate) fn watermark_nanos(&self) -> u64 {
        self.watermark_nanos.get()
    }

    /// Nanoseconds spent on the points so far.
    pub(crate) fn points_nanos(&self) -> u64 {
        self.points_nanos.get()
    }

    /// The bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The container, from the first bytes; `None` if CredLink does not sign such files.
    pub fn media_type(&self) -> Option<Format> {
        signable(self.bytes)
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

    /// The perceptual hash, if the pixels can be decoded.
    pub(crate) fn content(&self) -> Option<&Content> {
        self.content
            .get_or_init(|| {
                let clock = self.clock;
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

    /// The pixels as sketches are compared with them, if they can be decoded.
    pub(crate) fn received(&self) -> Option<&Received> {
        self.received
            .get_or_init(|| {
                let pixels = self.pixels().ok()?;
                Some(Received::of(&pixels.image, pixels.orientation))
            })
            .as_ref()
    }

    /// What a record's sketch says of what a viewer shows; `None` if the pixels cannot be decoded.
    pub(crate) fn sketch_verdict(
        &self,
        record: &ProofRecord,
        registered: &dyn Fn() -> Arc<Registered>,
        whereabouts: &Whereabouts,
    ) -> Option<Likeness> {
        let received = self.received()?;
        let mut sketched = self.sketched.borrow_mut();
        let held = match &mut *sketched {
            Some(held) if held.id == record.id => held,
            other => other.insert(Sketched {
                id: record.id,
                anywhere: None,
                placed: None,
            }),
        };
        if let Some((place, likeness)) = &held.placed
            && place == whereabouts
        {
            return Some(*likeness);
        }
        let registered = registered();
        let anywhere = &mut held.anywhere;
        let mut anywhere = || *anywhere.get_or_insert_with(|| registered.compare(received).verdict);
        let likeness = registered.likeness(received, whereabouts, Bars::Free, &mut anywhere);
        held.placed = Some((whereabouts.clone(), likeness));
        Some(likeness)
    }

    /// Whether a viewer shows what is registered in the pixels that a colour profile makes, too.
    pub(crate) fn is_same_in_colours(
        &self,
        registered: &dyn Fn() -> Arc<Registered>,
        whereabouts: &Whereabouts,
    ) -> bool {
        match self.pixels() {
            Ok(Pixels {
                shown: Shown::Colours(shown),
                orientation,
                ..
            }) => shown.as_ref().is_some_and(|shown| {
                let received = Received::of(shown, *orientation);
                let registered = registered();
                let mut anywhere = || registered.compare(&received).verdict;
                let likeness =
                    registered.likeness(&received, whereabouts, Bars::Priced, &mut anywhere);
                likeness == Likeness::Same
            }),
            Ok(_) => true,
            Err(_) => false,
        }
    }

    /// Whether the pixels show what is registered on a dark page as well as on a white one; true for opaque pixels.
    pub(crate) fn is_same_on_black(&self, record: &ProofRecord, whereabouts: &Whereabouts) -> bool {
        let Ok(pixels) = self.pixels() else {
            return false;
        };
        let Some(dark) = over_black(&pixels.image) else {
            return true;
        };
        let sketch = record.sketch_on_black.as_ref().unwrap_or(&record.sketch);
        let registered = Registered::new(sketch, (record.width, record.height));
        let received = Received::of(&dark, pixels.orientation);
        let comparison = registered.compare(&received);
        // Black strokes show nothing on black; then nothing else may show there either.
        let is_plain = || comparison.shades.is_some_and(Shades::are_equal);
        match comparison.verdict {
            Likeness::Same => true,
            Likeness::Plain | Likeness::Featureless if is_plain() => true,
            found => {
                let anywhere = &mut || found;
                let likeness = registered.likeness(&received, whereabouts, Bars::Priced, anywhere);
                likeness == Likeness::Same
            }
        }
    }

    /// The provenance links of the XMP packet, in order.
    pub fn links(&self) -> &[String] {
        self.links.get_or_init(|| {
            self.media_type()
                .and_then(|media_type| containers::xmp(media_type, self.bytes))
                .map(|packet| xmp::links(&packet))
                .unwrap_or_default()
        })
    }

    /// Nanoseconds that decoding and hashing took so far in [`Asset::content`].
    pub(crate) fn nanos(&self) -> (u64, u64) {
        (self.decode_nanos.get(), self.hash_nanos.get())
    }
}

impl fmt::Debug for Asset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asset")
            .field("bytes", &self.bytes.len())
            .field("media_type", &self.media_type())
            .finish_non_exhaustive()
    }
}
