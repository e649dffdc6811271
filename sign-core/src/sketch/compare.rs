//! Aligning, comparing, judging.

use image::metadata::Orientation;

use super::agreement::{AgreementMap, agreement};
use super::field::{averaged, detail, dot, normalised, warped};
use super::received::{COARSE_RADIUS, FINE_RADIUS, Received, SQUARE, STEPS_PER_OCTAVE};
use super::refine::STEPS;
use super::registered::Registered;
use super::search::{Candidate, candidates, led};
use super::shade::Shades;
use super::shading;
use crate::fingerprint::SYMMETRIES;
use crate::pixels::affine::{Affine, Placement};
use crate::pixels::canonical::resized;
use crate::pixels::plane::Plane;

/// Similarity from which the cheaper alignments are final: nothing is gained by looking further.
const CERTAIN: f32 = 0.9;

/// Similarity from which the content is the same: by cells that fix the place, in between linear. Edge to edge there is
/// one place to agree at; what shares frames and axes comes nearest, charts to 0.79 with 37 such cells.
const SAME_FROM: [(f32, f32); 3] = [(0.0, 0.84), (40.0, 0.80), (100.0, 0.75)];

/// The same where the place was searched for, since the best of some 100,000 places agrees by chance better than any
/// one: storeys of two facades reach 0.83 with 60 such cells.
const SEARCHED_SAME_FROM: [(f32, f32); 3] = [(0.0, 0.94), (40.0, 0.88), (100.0, 0.86)];

/// The same where the grid of a mark leaves a few places. Of 100,000 pairs of one class at places by chance (`led`, seed
/// 77) the nearest reaches 0.80 with fewer than 16 such cells, 0.79 with up to 30, and 0.72 with more.
const LED_SAME_FROM: [(f32, f32); 3] = [(0.0, 0.87), (40.0, 0.82), (100.0, 0.77)];

/// By how much more has to agree where lines along the border were set aside, times the share of the textured cells
/// in them: windows of one layout differ in their side bars, and would be the same without them.
const SET_ASIDE: f32 = 0.5;

/// Cells that fix the place, and share of the registered image, that must then be seen.
const LEAST_CORNERS: f32 = 16.0;
const LEAST_CORNERS_LED: f32 = 8.0;
const LEAST_COVERAGE: f32 = 0.15;

/// The same at the place that points name: one place, of something that knows nothing of the sketch. It then has to agree as edge to
/// edge, and what is set aside, the caption or the rest of a collage, costs nothing. Of 318 wrong proofs through the gate of the
/// points none agrees so, of 6,924 right ones 94 %.
const LEAST_CORNERS_POINTED: f32 = 25.0;
const LEAST_COVERAGE_POINTED: f32 = 0.1;

/// Textured cells without which nothing is said.
const LEAST_EVIDENCE: f32 = 18.0;

/// Connected differing cells, as a share of those seen and as a number, from which the content is altered. Less will
/// do where they do not touch the border, at which alignment, captions and frames leave differences of their own.
const ALTERED_FROM: (f32, usize) = (0.075, 6);
const ALTERED_INSIDE_FROM: (f32, usize) = (0.03, 5);

/// Local difference above which a part of a picture that is otherwise the same was probably changed. Of 180 copies of
/// photographs after three services, 3 (of one photograph) lie above it, of 635 locally edited ones 581
/// (`alteration --photos`, seed 21).
const NOTICED_FROM: f32 = 0.15;

/// How far the shading must follow the registered one: less is another picture with this one's detail laid over it. Of 2,318 copies
/// of photographs 99 % have 0.9 and more; those with less than 0.8 have a caption across them, down to 0.65, but for one with
/// transparent pixels, which shows another page behind it (`sketch true --photos`).
const SHADED_FROM: f32 = 0.6;

/// Share under a bar above which something was changed: less than one line of cells may be an edge that was resampled.
const COVERED_NOTICED_FROM: f32 = 0.05;

/// Largest radius of a neighbourhood in the received plane, pixels: that of the part of 0.35 of a side.
const MOST_RADIUS: usize = 32;

/// Places of the search that are refined at half resolution, and how many of them at full resolution.
const REFINED: (usize, usize) = (8, 3);

/// How the alignment was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Edge to edge, but for a slight turn or shift.
    Direct,
    /// The same within uniform borders.
    Trimmed,
    /// Among the few places that something else says, e.g. the grid of a mark.
    Led,
    /// At the place that points name.
    Pointed,
    /// Searched for.
    Searched,
}

/// What lines that were set aside along the border cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bars {
    /// Nothing: at a place that something else names they are a caption, or the rest of a collage.
    Free,
    /// As much as elsewhere: the same place is looked at once more, as another viewer shows it, where nothing new covers it.
    Priced,
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The registered image, or a part of it.
    Same,
    /// No texture, and the shades of the registered image all over. Fine strokes do not show in them, so that something
    /// else has to agree, too.
    Plain,
    /// The registered image with a part of its content replaced.
    Altered,
    /// Another image.
    Different,
    /// Too little in the pixels to tell: neither texture, nor shades that agree everywhere.
    Featureless,
}

/// A received image beside a registered one.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Agreement over the textured cells that are seen and not under a bar along the border, 0 to 1.
    pub similarity: f32,
    /// Share of the registered image that is seen, 0 to 1: what a bar along the border covers is not.
    pub coverage: f32,
    /// Share of the registered image in whose place a bar along the border shows something else, 0 to 1.
    pub covered: f32,
    /// Textured cells that the similarity rests on.
    pub evidence: f32,
    /// Cells among them that fix the place.
    pub corners: f32,
    /// Largest connected region that differs, as a share of what is seen, 0 to 1.
    pub largest_difference: f32,
    /// Largest difference over two by two cells, 0 to 1, of what is not under a bar along the border.
    pub local_difference: f32,
    /// Where that is: from left and top of the registered image, 0 to 1.
    pub local_difference_at: [f32; 2],
    /// Cell by cell.
    pub map: AgreementMap,
    /// How the received image has to be turned to lie like the registered one.
    pub symmetry: Orientation,
    /// Where the registered image lies in the received one, once that is turned.
    pub alignment: Affine,
    /// How the alignment was found.
    pub path: Path,
    /// Similarity from which this place would show the same content.
    pub same_from: f32,
    /// How well light and dark lie where the registered image has them, 0 to 1; `None` where that was not asked, or too little of
    /// it is seen.
    pub shading: Option<f32>,
    /// The shades of both, where there is too little texture to compare.
    pub shades: Option<Shades>,
    /// What follows.
    pub verdict: Likeness,
}

impl Comparison {
    /// Whether something else is shown along the border in the place of a part of the registered image.
    pub fn is_covered(&self) -> bool {
        self.covered > COVERED_NOTICED_FROM
    }

    /// Whether something was probably changed. The opposite is never shown: what is smaller than a cell does not show.
    pub fn is_change_noticed(&self) -> bool {
        match self.verdict {
            Likeness::Altered | Likeness::Different => true,
            Likeness::Same => self.local_difference > NOTICED_FROM || self.is_covered(),
            Likeness::Plain | Likeness::Featureless => false,
        }
    }
}

impl Registered {
    /// Aligns a received image and compares it.
    pub fn compare(&self, received: &Received) -> Comparison {
        let mut best = self.direct(&received.plane, &Affine::IDENTITY, Path::Direct);
        let is_textured = best.evidence >= LEAST_EVIDENCE;
        if best.verdict == Likeness::Featureless {
            let shades = Shades::of(&self.coded, &received.plane);
            best.shades = Some(shades);
            if shades.agree() {
                best.verdict = Likeness::Plain;
                return best;
            }
        }
        let shades = best.shades;
        if best.similarity < CERTAIN
            && let Some((left, top, width, height)) = received.trimmed()
        {
            let inner = received.plane.cropped(left, top, width, height);
            let (w, h) = (received.plane.width as f64, received.plane.height as f64);
            let base = Affine::onto(
                left as f64 / w,
                top as f64 / h,
                width as f64 / w,
                height as f64 / h,
            );
            best = better(best, self.direct(&inner, &base, Path::Trimmed));
        }
        if best.similarity < CERTAIN
            && let Some(found) = self.searched(received)
        {
            best = better(best, found);
        }
        // The best place may show little of images that have much.
        if best.verdict == Likeness::Featureless && is_textured {
            best.verdict = Likeness::Different;
        }
        best.shades = shades;
        self.shaded(received, best)
    }

    /// The same, if light and dark lie as they do in the registered image, too.
    pub(super) fn shaded(&self, received: &Received, found: Comparison) -> Comparison {
        if !matches!(found.verdict, Likeness::Same | Likeness::Altered) {
            return found;
        }
        let turned = received.plane.clone().displayed(found.symmetry);
        let seen = found.map.without_bars();
        let shading = shading::agreement(&self.means, &turned, &found.alignment, &seen);
        let verdict = match shading {
            Some(shading) if shading < SHADED_FROM => Likeness::Different,
            _ => found.verdict,
        };
        Comparison {
            shading,
            verdict,
            ..found
        }
    }

    /// Edge to edge with `inner`, which lies at `base` in the received image.
    fn direct(&self, inner: &Plane, base: &Affine, path: Path) -> Comparison {
        let square = normalised(&resized(inner, (SQUARE, SQUARE)), COARSE_RADIUS);
        let norm = (square.mean_square() * self.square.mean_square()).sqrt() as f32;
        let correlated = |symmetry: &Orientation| {
            let turned = square.clone().displayed(*symmetry);
            dot(&turned.data, &self.square.data) / (norm * (SQUARE * SQUARE) as f32 + 1.0)
        };
        let mut symmetry = (Orientation::NoTransforms, f32::MIN);
        for candidate in SYMMETRIES {
            let correlation = correlated(&candidate);
            if correlation > symmetry.1 {
                symmetry = (candidate, correlation);
            }
        }
        let symmetry = symmetry.0;
        let turned = inner.clone().displayed(symmetry);
        let size = (self.detail.width, self.detail.height);
        let plane = resized(&turned, size);
        let details = detail(&plane, FINE_RADIUS);
        let straight = self.scored(&details, &Affine::IDENTITY);
        let (map, agreement) = if straight.similarity().0 >= CERTAIN {
            (Affine::IDENTITY, straight)
        } else {
            let coarse = &self.coarse.plane;
            let small = normalised(
                &resized(&turned, (coarse.width, coarse.height)),
                COARSE_RADIUS,
            );
            let map = self.coarse.refined(&small, &Affine::IDENTITY, STEPS.0);
            let map = if is_slight(&map) {
                map
            } else {
                Affine::IDENTITY
            };
            let map = self
                .fine
                .refined(&normalised(&plane, FINE_RADIUS), &map, STEPS.1);
            let refined = self.finely_scored(&turned, &map);
            if is_slight(&map) && refined.similarity().0 > straight.similarity().0 {
                (map, refined)
            } else {
                (Affine::IDENTITY, straight)
            }
        };
        // The map leads into the turned inner part; the borders turn with it.
        let base = turned_base(base, symmetry);
        comparison(agreement, symmetry, base.after(&map), (path, Bars::Priced))
    }

    /// At places that something else says; `None` where there are none.
    pub fn compare_at(&self, received: &Received, places: &[Placement]) -> Option<Comparison> {
        let places = led(self, received, places);
        let found = self.best_of(received, places.into_iter(), Path::Led);
        found.map(|found| self.shaded(received, found))
    }

    /// Anywhere.
    fn searched(&self, received: &Received) -> Option<Comparison> {
        let places = candidates(self, received).into_iter().take(REFINED.0);
        self.best_of(received, places, Path::Searched)
    }

    /// The best of some places, each made better as far as it goes.
    fn best_of(
        &self,
        received: &Received,
        places: impl Iterator<Item = Candidate>,
        path: Path,
    ) -> Option<Comparison> {
        let mut refined: Vec<_> = places
            .map(|candidate| {
                let turned = received
                    .coarse(candidate.level)
                    .clone()
                    .displayed(candidate.symmetry);
                let map = self.coarse.refined(&turned, &candidate.map, STEPS.0);
                let map = if is_near(&map, &candidate.map) {
                    map
                } else {
                    candidate.map
                };
                (self.coarse.agreement(&turned, &map), candidate, map)
            })
            .collect();
        refined.sort_by(|a, b| b.0.total_cmp(&a.0));
        refined
            .into_iter()
            .take(REFINED.1)
            .map(|(_, candidate, start)| {
                let level = candidate.level.saturating_sub(STEPS_PER_OCTAVE);
                let turned = |plane: &Plane| plane.clone().displayed(candidate.symmetry);
                let map = self
                    .fine
                    .refined(&turned(received.fine(level)), &start, STEPS.1);
                let map = if is_near(&map, &start) { map } else { start };
                let agreement = self.finely_scored(&turned(&received.plane), &map);
                comparison(agreement, candidate.symmetry, map, (path, Bars::Priced))
            })
            .reduce(better)
    }

    fn scored(&self, detail: &Plane, map: &Affine) -> AgreementMap {
        let size = (self.detail.width, self.detail.height);
        let map = map.in_pixels(size, (detail.width, detail.height));
        agreement(&self.detail, &warped(detail, &map, size))
    }

    /// The same from all pixels that were kept of the received image: each sample of the sketch is compared with the
    /// mean over its own area, as it was made, so that fine structure agrees wherever its pixels happen to lie.
    pub(super) fn finely_scored(&self, plane: &Plane, map: &Affine) -> AgreementMap {
        let size = (self.detail.width, self.detail.height);
        let scale = map.in_pixels(size, (plane.width, plane.height)).scale();
        // As wide a neighbourhood as that of the sketch.
        let radius = (FINE_RADIUS as f64 + 0.5) * scale - 0.5;
        let detail = detail(plane, (radius.round() as usize).clamp(1, MOST_RADIUS));
        agreement(&self.detail, &averaged(&detail, map, size, scale))
    }
}

/// The rectangle that a base maps onto, turned with the image.
fn turned_base(base: &Affine, symmetry: Orientation) -> Affine {
    let [[width, _, left], [_, height, top]] = base.rows;
    let (right, bottom) = (1.0 - left - width, 1.0 - top - height);
    match symmetry {
        Orientation::NoTransforms => *base,
        Orientation::FlipHorizontal => Affine::onto(right, top, width, height),
        Orientation::FlipVertical => Affine::onto(left, bottom, width, height),
        Orientation::Rotate180 => Affine::onto(right, bottom, width, height),
        Orientation::Rotate90 => Affine::onto(bottom, left, height, width),
        Orientation::Rotate270 => Affine::onto(top, right, height, width),
        Orientation::Rotate90FlipH => Affine::onto(top, left, height, width),
        Orientation::Rotate270FlipH => Affine::onto(bottom, right, height, width),
    }
}

/// Whether the corners stay within a tenth of the image.
fn is_slight(map: &Affine) -> bool {
    within(map, &Affine::IDENTITY, 0.1)
}

/// Whether refining has stayed at the place that was found.
pub(super) fn is_near(map: &Affine, start: &Affine) -> bool {
    let [[a, ..], [_, e, _]] = start.rows;
    within(map, start, 0.12 * a.abs().max(e.abs()))
}

fn within(map: &Affine, other: &Affine, reach: f64) -> bool {
    [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
        .into_iter()
        .all(|(x, y)| {
            let ((a, b), (c, d)) = (map.apply(x, y), other.apply(x, y));
            (a - c).abs() <= reach && (b - d).abs() <= reach
        })
}

/// The one that is further above, or less below, what its place asks for.
fn better(a: Comparison, b: Comparison) -> Comparison {
    if b.similarity - b.same_from > a.similarity - a.same_from {
        b
    } else {
        a
    }
}

pub(super) fn comparison(
    map: AgreementMap,
    symmetry: Orientation,
    alignment: Affine,
    (path, bars): (Path, Bars),
) -> Comparison {
    let bare = map.without_bars();
    let covered = map.covered(&bare);
    let (similarity, evidence) = bare.similarity();
    let (region, inner) = bare.largest_differences();
    let (local_difference, local_difference_at) = bare.largest_local_difference();
    let seen = bare.seen().max(1) as f32;
    let largest_difference = region as f32 / seen;
    let is_large =
        |cells: usize, (share, least): (f32, usize)| cells >= least && cells as f32 / seen > share;
    let altered = is_large(region, ALTERED_FROM) || is_large(inner, ALTERED_INSIDE_FROM);
    let corners = bare.corners();
    let (_, whole) = map.similarity();
    let set_aside = 1.0 - evidence / whole.max(evidence).max(1.0);
    let least = match path {
        Path::Direct | Path::Trimmed => None,
        Path::Led => Some((LEAST_CORNERS_LED, LEAST_COVERAGE)),
        Path::Pointed => Some((LEAST_CORNERS_POINTED, LEAST_COVERAGE_POINTED)),
        Path::Searched => Some((LEAST_CORNERS, LEAST_COVERAGE)),
    };
    let place_is_clear = least.is_none_or(|least| corners >= least.0 && bare.coverage() >= least.1);
    let price = match bars {
        Bars::Free => 0.0,
        Bars::Priced => SET_ASIDE * set_aside,
    };
    let same_from = same_from(path, corners) + price;
    let is_same = similarity >= same_from && place_is_clear;
    let verdict = if evidence < LEAST_EVIDENCE {
        Likeness::Featureless
    } else if !is_same {
        Likeness::Different
    } else if altered {
        Likeness::Altered
    } else {
        Likeness::Same
    };
    Comparison {
        similarity,
        coverage: (map.coverage() - covered).max(0.0),
        covered,
        evidence,
        corners,
        largest_difference,
        local_difference,
        local_difference_at,
        map,
        symmetry,
        alignment,
        path,
        same_from,
        shading: None,
        shades: None,
        verdict,
    }
}

/// Similarity from which the content is the same where nothing was set aside.
fn same_from(path: Path, corners: f32) -> f32 {
    let [(c0, s0), (c1, s1), (c2, s2)] = match path {
        Path::Direct | Path::Trimmed | Path::Pointed => SAME_FROM,
        Path::Led => LED_SAME_FROM,
        Path::Searched => SEARCHED_SAME_FROM,
    };
    let between = |from: (f32, f32), to: (f32, f32)| {
        let at = ((corners - from.0) / (to.0 - from.0)).clamp(0.0, 1.0);
        from.1 + at * (to.1 - from.1)
    };
    if corners < c1 {
        between((c0, s0), (c1, s1))
    } else {
        between((c1, s1), (c2, s2))
    }
}
