//! Finding a mark: directly, then by cheap hypotheses, then by search.

use image::DynamicImage;
use image::metadata::Orientation;

use super::features::{Blocks, FLOOR, folded, weighted};
use super::gate::{CAP, gate, strength};
use super::geometry::Geometry;
use super::key::WatermarkKey;
use super::layout::{BLOCK, SLOTS};
use super::trim::trimmed;
use super::{crc, masks, polar, search};
use crate::pixels::affine::Affine;
use crate::pixels::canonical::{canonical_size, resized};
use crate::pixels::luma;
use crate::pixels::plane::Plane;
use crate::proof_id::ProofId;

/// Paths of the list decoder in stage 0, and later.
const LIST: usize = 16;
const LONG_LIST: usize = 32;
/// Hypotheses of stage 1 that are decoded.
const DECODED: usize = 6;
/// Pilot score below which a hypothesis of stage 1 is not decoded: without a mark it is about standard normal.
const LEAST_PILOTS: f32 = 2.0;
/// Floor of the scale estimate that suits blurred images.
const LOW_FLOOR: f32 = 1.0;

/// What a word must clear the gate by if another path of its list was likelier, nats. On a weak mark, a path next
/// to the lost right one has a right checksum by chance once in 4096; it is seldom the first.
const UNLIKELY: f64 = 12.0;

/// How far the detector goes when it has not found a mark yet. Each goes through those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Stage 0: the image as it is. Covers resizing, recompression, filters, noise.
    Direct,
    /// Stage 1: turns, mirrors, changed aspect, uniform borders.
    Cheap,
    /// Stage 2: crops and bars.
    Search,
    /// Stage 2 with rotations up to ±2.4°.
    SearchRotated,
}

/// What the detector found.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The id, if its exponent reached the gate.
    pub id: Option<ProofId>,
    /// The id of the word that the exponent is of, whether or not it reached the gate.
    pub word: Option<ProofId>,
    /// The stage that found it, or the last that was tried: 0 to 2.
    pub stage: u8,
    /// The hypothesis about the image with the largest exponent, for people.
    pub hypothesis: String,
    /// Largest Chernoff exponent of a word with a right checksum, nats; 0 if there was none.
    pub exponent: f64,
    /// What the exponent had to reach.
    pub gate: f64,
    /// Deflection of the coded bits towards that word; 0 if there was none.
    pub z: f64,
    /// Feature vectors that were decoded.
    pub decodes: u32,
    /// How the image lies on the grid of the mark that was read, where it was searched for.
    pub geometry: Option<Geometry>,
}

impl Detection {
    fn nothing(stage: u8) -> Self {
        Self {
            id: None,
            word: None,
            stage,
            hypothesis: "none".to_owned(),
            exponent: 0.0,
            gate: gate(stage),
            z: 0.0,
            decodes: 0,
            geometry: None,
        }
    }
}

/// Decodes folded features and lets the gate judge.
pub(super) fn decided(
    key: &WatermarkKey,
    folded: &[f32],
    list: usize,
    stage: u8,
    hypothesis: impl FnOnce() -> String,
) -> Detection {
    let mut detection = Detection {
        decodes: 1,
        ..Detection::nothing(stage)
    };
    let soft = key.soft_bits(folded);
    if !soft.iter().all(|bit| bit.is_finite()) || soft.iter().all(|&bit| bit == 0.0) {
        return detection;
    }
    let word = polar::decoded(&soft, list)
        .into_iter()
        .enumerate()
        .find_map(|(rank, path)| Some((rank, path.word, crc::checked(path.word)?)));
    if let Some((rank, word, message)) = word {
        // Pilots choose the hypothesis in stage 2, so they may not vouch for it.
        let (exponent, z) = strength(key, folded, &polar::encoded(word), stage < 2);
        detection.word = Some(ProofId::new(message));
        detection.hypothesis = hypothesis();
        detection.exponent = exponent;
        detection.z = z;
        if rank > 0 {
            detection.gate += UNLIKELY;
        }
        detection.id = (exponent >= detection.gate).then(|| ProofId::new(message));
    }
    detection
}

/// Stage 0 on folded features.
pub(super) fn direct(key: &WatermarkKey, folded: &[f32]) -> Detection {
    decided(key, folded, LIST, 0, || "as it is".to_owned())
}

/// What the detector looks at in an image as it is, for trying many keys: the features take most of the time, and
/// no key goes into them.
#[derive(Clone, Debug, PartialEq)]
pub struct Features(Vec<f32>);

impl Features {
    /// Of coded pixels, which `orientation` turns for display.
    pub fn of(image: &DynamicImage, orientation: Orientation) -> Self {
        let native = (image.width() as usize, image.height() as usize);
        if native.0 == 0 || native.1 == 0 {
            return Self(vec![0.0; SLOTS]);
        }
        let [canonical] = luma::reduced(image, [canonical_size(native)]);
        Self(folded(&canonical.displayed(orientation), FLOOR))
    }

    /// Stage 0, as [`detect`] with [`Effort::Direct`]. The bound is for each key: for n keys, n times 0.5·10⁻⁹.
    pub fn detect(&self, key: &WatermarkKey) -> Detection {
        direct(key, &self.0)
    }
}

/// Looks for a mark of this key in coded pixels, which `orientation` turns for display.
///
/// Any image of any size gives an answer. On images that do not depend on the key, the probability of an id is at
/// most 10⁻⁹, whatever the image.
pub fn detect(
    image: &DynamicImage,
    orientation: Orientation,
    key: &WatermarkKey,
    effort: Effort,
) -> Detection {
    let native = (image.width() as usize, image.height() as usize);
    if native.0 == 0 || native.1 == 0 {
        return Detection::nothing(0);
    }
    let [canonical] = luma::reduced(image, [canonical_size(native)]);
    let canonical = canonical.displayed(orientation);
    let canonical = Masked::of(&canonical);
    let found = direct(key, &canonical.folded(FLOOR));
    if found.id.is_some() || effort == Effort::Direct {
        return found;
    }
    let [luma] = luma::reduced(image, [native]);
    let luma = luma.displayed(orientation);
    let inner = trimmed(&luma);
    let mut best = better(
        found,
        cheap(key, &canonical, inner.as_ref().map(|inner| &inner.plane)),
    );
    if best.id.is_some() || effort == Effort::Cheap {
        return best;
    }
    let (searched, place) = match &inner {
        Some(inner) => (&inner.plane, inner.place),
        None => (&luma, Affine::IDENTITY),
    };
    let size = canonical_size((searched.width, searched.height));
    let mut decodes = 0;
    for rotated in [false, true] {
        if rotated && effort != Effort::SearchRotated {
            break;
        }
        for (alignment, folded) in search::hypotheses(key, searched, rotated) {
            if decodes == CAP {
                break;
            }
            decodes += 1;
            let found = decided(key, &folded, LONG_LIST, 2, || alignment.to_string());
            best = better(best, found);
            if best.id.is_some() {
                best.geometry = Some(Geometry::new(alignment, size, place));
                return best;
            }
        }
    }
    best.stage = 2;
    best
}

/// The detection with an id, or the one closer to its gate; the decodes of both count.
fn better(a: Detection, b: Detection) -> Detection {
    let decodes = a.decodes + b.decodes;
    let stage = a.stage.max(b.stage);
    let ahead = |d: &Detection| (d.id.is_some(), d.exponent / d.gate);
    let best = if ahead(&b) > ahead(&a) { b } else { a };
    Detection {
        // Where nothing was found, the stage says how far the search went.
        stage: if best.id.is_some() { best.stage } else { stage },
        decodes,
        ..best
    }
}

/// Stage 1: at most [`CAP`] feature vectors, all counted in the bound because pilots rank them.
fn cheap(key: &WatermarkKey, canonical: &Masked<'_>, inner: Option<&Plane>) -> Detection {
    let mut tried: Vec<(f32, String, Vec<f32>)> = Vec::new();
    let mut attempt = |name: String, folded: Vec<f32>| {
        if tried.len() < CAP as usize {
            tried.push((key.pilot_score(&folded), name, folded));
        }
    };
    attempt("low floor".to_owned(), canonical.folded(LOW_FLOOR));
    for orientation in (2..=8).filter_map(Orientation::from_exif) {
        attempt(format!("{orientation:?}"), canonical.turned(orientation));
    }
    for (name, size) in neighbours(canonical.plane, &[-2, -1, 1, 2]) {
        attempt(name, canonical.at(size));
    }
    for (across, down) in [
        (3, 2),
        (4, 3),
        (16, 9),
        (1, 1),
        (5, 4),
        (2, 3),
        (3, 4),
        (9, 16),
        (4, 5),
    ] {
        let size = canonical_size((across, down));
        if size != (canonical.plane.width, canonical.plane.height) {
            attempt(format!("aspect {across}:{down}"), canonical.at(size));
        }
    }
    if let Some(inner) = inner {
        let trimmed = resized(inner, canonical_size((inner.width, inner.height)));
        let base = Masked::of(&trimmed);
        attempt("trimmed".to_owned(), base.folded(FLOOR));
        attempt(
            "trimmed, mirrored".to_owned(),
            base.turned(Orientation::FlipHorizontal),
        );
        for (name, size) in neighbours(&trimmed, &[-1, 1]) {
            attempt(format!("trimmed, {name}"), base.at(size));
        }
    }
    tried.retain(|(score, ..)| *score >= LEAST_PILOTS);
    tried.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut best = Detection::nothing(1);
    for (_, name, folded) in tried.into_iter().take(DECODED) {
        best = better(best, decided(key, &folded, LONG_LIST, 1, || name));
        if best.id.is_some() {
            break;
        }
    }
    best
}

/// A canonical image with its blocks and its mask, which serves all images that are made from it.
struct Masked<'a> {
    plane: &'a Plane,
    blocks: Blocks,
    mask: Plane,
    weights: Vec<f32>,
}

impl<'a> Masked<'a> {
    fn of(plane: &'a Plane) -> Self {
        let mask = masks::texture(plane, masks::MARGIN);
        Self {
            plane,
            blocks: Blocks::of(plane),
            weights: masks::weights(&masks::by_block(&mask)),
            mask,
        }
    }

    fn folded(&self, floor: f32) -> Vec<f32> {
        self.blocks
            .folded(&self.blocks.scales(floor), &self.weights)
    }

    fn turned(&self, orientation: Orientation) -> Vec<f32> {
        let mask = self.mask.clone().displayed(orientation);
        let weights = masks::weights(&masks::by_block(&mask));
        weighted(&self.plane.clone().displayed(orientation), FLOOR, &weights)
    }

    fn at(&self, size: (usize, usize)) -> Vec<f32> {
        let blocks = |(width, height): (usize, usize)| (height / BLOCK, width / BLOCK);
        let own = blocks((self.plane.width, self.plane.height));
        let weights = masks::weights_at(&self.weights, own, blocks(size));
        weighted(&resized(self.plane, size), FLOOR, &weights)
    }
}

/// Sizes whose short side differs by a few pixels: what rounding in earlier resizes leaves.
fn neighbours(plane: &Plane, changes: &[isize]) -> Vec<(String, (usize, usize))> {
    let size = |change: isize| {
        let changed = |side: usize| side.saturating_add_signed(change).max(8);
        if plane.width >= plane.height {
            (plane.width, changed(plane.height))
        } else {
            (changed(plane.width), plane.height)
        }
    };
    changes
        .iter()
        .map(|&change| (format!("short side {change:+}"), size(change)))
        .collect()
}
