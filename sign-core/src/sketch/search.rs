//! Where a received image lies in the registered one, when nothing is known: every size, every orientation, every
//! place, on half the resolution of a sketch.

use image::metadata::Orientation;

use super::field::{Energy, dot};
use super::received::Received;
use super::registered::Registered;
use crate::fingerprint::SYMMETRIES;
use crate::pixels::affine::{Affine, Placement};
use crate::pixels::plane::Plane;

/// Smallest and largest size of the received image along its tighter axis, the registered one being 1: a crop to a
/// quarter of the area has 0.5, or 0.35 where it keeps its height, and what is added around is cut off before or lies along one axis.
const TIGHT: (f64, f64) = (0.34, 1.4);

/// Largest size along the other axis.
const WIDE: f64 = 3.2;

/// Smallest share of the smaller image that must lie over the other one.
const OVERLAP: f64 = 0.6;

/// Smallest share of the registered image that must be seen.
const SEEN: f64 = 0.2;

/// A place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) symmetry: Orientation,
    pub(super) level: usize,
    pub(super) map: Affine,
}

/// Places that something else than the picture says.
pub(super) fn led(
    registered: &Registered,
    received: &Received,
    places: &[Placement],
) -> Vec<Candidate> {
    let target = &registered.coarse.plane;
    let side = ((target.width * target.height) as f64).sqrt();
    let candidate = |place: &Placement| {
        // The size at which the registered image has as many pixels as its template.
        let wanted = side / place.map.scale();
        let ratio = |level: &usize| {
            let (width, height) = received.size(*level);
            (((width * height) as f64).sqrt() / wanted).ln().abs()
        };
        let level = (0..received.levels()).min_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
        Some(Candidate {
            symmetry: place.symmetry,
            level,
            map: place.map,
        })
    };
    places.iter().filter_map(candidate).collect()
}

/// The best place of each size and orientation, best first.
pub(super) fn candidates(registered: &Registered, received: &Received) -> Vec<Candidate> {
    let target = &registered.coarse.plane;
    let (width, height) = (target.width as f64, target.height as f64);
    let mut found = Vec::new();
    for level in 0..received.levels() {
        let (w, h) = received.size(level);
        let fits = |w: usize, h: usize| {
            let (x, y) = (w as f64 / width, h as f64 / height);
            (TIGHT.0..=TIGHT.1).contains(&x.min(y)) && x.max(y) <= WIDE
        };
        if !fits(w, h) && !fits(h, w) {
            continue;
        }
        for symmetry in SYMMETRIES {
            let turned = received.coarse(level).clone().displayed(symmetry);
            if !fits(turned.width, turned.height) {
                continue;
            }
            if let Some((dx, dy, score)) = best_place(target, &registered.energy, &turned) {
                let (w, h) = (turned.width as f64, turned.height as f64);
                let candidate = Candidate {
                    symmetry,
                    level,
                    map: Affine::onto(-dx as f64 / w, -dy as f64 / h, width / w, height / h),
                };
                found.push((score, candidate));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Where the received plane's first pixel lies in the registered plane, and how well the two then correlate: Fisher's transform
/// of the correlation, in standard deviations of unrelated samples.
fn best_place(target: &Plane, energy: &Energy, turned: &Plane) -> Option<(isize, isize, f32)> {
    let own = Energy::of(turned);
    let (width, height) = (target.width as isize, target.height as isize);
    let (w, h) = (turned.width as isize, turned.height as isize);
    let least = (OVERLAP * (width * height).min(w * h) as f64).max(SEEN * (width * height) as f64);
    let mut best: Option<(isize, isize, f32)> = None;
    for dy in 1 - h..height {
        let (top, bottom) = (dy.max(0), (dy + h).min(height));
        if ((bottom - top) * width.min(w)) as f64 <= least {
            continue;
        }
        for dx in 1 - w..width {
            let (left, right) = (dx.max(0), (dx + w).min(width));
            let area = (bottom - top) * (right - left);
            if (area as f64) < least {
                continue;
            }
            let [l, t, r, b] = [left, top, right, bottom].map(|v| v as usize);
            let [ol, ot, or, ob] =
                [left - dx, top - dy, right - dx, bottom - dy].map(|v| v as usize);
            let norm = energy.over(l, t, r, b) * own.over(ol, ot, or, ob);
            let mut sum = 0.0;
            for (y, oy) in (t..b).zip(ot..ob) {
                sum += dot(&target.row(y)[l..r], &turned.row(oy)[ol..or]);
            }
            // A trace of energy, so that two flat planes do not correlate.
            let correlation = sum / (norm.sqrt() + 1.0) as f32;
            let score = correlation.clamp(0.0, 0.999).atanh() * (area as f32).sqrt();
            if best.is_none_or(|(.., held)| score > held) {
                best = Some((dx, dy, score));
            }
        }
    }
    best
}
