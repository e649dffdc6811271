//! Marking an image before it is signed.

use std::cell::Cell;

use crate::asset::{Asset, Care, Pixels, Unwritten};
use crate::distortion::Distortion;
use crate::proof_id::ProofId;
use crate::signed::SignError;
use crate::watermark::{Effort, EmbedSettings, Marking, Refusal, WatermarkKey, detect, embed};

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
            return self.attempt(file, pixels, id, &self.settings, Care::Usual);
        };
        // Coding takes its share of what may change, so the mark gets less; how much less, the file says.
        const ATTEMPTS: usize = 4;
        let mut settings = self.settings;
        for _ in 0..ATTEMPTS {
            let marked = self.attempt(file, pixels, id, &settings, Care::Utmost)?;
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
        Ok(Marked {
            verdict: Some(Marking::Refused(Refusal::TooFaint)),
            why: None,
            file: None,
        })
    }

    /// One mark of one strength.
    fn attempt(
        &self,
        file: &Asset<'_>,
        pixels: &Pixels,
        id: ProofId,
        settings: &EmbedSettings,
        care: Care,
    ) -> Result<Marked, SignError> {
        let encoder = file.encoder().ok_or_else(|| {
            SignError::Unencodable("no encoder was handed in with the file".to_owned())
        })?;
        let stays = |verdict, why| Marked {
            verdict,
            why,
            file: None,
        };
        if let Some(why) = encoder.refusal(&pixels.image) {
            return Ok(stays(None, Some(why)));
        }
        let clock = file.clock();
        let start = clock();
        let probing = Cell::new(0);
        let probe = |pixels: &_| {
            let start = clock();
            let received = encoder.through_jpeg_60(pixels);
            probing.set(probing.get() + clock().saturating_sub(start));
            received
        };
        let embedding = embed(
            &pixels.image,
            pixels.orientation,
            id,
            &self.key,
            settings,
            Some(&probe),
        );
        file.add_watermark_nanos(clock().saturating_sub(start + probing.get()));
        let Some(image) = embedding.image else {
            return Ok(stays(Some(embedding.verdict), None));
        };
        let bytes = match encoder.rewritten(&image, care) {
            Ok(bytes) => bytes,
            Err(Unwritten::Loses(what)) => {
                return Ok(stays(None, Some(format!("it would lose {what}"))));
            }
            Err(Unwritten::Grows(percent)) => {
                return Ok(stays(None, Some(format!("it would grow by {percent} %"))));
            }
            Err(Unwritten::Failed(words)) => return Err(SignError::Unencodable(words)),
        };
        let received = file.decoded(&bytes).map_err(SignError::Undecodable)?;
        let start = clock();
        let orientation = received.orientation;
        let found = detect(&received.image, orientation, &self.key, Effort::Direct);
        file.add_watermark_nanos(clock().saturating_sub(start));
        if found.id != Some(id) {
            return Ok(stays(Some(Marking::Refused(Refusal::NotFound)), None));
        }
        Ok(Marked {
            verdict: Some(embedding.verdict),
            why: None,
            file: Some(MarkedFile {
                mark: Distortion {
                    psnr: embedding.psnr as f32,
                    ssim: embedding.ssim as f32,
                },
                distortion: Distortion::between(&pixels.image, &received.image),
                bytes,
                pixels: received,
            }),
        })
    }
}
