//! Marking an image before it is signed.

use std::cell::{Cell, RefCell};

use image::DynamicImage;

use crate::asset::{Asset, Care, Encoder, Pixels, Unwritten};
use crate::distortion::Distortion;
use crate::proof_id::ProofId;
use crate::signed::SignError;
use crate::watermark::{
    Effort, EmbedSettings, Marking, Refusal, WatermarkKey, detect, embed_tried,
};

/// Puts the proof id into the pixels and has the image coded anew, by the encoder that came with the file.
#[derive(Clone, Debug)]
pub struct Marker {
    key: WatermarkKey,
    settings: EmbedSettings,
    floor: Option<f64>,
}

/// Decibels that the next attempt is to be better than what was missing, since neither share is known exactly.
const SPARE: f64 = 0.2;

/// An image file after marking.
pub(crate) struct Marked {
    /// How the image took the mark; `None` if its kind of file is not written anew.
    pub(crate) verdict: Option<Marking>,
    /// Why a file is not written anew, in words that follow "because"; `None` where the verdict says it, or it is.
    pub(crate) why: Option<String>,
    /// The new file; `None` where the image stays as it was.
    pub(crate) file: Option<MarkedFile>,
}

impl Marked {
    /// An image that stays as it was.
    pub(crate) fn not(verdict: Option<Marking>, why: Option<String>) -> Self {
        Self {
            verdict,
            why,
            file: None,
        }
    }

    /// An image that stays as it was because of what a file would be; an error of the codec is none of these reasons.
    fn unwritten(error: Unwritten) -> Result<Self, SignError> {
        let why = match error {
            Unwritten::Loses(what) => format!("it would lose {what}"),
            Unwritten::Grows(percent) => format!("it would grow by {percent} %"),
            Unwritten::Failed(words) => return Err(SignError::Unencodable(words)),
        };
        Ok(Self::not(None, Some(why)))
    }
}

/// A file that was written anew.
pub(crate) struct MarkedFile {
    pub(crate) bytes: Vec<u8>,
    /// Its pixels, as a reader decodes them.
    pub(crate) pixels: Pixels,
    /// What the mark alone did.
    pub(crate) mark: Distortion,
    /// What mark and coding did together.
    pub(crate) distortion: Option<Distortion>,
}

impl Marker {
    /// A marker with the default settings.
    pub fn new(key: WatermarkKey) -> Self {
        Self {
            key,
            settings: EmbedSettings::default(),
            floor: None,
        }
    }

    /// Other settings.
    #[must_use]
    pub fn with_settings(mut self, settings: EmbedSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The key that reads the marks.
    pub fn key(&self) -> &WatermarkKey {
        &self.key
    }

    /// Holds this PSNR, dB, between the image and the file as it is written: mark and coding together. Without it the
    /// settings speak of the mark alone, and coding adds its own error.
    #[must_use]
    pub fn holding(mut self, psnr: f64) -> Self {
        self.floor = Some(psnr);
        self
    }

    /// Marks the pixels of a file. An image that cannot hide the mark stays as it was, and so does one whose mark
    /// cannot be read back from the file that was written.
    pub(crate) fn marked(
        &self,
        file: &Asset<'_>,
        pixels: &Pixels,
        id: ProofId,
    ) -> Result<Marked, SignError> {
        let Some(floor) = self.floor else {
            return self.attempt(file, pixels, id, &self.settings, None);
        };
        // Coding takes its share of what may change, so the mark gets less; how much less, the file says.
        const ATTEMPTS: usize = 4;
        let mut settings = self.settings;
        for _ in 0..ATTEMPTS {
            let marked = self.attempt(file, pixels, id, &settings, Some(Care::Utmost))?;
            let reached = marked.file.as_ref().and_then(|file| file.distortion);
            match (reached, marked.verdict) {
                (Some(reached), _) if f64::from(reached.psnr) < floor => {
                    let missing = floor - f64::from(reached.psnr) + SPARE;
                    settings.psnr_floor += missing;
                    settings.psnr_start = settings.psnr_start.max(settings.psnr_floor);
                    settings.psnr_ceiling = settings.psnr_ceiling.max(settings.psnr_floor);
                }
                (None, Some(Marking::Refused(Refusal::TooFlat | Refusal::NotFound)))
                    if settings.psnr_floor > EmbedSettings::default().psnr_floor =>
                {
                    break;
                }
                _ => return Ok(marked),
            }
        }
        let verdict = Marking::Refused(Refusal::TooFaint);
        Ok(Marked::not(Some(verdict), None))
    }

    /// One mark of one strength, in the smallest file that holds it, or one coded with this care.
    fn attempt(
        &self,
        file: &Asset<'_>,
        pixels: &Pixels,
        id: ProofId,
        settings: &EmbedSettings,
        care: Option<Care>,
    ) -> Result<Marked, SignError> {
        let encoder = file.encoder().ok_or_else(|| {
            SignError::Unencodable("no encoder was handed in with the file".to_owned())
        })?;
        if let Some(why) = encoder.refusal(&pixels.image) {
            return Ok(Marked::not(None, Some(why)));
        }
        let clock = file.clock();
        let start = clock();
        let desk = Desk {
            file,
            encoder,
            key: &self.key,
            id,
            cares: care
                .as_ref()
                .map_or_else(|| encoder.cares(), std::slice::from_ref),
            coding: Cell::new(0),
        };
        // Why the image cannot be written at all, which no other mark changes.
        let unwritten = RefCell::new(None);
        let probe = |image: &DynamicImage| {
            if unwritten.borrow().is_some() {
                return None;
            }
            desk.written(image, true).unwrap_or_else(|error| {
                *unwritten.borrow_mut() = Some(error);
                None
            })
        };
        let orientation = pixels.orientation;
        let (embedding, kept) =
            embed_tried(&pixels.image, orientation, id, &self.key, settings, &probe);
        let written = match (unwritten.into_inner(), kept, &embedding.image) {
            (Some(error), ..) => Err(error),
            (None, Some(kept), _) => Ok(Some(kept)),
            (None, None, Some(image)) => desk.written(image, false),
            (None, None, None) => Ok(None),
        };
        file.add_watermark_nanos(clock().saturating_sub(start + desk.coding.get()));
        let new = match written {
            Ok(Some(new)) => new,
            Ok(None) => {
                let verdict = match embedding.verdict {
                    refused @ Marking::Refused(_) => refused,
                    Marking::Carried | Marking::Fragile => Marking::Refused(Refusal::NotFound),
                };
                return Ok(Marked::not(Some(verdict), None));
            }
            Err(error) => return Marked::unwritten(error),
        };
        Ok(Marked {
            verdict: Some(embedding.verdict),
            why: None,
            file: Some(MarkedFile {
                mark: Distortion {
                    psnr: embedding.psnr as f32,
                    ssim: embedding.ssim as f32,
                },
                distortion: Distortion::between(&pixels.image, &new.pixels.image),
                bytes: new.bytes,
                pixels: new.pixels,
            }),
        })
    }
}

/// A file around marked pixels, and how a reader decodes it.
struct Written {
    bytes: Vec<u8>,
    pixels: Pixels,
}

/// Where marked images become files whose mark is read.
struct Desk<'a> {
    file: &'a Asset<'a>,
    encoder: &'a dyn Encoder,
    key: &'a WatermarkKey,
    id: ProofId,
    /// From the smallest file to the largest.
    cares: &'a [Care],
    /// Nanoseconds that codecs took.
    coding: Cell<u64>,
}

impl Desk<'_> {
    /// The smallest file whose mark is read: from the file itself, and with `is_hard` from what a JPEG file of quality 60 makes of
    /// it; `None` if it is read from none.
    ///
    /// # Errors
    /// If no file was written.
    fn written(&self, image: &DynamicImage, is_hard: bool) -> Result<Option<Written>, Unwritten> {
        let write = |care| {
            self.timed(|| {
                let bytes = self.encoder.rewritten(image, care)?;
                let pixels = self.file.decoded(&bytes).map_err(Unwritten::Failed)?;
                Ok(Written { bytes, pixels })
            })
        };
        Care::smallest(self.cares, write, |Written { pixels, .. }| {
            let is_read = |image: &DynamicImage| {
                detect(image, pixels.orientation, self.key, Effort::Direct).id == Some(self.id)
            };
            let is_read_after = |image: &DynamicImage| {
                let received = self.timed(|| self.encoder.through_jpeg_60(image));
                received.is_some_and(|received| is_read(&received))
            };
            is_read(&pixels.image) && (!is_hard || is_read_after(&pixels.image))
        })
    }

    fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        let clock = self.file.clock();
        let start = clock();
        let result = work();
        let took = clock().saturating_sub(start);
        self.coding.set(self.coding.get().saturating_add(took));
        result
    }
}
