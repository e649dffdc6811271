//! Comparisons at the few places that the grid of a mark leaves.

use anyhow::Result;
use credlink_harness::clock::thread_nanos;
use credlink_sign_core::fingerprint::ContentHash;
use credlink_sign_core::sketch::Received;
use credlink_sign_core::watermark::Geometry;
use image::GenericImageView as _;
use image::metadata::Orientation::NoTransforms;
use rayon::prelude::*;

use crate::edit::{jpeg, over_white};
use crate::photographs;
use crate::source::{Source, displayed};
use crate::trial::{Proof, Trial};

/// Long side of the canonical image, and period of the grid, pixels.
const CANONICAL: f64 = 384.0;
const TILE: f64 = 128.0;

/// How a mark of one image may lie in another: whoever copies a residual chooses where.
pub(crate) fn by_chance(received: (u32, u32), name: &str) -> Geometry {
    let draw = |what: &str| photographs::number(&format!("{what} {name}")) as f64 / 2_f64.powi(64);
    Geometry::upright(
        received,
        0.5 + 0.6 * draw("scale"),
        draw("mirror") < 0.25,
        (TILE * draw("across"), TILE * draw("down")),
    )
}

/// Crops by share of the area and place, as JPEG, beside their originals. The grid is known as well as a mark is read: to a
/// third of a pixel and a thousandth of the scale.
pub(crate) fn crops(sources: &[Source]) -> Result<Vec<Trial>> {
    let trials: Vec<Vec<Trial>> = sources
        .par_iter()
        .map(|source| {
            let image = over_white(&displayed(source)?);
            let proof = Proof::of(&image);
            let (width, height) = image.dimensions();
            let mut trials = Vec::new();
            for (share, (across, down)) in [
                (0.95, (0.5, 0.5)),
                (0.9, (0.3, 0.7)),
                (0.75, (0.8, 0.2)),
                (0.5, (0.5, 0.6)),
            ] {
                let side = |pixels: u32| (f64::from(pixels) * f64::sqrt(share)).round().max(1.0);
                let (w, h) = (side(width), side(height));
                let left = (across * (f64::from(width) - w)).round();
                let top = (down * (f64::from(height) - h)).round();
                let part = image.crop_imm(left as u32, top as u32, w as u32, h as u32);
                let coded = jpeg(&part, 80)?;
                let of_long = CANONICAL / f64::from(width.max(height));
                let geometry = Geometry::upright(
                    (w as u32, h as u32),
                    w.max(h) * of_long / CANONICAL * 1.001,
                    false,
                    (-left * of_long + 0.3, -top * of_long - 0.3),
                );
                let places = geometry.placements((width, height));
                let received = Received::of(&coded, NoTransforms);
                let start = thread_nanos();
                let Some(comparison) = proof.registered.compare_at(&received, &places) else {
                    continue;
                };
                let milliseconds = (thread_nanos() - start) as f64 / 1e6;
                trials.push(Trial {
                    class: source.class.clone(),
                    what: format!("{:.0} % of the area", share * 100.0),
                    names: source.name.clone(),
                    comparison,
                    fingerprint: proof.fingerprint(&ContentHash::of(&coded, NoTransforms)),
                    milliseconds,
                    note: String::new(),
                });
            }
            Ok(trials)
        })
        .collect::<Result<_>>()?;
    Ok(trials.into_iter().flatten().collect())
}
