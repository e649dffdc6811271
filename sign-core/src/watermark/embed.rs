//! Putting the mark in: two passes, each as strong as the image hides.

use std::borrow::Cow;
use std::fmt;

use image::DynamicImage;
use image::metadata::Orientation;

use super::apply::{Marked, marked};
use super::detect::direct;
use super::features::{Blocks, FLOOR, folded, weights};
use super::gate::deflection;
use super::key::WatermarkKey;
use super::masks;
use super::shape::{Cover, Plan, Shaper};
use super::{crc, polar};
use crate::pixels::canonical::LONG_SIDE;
use crate::pixels::canonical::{canonical_size, resized, size_for};
use crate::pixels::luma;
use crate::pixels::plane::Plane;
use crate::proof_id::ProofId;

/// Quantiser of the robustness score: what strong compression does to the canonical coefficients.
const ROBUSTNESS_STEP: f32 = 24.0;

/// Most times a mark is made weaker for the sake of structural similarity.
const MOST_SOFTENINGS: u32 = 4;

/// How far above the highest PSNR aimed at a mark must lie for its masks to be what holds it back, dB.
const PSNR_TO_SPARE: f64 = 0.5;

/// How strong a mark is made, and what it is called afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmbedSettings {
    /// Lowest PSNR that the second pass aims at, dB.
    pub psnr_floor: f64,
    /// PSNR of the first pass, dB.
    pub psnr_start: f64,
    /// Highest PSNR that the second pass aims at, dB.
    pub psnr_ceiling: f64,
    /// Lowest structural similarity of a mark; its PSNR goes as high as that takes.
    pub ssim_floor: f64,
    /// Robustness score that the second pass aims at within these limits.
    pub z_target: f64,
    /// Least robustness score of a mark that counts as carried; more, by their area, for images below 384 pixels.
    pub carried_z: f64,
    /// Least robustness score of a mark at all.
    pub fragile_z: f64,
}

impl Default for EmbedSettings {
    fn default() -> Self {
        Self {
            psnr_floor: 42.3,
            psnr_start: 43.0,
            psnr_ceiling: 45.0,
            ssim_floor: 0.985,
            z_target: 30.0,
            carried_z: 14.0,
            fragile_z: 8.0,
        }
    }
}

/// Why an image is left without a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Below 192 pixels on the long side or 96 on the short one.
    TooSmall,
    /// The short side is below a sixth of the long one: too few blocks.
    Panorama,
    /// Too little texture to hide a mark in (robustness score below the least).
    TooFlat,
    /// The detector did not find the mark in the result.
    NotFound,
    /// A mark as faint as was asked for cannot be read back.
    TooFaint,
    /// The image carries a mark of this key already.
    AlreadyMarked(ProofId),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall => f.write_str("image is smaller than 192 × 96 pixels"),
            Self::Panorama => f.write_str("image is more than six times as long as wide"),
            Self::TooFlat => f.write_str("image has too little texture to hide a mark"),
            Self::NotFound => f.write_str("mark cannot be read back from the image"),
            Self::TooFaint => f.write_str("mark cannot be read back where so little may change"),
            Self::AlreadyMarked(id) => write!(f, "image already carries the mark {id}"),
        }
    }
}

/// What became of an attempt to mark an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// The mark is there and will survive what the design promises.
    Carried,
    /// The mark is there and will survive some of it.
    Fragile,
    /// The image stays as it was.
    Refused(Refusal),
}

/// A marked image and how good it is. Its `Debug` leaves the pixels out.
#[derive(Clone)]
pub struct Embedding {
    /// The marked image, of the type of the original and as coded; `None` where refused.
    pub image: Option<DynamicImage>,
    /// What became of it.
    pub verdict: Marking,
    /// Peak signal to noise ratio over the colour samples, dB; infinite where nothing changed.
    pub psnr: f64,
    /// Mean structural similarity of luma (8×8 windows every 4 pixels); 1 where nothing changed.
    pub ssim: f64,
    /// Robustness score: the deflection of the coded bits after a coarse quantiser. About 13 is needed.
    pub z_q: f64,
    /// The same without the quantiser.
    pub z_c: f64,
}

impl Embedding {
    fn refused(reason: Refusal) -> Self {
        Self {
            image: None,
            verdict: Marking::Refused(reason),
            psnr: f64::INFINITY,
            ssim: 1.0,
            z_q: 0.0,
            z_c: 0.0,
        }
    }
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedding")
            .field("verdict", &self.verdict)
            .field("psnr", &self.psnr)
            .field("ssim", &self.ssim)
            .field("z_q", &self.z_q)
            .field("z_c", &self.z_c)
            .finish_non_exhaustive()
    }
}

/// Tries a marked image and gives what is to be kept of it; `None` where its mark did not stand what it was put through.
pub type Probe<'a, T> = &'a dyn Fn(&DynamicImage) -> Option<T>;

/// Marks coded pixels, which `orientation` turns for display, with an id.
///
/// The pixel type stays, 16 bits and alpha included; transparent pixels stay as they are; a palette or CMYK
/// image comes in as the RGB it was decoded to. What counts as carried is by its score alone; see [`embed_tried`].
pub fn embed(
    image: &DynamicImage,
    orientation: Orientation,
    id: ProofId,
    key: &WatermarkKey,
    settings: &EmbedSettings,
) -> Embedding {
    chosen::<()>(image, orientation, id, key, settings, None).embedding
}

/// As [`embed`], with `probe` for what a mark must stand to count as carried: it should at least read the id from what a JPEG file
/// of quality 60 with 4:2:0 chroma makes of the image. Gives what `probe` kept of the very image that is returned, where that
/// is carried.
pub fn embed_tried<T>(
    image: &DynamicImage,
    orientation: Orientation,
    id: ProofId,
    key: &WatermarkKey,
    settings: &EmbedSettings,
    probe: Probe<'_, T>,
) -> (Embedding, Option<T>) {
    let Tried { embedding, kept } = chosen(image, orientation, id, key, settings, Some(probe));
    (embedding, kept)
}

/// An image with its mark, and what a probe kept of it.
struct Tried<T> {
    embedding: Embedding,
    kept: Option<T>,
}

impl<T> Tried<T> {
    fn refused(reason: Refusal) -> Self {
        Self {
            embedding: Embedding::refused(reason),
            kept: None,
        }
    }
}

/// The better of two covers.
fn chosen<T>(
    image: &DynamicImage,
    orientation: Orientation,
    id: ProofId,
    key: &WatermarkKey,
    settings: &EmbedSettings,
    probe: Option<Probe<'_, T>>,
) -> Tried<T> {
    let native = (image.width() as usize, image.height() as usize);
    let canonical = canonical_size(native);
    if native.0.max(native.1) < 192 || native.0.min(native.1) < 96 {
        return Tried::refused(Refusal::TooSmall);
    }
    if canonical.0.min(canonical.1) < 64 {
        return Tried::refused(Refusal::Panorama);
    }
    let host = Host::of(image, orientation);
    let bits = polar::encoded(crc::protected(id.value()));
    if let Some(id) = direct(key, &folded(&host.canonical, FLOOR)).id {
        return Tried::refused(Refusal::AlreadyMarked(id));
    }
    let embedded = |cover: Cover| host.embedded(cover, (id, &bits), key, settings, probe);
    let wide = embedded(Cover::WIDE);
    // Where the masks and not the eye set the limit, or the mark would be lost, it goes closer to the edges.
    let enough = {
        let wide = &wide.embedding;
        wide.verdict == Marking::Carried && wide.psnr <= settings.psnr_ceiling + PSNR_TO_SPARE
    };
    if enough {
        return wide;
    }
    let close = embedded(Cover::CLOSE);
    let rank = |tried: &Tried<T>| {
        let rank = match tried.embedding.verdict {
            Marking::Carried => 2,
            Marking::Fragile => 1,
            Marking::Refused(_) => 0,
        };
        (rank, tried.embedding.z_q)
    };
    let better = rank(&close) > rank(&wide);
    if better { close } else { wide }
}

/// An image to be marked, and what is derived from it once.
struct Host<'a> {
    image: Cow<'a, DynamicImage>,
    orientation: Orientation,
    canonical: Plane,
    /// Luma at twice the canonical size, or as it is where it is smaller.
    fine: Plane,
    fine_mask: Option<Plane>,
    opacity: Option<Plane>,
}

/// What a first mark teaches the second.
struct FirstPass {
    /// Energy of the residual on the fine grid for each of the canonical one.
    ratio: f64,
    /// Its strength.
    level: f32,
    /// How well it can be read.
    scores: Scores,
}

/// The strongest mark, as `at` makes one of a PSNR in dB, that keeps the least similarity; begun with this PSNR.
fn softened(at: impl Fn(f64) -> Marked, mut psnr: f64, settings: &EmbedSettings) -> Marked {
    let mut result = at(psnr);
    for _ in 0..MOST_SOFTENINGS {
        if result.ssim >= settings.ssim_floor {
            break;
        }
        // What is missing from full similarity goes with the energy of the residual; a little is for its share
        // that does not.
        let missing = (1.0 - result.ssim) / (1.0 - settings.ssim_floor).max(1e-6);
        psnr = psnr.max(result.psnr) + 10.0 * missing.log10() + 0.1;
        result = at(psnr);
    }
    result
}

/// Mean square error of a PSNR, dB.
fn energy(psnr: f64) -> f64 {
    255.0 * 255.0 / 10_f64.powf(psnr / 10.0)
}

impl<'a> Host<'a> {
    fn of(image: &'a DynamicImage, orientation: Orientation) -> Self {
        let native = (image.width() as usize, image.height() as usize);
        let image = luma::known(image);
        let fine_size = if native.0.max(native.1) > 2 * LONG_SIDE {
            size_for(native, 2 * LONG_SIDE)
        } else {
            native
        };
        let [canonical, fine] = luma::reduced(&image, [canonical_size(native), fine_size])
            .map(|plane| plane.displayed(orientation));
        Self {
            opacity: super::apply::opacity(&image, fine_size)
                .map(|plane| plane.displayed(orientation)),
            fine_mask: (native.0.max(native.1) * 10 >= LONG_SIDE * 13).then(|| masks::fine(&fine)),
            image,
            orientation,
            canonical,
            fine,
        }
    }

    /// A residual of the canonical grid on the fine one, as it will be added.
    fn on_fine_grid(&self, residual: &Plane) -> Plane {
        let upsampled = resized(residual, (self.fine.width, self.fine.height));
        let masked = match &self.fine_mask {
            Some(mask) => upsampled.combined(mask, |residual, mask| residual * mask),
            None => upsampled,
        };
        match &self.opacity {
            Some(opacity) => masked.combined(opacity, |residual, opacity| residual * opacity),
            None => masked,
        }
    }

    /// A mark of the starting strength on the fine grid, where it costs little.
    fn first_pass(&self, shaper: &Shaper<'_>, settings: &EmbedSettings) -> FirstPass {
        let first = Plan::default();
        let ratio = {
            let once = shaper.chips(1.0, &first);
            self.on_fine_grid(&shaper.residual(&once.chips))
                .mean_square()
                / once.mean_square.max(1e-12)
        };
        let level = shaper.level(energy(settings.psnr_start) / ratio.max(1e-12), &first);
        let once = shaper.chips(level, &first);
        let residual = self.on_fine_grid(&shaper.residual(&once.chips));
        let ratio = residual.mean_square() / once.mean_square.max(1e-12);
        let shown = match &self.opacity {
            // What shows of a residual behind alpha, over white.
            Some(opacity) => residual.combined(opacity, |residual, opacity| residual * opacity),
            None => residual,
        };
        let tried = self
            .fine
            .combined(&shown, |luma, residual| (luma + residual).clamp(0.0, 255.0));
        let size = (self.canonical.width, self.canonical.height);
        FirstPass {
            ratio,
            level,
            scores: shaper.scores(&Blocks::of(&resized(&tried, size))),
        }
    }

    /// The image with its mark under one cover.
    fn embedded<T>(
        &self,
        cover: Cover,
        (id, bits): (ProofId, &[f32]),
        key: &WatermarkKey,
        settings: &EmbedSettings,
        probe: Option<Probe<'_, T>>,
    ) -> Tried<T> {
        let shaper = Shaper::new(&self.canonical, cover, key, bits);
        let native = (self.image.width() as usize, self.image.height() as usize);
        let FirstPass {
            ratio,
            level,
            scores: Scores {
                clean, coarse, z_q, ..
            },
        } = self.first_pass(&shaper, settings);

        // Second pass: more where lossy coding would leave a bit weak, and as invisible as the score allows.
        let second = Plan::corrected(&clean, &coarse, shaper.reference() * level, z_q);
        let psnr = settings.psnr_start + 20.0 * (z_q.max(1e-3) / settings.z_target).log10();
        let psnr = psnr.min(settings.psnr_ceiling).max(settings.psnr_floor);
        let at = |psnr: f64| {
            let level = shaper.level(energy(psnr) / ratio.max(1e-12), &second);
            let residual = self.on_fine_grid(&shaper.residual(&shaper.chips(level, &second).chips));
            marked(
                &self.image,
                &residual.coded(self.orientation),
                canonical_size(native),
            )
        };
        let result = softened(at, psnr, settings);
        let Marked {
            image: result,
            luma: canonical,
            psnr,
            ssim,
        } = result;
        let canonical = canonical.displayed(self.orientation);
        let blocks = Blocks::of(&canonical);
        let scores = shaper.scores(&blocks);

        let is_read = {
            let folded = blocks.folded(&blocks.scales(FLOOR), &weights(&canonical));
            direct(key, &folded).id == Some(id)
        };
        // The score is measured on the canonical grid, which a smaller image does not fill: its coder spends bits
        // on fewer pixels. By area, images of 300 pixels that lose lossy coders count as fragile.
        let enlarged = LONG_SIDE as f64 / native.0.max(native.1) as f64;
        let carried_z = settings.carried_z * enlarged.max(1.0).powi(2);
        let mut kept = None;
        let verdict = if scores.z_q < settings.fragile_z {
            Marking::Refused(Refusal::TooFlat)
        } else if !is_read {
            Marking::Refused(Refusal::NotFound)
        } else if scores.z_q < carried_z {
            Marking::Fragile
        } else {
            kept = probe.and_then(|probe| probe(&result));
            match kept {
                None if probe.is_some() => Marking::Fragile,
                _ => Marking::Carried,
            }
        };
        let refused = matches!(verdict, Marking::Refused(_));
        let embedding = Embedding {
            image: (!refused).then_some(result),
            verdict,
            psnr,
            ssim,
            z_q: scores.z_q,
            z_c: scores.z_c,
        };
        Tried { embedding, kept }
    }
}

/// Correlations of the coded bits with a marked image.
pub(super) struct Scores {
    /// With the host's scales, bit by bit.
    pub(super) clean: Vec<f32>,
    /// After the quantiser and with its own scales.
    pub(super) coarse: Vec<f32>,
    pub(super) z_q: f64,
    pub(super) z_c: f64,
}

impl Shaper<'_> {
    /// How a marked image would be read, clean and after the quantiser.
    fn scores(&self, marked: &Blocks) -> Scores {
        let weights = self.weights();
        let quantised = marked.quantised(ROBUSTNESS_STEP);
        let coarse = self.correlations(&quantised.folded(&quantised.scales(FLOOR), weights));
        let clean = self.correlations(&marked.folded(self.scales(), weights));
        let own = self.correlations(&marked.folded(&marked.scales(FLOOR), weights));
        Scores {
            z_q: deflection(&coarse),
            z_c: deflection(&own),
            clean,
            coarse,
        }
    }
}
