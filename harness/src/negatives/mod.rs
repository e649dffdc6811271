//! Files in which no proof of ours may be found: other people's images, and images made to deceive.
//!
//! They go through the same pipelines as signed images. Attackers are given more than they would have: the exact
//! residual of a watermark, certificates in our name, the bytes of our manifests.

pub mod collision;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result};
use credlink_image_files::metadata::{self, Kind, Metadata};
use credlink_image_files::{Frame, ImageFile};
use credlink_sign_core::fingerprint::ContentHash;
use credlink_sign_core::keys::Identity;
use credlink_sign_core::{Asset, Marker, ProofId, Resigner, Signer};
use credlink_transforms::recipe::steps::resize::{Filter, resized};
use credlink_trial_record::Trial;
use image::{DynamicImage, Rgb32FImage, RgbImage};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::plan::{Negative, PlannedImage};
use crate::reencode::Rewriter;
use crate::signed_file::{SignedFile, SignedImages};
use crate::stages::setting::Setting;
use crate::{identity, received};

/// Files of held-out images that are kept in memory.
const HELD_SOURCES: usize = 64;

/// Images whose residuals are averaged: what they have in common is what the key puts into all of them.
const AVERAGED: usize = 16;
/// How far what is far off, and what is near, is shifted in a neighbouring view, as a share of each side.
const FAR: f64 = 0.02;
const NEAR: f64 = 0.06;
/// How much brighter it is.
const GAIN: f32 = 1.03;

/// Why a negative file could not be made.
#[derive(Clone, Debug)]
pub(crate) enum Unmade {
    /// It cannot be made of this image, which says nothing about whoever verifies.
    NotPossible(String),
    /// The image that it is made of cannot be read: an error of its ops, as it is of those of a signed image.
    NoSource(String),
    /// A signed file is not what it was: an error of the run.
    Disk(String),
}

impl From<String> for Unmade {
    fn from(reason: String) -> Self {
        Self::NotPossible(reason)
    }
}

impl From<&str> for Unmade {
    fn from(reason: &str) -> Self {
        Self::NotPossible(reason.to_owned())
    }
}

/// Whoever makes negative files in a run.
#[derive(Debug)]
pub(crate) struct Forger {
    /// Somebody else, with keys of their own and links into a store of their own under our address.
    stranger: Signer,
    /// Somebody who calls themselves what we are called.
    look_alike: Signer,
    /// A service of somebody else's, which signs what it is given and names what it likes as the parent.
    service: Resigner,
}

/// The signed images of a run, which forgers take from.
pub(crate) struct Donors<'a> {
    images: &'a [PlannedImage],
    signed: &'a SignedImages,
    residuals: OnceLock<Result<Vec<Residual>, Unmade>>,
    /// Files of the images that deceptions are made of: every kind is tried on the same ones.
    sources: Mutex<HashMap<usize, Arc<Vec<u8>>>>,
}

impl<'a> Donors<'a> {
    /// Of these images, and what became of each of them.
    pub(crate) fn new(images: &'a [PlannedImage], signed: &'a SignedImages) -> Self {
        Self {
            images,
            signed,
            residuals: OnceLock::new(),
            sources: Mutex::new(HashMap::new()),
        }
    }
}

/// A signed image that a forger takes from.
struct Donor<'a> {
    image: &'a PlannedImage,
    signed: SignedFile,
}

impl Donors<'_> {
    /// The signed image that negative number `number` takes from: of the same format, so that metadata fit, if
    /// possible of the same class, and of another source.
    fn donor(
        &self,
        target: &PlannedImage,
        number: usize,
        marked: bool,
    ) -> Result<Donor<'_>, Unmade> {
        let fits = |at: &usize| {
            let image = &self.images[*at].entry;
            image.source != target.entry.source && image.format == target.entry.format
        };
        let usable = self.signed.positions(marked).into_iter();
        let usable: Vec<usize> = usable.filter(fits).collect();
        let of_class = |same: bool| -> Vec<usize> {
            let all = usable.iter().copied();
            all.filter(|&at| !same || self.images[at].entry.class == target.entry.class)
                .collect()
        };
        let mut candidates = of_class(true);
        if candidates.is_empty() {
            candidates = of_class(false);
        }
        let chosen = (!candidates.is_empty()).then(|| candidates[number % candidates.len()]);
        let donor = chosen.map(|at| self.of(at)).transpose()?;
        donor.ok_or_else(|| {
            let format = target.entry.format.as_str();
            let mark = if marked { " with a watermark" } else { "" };
            format!("no signed {format} image{mark} to take a proof from").into()
        })
    }

    /// A signed image, by its place in the plan.
    fn of(&self, at: usize) -> Result<Donor<'_>, Unmade> {
        let signed = self.signed.get(at);
        let signed = signed.map_err(|error| Unmade::Disk(format!("{error:#}")))?;
        let signed = signed.and_then(Result::ok);
        Ok(Donor {
            image: &self.images[at],
            signed: signed.ok_or("the donor has no signed file")?,
        })
    }

    /// The file of a held-out image, made once for all kinds of deception.
    fn source(&self, index: usize, setting: &Setting<'_>) -> Result<Vec<u8>, Unmade> {
        let lock = || self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = lock().get(&index) {
            return Ok(held.to_vec());
        }
        let bytes = loaded(index, setting)?;
        let mut held = lock();
        // As many as the plan takes; a larger plan makes the others anew.
        if held.len() < HELD_SOURCES {
            held.insert(index, Arc::new(bytes.clone()));
        }
        Ok(bytes)
    }

    /// What signing changed in the first [`AVERAGED`] watermarked images, made once for all targets: their sources are held
    /// out, so that none of them is among the signed ones.
    fn residuals(&self, setting: &Setting<'_>) -> Result<&[Residual], Unmade> {
        let made = self.residuals.get_or_init(|| {
            let marked = self.signed.positions(true).into_iter();
            let made = marked
                .take(AVERAGED)
                .map(|at| Residual::of(&self.of(at)?, setting));
            made.collect()
        });
        made.as_deref().map_err(Clone::clone)
    }
}

/// What marking and coding changed in a picture, in steps of eight bits, three to a pixel.
struct Residual {
    size: (u32, u32),
    samples: Vec<i8>,
}

impl Residual {
    fn of(donor: &Donor<'_>, setting: &Setting<'_>) -> Result<Self, Unmade> {
        let source = loaded(donor.image.entry.index, setting)?;
        let before = frame(source)?.pixels.to_rgb32f();
        let after = frame(donated(donor)?)?.pixels.to_rgb32f();
        if before.dimensions() != after.dimensions() {
            return Err("signing changed the size of the donor".into());
        }
        let differences = after.iter().zip(before.iter());
        Ok(Self {
            size: before.dimensions(),
            samples: differences
                .map(|(after, before)| ((after - before) * f32::from(u8::MAX)).round() as i8)
                .collect(),
        })
    }

    /// Stretched to a size.
    fn stretched(&self, (width, height): (u32, u32)) -> Result<Rgb32FImage, String> {
        let samples = self
            .samples
            .iter()
            .map(|sample| f32::from(*sample) / f32::from(u8::MAX));
        let whole = Rgb32FImage::from_raw(self.size.0, self.size.1, samples.collect())
            .ok_or("a residual of another size")?;
        resized(&whole.into(), width, height, Filter::Bicubic).map(DynamicImage::into_rgb32f)
    }
}

/// The beginning of the name of a negative file in a run directory; the extension of its format follows.
#[must_use]
pub(crate) fn stem(trial: Trial, image: u32) -> String {
    format!("{}-{image:07}.", trial.as_str())
}

/// Keeps a file that was made to deceive, so that its ops can run again. Unsigned images are the image set's own.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn keep(folder: &Path, negative: &Negative, bytes: &[u8]) -> Result<()> {
    if negative.trial == Trial::Unsigned {
        return Ok(());
    }
    let image = u32::try_from(negative.image.entry.index).unwrap_or(u32::MAX);
    let extension = negative.image.entry.format.extension();
    let path = folder.join(stem(negative.trial, image) + extension);
    std::fs::write(&path, bytes).with_context(|| format!("failed to write {}", path.display()))
}

impl Forger {
    /// The forgers of a run, whose own signer is called `name`. Their keys follow from the seed.
    ///
    /// # Errors
    /// When no identity can be made of the name.
    pub(crate) fn new(seed: u64, name: &str) -> Result<Self> {
        let identity = |purpose: &str, name: &str| -> Result<Identity> {
            let seed = Sha256::new()
                .chain_update(purpose)
                .chain_update(seed.to_le_bytes());
            let seed = Zeroizing::new(<[u8; 32]>::from(seed.finalize()));
            Ok(Identity::generate(seed, name, identity::validity()?)?)
        };
        let secret = identity::watermark_of_run(None, seed ^ u64::MAX)?;
        Ok(Self {
            stranger: Signer::new(identity("credlink stranger", "Stranger")?)?
                .with_marker(Marker::new(secret.key()?)),
            look_alike: Signer::new(identity("credlink look-alike", name)?)?,
            service: Resigner::new(identity("credlink strange service", "Strange service")?)?,
        })
    }

    /// The bytes of one negative file.
    ///
    /// # Errors
    /// [`Unmade`], why it could not be made.
    pub(crate) fn file(
        &self,
        trial: Trial,
        target: &PlannedImage,
        number: usize,
        donors: &Donors<'_>,
        setting: &Setting<'_>,
    ) -> Result<Vec<u8>, Unmade> {
        let index = target.entry.index;
        let source = match trial {
            // These come once.
            Trial::Unsigned | Trial::NearDuplicate | Trial::Signed => loaded(index, setting)?,
            _ => donors.source(index, setting)?,
        };
        match trial {
            Trial::Unsigned => Ok(source),
            Trial::ForeignKey => {
                // An id that our store does not hold: the complement of the one that this image would have had.
                let own = identity::proof_id(setting.seed, target.entry.index, &source);
                Ok(signed(&self.stranger, &source, ProofId::new(!own.value()))?)
            }
            Trial::LookAlike => {
                let donor = donors.donor(target, number, false)?;
                Ok(signed(&self.look_alike, &source, donor.signed.id)?)
            }
            Trial::Transplant => {
                let donor = donors.donor(target, number, false)?;
                transplanted(&donor, source, |_| Ok(()))
            }
            Trial::EditedClaim => {
                let donor = donors.donor(target, number, false)?;
                let other = donors.donor(target, number + 1, false)?;
                transplanted(&donor, source, |proof| {
                    edited(proof, donor.signed.id, other.signed.id)
                })
            }
            Trial::WatermarkCopy => {
                let donor = donors.donor(target, number, true)?;
                with_copied_mark(&donor, &source, setting)
            }
            Trial::WatermarkAverage => Ok(with_average_mark(donors.residuals(setting)?, &source)?),
            Trial::Replay => {
                let donor = donors.donor(target, number, true)?;
                let marked = with_copied_mark(&donor, &source, setting)?;
                transplanted(&donor, marked, |_| Ok(()))
            }
            Trial::Collision => collision(&donors.donor(target, number, false)?, &source),
            Trial::ResignedTransplant => {
                let donor = donors.donor(target, number, false)?;
                let collision = collision(&donor, &source)?;
                self.resigned(&donor, collision)
            }
            Trial::NearDuplicate => Ok(neighbouring(&source)?),
            Trial::Signed => Err("a signed image is no negative".into()),
        }
    }
}

impl Forger {
    /// A picture with the donor's link, signed by a stranger's service that names the donor's file as its parent: all that
    /// ties the two together is the forger's word.
    fn resigned(&self, donor: &Donor<'_>, picture: Vec<u8>) -> Result<Vec<u8>, Unmade> {
        let format = donor.image.entry.format;
        let original = donated(donor)?;
        let linked = Metadata {
            xmp: metadata::read(format, &original).xmp,
            ..metadata::read(format, &picture)
        };
        let picture = metadata::written(format, picture, &linked).map_err(|e| e.to_string())?;
        let resigned = self.service.resigned(&original, &picture, &["c2pa.edited"]);
        resigned.map_err(|error| format!("{:#}", anyhow::Error::from(error)).into())
    }
}

/// Another picture, changed until its fingerprint is the donor's.
fn collision(donor: &Donor<'_>, source: &[u8]) -> Result<Vec<u8>, Unmade> {
    let registered = frame(donated(donor)?)?;
    let target = ContentHash::of(&registered.pixels, registered.orientation).fingerprint();
    let changed = collision::crafted(&frame(source.to_vec())?.pixels, &target)?;
    Ok(Rewriter::recoded(
        source,
        &DynamicImage::ImageRgb8(changed),
    )?)
}

fn signed(signer: &Signer, source: &[u8], id: ProofId) -> Result<Vec<u8>, String> {
    let rewriter = Rewriter::of(source);
    let file = Asset::new(source, &received::decode_bytes).with_encoder(&rewriter);
    let signed = signer.sign(&file, id).map_err(|error| error.to_string())?;
    Ok(signed.bytes)
}

fn donated(donor: &Donor<'_>) -> Result<Vec<u8>, Unmade> {
    donor.signed.read().map_err(Unmade::Disk)
}

/// The file of an image of the set.
fn loaded(index: usize, setting: &Setting<'_>) -> Result<Vec<u8>, Unmade> {
    let loaded = setting.set.load(index);
    let loaded = loaded.map_err(|error| Unmade::NoSource(error.to_string()))?;
    Ok(loaded.bytes)
}

/// The donor's link and manifest on another file, after `change` had its way with them.
fn transplanted(
    donor: &Donor<'_>,
    target: Vec<u8>,
    change: impl FnOnce(&mut Metadata) -> Result<(), String>,
) -> Result<Vec<u8>, Unmade> {
    let format = donor.image.entry.format;
    let mut proof = metadata::read(format, &donated(donor)?);
    change(&mut proof)?;
    let both = Metadata {
        xmp: proof.xmp,
        c2pa: proof.c2pa,
        ..metadata::read(format, &target)
    };
    let file = metadata::written(format, target, &both).map_err(|error| error.to_string())?;
    let there = metadata::read(format, &file);
    // Whatever the donor has: a system without links has no XMP to move.
    let moved = [Kind::C2pa, Kind::Xmp].map(|kind| both.has(kind) == there.has(kind));
    if both.has(Kind::C2pa) && moved == [true, true] {
        Ok(file)
    } else {
        let format = format.as_str();
        Err(format!("manifest and link cannot be put into this {format} file").into())
    }
}

/// Every mention of one id replaced by another: what a forger does who wants a manifest to say something else.
fn edited(proof: &mut Metadata, from: ProofId, to: ProofId) -> Result<(), String> {
    let (from, to) = (from.to_string(), to.to_string());
    let mut count = 0;
    let mut edit = |part: &[u8]| -> Vec<u8> {
        let mut part = part.to_vec();
        let mentions: Vec<usize> = part
            .windows(from.len())
            .enumerate()
            .filter(|(_, window)| *window == from.as_bytes())
            .map(|(at, _)| at)
            .collect();
        for &at in &mentions {
            part[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        count += mentions.len();
        part
    };
    proof.xmp = proof.xmp.as_ref().map(|packet| edit(packet).into());
    if let Some(store) = &mut proof.c2pa {
        *store = store.edited(&mut edit);
    }
    // Once in the link, once in the manifest.
    if count < 2 {
        return Err("manifest and link do not hold the id as text".to_owned());
    }
    Ok(())
}

fn frame(bytes: Vec<u8>) -> Result<Frame, String> {
    let file = ImageFile::new(bytes).map_err(|error| error.to_string())?;
    let frame = file.frame().cloned();
    frame.map_err(|error| error.to_string())
}

/// A file with this added to its pixels.
fn added(own: &Frame, residual: &Rgb32FImage, file: &[u8]) -> Result<Vec<u8>, String> {
    let mut pixels = own.pixels.to_rgb8();
    for (pixel, residual) in pixels.iter_mut().zip(residual.iter()) {
        *pixel = (f32::from(*pixel) + 255.0 * residual)
            .round()
            .clamp(0.0, 255.0) as u8;
    }
    Rewriter::recoded(file, &DynamicImage::ImageRgb8(pixels))
}

/// The mark of one donor on another file.
fn with_copied_mark(
    donor: &Donor<'_>,
    target: &[u8],
    setting: &Setting<'_>,
) -> Result<Vec<u8>, Unmade> {
    let own = frame(target.to_vec())?;
    let size = (own.pixels.width(), own.pixels.height());
    let residual = Residual::of(donor, setting)?.stretched(size)?;
    Ok(added(&own, &residual, target)?)
}

/// The average mark of many donors on another file, made as strong as a single one.
fn with_average_mark(residuals: &[Residual], target: &[u8]) -> Result<Vec<u8>, String> {
    if residuals.len() < 2 {
        return Err("fewer than two images with a watermark to average".to_owned());
    }
    let own = frame(target.to_vec())?;
    let (width, height) = (own.pixels.width(), own.pixels.height());
    let energy = |image: &Rgb32FImage| image.iter().map(|v| f64::from(v * v)).sum::<f64>();
    let mut sum = Rgb32FImage::new(width, height);
    let mut strongest: f64 = 0.0;
    for residual in residuals {
        let one = residual.stretched((width, height))?;
        strongest = strongest.max(energy(&one));
        for (sum, value) in sum.iter_mut().zip(one.iter()) {
            *sum += value;
        }
    }
    let gain = (strongest / energy(&sum).max(f64::MIN_POSITIVE)).sqrt() as f32;
    for value in sum.iter_mut() {
        *value *= gain;
    }
    added(&own, &sum, target)
}

/// The same scene from beside: what is far is shifted by [`FAR`] of each side and what is near by [`NEAR`], a little brighter, coded
/// anew. Were both shifted alike, it would be a part of the signed picture itself.
fn neighbouring(source: &[u8]) -> Result<Vec<u8>, String> {
    let own = frame(source.to_vec())?;
    let (width, height) = (own.pixels.width(), own.pixels.height());
    let part = |side: u32, share: f64| (f64::from(side) * share).round() as u32;
    let (across, down) = (width - part(width, NEAR), height - part(height, NEAR));
    let pixels = own.pixels.to_rgb8();
    let view = RgbImage::from_fn(across.max(1), down.max(1), |x, y| {
        // An ellipse in the lower middle: somebody in front of a wall.
        let u = (f64::from(x) / f64::from(across) - 0.5) / 0.3;
        let v = (f64::from(y) / f64::from(down) - 0.65) / 0.35;
        let shift = if u * u + v * v < 1.0 { NEAR } else { FAR };
        let at = |at: u32, side: u32| (at + part(side, shift)).min(side - 1);
        *pixels.get_pixel(at(x, width), at(y, height))
    });
    let view = DynamicImage::ImageRgb8(view);
    let mut view = resized(&view, width, height, Filter::Bicubic)?.to_rgb8();
    for value in view.iter_mut() {
        *value = (f32::from(*value) * GAIN).round().min(255.0) as u8;
    }
    Rewriter::recoded(source, &DynamicImage::ImageRgb8(view))
}
